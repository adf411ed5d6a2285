use serde::Deserialize;

use super::Span;
use super::check::Checks;
use crate::base::clock::DAY;

/// `[events]`: what happened, as it is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// How long the audit trail goes back.
    pub keep: Span,
}

impl Events {
    pub(super) fn check(&self, checks: &mut Checks) {
        checks.must(self.keep.millis() >= DAY, "events.keep", "must be at least \"1d\"");
    }
}
