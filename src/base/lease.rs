//! Work that one instance of several does: leased for a short while, and leased anew for as long as it goes on. Where the
//! instance dies, another takes it over soon; where the work is slow, nobody does.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::Millis;
use super::clock::{SECOND, Steady};

/// How long a lease is, by the clock that all instances have: the database's. What a killed instance had under way is taken
/// over within this and a look at the queue; what is left of it when it is renewed is for what a statement may take.
pub const LEASE: Millis = 8 * SECOND;
/// How much later other instances may find that the clock which leases go by was set: each looks every 15 s.
pub const OTHERS: Millis = 35 * SECOND;
/// How long work goes on before its lease is renewed, and between two renewals.
pub const RENEW: Duration = Duration::from_secs(3);

/// Does `work`, and calls `renew` every [`RENEW`] until it is done.
pub async fn held<T, R: Future<Output = ()>>(work: impl Future<Output = T>, renew: impl Fn() -> R) -> T {
    held_by(RENEW, work, renew).await
}

async fn held_by<T, R: Future<Output = ()>>(
    every: Duration,
    work: impl Future<Output = T>,
    renew: impl Fn() -> R,
) -> T {
    let renewing = async {
        loop {
            tokio::time::sleep(every).await;
            renew().await;
        }
    };
    match select(pin!(work), pin!(renewing)).await {
        Either::Left((done, _)) => done,
        Either::Right((never, _)) => never,
    }
}

/// Whether leases that ran out may be taken over. That one ran out tells that its holder is dead only where it could have
/// been renewed: where the database was well all the while, this instance looked, and the clock that leases go by was not set.
#[derive(Debug)]
pub struct Wake {
    steady: Steady,
    /// Since when all is well, and when it was looked last; by the clock that is never set.
    since: Millis,
    looked: Millis,
    /// How far the clock that leases go by was ahead of that one.
    apart: Option<Millis>,
}

impl Wake {
    /// How long a look may take, and how long there may be none.
    const SLOW: Millis = 2 * SECOND;

    /// All is well from now on.
    pub fn new(steady: Steady) -> Self {
        let now = steady.now();
        Self { steady, since: now, looked: now, apart: None }
    }

    /// A look at the queue begins, when the clock that leases go by says `now`; gives up to when leases that ran out may be taken over:
    /// `now`, or 0 for none.
    pub fn begins(&mut self, now: Millis) -> Millis {
        let steady = self.steady.now();
        let apart = now - steady;
        let set = self.apart.replace(apart).is_some_and(|before| (apart - before).abs() > Self::SLOW);
        if set {
            self.since = steady + OTHERS;
        } else if steady - self.looked > Self::SLOW {
            self.since = self.since.max(steady);
        }
        self.looked = steady;
        if steady - self.since >= LEASE { now } else { 0 }
    }

    /// It ended, well or not.
    pub fn ended(&mut self, well: bool) {
        let steady = self.steady.now();
        if !well || steady - self.looked > Self::SLOW {
            self.since = self.since.max(steady);
        }
        self.looked = steady;
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    const QUICK: Duration = Duration::from_millis(1);

    #[test]
    fn what_ran_out_is_taken_over_only_where_it_could_have_been_renewed() {
        let steady = Steady::fixed();
        let mut wake = Wake::new(steady.clone());
        let look = |wake: &mut Wake, wall: Millis, well: bool| {
            steady.advance(SECOND);
            let now = 1_000_000 + steady.now() + wall;
            let upto = wake.begins(now);
            wake.ended(well);
            upto == now
        };
        let looks =
            |wake: &mut Wake, wall: Millis| (0..9).map(|_| look(wake, wall, true)).collect::<Vec<_>>();
        let set = |wake: &mut Wake, wall: Millis| (0..44).map(|_| look(wake, wall, true)).collect::<Vec<_>>();
        let soon = [false, false, false, false, false, false, false, true, true];
        assert_eq!(looks(&mut wake, 0), soon, "after a start");
        assert_eq!(looks(&mut wake, 0), [true; 9]);
        wake.ended(false);
        assert_eq!(looks(&mut wake, 0), soon, "after a failure");
        steady.advance(10 * SECOND);
        assert_eq!(
            looks(&mut wake, 0),
            [&[false; 8], &[true][..]].concat(),
            "after a stall, of which nothing was seen"
        );
        wake.ended(true);
        assert_eq!(
            set(&mut wake, 10 * SECOND),
            [&[false; 43], &[true][..]].concat(),
            "after the clock was set, which the others find later"
        );
    }

    #[tokio::test]
    async fn what_goes_on_is_leased_anew_and_what_is_quick_is_not() {
        let renewed = Semaphore::new(0);
        let renew = || async { renewed.add_permits(1) };
        held(std::future::ready(()), renew).await;
        assert_eq!(renewed.available_permits(), 0);
        // The work ends once it was leased anew three times.
        held_by(QUICK, async { renewed.acquire_many(3).await.map(drop) }, renew).await.unwrap();
        assert!(RENEW.as_millis() * 2 < LEASE as u128, "one that fails is made good by the next");
    }

    #[tokio::test]
    async fn a_renewal_that_hangs_holds_nothing_up() {
        let asked = Semaphore::new(0);
        let renew = || async {
            asked.add_permits(1);
            std::future::pending::<()>().await;
        };
        held_by(QUICK, async { asked.acquire().await.map(drop) }, renew).await.unwrap();
    }
}
