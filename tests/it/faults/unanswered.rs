//! More refreshes at once than there are connections, of which no commit is answered: others are served meanwhile, and
//! whoever comes again once it is has their session, at this instance and at another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use super::cluster::Cluster;
use super::crowd;
use super::load::{Caller, Said};
use super::restarts::standbys;
use super::site::Site;
use super::table::Seen;
use crate::support::person::PASSWORD;

/// How long no commit is answered: longer than a token may be shown again.
const SPELL: Duration = Duration::from_secs(20);

pub async fn play() -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    let url = cluster.database("multauth").await;
    let site = Arc::new(Site::on(&url));
    let _program = site.start().await;
    let key = site.folder.path().join("master.key");
    let other = Site::on(&url).set("keys.file", key.display());
    let _other_program = other.start().await;
    let caller = site.caller(Duration::from_secs(60));
    let access = crowd::token(&site).await;
    let again = json!({ "username": "somebody", "password": PASSWORD });
    let signed_in = (0..24).map(|_| caller.post("signin", "/v1/signin", again.clone()));
    let tokens: Vec<_> = join_all(signed_in).await.iter().map(|said| said.field("refresh_token")).collect();
    let mut seen = Seen::default();
    standbys(&cluster, "nobody").await;
    let began = Instant::now();
    let told = tokio::spawn(refreshes(caller.apart(), tokens.clone()));
    while began.elapsed() < SPELL {
        let caller = if told.is_finished() { caller.clone() } else { caller.apart() };
        caller.get("me", "/v1/me", Some(&access)).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let told = told.await.unwrap();
    seen.must(told.iter().all(|said| said.is(503)), "a refresh was answered");
    let calls = caller.calls();
    seen.figure(format!("reads {}", calls.statuses(|_| true)));
    seen.must(calls.of(|_| true).len() > 20, "there were too few reads");
    seen.none("reads that failed", calls.of(|call| call.status != Some(200)).len());
    // These wait for what the others hold; the rest comes once it is free.
    let (here, there) = tokens.split_at(12);
    let waiting = tokio::spawn(refreshes(other.caller(Duration::from_secs(60)), there.to_vec()));
    tokio::time::sleep(Duration::from_millis(500)).await;
    standbys(&cluster, "").await;
    for (what, said) in
        [("here", refreshes(caller.apart(), here.to_vec()).await), ("there", waiting.await.unwrap())]
    {
        let alive = said.iter().filter(|said| said.is(200)).count();
        seen.figure(format!("sessions alive {what} {alive} of 12"));
        seen.must(alive == 12, format!("a session did not live through it {what}"));
    }
    site.ends_well(&mut seen);
    other.ends_well(&mut seen);
    Ok(seen)
}

async fn refreshes(caller: Caller, tokens: Vec<String>) -> Vec<Said> {
    let bodies = tokens.iter().map(|token| json!({ "refresh_token": token }));
    join_all(bodies.map(|body| caller.post("refresh", "/v1/token", body))).await
}
