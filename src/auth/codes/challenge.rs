//! Challenges: codes that were sent, as they are kept.

use crate::app::App;
use crate::auth::error::Result;
use crate::auth::guesses::Bound;
use crate::base::clock::seconds_until;
use crate::base::{Millis, Purpose, Scope};
use crate::store::Db;
use crate::store::challenges::{self, Challenge};

/// How guesses at a challenge are bounded. A long code is what is sent once short ones are not safe: whatever was
/// guessed before, it is looked at (R37).
pub fn bound(challenge: Option<&Challenge>) -> Bound {
    match challenge {
        Some(challenge) if challenge.code_length >= LONG => Bound::Long,
        // It has a number of guesses of its own, for who has the link.
        Some(challenge) if matches!(challenge.scope, Scope::Muted(_)) => Bound::Long,
        Some(challenge) if challenge.purpose == Purpose::Verification => Bound::Asked,
        _ => Bound::Sent,
    }
}

/// What a stored code is bound to (R5): its scope and target.
pub fn place(scope: &Scope, target: &str) -> String {
    format!("{scope}\n{target}")
}

/// Whether a challenge can still be answered.
pub fn alive(challenge: &Challenge, now: Millis) -> bool {
    challenge.spent_at.is_none() && challenge.expires_at > now && challenge.guesses < challenge.max_guesses
}

/// Seconds until a challenge may be sent again; `plain` where the channel is told to nobody, and so no wait of its own.
pub fn resend_in(app: &App, challenge: &Challenge, plain: bool) -> u64 {
    let purpose = challenge.purpose.shape();
    let channel = if plain { "" } else { challenge.channel.name() };
    let resend = app.settings.passcode.for_channel(channel, purpose).resend.millis();
    let now = app.now();
    seconds_until(now, challenge.sent_at.min(now) + resend)
}

/// [`latest`] of the challenges of a scope that were read already.
pub fn last<'c>(all: &'c [Challenge], target: Option<&str>, now: Millis) -> Option<&'c Challenge> {
    let any = |c: &Challenge| c.purpose != Purpose::Unlock;
    let named = || all.iter().filter(|c| target.map_or(any(c), |target| target == c.target));
    named().find(|c| alive(c, now)).or_else(|| named().next())
}

/// The challenge of a scope that was sent last, for the target that was named or for any; one that can still be
/// answered before any other.
pub async fn latest(
    db: &mut impl Db,
    scope: &Scope,
    target: Option<&str>,
    now: Millis,
) -> Result<Option<Challenge>> {
    Ok(last(&challenges::in_scope(db, scope).await?, target, now).cloned())
}

/// A code longer than any that a person is asked to guess at.
pub(super) const LONG: i64 = 13;
