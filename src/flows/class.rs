//! How far a device that carries passcodes is its owner's: the engine's own order of what passcodes prove.

use super::{Factor, Vocabulary};

/// The class of a device that carries passcodes, the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Whoever reads a mailbox.
    Reach,
    /// Whoever has a number, by whatever channel (NIST SP 800-63B-4, section 3.2.9).
    Restricted,
    /// Whoever holds the thing itself: an authenticator, an own device that computes.
    Held,
}

impl Class {
    /// The class of what is carried so; none for what is known.
    pub const fn of(factor: Factor) -> Option<Self> {
        match factor {
            Factor::Reach => Some(Self::Reach),
            Factor::Restricted => Some(Self::Restricted),
            Factor::Held => Some(Self::Held),
            Factor::Known | Factor::Weak => None,
        }
    }
}

impl Vocabulary {
    /// The class of a kind of device; none where it carries no passcode.
    pub fn class(&self, device: &str) -> Option<Class> {
        let carrier = self.carriers.iter().find(|carrier| carrier.device == device)?;
        Class::of(carrier.factor)
    }
}
