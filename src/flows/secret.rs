//! A secret as a flow asks for it, and as an attempt passed it.

use std::fmt;
use std::str::FromStr;

/// One secret of a flow. As text: `password`, or `passcode:phone` where only that kind of device will do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Secret {
    /// The kind of secret, such as `passcode`.
    pub name: String,
    /// The one kind of device that may carry it; `None` leaves it open.
    pub device: Option<String>,
}

/// A secret that was checked and found right in an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Passed {
    /// The kind of secret, such as `passcode`.
    pub secret: String,
    /// The kind of device that carried it; `None` for what is not carried.
    pub device: Option<String>,
    /// The id of the device that carried or held it, where one is known.
    pub id: Option<String>,
    /// Whether a recovery code stood in for it.
    pub stood_in: bool,
}

/// Text that is not spelled `name` or `name:device`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is written as its name, or as name:device")]
pub struct NotASecret;

impl Secret {
    /// Whether passing `self` does for `other` too: the same, or a narrower one.
    pub fn covers(&self, other: &Self) -> bool {
        self.name == other.name && (other.device.is_none() || self.device == other.device)
    }

    /// Whether `passed` is what this secret asks for.
    pub fn accepts(&self, passed: &Passed) -> bool {
        self.name == passed.secret && (self.device.is_none() || self.device == passed.device)
    }
}

impl Passed {
    /// A passed secret that no device carried.
    pub fn fixed(secret: impl Into<String>) -> Self {
        Self { secret: secret.into(), device: None, id: None, stood_in: false }
    }

    /// A passed secret that came by a device of kind `device`.
    pub fn carried(secret: impl Into<String>, device: impl Into<String>) -> Self {
        Self { device: Some(device.into()), ..Self::fixed(secret) }
    }

    /// The same, by the device of that id.
    #[must_use]
    pub fn by(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.device {
            None => f.write_str(&self.name),
            Some(device) => write!(f, "{}:{device}", self.name),
        }
    }
}

impl FromStr for Secret {
    type Err = NotASecret;

    fn from_str(text: &str) -> Result<Self, NotASecret> {
        let (name, device) = match text.split_once(':') {
            None => (text, None),
            Some((name, device)) => (name, Some(device)),
        };
        let sound = |part: &str| !part.is_empty() && !part.contains(':');
        if !sound(name) || !device.is_none_or(sound) {
            return Err(NotASecret);
        }
        Ok(Self { name: name.to_owned(), device: device.map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        text.parse().unwrap()
    }

    #[test]
    fn the_narrower_covers_the_open_one_and_not_the_other_way_round() {
        assert!(secret("passcode:phone").covers(&secret("passcode")));
        assert!(!secret("passcode").covers(&secret("passcode:phone")));
        assert!(!secret("passcode:phone").covers(&secret("passcode:email")));
        assert!(!secret("password").covers(&secret("passcode")));
    }

    #[test]
    fn a_code_by_email_does_not_pass_for_the_phone() {
        let by_email = Passed::carried("passcode", "email");
        assert!(secret("passcode").accepts(&by_email));
        assert!(secret("passcode:email").accepts(&by_email));
        assert!(!secret("passcode:phone").accepts(&by_email));
        assert!(!secret("passcode:phone").accepts(&Passed::fixed("passcode")));
    }

    #[test]
    fn odd_spellings_are_no_secrets() {
        for text in ["", ":", "passcode:", ":phone", "a:b:c", "a::b"] {
            assert_eq!(text.parse::<Secret>(), Err(NotASecret), "{text}");
        }
    }
}
