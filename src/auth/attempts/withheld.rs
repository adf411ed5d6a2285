//! What hooks take away from an attempt: channels and flows that it does not offer.
//!
//! They are asked twice. Before anything is proven the question has no user and is the same whoever has the
//! identifier (R15, R16); once a first secret is passed it names the user. What they say holds for the attempt and is
//! kept with it.

use serde::{Deserialize, Serialize};

use super::walk::Walk;
use crate::app::App;
use crate::auth::codes::reach::reaching;
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::auth::purpose::Purpose;
use crate::auth::signup::draft::{Draft, DraftDevice};
use crate::devices::DeviceKind;
use crate::flows::{Flows, Secret};
use crate::hooks::{Identifier, Point, Ways, Without};
use crate::messages::Channel;
use crate::store::attempts;
use crate::store::devices::Device;

/// What an attempt does not offer, and who was spoken of when that was asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Taken {
    #[serde(flatten)]
    without: Without,
    /// Whether it was asked when the attempt began.
    begun: bool,
    /// Whether it was asked with the user.
    known: bool,
}

impl Taken {
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
        !self.without.flows.iter().any(|taken| taken == name)
    }

    /// Whether all channels are left.
    pub fn leaves_channels(&self) -> bool {
        self.without.channels.is_empty()
    }

    fn leaves(&self, channel: &str) -> bool {
        !self.without.channels.iter().any(|taken| taken == channel)
    }

    /// The channels that are left of those that reach an address.
    pub fn reaching(&self, app: &App, kind: &str, address: &str) -> Vec<Channel> {
        let mut channels = reaching(app, kind, address);
        channels.retain(|channel| self.leaves(channel.name()));
        channels
    }

    /// Whether a passcode can come by some device of a kind.
    fn leaves_kind(&self, app: &App, kind: &dyn DeviceKind) -> bool {
        let channels = kind.channels();
        let some = channels.iter().any(|channel| app.delivers(channel) && self.leaves(channel));
        kind.carries_passcode() && if channels.is_empty() { self.leaves(kind.name()) } else { some }
    }

    /// Whether a passcode can come by a device.
    pub fn leaves_device(&self, app: &App, device: &Device) -> bool {
        let sent = app.devices.kind(&device.kind).is_some_and(|kind| !kind.channels().is_empty());
        let address = device.delivery.as_deref().unwrap_or_default();
        if sent { !self.reaching(app, &device.kind, address).is_empty() } else { self.leaves(&device.kind) }
    }
}

/// Asks what a sign-up does not offer.
pub async fn of_signup(app: &App, client: &Client, identifiers: Vec<Identifier>) -> Result<Taken> {
    if !app.hooks.listen(Point::Ways) {
        return Ok(Taken::default());
    }
    let without = app.hooks.ways(&question(app, client, Purpose::Signup, identifiers, None)).await?;
    Ok(Taken { without, begun: true, known: false })
}

/// The addresses to prove that a code can reach by the channels that are left.
pub fn left<'d>(app: &'d App, taken: &'d Taken, draft: &'d Draft) -> impl Iterator<Item = &'d DraftDevice> {
    let reached = move |d: &&DraftDevice| {
        taken.leaves_channels() || !taken.reaching(app, &d.kind, &d.delivery).is_empty()
    };
    draft.to_prove().filter(reached)
}

fn question(
    app: &App,
    client: &Client,
    purpose: Purpose,
    identifiers: Vec<Identifier>,
    flows: Option<&Flows>,
) -> Ways {
    let computed = app.devices.iter().filter(|kind| kind.carries_passcode() && kind.channels().is_empty());
    let sent = app.channels.iter().map(|channel| channel.name());
    Ways {
        purpose: purpose.name(),
        identifiers,
        user: None,
        network: client.place(),
        user_agent: client.agent.clone(),
        channels: sent.chain(computed.map(|kind| kind.name())).map(str::to_owned).collect(),
        flows: flows.into_iter().flat_map(Flows::iter).map(|flow| flow.name.clone()).collect(),
    }
}

impl Walk<'_> {
    /// Asks the hooks, where they were not asked yet at this stage of the attempt.
    ///
    /// # Errors
    /// [`AuthError::Refused`].
    pub(super) async fn ask_ways(&mut self) -> Result<()> {
        let proven = self.proven();
        let asked = if proven { self.taken.known } else { self.taken.begun };
        // Where somebody vouched there is no way left to choose.
        if asked || self.vouched() || !self.app.hooks.listen(Point::Ways) {
            return Ok(());
        }
        self.flush().await?;
        let identifier = Identifier::new(&self.attempt.kind, &self.attempt.canonical);
        let user = self.account.as_ref().filter(|_| proven).map(|account| account.user.id.clone());
        let about = question(self.app, self.client, self.purpose, vec![identifier], Some(self.flows()));
        let more = self.app.hooks.ways(&Ways { user, ..about.clone() }).await?;
        let taken = &mut self.taken;
        taken.without.and(more, &about.channels, &about.flows);
        (taken.begun, taken.known) = (true, proven);
        self.attempt.ways = taken.stored();
        if let Some(ways) = self.attempt.ways.as_deref().filter(|_| self.stored) {
            let mut tx = self.app.store.begin().await?;
            attempts::set_ways(&mut tx, &self.attempt.id, ways).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// The channels that are left of those that reach an address.
    pub(in crate::auth) fn reaching(&self, kind: &str, address: &str) -> Vec<Channel> {
        self.taken.reaching(self.app, kind, address)
    }

    /// Whether a secret can be come by with the channels that are left. While nothing is proven that hangs on the
    /// installation alone.
    pub(super) fn can_come(&self, secret: &Secret) -> bool {
        if secret.name != "passcode" || self.taken.leaves_channels() {
            return true;
        }
        if self.proven() {
            return !self.carriers(secret).is_empty();
        }
        let fits = |kind: &&'static dyn DeviceKind| secret.device.as_deref().is_none_or(|d| d == kind.name());
        self.app.devices.iter().filter(fits).any(|kind| self.taken.leaves_kind(self.app, kind))
    }
}
