//! The wall clock jumps while the program runs, and comes back (F13): by libfaketime, whose offset is read from a file
//! that is replaced. What measures spans, the monotonic clock, goes on as it is.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::load::{Caller, Said};
use super::site::Site;
use super::sql;
use super::table::Seen;
use crate::support::person::PASSWORD;
use crate::support::program::Program;

/// One upkeep, which comes each 30 s from the start on, and no second one; one that waits a turn comes with the second.
const UPKEEP: Duration = Duration::from_secs(36);
const TWO_TURNS: Duration = Duration::from_secs(70);
/// The first wait of the ladder of guesses, in seconds.
const LADDER: u64 = 30;

/// An instance whose clock can be set.
struct Clocked {
    site: Arc<Site>,
    caller: Caller,
    offset: PathBuf,
    _program: Program,
}

impl Clocked {
    async fn start() -> Result<Self, String> {
        let library = library().ok_or("there is no libfaketime: install faketime")?;
        let site = Site::on_sqlite();
        let offset = site.folder.path().join("offset");
        std::fs::write(&offset, "+0\n").unwrap();
        let site = site
            .with("LD_PRELOAD", &library.display().to_string())
            .with("FAKETIME_TIMESTAMP_FILE", &offset.display().to_string())
            .with("FAKETIME_NO_CACHE", "1")
            .with("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .with("DONT_FAKE_MONOTONIC", "1");
        let program = site.start().await;
        let caller = site.caller(Duration::from_secs(20));
        Ok(Self { site: Arc::new(site), caller, offset, _program: program })
    }

    /// Sets the clock that far from the true one, such as `+10y`.
    async fn is(&self, offset: &str) {
        let new = self.offset.with_extension("new");
        std::fs::write(&new, format!("{offset}\n")).unwrap();
        std::fs::rename(new, &self.offset).unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    async fn post(&self, path: &str, body: Value) -> Said {
        self.caller.post("call", path, body).await
    }

    async fn signs_up(&self, name: &str) -> Said {
        self.post("/v1/signup", json!({ "username": name, "password": PASSWORD })).await
    }

    async fn signs_in(&self, name: &str, password: &str) -> Said {
        self.post("/v1/signin", json!({ "username": name, "password": password })).await
    }

    async fn me(&self, access: &str) -> Said {
        self.caller.get("me", "/v1/me", Some(access)).await
    }

    async fn number(&self, sql: &str) -> i64 {
        sql::number(&self.site.database, sql).await
    }

    /// Somebody with a proven address; gives it.
    async fn by_email(&self, name: &str) -> String {
        let email = format!("{name}@example.org");
        let attempt = self.post("/v1/signup", json!({ "email": email })).await.field("attempt");
        let code = self.site.code(&email, Duration::from_secs(5)).await.unwrap();
        let said = self.answers(&attempt, &code).await;
        assert!(said.is(200), "{said:?}");
        email
    }

    /// Begins a sign-in by a code; gives the attempt and the code.
    async fn asks(&self, email: &str) -> (String, String) {
        let attempt = self.post("/v1/signin", json!({ "email": email })).await.field("attempt");
        let code = self.site.code(email, Duration::from_secs(5)).await.expect("a code is sent");
        (attempt, code)
    }

    async fn answers(&self, attempt: &str, code: &str) -> Said {
        self.post(&format!("/v1/attempts/{attempt}"), json!({ "passcode": code })).await
    }
}

fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    let all = folders.chain([PathBuf::from("/usr/lib")]);
    all.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|file| file.is_file())
}

/// Tokens across jumps ahead and back.
pub async fn tokens() -> Result<Seen, String> {
    let clocked = Clocked::start().await?;
    let mut seen = Seen::default();
    let mut jumps = 0;
    for (n, offset) in ["+3600", "-3600", "-86400", "+10y"].into_iter().enumerate() {
        for (when, offset) in [("there", offset), ("back", "+0")] {
            clocked.is(offset).await;
            jumps += 1;
            let said = clocked.signs_up(&format!("jump{n}{when}")).await;
            seen.must(said.is(200), format!("a sign-up {when} at {offset}: {:?} {}", said.status, said.text));
            let me = clocked.me(&said.field("access_token")).await;
            seen.must(me.is(200), format!("a token made {when} at {offset}: {:?}", me.status));
            let again =
                clocked.post("/v1/token", json!({ "refresh_token": said.field("refresh_token") })).await;
            seen.must(again.is(200), format!("its refresh: {:?}", again.status));
        }
    }
    seen.figure(format!("{jumps} jumps, a sign-up, a look and a refresh after each"));
    clocked.site.ends_well(&mut seen);
    Ok(seen)
}

/// Codes that were spent, guessed to death or refused as over stay what they are.
pub async fn codes() -> Result<Seen, String> {
    let clocked = Clocked::start().await?;
    let mut seen = Seen::default();
    let spent = clocked.by_email("spent").await;
    let (spent_at, spent_code) = clocked.asks(&spent).await;
    seen.must(clocked.answers(&spent_at, &spent_code).await.is(200), "a right code");
    let dead = clocked.by_email("dead").await;
    let (dead_at, dead_code) = clocked.asks(&dead).await;
    for n in 0..5 {
        clocked.answers(&dead_at, &crate::support::mailbox::wrong(&dead_code, n)).await;
    }
    let over = clocked.by_email("over").await;
    let (over_at, over_code) = clocked.asks(&over).await;
    for offset in ["+660", "+0", "+3600", "+0", "-3600", "+0", "-86400", "+0", "+10y", "+0"] {
        clocked.is(offset).await;
        for (what, at, code) in [
            ("spent", &spent_at, &spent_code),
            ("guessed to death", &dead_at, &dead_code),
            ("refused as over", &over_at, &over_code),
        ] {
            let said = clocked.answers(at, code).await;
            seen.must(!said.is(200), format!("a code {what} passes at {offset}"));
        }
    }
    seen.figure("3 dead codes, 10 jumps");
    let fresh = clocked.by_email("fresh").await;
    let (at, code) = clocked.asks(&fresh).await;
    seen.must(clocked.answers(&at, &code).await.is(200), "a fresh code is not good when the clock is back");
    clocked.site.ends_well(&mut seen);
    Ok(seen)
}

/// Guesses while the clock is ahead, or before it is set back: the right password waits as long as the ladder says.
pub async fn guesses() -> Result<Seen, String> {
    let clocked = Clocked::start().await?;
    let mut seen = Seen::default();
    for (name, while_at, then) in [
        ("years", "+10y", 0),
        ("day", "+86400", 0),
        ("hour", "+3600", 0),
        ("hourback", "+0", -3_600),
        ("dayback", "+0", -86_400),
    ] {
        clocked.is("+0").await;
        clocked.signs_up(name).await;
        clocked.is(while_at).await;
        for _ in 0..4 {
            clocked.signs_in(name, "wrong otter lantern 42").await;
        }
        clocked.is(&format!("{then:+}")).await;
        let said = clocked.signs_in(name, PASSWORD).await;
        let waits = said.retry_after.unwrap_or(0);
        seen.figure(format!("4 wrong at {while_at}: at {then:+} {} for {waits} s", said.status.unwrap_or(0)));
        seen.must(said.is(429), format!("{name}: the jump frees the wait: {:?}", said.status));
        seen.must(waits <= LADDER, format!("{name}: waits {waits} s, not {LADDER}"));
        if then < 0 {
            // A clock that was set back is not gone by, and so is none that goes on from there.
            tokio::time::sleep(Duration::from_secs(31)).await;
        } else {
            clocked.is(&format!("{:+}", then + 31)).await;
        }
        let said = clocked.signs_in(name, PASSWORD).await;
        seen.must(said.is(200), format!("{name}: 31 s later {:?}", said.status));
    }
    clocked.site.ends_well(&mut seen);
    Ok(seen)
}

/// A jump ahead over an upkeep: nothing is swept by it, it is counted, and keys are rotated as ever afterwards.
pub async fn upkeep() -> Result<Seen, String> {
    const KEPT: &str = "SELECT (SELECT COUNT(*) FROM sessions) + (SELECT COUNT(*) FROM events)
        + (SELECT COUNT(*) FROM guesses)";
    const KEYS: &str = "SELECT COUNT(*) FROM signing_keys";
    let clocked = Clocked::start().await?;
    let mut seen = Seen::default();
    let member = clocked.signs_up("member").await;
    clocked.signs_in("member", "wrong otter lantern 42").await;
    clocked.by_email("other").await;
    let before = clocked.number(KEPT).await;
    clocked.is("+10y").await;
    tokio::time::sleep(UPKEEP).await;
    clocked.is("+0").await;
    let after = clocked.number(KEPT).await;
    seen.figure(format!("sessions, events and guesses {before}, after +10 y for 36 s {after}"));
    seen.must(after >= before, format!("{} rows were swept by a jump", before - after));
    let again = clocked.post("/v1/token", json!({ "refresh_token": member.field("refresh_token") })).await;
    seen.must(again.is(200), format!("a session from before: {:?}", again.status));
    let metrics = clocked.caller.get("metrics", "/metrics", None).await;
    let counted = metrics.text.lines().find(|line| !line.starts_with('#') && line.contains("clock"));
    let counted = counted.unwrap_or("none");
    seen.figure(format!("metric ({:?}): {counted}", metrics.status));
    let number = counted.rsplit(' ').next().and_then(|number| number.parse::<f64>().ok());
    seen.must(number.is_some_and(|number| number >= 1.0), "no metric counts the jump");
    seen.must(!clocked.site.logged("clock").is_empty(), "the log does not tell of the jump");
    tokio::time::sleep(TWO_TURNS).await;
    let keys = clocked.number(KEYS).await;
    clocked.is("+91d").await;
    let turned = Instant::now();
    while clocked.number(KEYS).await == keys && turned.elapsed() < TWO_TURNS + UPKEEP {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let rotated = clocked.number(KEYS).await > keys;
    seen.comes_within("a new key at +91 d after", rotated.then(|| turned.elapsed()), TWO_TURNS + UPKEEP);
    clocked.site.ends_well(&mut seen);
    Ok(seen)
}
