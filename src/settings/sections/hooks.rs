use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use crate::base::Sensitive;
use crate::base::clock::SECOND;
use crate::settings::check::Checks;
use crate::settings::{Span, form};

/// `[hooks]`: the operator's own services that are asked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hooks {
    /// Before a sign-up goes on.
    pub before_signup: HookPoint,
    /// Before an access token is made.
    pub before_tokens: HookPoint,
    /// Before a message is handed over.
    pub before_sending: HookPoint,
    /// What an attempt offers.
    pub ways: HookPoint,
}

/// `[hooks.*]`: who is asked at a point, and what holds where there is no answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookPoint {
    /// Where it is asked; none: no service is.
    #[serde(deserialize_with = "form::url_or_none")]
    pub url: Option<Url>,
    /// What questions are signed with: `whsec_…`.
    pub secret: Sensitive,
    /// A file that holds the secret.
    #[serde(deserialize_with = "form::path_or_none")]
    pub secret_file: Option<PathBuf>,
    /// How long all hooks of this point may take together, those of an own program too.
    pub timeout: Span,
    /// What holds where a hook gives no answer.
    pub when_down: WhenDown,
}

/// What holds where a hook gives no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenDown {
    /// It ends here.
    Refuse,
    /// It goes on as if nobody had been asked.
    Allow,
}

impl Hooks {
    /// The table of that name.
    pub fn of(&self, name: &str) -> Option<&HookPoint> {
        self.all().into_iter().find(|(table, _)| *table == name).map(|(_, point)| point)
    }

    fn all(&self) -> [(&'static str, &HookPoint); 4] {
        [
            ("before_signup", &self.before_signup),
            ("before_tokens", &self.before_tokens),
            ("before_sending", &self.before_sending),
            ("ways", &self.ways),
        ]
    }

    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        for (name, point) in self.all() {
            checks.within(&format!("hooks.{name}.timeout"), point.timeout, Span(100)..=Span(10 * SECOND));
        }
    }
}
