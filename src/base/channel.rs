//! The ways a message can reach a person.

use serde::{Deserialize, Serialize};

use super::unknown::Unknown;

/// How a message travels. Its name is what the API, the settings and the database say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// An email.
    Email,
    /// A text message to a phone.
    Sms,
    /// A voice call that reads the text out.
    Call,
    /// A WhatsApp message.
    Whatsapp,
}

impl Channel {
    /// Every channel.
    pub const ALL: &[Self] = &[Self::Email, Self::Sms, Self::Call, Self::Whatsapp];
    /// The channels that reach a phone number.
    pub const PHONE: &[Self] = &[Self::Sms, Self::Call, Self::Whatsapp];

    /// The stable name, such as `sms`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Call => "call",
            Self::Whatsapp => "whatsapp",
        }
    }

    /// The channel of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|channel| channel.name() == name)
    }
}

impl TryFrom<String> for Channel {
    type Error = Unknown;

    /// As the database has it.
    fn try_from(name: String) -> Result<Self, Unknown> {
        Self::from_name(&name).ok_or(Unknown("channel"))
    }
}

impl std::fmt::Display for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_back_and_is_what_serde_writes() {
        for channel in Channel::ALL {
            assert_eq!(Channel::from_name(channel.name()), Some(*channel));
            assert_eq!(serde_json::to_value(channel).unwrap(), channel.name());
        }
        assert_eq!(Channel::from_name("SMS"), None);
    }
}
