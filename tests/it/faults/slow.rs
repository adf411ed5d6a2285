//! PostgreSQL answers, each time two seconds late, and there is more to do than it can (F6).

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::cluster::Cluster;
use super::crowd;
use super::load::{longest, percentile};
use super::site::Site;
use super::table::Seen;
use crate::support::proxy::Proxy;

/// Who gets no connection is told so after two seconds; a machine that does other things has half a second more.
const SHED: Duration = Duration::from_millis(2_500);
/// Who got one uses it for the deadline of the database, five seconds, and some need two, one behind the other.
const LONGEST: Duration = Duration::from_millis(10_700);
const READYZ: Duration = Duration::from_millis(1_300);
const HEALTHZ: Duration = Duration::from_millis(50);
/// How long it is slow.
const SPELL: Duration = Duration::from_secs(12);

pub async fn play() -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    let url = cluster.database("multauth").await;
    let (proxy, through) = Proxy::before(&url).await;
    let site = Arc::new(Site::on(&url).set("database.url", &through).set("database.connections", 10));
    let _program = site.start().await;
    let token = crowd::token(&site).await;
    let caller = site.caller(Duration::from_secs(60));
    proxy.delay(Duration::from_secs(2));
    let (began, mut calls, mut n) = (Instant::now(), Vec::new(), 0);
    while began.elapsed() < SPELL {
        n += 1;
        let (caller, token) = (caller.clone(), token.clone());
        calls.push(tokio::spawn(async move {
            match n % 40 {
                0 => caller.get("readyz", "/readyz", None).await,
                1 | 11 | 21 | 31 => caller.get("healthz", "/healthz", None).await,
                n if n % 2 == 0 => caller.get("me", "/v1/me", Some(&token)).await,
                // What begins by reading and goes on to write: two connections, one behind the other.
                _ => caller.post("signin", "/v1/signin", json!({ "email": "nobody@example.org" })).await,
            };
        }));
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    proxy.delay(Duration::ZERO);
    let over = Instant::now();
    for call in calls {
        call.await.unwrap();
    }
    let mut seen = Seen::default();
    let calls = caller.calls();
    let ready = site.caller(Duration::from_secs(10)).get("readyz", "/readyz", None).await;
    seen.must(ready.is(200), "not ready at once when it is quick again");
    let asked = |call: &super::load::Call| !["readyz", "healthz"].contains(&call.what);
    seen.figure(format!("answers {}", calls.statuses(asked)));
    calls.fail_alone_with_503(&mut seen);
    let shed = calls.of(|call| asked(call) && call.status == Some(503) && call.began < over);
    seen.must(!shed.is_empty(), "nothing was shed: it was not too much");
    seen.figure(format!("503 p50 {}", super::table::seconds(percentile(&shed, 50))));
    seen.within("503 p90", percentile(&shed, 90), SHED);
    seen.within("longest call", longest(&calls.of(asked)), LONGEST);
    seen.within("longest /readyz", longest(&calls.of(|call| call.what == "readyz")), READYZ);
    seen.within("/healthz p99", percentile(&calls.of(|call| call.what == "healthz"), 99), HEALTHZ);
    site.ends_well(&mut seen);
    Ok(seen)
}
