//! The database is read-only for a while, as a standby is, and then writable again: a fail-over and back. Nobody ends
//! the connections that were opened meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::cluster::Cluster;
use super::load::{Caller, Said};
use super::site::Site;
use super::sql;
use super::table::Seen;
use crate::support::person::PASSWORD;

/// From the moment it is writable until everybody can write.
const WRITABLE: Duration = Duration::from_secs(5);
/// How long the two may tell different things: the next look at the database has to come first.
const BLINK: Duration = Duration::from_secs(2);

pub async fn long() -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    Ok(play(Seen::default(), &cluster.database("multauth").await, Duration::from_secs(12)).await)
}

/// Plays it on the database at `url`, which is read-only for that long.
pub async fn play(mut seen: Seen, url: &str, spell: Duration) -> Seen {
    let site = Arc::new(Site::on(url));
    let _program = site.start().await;
    let caller = site.caller(Duration::from_secs(20));
    let name = url::Url::parse(url).unwrap().path().trim_start_matches('/').to_owned();
    // Every connection of the pool is in use, so that every one of them is made again.
    burst(&caller, "before", 20).await;
    sql::run(url, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    sql::terminate_all(url).await;
    burst(&caller, "meanwhile", 20).await;
    let turned = Instant::now();
    let (mut lies, mut ready_text, mut number) = (Vec::new(), String::new(), 0);
    while turned.elapsed() < spell {
        let (ready, wrote) = both(&caller, &mut number).await;
        seen.must(wrote.is(503), format!("a sign-up on what is read-only: {:?}", wrote.status));
        if turned.elapsed() > BLINK && ready.is(200) {
            lies.push("ready though nothing can be written");
        }
        ready_text = ready.text;
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    seen.must(
        ["read-only", "writ"].iter().any(|word| ready_text.contains(word)),
        format!("/readyz does not say why: {}", ready_text.trim()),
    );
    let reset = format!("ALTER DATABASE {name} RESET default_transaction_read_only");
    sql::run_each(url, &["SET default_transaction_read_only = off", &reset]).await;
    let back = Instant::now();
    let (mut good, mut first) = (0, None);
    while back.elapsed() < Duration::from_secs(25) && good < 20 {
        let (ready, wrote) = both(&caller, &mut number).await;
        if wrote.is(200) {
            first.get_or_insert_with(|| back.elapsed());
            good += 1;
        } else {
            (good, first) = (0, None);
        }
        if back.elapsed() > BLINK && ready.is(200) != wrote.is(200) {
            lies.push("unlike what can be written, when it is writable again");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let first = first.filter(|_| good == 20);
    seen.comes_within("writable again after", first, WRITABLE);
    seen.none("untrue answers of /readyz", lies.len());
    if let Some(lie) = lies.first() {
        seen.figure(format!("such as: {lie}"));
    }
    burst(&caller, "after", 20).await;
    site.ends_well(&mut seen);
    seen
}

/// What /readyz says, and what becomes of a sign-up at the same time.
async fn both(caller: &Caller, number: &mut usize) -> (Said, Said) {
    *number += 1;
    let body = json!({ "username": format!("fail{number}"), "password": PASSWORD });
    tokio::join!(caller.get("readyz", "/readyz", None), caller.post("signup", "/v1/signup", body))
}

/// Some sign-ups at the same time.
async fn burst(caller: &Caller, when: &str, many: usize) {
    let calls = (0..many).map(|n| {
        caller.post("signup", "/v1/signup", json!({ "username": format!("{when}{n}"), "password": PASSWORD }))
    });
    futures_util::future::join_all(calls).await;
}
