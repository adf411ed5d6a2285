//! What attempts offer: less than there is, and never anything weaker.

use multauth::settings::Settings;
use serde_json::{Value, json};

use super::{allow, ask, questions, refuse, says, thinks};
use crate::support::app::{TestApp, flows};
use crate::support::person::{PASSWORD, Person};
use crate::support::token::totp;
use crate::support::vendor::{Does, Vendor};

const PHONE: &str = "+12124567890";
const EMAIL: &str = "ada@example.com";

async fn with(does: Does, change: impl Fn(&mut Settings)) -> (TestApp, Vendor) {
    let vendor = Vendor::start(does).await;
    let app = TestApp::new(|settings| {
        change(settings);
        ask(settings, "ways", &vendor);
    })
    .await;
    (app, vendor)
}

fn optional(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"], &["username", "password", "passcode"]]);
}

fn by_email(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "passcode:email"], &["email", "password"]]);
}

fn without(channels: &[&str], flows: &[&str]) -> Value {
    json!({ "decision": "allow", "without_channels": channels, "without_flows": flows })
}

/// Takes that away once it is said who signs in.
fn from_known(answer: Value) -> Does {
    thinks(move |data| if data["user"].is_null() { allow() } else { answer.clone() })
}

fn ada() -> Value {
    json!({ "username": "ada", "password": PASSWORD })
}

/// What a stranger sees when they sign in by an address, and what the hook was asked.
async fn knock(app: &TestApp, vendor: &Vendor, email: &str) -> (u16, Value, Value) {
    questions(vendor);
    let answer = app.client().signin(json!({ "email": email })).await;
    let mut body = answer.json();
    body["attempt"] = json!("…");
    let mut question = questions(vendor).remove(0)["data"].clone();
    for part in ["identifiers", "network"] {
        question[part] = json!("…");
    }
    let shown = serde_json::to_string(&body).unwrap().replace(email, "…");
    (answer.status, serde_json::from_str(&shown).unwrap(), question)
}

#[tokio::test]
async fn a_flow_is_taken_away_before_proof_alike_for_known_and_unknown() {
    let (app, vendor) = with(says(allow()), by_email).await;
    app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
    vendor.now(says(without(&[], &["email+passcode:email", "email+nonsense"])));
    let known = knock(&app, &vendor, EMAIL).await;
    let unknown = knock(&app, &vendor, "bob@example.com").await;
    assert_eq!(known, unknown);
    assert_eq!(known.1["ask"][0]["secret"], "password");
    assert_eq!((&known.2["user"], &known.2["purpose"]), (&Value::Null, &json!("signin")));
    assert_eq!(known.2["flows"], json!(["email+passcode:email", "email+password"]));
    TestApp::assert_silent(&app.mail().await);
}

#[tokio::test]
async fn a_channel_is_taken_away_before_proof_alike_for_known_and_unknown() {
    let (app, vendor) = with(says(allow()), by_email).await;
    app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
    vendor.now(says(without(&["email"], &[])));
    let known = knock(&app, &vendor, EMAIL).await;
    assert_eq!(known, knock(&app, &vendor, "bob@example.com").await);
    let secrets: Vec<_> = known.1["ask"].as_array().unwrap().iter().map(|entry| &entry["secret"]).collect();
    assert_eq!(secrets, ["password"]);
}

#[tokio::test]
async fn where_nothing_is_left_there_is_no_flow_for_known_and_unknown() {
    let all = ["email+passcode:email", "email+password"];
    let (app, vendor) = with(says(allow()), by_email).await;
    app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
    for answer in [without(&[], &all), without(&["email"], &all[1..])] {
        vendor.now(says(answer));
        for email in [EMAIL, "bob@example.com"] {
            app.client().signin(json!({ "email": email })).await.fails(403, "no_flow");
        }
    }
    vendor.now(says(refuse()));
    for email in [EMAIL, "bob@example.com"] {
        app.client().signin(json!({ "email": email })).await.fails(403, "refused");
    }
    TestApp::assert_silent(&app.mail().await);
}

async fn with_two_factors(does: Does) -> (TestApp, Vendor, String) {
    let (app, vendor) = with(says(allow()), optional).await;
    let mut person = app.named("ada").await;
    person.add(&app, "phone", PHONE).await;
    let person = again(&app, &mut person).await;
    let (_, seed) = person.enrol(&app).await;
    vendor.now(does);
    questions(&vendor);
    (app, vendor, seed)
}

/// Signed in anew by both factors, so that more can be added.
async fn again(app: &TestApp, person: &mut Person) -> Person {
    let asked = person.client.signin(ada()).await.asks();
    let code = app.code().await;
    let done = person.client.passcode(&asked.attempt, code.code()).await.done();
    Person::with(&person.client, done)
}

#[tokio::test]
async fn a_channel_is_taken_away_once_the_user_is_known_and_stays_so_for_the_attempt() {
    let (app, vendor, seed) = with_two_factors(from_known(without(&["sms", "call", "whatsapp"], &[]))).await;
    let client = app.client();
    let asked = client.signin(ada()).await.asks();
    let channels: Vec<_> = asked.ask.iter().map(|entry| entry["channel"].as_str().unwrap()).collect();
    assert_eq!(channels, ["authenticator"]);
    let users: Vec<_> = questions(&vendor).iter().map(|q| q["data"]["user"].is_string()).collect();
    assert_eq!(users, [false, true]);
    vendor.now(says(allow()));
    client.send(&asked.attempt, json!({ "channel": "sms" })).await.fails(404, "not_found");
    assert!(questions(&vendor).is_empty(), "its answer holds for the attempt");
    TestApp::assert_silent(&app.mail().await);
    client.passcode(&asked.attempt, &totp(&seed, app.clock.now())).await.done();
}

#[tokio::test]
async fn no_way_that_is_taken_away_lets_anybody_in_by_a_weaker_one() {
    let strong = without(&[], &["username+password+passcode"]);
    for answer in [strong, without(&["sms", "call", "whatsapp", "authenticator"], &[])] {
        for does in [from_known(answer.clone()), says(answer.clone())] {
            let (app, vendor, _) = with_two_factors(does).await;
            app.client().signin(ada()).await.fails(403, "no_flow");
            vendor.now(says(allow()));
            let bob = app.named("bob").await;
            vendor.now(says(answer.clone()));
            let signin = json!({ "username": "bob", "password": PASSWORD });
            app.client().signin(signin).await.done();
            drop(bob);
        }
    }
}

#[tokio::test]
async fn a_refusal_after_the_first_secret_cannot_be_walked_around() {
    let (app, vendor, seed) = with_two_factors(from_known(refuse())).await;
    let client = app.client();
    client.signin(ada()).await.fails(403, "refused");
    vendor.now(says(allow()));
    let asked = client.signin(ada()).await.asks();
    client.passcode(&asked.attempt, &totp(&seed, app.clock.now())).await.done();
}

#[tokio::test]
async fn a_code_that_was_right_is_no_way_around_a_refusal() {
    let (app, vendor) =
        with(says(allow()), |settings| settings.flows = flows(&[&["email", "passcode"]])).await;
    app.signup(json!({ "email": EMAIL })).await;
    vendor.now(from_known(refuse()));
    let client = app.client();
    let asked = client.signin(json!({ "email": EMAIL })).await.asks();
    let code = app.code().await;
    for _ in 0..2 {
        client.passcode(&asked.attempt, code.code()).await.fails(403, "refused");
    }
    client.send(&asked.attempt, json!({})).await.fails(403, "refused");
    vendor.now(says(allow()));
    client.passcode(&asked.attempt, code.code()).await.done();
}

#[tokio::test]
async fn the_code_of_a_sign_up_comes_by_the_channels_that_are_left() {
    let both =
        |settings: &mut Settings| settings.flows = flows(&[&["email", "passcode"], &["phone", "passcode"]]);
    let (app, vendor) = with(says(without(&["email"], &[])), both).await;
    let client = app.client();
    let asked = client.signup(json!({ "email": EMAIL, "phone": PHONE })).await.asks();
    assert_eq!(app.code().await.to, PHONE);
    let devices: Vec<_> = asked.ask.iter().map(|entry| &entry["device"]).collect();
    assert_eq!(devices, ["phone"]);
    app.pass(60_000);
    client.send(&asked.attempt, json!({ "channel": "email" })).await.fails(404, "not_found");
    client.signup(json!({ "email": EMAIL })).await.fails(403, "no_flow");
    let data = questions(&vendor).remove(0)["data"].clone();
    assert_eq!((&data["purpose"], data["identifiers"].as_array().unwrap().len()), (&json!("signup"), 2));
    TestApp::assert_silent(&app.mail().await);
}

#[tokio::test]
async fn a_reauthentication_asks_with_the_user_from_the_beginning() {
    let (app, vendor) = with(says(allow()), optional).await;
    let ada = app.named("ada").await;
    questions(&vendor);
    ada.client.reauth(json!({ "password": PASSWORD })).await.done();
    let asked = questions(&vendor);
    let seen: Vec<_> = asked.iter().map(|q| (&q["data"]["purpose"], &q["data"]["user"])).collect();
    assert_eq!(seen, [(&json!("reauth"), &json!(ada.done.user))]);
}
