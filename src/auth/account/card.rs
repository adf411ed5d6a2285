//! A card's hardcode at rest: a keyed hint and a password hash.
//!
//! A user may have several cards. The hint (eight bits of an HMAC) says which of them to hash, so that a
//! wrong hardcode costs one hash however many cards there are, and one where there is none (R16, R65). Of two
//! cards one in 256 has the hint of the other: a hint that fits proves nothing, and rules no other card out.
//!
//! What is kept is the folded number. A card that was set when it was kept as typed passes as typed, and is kept
//! folded from then on.

use unicode_normalization::UnicodeNormalization;

use crate::app::App;
use crate::auth::error::Result;
use crate::base::seal::{Purpose, Sealer};
use crate::base::{DeviceId, Millis, Sensitive, UserId};
use crate::devices::card;
use crate::secrets::hasher::Hasher;
use crate::store::devices::{self, Device};

/// What is stored for a hardcode whose hash is `phc`.
pub fn stored(sealer: &Sealer, user_id: &UserId, hardcode: &Sensitive, phc: &str) -> String {
    format!("{}{phc}", hint(sealer, user_id, hardcode))
}

/// The hash to compare with, where the hint fits.
fn hinted<'a>(sealer: &Sealer, user_id: &UserId, typed: &Sensitive, stored: &'a str) -> Option<&'a str> {
    stored.strip_prefix(hint(sealer, user_id, typed).as_str()).filter(|phc| phc.starts_with('$'))
}

/// Which of the cards has that hardcode, as it is hashed. It costs one hash, and another one for each hint that fits
/// by chance.
pub async fn find<'d>(
    app: &App,
    hasher: &Hasher,
    cards: impl Iterator<Item = &'d Device>,
    typed: &Sensitive,
) -> Result<Option<&'d Device>> {
    let folded = card::prepare(typed.expose());
    let as_typed = Sensitive::new(typed.expose().nfc().collect::<String>());
    let forms = if as_typed == folded { vec![&folded] } else { vec![&as_typed, &folded] };
    let mut hashed = false;
    for card in cards {
        let stored = card.secret.as_deref().unwrap_or_default();
        for form in &forms {
            let Some(phc) = hinted(&app.sealer, &card.user_id, form, stored) else { continue };
            let verified = hasher.verify((*form).clone(), phc.to_owned()).await?;
            if verified.ok {
                if verified.stale || **form != folded {
                    renew(app, card, &folded).await?;
                }
                return Ok(Some(card));
            }
            hashed = true;
        }
    }
    if !hashed {
        hasher.verify_nobody(folded).await?;
    }
    Ok(None)
}

/// Keeps a card's number folded, by today's parameters, unless it changed meanwhile (R63).
async fn renew(app: &App, card: &Device, folded: &Sensitive) -> Result<()> {
    let phc = app.hasher.hash(folded.clone(), app.random.bytes()).await?;
    let new = stored(&app.sealer, &card.user_id, folded, &phc);
    let mut tx = app.store.begin().await?;
    devices::renew_secret(&mut tx, &card.id, card.secret.as_deref().unwrap_or_default(), &new).await?;
    Ok(tx.commit().await?)
}

/// The first card of a user, by what is [`stored`] for its hardcode. It counts at once: nothing is sent to a card.
pub fn first(id: DeviceId, user_id: &UserId, secret: String, now: Millis) -> Device {
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

fn hint(sealer: &Sealer, user_id: &UserId, hardcode: &Sensitive) -> String {
    let parts: [&[u8]; 3] = [b"card", user_id.as_bytes(), hardcode.expose().as_bytes()];
    format!("{:02x}", sealer.mac(Purpose::Passcode, &parts)[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_picks_the_card() {
        let sealer = Sealer::new(&[1; 32]);
        let stored = stored(&sealer, &"u".into(), &"4711-0815".into(), "$argon2id$x");
        assert_eq!(hinted(&sealer, &"u".into(), &"4711-0815".into(), &stored), Some("$argon2id$x"));
        assert_eq!(hinted(&sealer, &"u".into(), &"4711-0816".into(), &stored), None);
        assert_eq!(hinted(&sealer, &"v".into(), &"4711-0815".into(), &stored), None);
    }
}
