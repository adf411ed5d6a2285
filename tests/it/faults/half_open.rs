//! The connections to the database go silent, without an end that anybody is told of: a fail-over behind a proxy, a
//! pooler that hangs, a pulled cable. New ones pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::crowd;
use super::site::Site;
use super::table::Seen;
use crate::support::proxy::Proxy;

/// Until it is ready again.
const BOUND: Duration = Duration::from_secs(15);
/// How many ask at the same time: more than there are connections.
const CLIENTS: usize = 20;

/// With clients that wait for a minute.
pub async fn waiting() -> Result<Seen, String> {
    on_its_own(Duration::from_secs(60)).await
}

/// With clients that leave after a second: the place of each in the pool has to come back all the same.
pub async fn leaving() -> Result<Seen, String> {
    on_its_own(Duration::from_secs(1)).await
}

async fn on_its_own(patience: Duration) -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    Ok(play(Seen::default(), &cluster.database("multauth").await, patience, Duration::from_secs(45)).await)
}

/// Plays it on the database at `url`; what is not ready again after `at_most` never is.
pub async fn play(mut seen: Seen, url: &str, patience: Duration, at_most: Duration) -> Seen {
    let (proxy, through) = Proxy::before(url).await;
    let site = Arc::new(Site::on(url).set("database.url", &through));
    let _program = site.start().await;
    let caller = site.caller(patience);
    let token = crowd::token(&site).await;
    let stops = Arc::new(AtomicBool::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (caller, token, stops) = (caller.clone(), token.clone(), stops.clone());
            tokio::spawn(async move {
                while !stops.load(Relaxed) {
                    caller.get("me", "/v1/me", Some(&token)).await;
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = proxy.made();
    proxy.go_half_open();
    let began = Instant::now();
    let ready = ready_again(&site, at_most).await;
    seen.figure(format!("{before} connections went silent, {} new", proxy.made() - before));
    seen.comes_within("ready again after", ready, BOUND);
    if ready.is_some() {
        let after = Instant::now();
        tokio::time::sleep(Duration::from_secs(2)).await;
        let calls = caller.calls();
        seen.none(
            "failures afterwards",
            calls.of(|call| call.began > after && call.status != Some(200)).len(),
        );
        seen.figure(format!(
            "calls meanwhile: {}",
            calls.statuses(|call| call.began > began && call.began <= after)
        ));
    }
    stops.store(true, Relaxed);
    clients.iter().for_each(tokio::task::JoinHandle::abort);
    site.ends_well(&mut seen);
    seen
}

/// How long it takes until it says that it is ready and answers what needs the database, twice in a row.
async fn ready_again(site: &Site, at_most: Duration) -> Option<Duration> {
    let (began, caller) = (Instant::now(), site.caller(Duration::from_secs(10)));
    let mut first = None;
    while began.elapsed() < at_most {
        let said = caller.get("readyz", "/readyz", None).await;
        match (said.is(200), first) {
            (true, Some(at)) => return Some(at),
            (true, None) => first = Some(began.elapsed()),
            (false, _) => first = None,
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    None
}
