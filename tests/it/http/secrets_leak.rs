//! Canaries: secrets go in by every door, and then everything that is kept, logged or answered is searched
//! for them, in the forms that secrets hide in (R30, R32, R55, R71, R78, R160).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use multauth::base::seal::sha256_hex;
use serde_json::{Value, json};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::support::log::Log;
use crate::support::raw::{Answer, Call};
use crate::support::server::{Server, Tokens, code, link};

const CHOSEN: &str = "canary-Pässword-77-sitting-quietly";
const CHANGED: &str = "canary-second-Pass-88-singing-loud";
const WRONG: &str = "canary-wrong-guess-99-somewhere-else";
const EMAIL: &str = "canary.bird.4711@mine.example.org";
const OTHER_EMAIL: &str = "canary.nest.4712@mine.example.org";
const PHONE: &str = "+12025550176";

static LISTENING: AtomicBool = AtomicBool::new(false);

/// Everything that is logged, at every level, by every crate of the process while it is listened to.
fn listen() -> Log {
    static ONCE: Once = Once::new();
    static LOG: Mutex<Option<Log>> = Mutex::new(None);
    ONCE.call_once(|| {
        let log = Log::default();
        let writer = log.clone();
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
        let lines = lines.with_filter(dynamic_filter_fn(|_, _| LISTENING.load(Ordering::Relaxed)));
        // As the program listens at its widest.
        let widest = multauth::telemetry::filter("trace").unwrap();
        tracing_subscriber::registry().with(widest).with(lines).try_init().unwrap();
        *LOG.lock().unwrap() = Some(log);
    });
    LISTENING.store(true, Ordering::Relaxed);
    LOG.lock().unwrap().clone().unwrap()
}

/// What went in and what came back.
#[derive(Default)]
struct Trail {
    /// Must be nowhere but where it was given out: name and value.
    secrets: Vec<(String, String)>,
    answers: Vec<(String, String)>,
}

impl Trail {
    fn secret(&mut self, what: &str, value: &str) {
        assert!(value.len() >= 8, "{what} is long enough to be no chance: {value}");
        self.secrets.push((what.to_owned(), value.to_owned()));
    }

    fn tokens(&mut self, answer: &Answer) -> Tokens {
        let value = answer.json();
        for name in ["access_token", "refresh_token", "known_device", "attempt", "verification", "secret"] {
            if let Some(text) = value[name].as_str() {
                self.secret(name, text);
            }
        }
        Tokens::of(answer)
    }

    async fn call(&mut self, server: &Server, call: Call) -> Answer {
        let what = format!("{} {}", call.method, call.path);
        let answer = server.call(call).await;
        let headers: Vec<_> = answer.headers.iter().map(|(n, v)| format!("{n}: {v}")).collect();
        self.answers.push((what, format!("{}\n{}", headers.join("\n"), answer.body)));
        answer
    }

    async fn post(&mut self, server: &Server, path: &str, body: Value) -> Answer {
        let answer = self.call(server, Call::new("POST", path).json(body.to_string())).await;
        if answer.status < 300 {
            self.tokens(&answer);
        }
        answer
    }

    async fn as_user(
        &mut self,
        server: &Server,
        user: &Tokens,
        method: &str,
        path: &str,
        body: Value,
    ) -> Answer {
        let call = Call::new(method, path).bearer(&user.access).json(body.to_string());
        let answer = self.call(server, call).await;
        if answer.status < 300 && !answer.body.is_empty() {
            self.tokens(&answer);
        }
        answer
    }

    /// Reads the code and the link of a message.
    async fn message(&mut self, server: &Server, to: &str, n: usize) -> String {
        let message = server.message(to, n).await;
        let code = code(&message);
        self.secret("passcode", &code);
        if message.text.expose().contains("/confirm/") {
            let link = link(&message);
            self.secret("link key", link.rsplit('/').next().unwrap());
        }
        code
    }
}

/// The forms in which a text hides.
fn forms(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let hex = data_encoding::HEXLOWER.encode(bytes);
    let url: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let json = serde_json::to_string(text).unwrap().trim_matches('"').to_owned();
    let mut all = vec![text.to_owned(), hex.to_uppercase(), hex, url, json, text.to_lowercase()];
    all.extend([STANDARD, URL_SAFE, STANDARD_NO_PAD, URL_SAFE_NO_PAD].map(|engine| engine.encode(bytes)));
    all.push(text.chars().rev().collect());
    all
}

fn found(place: &[u8], what: &str) -> bool {
    let what = what.as_bytes();
    place.windows(what.len()).any(|window| window == what)
}

#[tokio::test]
async fn no_secret_is_kept_logged_or_answered() {
    let log = listen();
    tracing::trace!("the widest level is listened to");
    let server = Server::start(|settings| {
        settings.passcode.length = 10;
        settings.verification.length = 10;
    })
    .await;
    let mut trail = Trail::default();
    for secret in [CHOSEN, CHANGED, WRONG] {
        trail.secret("password", secret);
    }
    let (_, key) = server.api_key(&["verify", "introspect"]).await;
    trail.secret("API key", &key);
    walk(&server, &mut trail, &key).await;
    mistakes(&server, &mut trail).await;
    LISTENING.store(false, Ordering::Relaxed);
    let log = log.bytes();
    for word in ["TRACE", "sqlx", "multauth"] {
        assert!(found(&log, word), "{word} was logged");
    }

    let mut kept = Vec::new();
    let database = server.rows().url.trim_start_matches("sqlite://");
    for file in [database.to_owned(), format!("{database}-wal")] {
        kept.extend(std::fs::read(file).unwrap_or_default());
    }
    assert!(found(&kept, EMAIL), "the database was read");
    assert!(trail.secrets.len() > 25, "{}", trail.secrets.len());
    for (what, secret) in &trail.secrets {
        for form in forms(secret) {
            assert!(!found(&kept, &form), "{what} {secret} is in the database as {form}");
            assert!(!found(&log, &form), "{what} {secret} is in the log as {form}: {}", around(&log, &form));
        }
        if what == "passcode" {
            assert!(!found(&kept, &sha256_hex(secret.as_bytes())), "a bare hash of a code is a code");
        }
    }
    for address in [EMAIL, OTHER_EMAIL, PHONE, &PHONE[2..]] {
        for form in forms(address) {
            assert!(!found(&log, &form), "{address} is in the log as {form}: {}", around(&log, &form));
        }
    }
    let never = ["password", "passcode", "link key", "API key"];
    for (what, secret) in trail.secrets.iter().filter(|(what, _)| never.contains(&what.as_str())) {
        for (call, answer) in &trail.answers {
            // A link that is opened elsewhere shows the code to type; that is what it is for.
            if !call.contains("confirm") {
                assert!(
                    !found(answer.as_bytes(), secret),
                    "{what} {secret} is in the answer to {call}: {answer}"
                );
            }
        }
    }
}

fn around(place: &[u8], what: &str) -> String {
    let text = String::from_utf8_lossy(place);
    text.lines().find(|line| line.contains(what)).unwrap_or_default().to_owned()
}

/// Every door once, with the right answers.
async fn walk(server: &Server, trail: &mut Trail, key: &str) {
    let begun = trail.post(server, "/v1/signup", json!({ "email": EMAIL, "password": CHOSEN })).await;
    let attempt = begun.json()["attempt"].as_str().unwrap().to_owned();
    let code = trail.message(server, EMAIL, 1).await;
    let link = link(&server.message(EMAIL, 1).await);
    let path = format!("/confirm/{}", link.rsplit('/').next().unwrap());
    trail.call(server, Call::new("GET", &path)).await;
    trail.call(server, Call::new("POST", &path)).await;
    trail.post(server, "/v1/confirm", json!({ "key": link.rsplit('/').next().unwrap() })).await;
    let done = trail.post(server, &format!("/v1/attempts/{attempt}"), json!({ "passcode": code })).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let user = Tokens::of(&done);

    let signin = json!({ "email": EMAIL, "password": CHOSEN, "known_device": done.json()["known_device"] });
    let begun = trail.post(server, "/v1/signin", signin).await;
    let attempt = begun.json()["attempt"].as_str().unwrap_or_default().to_owned();
    if begun.json()["state"] == "ask" {
        let code = trail.message(server, EMAIL, 2).await;
        let done = trail.post(server, &format!("/v1/attempts/{attempt}"), json!({ "passcode": code })).await;
        assert_eq!(done.status, 200, "{}", done.body);
    }
    let added =
        trail.as_user(server, &user, "POST", "/v1/me/devices", json!({ "kind": "authenticator" })).await;
    assert_eq!(added.status, 201, "{}", added.body);
    let seed = added.json()["secret"].as_str().unwrap().to_owned();
    let raw = data_encoding::BASE32_NOPAD.decode(seed.as_bytes()).unwrap();
    trail.secret("seed in hex", &data_encoding::HEXLOWER.encode(&raw));
    trail.secret("seed in base64", &STANDARD.encode(&raw));
    for (kind, to) in [("email", OTHER_EMAIL), ("phone", PHONE)] {
        let added =
            trail.as_user(server, &user, "POST", "/v1/me/devices", json!({ "kind": kind, kind: to })).await;
        assert_eq!(added.status, 201, "{}", added.body);
        let code = trail.message(server, to, 1).await;
        let path = format!("/v1/me/devices/{}/confirm", added.json()["id"].as_str().unwrap());
        let confirmed = trail.as_user(server, &user, "POST", &path, json!({ "passcode": code })).await;
        assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    }
    let card = json!({ "kind": "card", "hardcode": "canary-card-314159" });
    trail.secret("hardcode", "canary-card-314159");
    trail.as_user(server, &user, "POST", "/v1/me/devices", card).await;
    let codes = trail.as_user(server, &user, "POST", "/v1/me/recovery-codes", json!({})).await;
    for code in codes.json()["codes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        trail.secret("recovery code", code);
    }
    let body = json!({ "password": CHOSEN, "new_password": CHANGED });
    let changed = trail.as_user(server, &user, "PUT", "/v1/me/password", body).await;
    assert_eq!(changed.status, 204, "{}", changed.body);
    let pair = trail.post(server, "/v1/token", json!({ "refresh_token": user.refresh })).await;
    let pair = Tokens::of(&pair);
    for token in [&pair.access, &pair.refresh, &user.refresh] {
        let body = json!({ "token": token }).to_string();
        trail.call(server, Call::new("POST", "/v1/introspect").bearer(key).json(body)).await;
    }
    let begun = trail.post(server, "/v1/recovery", json!({ "email": EMAIL })).await;
    assert_eq!(begun.status, 200, "{}", begun.body);
    let call = Call::new("POST", "/v1/verifications").bearer(key).json(json!({ "to": PHONE }).to_string());
    let begun = trail.call(server, call).await;
    assert_eq!(begun.status, 201, "{}", begun.body);
    let handle = trail.tokens(&begun).user;
    assert!(handle.is_empty());
    let code = trail.message(server, PHONE, 2).await;
    let path = format!("/v1/verifications/{}/check", begun.json()["verification"].as_str().unwrap());
    let passed = trail
        .call(server, Call::new("POST", &path).bearer(key).json(json!({ "passcode": code }).to_string()))
        .await;
    trail.secret("proof", passed.json()["proof"].as_str().unwrap());
    // The old refresh token again, and too late: a theft.
    server.clock.advance(60_000);
    trail.post(server, "/v1/token", json!({ "refresh_token": user.refresh })).await;
}

/// The same secrets, where they do not belong.
async fn mistakes(server: &Server, trail: &mut Trail) {
    trail.post(server, "/v1/signin", json!({ "email": EMAIL, "password": WRONG })).await;
    trail.post(server, "/v1/signin", json!({ "email": OTHER_EMAIL, "password": WRONG })).await;
    trail.post(server, "/v1/signin", json!({ "username": "nobody", "password": WRONG, WRONG: WRONG })).await;
    trail.post(server, "/v1/signup", json!({ "username": WRONG, "password": "short" })).await;
    trail.post(server, "/v1/signup", json!({ "email": WRONG, "password": CHOSEN, "phone": CHANGED })).await;
    trail.post(server, "/v1/confirm", json!({ "key": WRONG })).await;
    trail.post(server, "/v1/token", json!({ "refresh_token": WRONG })).await;
    trail.post(server, &format!("/v1/attempts/{WRONG}"), json!({ "password": WRONG })).await;
    for body in [
        format!("{{\"password\":\"{WRONG}\""),
        format!("\"{WRONG}\""),
        format!("{{\"password\":[\"{WRONG}\"]}}"),
    ] {
        trail.call(server, Call::new("POST", "/v1/signin").json(body)).await;
    }
    trail.call(server, Call::new("POST", "/v1/signin").body(WRONG, WRONG)).await;
    for path in [format!("/confirm/{WRONG}"), format!("/{WRONG}"), format!("/v1/flows?password={WRONG}")] {
        trail.call(server, Call::new("GET", &path)).await;
    }
    trail.call(server, Call::new("GET", "/v1/me").bearer(WRONG)).await;
    trail.call(server, Call::new("GET", "/v1/me").header("Cookie", WRONG).header("X-Api-Key", WRONG)).await;
    trail.call(server, Call::new(WRONG, "/v1/me")).await;
    // A field's name is told back to who sent it; nothing else is.
    trail.answers.retain(|(_, answer)| !(answer.contains("unknown_field") && answer.contains(WRONG)));
}
