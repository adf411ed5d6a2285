//! An authenticator's seed, sealed at rest (R71), and the step that a code belongs to.

use crate::app::App;
use crate::auth::error::Result;
use crate::base::{DeviceId, Millis, Sensitive};
use crate::devices::authenticator::{self, Last, Seen, Width};
use crate::store::Tx;
use crate::store::devices::{self, Device};

/// Seals the seed of the device with that id.
pub fn seal(app: &App, device_id: &DeviceId, seed: &[u8]) -> String {
    app.sealer.seal(&place(device_id), seed)
}

/// What `typed` is; right never for a step that was taken before (R69).
pub fn look(app: &App, device: &Device, typed: &Sensitive, now: Millis) -> Seen {
    let seed = device.secret.as_deref().and_then(|sealed| app.sealer.open(&place(&device.id), sealed).ok());
    let width = match (app.settings.authenticator.steps_back, device.confirmed_at) {
        (0, _) => Width::Now,
        (_, None) => Width::Three,
        (_, Some(_)) => Width::Two,
    };
    let last = Last { step: device.last_step, at: device.last_used_at };
    seed.map_or(Seen::Wrong, |seed| authenticator::check(&seed, typed.expose(), now, last, width))
}

/// Takes the step of a right code; true for the first who does. Notes of a code that is right by another clock which
/// way that goes, so that an app that runs ahead from some day on is taken at its second code.
pub async fn take(tx: &mut Tx, device: &Device, seen: Seen, now: Millis) -> Result<bool> {
    match seen {
        Seen::Right(step) => Ok(devices::take_step(tx, &device.id, step, now).await?.is_yes()),
        Seen::Ahead => {
            devices::note_ahead(tx, &device.id, authenticator::step_at(now)).await?;
            Ok(false)
        }
        Seen::Behind => {
            devices::note_behind(tx, &device.id, now).await?;
            Ok(false)
        }
        Seen::Wrong => Ok(false),
    }
}

fn place(device_id: &DeviceId) -> String {
    format!("devices/{device_id}/seed")
}
