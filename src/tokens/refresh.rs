//! Refresh tokens: opaque, rotated at every use, each recognised by itself.
//!
//! A token is `rt_` and base64url of session id (16 bytes), generation (4), seed (16) and mac (16). The seed is random
//! and stays; the mac is over all that stands before it, under a key outside the database. The database keeps the
//! SHA-256 of the live token alone (R78). So a retried request gets the very same successor without anything being
//! stored for it (R80), and a token of an earlier generation, however far back, is told from a made-up one by one
//! mac (R79).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::Random;
use crate::base::ids::REFRESH;
use crate::base::seal::{Purpose, Sealer, same, sha256_hex};

/// A refresh token, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Refresh {
    session: uuid::Uuid,
    generation: u32,
    seed: [u8; 16],
    mac: [u8; 16],
}

impl Refresh {
    /// The first token of a session; `None` where `session` is no UUID.
    pub fn first(session: &str, random: &Random, sealer: &Sealer) -> Option<Self> {
        let session = uuid::Uuid::try_parse(session).ok()?;
        Some(Self::of(session, 0, random.bytes(), sealer))
    }

    fn of(session: uuid::Uuid, generation: u32, seed: [u8; 16], sealer: &Sealer) -> Self {
        #[cfg(test)]
        tests::MACS.with(|macs| macs.set(macs.get() + 1));
        let parts: [&[u8]; 3] = [session.as_bytes(), &generation.to_be_bytes(), &seed];
        let whole = sealer.mac(Purpose::Refresh, &parts);
        let (mac, _) = whole.split_first_chunk().unwrap_or((&[0; 16], &[]));
        Self { session, generation, seed, mac: *mac }
    }

    /// Takes a token apart; only its one canonical spelling is taken (R77).
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(REFRESH)?).ok()?;
        let bytes: [u8; 52] = bytes.try_into().ok()?;
        let (session, rest) = bytes.split_first_chunk::<16>()?;
        let (generation, rest) = rest.split_first_chunk::<4>()?;
        let (seed, mac) = rest.split_first_chunk::<16>()?;
        Some(Self {
            session: uuid::Uuid::from_bytes(*session),
            generation: u32::from_be_bytes(*generation),
            seed: *seed,
            mac: mac.try_into().ok()?,
        })
    }

    /// The token as the client carries it.
    pub fn text(&self) -> String {
        let mut bytes = self.session.as_bytes().to_vec();
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.seed);
        bytes.extend(self.mac);
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
        Self::of(self.session, self.generation.wrapping_add(1), self.seed, sealer)
    }

    /// Whether it is the session's own, or was once. Nobody makes one without the key, and whichever it is costs one
    /// mac.
    pub fn is_genuine(&self, sealer: &Sealer) -> bool {
        let own = Self::of(self.session, self.generation, self.seed, sealer);
        same(&own.mac, &self.mac)
    }

    /// Whether it was the session's own once, of a generation before `live`; costs one mac too.
    pub fn was_live_before(&self, live: u32, sealer: &Sealer) -> bool {
        self.is_genuine(sealer) && self.generation < live
    }
}

impl std::fmt::Debug for Refresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[refresh token]")
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    thread_local! {
        /// How many macs this thread has computed for tokens.
        pub static MACS: Cell<u64> = const { Cell::new(0) };
    }

    /// How many macs `work` takes.
    fn macs<T>(work: impl FnOnce() -> T) -> (u64, T) {
        let before = MACS.get();
        let done = work();
        (MACS.get() - before, done)
    }

    fn first() -> (Sealer, Refresh) {
        let (random, sealer) = (Random::seeded(1), Sealer::new(&[3; 32]));
        let first = Refresh::first(&random.uuid(), &random, &sealer).unwrap();
        (sealer, first)
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
    fn whatever_was_live_is_recognised_and_nothing_else() {
        let (sealer, token) = first();
        let third = token.successor(&sealer).successor(&sealer).successor(&sealer);
        assert!(token.was_live_before(3, &sealer));
        assert!(!third.was_live_before(3, &sealer), "the live token is no old one");
        assert!(!token.was_live_before(3, &Sealer::new(&[4; 32])));
        let bits = |bytes: [u8; 16]| {
            (0..128).map(move |bit| {
                let mut other = bytes;
                other[bit / 8] ^= 1 << (bit % 8);
                other
            })
        };
        assert!(bits(token.mac).all(|mac| !Refresh { mac, ..token.clone() }.was_live_before(3, &sealer)));
        assert!(bits(token.seed).all(|seed| !Refresh { seed, ..token.clone() }.was_live_before(3, &sealer)));
        let elsewhere = Refresh { session: uuid::Uuid::nil(), ..token.clone() };
        assert!(!elsewhere.was_live_before(3, &sealer));
        assert!(!Refresh { generation: 1, ..token }.was_live_before(3, &sealer));
    }

    proptest! {
        #[test]
        fn an_old_or_made_up_token_costs_what_any_does(
            live in any::<u32>(),
            generation in any::<u32>(),
            secret in any::<([u8; 16], [u8; 16])>(),
        ) {
            let (sealer, token) = first();
            let (usual, _) = macs(|| token.successor(&sealer));
            let old = Refresh::of(token.session, generation, token.seed, &sealer);
            let (cost, known) = macs(|| old.was_live_before(live, &sealer));
            prop_assert_eq!((cost, known), (usual, generation < live), "a genuine one");
            let forged = Refresh { seed: secret.0, mac: secret.1, ..old };
            let (cost, known) = macs(|| forged.was_live_before(live, &sealer));
            prop_assert_eq!((cost, known), (usual, false), "a forged one");
        }
    }
}
