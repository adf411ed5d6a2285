//! Fewer connections than the settings ask for: a pooler of five, a role that may have three, and a pool whose
//! connections are all ended at once.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::cluster::Cluster;
use super::load::{Caller, longest};
use super::machine::{free_port, is_root, need};
use super::site::Site;
use super::sql;
use super::table::Seen;
use crate::support::person::PASSWORD;

/// Who gets no connection is told so after two seconds.
const SHED: Duration = Duration::from_millis(2_500);

/// A PgBouncer that has five connections for ten, all of which others hold.
pub async fn pooler() -> Result<Seen, String> {
    let bouncer = need("pgbouncer")?;
    let cluster = Cluster::start()?;
    let url = cluster.database("multauth").await;
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let (ini, list) = (folder.path().join("pgbouncer.ini"), folder.path().join("users"));
    let text = format!(
        "[databases]\nmultauth = host=127.0.0.1 port={} dbname=multauth user=postgres\n[pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\n\
         pool_mode = session\ndefault_pool_size = 5\nignore_startup_parameters = extra_float_digits,options\n",
        cluster.port,
        list.display()
    );
    std::fs::write(&list, "\"postgres\" \"\"\n").unwrap();
    std::fs::write(&ini, text).unwrap();
    // It refuses to run as root.
    let mut command = Command::new("runuser");
    if is_root() {
        let open = Command::new("chown").arg("-R").arg("postgres:").arg(folder.path()).status().unwrap();
        assert!(open.success());
        command.args(["-u", "postgres", "--"]).arg(bouncer);
    } else {
        command = Command::new(bouncer);
    }
    let null = Stdio::null;
    let mut running = command.arg(&ini).stdin(null()).stdout(null()).stderr(null()).spawn().unwrap();
    let seen = behind(&url, port).await;
    let _ = running.kill();
    let _ = running.wait();
    Ok(seen)
}

/// Twenty at once on a pooler of five, where every statement takes a while.
async fn behind(url: &str, port: u16) -> Seen {
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let through = format!("postgres://postgres@127.0.0.1:{port}/multauth");
    let site = Site::on(url).set("database.url", &through).set("database.connections", 10);
    let _program = site.start().await;
    let (caller, mut seen) = (site.caller(Duration::from_secs(60)), Seen::default());
    sign_ups(&caller, 30, 5).await;
    let at_once = longest(&caller.calls().of(|_| true));
    seen.figure(format!(
        "30 sign-ups in {}: {}",
        super::table::seconds(at_once),
        caller.calls().statuses(|_| true)
    ));
    // Somebody else has all five: nothing is left to wait for.
    let mut others = Vec::new();
    let held = Instant::now();
    let terminated = sql::terminate_all(url).await;
    for _ in 0..5 {
        others.push(tokio::spawn(hold(through.clone())));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let caller = caller.apart();
    let calls =
        (0..20).map(|_| caller.post("signin", "/v1/signin", json!({ "email": "nobody@example.org" })));
    futures_util::future::join_all(calls).await;
    let calls = caller.calls();
    seen.figure(format!("{terminated} ended, the five of the pooler held for {:.0?}", held.elapsed()));
    seen.figure(format!("20 at once: {}", calls.statuses(|_| true)));
    seen.must(
        calls.of(|call| call.status == Some(503)).len() == 20,
        "not all were told that there is no connection",
    );
    calls.fail_alone_with_503(&mut seen);
    seen.within("longest call", longest(&calls.of(|_| true)), SHED);
    others.iter().for_each(tokio::task::JoinHandle::abort);
    let mut recovered = None;
    let back = Instant::now();
    while recovered.is_none() && back.elapsed() < Duration::from_secs(15) {
        let said = caller.get("readyz", "/readyz", None).await;
        recovered = said.is(200).then(|| back.elapsed());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    seen.comes_within("ready again after", recovered, Duration::from_secs(5));
    site.ends_well(&mut seen);
    seen
}

/// Holds a connection of the pooler until this is dropped.
async fn hold(url: String) {
    use sqlx::Connection;
    let Ok(mut connection) = sqlx::PgConnection::connect(&url).await else { return };
    let _ = sqlx::raw_sql("SELECT pg_sleep(60)").execute(&mut connection).await;
}

/// A role that may have three connections, and a pool of ten.
pub async fn role() -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    let url = cluster.database("multauth").await;
    sql::run(&url, "CREATE ROLE few LOGIN CONNECTION LIMIT 3; ALTER DATABASE multauth OWNER TO few; GRANT ALL ON SCHEMA public TO few").await;
    let few = url.replace("postgres://postgres@", "postgres://few@");
    let site = Arc::new(Site::on(&url).set("database.url", &few).set("database.connections", 10));
    let _program = site.start().await;
    let (caller, mut seen) = (site.caller(Duration::from_secs(60)), Seen::default());
    sign_ups(&caller, 10, 1).await;
    let calls = caller.calls();
    seen.figure(format!("10 at once: {}", calls.statuses(|_| true)));
    seen.none("refused", calls.of(|call| call.status != Some(200)).len());
    seen.within("longest call", longest(&calls.of(|_| true)), Duration::from_secs(2));
    let told = site.logged("too many connections for");
    seen.must(!told.is_empty(), "the log does not name the cause");
    site.ends_well(&mut seen);
    Ok(seen)
}

/// Every connection of a pool that was at rest for less than a second is ended, and ten ask at once.
pub async fn ended() -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    Ok(play_ended(&cluster.database("multauth").await).await)
}

/// Plays it on the database at `url`.
pub async fn play_ended(url: &str) -> Seen {
    let site = Arc::new(Site::on(url).set("database.connections", 10));
    let _program = site.start().await;
    let mut seen = Seen::default();
    let caller = site.caller(Duration::from_secs(60));
    for round in 0..5 {
        sign_ups(&caller, 10, 10 + round).await;
        let ended = sql::terminate_all(url).await;
        sign_ups(&caller, 10, 20 + round).await;
        seen.must(ended > 1, "there were no connections to end");
    }
    seen.figure(format!("5 times 10 at once: {}", caller.calls().statuses(|_| true)));
    seen.none("failures", caller.calls().of(|call| call.status != Some(200)).len());
    seen.within("longest call", longest(&caller.calls().of(|_| true)), SHED);
    site.ends_well(&mut seen);
    seen
}

/// So many sign-ups at once, of names of this round.
async fn sign_ups(caller: &Caller, many: usize, round: usize) {
    let calls = (0..many).map(|n| {
        let body = json!({ "username": format!("r{round}n{n}"), "password": PASSWORD });
        caller.post("signup", "/v1/signup", body)
    });
    futures_util::future::join_all(calls).await;
}
