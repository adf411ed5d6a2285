//! What is to be sent, and where: an order is thought out once, and every bound is asked of it.

use super::recipient::Recipient;
use super::way::Begin;
use crate::base::{KnownDeviceId, Millis, Purpose, Scope, SessionId, UserId};

/// What is to be sent, and where.
#[derive(Clone, Debug)]
pub struct Order {
    /// What the code is for.
    pub purpose: Purpose,
    /// What its code belongs to.
    pub scope: Scope,
    /// When what it belongs to ends: no code is promised for longer.
    pub ends: Millis,
    /// Whether its code is shaped alike on every channel: whoever asks must not learn by which one it goes (R15).
    pub plain: bool,
    /// The target within the scope.
    pub target: String,
    /// Where it goes, and how.
    pub to: Recipient,
    /// Whether a code leaves, a notice instead, or nothing at all.
    pub parcel: Parcel,
    /// Whether a notice leaves in place of a code where the address is taken, at most one a day (R17): whatever is due, both
    /// are rendered and its limit is asked for, so that how long it takes does not tell which it is (R16).
    pub or_notice: bool,
    /// Whether only a long code is safe now (R37).
    pub long: bool,
    /// Whose account it is about, or is to be.
    pub user: Option<UserId>,
    /// By what the guesses at its code are counted; what is about nobody is noted under that.
    pub subject: String,
    /// What the account or the caller is called in the message.
    pub account: Option<String>,
    /// The language that the profile of who reads the message wishes for.
    pub language: Option<String>,
    /// Whose window a client is told of.
    pub counted: Counted,
    /// The known device of the account that asks: it is counted apart from everybody.
    pub known: Option<KnownDeviceId>,
    /// Whether a code that went to that address was shown at that device before.
    pub has_shown: bool,
    /// The session that asks, or that its device is added in.
    pub session: Option<SessionId>,
    /// By what a rest after a dead code is counted; none where there is none.
    pub rests_by: Option<String>,
    /// What its mail opens to whoever reads it, beside the attempt; none where the code is good for that alone.
    pub way: Option<Begin>,
}

impl Order {
    /// A code of `purpose` to `to`, in a scope until `ends`, for whom nobody is named yet: counted by the `subject`, and
    /// told in silence.
    pub fn new(purpose: Purpose, (scope, target): (Scope, String), ends: Millis, to: Recipient) -> Self {
        Self {
            purpose,
            scope,
            ends,
            plain: false,
            target,
            to,
            parcel: Parcel::Code,
            or_notice: false,
            long: false,
            user: None,
            subject: String::new(),
            account: None,
            language: None,
            counted: Counted::Silently,
            known: None,
            has_shown: false,
            session: None,
            rests_by: None,
            way: None,
        }
    }
}

/// What leaves for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parcel {
    /// The code.
    Code,
    /// The notice that somebody tried to sign up with this address (R17).
    Notice,
    /// A message to nobody.
    Nothing,
    /// The same, because whoever would be sent it had enough: what was sent before stays good.
    Held,
}

/// What a full window means for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Whoever asks for it is told to come back.
    Refuse,
    /// It goes to nobody, and nobody is told: that would tell whether there is a number.
    Drop,
    /// Nobody asked for it: it tells an owner what happened. Beside limits in money it is bounded as codes are, in
    /// windows of notices alone: neither takes messages from the other. Where those are full it is dropped.
    DropNotice,
    /// It is sent to nobody whatever happens: it has a fixed code.
    NotCounted,
}

/// Whose window a client is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The attempt's: whoever asks has proven nothing. The address had its share in silence.
    Silently,
    /// That of an account, or of whoever asks by a key, at this address.
    Openly(String),
}
