use std::path::PathBuf;

use serde::Deserialize;

use crate::base::clock::{DAY, MINUTE};
use crate::settings::Span;
use crate::settings::check::Checks;

/// `[keys]`: the master key, and the keys that sign access tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The file of the master key: 32 bytes in base64 or hex.
    pub file: PathBuf,
    /// What access tokens are signed with.
    pub algorithm: Algorithm,
    /// How long a key signs before the next one takes over.
    pub rotate_every: Span,
    /// How long a key is published before it signs (R88).
    pub announce: Span,
}

/// What access tokens are signed with (R74).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// Clients may keep the published keys this long, so a new key must be out at least as long (R88).
const PUBLISHED_KEYS_ARE_CACHED: Span = Span(5 * MINUTE);

impl Keys {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        checks.must(!self.file.as_os_str().is_empty(), "keys.file", "must be the path of a file");
        checks.within("keys.announce", self.announce, PUBLISHED_KEYS_ARE_CACHED..=Span(30 * DAY));
        let overlap = self.rotate_every > self.announce;
        let message = format!("must be longer than keys.announce, which is {}", self.announce);
        checks.must(overlap, "keys.rotate_every", message);
    }
}
