//! The primary is gone and its standby takes its place: a fail-over to another host of `database.url`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::crowd::Crowd;
use super::load::longest;
use super::site::Site;
use super::sql;
use super::table::Seen;

/// From the moment the standby takes writes until somebody could write.
const WRITABLE: Duration = Duration::from_secs(5);
/// No call takes longer.
const LONGEST: Duration = Duration::from_secs(10);

/// Under load, with a standby that has what the primary acknowledged.
pub async fn promoted() -> Result<Seen, String> {
    let primary = Cluster::start()?;
    primary.database("multauth").await;
    let standby = primary.standby()?;
    let keep = "ALTER SYSTEM SET synchronous_standby_names = '*'";
    sql::run_each(&primary.url("postgres"), &[keep, "SELECT pg_reload_conf()"]).await;
    // The standby first: what only reads is passed over.
    let both = format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/multauth", standby.port, primary.port);
    let site = Arc::new(Site::on(&standby.url("multauth")).set("database.url", both));
    let _program = site.start().await;
    let mut seen = Seen::default();
    let crowd = Crowd::gathers(&site, 8).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    primary.stop("immediate");
    tokio::time::sleep(Duration::from_secs(2)).await;
    standby.promote();
    let back = Instant::now();
    tokio::time::sleep(Duration::from_secs(8)).await;
    let calls = crowd.calls.clone();
    crowd.leaves(&mut seen).await;
    calls.fail_alone_with_503(&mut seen);
    let wrote = calls.of(|call| call.what == "signup" && call.status == Some(200) && call.began > back);
    seen.comes_within(
        "writes again after",
        wrote.iter().map(|call| call.began + call.took - back).min(),
        WRITABLE,
    );
    seen.within("longest call", longest(&calls.of(|_| true)), LONGEST);
    Ok(seen)
}
