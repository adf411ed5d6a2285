//! What an answer about nobody costs the database is what one about somebody costs: statement by statement, at every
//! request that an identifier leads to. What that is in time, `cargo bench -- --timing` measures.

use multauth::base::clock::{MINUTE, SECOND};
use multauth::settings::Settings;
use serde_json::{Value, json};
use tracing::Level;

use super::{EMAIL, by};
use crate::support::app::{TestApp, unlimited};
use crate::support::client::{Answer, Client};
use crate::support::log::Log;
use crate::support::person::PASSWORD;

const OTHER: &str = "nine herons over the weir";

fn change(settings: &mut Settings) {
    by(&[&["email", "password", "passcode"], &["phone", "passcode"]])(settings);
    unlimited(settings, &["send", "send_phone", "signin", "signup", "recovery", "failures", "attempt"]);
}

/// The statements that were logged from `from` on: what each does, and to which table.
fn statements(log: &Log, from: usize) -> Vec<String> {
    let text = log.text();
    // What is given up is undone aside, when nobody waits for it; a connection that is made, or rested, is asked.
    let aside = |line: &&str| !line.contains("summary=\"ROLLBACK\"") && !line.contains("pg_is_in_recovery");
    let waited = text[from..].lines().filter(aside);
    let found = waited.filter_map(|line| line.split_once("statement=\"").map(|(_, sql)| sql));
    found.map(shape).collect()
}

/// By which name somebody is found is another matter: of nobody it is by chance.
fn shape(sql: &str) -> String {
    let words: Vec<&str> = sql.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let verb = words.first().copied().unwrap_or_default();
    let table = words.iter().skip_while(|word| !["FROM", "INTO", "UPDATE"].contains(word)).nth(1);
    format!("{verb} {}", table.copied().unwrap_or_default())
}

/// What each request of a walk asked of the database.
struct Walk<'a> {
    app: &'a TestApp,
    client: Client,
    log: &'a Log,
    attempt: String,
    seen: Vec<(String, u16, Vec<String>)>,
}

impl Walk<'_> {
    async fn ask(&mut self, what: &str, call: impl AsyncFn(&Client, &str) -> Answer) {
        let from = self.log.text().len();
        let answer = call(&self.client, &self.attempt).await;
        self.seen.push((what.to_owned(), answer.status, statements(self.log, from)));
        let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        if let Some(attempt) = body["attempt"].as_str() {
            attempt.clone_into(&mut self.attempt);
        }
        self.app.mail().await;
    }

    async fn begin(&mut self, door: &'static str, body: Value) {
        self.ask(door, async |client, _| client.post(door, body.clone()).await).await;
    }

    async fn answer(&mut self, body: Value) {
        self.ask(&body.to_string(), async |client, at| client.answer(at, body.clone()).await).await;
    }

    async fn send(&mut self, body: Value) {
        self.ask("send", async |client, at| client.send(at, body.clone()).await).await;
    }
}

/// Everything that can be asked about an identifier without knowing a secret of it.
async fn all(app: &TestApp, log: &Log, name: Value) -> Vec<(String, u16, Vec<String>)> {
    let with = |more: Value| {
        let mut body = name.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let mut walk = Walk { app, client: app.client(), log, attempt: String::new(), seen: Vec::new() };
    for door in ["/v1/recovery", "/v1/signin"] {
        walk.begin(door, name.clone()).await;
        walk.answer(json!({ "passcode": "000000" })).await;
        app.pass(61 * SECOND);
        walk.send(json!({})).await;
        walk.send(json!({})).await;
        for _ in 0..5 {
            walk.answer(json!({ "passcode": "000000" })).await;
        }
        walk.ask("cancel", async |client, at| client.delete(&format!("/v1/attempts/{at}")).await).await;
    }
    for _ in 0..6 {
        walk.begin("/v1/signin", with(json!({ "password": OTHER }))).await;
    }
    walk.answer(json!({ "password": OTHER })).await;
    walk.send(json!({ "secret": "unlock_code" })).await;
    walk.answer(json!({ "unlock_code": "AAAABBBBCCCCD" })).await;
    walk.answer(json!({ "recovery_code": "AAAA-BBBB-CCCC-DDDD" })).await;
    app.pass(61 * MINUTE);
    walk.seen
}

#[tokio::test]
async fn nobody_costs_the_database_what_somebody_does() {
    let phone = "+12025550143";
    for app in TestApp::each(change).await {
        let client = app.client();
        let begun = client.signup(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
        client.passcode(&begun.attempt, app.code().await.code()).await.done();
        let begun = client.signup(json!({ "phone": phone })).await.asks();
        client.passcode(&begun.attempt, app.code().await.code()).await.done();
        let (log, _guard) = Log::listen(Level::TRACE);
        for (kind, somebody, nobodies) in [
            ("email", EMAIL, ["nobody@example.org", "noone@example.org"]),
            ("phone", phone, ["+12025550144", "+12025550145"]),
        ] {
            // What the first one fills is filled for all that follow.
            all(&app, &log, json!({ kind: nobodies[0] })).await;
            let nobody = all(&app, &log, json!({ kind: nobodies[1] })).await;
            let somebody = all(&app, &log, json!({ kind: somebody })).await;
            let silent: Vec<_> = nobody.iter().filter(|(_, _, statements)| statements.is_empty()).collect();
            assert!(silent.is_empty(), "{silent:?}");
            for (nobody, somebody) in nobody.iter().zip(&somebody) {
                assert_eq!(nobody, somebody, "{kind}, {}", app.database());
            }
        }
    }
}

/// Whoever asks again and again finds the same places read already: what is about one identifier stands beside each
/// other, whether somebody has it.
#[tokio::test]
async fn what_is_about_an_identifier_of_nobody_stands_together() {
    for app in TestApp::each(change).await {
        let (log, _guard) = Log::listen(Level::TRACE);
        for nobody in ["nobody@example.org", "noone@example.org"] {
            all(&app, &log, json!({ "email": nobody })).await;
            app.client().recovery(json!({ "email": nobody })).await.asks();
        }
        let rows = app.rows();
        let of_nobody = [
            rows.number("SELECT COUNT(*) FROM events WHERE user_id IS NULL").await,
            rows.number("SELECT COUNT(*) FROM attempts WHERE user_id IS NULL").await,
        ];
        assert!(of_nobody.iter().all(|rows| *rows > 2), "{of_nobody:?}");
        let places = [
            rows.number("SELECT COUNT(DISTINCT COALESCE(user_id, subject, id)) FROM events").await,
            rows.number("SELECT COUNT(DISTINCT COALESCE(user_id, subject, id)) FROM attempts").await,
        ];
        assert_eq!(places, [2, 2], "{}", app.database());
    }
}
