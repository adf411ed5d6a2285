//! Codes that a vendor owns: before such a code is looked at, the vendor is asked.
//!
//! A guess is taken first, here as everywhere (R25), then the vendor is asked outside of any transaction. What it
//! calls right becomes our own code of the challenge, and the ordinary way goes on with it.

use std::time::Instant;

use crate::app::App;
use crate::auth::codes::challenge::{self, alive, place};
use crate::auth::codes::look;
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::Subject;
use crate::base::{Scope, Sensitive};
use crate::providers::{Configured, Verdict, Verifier};
use crate::secrets::passcode;
use crate::store::challenges::{self, Challenge};

/// Who hears what a vendor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearer {
    /// Somebody who has proven nothing: a code that the vendor has ended looks to them as a wrong one, because there
    /// is none to end where nobody has the number (R15).
    Anybody,
    /// Somebody who may know that a code was sent there.
    Owner,
}

/// Asks the vendor that owns the code of `challenge`, where one does.
///
/// # Errors
/// [`AuthError::WrongSecret`] after counting the failure, [`AuthError::CodeOver`] where the vendor has ended it and the
/// owner hears, and [`AuthError::TooMany`] where the vendor cannot be asked now: no guess is lost then.
pub async fn settle(
    app: &App,
    challenge: Option<&Challenge>,
    typed: &Sensitive,
    subject: &Subject,
    hearer: Hearer,
) -> Result<()> {
    let Some(challenge) = challenge.filter(|challenge| alive(challenge, app.now())) else { return Ok(()) };
    let Some((challenge, entry, reference)) = owned(app, challenge) else {
        return match hearer {
            Hearer::Anybody => as_if_asked(app, challenge, typed, subject).await,
            Hearer::Owner => Ok(()),
        };
    };
    let (Some(verifier), Some(code)) = (entry.provider.verifier(), passcode::normal(typed.expose())) else {
        return Ok(());
    };
    if !take(app, challenge, subject).await? {
        return Ok(());
    }
    let began = Instant::now();
    let asked = async {
        match verifier.check(reference, &code).await {
            Verdict::Unavailable { why } => Err(why),
            verdict => {
                entry.pace.took(began.elapsed());
                Ok(verdict)
            }
        }
    };
    let verdict = match hearer {
        Hearer::Owner => asked.await,
        // What is asked where nobody has the number is asked here too: together they take as long as there.
        Hearer::Anybody => both(asked, verifier.reached()).await,
    };
    let verdict = verdict.unwrap_or_else(|why| Verdict::Unavailable { why });
    apply(app, (challenge, reference), typed, subject, (verdict, hearer)).await
}

/// [`settle`] for the challenge that was last sent in a scope, to `target` or to any; nothing is read where no
/// provider owns codes.
pub async fn settle_latest(
    app: &App,
    scope: &Scope,
    target: Option<&str>,
    typed: &Sensitive,
    subject: &Subject,
    hearer: Hearer,
) -> Result<()> {
    if !app.routes.has_verifier() {
        return Ok(());
    }
    let sent = challenge::latest(&mut app.store.read().await?, scope, target, app.now()).await?;
    settle(app, sent.as_ref(), typed, subject, hearer).await
}

/// Tells the vendor that its code is not wanted any more. What it answers changes nothing for us.
pub async fn cancel(app: &App, challenge: &Challenge) {
    let owned = owned(app, challenge).filter(|_| alive(challenge, app.now()));
    let verifier = owned.and_then(|(_, entry, reference)| Some((entry.provider.verifier()?, reference)));
    let Some((verifier, reference)) = verifier else { return };
    if let Err(why) = Verifier::cancel(verifier, reference).await {
        tracing::warn!(why, "a vendor did not take a cancellation");
    }
}

/// Takes as long as a vendor does where one would own the code if somebody had the number (R16), and says what is said
/// there while the vendor is away. A code of ours passes all the same, whoever delivered it.
async fn as_if_asked(app: &App, challenge: &Challenge, typed: &Sensitive, subject: &Subject) -> Result<()> {
    let route = app.routes.of(challenge.channel, &challenge.address, true);
    let Some((first, verifier)) = route.first().and_then(|first| Some((first, first.provider.verifier()?)))
    else {
        return Ok(());
    };
    subject.judge_alone(app, challenge::bound(Some(challenge))).await?;
    let wait = first.pace.wait(&app.random);
    let Err(why) = both(verifier.reached(), wait).await else { return Ok(()) };
    // Where another provider stands by, what is sent while this one is away is ours.
    let ours = route.iter().any(|entry| entry.provider.verifier().is_none());
    let place = place(&challenge.scope, &challenge.target);
    let right = passcode::matches(&app.sealer, &place, typed.expose(), &challenge.code);
    if ours || right || !take(app, challenge, subject).await? {
        return Ok(());
    }
    let verdict = Verdict::Unavailable { why };
    apply(app, (challenge, ""), typed, subject, (verdict, Hearer::Anybody)).await
}

/// What the first gives, no sooner than the second has ended; what keeps it from that, at once.
async fn both<T>(
    first: impl Future<Output = std::result::Result<T, String>>,
    second: impl Future,
) -> std::result::Result<T, String> {
    let second = async {
        second.await;
        Ok(())
    };
    futures_util::future::try_join(first, second).await.map(|(found, ())| found)
}

fn owned<'a>(app: &'a App, challenge: &'a Challenge) -> Option<(&'a Challenge, &'a Configured, &'a str)> {
    let entry = &**app.routes.named(challenge.verifier.as_deref()?)?;
    Some((challenge, entry, challenge.reference.as_deref()?))
}

/// Takes the guess; false where none was left.
async fn take(app: &App, challenge: &Challenge, subject: &Subject) -> Result<bool> {
    let mut tx = app.store.begin().await?;
    let judged = subject.judge(app, &mut tx, challenge::bound(Some(challenge))).await;
    let left = match judged {
        Ok(_) => challenges::guess(&mut tx, &challenge.id, app.now()).await.map_err(AuthError::from),
        Err(error) => Err(error),
    };
    tx.commit().await?;
    Ok(left?.is_some())
}

async fn apply(
    app: &App,
    (challenge, reference): (&Challenge, &str),
    typed: &Sensitive,
    subject: &Subject,
    (verdict, hearer): (Verdict, Hearer),
) -> Result<()> {
    let mut tx = app.store.begin().await?;
    let ended = match verdict {
        Verdict::Right => {
            let code = passcode::normal(typed.expose()).unwrap_or_default();
            let place = place(&challenge.scope, &challenge.target);
            let stored = passcode::stored(&app.sealer, &place, code.expose());
            challenges::adopt(&mut tx, &challenge.id, reference, &stored).await?;
            Ok(())
        }
        // The challenge stays: another instance may have been told this moment that the code is right.
        Verdict::Over if hearer == Hearer::Owner => Err(AuthError::CodeOver),
        Verdict::Pending | Verdict::Over => look::missed(app, &mut tx, Some(challenge), subject).await,
        Verdict::Unavailable { why } => {
            tracing::warn!(
                often = true,
                why,
                verifier = challenge.verifier,
                "a vendor cannot be asked for its code"
            );
            challenges::give_back(&mut tx, &challenge.id, reference).await?;
            Err(AuthError::TooMany { retry_after: 30 })
        }
    };
    tx.commit().await?;
    ended
}
