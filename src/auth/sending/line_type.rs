//! What kind of line a number is, asked where it first comes in: at sign-up, as a new device, for a verification.
//! Never at a sign-in or a recovery, and never inside a transaction.
//!
//! The answer hangs on the number alone. That it is known already would tell that the number was here before, so a
//! known one is limited as an unknown one is, and takes as long (R15, R16).

use super::counted::{ADDED, block_of};
use crate::app::App;
use crate::auth::error::Result;
use crate::devices::phone;
use crate::providers::lookup::Line;
use crate::settings::Unknown;
use crate::store::lines;
use crate::telemetry::metrics;
use crate::throttle::Keys;

/// Whether messages go to the line that `e164` is. Its block is counted in the name of `whose`, as what is sent there.
///
/// # Errors
/// A fault of `phone` with the code `line_type_not_allowed`, `not_texted` or `line_type_unknown`;
/// [`crate::auth::AuthError::TooMany`] where too many numbers like this one were asked for.
pub async fn check(app: &App, e164: &str, whose: &str) -> Result<()> {
    if app.plan.lookup.is_none() || app.plan.sandbox.code(e164, app.now()).is_some() {
        return Ok(());
    }
    let block = block_of(app, e164, whose);
    // What others ask, accounts that anybody may have included, takes nothing of what backends do.
    let apart = !whose.is_empty() && whose != ADDED;
    let keys = Keys { block: Some(&block), apart, ..Keys::default() };
    app.throttle.check("lookup", app.now(), &keys).await?;
    let line = find(app, e164).await?;
    judge(app, line)
}

fn judge(app: &App, line: Option<Line>) -> Result<()> {
    match line {
        Some(Line::Of(kind)) => Ok(phone::line_allowed(kind, &app.rules)?),
        Some(Line::Nobody) => Err(phone::not_texted().into()),
        Some(Line::Unknown) | None => match app.settings.phone.lookup.unknown {
            Unknown::Allow => Ok(()),
            Unknown::Refuse => Err(phone::line_unknown().into()),
        },
    }
}

/// What is known or said of a number; nothing where nobody can be asked now.
async fn find(app: &App, e164: &str) -> Result<Option<Line>> {
    let Some(lookup) = &app.plan.lookup else { return Ok(None) };
    let number = app.subject(&["line", e164]);
    let since = app.now() - app.settings.phone.lookup.cache.millis();
    let kept = lines::of(&mut app.store.read().await?, &number, since).await?;
    if let Some(line) = kept.as_deref().and_then(Line::named) {
        metrics::lookup("kept");
        lookup.as_if_asked(&app.random).await;
        return Ok(Some(line));
    }
    match lookup.ask(e164, app.now()).await {
        Ok(line) => {
            metrics::lookup(if line == Line::Unknown { "unknown" } else { "known" });
            let mut tx = app.store.begin().await?;
            lines::keep(&mut tx, &number, line.name(), app.now()).await?;
            tx.commit().await?;
            Ok(Some(line))
        }
        Err(why) => {
            metrics::lookup("failed");
            tracing::warn!(often = true, why, "what kind of line a number is cannot be asked");
            Ok(None)
        }
    }
}
