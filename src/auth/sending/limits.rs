//! What bounds sending: rates by address, client and block of numbers, the countries that are served, money, and
//! the conversion of a prefix (R44–R47).
//!
//! Each use of an address has windows of its own, so that one never takes from another: what strangers begin takes
//! nothing from codes that follow a proven secret. Whoever has proven nothing is told of their own attempt's window
//! alone. That of the address is asked in silence: it would tell how many codes were sent there lately (R15), and
//! whoever reads the mailbox has a way in by each of them.

use super::budget::{self, Part};
use super::counted::{ADDED, block_of, of_key};
use super::order::{Counted, Order, Parcel, WhenFull};
use super::{conversion, mutes};
use crate::app::App;
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::base::{Purpose, UserId};
use crate::messages::Channel;
use crate::throttle::{Keys, Limited};

/// What may leave of an order, and out of which part of what is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leave {
    /// What leaves.
    pub parcel: Parcel,
    /// Out of which part.
    pub part: Part,
}

/// What may leave of an order now.
///
/// # Errors
/// [`AuthError::TooMany`] where the attempt, the network or the installation had enough messages.
pub async fn limit(app: &App, client: &Client, order: &Order) -> Result<Leave> {
    if order.to.fixed_code(app).is_some() {
        // It is sent to nobody.
        return Ok(Leave { parcel: order.parcel, part: Part::Common });
    }
    let uses = order.uses(app);
    let told = match &order.counted {
        Counted::Silently => app.subject(&["sends of", &order.scope.to_string(), &order.target]),
        Counted::Openly(whose) => app.subject(&["sends to", &uses, whose]),
    };
    let keys = order.network(client);
    let keys = Keys { address: Some(&told), ..keys };
    app.throttle.peek("send", app.now(), &keys).await?;
    let by_phone = limit_phone(app, order, &keys).await;
    let part = match by_phone {
        Ok(part) => part,
        // By which channel it goes is told to nobody, so neither is that none is left.
        Err(_) if order.plain => Part::None,
        Err(error) => return Err(error),
    };
    app.throttle.check("send", app.now(), &keys).await?;
    let held = part == Part::None || is_held(app, client, order, &uses).await?;
    let parcel = if held { Parcel::Held } else { order.parcel };
    Ok(Leave {
        parcel: if order.or_notice { noticed(app, parcel, &order.to.counted).await } else { parcel },
        part,
    })
}

/// What leaves where a notice may be due: nothing in its place where its reader had one today (R17).
async fn noticed(app: &App, parcel: Parcel, address: &str) -> Parcel {
    let address = app.subject(&["notice", address]);
    let keys = Keys { address: Some(&address), ..Keys::default() };
    let due = parcel == Parcel::Notice;
    let asked = if due {
        app.throttle.check("notice", app.now(), &keys).await
    } else {
        app.throttle.peek("notice", app.now(), &keys).await
    };
    if due && asked.is_err() { Parcel::Nothing } else { parcel }
}

/// Whether the address has had enough, or its reader wants none of it now. Whoever has proven nothing is not told.
async fn is_held(app: &App, client: &Client, order: &Order, uses: &str) -> Result<bool> {
    let by_phone = order.to.is_by_phone();
    if order.is_told() {
        if by_phone {
            app.throttle
                .check("send_phone", app.now(), &order.of_address(client, uses, &order.block(app)))
                .await?;
        }
        return Ok(false);
    }
    let why = if by_phone {
        had_enough(app, client, order, uses).await
    } else {
        mailbox_had_enough(app, client, order, uses).await?
    };
    if let Some(action) = why {
        let (purpose, channel) = (order.purpose.name(), order.to.channel.name());
        tracing::info!(action, purpose, channel, "a code is not sent: its address had enough");
    }
    Ok(why.is_some())
}

/// Why a mailbox is sent nothing now, where it is not. Whoever showed on the page of an earlier mail that they wait is
/// sent one all the same.
async fn mailbox_had_enough(
    app: &App,
    client: &Client,
    order: &Order,
    uses: &str,
) -> Result<Option<&'static str>> {
    let inside = order.session.is_some() && order.purpose != Purpose::Device;
    let stranger = order.known.is_none() && !inside;
    // What is muted takes nothing of the address.
    let why = if stranger && mutes::is_muted(app, &order.to.address).await? {
        Some("muted by its reader")
    } else {
        had_enough(app, client, order, uses).await
    };
    let spared = why.is_some() && stranger && mutes::is_awaited(app, client, &order.to.address).await?;
    Ok(why.filter(|_| !spared))
}

/// Why an address is sent nothing now, where it is not. Where no message of others leads its owner on, one more goes
/// there each two hours beyond its share, to a network that had none today.
async fn had_enough(app: &App, client: &Client, order: &Order, uses: &str) -> Option<&'static str> {
    let full = by_address(app, client, order, uses).await.err();
    let spared = order.may_be_beyond();
    match full {
        Some(_) if spared && is_beyond(app, client, uses).await => {}
        Some(full) => return Some(full.action),
        // Noted, so that this network has had its one today.
        None if spared => drop(is_new(app, client, uses).await),
        None => {}
    }
    None
}

async fn by_address(
    app: &App,
    client: &Client,
    order: &Order,
    uses: &str,
) -> std::result::Result<(), Limited> {
    let block = order.block(app);
    let keys = order.of_address(client, uses, &block);
    app.throttle.check("send", app.now(), &keys).await?;
    if order.to.is_by_phone() {
        app.throttle.check("send_phone", app.now(), &keys).await?;
    }
    Ok(())
}

/// Whether an address is sent one more all the same.
async fn is_beyond(app: &App, client: &Client, uses: &str) -> bool {
    let keys = Keys { address: Some(uses), from: Some(client.ip), ..Keys::default() };
    app.throttle.peek("send_beyond", app.now(), &keys).await.is_ok()
        && is_new(app, client, uses).await
        && app.throttle.check("send_beyond", app.now(), &keys).await.is_ok()
}

/// Whether a network is sent its first code of today for an address; from now on it had one.
async fn is_new(app: &App, client: &Client, uses: &str) -> bool {
    let pair = app.subject(&["network", uses, &client.place()]);
    let keys = Keys { identifier: Some(&pair), from: Some(client.ip), ..Keys::default() };
    app.throttle.check("send_beyond", app.now(), &keys).await.is_ok()
}

async fn limit_phone(app: &App, order: &Order, keys: &Keys<'_>) -> Result<Part> {
    if !order.to.is_by_phone() {
        return Ok(Part::Common);
    }
    if !order.to.is_texted(app) {
        return Err(AuthError::TooMany { retry_after: 60 });
    }
    let part = match common(app, order).await {
        Err(AuthError::TooMany { .. }) if is_spared(app, order).await => {
            budget::peek(app, &order.to, Part::Whole).await?;
            Part::Whole
        }
        other => other.map(|()| Part::Common)?,
    };
    // Others of its rates, such as by client, where the operator has set some.
    app.throttle.check("send_phone", app.now(), &Keys { address: None, ..*keys }).await?;
    Ok(part)
}

/// What is left for everybody.
async fn common(app: &App, order: &Order) -> Result<()> {
    budget::peek(app, &order.to, Part::Common).await?;
    conversion::check(app, &order.to.address).await
}

/// Whether an order may take from what is kept for those who have shown something: each account and each key a little
/// of it.
async fn is_spared(app: &App, order: &Order) -> bool {
    let Some(whose) = order.shown_by() else { return false };
    let keys = Keys { account: Some(&whose), apart: true, ..Keys::default() };
    app.throttle.check("reserve", app.now(), &keys).await.is_ok()
}

/// What it means for an order that no message may leave. A notice may be longer than the code in whose place it leaves,
/// and cost more.
pub fn when_full(order: &Order) -> WhenFull {
    let silent = order.counted == Counted::Silently || order.parcel == Parcel::Notice;
    if silent { WhenFull::Drop } else { WhenFull::Refuse }
}

impl Order {
    /// Whether whoever asks has shown something, a right secret or the account's own device, and the code goes to an
    /// address of that account. One that is only being added is nobody's yet.
    pub fn is_trusted(&self) -> bool {
        let proven = self.user.is_some() && self.counted != Counted::Silently;
        self.purpose != Purpose::Device && (self.known.is_some() || (proven && self.purpose.is_at_account()))
    }

    /// The windows of its address, and of the block of numbers around it; those of its client were asked before.
    fn of_address<'a>(&self, client: &Client, uses: &'a str, block: &'a str) -> Keys<'a> {
        let (address, block) = (Some(uses), Some(block));
        let (apart, from) = (self.is_trusted(), Some(client.ip));
        Keys { address, block, apart, from, again: true, ..Keys::default() }
    }

    /// Who has shown something: the account, or whoever asks by a key. A key is the operator's, and stands for all who
    /// come to its backend: what it asks for is bounded like what an account does, and not counted apart.
    fn shown_by(&self) -> Option<String> {
        match &self.counted {
            Counted::Openly(key) if self.purpose == Purpose::Verification => Some(of_key(key)),
            _ => self.user.as_ref().filter(|_| self.is_trusted()).map(UserId::to_string),
        }
    }

    /// The block of numbers that it is counted in. Who has shown something has one of their own.
    fn block(&self, app: &App) -> String {
        let whose = self.shown_by();
        let added = if self.purpose == Purpose::Device { ADDED } else { "" };
        block_of(app, &self.to.address, whose.as_deref().unwrap_or(added))
    }

    /// Whether one more may go beyond what its address may be sent. Of phones only to confirmed numbers of accounts,
    /// for a text has no link that leads its reader on; and not to what anybody may have named, as texts to a block of
    /// numbers earn somebody money (R45). Of mails those that add an address to an account: their link leads into the
    /// account of whoever asked, so that those of others are none for its owner.
    fn may_be_beyond(&self) -> bool {
        match self.purpose {
            Purpose::Signin | Purpose::Recovery | Purpose::Unlock => self.to.is_by_phone(),
            Purpose::Device => self.to.channel == Channel::Email,
            _ => false,
        }
    }

    /// Whether whoever asks is told that the address had enough: where it is theirs. One that is only being added to an
    /// account may be anybody's.
    fn is_told(&self) -> bool {
        self.counted != Counted::Silently && self.purpose != Purpose::Device
    }

    /// The windows of its client. A backend asks for all who come to it, from one address: its key bounds it. A
    /// session that proves again who it is has its own, as a known device has; one that adds an address, which may be
    /// anybody's, shares those of everybody who has shown something.
    fn network<'a>(&'a self, client: &'a Client) -> Keys<'a> {
        if self.purpose == Purpose::Verification {
            return Keys { from: Some(client.ip), ..Keys::default() };
        }
        let session = self.session.as_deref().filter(|_| self.purpose != Purpose::Device);
        let apart = self.is_trusted() || self.session.is_some();
        Keys { known: self.known.as_deref().or(session), apart, ..client.keys() }
    }

    /// The address, for this use of it: to sign in before anything is proven, after, to recover, to confirm. What
    /// strangers begin takes nothing from what somebody goes on with.
    fn uses(&self, app: &App) -> String {
        let proven = if self.counted == Counted::Silently { "" } else { "proven" };
        // Anybody who passes a flow has as many known devices as they like: those of an account share what an address
        // may be sent, apart from those where a code that went there was shown before.
        let known = match &self.known {
            Some(_) if self.has_shown => "shown",
            Some(_) => "known",
            None => "",
        };
        app.subject(&["address", &self.to.counted, self.purpose.name(), proven, known])
    }
}
