use serde::Deserialize;

use crate::settings::check::Checks;

/// `[identifier.NAME]`: an identifier of the operator's own making.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// A regular expression that the whole canonical form fits.
    pub pattern: String,
    /// The case of the canonical form.
    #[serde(default)]
    pub case: Case,
    /// Characters that are left out of what is typed.
    #[serde(default)]
    pub strip: String,
    /// What people call it.
    pub title: String,
    /// One that fits.
    pub example: String,
    /// Who gives it.
    #[serde(default)]
    pub given_by: GivenBy,
}

/// The case of a canonical form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Case {
    /// As it is typed.
    #[default]
    Keep,
    /// Small letters.
    Lower,
    /// Capitals.
    Upper,
}

/// Who gives an identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GivenBy {
    /// The person, at sign-up or later.
    #[default]
    User,
    /// The operator alone.
    Operator,
}

impl Identifier {
    pub(in crate::settings) fn check(&self, name: &str, checks: &mut Checks) {
        let at = |key: &str| format!("identifier.{name}.{key}");
        let line = |text: &str| (1..=64).contains(&text.chars().count()) && !text.contains(char::is_control);
        checks.must(line(&self.title), &at("title"), "must be 1 to 64 characters on one line");
        checks.must(!self.pattern.is_empty(), &at("pattern"), "is empty; \"[0-9]{5}\" is five digits");
        let apart = |c: char| c == ' ' || c.is_ascii_punctuation();
        let message = "must be signs that stand between letters and digits, such as \" -\"";
        checks.must(self.strip.chars().all(apart), &at("strip"), message);
    }
}
