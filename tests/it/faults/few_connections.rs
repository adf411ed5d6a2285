//! Fewer connections than the settings ask for: a pooler of five, a role that may have three, and a pool whose
//! connections are all ended at once.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::cluster::Cluster;
use super::load::{Caller, longest};
use super::machine::{children, free_port, is_root, need, signal};
use super::site::Site;
use super::sql;
use super::table::Seen;
use crate::support::person::PASSWORD;

/// Who gets no connection is told so after two seconds.
const SHED: Duration = Duration::from_millis(2_500);

/// A PgBouncer that has five connections for ten.
pub async fn pooler() -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    let url = cluster.database("multauth").await;
    let bouncer = Bouncer::start(cluster.port).await?;
    let site = Site::on(&url).set("database.url", bouncer.url()).set("database.connections", 10);
    let _program = site.start().await;
    let (caller, mut seen) = (site.caller(Duration::from_secs(60)), Seen::default());
    for n in 0..20 {
        caller.post("signup", "/v1/signup", named(0, n)).await;
    }
    for _ in 0..5 {
        sign_ins(&caller, 20).await;
    }
    let calls = caller.calls();
    seen.figure(format!("5 times 20 at once: {}", calls.statuses(|call| call.what == "signin")));
    calls.fail_alone_with_503(&mut seen);
    seen.within("longest call", longest(&calls.of(|_| true)), SHED);

    // Others have all five: there is nothing to wait for.
    let others: Vec<_> = (0..5).map(|_| tokio::spawn(hold(bouncer.url()))).collect();
    // Those of the program that wait for one come first, so that it takes some rounds until they do.
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        if sql::terminate_all(&url).await == 0 {
            break;
        }
    }
    let caller = caller.apart();
    sign_ins(&caller, 20).await;
    let calls = caller.calls();
    seen.figure(format!("20 at once while others have all: {}", calls.statuses(|_| true)));
    let told = calls.of(|call| call.status == Some(503)).len();
    seen.must(told == 20, format!("{told} of 20 were told that there is no connection"));
    calls.fail_alone_with_503(&mut seen);
    seen.within("longest call then", longest(&calls.of(|_| true)), SHED);
    others.iter().for_each(tokio::task::JoinHandle::abort);
    let (mut ready, back) = (None, Instant::now());
    while ready.is_none() && back.elapsed() < Duration::from_secs(15) {
        ready = caller.get("readyz", "/readyz", None).await.is(200).then(|| back.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    seen.comes_within("ready again after", ready, Duration::from_secs(5));
    site.ends_well(&mut seen);
    Ok(seen)
}

/// A PgBouncer with five connections; it ends with this.
struct Bouncer {
    running: Child,
    port: u16,
    _folder: TempDir,
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        // Behind `runuser` it is a child of the child.
        let all = children(self.running.id()).into_iter().chain([self.running.id()]);
        all.for_each(|process| signal("KILL", process));
        let _ = self.running.wait();
    }
}

impl Bouncer {
    /// One before the cluster at `server`.
    async fn start(server: u16) -> Result<Self, String> {
        let program = need("pgbouncer")?;
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let (ini, list) = (folder.path().join("pgbouncer.ini"), folder.path().join("users"));
        let text = format!(
            "[databases]\nmultauth = host=127.0.0.1 port={server} dbname=multauth user=postgres\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n\
             auth_file = {}\npool_mode = session\ndefault_pool_size = 5\n\
             ignore_startup_parameters = extra_float_digits,options\n",
            list.display()
        );
        std::fs::write(&list, "\"postgres\" \"\"\n").unwrap();
        std::fs::write(&ini, text).unwrap();
        let mut command = as_owner(folder.path(), &program);
        let null = Stdio::null;
        let running = command.arg(&ini).stdin(null()).stdout(null()).stderr(null()).spawn();
        let bouncer = Self { running: running.map_err(|why| why.to_string())?, port, _folder: folder };
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Ok(bouncer);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err("PgBouncer does not start".into())
    }

    fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/multauth", self.port)
    }
}

/// A program as a user who may be who runs it, and who has `folder`: like PostgreSQL it refuses to run as root.
fn as_owner(folder: &Path, program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let given = Command::new("chown").args(["-R", "postgres:"]).arg(folder).status();
    assert!(given.is_ok_and(|status| status.success()), "there is no user postgres");
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

/// Holds a connection of the pooler until this is dropped.
async fn hold(url: String) {
    use sqlx::Connection;
    let Ok(mut connection) = sqlx::PgConnection::connect(&url).await else { return };
    let _ = sqlx::raw_sql("SELECT pg_sleep(60)").execute(&mut connection).await;
}

/// What `/readyz` says where others have all of them.
const NO_MORE: &str = "the database allows no more connections";

/// A role that may have three connections, and a pool of ten.
pub async fn role() -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    let url = cluster.database("multauth").await;
    const FEW: &str = "CREATE ROLE few LOGIN CONNECTION LIMIT 3; ALTER DATABASE multauth OWNER TO few;
        GRANT ALL ON SCHEMA public TO few";
    sql::run(&url, FEW).await;
    let few = url.replace("postgres://postgres@", "postgres://few@");
    let site = Arc::new(Site::on(&url).set("database.url", &few).set("database.connections", 10));
    let _program = site.start().await;
    let (caller, mut seen) = (site.caller(Duration::from_secs(60)), Seen::default());
    sign_ups(&caller, 10, 0).await;
    let calls = caller.calls();
    seen.figure(format!("10 at once: {}", calls.statuses(|_| true)));
    seen.none("refused", calls.of(|call| call.status != Some(200)).len());
    seen.within("longest call", longest(&calls.of(|_| true)), Duration::from_secs(2));
    let told = site.logged("too many connections for");
    seen.must(!told.is_empty(), "the log does not name the cause");

    // Others have all three.
    const THEIRS: &str = "SELECT COUNT(*) FROM pg_stat_activity
        WHERE usename = 'few' AND application_name <> 'multauth' AND state = 'active'";
    let mut others = Vec::new();
    while sql::number(&url, THEIRS).await < 3 && others.len() < 100 {
        sql::terminate_all(&url).await;
        others.push(tokio::spawn(hold(few.clone())));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    sql::terminate_all(&url).await;
    // For a second it says what it said before.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let ready = caller.get("readyz", "/readyz", None).await;
    let why = ready.text.trim();
    seen.must(ready.is(503) && why == NO_MORE, format!("/readyz said {:?} {why:?}", ready.status));
    others.iter().for_each(tokio::task::JoinHandle::abort);
    site.ends_well(&mut seen);
    Ok(seen)
}

/// Every connection of a pool that was at rest for less than a second is ended, and ten ask at once.
pub async fn ended() -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    Ok(play_ended(Seen::default(), &cluster.database("multauth").await).await)
}

/// Plays it on the database at `url`.
pub async fn play_ended(mut seen: Seen, url: &str) -> Seen {
    let site = Arc::new(Site::on(url).set("database.connections", 10));
    let _program = site.start().await;
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
    let calls = (0..many).map(|n| caller.post("signup", "/v1/signup", named(round, n)));
    futures_util::future::join_all(calls).await;
}

/// So many sign-ins at once, of those who signed up in round 0.
async fn sign_ins(caller: &Caller, many: usize) {
    let calls = (0..many).map(|n| caller.post("signin", "/v1/signin", named(0, n)));
    futures_util::future::join_all(calls).await;
}

fn named(round: usize, n: usize) -> Value {
    json!({ "username": format!("r{round}n{n}"), "password": PASSWORD })
}
