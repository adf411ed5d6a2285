//! When an address counts as confirmed.

use crate::app::App;
use crate::settings::Confirm;
use serde::Deserialize;
use serde::Serialize;

/// When a device counts as confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moment {
    /// Before the account is made.
    Before,
    /// Some time after.
    After,
    /// At once, unproven.
    Never,
}

/// When devices of a kind are confirmed; what cannot be sent a message is taken as it is.
pub fn moment(app: &App, kind: &str) -> Moment {
    let set = match kind {
        "email" => app.settings.email.confirm,
        "phone" => app.settings.phone.confirm,
        // Anybody may write down an address of an own kind.
        other if !app.plan.devices.is_silent(other) => Confirm::Before,
        _ => Confirm::Never,
    };
    match set {
        Confirm::Before => Moment::Before,
        Confirm::After => Moment::After,
        Confirm::Never => Moment::Never,
    }
}
