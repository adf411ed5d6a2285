//! A card's hardcode at rest: a keyed hint and a password hash.
//!
//! A user may have several cards. The hint (eight bits of an HMAC) says which of them to hash, so that a
//! wrong hardcode costs one hash however many cards there are, and one where there is none (R16, R65).

use crate::base::Sensitive;
use crate::base::seal::{Purpose, Sealer};

/// What is stored for a hardcode whose hash is `phc`.
pub fn stored(sealer: &Sealer, user_id: &str, hardcode: &Sensitive, phc: &str) -> String {
    format!("{}{phc}", hint(sealer, user_id, hardcode))
}

/// The hash to compare with, where the hint fits.
pub fn hinted<'a>(sealer: &Sealer, user_id: &str, typed: &Sensitive, stored: &'a str) -> Option<&'a str> {
    stored.strip_prefix(hint(sealer, user_id, typed).as_str()).filter(|phc| phc.starts_with('$'))
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
