//! A card's hardcode at rest: a keyed hint and a password hash.
//!
//! A user may have several cards. The hint (eight bits of an HMAC) says which of them to hash, so that a
//! wrong hardcode costs one hash however many cards there are, and one where there is none (R16, R65). Of two
//! cards one in 256 has the hint of the other: a hint that fits proves nothing, and rules no other card out.

use super::error::Result;
use crate::app::App;
use crate::base::seal::{Purpose, Sealer};
use crate::base::{Millis, Sensitive};
use crate::devices::card;
use crate::store::devices::{self, Device};

/// What is stored for a hardcode whose hash is `phc`.
pub fn stored(sealer: &Sealer, user_id: &str, hardcode: &Sensitive, phc: &str) -> String {
    format!("{}{phc}", hint(sealer, user_id, hardcode))
}

/// The hash to compare with, where the hint fits.
pub fn hinted<'a>(sealer: &Sealer, user_id: &str, typed: &Sensitive, stored: &'a str) -> Option<&'a str> {
    stored.strip_prefix(hint(sealer, user_id, typed).as_str()).filter(|phc| phc.starts_with('$'))
}

/// Whether `typed` is the hardcode of a card. It costs one hash.
pub async fn is_right(app: &App, card: &Device, typed: &Sensitive) -> Result<bool> {
    let typed = card::prepare(typed.expose());
    let stored = card.secret.as_deref().unwrap_or_default();
    match hinted(&app.sealer, &card.user_id, &typed, stored) {
        Some(phc) => Ok(app.hasher.verify(typed, phc.to_owned()).await?.ok),
        None => {
            app.hasher.verify_nobody(typed).await?;
            Ok(false)
        }
    }
}

/// The first card of a user, by what is [`stored`] for its hardcode. It counts at once: nothing is sent to a card.
pub fn first(id: String, user_id: &str, secret: String, now: Millis) -> Device {
    Device {
        id,
        user_id: user_id.to_owned(),
        kind: "card".to_owned(),
        canonical: None,
        delivery: None,
        label: String::new(),
        is_primary: true,
        secret: Some(secret),
        last_step: None,
        created_at: now,
        confirmed_at: Some(now),
        proven_at: Some(now),
        last_used_at: None,
        replaces: None,
        own: Some(devices::PROVEN.to_owned()),
        added_in: None,
        hidden_at: None,
        failing_since: None,
    }
}

fn hint(sealer: &Sealer, user_id: &str, hardcode: &Sensitive) -> String {
    let parts: [&[u8]; 3] = [b"card", user_id.as_bytes(), hardcode.expose().as_bytes()];
    format!("{:02x}", sealer.mac(Purpose::Passcode, &parts)[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_picks_the_card() {
        let sealer = Sealer::new(&[1; 32]);
        let stored = stored(&sealer, "u", &"4711-0815".into(), "$argon2id$x");
        assert_eq!(hinted(&sealer, "u", &"4711-0815".into(), &stored), Some("$argon2id$x"));
        assert_eq!(hinted(&sealer, "u", &"4711-0816".into(), &stored), None);
        assert_eq!(hinted(&sealer, "v", &"4711-0815".into(), &stored), None);
    }
}
