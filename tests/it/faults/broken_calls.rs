//! Few file descriptors, and single calls of the system that fail (F20): nothing crashes, spins, or is lost that was
//! acknowledged.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpStream;

use super::ledger::Ledger;
use super::load::longest;
use super::machine::{need, signal};
use super::site::Site;
use super::sql;
use super::table::{Seen, seconds};
use crate::support::person::PASSWORD;
use crate::support::program::Program;

/// Once there are descriptors again.
const AGAIN: Duration = Duration::from_secs(1);
/// The processor's time that waiting for descriptors may take in three seconds.
const SPIN: Duration = Duration::from_millis(500);

/// More connections than there are descriptors.
pub async fn descriptors() -> Result<Seen, String> {
    need("prlimit")?;
    let site = Site::on_sqlite();
    let mut program = site.spawn(&["prlimit", "--nofile=64:64"]);
    program.await_ready().await;
    let mut seen = Seen::default();
    let at_start = site.logged("connections").len() + site.logged("descriptors").len();
    seen.must(at_start > 0, "nothing at the start says that 10000 connections are more than 64 descriptors");
    let mut idle = Vec::new();
    for _ in 0..145 {
        let connected = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(site.address));
        idle.extend(connected.await.ok().and_then(Result::ok));
    }
    let before = processor_time(program.id());
    tokio::time::sleep(Duration::from_secs(3)).await;
    let spent = processor_time(program.id()).saturating_sub(before);
    seen.figure(format!("{} connections held", idle.len()));
    seen.within("processor time in 3 s", spent, SPIN);
    let said = site.logged("descriptor").len() + site.logged("open files").len();
    seen.figure(format!("{said} lines in the log"));
    seen.must((1..=20).contains(&said), format!("{said} lines in the log, not one a second"));
    drop(idle);
    let (freed, caller) = (Instant::now(), site.caller(Duration::from_secs(5)));
    let mut answered = None;
    while answered.is_none() && freed.elapsed() < Duration::from_secs(10) {
        let body = json!({ "username": "somebody", "password": PASSWORD });
        let said = caller.post("signup", "/v1/signup", body).await;
        answered = said.is(200).then(|| freed.elapsed());
    }
    seen.comes_within("a sign-up after they are free", answered, AGAIN);
    seen.must(program.is_running(), "it ended");
    site.ends_well(&mut seen);
    Ok(seen)
}

/// The processor's time of a process: fields 14 and 15 of `/proc/N/stat`, hundredths of a second.
fn processor_time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    let ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// What is flushed to the disk fails.
pub async fn flush_fails() -> Result<Seen, String> {
    play("fsync,fdatasync:error=EIO:when=5..20").await
}

/// What is written finds no room.
pub async fn write_fails() -> Result<Seen, String> {
    play("pwrite64:error=ENOSPC:when=20..60").await
}

/// What is read fails.
pub async fn read_fails() -> Result<Seen, String> {
    play("pread64:error=EIO:when=10..30").await
}

async fn play(inject: &str) -> Result<Seen, String> {
    let strace = need("strace")?;
    let site = Arc::new(Site::on_sqlite());
    let mut program = site.start().await;
    let ledger = Arc::new(Ledger::open(site.folder.path()));
    let mut command = Command::new(strace);
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("inject={inject}"), "-p"]);
    command.arg(program.id().to_string()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut tracing = command.spawn().map_err(|why| why.to_string())?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    if tracing.try_wait().is_ok_and(|ended| ended.is_some()) {
        return Err("strace may not look at processes here".into());
    }
    let mut seen = Seen::default();
    let caller = site.caller(Duration::from_secs(30));
    let clients = (0..4).map(|client| {
        let (caller, ledger) = (caller.clone(), ledger.clone());
        tokio::spawn(async move {
            for n in 0..25 {
                let name = format!("c{client}n{n}");
                ledger.sent(&name);
                let body = json!({ "username": name, "password": PASSWORD });
                if caller.post("signup", "/v1/signup", body).await.is(200) {
                    ledger.acked(&name);
                }
            }
        })
    });
    futures_util::future::join_all(clients.collect::<Vec<_>>()).await;
    signal("INT", tracing.id());
    let _ = tracing.wait();
    let calls = caller.calls();
    seen.figure(format!("answers {}", calls.statuses(|_| true)));
    seen.must(!calls.of(|call| call.status != Some(200)).is_empty(), "nothing failed: nothing was injected");
    calls.fail_alone_with_503(&mut seen);
    seen.figure(format!("longest call {}", seconds(longest(&calls.of(|_| true)))));
    let body = json!({ "username": "afterwards", "password": PASSWORD });
    ledger.sent("afterwards");
    let said = caller.post("after", "/v1/signup", body).await;
    seen.must(said.is(200), format!("a sign-up afterwards: {:?}", said.status));
    ended_and_kept(&site, &mut program, &ledger, &mut seen).await;
    Ok(seen)
}

/// What was acknowledged outlives a kill.
async fn ended_and_kept(site: &Site, program: &mut Program, ledger: &Ledger, seen: &mut Seen) {
    seen.must(program.is_running(), "it ended");
    program.kill();
    let program = site.start().await;
    drop(program);
    ledger.compare(&site.database, seen).await;
    let integrity = sql::strings(&site.database, "PRAGMA integrity_check").await;
    seen.must(integrity == ["ok"], format!("the file is broken: {}", integrity.join("; ")));
    site.ends_well(seen);
}
