use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::base::clock::{DAY, HOUR, MINUTE};
use crate::throttle::window::Window;
use crate::throttle::{By, Keys, parse};

const FLOOD: u32 = 100_000;

fn claims(rates: &str, keys: &Keys<'_>) -> Vec<Claim> {
    crate::throttle::claims("test", &parse("", rates).unwrap(), keys)
}

/// Claims of a client that has no network.
fn named(rates: &str, whose: &str) -> Vec<Claim> {
    claims(rates, &Keys { identifier: Some(whose), ..Keys::default() })
}

fn windows(memory: &Memory) -> usize {
    memory.strangers.iter().chain(&memory.apart).map(|shard| lock(shard).len()).sum()
}

fn v4(bits: u32) -> IpAddr {
    Ipv4Addr::from_bits(bits).into()
}

/// The `host`th /64 of the `net`th /48 of 2001:db8::/32.
fn v6(net: u32, host: u32) -> IpAddr {
    Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(net) << 80 | u128::from(host) << 64 | 1).into()
}

#[test]
fn a_refused_call_takes_nothing_of_any_window() {
    let memory = Memory::default();
    let (one, both) = (named("1/m/identifier", "a"), named("1/m/identifier, 2/h/identifier", "a"));
    assert_eq!(memory.settle(&both, 0, true), 0);
    (0..9).for_each(|_| assert_eq!(memory.settle(&both, 30_000, true), 30_000));
    assert_eq!(memory.settle(&one, MINUTE, false), 0);
    assert_eq!(memory.settle(&both, MINUTE, true), 0, "the hour's window was not eaten by refusals");
}

#[test]
fn a_flood_from_everywhere_is_bounded_and_lets_nothing_through_uncounted() {
    let memory = Memory::with_room(4);
    let claims = |n: u32| claims("1/m/ip", &Keys { ip: Some(v4(n << 8)), ..Keys::default() });
    assert_eq!(memory.settle(&claims(0), 0, true), 0);
    let passed = (1..5_000).filter(|n| memory.settle(&claims(*n), 1, true) == 0);
    assert!(passed.count() <= SHARDS * 4 + SHARDS);
    assert!(windows(&memory) <= SHARDS * 4);
    assert!(memory.settle(&claims(0), 2, true) > 0, "a flood must not evict anybody");
    assert_eq!(memory.settle(&claims(5_000), 2 * MINUTE, true), 0, "it heals by itself");
}

#[test]
fn a_sweep_forgets_only_what_is_past() {
    let memory = Memory::default();
    for n in 0..1_000 {
        memory.settle(&claims("1/m/ip", &Keys { ip: Some(v4(n)), ..Keys::default() }), 0, true);
    }
    memory.sweep(MINUTE - 1);
    assert_eq!(windows(&memory), 1_000);
    memory.sweep(MINUTE);
    assert_eq!(windows(&memory), 0);
}

#[test]
fn threads_together_get_no_more_than_the_count() {
    let memory = Memory::default();
    let both = named("50/m/identifier, 60/h/identifier", "a");
    let one = || (0..40).filter(|_| memory.settle(&both, 5, true) == 0).count();
    let passed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(passed, 50);
}

/// Windows without any bound, as they ought to be.
#[derive(Default)]
struct Model(HashMap<String, Window>);

impl Model {
    fn settle(&mut self, claims: &[Claim], now: Millis, take: bool) -> Millis {
        let mut wait = 0;
        for claim in claims {
            let window = self.0.entry(claim.name.clone()).or_insert_with(|| Window::new(claim.rate));
            window.settle(now);
            wait = wait.max(window.wait(now));
        }
        if take && wait == 0 {
            claims.iter().for_each(|claim| self.0.get_mut(&claim.name).unwrap().take(now));
        }
        wait
    }
}

const RATES: &str = "3/h/ip, 9/h/net, 3/h/identifier, 2/h/address";

/// Everybody else: each client has a network of its own.
fn other(n: u32) -> Vec<Claim> {
    let name = format!("other {n}");
    let wide = || Ipv6Addr::from_bits(u128::from(0x2a00_0000 + n) << 96).into();
    let ip = if n.is_multiple_of(2) { v4((0x0A_0000 + n) << 8) } else { wide() };
    claims(RATES, &Keys { ip: Some(ip), identifier: Some(&name), address: Some(&name), ..Keys::default() })
}

/// Whom a flood comes from, at its `n`th call.
type Flood = fn(u32) -> IpAddr;
const FLOODS: [(&str, Flood); 3] = [
    ("a /48", |n| v6(0x77, n)),
    ("a /32", |n| v6(n % 0x1_0000, n)),
    ("a /24", |n| v4(0xC000_0200 + n % 256)),
];

#[test]
fn a_flood_from_one_network_is_felt_by_no_other() {
    for (whose, from) in FLOODS {
        let (memory, mut model) = (Memory::default(), Model::default());
        for n in 0..300 {
            let (claims, now) = (other(n % 100), Millis::from(n));
            assert_eq!(memory.settle(&claims, now, true), model.settle(&claims, now, true));
        }
        let mut passed = 0;
        for n in 0..FLOOD {
            let now = 1_000 + Millis::from(n) / 10;
            let name = format!("flood {n}");
            let keys =
                Keys { ip: Some(from(n)), identifier: Some(&name), address: Some(&name), ..Keys::default() };
            // Without the rate by network, as an operator may have it: only folding bounds it.
            let flood = claims("3/h/ip, 3/h/identifier, 2/h/address", &keys);
            passed += usize::from(memory.settle(&flood, now, true) == 0);
            if n.is_multiple_of(50) {
                // One who was there before, and one who comes new.
                for claims in [other(n / 50 % 100), other(1_000 + n)] {
                    assert_eq!(
                        memory.settle(&claims, now, true),
                        model.settle(&claims, now, true),
                        "{whose}, {n}"
                    );
                }
            }
        }
        for n in (0..100).chain((1_000..1_000 + FLOOD).step_by(50)) {
            let (claims, now) = (other(n), 20_000);
            assert_eq!(memory.settle(&claims, now, false), model.settle(&claims, now, false), "{whose}, {n}");
        }
        assert!(windows(&memory) <= SHARDS * ROOM, "{whose}");
        assert!(passed <= SHARDS * (ROOM + 3), "{whose}: {passed} of the flood passed");
    }
}

#[test]
fn what_another_network_used_too_stays_as_it_is() {
    let memory = Memory::with_room(32);
    let owner = v4(0x0A00_0001);
    fn at(ip: IpAddr, name: &str) -> Vec<Claim> {
        claims("3/h/identifier", &Keys { ip: Some(ip), identifier: Some(name), ..Keys::default() })
    }
    for name in ["a", "b", "c"] {
        assert_eq!(memory.settle(&at(v6(0x77, 0), name), 0, true), 0);
        assert_eq!(memory.settle(&at(owner, name), 0, true), 0);
        assert_eq!(memory.settle(&at(v6(0x77, 1), name), 0, true), 0);
    }
    for n in 0..10_000 {
        let name = format!("flood {n}");
        memory.settle(&at(v6(0x77, n), &name), 1, true);
    }
    for name in ["a", "b", "c"] {
        assert_eq!(memory.settle(&at(owner, name), 2, true), HOUR - 2, "{name} has had three");
        assert_eq!(memory.settle(&at(v6(0x78, 0), name), 2, true), HOUR - 2, "{name} has had three");
    }
}

#[test]
fn who_has_proven_something_is_never_crowded_by_strangers() {
    // Room for all of the proven in one shard: which they fall into is chance.
    let memory = Memory::with_room(16);
    let stranger = |n: u32| claims(RATES, &Keys { ip: Some(v4(n << 8)), ..Keys::default() });
    for n in 0..5_000 {
        memory.settle(&stranger(n), 0, true);
    }
    assert!(memory.settle(&stranger(5_000), 1, true) > 0, "strangers share");
    for n in 6_000..6_005 {
        let keys = Keys { ip: Some(v4(n << 8)), apart: true, ..Keys::default() };
        (0..3).for_each(|_| assert_eq!(memory.settle(&claims(RATES, &keys), 1, true), 0));
        assert!(memory.settle(&claims(RATES, &keys), 1, true) > 0);
        let device = format!("d{n}");
        let keys = Keys { known: Some(&device), apart: false, ..keys };
        (0..3).for_each(|_| assert_eq!(memory.settle(&claims(RATES, &keys), 1, true), 0));
        assert!(memory.settle(&claims(RATES, &keys), 1, true) > 0);
    }
}

#[test]
fn a_folded_network_has_windows_of_its_own_again() {
    let memory = Memory::with_room(64);
    let of = |net, n| claims("3/h/ip", &Keys { ip: Some(v6(net, n)), ..Keys::default() });
    for n in 0..10_000 {
        memory.settle(&of(0x77, n), 0, true);
    }
    assert!(
        (20_000..20_100).all(|n| memory.settle(&of(0x77, n), MINUTE, true) > 0),
        "it shares what is used up"
    );
    // Searched while there is much room: from now on nobody shares, and nobody has more than before.
    memory.sweep(MINUTE);
    assert!((20_000..20_100).all(|n| memory.settle(&of(0x77, n), MINUTE, true) > 0));
    let later = HOUR + 1;
    for n in 30_000..30_100 {
        (0..3).for_each(|_| assert_eq!(memory.settle(&of(0x77, n), later, true), 0, "{n}"));
        assert_eq!(memory.settle(&of(0x77, n), later, true), HOUR);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Through folding, and through what comes after it.
    #[test]
    fn no_client_ever_has_more_than_the_count(
        calls in prop::collection::vec((0u32..3, 0u32..400, 0i64..2_000), 2_000),
        even in any::<bool>(),
    ) {
        let memory = Memory::with_room(16);
        let rate = if even { "2/m/address" } else { "2/m/ip" };
        let (mut now, mut passed) = (0, HashMap::<(u32, u32), Vec<Millis>>::new());
        for (n, (net, host, step)) in calls.into_iter().enumerate() {
            // Now crowded, now at ease.
            now += if n / 500 % 2 == 0 { step / 100 } else { step };
            let name = format!("{net} {host}");
            let keys = Keys { ip: Some(v6(net, host)), address: Some(&name), ..Keys::default() };
            if memory.settle(&claims(rate, &keys), now, true) == 0 {
                let mine = passed.entry((net, host)).or_default();
                mine.push(now);
                for (n, from) in mine.iter().enumerate() {
                    let paid = if even { (now - from) * 2 / MINUTE } else { (now - from) / MINUTE * 2 };
                    let within = mine.len() - n;
                    prop_assert!(within as i64 <= 2 + paid, "{within} of {name} from {from} to {now}");
                }
            }
            if n.is_multiple_of(97) {
                memory.sweep(now);
            }
            prop_assert!(windows(&memory) <= SHARDS * 17);
        }
    }
}

#[test]
fn windows_of_the_installation_and_of_keys_are_no_networks() {
    let keys = Keys { ip: Some(v6(1, 1)), key: Some("k"), account: Some("u"), ..Keys::default() };
    let nets: Vec<_> = By::ALL.into_iter().filter(|by| keys.network(*by).is_none()).collect();
    assert_eq!(nets, [By::Key, By::All]);
    let from = Keys { ip: None, from: Some(v6(1, 1)), address: Some("a"), ..Keys::default() };
    assert_eq!(from.value(By::Ip), None);
    assert_eq!(from.network(By::Address), keys.network(By::Ip));
    assert!(claims("1/d/address", &from).iter().all(|claim| claim.net.is_some() && claim.rate.span == DAY));
}
