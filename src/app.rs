//! Every long-lived handle of one instance, in one plain struct.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::Notify;

use crate::base::seal::{Purpose, Sealer};
use crate::base::turns::Locks;
use crate::base::{Clock, Millis, Random};
use crate::devices::Rules;
use crate::events::Events;
use crate::extensions::Extensions;
use crate::hooks::Hooks;
use crate::keys::KeyRing;
use crate::messages::Channel;
use crate::outbox::{Inbox, Outbox};
use crate::plan::Plan;
use crate::providers::Routes;
use crate::secrets::hasher::Hasher;
use crate::secrets::password::Policy;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::agreement::Agreement;
use crate::throttle::Throttle;
use crate::tokens::ungiven::Ungiven;

/// One running instance. It is made by [`crate::startup`] and shared by everything that answers.
pub struct App {
    /// The settings, checked.
    pub settings: Settings,
    /// What they mean: flows, kinds, fields, messages.
    pub plan: Plan,
    /// The database.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// What time it is for all instances.
    pub agreement: Agreement,
    /// Chance.
    pub random: Random,
    /// Keyed hashes and sealing.
    pub sealer: Arc<Sealer>,
    /// The keys that sign.
    pub keys: KeyRing,
    /// Rates of every door.
    pub throttle: Throttle,
    /// Bounded password hashing.
    pub hasher: Hasher,
    /// What a password must be.
    pub policy: Policy,
    /// What an own program added to the built-in kinds.
    pub extensions: Extensions,
    /// What an identifier must be.
    pub rules: Rules,
    /// The channels that some provider delivers on.
    pub channels: Vec<Channel>,
    /// The providers, in the order they are tried.
    pub routes: Arc<Routes>,
    /// Writes messages.
    pub outbox: Outbox,
    /// Who is asked before something goes on.
    pub hooks: Arc<Hooks>,
    /// Writes what happened.
    pub events: Events,
    /// Rung when a message was queued.
    pub wake: Arc<Notify>,
    /// Delivered messages, in development.
    pub inbox: Option<Inbox>,
    /// One guess at a time for each subject.
    pub locks: Locks,
    /// Refresh tokens that nobody was given yet, for all we know.
    pub ungiven: Ungiven,
    /// Set when the server stops: it is not ready for more.
    pub stopping: AtomicBool,
}

impl App {
    /// The present moment.
    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The present moment as all instances have it, for what they write and judge by turns.
    pub fn shared_now(&self) -> Millis {
        self.agreement.shared()
    }

    /// The moment by which something is deleted for good: a clock that was set ahead is not believed yet.
    pub fn settled_now(&self) -> Millis {
        self.now().min(self.agreement.believed())
    }

    /// A keyed hash under which something is counted: it tells nothing to who reads the counter.
    pub fn subject(&self, parts: &[&str]) -> String {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        self.sealer.mac_text(Purpose::Subject, &parts)
    }

    /// Whether some provider delivers on a channel of that name.
    pub fn delivers(&self, channel: &str) -> bool {
        self.channels.iter().any(|c| c.name() == channel)
    }
}
