//! A Redis that is there and refuses: `doctor` and the server say the same of it, with the cause and who mends it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use multauth::base::Random;
use multauth::throttle::{Keys, Server, Throttle, Time, Windows, rates};
use tracing::Level;

use crate::support::beds::variable;
use crate::support::log::Log;
use crate::support::program::config;

/// A Redis of the test's own, in a folder that goes with it.
struct Own {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Own {
    /// Starts one, where the suite has a Redis at all.
    async fn start(more: &[&str]) -> Option<Self> {
        variable("REDIS")?;
        let folder = tempfile::tempdir().unwrap();
        // A node of a cluster also listens 10,000 ports above.
        let port = loop {
            let port =
                TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() % 20_000 + 20_000;
            if TcpListener::bind(("127.0.0.1", port)).is_ok() {
                break port;
            }
        };
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--port",
            &port.to_string(),
        ]);
        command.arg("--dir").arg(folder.path()).args(more).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().ok()?;
        let own = Self { child, url: format!("redis://127.0.0.1:{port}"), _folder: folder };
        for _ in 0..500 {
            if own.ask::<String>(&["PING"]).await.is_ok() {
                return Some(own);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("redis-server does not start");
    }

    async fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        ask(&self.url, words).await
    }

    fn at(&self, person: &str) -> String {
        self.url.replace("redis://", &format!("redis://{person}@"))
    }

    fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }
}

async fn ask<T: redis::FromRedisValue>(url: &str, words: &[&str]) -> redis::RedisResult<T> {
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
}

/// What `multauth doctor` says of the Redis at `url`, whose keys begin with `prefix`.
fn doctor(url: &str, prefix: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let redis = format!("[redis]\nurl = \"{url}\"\nprefix = \"{prefix}\"\n");
    let (file, _) = config(folder.path(), "", &redis);
    let mut command = Command::new(env!("CARGO_BIN_EXE_multauth"));
    let run = command.args(["doctor", "--config"]).arg(&file).output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    text.lines().find(|line| line.split_whitespace().nth(1) == Some("redis")).expect(&text).to_owned()
}

fn fails(line: &str, words: &[&str]) {
    assert!(line.starts_with("fail ") && words.iter().all(|word| line.contains(word)), "{line}");
}

fn throttle(windows: Windows) -> Throttle {
    let given = BTreeMap::from([("signin".to_owned(), "4/h/identifier, 40/h/all".to_owned())]);
    Throttle::new(rates("throttle", &given, 1).unwrap(), windows)
}

async fn shared(url: &str, prefix: &str) -> Throttle {
    let server = Server { url: url.into(), prefix: prefix.into(), instances: 2, time: Time::Server };
    throttle(Windows::redis(&server).await.unwrap())
}

/// How many of nine sign-ins of one name are let through.
async fn let_through(throttle: &Throttle) -> usize {
    let keys = Keys { identifier: Some("a"), ..Keys::default() };
    let mut passed = 0;
    for _ in 0..9 {
        passed += usize::from(throttle.check("signin", 0, &keys).await.is_ok());
    }
    passed
}

#[tokio::test]
async fn what_a_user_may_not_do_is_told_with_the_rights_that_are_needed() {
    let Some(redis) = Own::start(&[]).await else { return };
    let user = |name: &'static str, rights: &'static [&'static str]| {
        let words: Vec<&str> = ["ACL", "SETUSER", name, "on", ">p"].iter().chain(rights).copied().collect();
        let redis = &redis;
        async move { redis.ask::<()>(&words).await.unwrap() }
    };
    user("evals", &["~*", "+eval", "+evalsha", "+script", "+ping"]).await;
    fails(&doctor(&redis.at("evals:p"), "m"), &["redis refuses: ", "can't run this command", "+hincrby"]);
    user("nothing", &[]).await;
    fails(&doctor(&redis.at("nothing:p"), "m"), &["redis refuses: NOPERM", "~{m}:*"]);
    user("elsewhere", &["~other:*", "+@all"]).await;
    fails(&doctor(&redis.at("elsewhere:p"), "m"), &["redis refuses: ", "~{m}:*"]);
    fails(&doctor(&redis.at("evals:wrong"), "m"), &["redis refuses: ", "redis.url must name a user"]);
    fails(&doctor(&format!("{}/99", redis.url), "m"), &["redis refuses: ", "database"]);

    // The rights that are told are enough.
    let rights = "~{m}:* +evalsha +script|load +time +hgetall +hmget +hset +hincrby +hdel +pexpire"
        .split(' ')
        .collect::<Vec<_>>();
    let words: Vec<&str> = ["ACL", "SETUSER", "told", "on", ">p"].into_iter().chain(rights).collect();
    redis.ask::<()>(&words).await.unwrap();
    let line = doctor(&redis.at("told:p"), "m");
    assert!(line.starts_with("ok ") && line.ends_with("counts"), "{line}");
    let both = [shared(&redis.at("told:p"), "m").await, shared(&redis.at("told:p"), "m").await];
    assert_eq!([let_through(&both[0]).await, let_through(&both[1]).await], [4, 0]);
    // Another installation counts for itself.
    redis.ask::<()>(&["ACL", "SETUSER", "told", "~{n}:*"]).await.unwrap();
    assert_eq!(let_through(&shared(&redis.at("told:p"), "n").await).await, 4);
}

#[tokio::test]
async fn a_redis_that_cannot_write_refuses() {
    let Some(redis) = Own::start(&["--maxmemory", "1"]).await else { return };
    fails(&doctor(&redis.url, "m"), &["redis refuses: OOM", "maxmemory"]);
    assert_eq!(let_through(&shared(&redis.url, "m").await).await, 2, "an instance's share");
    let Some(replica) = Own::start(&["--replicaof", "127.0.0.1", redis.port()]).await else { return };
    fails(&doctor(&replica.url, "m"), &["redis refuses: READONLY", "the primary"]);
    assert_eq!(let_through(&shared(&replica.url, "m").await).await, 2);
    redis.ask::<()>(&["CONFIG", "SET", "maxmemory", "0"]).await.unwrap();
    redis.ask::<()>(&["SET", "{m}:proof", "x"]).await.unwrap();
    fails(&doctor(&redis.url, "m"), &["redis refuses: WRONGTYPE", "{m}:", "redis.prefix"]);
    let line = doctor("redis://127.0.0.1:1", "m");
    fails(&line, &["see that it runs"]);
    assert!(!line.contains("refuses"), "{line}");
}

#[tokio::test]
async fn in_a_cluster_the_keys_of_a_limit_are_of_one_slot() {
    let nodes = ["--cluster-enabled", "yes"];
    let Some(redis) = Own::start(&nodes).await else { return };
    fails(&doctor(&redis.url, "m"), &["redis refuses: CLUSTERDOWN", "every slot"]);
    redis.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await.unwrap();
    let well = async {
        while !doctor(&redis.url, "m").starts_with("ok ") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), well).await.expect("a node with every slot counts");
    let both = [shared(&redis.url, "m").await, shared(&redis.url, "m").await];
    assert_eq!([let_through(&both[0]).await, let_through(&both[1]).await], [4, 0]);

    // Another node, that has no slot, says who has ours.
    let Some(other) = Own::start(&nodes).await else { return };
    other.ask::<()>(&["CLUSTER", "MEET", "127.0.0.1", redis.port()]).await.unwrap();
    let moved = async {
        loop {
            let line = doctor(&other.url, "m");
            if line.contains("MOVED") {
                return line;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let line = tokio::time::timeout(Duration::from_secs(20), moved).await.expect("the nodes meet");
    fails(&line, &["redis refuses: MOVED", "redis.url must name the node that has slot", redis.port()]);
}

#[tokio::test]
async fn a_refusal_that_stays_is_told_once_and_its_end_too() {
    let Some(url) = variable("REDIS") else { return };
    let prefix = format!("test-{}", Random::System.uuid());
    let (log, _guard) = Log::listen(Level::INFO);
    let count = |words: &str| log.text().matches(words).count();
    let throttle = shared(&url, &prefix).await;
    // One key of the limits, and not the one that a connection is proven by.
    let keys = Keys { identifier: Some("a"), ..Keys::default() };
    throttle.check("signin", 0, &keys).await.unwrap();
    let names: Vec<String> = ask(&url, &["KEYS", &format!("{{{prefix}}}:signin:*:a")]).await.unwrap();
    let [name] = names.as_slice() else { panic!("{names:?}") };
    ask::<()>(&url, &["SET", name, "x"]).await.unwrap();
    assert_eq!(let_through(&throttle).await, 2, "an instance's share");
    let connected = || async {
        let stats: String = ask(&url, &["CLIENT", "LIST"]).await.unwrap();
        stats
            .lines()
            .filter_map(|line| line.split_once("id=")?.1.split(' ').next()?.parse::<u64>().ok())
            .max()
    };
    let before = connected().await.unwrap();
    let tried = async {
        while connected().await.unwrap() < before + 40 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let_through(&throttle).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), tried).await.unwrap();
    assert_eq!(count("redis refuses"), 1, "{}", log.text());
    assert!(count("WRONGTYPE") == 1 && count("gone") == 0 && count("is back") == 0, "{}", log.text());
    ask::<()>(&url, &["DEL", name]).await.unwrap();
    let back = async {
        while count("is back") == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), back).await.expect("it counts again");
    assert_eq!(let_through(&throttle).await, 4);
}
