//! What hooks change where they do not refuse. Over HTTP each member stands beside `decision`.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// Changes to a sign-up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Amend {
    /// The whole profile that takes the place of the user's; it is checked as theirs was. None leaves it.
    pub profile: Option<Map<String, Value>>,
    /// The groups that the account begins in. None leaves them.
    pub groups: Option<Vec<String>>,
}

/// What is added to an access token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// By name, 2 KiB of JSON at most. Names with a meaning of their own (`sub`, `scope` …) are left out, and those
    /// that fields of the profile have which only the operator or a hook may write.
    #[serde(deserialize_with = "or_none")]
    pub claims: Map<String, Value>,
}

/// How a message leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Route {
    /// The provider that is tried first, one of those that were named in the question.
    pub provider: Option<String>,
}

/// What an attempt does not offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Without {
    /// Channels such as `sms`, and `authenticator`.
    #[serde(rename = "without_channels", deserialize_with = "or_none")]
    pub channels: Vec<String>,
    /// Flows, by name.
    #[serde(rename = "without_flows", deserialize_with = "or_none")]
    pub flows: Vec<String>,
}

impl Without {
    /// Whether nothing is taken away.
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.flows.is_empty()
    }

    /// Takes away what `more` does, too. What `offered` does not have is left out: nothing unknown is kept.
    pub fn and(&mut self, more: Self, channels: &[String], flows: &[String]) {
        let lay = |over: &mut Vec<String>, more: Vec<String>, offered: &[String]| {
            let fits = |name: &String| offered.contains(name);
            over.extend(more.into_iter().filter(fits));
            over.sort_unstable();
            over.dedup();
        };
        lay(&mut self.channels, more.channels, channels);
        lay(&mut self.flows, more.flows, flows);
    }
}

/// `null` is as good as nothing: many libraries write it for what is not there.
fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(d: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or_default())
}
