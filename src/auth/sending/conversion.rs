//! Codes that nobody types: somebody has messages sent to numbers that earn them money. Such a prefix is sent none
//! for a while, and the operator is told (R47).

use crate::app::App;
use crate::auth::error::{AuthError, Result};
use crate::base::clock::{coarse, seconds_until};
use crate::outbox::prefix;
use crate::settings;
use crate::store::suspensions::{self, Conversion};
use crate::telemetry::metrics;

/// Whether a code may be sent to `e164`, by how its neighbours took theirs. The answer is the same whoever has the
/// number.
///
/// # Errors
/// [`AuthError::TooMany`] until the suspension ends.
pub async fn check(app: &App, e164: &str) -> Result<()> {
    let rule = &app.settings.phone.spend.conversion;
    if rule.sends == 0 {
        return Ok(());
    }
    let (now, prefix) = (app.now(), prefix(e164));
    let mut db = app.store.read().await?;
    let last = suspensions::of(&mut db, prefix).await?;
    if let Some(ends_at) = last.map(|last| last.ends_at).filter(|ends_at| *ends_at > now) {
        let ends_at = ends_at.min(now + rule.rest.millis());
        return Err(AuthError::TooMany { retry_after: coarse(seconds_until(now, ends_at)) });
    }
    // After a suspension it begins anew.
    let since = (now - rule.window.millis()).max(last.map_or(0, |last| last.ends_at));
    let seen = suspensions::conversion(&mut db, prefix, since, now).await?;
    drop(db);
    if !poor(rule, seen) {
        return Ok(());
    }
    let mut tx = app.store.begin().await?;
    let now = app.now();
    let ends_at = now + rule.rest.millis();
    if suspensions::begin(&mut tx, prefix, now, ends_at).await?.is_yes() {
        metrics::suspended();
        let (sent, typed) = (seen.sent, seen.typed);
        tracing::warn!(
            prefix,
            sent,
            typed,
            "codes to a prefix are hardly ever typed: it is suspended for a while"
        );
    }
    tx.commit().await?;
    Err(AuthError::TooMany { retry_after: coarse(seconds_until(now, ends_at)) })
}

fn poor(rule: &settings::Conversion, seen: Conversion) -> bool {
    seen.sent >= i64::from(rule.sends) && seen.typed * 100 < seen.sent * i64::from(rule.percent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn fifty_codes_and_less_than_a_fifth_typed_is_poor() {
        let rule = Settings::built_in().phone.spend.conversion;
        let poor = |sent, typed| poor(&rule, Conversion { sent, typed });
        assert!(poor(50, 9) && poor(500, 99) && poor(50, 0));
        assert!(!poor(50, 10) && !poor(49, 0) && !poor(0, 0));
    }
}
