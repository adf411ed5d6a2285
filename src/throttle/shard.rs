//! Some of the windows in memory, and who shares when there is no room for all of them.
//!
//! A window is forgotten when it counts nothing any more and never sooner. When there is no room for another one, the
//! network that holds most is folded: for each action and rate its windows become one, with the sum of what they had
//! used, and its clients count in that from then on. A window that somebody of another network used stays as it is.
//! Nobody else's window is touched, and who comes new from elsewhere gets their own. Only where no network holds
//! enough, so where a flood comes from very many at once, do newcomers share one window an action and rate. Nothing is
//! ever let through uncounted.
//!
//! Once half of the room is free again, a folded network's clients get windows of their own, which begin with what the
//! folded one has counted.

use std::collections::HashMap;

use super::Claim;
use super::nets::{Holdings, Net};
use super::rate::Rate;
use super::window::Window;
use crate::base::Millis;
use crate::base::clock::SECOND;
use crate::telemetry::metrics;

/// A full shard is searched for dead windows at most this often, or a flood would search at every call.
const PAUSE: Millis = SECOND;
/// The least that a network must hold to be folded, as a share of the room: folding looks at every window, and then
/// makes room for as many more.
const LEAST: usize = 256;

/// What shares a window: the action and the rate, without whose it is.
type Kind = (&'static str, Rate);

/// Some of the windows of an instance.
#[derive(Debug)]
pub(super) struct Shard {
    room: usize,
    own: HashMap<u64, Held>,
    holdings: Holdings,
    /// The windows of networks that were folded.
    folded: HashMap<(Net, Kind), Window>,
    /// The networks that were folded, and whether their clients still share.
    folds: HashMap<Net, bool>,
    /// What newcomers share where there is no room for windows of their own; one a kind, so few.
    shared: HashMap<Kind, Window>,
    /// How many windows there may be before the next search for dead ones.
    search_at: usize,
    searched: Millis,
    /// When it was last full and no network held enough.
    crowded: Option<Millis>,
}

#[derive(Debug)]
struct Held {
    window: Window,
    kind: Kind,
    /// The network whose clients alone have used it.
    net: Option<Net>,
}

/// Where a call is counted.
enum Place {
    Own,
    Folded(Net),
    Shared,
}

impl Shard {
    /// An empty one, for so many windows.
    pub fn with_room(room: usize) -> Self {
        Self {
            room,
            own: HashMap::new(),
            holdings: Holdings::default(),
            folded: HashMap::new(),
            folds: HashMap::new(),
            shared: HashMap::new(),
            search_at: 0,
            searched: 0,
            crowded: None,
        }
    }

    /// Sees to it that there is room for the window `id`, if it can be had.
    pub fn make_room(&mut self, id: u64, claim: &Claim, now: Millis) {
        if self.own.contains_key(&id) || self.fold_of(claim).is_some() {
            return;
        }
        let lately = |at: Millis| now.abs_diff(at) < PAUSE as u64;
        let hopeless = self.crowded.is_some_and(lately);
        let due = if self.is_full() { !lately(self.searched) } else { self.own.len() >= self.search_at };
        if due {
            self.search(now);
        }
        if self.is_full() && !hopeless {
            self.fold_most(now);
        }
    }

    /// How long until there is room for one more of that claim.
    pub fn wait(&mut self, id: u64, claim: &Claim, now: Millis) -> Millis {
        let kind = kind_of(claim);
        let window = match self.place(id, claim) {
            Place::Own if self.own.contains_key(&id) => self.own.get_mut(&id).map(|held| &mut held.window),
            Place::Folded(net) if self.folded.contains_key(&(net, kind)) => self.folded.get_mut(&(net, kind)),
            Place::Own | Place::Folded(_) => {
                self.begun(claim).and_then(|net| self.folded.get_mut(&(net, kind)))
            }
            Place::Shared => self.shared.get_mut(&kind),
        };
        window.map_or(0, |window| {
            window.settle(now);
            window.wait(now)
        })
    }

    /// Takes one of that claim.
    pub fn take(&mut self, id: u64, claim: &Claim, now: Millis) {
        let kind = kind_of(claim);
        let begun = self.begun(claim).and_then(|net| self.folded.get(&(net, kind))).cloned();
        let fresh = || begun.unwrap_or_else(|| Window::new(claim.rate));
        let window = match self.place(id, claim) {
            Place::Own => self.owned(id, claim, fresh),
            Place::Folded(net) => self.folded.entry((net, kind)).or_insert_with(fresh),
            Place::Shared => self.shared.entry(kind).or_insert_with(fresh),
        };
        window.settle(now);
        window.take(now);
    }

    /// Forgets the windows that count nothing any more.
    pub fn search(&mut self, now: Millis) {
        let alive = |window: &mut Window| {
            window.settle(now);
            !window.is_empty()
        };
        self.own.retain(|_, held| alive(&mut held.window));
        self.folded.retain(|_, window| alive(window));
        self.shared.retain(|_, window| alive(window));
        if self.own.capacity() > 4 * self.own.len() + 64 {
            self.own.shrink_to(2 * self.own.len());
        }
        self.count();
        // Twice what is alive: the search then costs each new window a constant share.
        self.search_at = (2 * self.own.len()).max(64);
        self.searched = now;
        let pressed = self.len() > self.room / 2;
        self.folds.retain(|net, _| self.folded.keys().any(|(folded, _)| folded == net));
        self.folds.values_mut().for_each(|shares| *shares &= pressed);
    }

    /// How many windows there are, beside what newcomers share.
    pub fn len(&self) -> usize {
        self.own.len() + self.folded.len()
    }

    fn is_full(&self) -> bool {
        self.len() >= self.room
    }

    fn place(&self, id: u64, claim: &Claim) -> Place {
        if self.own.contains_key(&id) {
            return Place::Own;
        }
        match self.fold_of(claim) {
            Some(net) if self.folded.contains_key(&(net, kind_of(claim))) || !self.is_full() => {
                Place::Folded(net)
            }
            None if !self.is_full() => Place::Own,
            Some(_) | None => Place::Shared,
        }
    }

    /// The folded network that whoever makes the claim shares with.
    fn fold_of(&self, claim: &Claim) -> Option<Net> {
        claim.net?.all().find(|net| self.folds.get(net) == Some(&true))
    }

    /// The network that was folded, and whose window a new one of the claim begins with.
    fn begun(&self, claim: &Claim) -> Option<Net> {
        claim.net?.all().find(|net| self.folded.contains_key(&(*net, kind_of(claim))))
    }

    /// The window `id`, made where it is not there; whoever uses it of another network makes it that network's too.
    fn owned(&mut self, id: u64, claim: &Claim, fresh: impl FnOnce() -> Window) -> &mut Window {
        let held = self.own.entry(id).or_insert_with(|| {
            claim.net.into_iter().for_each(|net| self.holdings.add(net));
            Held { window: fresh(), kind: kind_of(claim), net: claim.net }
        });
        let both = held.net.zip(claim.net).and_then(|(net, other)| net.with(other));
        if both != held.net {
            held.net.into_iter().for_each(|net| self.holdings.remove(net));
            both.into_iter().for_each(|net| self.holdings.add(net));
            held.net = both;
        }
        &mut held.window
    }

    fn fold_most(&mut self, now: Millis) {
        let least = (self.room / LEAST).max(2);
        metrics::throttle_full();
        let Some((net, held)) = self.holdings.most().filter(|(_, held)| *held >= least) else {
            self.crowded = Some(now);
            tracing::warn!(often = true, "no room for more throttle windows: new clients share theirs");
            return;
        };
        tracing::warn!(
            often = true,
            ?net,
            held,
            "no room for more throttle windows: the clients of one network share theirs"
        );
        self.fold(net, now);
    }

    fn fold(&mut self, net: Net, now: Millis) {
        let of_it = self.own.extract_if(|_, held| held.net.is_some_and(|inner| net.holds(inner)));
        let own = of_it.map(|(_, held)| (held.kind, held.window));
        let inner = self.folded.extract_if(|(inner, _), _| *inner != net && net.holds(*inner));
        let folded: Vec<_> = own.chain(inner.map(|((_, kind), window)| (kind, window))).collect();
        for (kind, mut window) in folded {
            window.settle(now);
            if !window.is_empty() {
                let sum = self.folded.entry((net, kind)).or_insert_with(|| Window::new(kind.1));
                sum.settle(now);
                sum.absorb(&window);
            }
        }
        self.folds.retain(|inner, _| !net.holds(*inner));
        self.folds.insert(net, true);
        self.count();
    }

    /// Counts anew what each network holds.
    fn count(&mut self) {
        self.holdings.clear();
        self.own.values().filter_map(|held| held.net).for_each(|net| self.holdings.add(net));
    }
}

fn kind_of(claim: &Claim) -> Kind {
    (claim.action, claim.rate)
}
