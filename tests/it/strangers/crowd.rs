//! A hundred thousand strangers, and the owner who comes after them. It takes minutes: `tests/run strangers`.
//!
//! A layer is a function that lets the strangers loose and then looks at what is left for the owner; to add one, write
//! another test here, ignored like these.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures_util::{StreamExt, stream};
use multauth::base::Random;
use multauth::store::guesses;
use multauth::throttle::{ACTIONS, By, Keys, Server, Throttle, Time, Windows, rates};

use crate::support::databases;

const STRANGERS: u32 = 100_000;
const NOW: i64 = 1_772_359_200_000;

/// A name, and the address of the `n`th stranger.
type Flood = (&'static str, fn(u32) -> IpAddr);

const EVERYWHERE: &str = "a network each";
/// Where the strangers call from.
const FLOODS: [Flood; 3] = [
    ("a /48", |n| Ipv6Addr::from_bits(0x2001_0db8_0077 << 80 | u128::from(n) << 64).into()),
    ("a /32", |n| Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(n % 0x1_0000) << 80).into()),
    (EVERYWHERE, |n| Ipv4Addr::from_bits(0x0B00_0000 + (n << 8)).into()),
];

/// One call of a stranger, who has no API key; every second one is aimed at the owner's address and name.
async fn stranger(throttle: &Throttle, action: &str, ip: IpAddr, n: u32) {
    let own = format!("stranger {n}");
    let target = if n.is_multiple_of(2) { "owner" } else { &own };
    let keys = Keys {
        ip: Some(ip),
        identifier: Some(target),
        address: Some(target),
        block: Some(target),
        account: Some(&own),
        ..Keys::default()
    };
    let _ = throttle.check(action, NOW, &keys).await;
}

/// What the owner does still passes: with a device that is known, and with a new one in another network.
async fn owner(throttle: &Throttle, action: &str, shared: bool, what: &str) {
    let ip = Some("198.51.100.7".parse().unwrap());
    let whole = Keys {
        ip,
        identifier: Some("owner"),
        address: Some("owner"),
        block: Some("owner"),
        account: Some("owner"),
        key: Some("owner"),
        ..Keys::default()
    };
    let known = Keys { known: Some("laptop"), ..whole };
    throttle
        .check(action, NOW, &known)
        .await
        .unwrap_or_else(|error| panic!("{what} {action}, known: {error}"));
    if ["notice", "send_beyond"].contains(&action) {
        return; // One a day, and one in two hours.
    }
    let proven = Keys { apart: true, ..whole };
    throttle
        .check(action, NOW, &proven)
        .await
        .unwrap_or_else(|error| panic!("{what} {action}, proven: {error}"));
    if !shared {
        let new = Keys { ip, account: Some("owner"), key: Some("owner"), ..Keys::default() };
        throttle
            .check(action, NOW, &new)
            .await
            .unwrap_or_else(|error| panic!("{what} {action}, new: {error}"));
    }
}

/// Strangers at every action, `each` of them at each; then the owner. Where windows have `room` for so many networks,
/// newcomers who have proven nothing are as they were, else they may share.
async fn at_the_throttle(windows: impl AsyncFn() -> Windows, each: u32, at_once: usize, room: bool) {
    let rates = rates("throttle", &BTreeMap::new(), 1).unwrap();
    for (whose, from) in FLOODS {
        let throttle = &Throttle::new(rates.clone(), windows().await);
        for action in ACTIONS {
            let calls = (0..each).map(|n| stranger(throttle, action.name, from(n), n));
            stream::iter(calls).buffer_unordered(at_once).collect::<()>().await;
        }
        for action in ACTIONS {
            let shared = action.rates().iter().any(|rate| rate.by == By::All);
            owner(throttle, action.name, shared || (whose == EVERYWHERE && !room), whose).await;
        }
    }
}

#[tokio::test]
#[ignore = "takes minutes: tests/run strangers"]
async fn at_the_throttle_in_memory() {
    at_the_throttle(async || Windows::memory(), STRANGERS, 1, false).await;
}

#[tokio::test]
#[ignore = "takes minutes: tests/run strangers"]
async fn at_the_throttle_in_redis() {
    let Ok(url) = std::env::var("MULTAUTH_TEST_REDIS") else { return };
    let windows = async || {
        let prefix = format!("strangers-{}", Random::System.uuid());
        let server = Server { url: url.clone(), prefix, instances: 1, time: Time::Given };
        Windows::redis(&server).await.unwrap()
    };
    // Redis holds whatever comes: a hundred thousand in all tell as much as at each.
    let actions = u32::try_from(ACTIONS.len()).unwrap();
    at_the_throttle(windows, STRANGERS / actions, 16, true).await;
}

#[tokio::test]
#[ignore = "takes minutes: tests/run strangers"]
async fn at_the_ledger() {
    const TOGETHER: u32 = 100;
    for db in databases::migrated().await {
        for n in 0..STRANGERS / TOGETHER {
            let mut tx = db.store.begin().await.unwrap();
            for _ in 0..TOGETHER {
                guesses::fail(&mut tx, "owner", "password", NOW + i64::from(n), 1).await.unwrap();
            }
            tx.commit().await.unwrap();
        }
        let mut read = db.store.read().await.unwrap();
        let counted = guesses::of(&mut read, "owner", "password").await.unwrap();
        assert_eq!(counted.streak, i64::from(STRANGERS), "{}", db.name);
        // A known device, a session, the page behind a link, whoever showed a code that went to an address.
        for apart in ["laptop", "inside", "link", "at/address", "recovery code"] {
            let own = guesses::of(&mut read, &format!("owner/{apart}"), "password").await.unwrap();
            assert_eq!((own.streak, own.day_count, own.month_count), (0, 0, 0), "{} {apart}", db.name);
        }
    }
}
