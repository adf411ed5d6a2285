//! Each line that is written while a request is served says which request it is of, at which route, and whose.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use multauth::settings::{Settings, WhenDown};
use serde_json::{Value, json};

use crate::hooks::{ask, quick};
use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::{Answer, Client};
use crate::support::log::Log;
use crate::support::person::PASSWORD;
use crate::support::vendor::carrier;
use crate::support::vendor::{Does, Vendor};

/// What the span around a line says.
fn said<'a>(line: &'a Value, name: &str) -> &'a str {
    line["span"][name].as_str().unwrap_or_default()
}

fn id(answer: &Answer) -> String {
    answer.header("x-request-id").unwrap().to_owned()
}

fn with_passwords(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"]]);
    unlimited(settings, &["signup", "signin", "me", "token"]);
}

/// The house's own lines among those that were written since.
fn lines(log: &Log) -> Vec<Value> {
    let all: Vec<Value> = log.take().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    all.into_iter().filter(|line| line["target"].as_str().unwrap().starts_with("multauth")).collect()
}

#[tokio::test]
async fn a_failure_says_whose_request_it_was() {
    let app = TestApp::new(with_passwords).await;
    let (log, _guard) = Log::of_machines("info");
    app.rows().execute("ALTER TABLE attempts RENAME TO elsewhere").await;
    let failed = app.client().signin(json!({ "username": "ada-l" })).await.fails(503, "busy");
    let lines = lines(&log);
    let line = lines.iter().find(|line| line["level"] == "ERROR").unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!(line["message"], "the database failed");
    assert_eq!((said(line, "request"), said(line, "route")), (id(&failed).as_str(), "/v1/signin"));
    assert!(line["span"].get("user").is_none(), "nobody has shown who they are");
}

#[tokio::test]
async fn of_many_requests_at_once_each_line_is_of_its_own() {
    let vendor = Vendor::start(Does::Answers(500, String::new())).await;
    let app = TestApp::new(|settings| {
        with_passwords(settings);
        quick(ask(settings, "before_signup", &vendor), WhenDown::Refuse);
    })
    .await;
    let (log, _guard) = Log::of_machines("debug");
    let clients: Vec<Client> = (0..16).map(|_| app.client()).collect();
    let calls = clients.iter().enumerate().map(|(n, client)| async move {
        let body = json!({ "username": format!("ada{n}"), "password": PASSWORD });
        if n % 2 == 0 { client.signup(body).await } else { client.signin(body).await }
    });
    let answers = futures_util::future::join_all(calls).await;
    let lines = lines(&log);
    assert!(lines.iter().any(|line| line["message"] == "a hook gave no answer"), "{lines:?}");
    assert!(lines.iter().filter(|line| line["message"] == "request").count() == 16);
    let statuses: BTreeMap<String, u16> = answers.iter().map(|answer| (id(answer), answer.status)).collect();
    assert_eq!(statuses.len(), 16);
    for line in &lines {
        let status = statuses.get(said(line, "request")).unwrap_or_else(|| panic!("{line}"));
        let route = if *status == 403 { "/v1/signup" } else { "/v1/signin" };
        assert_eq!(said(line, "route"), route, "{line}");
        if line["message"] == "request" {
            let itself = (&line["request"], &line["route"], &line["status"]);
            assert_eq!(itself, (&line["span"]["request"], &line["span"]["route"], &json!(status)));
        }
    }
}

#[tokio::test]
async fn a_line_has_the_user_once_they_have_shown_who_they_are() {
    let app = TestApp::new(with_passwords).await;
    let (log, _guard) = Log::of_machines("info");
    // Whose a request was when it ended.
    let whose = |answer: Answer| {
        let lines = lines(&log);
        let last = lines.iter().rfind(|line| said(line, "request") == id(&answer)).unwrap();
        assert_eq!(last["message"], "request");
        said(last, "user").to_owned()
    };
    let client = app.client();
    let password = json!({ "username": "ada", "password": PASSWORD });
    let signed_up = client.signup(password.clone()).await;
    let ada = signed_up.done();
    assert_eq!(whose(signed_up), ada.user);
    assert_eq!(whose(client.signin(password).await.is(200)), ada.user);
    assert_eq!(whose(client.refresh(&ada.refresh).await.is(200)), ada.user);
    assert_eq!(whose(client.bearing(&ada.access).get("/v1/me").await.is(200)), ada.user);
    for name in ["ada", "bob"] {
        let guess = json!({ "username": name, "password": "guessed wrongly 11" });
        assert_eq!(whose(client.signin(guess).await.wrong()), "", "{name}: nothing was shown");
    }
    assert_eq!(whose(client.bearing("nobody's").get("/v1/me").await.is(401)), "");
}

/// Has the messages delivered, one to that address among them: what the outbox says is of no request.
async fn deliver(app: &TestApp, log: &Log, to: &str) {
    let mail = app.mail().await;
    assert!(to.is_empty() || mail.iter().any(|mail| mail.to == to), "{mail:?}");
    for line in lines(log) {
        assert!(line.get("span").is_none() || line.get("times").is_some(), "{line}");
    }
}

/// Sees that each line since the last look is of the request that was answered so, or was held back of one `before`; gives
/// how many there are.
fn look(log: &Log, answer: &Answer, route: &str, before: &mut BTreeMap<String, String>) -> usize {
    let lines = lines(log);
    assert!(lines.iter().any(|line| line["message"] == "request"), "{lines:?}");
    before.insert(id(answer), route.to_owned());
    for line in &lines {
        let request = said(line, "request");
        assert_eq!(before.get(request).map(String::as_str), Some(said(line, "route")), "{line}");
        assert!(request == id(answer) || line.get("times").is_some(), "{line}");
    }
    lines.len()
}

#[tokio::test]
async fn no_line_of_a_request_is_without_its_id_and_route() {
    let down = || Does::Answers(500, String::new());
    let (hook, mailer) = (Vendor::start(down()).await, Vendor::start(down()).await);
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["username", "password"]]);
        settings.email.providers.insert(0, carrier("one", &mailer, ""));
        quick(ask(settings, "before_signup", &hook), WhenDown::Allow);
        quick(ask(settings, "before_tokens", &hook), WhenDown::Allow);
    })
    .await;
    let (log, _guard) = Log::of_machines("trace");
    let client = app.client();
    let (beside, before) = (Cell::new(0), RefCell::default());
    let seen = |answer: Answer, route: &str| {
        beside.set(beside.get() + look(&log, &answer, route, &mut before.borrow_mut()) - 1);
        answer
    };
    let password = json!({ "username": "ada", "password": PASSWORD });
    let ada = seen(client.signup(password.clone()).await, "/v1/signup").done();
    seen(client.signin(password.clone()).await, "/v1/signin").done();
    seen(client.refresh(&ada.refresh).await, "/v1/token").is(200);
    let inside = client.bearing(&ada.access);
    let added = inside.add(json!({ "kind": "email", "email": "ada@example.org" })).await;
    let added = seen(added, "/v1/me/devices").is(201).json();
    deliver(&app, &log, "ada@example.org").await;
    let device = added["id"].as_str().unwrap();
    seen(inside.confirm(device, "000000").await, "/v1/me/devices/{id}/confirm").wrong();
    for path in
        ["/v1/me", "/v1/me/devices", "/v1/me/sessions", "/v1/flows", "/readyz", "/openapi.json", "/docs"]
    {
        seen(inside.get(path).await, path).is(200);
    }
    seen(client.raw("POST", "/v1/signin", Some("no JSON")).await, "/v1/signin").is(400);
    seen(client.get("/confirm/a-key-that-is-none").await, "/confirm/{key}");
    seen(client.get("/v1/attempts/at_1/nowhere").await, "other").is(404);
    seen(client.recovery(json!({ "username": "ada" })).await, "/v1/recovery");
    deliver(&app, &log, "").await;
    let refused = async || {
        for _ in 0..30 {
            let answer = seen(client.signin(password.clone()).await, "/v1/signin");
            if answer.status != 200 {
                return answer;
            }
        }
        panic!("the limit is never full")
    };
    refused().await.fails(429, "too_many");
    assert!(beside.get() > 20, "lines beside the last one of each request: {}", beside.get());
}
