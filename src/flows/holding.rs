//! What an account holds, as far as flows ask for it, and what of it a proof is weighed against.
//!
//! A proof is weighed by the account: where it holds a device of a higher class than what was shown, an open passcode
//! is owed by that one too ([`Holding::owes`]). A secret that was set after a single device had recovered the account
//! is that device once more, not something known, until another one was shown ([`Holding::rated`]).

use super::{Class, Equipment, Flow, Passed, Secret};
use crate::base::Millis;

/// A confirmed device that can carry a passcode here and now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The device's id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Its class.
    pub class: Class,
    /// Since when it is confirmed.
    pub since: Millis,
}

/// A fixed secret that an account has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// Its name in flows, such as `password`.
    pub name: String,
    /// The devices that hold it; none for what is kept with the account.
    pub devices: Vec<String>,
    /// The one device whose proof it was set by, and when; none where more than that is behind it.
    pub set_by: Option<(String, Millis)>,
}

/// What an account holds.
#[derive(Clone, Debug, Default)]
pub struct Holding {
    /// The kinds of identifiers that name it.
    pub names: Vec<String>,
    /// Its fixed secrets.
    pub fixed: Vec<Fixed>,
    /// The devices that carry passcodes, in the order in which they are offered.
    pub carriers: Vec<Carried>,
    /// Names of the secrets that devices carry: `passcode`.
    pub carried: Vec<String>,
    /// Devices that carried passcodes and can come back: they answer nothing, and whoever has recovered the account
    /// by one device gains no level by putting the others aside.
    pub aside: Vec<Carried>,
}

/// The door that an attempt came in by, as far as it matters which device answers an open passcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A sign-in.
    Signin,
    /// A recovery: by the identifier's own device, always.
    Recovery,
    /// A re-authentication: whose account it is is known.
    Reauth,
}

impl Holding {
    /// The highest class of its devices.
    pub fn top(&self) -> Option<Class> {
        self.carriers.iter().map(|carrier| carrier.class).max()
    }

    /// The device of that id, where it carries passcodes.
    pub fn carrier(&self, id: &str) -> Option<&Carried> {
        self.carriers.iter().find(|carrier| carrier.id == id)
    }

    /// The highest class that was shown by passcodes; what a recovery code stood in for counts as it.
    pub fn shown(&self, passed: &[Passed]) -> Option<Class> {
        let of_kind = |kind: &str| self.carriers.iter().find(|c| c.kind == kind).map(|c| c.class);
        let class = |item: &Passed| match &item.id {
            Some(id) => self.carrier(id).map(|carrier| carrier.class),
            None => item.device.as_deref().and_then(of_kind),
        };
        passed.iter().filter(|item| self.carried.contains(&item.secret)).filter_map(class).max()
    }

    /// Whether a device of a higher class than any that was shown is there.
    fn is_below(&self, passed: &[Passed]) -> bool {
        self.shown(passed) < self.top()
    }

    /// The one device that a fixed secret leans on, and since when: it alone had recovered the account when the secret
    /// was set, there is another that is older than that, and nothing but that one device was shown since.
    fn leaning<'h>(&'h self, fixed: &'h Fixed, passed: &[Passed]) -> Option<(&'h str, Millis)> {
        let mut others = self.others(fixed, &self.carriers).peekable();
        let rescued = passed.iter().any(|item| item.stood_in);
        let shown = |carrier: &Carried| passed.iter().any(|item| item.id.as_ref() == Some(&carrier.id));
        let leans = !rescued && others.peek().is_some() && !others.any(shown);
        fixed.set_by.as_ref().filter(|_| leans).map(|(device, at)| (device.as_str(), *at))
    }

    /// Of `devices` those that stood beside the one that had recovered the account when a secret was set.
    fn others<'h>(&self, fixed: &'h Fixed, devices: &'h [Carried]) -> impl Iterator<Item = &'h Carried> {
        let by = fixed.set_by.as_ref();
        devices.iter().filter(move |other| by.is_some_and(|(id, at)| other.id != *id && other.since < *at))
    }

    /// Whether a secret is no more than the device that it was set by: it leans on it, or would if the others had not
    /// been put aside since.
    fn is_the_device(&self, fixed: &Fixed, passed: &[Passed]) -> bool {
        let rescued = passed.iter().any(|item| item.stood_in);
        let alone = self.others(fixed, &self.carriers).next().is_none();
        let aside = alone && self.others(fixed, &self.aside).next().is_some();
        self.leaning(fixed, passed).is_some() || (aside && !rescued)
    }

    /// What a secret that was passed leans on.
    fn leans_on(&self, passed: &[Passed]) -> Option<(&str, Millis)> {
        let used = |fixed: &&Fixed| passed.iter().any(|item| item.secret == fixed.name);
        self.fixed.iter().filter(used).find_map(|fixed| self.leaning(fixed, passed))
    }

    /// Whether no secret leans on one device any more, now that so much was shown.
    pub fn is_free(&self, passed: &[Passed]) -> bool {
        !self.fixed.iter().any(|fixed| self.is_the_device(fixed, passed))
    }

    /// What of `passed` counts for a level. A secret that a recovery set is worth nothing beside the one device that
    /// recovered (R14): otherwise that device would be two kinds of proof.
    pub fn rated(&self, passed: &[Passed]) -> Vec<Passed> {
        let used = |fixed: &&Fixed| passed.iter().any(|item| item.secret == fixed.name);
        let leaning = self.fixed.iter().filter(used).any(|fixed| self.is_the_device(fixed, passed));
        let made = |item: &&Passed| {
            self.fixed.iter().any(|fixed| fixed.name == item.secret && fixed.set_by.is_some())
        };
        passed.iter().filter(|item| !(leaning && made(item))).cloned().collect()
    }

    /// The devices that may answer `secret`, asked of whoever came by `identifier` (a kind, and the id of the device
    /// that it names) and has `passed` so much.
    ///
    /// An open passcode is the identifier's own device while nothing is passed, and in a recovery always. Afterwards it
    /// is one of the highest class; and where that was shown already, another one than the secret leans on.
    pub fn answering<'h>(
        &'h self,
        secret: &Secret,
        (kind, own): (&str, Option<&str>),
        passed: &[Passed],
        door: Door,
    ) -> Vec<&'h Carried> {
        let narrowed = |c: &&Carried| secret.device.as_ref().is_none_or(|device| *device == c.kind);
        let used = |c: &&Carried| passed.iter().any(|item| item.id.as_ref() == Some(&c.id));
        let mut free: Vec<&Carried> =
            self.carriers.iter().filter(narrowed).filter(|carrier| !used(carrier)).collect();
        free.sort_by_key(|carrier| (Some(carrier.id.as_str()) != own, carrier.kind != kind));
        if secret.device.is_some() {
            return free;
        }
        let named: Vec<&Carried> = free.iter().copied().filter(|c| Some(c.id.as_str()) == own).collect();
        let by_own = door == Door::Recovery || passed.is_empty();
        match (by_own && !named.is_empty(), door, passed.is_empty()) {
            (true, ..) => named,
            (false, Door::Recovery, _) | (false, Door::Signin, true) => free,
            _ => self.best(free, passed),
        }
    }

    /// Of devices that may answer: those that are owed, and of these the highest class.
    fn best<'h>(&self, free: Vec<&'h Carried>, passed: &[Passed]) -> Vec<&'h Carried> {
        let other = |c: &&&Carried| match self.leans_on(passed).filter(|_| !self.is_below(passed)) {
            Some((device, at)) => c.id != device && c.since < at,
            None => true,
        };
        let free: Vec<&Carried> = free.iter().filter(other).copied().collect();
        let top = free.iter().map(|carrier| carrier.class).max();
        free.into_iter().filter(|carrier| Some(carrier.class) == top).collect()
    }
}

impl Equipment for Holding {
    fn has(&self, flow: &Flow) -> bool {
        let named = self.names.contains(&flow.identifier);
        // Narrowed passcodes choose first: what they need cannot serve twice.
        let (narrow, wide): (Vec<&Secret>, Vec<&Secret>) =
            flow.secrets.iter().partition(|secret| secret.device.is_some());
        let mut taken: Vec<&str> = Vec::new();
        named
            && narrow.into_iter().chain(wide).all(|secret| {
                if !self.carried.contains(&secret.name) {
                    return self.fixed.iter().any(|fixed| fixed.name == secret.name);
                }
                let fits = |c: &&Carried| secret.device.as_ref().is_none_or(|kind| *kind == c.kind);
                let mut free = self.carriers.iter().filter(fits).filter(|c| !taken.contains(&c.id.as_str()));
                let found = free.next().map(|carrier| carrier.id.as_str());
                found.inspect(|id| taken.push(id)).is_some()
            })
    }

    fn owes(&self, passed: &[Passed]) -> bool {
        let rescued = passed.iter().any(|item| item.stood_in);
        !rescued && (self.is_below(passed) || self.leans_on(passed).is_some())
    }

    fn owes_beside(&self, flow: &Flow, passed: &[Passed], is_asked: &dyn Fn(&str) -> bool) -> Option<Secret> {
        if flow.secrets.iter().any(|secret| self.carried.contains(&secret.name)) {
            return None;
        }
        let (device, _) = self.leans_on(passed)?;
        let class = self.carrier(device).map(|carrier| carrier.class);
        let guarded = self.carriers.iter().any(|c| Some(c.class) > class && is_asked(&c.kind));
        let name = self.carried.first().filter(|_| guarded && self.is_below(passed))?;
        Some(Secret { name: name.clone(), device: None })
    }

    fn is_open(&self, secret: &Secret) -> bool {
        secret.device.is_none() && self.carried.contains(&secret.name)
    }
}
