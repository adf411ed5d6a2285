//! Looking at a code that was typed: the guess is taken first, and a right code is spent.

use crate::app::App;
use crate::auth::codes::challenge::{bound, place};
use crate::auth::codes::rest;
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::Subject;
use crate::base::{Millis, Purpose, Sensitive, UserId};
use crate::events::{Event, NewEvent};
use crate::messages::Channel;
use crate::secrets::passcode;
use crate::store::challenges::{self, Challenge};
use crate::store::guesses::Guesses;
use crate::store::{self, Tx};

/// The event that a code or link was right; `user` where an account is concerned.
pub fn succeeded(purpose: Purpose, channel: impl Into<String>, user: Option<&UserId>) -> NewEvent {
    let event = Event::VerificationSucceeded { purpose: purpose.name(), channel: channel.into() };
    match user {
        Some(user) => event.of(user),
        None => event.of_nobody(),
    }
}

/// Looks at a code for the challenge: one guess is taken first, so that of parallel guesses only as many are
/// looked at as there are (R25). A right code is spent in the caller's transaction (R24).
///
/// # Errors
/// [`AuthError::WrongSecret`] after counting the failure; the caller must commit then too. [`AuthError::CodeUsed`],
/// [`AuthError::CodeDead`] and [`AuthError::CodeOver`], which count nothing.
pub async fn look(
    app: &App,
    tx: &mut Tx,
    challenge: Option<&Challenge>,
    typed: &Sensitive,
    subject: &Subject,
) -> Result<()> {
    if let Some(gone) = challenge.and_then(|challenge| gone(app, challenge, subject)) {
        bury(app, tx, challenge).await?;
        return Err(gone);
    }
    let (so_far, stored) = take(app, tx, challenge, subject).await?;
    let right = match (challenge, stored) {
        (Some(challenge), Some(stored)) => {
            let place = place(&challenge.scope, &challenge.target);
            let right = passcode::matches(&app.sealer, &place, typed.expose(), &stored)
                && challenges::spend(tx, &challenge.id, app.now()).await?.is_yes();
            if right {
                note_conversion(app, tx, challenge).await?;
            }
            right
        }
        _ => false,
    };
    if right { subject.succeed(tx, &so_far).await } else { missed(app, tx, challenge, subject).await }
}

/// What has become of a code that can be typed no more. That it was used is told to nobody who has proven nothing: it
/// would tell that somebody has the identifier (R15).
pub fn gone(app: &App, challenge: &Challenge, subject: &Subject) -> Option<AuthError> {
    if challenge.spent_at.is_some() {
        return Some(if subject.knows_nothing() { AuthError::CodeOver } else { AuthError::CodeUsed });
    }
    if challenge.guesses >= challenge.max_guesses {
        return Some(AuthError::CodeDead);
    }
    (challenge.expires_at <= app.now()).then_some(AuthError::CodeOver)
}

/// Marks a challenge that is over for good, where it is refused for that: it is dead when the clock goes back. Once is
/// enough.
pub async fn bury(app: &App, tx: &mut Tx, challenge: Option<&Challenge>) -> Result<()> {
    let now = app.now();
    if let Some(challenge) = challenge.filter(|challenge| is_over(challenge, now)) {
        challenges::over(tx, &challenge.id, now).await?;
    }
    Ok(())
}

/// [`bury`] outside of any transaction.
pub async fn bury_alone(app: &App, challenge: &Challenge) -> Result<()> {
    if !is_over(challenge, app.now()) {
        return Ok(());
    }
    let mut tx = app.store.begin().await?;
    bury(app, &mut tx, Some(challenge)).await?;
    Ok(tx.commit().await?)
}

/// Whether the code or the way of a challenge is over and not marked so yet.
fn is_over(challenge: &Challenge, now: Millis) -> bool {
    let over = |ends: Millis| ends > 0 && ends <= now;
    over(challenge.expires_at) || challenge.way_ends.is_some_and(over)
}

/// Counts a typed code for the conversion of its prefix; phones alone cost money (R47).
pub async fn note_conversion(app: &App, tx: &mut Tx, challenge: &Challenge) -> Result<()> {
    if challenge.channel != Channel::Email {
        store::outbox::confirm(tx, &challenge.key_hash, app.now()).await?;
    }
    Ok(())
}

/// Takes a guess at the challenge; gives the code's hash where one was left.
pub async fn take(
    app: &App,
    tx: &mut Tx,
    challenge: Option<&Challenge>,
    subject: &Subject,
) -> Result<(Guesses, Option<String>)> {
    let so_far = subject.judge(app, tx, bound(challenge)).await?;
    let stored = match challenge {
        Some(challenge) => challenges::guess(tx, &challenge.id, app.now()).await?,
        None => None,
    };
    if stored.is_none() {
        bury(app, tx, challenge).await?;
    }
    Ok((so_far, stored))
}

/// Counts a wrong code, and says so.
pub async fn missed(app: &App, tx: &mut Tx, challenge: Option<&Challenge>, subject: &Subject) -> Result<()> {
    let left = challenge.map(|c| (c.max_guesses - c.guesses - 1).max(0));
    if left == Some(0) {
        rest::begin(app, tx, subject).await?;
    }
    subject.fail(app, tx, challenge.map_or("", |c| c.channel.name())).await?;
    Err(wrong("passcode", left))
}

/// The answer to a wrong secret.
pub fn wrong(secret: &str, attempts_left: Option<i64>) -> AuthError {
    AuthError::WrongSecret { secret: secret.to_owned(), attempts_left }
}
