//! A code is good for one purpose, one attempt and one device; a token for one door (R5, R13).

use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::{Answer, Client};
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::support::token::totp;

/// Bounds high enough for a whole matrix of wrong codes at one account.
fn patient(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password", "passcode"]]);
    (settings.passcode.attempts, settings.verification.attempts) = (20, 20);
    (settings.guesses.per_day, settings.guesses.per_month, settings.guesses.free) = (1_000, 1_000, 100);
    unlimited(settings, &["failures", "attempt", "check", "send", "signin", "confirm"]);
}

/// A code that waits to be typed: by whom, where, and what it is.
struct Waiting {
    purpose: &'static str,
    client: Client,
    path: String,
    handle: String,
    code: String,
    key: String,
}

impl Waiting {
    async fn take(&self, code: &str) -> Answer {
        self.client.post(&self.path, json!({ "passcode": code })).await
    }
}

async fn waiting(app: &TestApp, purpose: &'static str, client: Client, path: String) -> Waiting {
    let code = app.code().await;
    assert_eq!(code.kind.name(), format!("{purpose}_code"));
    let handle = path.split('/').find(|part| part.contains('_')).unwrap_or_default().to_owned();
    let (key, code) = (code.key().to_owned(), code.code().to_owned());
    Waiting { purpose, client, path, handle, code, key }
}

fn attempt(answer: &Answer) -> String {
    format!("/v1/attempts/{}", answer.asks().attempt)
}

/// One live code of every purpose, all by email, those of an account at one account.
async fn one_of_each(app: &TestApp) -> Vec<Waiting> {
    let maria = json!({ "email": "maria@example.org", "password": PASSWORD });
    let Person { client: owner, .. } = app.signup(maria.clone()).await;
    let anybody = app.client();
    let signin = attempt(&anybody.signin(maria).await);
    let mut all = vec![waiting(app, "signin", anybody.clone(), signin).await];
    let signup = attempt(&anybody.signup(json!({ "email": "new@example.org", "password": PASSWORD })).await);
    all.push(waiting(app, "signup", anybody.clone(), signup).await);
    let recovery = attempt(&anybody.recovery(json!({ "email": "maria@example.org" })).await);
    all.push(waiting(app, "recovery", anybody, recovery).await);
    let reauth = attempt(&owner.reauth(json!({ "password": PASSWORD })).await);
    all.push(waiting(app, "reauth", owner.clone(), reauth).await);
    let backend = app.backend().await;
    let started = backend.post("/v1/verifications", json!({ "to": "maria@example.org" })).await.is(201);
    let check = format!("/v1/verifications/{}/check", started.json()["verification"].as_str().unwrap());
    all.push(waiting(app, "verification", backend, check).await);
    let added = owner.add(json!({ "kind": "email", "email": "second@example.org" })).await.is(201);
    let confirm = format!("/v1/me/devices/{}/confirm", added.json()["id"].as_str().unwrap());
    all.push(waiting(app, "device", owner, confirm).await);
    all
}

#[tokio::test]
async fn a_code_passes_for_its_own_purpose_alone() {
    for app in TestApp::each(patient).await {
        let all = one_of_each(&app).await;
        assert_eq!(all.len(), 6);
        for place in &all {
            for other in all.iter().filter(|other| other.purpose != place.purpose) {
                place.take(&other.code).await.wrong();
            }
        }
        for place in &all {
            place.take(&place.code).await.is(200);
        }
    }
}

#[tokio::test]
async fn a_link_moves_no_attempt_but_its_own() {
    let app = TestApp::new(patient).await;
    let all = one_of_each(&app).await;
    let attempts: Vec<&Waiting> = all.iter().filter(|w| w.handle.starts_with("at_")).collect();
    assert_eq!(attempts.len(), 4);
    for link in &attempts {
        for place in attempts.iter().filter(|place| place.purpose != link.purpose) {
            let body = json!({ "key": link.key, "attempt": place.handle });
            let answer = app.client().post("/v1/confirm", body).await.is(200).json();
            assert_eq!((&answer["confirmed"], &answer["attempt"]), (&json!(false), &Value::Null));
            // Elsewhere the code to type is shown; that of a recovery, before which nothing was proven, is typed there.
            let leads_on = link.purpose == "recovery";
            let code = if leads_on { Value::Null } else { json!(link.code) };
            assert_eq!(answer["code"], code, "{}", link.purpose);
        }
    }
    for link in attempts {
        let body = json!({ "key": link.key, "attempt": link.handle });
        let answer = link.client.post("/v1/confirm", body).await.is(200).json();
        assert_eq!((&answer["confirmed"], &answer["purpose"]), (&json!(true), &json!(link.purpose)));
    }
}

#[tokio::test]
async fn a_code_works_only_in_the_browser_that_asked_for_it() {
    for app in TestApp::each(patient).await {
        let maria = json!({ "email": "maria@example.org", "password": PASSWORD });
        app.signup(maria.clone()).await;
        let (one, other) = (app.client(), app.client());
        let first = one.signin(maria.clone()).await.asks();
        let code = app.code().await;
        let second = other.signin(maria.clone()).await.asks();
        let own = app.code().await;
        let refused = other.passcode(&second.attempt, code.code()).await.wrong();
        assert_eq!(refused.json()["attempts_left"], 19, "it counts as a failure");
        other.passcode(&second.attempt, own.code()).await.done();
        one.passcode(&first.attempt, code.code()).await.done();
    }
}

/// Something that a client carries, and where alone it is good.
struct Token {
    kind: &'static str,
    text: String,
}

async fn tokens(app: &TestApp) -> Vec<Token> {
    let maria = json!({ "email": "maria@example.org", "password": PASSWORD });
    let Person { done, .. } = app.signup(maria.clone()).await;
    let asked = app.client().signin(maria).await.asks();
    let key = app.code().await.key().to_owned();
    let (_, api_key) =
        multauth::auth::operator::api_keys::make(&app.app, "x", &["verify".into(), "introspect".into()])
            .await
            .unwrap();
    let backend = app.client().bearing(api_key.expose());
    let start = async || {
        let to = json!({ "to": "maria@example.org" });
        let started = backend.post("/v1/verifications", to).await.is(201).json();
        (started["verification"].as_str().unwrap().to_owned(), app.code().await)
    };
    let (passed, code) = start().await;
    let path = format!("/v1/verifications/{passed}/check");
    let proof = backend.post(&path, json!({ "passcode": code.code() })).await.is(200).json();
    let (verification, _) = start().await;
    let token = |kind, text: &str| Token { kind, text: text.to_owned() };
    vec![
        token("access", &done.access),
        token("refresh", &done.refresh),
        token("attempt", &asked.attempt),
        token("verification", &verification),
        token("api key", api_key.expose()),
        token("link", &key),
        token("known device", &done.known_device.unwrap()),
        token("proof", proof["proof"].as_str().unwrap()),
    ]
}

/// Whether a door takes a token for what it wants.
async fn taken(app: &TestApp, door: &str, text: &str, api_key: &str) -> bool {
    let client = app.client();
    let answer = match door {
        "access" => client.bearing(text).get("/v1/me").await,
        "refresh" => client.refresh(text).await,
        "attempt" => client.send(text, json!({})).await,
        "verification" => {
            let path = format!("/v1/verifications/{text}/check");
            client.bearing(api_key).post(&path, json!({ "passcode": "000000" })).await
        }
        "api key" => client.bearing(text).post("/v1/introspect", json!({ "token": "x" })).await,
        _ => client.post("/v1/confirm", json!({ "key": text })).await,
    };
    assert!(answer.status < 500, "{answer:?}");
    let refused = ["invalid_token", "attempt_gone", "not_found", "link_dead", "invalid_request"];
    let json = answer.json();
    !refused.contains(&json["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_token_opens_its_own_door_alone() {
    let app = TestApp::new(patient).await;
    let all = tokens(&app).await;
    let api_key = all.iter().find(|token| token.kind == "api key").unwrap().text.clone();
    for door in ["access", "attempt", "verification", "api key", "link", "refresh"] {
        for token in &all {
            let open = taken(&app, door, &token.text, &api_key).await;
            assert_eq!(open, door == token.kind, "{} at the door for {door}", token.kind);
        }
    }
}

/// Somebody with an email address, a phone and an authenticator, and a username to come by.
async fn equipped(app: &TestApp) -> String {
    let ada = app.named("ada").await;
    // In one go: later each would take a proof by the one before.
    let phone = ada.client.add(json!({ "kind": "phone", "phone": "+12124567890" })).await.is(201).json();
    let by_phone = app.code().await;
    let email = ada.client.add(json!({ "kind": "email", "email": "ada@example.org" })).await.is(201).json();
    let by_email = app.code().await;
    let seed = ada.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
    let confirm = async |device: &Value, code: &str| {
        ada.client.confirm(device["id"].as_str().unwrap(), code).await.is(200);
    };
    let text = seed["secret"].as_str().unwrap().to_owned();
    ada.client.confirm(email["id"].as_str().unwrap(), by_phone.code()).await.wrong();
    ada.client.confirm(phone["id"].as_str().unwrap(), by_email.code()).await.wrong();
    ada.client.confirm(seed["id"].as_str().unwrap(), by_email.code()).await.wrong();
    ada.client.confirm(phone["id"].as_str().unwrap(), &totp(&text, app.clock.now())).await.wrong();
    confirm(&phone, by_phone.code()).await;
    confirm(&email, by_email.code()).await;
    confirm(&seed, &totp(&text, app.clock.now())).await;
    app.pass(60_000);
    app.mail().await;
    text
}

#[tokio::test]
async fn a_code_of_one_device_never_passes_for_another() {
    for app in TestApp::each(|settings| {
        patient(settings);
        let narrowed: [&[&str]; 3] = [
            &["username", "password", "passcode:email"],
            &["username", "password", "passcode:phone"],
            &["username", "password", "passcode:authenticator"],
        ];
        settings.flows = flows(&[&[&["username", "password"][..]], &narrowed[..]].concat());
    })
    .await
    {
        let seed = equipped(&app).await;
        let client = app.client();
        let channels = ["email", "sms", "authenticator"];
        for wanted in channels {
            let asked = client.signin(json!({ "username": "ada", "password": PASSWORD })).await.asks();
            assert_eq!(asked.secrets().len(), 3);
            TestApp::assert_silent(&app.mail().await);
            let mut codes = Vec::new();
            for channel in ["email", "sms"] {
                client.send(&asked.attempt, json!({ "channel": channel })).await.is(200);
                codes.push(app.code().await.code().to_owned());
            }
            codes.push(totp(&seed, app.clock.now()));
            let answer = async |device: &str, code: &str| {
                let body = json!({ "passcode": code, "device": asked.device(device) });
                client.answer(&asked.attempt, body).await
            };
            for (n, place) in channels.iter().enumerate() {
                for (_, code) in codes.iter().enumerate().filter(|(m, _)| *m != n) {
                    answer(place, code).await.wrong();
                }
            }
            let n = channels.iter().position(|channel| *channel == wanted).unwrap();
            answer(wanted, &codes[n]).await.done();
            app.pass(60_000);
        }
    }
}

#[tokio::test]
async fn a_narrowed_passcode_is_carried_by_its_kind_alone() {
    let app = TestApp::new(|settings| {
        patient(settings);
        settings.flows = flows(&[&["username", "password"], &["username", "password", "passcode:phone"]]);
    })
    .await;
    let signup = json!({ "username": "ada", "phone": "+12124567890", "password": OTHER });
    let ada = app.signup(signup).await;
    ada.add(&app, "email", "ada@example.org").await;
    let client = app.client();
    let asked = client.signin(json!({ "username": "ada", "password": OTHER })).await.asks();
    let code = app.code().await;
    assert_eq!((asked.ask.len(), code.to.as_str()), (1, "+12124567890"));
    client.send(&asked.attempt, json!({ "channel": "email" })).await.fails(404, "not_found");
    client.passcode(&asked.attempt, code.code()).await.done();
}
