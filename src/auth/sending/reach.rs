//! Which channels reach a device, by the providers that there are.

use crate::app::App;
use crate::messages::Channel;

/// The channels of a device kind that some provider delivers on.
pub fn channels(app: &App, kind: &str) -> Vec<Channel> {
    let of_kind = app.plan.devices.kind(kind).map_or(&[][..], |kind| kind.channels());
    app.channels.iter().copied().filter(|channel| of_kind.contains(&channel.name())).collect()
}

/// The channels that reach an address of a kind. Where none of those that do is delivered on, all that are: a text to
/// a landline may be read out, and is better than nothing.
pub fn reaching(app: &App, kind: &str, address: &str) -> Vec<Channel> {
    let all = channels(app, kind);
    let reached = app.plan.devices.kind(kind).map_or(&[][..], |kind| kind.reached_by(address));
    let some: Vec<_> = all.iter().copied().filter(|channel| reached.contains(&channel.name())).collect();
    if some.is_empty() { all } else { some }
}
