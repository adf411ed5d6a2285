//! Somebody holds a whole table, as a migration of their own or a forgotten terminal does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::cluster::Cluster;
use super::load::{longest, percentile};
use super::site::Site;
use super::table::{Seen, seconds};
use crate::support::person::PASSWORD;

/// The deadline of the database, five seconds, and what a busy machine adds.
const DEADLINE: Duration = Duration::from_millis(5_700);
/// Who waited for a connection before has two seconds more.
const LONGEST: Duration = Duration::from_millis(7_700);

/// Nobody can be read.
pub async fn users() -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    Ok(play(Seen::default(), &cluster.database("multauth").await, "users", Duration::from_secs(22)).await)
}

/// No session can be read or turned.
pub async fn sessions() -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    Ok(play(Seen::default(), &cluster.database("multauth").await, "sessions", Duration::from_secs(22)).await)
}

/// Holds `table` of the database at `url` for that long.
pub async fn play(mut seen: Seen, url: &str, table: &str, spell: Duration) -> Seen {
    let site = Arc::new(Site::on(url));
    let _program = site.start().await;
    let caller = site.caller(Duration::from_secs(60));
    let body = json!({ "username": "somebody", "password": PASSWORD });
    let said = caller.post("signup", "/v1/signup", body).await;
    let token = said.field("access_token");
    let refresh = said.field("refresh_token");
    let mut holder = PgConnection::connect(url).await.unwrap();
    let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut holder).await.unwrap();
    let (began, mut clients) = (Instant::now(), Vec::new());
    for n in 0..3 {
        // Fewer than there are connections: nobody waits for one.
        let (caller, token) = (caller.clone(), token.clone());
        clients.push(tokio::spawn(async move {
            while began.elapsed() < spell {
                if n == 0 {
                    let body = json!({ "username": "somebody", "password": PASSWORD });
                    caller.post("signin", "/v1/signin", body).await;
                } else {
                    caller.get("me", "/v1/me", Some(&token)).await;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }));
    }
    // One client that asks again with the same token until it is answered.
    let turning = caller.clone();
    let turns = tokio::spawn(async move {
        loop {
            let said = turning.post("refresh", "/v1/token", json!({ "refresh_token": refresh })).await;
            if said.status.is_some_and(|status| status != 503) || began.elapsed() > Duration::from_secs(60) {
                return said;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    });
    tokio::time::sleep(spell).await;
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    let released = Instant::now();
    for client in clients {
        client.await.unwrap();
    }
    let turned = turns.await.unwrap();
    seen.must(turned.is(200), format!("the refresh that was asked for again and again: {:?}", turned.status));
    seen.within("all is well after", released.elapsed(), Duration::from_secs(5));
    let calls = caller.calls();
    calls.fail_alone_with_503(&mut seen);
    seen.figure(format!("answers {}", calls.statuses(|_| true)));
    let failed = calls.of(|call| call.status == Some(503));
    seen.must(!failed.is_empty(), "nothing was refused at the deadline");
    seen.figure(format!("503 p50 {}", seconds(percentile(&failed, 50))));
    seen.within("503 p90", percentile(&failed, 90), DEADLINE);
    seen.within("longest call", longest(&calls.of(|_| true)), LONGEST);
    site.ends_well(&mut seen);
    seen
}
