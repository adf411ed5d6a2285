//! What proves an identifier: one registry of secret kinds, a file each.
//!
//! To add a kind: write a file with a unit struct that implements [`SecretKind`], and give it one line in
//! [`SECRETS`]; an own program hands its kinds to `Server::builder()` instead. Nothing else lists the kinds: what
//! needs them reads the [`Kinds`] of its installation.
//!
//! Beside the kinds: [`hasher`] hashes passwords and hardcodes on a bounded number of threads, [`blocklist`]
//! knows the passwords that everybody knows; [`crate::base::typed`] reads codes as people type them.

pub mod blocklist;
pub mod hardcode;
pub mod hasher;
pub mod passcode;
pub mod password;
mod pool;
pub mod recovery;

use std::sync::Arc;

use crate::base::{Fault, Sensitive};
use crate::flows::Factor;

pub use hasher::{Busy, HashSettings, Hasher, Verified};

/// Every kind of secret.
pub const SECRETS: &[&dyn SecretKind] =
    &[&password::Password, &passcode::Passcode, &hardcode::Hardcode, &recovery::Recovery];

/// Where that is kept which a secret is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// One hash a user, under the kind's name: what a person chooses and remembers.
    Hashed,
    /// In a device that holds it: a card.
    InDevice,
    /// Nowhere for long: a device carries a fresh one each time.
    Carried,
    /// A list of which each passes once; it stands in no flow.
    Listed,
}

/// What a secret is chosen for, and what it may not be.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// The request field that a fault is of.
    pub field: &'a str,
    /// Whether it is the only secret of a flow of this user (R59).
    pub alone: bool,
    /// What the person and the service are called, which nobody may take for a secret.
    pub names: &'a [&'a str],
    /// What a password must be here.
    pub passwords: &'a password::Policy,
}

impl Choice<'_> {
    /// An own kind's refusal: a stable code such as `too_short`, and a sentence that says what would be right.
    pub fn fault(&self, code: &'static str, message: impl Into<String>) -> Fault {
        Fault::own(self.field, code, message)
    }
}

/// What is true of one kind of secret, whoever's it is.
///
/// An own kind is something that a person chooses and keeps: a PIN, a passphrase. It says its name, its title, an
/// example, what it proves and what may be set; the server hashes it as a password, stores it under its name,
/// bounds the guesses, takes it at sign-up, asks for it in flows and changes it at `PUT /v1/me/secrets/NAME`.
///
/// `examples/own_secret.rs` is a whole program with a kind of its own.
pub trait SecretKind: Sync {
    /// Its name in flows and settings, such as `password`.
    fn name(&self) -> &'static str;
    /// Its name for people.
    fn title(&self) -> &'static str;
    /// What one may look like, for the API document. It may be set, too, where it is not the only secret.
    fn example(&self) -> &'static str;
    /// What it proves; a carried one proves what its carrier does. An own one is [`Factor::Known`], or
    /// [`Factor::Weak`] where it is short, as a PIN.
    fn factor(&self) -> Factor;
    /// The form that is hashed and compared, of a text that may be set.
    ///
    /// # Errors
    /// What is wrong with it, by [`Choice::fault`]; never the text itself.
    fn check(&self, typed: &str, choice: &Choice<'_>) -> Result<Sensitive, Fault>;
    /// The form that is hashed and compared, of any text: the same as [`check`](Self::check) gives. NFC and nothing
    /// else, unless the kind says otherwise.
    fn prepare(&self, typed: &str) -> Sensitive {
        password::prepare(typed)
    }
    /// Whether a text could be one, whoever's it is. What could not is refused as a malformed field: it costs no guess.
    /// Any text could, unless the kind says otherwise.
    fn is_possible(&self, typed: &str) -> bool {
        let _ = typed;
        true
    }
    /// The request field that carries it; its name, unless the kind says otherwise.
    fn field(&self) -> &'static str {
        self.name()
    }
    /// Where that is kept which it is compared with.
    fn kept(&self) -> Kept {
        Kept::Hashed
    }
    /// Whether it may be the only secret of a flow (R65). What is weak may not.
    fn may_be_alone(&self) -> bool {
        self.factor() != Factor::Weak
    }
    /// Whether it may stand in a flow.
    fn in_flows(&self) -> bool {
        self.kept() != Kept::Listed
    }
    /// Whether a device carries a fresh one to the person each time, so that a flow may name the device:
    /// `passcode:phone`.
    fn carried(&self) -> bool {
        self.kept() == Kept::Carried
    }
}

/// What an own kind says of itself that cannot be; empty where all of it can. Its name is judged elsewhere.
pub fn contract(kind: &dyn SecretKind) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |right: bool, why: &str| {
        if !right {
            wrong.push(why.to_owned());
        }
    };
    must(kind.field() == kind.name(), "its field must be called as it is");
    must(!kind.title().is_empty(), "it needs a title");
    must(kind.kept() == Kept::Hashed, "it must be kept as a hash: nothing carries it and no device holds it");
    must(kind.in_flows() && !kind.carried(), "it must stand in flows by itself");
    let known = matches!(kind.factor(), Factor::Known | Factor::Weak);
    must(known, "its factor must be Known or Weak: what a person types is no possession");
    must(kind.factor() != Factor::Weak || !kind.may_be_alone(), "what is weak may not be alone in a flow");
    let passwords = password::Policy::default();
    let choice = Choice { field: kind.field(), alone: false, names: &[], passwords: &passwords };
    let settled =
        kind.check(kind.example(), &choice).is_ok_and(|ready| ready == kind.prepare(kind.example()));
    must(settled, "its example must be one that may be set, in the form that `prepare` gives");
    let empty = kind.check("", &choice).is_err();
    must(empty, "nothing at all must not be one that may be set");
    wrong
}

/// The kinds of one installation: the built-in ones and its program's own.
///
/// ```
/// use multauth::secrets::Kinds;
///
/// assert!(Kinds::default().kind("passcode").is_some_and(|kind| kind.carried()));
/// ```
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

    /// Where that is kept which the secret called `name` is compared with.
    pub fn kept(&self, name: &str) -> Option<Kept> {
        self.kind(name).map(|kind| kind.kept())
    }

    /// The kinds of which a user has one hash each, which they choose: the password and own kinds.
    pub fn hashed(&self) -> impl Iterator<Item = &'static dyn SecretKind> + '_ {
        self.iter().filter(|kind| kind.kept() == Kept::Hashed)
    }

    /// The program's own kinds.
    pub fn own(&self) -> impl Iterator<Item = &'static dyn SecretKind> + '_ {
        self.iter().skip(SECRETS.len())
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
        let hashed: Vec<_> = Kinds::default().hashed().map(|k| k.name()).collect();
        assert_eq!(hashed, ["password"]);
        assert_eq!(
            contract(&password::Password),
            Vec::<String>::new(),
            "it keeps what an own kind is held to"
        );
        assert!(SECRETS.iter().any(|k| k.may_be_alone()));
    }
}
