//! Work that one instance of several does: leased for a short while, and leased anew for as long as it goes on. Where the
//! instance dies, another takes it over soon; where the work is slow, nobody does.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::Millis;
use super::clock::SECOND;

/// How long a lease is. What a killed instance had under way is taken over within this and a look at the queue, and the
/// clocks of instances may differ by what is left of it when it is renewed.
pub const LEASE: Millis = 8 * SECOND;
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

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    const QUICK: Duration = Duration::from_millis(1);

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
            std::future::pending().await
        };
        held_by(QUICK, async { asked.acquire().await.map(drop) }, renew).await.unwrap();
    }
}
