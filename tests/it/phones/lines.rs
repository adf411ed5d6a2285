//! What kind of line a number is decides where a number comes in, and nowhere else.

use multauth::base::Sensitive;
use multauth::base::clock::{DAY, MINUTE, SECOND};
use multauth::settings::{LineType, Mask, Settings, Span, Unknown};
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows};
use crate::support::client::Answer;
use crate::support::person::{CARD, PASSWORD};
use crate::support::vendor::{Does, Vendor};

const PHONE: &str = "+12124567890";

/// Twilio's answer for a line of that type, a word or null.
fn line(word: &Value) -> Does {
    let body = json!({ "valid": true, "line_type_intelligence": { "type": word, "error_code": null } });
    Does::Answers(200, body.to_string())
}

fn asked_at(vendor: &Vendor) -> impl Fn(&mut Settings) {
    let url = vendor.url.clone();
    move |settings| {
        settings.flows = flows(&[&["phone", "hardcode", "passcode"], &["username", "password"]]);
        settings.phone.line_types = vec![LineType::Mobile];
        let lookup = &mut settings.phone.lookup;
        (lookup.kind, lookup.url) = ("twilio".into(), url.clone());
        lookup.account_sid = format!("AC{}", "1".repeat(32));
        lookup.auth_token = Sensitive::new("token");
        lookup.timeout = Span(SECOND);
    }
}

fn faults(answer: Answer) -> Vec<(String, String)> {
    let body = answer.fails(400, "invalid_request").json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |fault: &Value| (text(&fault["field"]), text(&fault["code"]));
    body["errors"].as_array().unwrap().iter().map(of).collect()
}

fn fault(field: &str, code: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), code.to_owned())]
}

#[tokio::test]
async fn a_landline_is_refused_at_every_way_in() {
    let vendor = Vendor::start(line(&json!("landline"))).await;
    for app in TestApp::each(asked_at(&vendor)).await {
        let refused = app.client().signup(json!({ "phone": PHONE, "hardcode": CARD })).await;
        assert!(refused.text.contains("Landline phone numbers are not allowed."), "{refused:?}");
        assert_eq!(faults(refused), fault("phone", "line_type_not_allowed"));
        let seen = vendor.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        let first =
            "GET /v2/PhoneNumbers/+12124567890?Fields=line_type_intelligence HTTP/1.1 authorization: Basic ";
        assert!(seen[0].starts_with(first), "{seen:?}");
        let ada = app.named("ada").await;
        let added = ada.client.add(json!({ "kind": "phone", "phone": "+12124567891" })).await;
        assert_eq!(faults(added), fault("phone", "line_type_not_allowed"));
        let started = app.backend().await.post("/v1/verifications", json!({ "to": "+12124567892" })).await;
        assert_eq!(faults(started), fault("to", "line_type_not_allowed"));
        assert_eq!(vendor.seen().len(), 2);
        vendor.now(line(&json!("premium")));
        let premium = app.client().signup(json!({ "phone": "+12124567893", "hardcode": CARD })).await;
        assert_eq!(faults(premium), fault("phone", "not_texted"));
        TestApp::assert_silent(&app.mail().await);
        // A number that is refused anyway is not paid for.
        vendor.seen();
        app.client().signup(json!({ "phone": "+4915112345678", "hardcode": CARD })).await.is(400);
        assert_eq!(vendor.seen(), Vec::<String>::new());
        vendor.now(line(&json!("landline")));
    }
}

#[tokio::test]
async fn an_answer_is_kept_and_nobody_is_asked_at_sign_in() {
    let vendor = Vendor::start(line(&json!("mobile"))).await;
    for app in TestApp::each(asked_at(&vendor)).await {
        let body = json!({ "phone": PHONE, "hardcode": CARD });
        app.signup(body.clone()).await;
        assert_eq!(vendor.seen().len(), 1, "{}", app.database());
        vendor.now(line(&json!("landline")));
        app.pass(MINUTE);
        app.client().signin(body.clone()).await.asks();
        app.client().recovery(json!({ "phone": PHONE })).await.asks();
        // Taken or free, it is answered alike, and by what was kept.
        app.again().await.client().signup(body.clone()).await.asks();
        assert_eq!(vendor.seen(), Vec::<String>::new());
        let hashed = "SELECT COUNT(*) FROM lines WHERE number LIKE '%2124567%'";
        assert_eq!(app.rows().number(hashed).await, 0, "no number stands there");
        app.pass(30 * DAY);
        assert_eq!(faults(app.client().signup(body).await), fault("phone", "line_type_not_allowed"));
        assert_eq!(vendor.seen().len(), 1);
        vendor.now(line(&json!("mobile")));
    }
}

#[tokio::test]
async fn what_nobody_knows_is_taken_or_refused_as_the_operator_says() {
    let silent = [
        line(&Value::Null),
        line(&json!("submarine")),
        Does::Answers(500, String::new()),
        Does::Answers(401, "{}".into()),
        Does::Answers(200, "<html>".into()),
        Does::Hangs,
    ];
    let vendor = Vendor::start(Does::Hangs).await;
    for unknown in [Unknown::Allow, Unknown::Refuse] {
        let change = |settings: &mut Settings| {
            asked_at(&vendor)(settings);
            settings.phone.lookup.unknown = unknown;
        };
        let app = TestApp::new(change).await;
        for (n, does) in silent.iter().enumerate() {
            vendor.now(does.clone());
            let body = json!({ "phone": format!("+1212456789{n}"), "hardcode": CARD });
            let answer = app.client().signup(body).await;
            if unknown == Unknown::Allow {
                answer.asks();
            } else {
                assert_eq!(faults(answer), fault("phone", "line_type_unknown"), "{does:?}");
            }
            assert_eq!(vendor.seen().len(), 1, "{does:?}");
        }
    }
}

#[tokio::test]
async fn a_vendor_that_keeps_failing_is_left_alone() {
    let vendor = Vendor::start(Does::Answers(503, String::new())).await;
    let app = TestApp::new(asked_at(&vendor)).await;
    for n in 0..8 {
        let body = json!({ "phone": format!("+1212456789{n}"), "hardcode": CARD });
        app.client().signup(body).await.asks();
    }
    assert_eq!(vendor.seen().len(), 5);
    vendor.now(line(&json!("landline")));
    app.pass(30 * SECOND);
    let body = json!({ "phone": "+12124567899", "hardcode": CARD });
    assert_eq!(faults(app.client().signup(body).await), fault("phone", "line_type_not_allowed"));
}

/// The vendor is paid by the question: adjacent numbers are asked for ten times an hour, known or not.
#[tokio::test]
async fn questions_are_limited_by_block() {
    let vendor = Vendor::start(line(&json!("mobile"))).await;
    let app = TestApp::new(asked_at(&vendor)).await;
    for n in 0..10 {
        let body = json!({ "phone": format!("+1212456789{}", n % 5), "hardcode": CARD });
        app.client().signup(body).await.asks();
    }
    assert_eq!(vendor.seen().len(), 5);
    for n in [0, 7] {
        let body = json!({ "phone": format!("+1212456789{n}"), "hardcode": CARD });
        app.client().signup(body).await.fails(429, "too_many");
    }
    assert_eq!(vendor.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn a_number_is_shown_as_the_operator_likes_but_not_before_a_proof() {
    let shapes = [(Mask::Country, "+1 ••• ••• ••90"), (Mask::Last, "(•••) •••-7890"), (Mask::Off, PHONE)];
    for (mask, shown) in shapes {
        let change = |settings: &mut Settings| {
            settings.flows = flows(&[
                &["phone", "hardcode", "passcode"],
                &["username", "password", "passcode"],
                &["username", "passcode"],
            ]);
            settings.phone.mask = mask;
        };
        let app = TestApp::new(change).await;
        let body = json!({ "username": "ada", "phone": PHONE, "hardcode": CARD, "password": PASSWORD });
        let asked = app.client().signup(body.clone()).await.asks();
        assert_eq!(asked.ask[0]["to"], shown);
        app.mail().await;
        app.pass(MINUTE);
        app.signup(body).await;
        app.pass(MINUTE);
        let proven = app.client().signin(json!({ "username": "ada", "password": PASSWORD })).await.asks();
        assert_eq!(proven.ask[0]["to"], shown);
        app.mail().await;
        // Not the handle, which may end in anything.
        let told = app.client().signin(json!({ "username": "ada" })).await.json()["ask"].to_string();
        assert!(!told.contains("90\"") && !told.contains("7890"), "{told}");
    }
}

/// Numbers that strangers sign up with use up no question about neighbours that an account or a backend asks.
#[tokio::test]
async fn sign_ups_leave_questions_to_who_adds_a_number_and_who_asks_by_a_key() {
    let vendor = Vendor::start(line(&json!("mobile"))).await;
    for app in TestApp::each(asked_at(&vendor)).await {
        let signup = async |n: usize| {
            let body = json!({ "phone": format!("+1212456{}", 7000 + n), "hardcode": CARD });
            app.client().signup(body).await
        };
        for n in 0..10 {
            signup(n).await.asks();
        }
        signup(10).await.fails(429, "too_many");
        let ada = app.named("ada").await;
        ada.client.add(json!({ "kind": "phone", "phone": "+12124567891" })).await.is(201);
        app.backend().await.post("/v1/verifications", json!({ "to": "+12124567892" })).await.is(201);
    }
}

/// Strangers who sign up, and accounts that add numbers, use nothing up of what backends ask.
#[tokio::test]
async fn strangers_leave_backends_their_questions() {
    let vendor = Vendor::start(line(&json!("mobile"))).await;
    let change = |settings: &mut Settings| {
        asked_at(&vendor)(settings);
        settings.throttle.insert("lookup".into(), "5/h/all".into());
    };
    for app in TestApp::each(change).await {
        let ada = app.named("ada").await;
        let asks = async |n: usize| {
            let body = json!({ "phone": format!("+1212456{n}000"), "hardcode": CARD });
            app.client().signup(body).await.status
        };
        assert_eq!([asks(1).await, asks(2).await, asks(3).await, asks(4).await, asks(5).await], [200; 5]);
        assert_eq!(asks(6).await, 429, "{}", app.database());
        app.mail().await;
        ada.client.add(json!({ "kind": "phone", "phone": "+12124567891" })).await.fails(429, "too_many");
        app.backend().await.post("/v1/verifications", json!({ "to": "+12124567892" })).await.is(201);
    }
}
