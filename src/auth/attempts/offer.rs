//! What an attempt offers: what hooks leave of its flows and channels.

use crate::auth::attempts::walk::Walk;
use crate::auth::attempts::withheld::question;
use crate::auth::error::Result;
use crate::devices::DeviceKind;
use crate::flows::Secret;
use crate::hooks::{Identifier, Offer, Point};
use crate::messages::Channel;
use crate::store::attempts;

impl Walk<'_> {
    /// Asks the hooks, where they were not asked yet at this stage of the attempt.
    ///
    /// # Errors
    /// [`crate::auth::AuthError::Refused`].
    pub(in crate::auth) async fn ask_ways(&mut self) -> Result<()> {
        let proven = self.proven();
        let asked = if proven { self.withheld.known } else { self.withheld.begun };
        // Where somebody vouched there is no way left to choose.
        if asked || self.vouched() || !self.app.hooks.listen(Point::Ways) {
            return Ok(());
        }
        self.flush().await?;
        let identifier = Identifier::new(&self.attempt.kind, &self.attempt.canonical);
        let user = self.account.as_ref().filter(|_| proven).map(|account| account.user.id.to_string());
        let about = question(self.app, self.client, self.purpose, vec![identifier], Some(self.flows()));
        let more = self.app.hooks.ways(&Offer { user, ..about.clone() }).await?;
        let withheld = &mut self.withheld;
        withheld.without.and(more, &about.channels, &about.flows);
        (withheld.begun, withheld.known) = (true, proven);
        self.attempt.ways = withheld.stored();
        if let Some(ways) = self.attempt.ways.as_deref().filter(|_| self.stored) {
            let mut tx = self.app.store.begin().await?;
            attempts::set_ways(&mut tx, &self.attempt.id, ways).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// The channels that are left of those that reach an address.
    pub(in crate::auth) fn reaching(&self, kind: &str, address: &str) -> Vec<Channel> {
        self.withheld.reaching(self.app, kind, address)
    }

    /// Whether a secret can be come by with the channels that are left. While nothing is proven that hangs on the
    /// installation alone.
    pub(super) fn can_come(&self, secret: &Secret) -> bool {
        if secret.name != "passcode" || self.withheld.leaves_channels() {
            return true;
        }
        if self.proven() {
            return !self.carriers(secret).is_empty();
        }
        let fits = |kind: &&'static dyn DeviceKind| secret.device.as_deref().is_none_or(|d| d == kind.name());
        self.app.plan.devices.iter().filter(fits).any(|kind| self.withheld.leaves_kind(self.app, kind))
    }
}
