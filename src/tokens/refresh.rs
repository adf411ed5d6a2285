//! Refresh tokens: opaque, rotated at every use, a chain of keyed hashes.
//!
//! A token is `rt_` and base64url of session id (16 bytes), generation (4) and secret (32). The first
//! secret is random; each successor is the HMAC of its parent under a key outside the database. The
//! database keeps the SHA-256 of the live token alone (R78). So a retried request gets the very same
//! successor without anything being stored for it (R80), and a token of an earlier generation can be
//! told from a made-up one by walking its chain forward to the live hash (R79).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::Random;
use crate::base::ids::REFRESH;
use crate::base::seal::{Purpose, Sealer, same, sha256_hex};

/// How far back a chain is walked to recognise an old token.
const LONGEST_WALK: u32 = 20_000;

/// A refresh token, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Refresh {
    session: uuid::Uuid,
    generation: u32,
    secret: [u8; 32],
}

impl Refresh {
    /// The first token of a session; `None` where `session` is no UUID.
    pub fn first(session: &str, random: &Random) -> Option<Self> {
        let session = uuid::Uuid::try_parse(session).ok()?;
        Some(Self { session, generation: 0, secret: random.bytes() })
    }

    /// Takes a token apart; only its one canonical spelling is taken (R77).
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(REFRESH)?).ok()?;
        let bytes: [u8; 52] = bytes.try_into().ok()?;
        let (session, rest) = bytes.split_first_chunk::<16>()?;
        let (generation, secret) = rest.split_first_chunk::<4>()?;
        Some(Self {
            session: uuid::Uuid::from_bytes(*session),
            generation: u32::from_be_bytes(*generation),
            secret: secret.try_into().ok()?,
        })
    }

    /// The token as the client carries it.
    pub fn text(&self) -> String {
        let mut bytes = self.session.as_bytes().to_vec();
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.secret);
        format!("{REFRESH}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What the database keeps of it.
    pub fn hash(&self) -> String {
        sha256_hex(self.text().as_bytes())
    }

    /// The session's id.
    pub fn session(&self) -> String {
        self.session.to_string()
    }

    /// How often the token was rotated before it.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The token that replaces it, always the same one.
    pub fn successor(&self, sealer: &Sealer) -> Self {
        let generation = self.generation.wrapping_add(1);
        let parts: [&[u8]; 3] = [self.session.as_bytes(), &generation.to_be_bytes(), &self.secret];
        Self { session: self.session, generation, secret: sealer.mac(Purpose::Refresh, &parts) }
    }

    /// Whether the live token, of that hash and generation, descends from this one.
    pub fn leads_to(&self, hash: &str, generation: u32, sealer: &Sealer) -> bool {
        let steps = generation.saturating_sub(self.generation);
        if steps == 0 || steps > LONGEST_WALK {
            return false;
        }
        let last = (0..steps).fold(self.clone(), |token, _| token.successor(sealer));
        same(last.hash().as_bytes(), hash.as_bytes())
    }
}

impl std::fmt::Debug for Refresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[refresh token]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first() -> (Sealer, Refresh) {
        let random = Random::seeded(1);
        (Sealer::new(&[3; 32]), Refresh::first(&random.uuid(), &random).unwrap())
    }

    #[test]
    fn a_token_survives_its_spelling_and_no_other() {
        let (_, token) = first();
        let text = token.text();
        assert_eq!(Refresh::parse(&text), Some(token));
        for end in 0..text.len() {
            assert_eq!(Refresh::parse(&text[..end]), None, "a prefix of {end}");
        }
        assert_eq!(Refresh::parse(&format!("{text}A")), None);
        assert_eq!(Refresh::parse(&format!("{text}=")), None);
    }

    #[test]
    fn a_chain_is_recognised_from_any_of_its_tokens_and_not_from_others() {
        let (sealer, token) = first();
        let third = token.successor(&sealer).successor(&sealer).successor(&sealer);
        assert!(token.leads_to(&third.hash(), 3, &sealer));
        assert!(!third.leads_to(&third.hash(), 3, &sealer), "the live token is no old one");
        let other = Refresh { secret: [9; 32], ..token };
        assert!(!other.leads_to(&third.hash(), 3, &sealer));
    }
}
