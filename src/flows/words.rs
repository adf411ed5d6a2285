//! The words that a tuple may hold, and what each is worth.

use super::{Passed, Secret};

/// What a secret proves, as NIST SP 800-63B-4 sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Factor {
    /// Something known: a password.
    Known,
    /// Something fixed and short, such as a hardcode; too little to count as a password.
    Weak,
    /// A message that was read (email): proves reach, and is no factor (section 3.1.3.1).
    Reach,
    /// Possession that NIST restricts: a code by SMS or call (section 3.2.9).
    Restricted,
    /// Something held: an authenticator app.
    Held,
}

/// What the words of a tuple may be; made by the caller from its registries and settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// Kinds of device that name their owner, such as `email`.
    pub identifiers: Vec<String>,
    /// Kinds of secret.
    pub secrets: Vec<SecretWord>,
    /// Kinds of device that carry a passcode.
    pub carriers: Vec<Carrier>,
}

/// One kind of secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretWord {
    /// Its name in a tuple, such as `password`.
    pub name: String,
    /// What it proves; not looked at where `carried`, since the carrier decides then.
    pub factor: Factor,
    /// Whether it may be the only secret of a flow.
    pub alone: bool,
    /// Whether a device delivers or computes it, so that it may be narrowed: `passcode:phone`.
    pub carried: bool,
}

/// One kind of device that a passcode is sent to or computed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// The device's kind: `email`, `phone`, `authenticator`.
    pub device: String,
    /// What a passcode proves that came this way.
    pub factor: Factor,
    /// Whether a person can be talked into typing the code into a false page.
    pub phishable: bool,
    /// `Err`: why no passcode can come this way, such as "no provider in phone.providers".
    pub works: Result<(), String>,
}

impl Vocabulary {
    /// The kind of secret called `name`.
    pub fn secret(&self, name: &str) -> Option<&SecretWord> {
        self.secrets.iter().find(|word| word.name == name)
    }

    /// The kinds of device that may carry `secret`, working or not; none for a secret that is not carried.
    pub fn carriers_of(&self, secret: &Secret) -> Vec<&Carrier> {
        if !self.secret(&secret.name).is_some_and(|word| word.carried) {
            return Vec::new();
        }
        let meant =
            |carrier: &&Carrier| secret.device.as_ref().is_none_or(|device| *device == carrier.device);
        self.carriers.iter().filter(meant).collect()
    }

    /// Those of [`Vocabulary::carriers_of`] that work.
    pub fn working(&self, secret: &Secret) -> Vec<&Carrier> {
        self.carriers_of(secret).into_iter().filter(|carrier| carrier.works.is_ok()).collect()
    }

    /// What `secret` may turn out to prove: one factor for each carrier that works, or its own.
    pub fn factors_of(&self, secret: &Secret) -> Vec<Factor> {
        match self.secret(&secret.name) {
            Some(word) if !word.carried => vec![word.factor],
            _ => self.working(secret).into_iter().map(|carrier| carrier.factor).collect(),
        }
    }

    /// What a passed secret proved; `None` where its kind or its carrier is unknown, which is worth nothing.
    pub fn factor_of(&self, passed: &Passed) -> Option<Factor> {
        let word = self.secret(&passed.secret)?;
        if !word.carried {
            return Some(word.factor);
        }
        let device = passed.device.as_ref()?;
        self.carriers.iter().find(|carrier| carrier.device == *device).map(|carrier| carrier.factor)
    }
}
