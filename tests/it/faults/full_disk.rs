//! The disk of an SQLite database is full, and then it is not (F12). It is a small one of its own, which root may
//! mount.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use super::crowd::Crowd;
use super::load::longest;
use super::machine::is_root;
use super::site::Site;
use super::sql;
use super::table::Seen;
use crate::support::person::PASSWORD;

/// From the moment there is room until a sign-up.
const RESUMED: Duration = Duration::from_secs(5);
/// How long it is full.
const SPELL: Duration = Duration::from_secs(8);
/// Within which /readyz has noticed, that it is full and that it is not.
const NOTICED: Duration = Duration::from_secs(3);

/// A disk in memory; it goes when this is dropped.
struct Disk(TempDir);

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l"]).arg(self.0.path()).status();
    }
}

impl Disk {
    fn mount() -> Result<Self, String> {
        if !is_root() {
            return Err("only root may mount a small disk".into());
        }
        let folder = tempfile::tempdir().map_err(|why| why.to_string())?;
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=32m", "multauth-faults"]).arg(folder.path());
        let mounted = command.output().map_err(|why| why.to_string())?;
        if !mounted.status.success() {
            return Err("a tmpfs cannot be mounted here".into());
        }
        Ok(Self(folder))
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.filler()).unwrap();
        for size in [65_536, 4_096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> std::path::PathBuf {
        self.0.path().join("filler")
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

pub async fn play() -> Result<Seen, String> {
    let disk = Arc::new(Disk::mount()?);
    let site = Arc::new(Site::on(&format!("sqlite://{}/multauth.db", disk.path().display())));
    let program = site.start().await;
    let mut seen = Seen::default();
    let crowd = Crowd::gathers(&site, 8).await;
    crowd.ledger.sent("somebody");
    let token = super::crowd::token(&site).await;
    crowd.ledger.acked("somebody");
    tokio::time::sleep(Duration::from_secs(2)).await;
    disk.fill();
    let full = Instant::now();
    // What was free inside of the file is used up first; and whatever is freed is filled again.
    let filling = Arc::new(AtomicBool::new(true));
    let (fills, on) = (filling.clone(), disk.clone());
    let filler = tokio::task::spawn_blocking(move || {
        while fills.load(Relaxed) {
            on.fill();
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let caller = site.caller(Duration::from_secs(20));
    let (mut refused, mut lies, mut noticed, mut n, mut row) = (None, 0, None, 0, 0);
    while full.elapsed() < SPELL {
        n += 1;
        let name = format!("full{n}");
        crowd.ledger.sent(&name);
        let body = json!({ "username": name, "password": PASSWORD });
        let wrote = caller.post("write", "/v1/signup", body).await;
        // Now and then one finds a page that was free.
        row = if wrote.is(503) { row + 1 } else { 0 };
        if row > 0 {
            refused.get_or_insert_with(Instant::now);
        }
        for path in ["/v1/me", "/v1/me/sessions", "/.well-known/jwks.json"] {
            caller.get("read", path, Some(&token)).await;
        }
        let ready = site.caller(Duration::from_secs(5)).get("readyz", "/readyz", None).await;
        if let Some(since) = refused {
            if ready.is(503) {
                noticed.get_or_insert_with(|| since.elapsed());
            } else if since.elapsed() > NOTICED && row > 1 {
                lies += 1;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let calls = caller.calls();
    seen.must(refused.is_some(), "nothing was refused: it was not full");
    seen.figure(format!("writes {}", calls.statuses(|call| call.what == "write")));
    calls.fail_alone_with_503(&mut seen);
    let reads = calls.of(|call| call.what == "read");
    seen.none("reads that failed", reads.iter().filter(|call| call.status != Some(200)).count());
    seen.within("longest read", longest(&reads), Duration::from_secs(1));
    seen.comes_within("/readyz 503 after", noticed, NOTICED);
    seen.none("ready though nothing can be written", lies);
    filling.store(false, Relaxed);
    filler.await.unwrap();
    disk.free();
    let freed = Instant::now();
    let (mut wrote, mut ready) = (None, None);
    while (wrote.is_none() || ready.is_none()) && freed.elapsed() < Duration::from_secs(20) {
        n += 1;
        if wrote.is_none() {
            let name = format!("full{n}");
            crowd.ledger.sent(&name);
            let body = json!({ "username": name, "password": PASSWORD });
            wrote = caller.post("after", "/v1/signup", body).await.is(200).then(|| freed.elapsed());
        }
        if ready.is_none() && caller.get("readyz", "/readyz", None).await.is(200) {
            ready = Some(freed.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    seen.comes_within("first sign-up after there is room", wrote, RESUMED);
    seen.comes_within("/readyz 200 after", ready, RESUMED);
    crowd.leaves(&mut seen).await;
    drop(program);
    let integrity = sql::strings(&site.database, "PRAGMA integrity_check").await;
    seen.figure(format!("integrity {}", integrity.join("; ")));
    seen.must(integrity == ["ok"], "the file is broken");
    Ok(seen)
}
