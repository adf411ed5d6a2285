//! PostgreSQL restarts, crashes, is away for a while, and stands still, under load (F5).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::crowd::Crowd;
use super::load::longest;
use super::site::Site;
use super::sql;
use super::table::Seen;
use crate::support::proxy::Proxy;

/// From the moment the database is back until the last failure.
const RECOVERED: Duration = Duration::from_secs(5);
/// No call takes longer.
const LONGEST: Duration = Duration::from_secs(10);
/// How many people have a session.
const PEOPLE: usize = 12;

/// A restart that ends every session.
pub async fn fast() -> Result<Seen, String> {
    play(async |cluster: &Cluster| {
        cluster.stop("fast");
        assert!(cluster.rise());
    })
    .await
}

/// A crash.
pub async fn immediate() -> Result<Seen, String> {
    play(async |cluster: &Cluster| {
        cluster.stop("immediate");
        assert!(cluster.rise());
    })
    .await
}

/// Away for five seconds.
pub async fn down() -> Result<Seen, String> {
    play(async |cluster: &Cluster| {
        cluster.stop("fast");
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(cluster.rise());
    })
    .await
}

/// It stands still for ten seconds.
pub async fn stall() -> Result<Seen, String> {
    play(async |cluster: &Cluster| stalls(cluster, 10).await).await
}

/// It stands still for longer than anything may take.
pub async fn long_stall() -> Result<Seen, String> {
    play(async |cluster: &Cluster| stalls(cluster, 25).await).await
}

/// Commits are not answered for fifteen seconds: the standby that has to have them is gone.
pub async fn commits() -> Result<Seen, String> {
    play(async |cluster: &Cluster| {
        standbys(cluster, "nobody").await;
        tokio::time::sleep(Duration::from_secs(15)).await;
        standbys(cluster, "").await;
    })
    .await
}

/// Sets who has to have what is committed.
pub async fn standbys(cluster: &Cluster, names: &str) {
    let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
    sql::run_each(&cluster.url("postgres"), &[&set, "SELECT pg_reload_conf()"]).await;
}

/// Something between cuts every connection, and takes none for three seconds.
pub async fn cut() -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    let url = cluster.database("multauth").await;
    let (proxy, through) = Proxy::before(&url).await;
    let site = Site::on(&url).set("database.url", &through);
    Ok(under_load(site, async || {
        proxy.refuse(true);
        proxy.cut();
        tokio::time::sleep(Duration::from_secs(3)).await;
        proxy.refuse(false);
    })
    .await)
}

async fn stalls(cluster: &Cluster, seconds: u64) {
    cluster.freeze();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    cluster.thaw();
}

async fn play(happens: impl AsyncFn(&Cluster)) -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    let site = Site::on(&cluster.database("multauth").await);
    Ok(under_load(site, async || happens(&cluster).await).await)
}

async fn under_load(site: Site, happens: impl AsyncFnOnce()) -> Seen {
    let site = Arc::new(site);
    let _program = site.start().await;
    let mut seen = Seen::default();
    let crowd = Crowd::gathers(&site, PEOPLE).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    happens().await;
    let back = Instant::now();
    tokio::time::sleep(RECOVERED + Duration::from_secs(3)).await;
    let calls = crowd.calls.clone();
    crowd.leaves(&mut seen).await;
    calls.fail_alone_with_503(&mut seen);
    seen.figure(format!("answers {}", calls.statuses(|_| true)));
    let failed = calls.of(|call| call.status != Some(200));
    let last = failed.iter().map(|call| call.began + call.took).max();
    let last = last.map_or(Duration::ZERO, |last| last.saturating_duration_since(back));
    seen.within("last failure after it was back", last, RECOVERED);
    seen.within("longest call", longest(&calls.of(|_| true)), LONGEST);
    seen
}
