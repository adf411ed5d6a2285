//! What this machine has to give: time, room, keys, the database.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use super::super::instance;
use super::Finding;
use crate::base::clock::{MINUTE, SECOND, rfc3339};
use crate::base::seal::Sealer;
use crate::base::{Clock, Millis, Random};
use crate::keys::{KeyRing, master_key};
use crate::server::descriptors::Room;
use crate::settings::{Mode, Settings};
use crate::store::{self, Store, StoreError, attempts};

/// Nothing was run before this program was written: 1 January 2026.
const EARLIEST: Millis = 1_767_225_600_000;
/// And by 2100 it is not.
const LATEST: Millis = 4_102_444_800_000;
/// Kilobytes below which a disk is nearly full.
const LITTLE: u64 = 512 * 1_024;
/// Kilobytes below which nothing can be kept any more.
const NOTHING: u64 = 16 * 1_024;

/// Whether the clock can be right.
pub fn clock() -> Finding {
    judged_clock(Clock::System.now())
}

fn judged_clock(now: Millis) -> Finding {
    if (EARLIEST..LATEST).contains(&now) {
        return Finding::ok("clock", rfc3339(now));
    }
    let text = format!("{} cannot be: codes and tokens would not be good; set the clock (NTP)", rfc3339(now));
    Finding::fail("clock", text)
}

/// How much room there is for the database; nothing where it is elsewhere or nobody can tell.
pub fn disk(settings: &Settings) -> Option<Finding> {
    let folder = folder(instance::database_file(settings)?);
    let output = Command::new("df").arg("-Pk").arg("--").arg(folder).output().ok()?;
    let free = free(&String::from_utf8_lossy(&output.stdout))?;
    let text = format!("{} MiB free in {}", free / 1_024, folder.display());
    Some(if free < NOTHING {
        Finding::fail("disk", format!("{text}; make room, or nobody can sign in"))
    } else if free < LITTLE {
        Finding::warn("disk", format!("{text}; make room"))
    } else {
        Finding::ok("disk", text)
    })
}

/// Whether the connections that the settings allow fit into the limit of open files.
pub fn descriptors(settings: &Settings) -> Finding {
    const WHAT: &str = "descriptors";
    let room = Room::of(settings);
    match room.warning() {
        Some(text) => Finding::warn(WHAT, text),
        None => Finding::ok(WHAT, format!("{} are enough for {} connections", room.needed, room.connections)),
    }
}

/// The nearest folder above a file that is there.
fn folder(file: &Path) -> &Path {
    let mut above = file.ancestors().skip(1).filter(|folder| folder.is_dir());
    above.next().unwrap_or(Path::new("."))
}

/// The fourth column of the second line (POSIX `df -P`).
fn free(output: &str) -> Option<u64> {
    output.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

/// Whether the master key can be used.
pub fn master(settings: &Settings) -> (Option<Arc<Sealer>>, Finding) {
    const WHAT: &str = "master key";
    let path = &settings.keys.file;
    let development = settings.mode == Mode::Development;
    if development && !path.exists() {
        let text = format!("there is none yet; `multauth serve` makes {}", path.display());
        return (None, Finding::warn(WHAT, text));
    }
    match master_key(path, development, &Random::System) {
        Ok(key) => {
            let finding = Finding::ok(WHAT, path.display().to_string());
            (Some(Arc::new(Sealer::new(&key))), finding)
        }
        Err(error) => (None, Finding::fail(WHAT, error.to_string())),
    }
}

/// Whether the database is there, up to date, and can be written and read.
pub async fn database(settings: &Settings) -> (Option<Store>, Finding) {
    const WHAT: &str = "database";
    if let Some(path) = instance::database_file(settings).filter(|path| !path.exists()) {
        let path = path.display();
        return (None, Finding::warn(WHAT, format!("there is no {path} yet; `multauth migrate` makes it")));
    }
    eprintln!("opening the database …");
    match tried(settings).await {
        Ok(store) => {
            let text = format!("{}, up to date, wrote and read", store.name());
            let finding = match store::capacity::shortage(&store, settings.database.connections).await {
                Ok(Some(shortage)) => Finding::warn(WHAT, format!("{text}; {shortage}")),
                _ => Finding::ok(WHAT, text),
            };
            (Some(store), finding)
        }
        Err(error) => (None, unusable(&error)),
    }
}

/// Whether the database's clock, by which instances count, says the same as ours; nothing where it has none.
pub async fn agreement(store: &Store) -> Option<Finding> {
    const WHAT: &str = "database's clock";
    let theirs = match store::agreement::now(store).await {
        Ok(theirs) => theirs?,
        Err(error) => return Some(Finding::fail(WHAT, error.to_string())),
    };
    Some(judged_agreement(WHAT, theirs, Clock::System.now()))
}

fn judged_agreement(what: &'static str, theirs: Millis, ours: Millis) -> Finding {
    let ahead = theirs - ours;
    if ahead.abs() <= store::agreement::FAR {
        return Finding::ok(what, rfc3339(theirs));
    }
    let (seconds, way) = ((ahead / SECOND).abs(), if ahead > 0 { "ahead of" } else { "behind" });
    let text =
        format!("{seconds} s {way} this machine's: nothing is deleted until they agree; set both (NTP)");
    Finding::warn(what, text)
}

/// That it cannot be used, and what an operator does about it.
pub fn unusable(error: &StoreError) -> Finding {
    let says_what_to_do = matches!(error, StoreError::Version { .. } | StoreError::Folder(..));
    let remedy = if says_what_to_do { String::new() } else { format!("; {}", remedy(error)) };
    Finding::fail("database", format!("{error}{remedy}"))
}

fn remedy(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unreachable(_) => "see that it runs, and that host and port in database.url are right",
        StoreError::NoConnection(_) => {
            "an instance that runs may hold them all: lower database.connections, or raise the role's CONNECTION LIMIT \
             or the server's max_connections"
        }
        StoreError::ReadOnly(_) => "name the host that takes writes in database.url, or let it write",
        StoreError::Busy(_) | StoreError::Silent | StoreError::Unanswered(_) => {
            "see what holds it up, and try again"
        }
        _ => "see that database.url and the rights of its role are right",
    }
}

async fn tried(settings: &Settings) -> Result<Store, StoreError> {
    let (url, timeout) = (settings.database.url.expose(), settings.database.timeout.duration());
    let store = Store::open_within(url, 1, timeout).await?;
    store::check_version(&store).await?;
    write_and_read(&store).await?;
    Ok(store)
}

/// Writes a row that is over already, finds it gone, and takes it away, each for good: a full or read-only disk
/// shows only when something is really kept.
async fn write_and_read(store: &Store) -> Result<(), StoreError> {
    let now = Clock::System.now();
    let row = attempts::Attempt {
        id: format!("doctor-{}", Random::System.uuid()).into(),
        purpose: "doctor".to_owned(),
        kind: String::new(),
        canonical: String::new(),
        user_id: None,
        subject: None,
        credentials: None,
        session_id: None,
        known_device: None,
        known_shown: None,
        passed: "[]".to_owned(),
        draft: None,
        ways: None,
        apart: None,
        created_at: now,
        expires_at: now + MINUTE,
    };
    let mut tx = store.begin().await?;
    attempts::insert(&mut tx, &row).await?;
    tx.commit().await?;
    let found = attempts::live(&mut store.read().await?, &row.id, now).await?;
    let mut tx = store.begin().await?;
    attempts::delete(&mut tx, &row.id).await?;
    tx.commit().await?;
    found.map(drop).ok_or_else(|| StoreError::Commit("what was written cannot be read".into()))
}

/// Whether the signing keys open with the master key.
pub async fn signing(store: Store, sealer: Arc<Sealer>) -> Finding {
    const WHAT: &str = "signing keys";
    let ring = KeyRing::new(store, sealer, Clock::System, 0);
    if let Err(error) = ring.reload().await {
        return Finding::fail(WHAT, error.to_string());
    }
    let keys = ring.keys();
    let now = Clock::System.now();
    match keys.iter().map(|key| key.created_at).max() {
        None => Finding::warn(WHAT, "there is none yet; `multauth serve` makes the first"),
        Some(made) if made > now + MINUTE => {
            let text = format!(
                "the newest is of {}, in the future: this clock is behind, or was ahead when it was made",
                rfc3339(made)
            );
            Finding::warn(WHAT, text)
        }
        Some(made) => Finding::ok(WHAT, format!("{}, the newest of {}", keys.len(), rfc3339(made))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    #[test]
    fn a_clock_that_is_far_from_the_databases_is_told() {
        let judged = |theirs| judged_agreement("", theirs, EARLIEST);
        assert_eq!(judged(EARLIEST + 30_000).health, Health::Ok);
        for (apart, told) in [(31_000, "31 s ahead of"), (-86_400_000, "86400 s behind")] {
            let finding = judged(EARLIEST + apart);
            assert_eq!(finding.health, Health::Warn);
            assert!(finding.text.contains(told), "{}", finding.text);
        }
    }

    #[test]
    fn a_clock_that_cannot_be_right_is_told() {
        assert_eq!(judged_clock(0).health, Health::Fail);
        assert_eq!(judged_clock(EARLIEST).health, Health::Ok);
        assert_eq!(judged_clock(LATEST).health, Health::Fail);
    }

    #[test]
    fn the_room_on_a_disk_is_read() {
        let output = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda 263 15 77 16% /\n";
        assert_eq!(free(output), Some(77));
        assert_eq!(free("df: no such file\n"), None);
        assert_eq!(folder(Path::new("/nowhere/at/all.db")), Path::new("/"));
    }
}
