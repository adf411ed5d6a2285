//! What hooks take away from an attempt: channels and flows that it does not offer.
//!
//! They are asked twice. Before anything is proven the question has no user and is the same whoever has the
//! identifier (R15, R16); once a first secret is passed it names the user. What they say holds for the attempt and is
//! kept with it.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::auth::sending::reach::reaching;
use crate::base::Purpose;
use crate::devices::DeviceKind;
use crate::flows::Flows;
use crate::hooks::{Identifier, Offer, Without};
use crate::messages::Channel;
use crate::store::devices::Device;

/// What an attempt does not offer, and who was spoken of when that was asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Withheld {
    #[serde(flatten)]
    pub(in crate::auth) without: Without,
    /// Whether it was asked when the attempt began.
    pub(in crate::auth) begun: bool,
    /// Whether it was asked with the user.
    pub(in crate::auth) known: bool,
}

impl Withheld {
    /// What an attempt's row says.
    pub fn read(stored: Option<&str>) -> Result<Self> {
        match stored {
            Some(text) => serde_json::from_str(text).map_err(|_| AuthError::AttemptGone),
            None => Ok(Self::default()),
        }
    }

    /// What an attempt's row keeps; nothing where nobody was asked.
    pub fn stored(&self) -> Option<String> {
        let asked = self.begun || self.known;
        asked.then(|| serde_json::to_string(self).unwrap_or_default())
    }

    /// Whether a flow of that name is offered.
    pub fn leaves_flow(&self, name: &str) -> bool {
        !self.without.flows.iter().any(|held| held == name)
    }

    /// Whether all channels are left.
    pub fn leaves_channels(&self) -> bool {
        self.without.channels.is_empty()
    }

    fn leaves(&self, channel: &str) -> bool {
        !self.without.channels.iter().any(|held| held == channel)
    }

    /// The channels that are left of those that reach an address.
    pub fn reaching(&self, app: &App, kind: &str, address: &str) -> Vec<Channel> {
        let mut channels = reaching(app, kind, address);
        channels.retain(|channel| self.leaves(channel.name()));
        channels
    }

    /// Whether a passcode can come by some device of a kind.
    pub(super) fn leaves_kind(&self, app: &App, kind: &dyn DeviceKind) -> bool {
        let channels = kind.channels();
        let some = channels.iter().any(|channel| app.delivers(channel) && self.leaves(channel));
        kind.carries_passcode() && if channels.is_empty() { self.leaves(kind.name()) } else { some }
    }

    /// Whether a passcode can come by a device.
    pub fn leaves_device(&self, app: &App, device: &Device) -> bool {
        let sent = app.plan.devices.kind(&device.kind).is_some_and(|kind| !kind.channels().is_empty());
        let address = device.delivery.as_deref().unwrap_or_default();
        if sent { !self.reaching(app, &device.kind, address).is_empty() } else { self.leaves(&device.kind) }
    }
}

pub(in crate::auth) fn question(
    app: &App,
    client: &Client,
    purpose: Purpose,
    identifiers: Vec<Identifier>,
    flows: Option<&Flows>,
) -> Offer {
    let computed =
        app.plan.devices.iter().filter(|kind| kind.carries_passcode() && kind.channels().is_empty());
    let sent = app.channels.iter().map(|channel| channel.name());
    Offer {
        purpose: purpose.name(),
        identifiers,
        user: None,
        network: client.place(),
        user_agent: client.agent.clone(),
        channels: sent.chain(computed.map(|kind| kind.name())).map(str::to_owned).collect(),
        flows: flows.into_iter().flat_map(Flows::iter).map(|flow| flow.name.clone()).collect(),
    }
}
