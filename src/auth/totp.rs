//! An authenticator's seed, sealed at rest (R71), and the step that a code belongs to.

use crate::app::App;
use crate::base::{Millis, Sensitive};
use crate::devices::authenticator;
use crate::store::devices::Device;

/// Seals the seed of the device with that id.
pub fn seal(app: &App, device_id: &str, seed: &[u8]) -> String {
    app.sealer.seal(&place(device_id), seed)
}

/// The time step that `typed` is right for; never one that was taken before (R69).
pub fn step(app: &App, device: &Device, typed: &Sensitive, now: Millis) -> Option<i64> {
    let seed = app.sealer.open(&place(&device.id), device.secret.as_deref()?).ok()?;
    let back = u8::try_from(app.settings.authenticator.steps_back).unwrap_or(0);
    authenticator::check(&seed, typed.expose(), now, device.last_step, back)
}

fn place(device_id: &str) -> String {
    format!("devices/{device_id}/seed")
}
