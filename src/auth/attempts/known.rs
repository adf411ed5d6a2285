//! By whom the guesses of an attempt are counted (R33, R35).

use crate::auth::attempts::walk::Walk;
use crate::auth::guesses::known::is_among;
use crate::auth::guesses::{self, Subject};
use crate::base::Purpose;
use crate::store::devices::Device;
use crate::store::known_devices::KnownDevice;

impl Walk<'_> {
    /// Notes at which known device it began.
    pub(in crate::auth) fn is_at(&mut self, known: Option<KnownDevice>) {
        let (id, shown) = known.map(|known| (known.id, known.shown)).unzip();
        (self.attempt.known_device, self.attempt.known_shown) = (id, shown);
    }

    /// Whether `item`, a secret that a person chose by its name or a device by its id, was shown at the known device before.
    pub(in crate::auth) fn was_shown(&self, item: &str) -> bool {
        self.attempt.known_shown.as_deref().is_some_and(|shown| is_among(shown, item))
    }

    /// Whose guesses are counted for a factor. Of several cards each is as good as the others.
    pub(in crate::auth) fn subject(&self, factor: &'static str) -> Subject {
        let mut cards = self.account.iter().flat_map(|account| account.of_kind("card"));
        let by_card = factor == "hardcode" && cards.any(|card| self.was_shown(&card.id));
        self.counted(factor, by_card || self.was_shown(factor))
    }

    /// The same for a passcode that is compared with what `carriers` have.
    pub(in crate::auth) fn subject_at<'d>(&self, carriers: impl IntoIterator<Item = &'d Device>) -> Subject {
        let mut all = carriers.into_iter().map(|device| self.was_shown(&device.id)).peekable();
        let shown = all.peek().is_some() && all.all(|shown| shown);
        self.counted("passcode", shown)
    }

    /// By the known device where it `has_shown` what is guessed at; otherwise all who are inside of the account share
    /// what they may guess (R33).
    fn counted(&self, factor: &'static str, has_shown: bool) -> Subject {
        let identifier = (self.attempt.kind.as_str(), self.attempt.canonical.as_str());
        let known = self.attempt.known_device.as_deref();
        let inside = (known.is_some() || self.purpose == Purpose::Reauth).then_some(guesses::INSIDE);
        let shown = self.apart.get(factor).map(String::as_str);
        let apart = known.filter(|_| has_shown).or(shown).or(inside);
        Subject::new(self.app, (self.client, self.purpose), self.account.as_ref(), apart, identifier, factor)
    }
}
