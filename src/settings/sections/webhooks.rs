use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use crate::base::Sensitive;
use crate::base::clock::SECOND;
use crate::settings::check::Checks;
use crate::settings::{Settings, Span, form};

/// `[webhooks.NAME]`: a system of the operator's that is told what happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where it is called.
    #[serde(deserialize_with = "form::url")]
    pub url: Url,
    /// What calls are signed with; several during a rotation, with a space between.
    #[serde(default)]
    pub secret: Sensitive,
    /// The file that holds the secret.
    #[serde(default, deserialize_with = "form::path_or_none")]
    pub secret_file: Option<PathBuf>,
    /// Names of events; `user.*` for all that begin so, `*` for all.
    #[serde(default = "all")]
    pub events: Vec<String>,
    /// How long it may take to answer.
    #[serde(default = "ten_seconds")]
    pub timeout: Span,
}

fn all() -> Vec<String> {
    vec!["*".to_owned()]
}

const fn ten_seconds() -> Span {
    Span(10 * SECOND)
}

impl Settings {
    /// The names are those of metrics and of rows in the database.
    pub(in crate::settings) fn check_webhooks(&self, checks: &mut Checks) {
        for (name, webhook) in &self.webhooks {
            let path = format!("webhooks.{name}");
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
            checks.must(
                (1..=64).contains(&name.len()) && name.bytes().all(plain),
                &path,
                "the name must be 1 to 64 lower-case letters, digits, hyphens and underscores",
            );
            let none = "names no event: say [\"*\"] for all of them, or take the webhook out";
            checks.must(!webhook.events.is_empty(), &format!("{path}.events"), none);
        }
    }
}
