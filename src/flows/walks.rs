//! Flows walked on paper: every way in which an account's holder, or somebody with a part of what it holds, could come
//! through them. It takes the engine's own steps, so that what is said of an account is what its attempts do.

use std::collections::BTreeSet;

use super::{Carried, Door, Equipment, Flow, Flows, Holding, Passed, Secret, Step, step};

/// An attempt that came to its end.
#[derive(Clone, Debug)]
pub struct End<'f> {
    /// The flow that it went through.
    pub flow: &'f Flow,
    /// What was passed.
    pub passed: Vec<Passed>,
}

/// What walking the flows with a holding shows.
#[derive(Debug, Default)]
pub struct Walks<'f> {
    /// Every end that can be reached.
    pub ends: Vec<End<'f>>,
    /// The ids of devices that are asked for on the way.
    pub asked: BTreeSet<String>,
    /// Those of them for which a recovery code can stand in: something was proven before.
    pub replaceable: BTreeSet<String>,
}

/// One attempt on paper.
struct Attempt<'a> {
    flows: &'a Flows,
    holding: &'a Holding,
    /// The identifier's kind, and its own device.
    named: (&'a str, Option<&'a str>),
    /// Whether who walks has that device; fixed secrets are asked about by their name alone.
    able: &'a dyn Fn(&Able<'_>) -> bool,
}

/// What a walker would have to have.
#[derive(Debug)]
pub enum Able<'a> {
    /// A fixed secret.
    Fixed(&'a str),
    /// A device that carries passcodes.
    Carrier(&'a Carried),
    /// A device that holds a fixed secret, by its id.
    Holder(&'a str),
}

impl<'f> Walks<'f> {
    /// Walks sign-in with everything that the account holds.
    pub fn of(flows: &'f Flows, holding: &Holding) -> Self {
        Self::with(flows, holding, &|_| true)
    }

    /// Walks sign-in at the account that holds `holding` with what of it is `able`.
    pub fn with(flows: &'f Flows, holding: &Holding, able: &dyn Fn(&Able<'_>) -> bool) -> Self {
        let mut found = Self::default();
        let kinds = flows.identifiers();
        for kind in kinds.into_iter().filter(|kind| holding.names.iter().any(|name| name == kind)) {
            let mut owned: Vec<Option<&str>> =
                holding.carriers.iter().filter(|c| c.kind == kind).map(|c| Some(c.id.as_str())).collect();
            if owned.is_empty() {
                owned.push(None);
            }
            for own in owned {
                let attempt = Attempt { flows, holding, named: (kind, own), able };
                found.walk(flows, &attempt, &[], &mut BTreeSet::new());
            }
        }
        found
    }

    fn walk(
        &mut self,
        flows: &'f Flows,
        attempt: &Attempt<'_>,
        passed: &[Passed],
        seen: &mut BTreeSet<Vec<String>>,
    ) {
        if !seen.insert(key(passed)) {
            return;
        }
        let known: Option<&dyn Equipment> = if passed.is_empty() { None } else { Some(attempt.holding) };
        match step(attempt.flows, attempt.named.0, passed, known) {
            Step::Refuse => {}
            Step::Done(index) => {
                self.ends.extend(flows.get(index).map(|flow| End { flow, passed: passed.to_vec() }));
            }
            Step::Ask(asked) => {
                for secret in &asked {
                    for next in self.answers(attempt, secret, passed) {
                        self.walk(flows, attempt, &[passed, &[next]].concat(), seen);
                    }
                }
            }
        }
    }

    /// What may be passed next in answer to `secret`.
    fn answers(&mut self, attempt: &Attempt<'_>, secret: &Secret, passed: &[Passed]) -> Vec<Passed> {
        let Attempt { holding, able, .. } = attempt;
        if holding.carried.contains(&secret.name) {
            let all = holding.answering(secret, attempt.named, passed, Door::Signin);
            let ids = all.iter().map(|carrier| carrier.id.clone());
            self.asked.extend(ids.clone());
            if !passed.is_empty() {
                self.replaceable.extend(ids);
            }
            let mine = all.into_iter().filter(|carrier| able(&Able::Carrier(carrier)));
            return mine.map(|c| Passed::carried(&secret.name, &c.kind).by(&c.id)).collect();
        }
        let Some(fixed) = holding.fixed.iter().find(|fixed| fixed.name == secret.name) else {
            return Vec::new();
        };
        self.asked.extend(fixed.devices.iter().cloned());
        if fixed.devices.is_empty() {
            let mine = able(&Able::Fixed(&fixed.name));
            return mine.then(|| Passed::fixed(&fixed.name)).into_iter().collect();
        }
        let mine = fixed.devices.iter().filter(|id| able(&Able::Holder(id)));
        mine.map(|id| Passed::fixed(&fixed.name).by(id)).collect()
    }
}

/// What two attempts have in common that go on alike, whatever the order.
fn key(passed: &[Passed]) -> Vec<String> {
    // The order of what is passed decides what a flow asks next.
    passed.iter().map(|item| format!("{} {:?} {:?}", item.secret, item.device, item.id)).collect()
}
