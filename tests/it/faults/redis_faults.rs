//! Redis restarts, loses everything, stands still, is away, was never there, and takes connections without a word (F7).
//! Limits alone are kept in it, so nobody may notice but those that are limited.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpListener;

use super::crowd::Crowd;
use super::load::{Caller, percentile};
use super::machine::{free_port, need, signal};
use super::site::Site;
use super::sql;
use super::table::Seen;
use crate::support::mailbox;
use crate::support::person::PASSWORD;

/// A call that waits for Redis waits 200 ms once; the rest is the machine's.
const P99: Duration = Duration::from_millis(500);
/// A start without Redis.
const START: Duration = Duration::from_secs(5);

/// A server of a fault's own; it ends with this.
struct Redis {
    child: Option<Child>,
    port: u16,
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Redis {
    async fn start() -> Result<Self, String> {
        need("redis-server")?;
        let mut redis = Self { child: None, port: free_port() };
        redis.rise().await;
        Ok(redis)
    }

    async fn rise(&mut self) {
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"]);
        let null = Stdio::null;
        self.child = Some(command.stdin(null()).stdout(null()).stderr(null()).spawn().unwrap());
        for _ in 0..250 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("Redis does not start");
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn signal(&self, name: &str) {
        if let Some(child) = &self.child {
            signal(name, child.id());
        }
    }

    async fn flush(&self) {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.unwrap();
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

/// Restarted twice.
pub async fn restart() -> Result<Seen, String> {
    play(async |redis: &mut Redis| {
        for _ in 0..2 {
            redis.kill();
            redis.rise().await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    })
    .await
}

/// Emptied twice.
pub async fn flush() -> Result<Seen, String> {
    play(async |redis: &mut Redis| {
        for _ in 0..2 {
            redis.flush().await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    })
    .await
}

/// It stands still for eight seconds.
pub async fn stall() -> Result<Seen, String> {
    play(async |redis: &mut Redis| {
        redis.signal("STOP");
        tokio::time::sleep(Duration::from_secs(8)).await;
        redis.signal("CONT");
    })
    .await
}

/// It is away for six seconds.
pub async fn gone() -> Result<Seen, String> {
    play(async |redis: &mut Redis| {
        redis.kill();
        tokio::time::sleep(Duration::from_secs(6)).await;
        redis.rise().await;
    })
    .await
}

async fn play(happens: impl AsyncFn(&mut Redis)) -> Result<Seen, String> {
    let mut redis = Redis::start().await?;
    let site = Arc::new(limited(Site::on_sqlite(), &redis.url()));
    let _program = site.start().await;
    let mut seen = Seen::default();
    let crowd = Crowd::gathers(&site, 8).await;
    ["leaver", VICTIM].iter().for_each(|name| crowd.ledger.sent(name));
    let out = signed_out(&site).await;
    let attacker = tokio::spawn(guesses(site.clone()));
    tokio::time::sleep(Duration::from_secs(2)).await;
    happens(&mut redis).await;
    is_still_out(&site, &out, &mut seen).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let calls = crowd.calls.clone();
    attacker.abort();
    crowd.leaves(&mut seen).await;
    seen.figure(format!("answers {}", calls.statuses(|_| true)));
    seen.none("failures", calls.of(|call| call.status != Some(200)).len());
    seen.within("p99", percentile(&calls.of(|_| true), 99), P99);
    bounded(&site, &mut seen).await;
    Ok(seen)
}

/// It was not there at the start.
pub async fn never() -> Result<Seen, String> {
    without(&format!("redis://127.0.0.1:{}", free_port())).await
}

/// It takes connections, and never answers.
pub async fn dumb() -> Result<Seen, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let silence = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            held.push(connection);
        }
    });
    let seen = without(&url).await;
    silence.abort();
    seen
}

async fn without(url: &str) -> Result<Seen, String> {
    let site = Arc::new(limited(Site::on_sqlite(), url));
    let mut seen = Seen::default();
    let began = Instant::now();
    let _program = site.start().await;
    seen.within("ready after", began.elapsed(), START);
    let crowd = Crowd::gathers(&site, 8).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let calls = crowd.calls.clone();
    crowd.leaves(&mut seen).await;
    seen.figure(format!("answers {}", calls.statuses(|_| true)));
    seen.none("failures", calls.of(|call| call.status != Some(200)).len());
    seen.within("p99", percentile(&calls.of(|_| true), 99), P99);
    // Alone, each instance lets its share through: half of five, for two that share it.
    let recovery = async |caller: &Caller| {
        let body = json!({ "email": "nobody@example.org" });
        caller.post("recovery", "/v1/recovery", body).await.is(200)
    };
    let caller = site.caller(Duration::from_secs(10));
    let mut passed = 0;
    for _ in 0..8 {
        passed += usize::from(recovery(&caller).await);
    }
    seen.figure(format!("of five an hour {passed} pass"));
    seen.must((1..=3).contains(&passed), format!("{passed} pass, not the share of one instance"));
    Ok(seen)
}

/// Limits that are kept in Redis: wide ones, so that it is asked at every call, and a narrow one.
fn limited(site: Site, url: &str) -> Site {
    let site = site.set("redis.url", url).set("throttle.recovery", "5/h/ip");
    let wide = ["signup", "signin", "token", "attempt"];
    wide.into_iter().fold(site, |site, action| site.set(&format!("throttle.{action}"), "1000000/h/ip"))
}

/// A refresh token that was signed out.
async fn signed_out(site: &Site) -> String {
    let caller = site.caller(Duration::from_secs(10));
    let body = json!({ "username": "leaver", "password": PASSWORD });
    let said = caller.post("signup", "/v1/signup", body).await;
    let out = caller.post_as("signout", "/v1/signout", &said.field("access_token")).await;
    assert!(out.status.is_some_and(|status| status < 300), "{out:?}");
    said.field("refresh_token")
}

async fn is_still_out(site: &Site, refresh: &str, seen: &mut Seen) {
    let caller = site.caller(Duration::from_secs(10));
    let said = caller.post("refresh", "/v1/token", json!({ "refresh_token": refresh })).await;
    seen.must(said.is(401), format!("a token that was signed out: {:?}", said.status));
}

/// Whose codes are guessed.
const VICTIM: &str = "victim@example.org";

/// Guesses codes without end: eight at each attempt, where five are looked at.
async fn guesses(site: Arc<Site>) {
    let caller = site.caller(Duration::from_secs(10));
    let body = json!({ "email": VICTIM });
    let attempt = caller.post("signup", "/v1/signup", body.clone()).await.field("attempt");
    let code = site.code(VICTIM, Duration::from_secs(5)).await.unwrap();
    caller.post("answer", &format!("/v1/attempts/{attempt}"), json!({ "passcode": code })).await;
    loop {
        let attempt = caller.post("signin", "/v1/signin", body.clone()).await.field("attempt");
        for n in 0..8 {
            let body = json!({ "passcode": mailbox::wrong(&code, n) });
            caller.post("answer", &format!("/v1/attempts/{attempt}"), body).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Guesses are bounded by the database, whatever Redis knows: five a code, and twenty a day at codes that can be
/// guessed. Beyond, codes are long ones.
async fn bounded(site: &Site, seen: &mut Seen) {
    const MOST: &str = "SELECT COALESCE(MAX(guesses), 0) FROM challenges";
    const SHORT: &str =
        "SELECT COALESCE(SUM(guesses), 0) FROM challenges WHERE code_length < 10 AND purpose = 'signin'";
    let most = sql::number(&site.database, MOST).await;
    let day = sql::number(&site.database, SHORT).await;
    seen.figure(format!("guesses {most} of 5 a code, {day} of 20 a day"));
    // Those at the code that fills the day are looked at to its end.
    seen.must(most <= 5 && day <= 24, "more guesses than are allowed");
    seen.must(most > 0, "nobody guessed");
}
