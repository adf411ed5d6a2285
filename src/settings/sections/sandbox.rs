use jiff::civil::Date;
use serde::Deserialize;

use crate::base::Sensitive;

/// One entry of `sandbox`: an address or number with a fixed code.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxEntry {
    /// The email address or phone number.
    pub to: String,
    /// The code that passes there: 6 to 10 digits.
    pub code: Sensitive,
    /// The last day (UTC) on which it does; in production there has to be one.
    pub until: Option<Date>,
}
