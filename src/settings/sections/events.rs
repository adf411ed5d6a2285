use serde::Deserialize;

use crate::base::clock::DAY;
use crate::settings::Span;
use crate::settings::check::Checks;

/// `[events]`: what happened, as it is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// How long the audit trail goes back.
    pub keep: Span,
    /// How long what is about nobody is kept.
    pub keep_nobody: Span,
}

impl Events {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        checks.must(self.keep.millis() >= DAY, "events.keep", "must be at least \"1d\"");
        let least = self.keep_nobody.millis() >= DAY;
        checks.must(least, "events.keep_nobody", "must be at least \"1d\"");
    }
}
