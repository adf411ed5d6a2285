//! What proves an identifier: one registry of secret kinds, a file each.
//!
//! To add a kind: write a file with a unit struct that implements [`SecretKind`], and give it one line in
//! [`SECRETS`]; an own program hands its kinds to `Server::builder()` instead. Nothing else lists the kinds: what
//! needs them reads the [`Kinds`] of its installation.
//!
//! Beside the kinds: [`hasher`] hashes passwords and hardcodes on a bounded number of threads, [`blocklist`]
//! knows the passwords that everybody knows, [`typed`] reads codes as people type them.

pub mod blocklist;
pub mod hardcode;
pub mod hasher;
mod line;
pub mod passcode;
pub mod password;
pub mod recovery;
pub mod typed;

use std::sync::Arc;

use crate::flows::Factor;

pub use hasher::{Busy, HashSettings, Hasher, Verified};

/// Every kind of secret.
pub const SECRETS: &[&dyn SecretKind] =
    &[&password::Password, &passcode::Passcode, &hardcode::Hardcode, &recovery::Recovery];

/// What is true of one kind of secret, whoever's it is.
pub trait SecretKind: Sync {
    /// Its name in flows and settings, such as `password`.
    fn name(&self) -> &'static str;
    /// The request field that carries it.
    fn field(&self) -> &'static str;
    /// Whether it may stand in a flow.
    fn in_flows(&self) -> bool {
        true
    }
    /// What it proves; a carried one proves what its carrier does.
    fn factor(&self) -> Factor;
    /// Whether it may be the only secret of a flow (R65).
    fn may_be_alone(&self) -> bool;
    /// Whether a device carries a fresh one to the person each time, so that a flow may name the device:
    /// `passcode:phone`.
    fn carried(&self) -> bool;
    /// Its name for people.
    fn title(&self) -> &'static str;
    /// What one may look like, for the API document.
    fn example(&self) -> &'static str;
}

/// The kinds of one installation: the built-in ones and its own.
#[derive(Clone)]
pub struct Kinds(Arc<[&'static dyn SecretKind]>);

impl Default for Kinds {
    fn default() -> Self {
        Self::with(&[])
    }
}

impl Kinds {
    /// The built-in kinds, and `own` ones behind them.
    pub fn with(own: &[&'static dyn SecretKind]) -> Self {
        Self(SECRETS.iter().chain(own).copied().collect())
    }

    /// Every kind.
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn SecretKind> + '_ {
        self.0.iter().copied()
    }

    /// The kind called `name`.
    pub fn kind(&self, name: &str) -> Option<&'static dyn SecretKind> {
        self.iter().find(|kind| kind.name() == name)
    }

    /// The kind whose value comes in the request field `field`.
    pub fn by_field(&self, field: &str) -> Option<&'static dyn SecretKind> {
        self.iter().find(|kind| kind.field() == field)
    }
}

impl std::fmt::Debug for Kinds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(|kind| kind.name())).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::devices::DEVICES;

    #[test]
    fn names_and_fields_are_told_apart() {
        let names: HashSet<_> = SECRETS.iter().map(|k| k.name()).collect();
        let fields: HashSet<_> = SECRETS.iter().map(|k| k.field()).collect();
        assert_eq!((names.len(), fields.len()), (SECRETS.len(), SECRETS.len()));
        let kinds = Kinds::default();
        assert!(kinds.iter().all(|k| kinds.kind(k.name()).is_some_and(|found| found.title() == k.title())));
        assert!(
            DEVICES.iter().all(|device| kinds.kind(device.name()).is_none()),
            "a word is a device or a secret"
        );
    }

    #[test]
    fn what_a_device_holds_or_carries_has_its_kind_here() {
        for device in DEVICES.iter().filter(|d| d.holds_secret()) {
            let secret = SECRETS.iter().find(|k| k.field() == device.field());
            assert!(secret.is_some_and(|k| !k.may_be_alone() && !k.carried()), "{}", device.name());
        }
        assert_eq!(SECRETS.iter().filter(|k| k.carried()).count(), 1);
        assert!(SECRETS.iter().any(|k| k.may_be_alone()));
    }
}
