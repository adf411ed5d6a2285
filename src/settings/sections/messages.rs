use std::path::PathBuf;

use serde::Deserialize;

use crate::settings::check::Checks;
use crate::settings::form;

/// Characters of a contact at most.
const CONTACT: usize = 200;

/// `[messages]`: what people are sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// The language that steps in where no other fits, as a tag such as `en`.
    pub language: String,
    /// The folder of the operator's own templates.
    #[serde(deserialize_with = "form::path_or_none")]
    pub templates: Option<PathBuf>,
    /// How a person reaches the operator; empty: no such sentence.
    pub contact: String,
}

impl Messages {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        let sound = self.contact.chars().count() <= CONTACT && !self.contact.chars().any(char::is_control);
        checks.must(
            sound,
            "messages.contact",
            format!("must be at most {CONTACT} characters on one line, or \"\" for none"),
        );
    }
}
