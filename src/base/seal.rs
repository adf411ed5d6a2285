//! Keyed hashes and sealing, all from one master key that lives outside the database (R30, R71).

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// What a keyed hash is for; each purpose has its own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Passcodes at rest, and the code that belongs to a link's key.
    Passcode,
    /// The successor of a refresh token.
    Refresh,
    /// Names of throttle windows and guess budgets.
    Subject,
}

/// The keys derived from one master key.
pub struct Sealer {
    macs: [hmac::Key; 3],
    aead: RandomizedNonceKey,
}

/// A sealed text could not be opened: wrong key, wrong place, or changed bytes.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value cannot be opened with this installation's master key")]
pub struct CannotOpen;

impl Sealer {
    /// Derives all keys from `master`.
    pub fn new(master: &[u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, master);
        let derive = |label: &str| hmac::sign(&root, label.as_bytes());
        let mac = |label: &str| hmac::Key::new(hmac::HMAC_SHA256, derive(label).as_ref());
        let aead = RandomizedNonceKey::new(&AES_256_GCM, derive("multauth seal 1").as_ref());
        Self {
            macs: [mac("multauth passcode 1"), mac("multauth refresh 1"), mac("multauth subject 1")],
            aead: aead.expect("HMAC-SHA256 gives the 32 bytes that AES-256 takes"),
        }
    }

    /// HMAC-SHA256 of `parts`, each preceded by its length, under the key of `purpose`.
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let key = &self.macs[purpose as usize];
        let mut context = hmac::Context::with_key(key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }

    /// The same as base64url text.
    pub fn mac_text(&self, purpose: Purpose, parts: &[&[u8]]) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(purpose, parts))
    }

    /// Seals `plain` with AES-256-GCM; `place` (table, row, field) is bound to it, so it opens nowhere else.
    pub fn seal(&self, place: &str, plain: &[u8]) -> String {
        let mut body = plain.to_vec();
        let nonce = self
            .aead
            .seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut body)
            .expect("AES-GCM seals any text shorter than 64 GiB");
        let mut out = nonce.as_ref().to_vec();
        out.append(&mut body);
        format!("1.{}", URL_SAFE_NO_PAD.encode(out))
    }

    /// Opens what [`Sealer::seal`] made for the same `place`.
    pub fn open(&self, place: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let text = sealed.strip_prefix("1.").ok_or(CannotOpen)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CannotOpen)?;
        let (nonce, body) = bytes.split_at_checked(12).ok_or(CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let mut body = Zeroizing::new(body.to_vec());
        let opened = self.aead.open_in_place(nonce, Aad::from(place.as_bytes()), &mut body);
        let length = opened.map_err(|_| CannotOpen)?.len();
        body.truncate(length);
        Ok(body)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

/// SHA-256 as lower-case hex; only for values with 128 random bits or more.
pub fn sha256_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Compares two byte strings in constant time (R31).
pub fn same(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_only_in_its_place() {
        let sealer = Sealer::new(&[7; 32]);
        let sealed = sealer.seal("devices/a", b"seed");
        assert_eq!(sealer.open("devices/a", &sealed).unwrap().as_slice(), b"seed");
        assert!(sealer.open("devices/b", &sealed).is_err());
        assert!(Sealer::new(&[8; 32]).open("devices/a", &sealed).is_err());
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let sealer = Sealer::new(&[7; 32]);
        assert_ne!(
            sealer.mac(Purpose::Passcode, &[b"ab", b"c"]),
            sealer.mac(Purpose::Passcode, &[b"a", b"bc"])
        );
        assert_ne!(sealer.mac(Purpose::Passcode, &[b"a"]), sealer.mac(Purpose::Refresh, &[b"a"]));
    }
}
