//! Who is counted: the address that is connected, unless a proxy that the operator trusts says otherwise.

use serde_json::json;
use tracing::Level;

use crate::support::log::Log;
use crate::support::person::PASSWORD;
use crate::support::raw::Call;
use crate::support::server::Server;

/// Headers by which somebody might say to be somebody else; `{n}` differs from call to call.
const SPOOFED: [(&str, &str); 22] = [
    ("X-Forwarded-For", "203.0.113.{n}"),
    ("X-Forwarded-For", "203.0.113.{n}, 127.0.0.1"),
    ("X-Forwarded-For", "127.0.0.1, 203.0.113.{n}"),
    ("X-Forwarded-For", "2001:db8::{n}"),
    ("X-Forwarded-For", "[2001:db8::{n}]:443"),
    ("X-Forwarded-For", "203.0.113.{n}:8080"),
    ("X-Forwarded-For", ""),
    ("X-Forwarded-For", "unknown, {n}"),
    ("X-Forwarded-For", ", , ,"),
    ("X-Forwarded-For", "localhost"),
    ("x-forwarded-for", "::ffff:203.0.113.{n}"),
    ("X-Real-IP", "203.0.113.{n}"),
    ("X-Client-IP", "203.0.113.{n}"),
    ("X-Cluster-Client-IP", "203.0.113.{n}"),
    ("CF-Connecting-IP", "203.0.113.{n}"),
    ("True-Client-IP", "203.0.113.{n}"),
    ("Fastly-Client-IP", "203.0.113.{n}"),
    ("Forwarded", "for=203.0.113.{n}"),
    ("Forwarded", "for=\"[2001:db8::{n}]\";proto=https"),
    ("X-Forwarded", "203.0.113.{n}"),
    ("Via", "1.1 203.0.113.{n}"),
    ("X-Originating-IP", "203.0.113.{n}"),
];

fn guess(name: &str) -> Call {
    let body = json!({ "username": name, "password": "surely-not-the-right-one" });
    Call::new("POST", "/v1/signin").json(body.to_string())
}

#[tokio::test]
async fn no_header_makes_somebody_else_of_a_client() {
    let limit = |settings: &mut multauth::settings::Settings| {
        settings.throttle.insert("signin".to_owned(), "3/m/ip".to_owned());
    };
    for (name, value) in SPOOFED {
        let server = Server::start(limit).await;
        for n in 1..=6 {
            let call = guess(&format!("nobody{n}")).header(name, value.replace("{n}", &n.to_string()));
            let status = server.call(call).await.status;
            assert_eq!(status, if n <= 3 { 401 } else { 429 }, "{name}: {value}, call {n}");
        }
    }
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_and_only_its_own_word() {
    let server = Server::start(|settings| {
        settings.throttle.insert("signin".to_owned(), "1/m/ip".to_owned());
        settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    // A name of its own for every call: guesses at one name wait for each other too.
    let call = |forwarded: &str| {
        let name = format!("visitor{}", server.app.random.uuid());
        guess(&name[..20]).header("X-Forwarded-For", forwarded)
    };
    let mut statuses = Vec::new();
    for forwarded in ["203.0.113.1", "203.0.113.2", "203.0.113.1", "198.51.100.9, 203.0.113.2", "2001:db8::1"]
    {
        statuses.push(server.call(call(forwarded)).await.status);
    }
    assert_eq!(statuses, [401, 401, 429, 429, 401]);
    // One subscriber of IPv6 has a whole /64.
    assert_eq!(server.call(call("2001:db8::2")).await.status, 429);
    assert_eq!(server.call(call("2001:db8:0:1::1")).await.status, 401);
}

#[tokio::test]
async fn too_many_is_a_problem_that_says_when() {
    let server = Server::start(|settings| {
        settings.throttle.insert("signin".to_owned(), "1/m/ip".to_owned());
    })
    .await;
    assert_eq!(server.call(guess("visitor")).await.status, 401);
    for name in ["visitor", "somebody"] {
        let answer = server.call(guess(name)).await;
        assert_eq!((answer.status, answer.code().as_str()), (429, "too_many"));
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!(after > 0 && after.is_multiple_of(30) && after <= 60, "{after}");
        assert_eq!(answer.json()["retry_after"], after);
        assert!(!answer.body.contains("ip") || !answer.body.contains("1/m"), "it tells not which window");
    }
    server.clock.advance(60_000);
    assert_eq!(server.call(guess("visitor")).await.status, 401, "what was promised holds");
}

#[tokio::test]
async fn one_network_over_many_users_stops_and_a_success_clears_nothing() {
    for server in Server::on_each(|settings| {
        settings.throttle.insert("failures".to_owned(), "20/10m/ip".to_owned());
    })
    .await
    {
        server.user("attacker").await;
        let mut refused = 0;
        for n in 1..=25 {
            let answer = server.call(guess(&format!("victim{n}"))).await;
            assert!([401, 429].contains(&answer.status), "{}", answer.body);
            refused += u32::from(answer.status == 429);
            assert_eq!(answer.status == 429, n > 20, "{} guess {n}", server.name());
            if n % 8 == 0 {
                // Every eighth is the attacker's own, and right.
                let body = json!({ "username": "attacker", "password": PASSWORD });
                let status = server.post("/v1/signin", body).await.status;
                assert_eq!(status, if n <= 20 { 200 } else { 429 }, "{} own sign-in", server.name());
            }
        }
        assert_eq!(refused, 5, "{}", server.name());
    }
}

#[tokio::test]
async fn wrong_api_keys_are_counted_with_wrong_secrets() {
    let server = Server::start(|settings| {
        settings.throttle.insert("failures".to_owned(), "5/10m/ip".to_owned());
    })
    .await;
    let (_, key) = server.api_key(&["introspect"]).await;
    let ask = |key: &str| Call::new("POST", "/v1/introspect").bearer(key).json(r#"{"token":"x"}"#);
    for n in 1..=8 {
        let status = server.call(ask(&format!("mk_{}", "A".repeat(43)))).await.status;
        assert_eq!(status, if n <= 5 { 401 } else { 429 }, "guess {n}");
    }
    assert_eq!(server.call(ask(&key)).await.status, 200, "a right one is no guess");
    assert_eq!(server.call(guess("visitor")).await.status, 429, "one window for both");
}

#[tokio::test]
async fn a_proxy_is_understood_as_proxies_write() {
    let server = Server::start(|settings| {
        settings.throttle.insert("signin".to_owned(), "1/m/ip".to_owned());
        settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let forms = [
        ("X-Forwarded-For", "203.0.113.{n}:4711"),
        ("X-Forwarded-For", "198.51.100.{n}"),
        ("X-Forwarded-For", "[2001:db8:0:{n}::1]"),
        ("X-Forwarded-For", "junk, [2001:db8:1:{n}::1]:443"),
        ("X-Forwarded-For", "192.0.2.{n}:80, 127.0.0.1:9"),
        ("Forwarded", "for=203.0.114.{n}"),
        ("Forwarded", "for=_hidden, for=\"203.0.115.{n}:4711\";proto=https;by=10.0.0.1"),
        ("Forwarded", "proto=https;For=\"[2001:db8:2:{n}::1]:80\""),
    ];
    for (name, form) in forms {
        for n in 1..=3 {
            let call = || {
                let visitor = format!("visitor{}", server.app.random.uuid());
                guess(&visitor[..20]).header(name, form.replace("{n}", &n.to_string()))
            };
            let statuses = (server.call(call()).await.status, server.call(call()).await.status);
            assert_eq!(statuses, (401, 429), "{name}: {form}, client {n}");
        }
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_understood_is_told_of_once() {
    let (log, _guard) = Log::listen(Level::INFO);
    let trusting = |settings: &mut multauth::settings::Settings| {
        settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    };
    let told = || log.text().matches("trusted proxy").count();
    let server = Server::start(trusting).await;
    let get = |name: &str, value: &str| server.call(Call::new("GET", "/healthz").header(name, value));
    for (name, value) in [("X-Forwarded-For", "junk, 203.0.113.9"), ("X-Real-IP", "junk")] {
        get(name, value).await;
        assert_eq!(told(), 0, "{name}: {value}");
    }
    for (name, value) in
        [("X-Forwarded-For", "canary-1"), ("Forwarded", "for=unknown"), ("X-Forwarded-For", "")]
    {
        get(name, value).await;
        assert_eq!(told(), 1, "{name}: {value}");
    }
    assert!(!log.text().contains("canary"));
    let stranger = Server::start(|_| {}).await;
    stranger.call(Call::new("GET", "/healthz").header("X-Forwarded-For", "junk")).await;
    assert_eq!(told(), 1, "a stranger's word is nothing");
}
