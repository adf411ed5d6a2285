//! What a session is worth: what was shown, weighed by what the account has, and never more (R11, R14).

use multauth::base::clock::{DAY, MINUTE, SECOND};
use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::{Asked, Client, Done};
use crate::support::person::{CARD, OTHER, PASSWORD, Person, path};
use crate::support::token::claims;
use crate::support::vendor::{Does, Vendor, carrier};

const EMAIL: &str = "ada@example.org";
const PHONE: &str = "+12124567890";
const NEW_CARD: &str = "2001-2002-2003";

fn free(settings: &mut Settings) {
    unlimited(settings, &["signin", "send", "attempt", "devices", "reauth", "recovery"]);
}

/// Goes on by the code that comes there, whatever is asked beside it.
async fn goes_on(app: &TestApp, client: &Client, asked: &Asked, to: &str) -> Done {
    let mut mail = app.mail().await;
    if mail.iter().all(|mail| mail.to != to) {
        let device = asked.device(if to == EMAIL { "email" } else { "sms" });
        client.send(&asked.attempt, json!({ "device": device })).await.is(200);
        mail = app.mail().await;
    }
    let code = mail.into_iter().find(|mail| mail.to == to).unwrap();
    client.passcode(&asked.attempt, code.code()).await.done()
}

/// Signs in by that and the code that comes there.
async fn by_code(app: &TestApp, client: &Client, first: Value, to: &str) -> Person {
    app.pass(61 * SECOND);
    app.mail().await;
    let asked = client.signin(first).await.asks();
    Person::with(client, goes_on(app, client, &asked, to).await)
}

/// The level of a session's token, without the prefix, and its methods.
async fn worth(app: &TestApp, access: &str) -> (String, Value) {
    let claims = claims(app, access).await;
    let level = claims["acr"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    (level, claims["amr"].clone())
}

/// Recovers the account by that address alone, and sets whatever is asked.
async fn recovers(app: &TestApp, kind: &str, address: &str) -> Vec<String> {
    app.pass(61 * SECOND);
    app.mail().await;
    let client = app.client();
    let asked = client.recovery(json!({ kind: address })).await.asks();
    let asked = client.passcode(&asked.attempt, app.code().await.code()).await.asks();
    let new = |secret: &str| if secret == "hardcode" { NEW_CARD } else { OTHER };
    let body: Value = asked.secrets().iter().map(|s| ((*s).to_owned(), Value::from(new(s)))).collect();
    client.answer(&asked.attempt, body).await.done();
    asked.secrets().iter().map(|secret| (*secret).to_owned()).collect()
}

#[tokio::test]
async fn a_lesser_re_authentication_leaves_the_session_as_it_is() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "password", "passcode:phone"], &["email", "passcode:email"]]);
        free(settings);
    };
    for app in TestApp::each(list).await {
        let given = json!({ "email": EMAIL, "phone": PHONE, "password": PASSWORD });
        app.signup(given).await.confirm_all(&app).await;
        let first = json!({ "email": EMAIL, "password": PASSWORD });
        let ada = by_code(&app, &app.client(), first, PHONE).await;
        let before = claims(&app, &ada.done.access).await;
        assert_eq!(before["acr"], "urn:multauth:acr:multifactor");
        let reauth = async |token: &str, body: Value, to: &str| {
            app.pass(6 * MINUTE);
            app.mail().await;
            let client = ada.client.bearing(token);
            let asked = client.reauth(body).await.asks();
            goes_on(&app, &client, &asked, to).await.access
        };
        let lesser = reauth(&ada.done.access, json!({ "flow": "email+passcode:email" }), EMAIL).await;
        let after = claims(&app, &lesser).await;
        for claim in ["sid", "acr", "amr", "auth_time"] {
            assert_eq!(after[claim], before[claim], "{claim} {}", app.database());
        }
        let refreshed = ada.client.refresh(&ada.done.refresh).await.is(200).json();
        let refreshed = claims(&app, refreshed["access_token"].as_str().unwrap()).await;
        assert_eq!((&refreshed["acr"], &refreshed["auth_time"]), (&before["acr"], &before["auth_time"]));
        let other = json!({ "kind": "email", "email": "second@example.org" });
        ada.client.bearing(&lesser).add(other.clone()).await.fails(403, "reauth_required");
        // One that is as much makes it newer.
        let again = reauth(&lesser, json!({ "password": PASSWORD }), PHONE).await;
        let raised = claims(&app, &again).await;
        assert_eq!((&raised["acr"], &raised["amr"]), (&before["acr"], &before["amr"]));
        assert_eq!(raised["auth_time"], json!(app.clock.now() / SECOND));
        ada.client.bearing(&again).add(other).await.is(201);
    }
}

/// Narrowed flows let the phone in by itself, whatever a recovery set: what that is worth is seen in the token.
fn narrowed(settings: &mut Settings) {
    settings.flows = flows(&[
        &["phone", "password", "passcode:phone"],
        &["phone", "hardcode", "passcode:phone"],
        &["email", "password", "passcode:email"],
    ]);
    free(settings);
}

async fn by_phone(app: &TestApp, secret: &str, value: &str) -> (String, Value) {
    let first = json!({ "phone": PHONE, secret: value });
    worth(app, &by_code(app, &app.client(), first, PHONE).await.done.access).await
}

#[tokio::test]
async fn a_password_that_one_device_recovered_raises_no_level_until_another_was_shown() {
    for app in TestApp::each(narrowed).await {
        let given = json!({ "email": EMAIL, "phone": PHONE, "password": PASSWORD });
        app.signup(given).await.confirm_all(&app).await;
        let full = ("multifactor".to_owned(), json!(["pwd", "otp", "sms", "mfa"]));
        assert_eq!(by_phone(&app, "password", PASSWORD).await, full);
        app.pass(DAY);
        assert_eq!(recovers(&app, "phone", PHONE).await, ["new_password"]);
        for _ in 0..2 {
            let (level, methods) = by_phone(&app, "password", OTHER).await;
            assert_eq!(level, "single", "{}", app.database());
            assert!(!methods.as_array().unwrap().contains(&json!("mfa")), "{methods}");
        }
        let by_mail = json!({ "email": EMAIL, "password": OTHER });
        let shown = by_code(&app, &app.client(), by_mail, EMAIL).await;
        assert_eq!(worth(&app, &shown.done.access).await.0, "twostep");
        assert_eq!(by_phone(&app, "password", OTHER).await, full);
    }
}

/// Beside no other device it is as good as any.
#[tokio::test]
async fn a_password_that_the_only_device_recovered_is_worth_what_it_was() {
    for app in TestApp::each(narrowed).await {
        app.signup(json!({ "phone": PHONE, "password": PASSWORD })).await;
        app.pass(DAY);
        recovers(&app, "phone", PHONE).await;
        let level = by_phone(&app, "password", OTHER).await.0;
        assert_eq!(level, "multifactor", "{}", app.database());
    }
}

#[tokio::test]
async fn a_card_that_a_recovery_made_raises_no_level_until_another_device_was_shown() {
    for app in TestApp::each(narrowed).await {
        let given = json!({ "email": EMAIL, "phone": PHONE, "password": PASSWORD, "hardcode": CARD });
        app.signup(given).await.confirm_all(&app).await;
        assert_eq!(by_phone(&app, "hardcode", CARD).await.0, "twostep");
        app.pass(4 * DAY);
        let first = json!({ "phone": PHONE, "password": PASSWORD });
        let ada = by_code(&app, &app.client(), first, PHONE).await;
        ada.client.delete(&path(&ada, "card").await).await.is(204);
        app.pass(DAY);
        assert_eq!(recovers(&app, "phone", PHONE).await, ["new_password", "hardcode"]);
        for _ in 0..2 {
            assert_eq!(by_phone(&app, "hardcode", NEW_CARD).await.0, "single", "{}", app.database());
        }
        let by_mail = json!({ "email": EMAIL, "password": OTHER });
        by_code(&app, &app.client(), by_mail, EMAIL).await;
        assert_eq!(by_phone(&app, "hardcode", NEW_CARD).await.0, "twostep");
    }
}

/// A flow without a passcode, and one by the phone alone.
fn plain(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password"], &["phone", "passcode"]]);
    free(settings);
}

/// Somebody who recovered by mail, four days after the recovery codes were made; one of these.
async fn recovered(app: &TestApp) -> Value {
    let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
    ada.add(app, "phone", PHONE).await;
    let made = ada.client.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
    app.pass(4 * DAY);
    app.client().signin(json!({ "email": EMAIL, "password": PASSWORD })).await.done();
    recovers(app, "email", EMAIL).await;
    app.pass(MINUTE);
    made["codes"][0].clone()
}

#[tokio::test]
async fn a_flow_without_a_passcode_asks_for_the_phone_after_a_recovery_by_mail() {
    let by_password = json!({ "email": EMAIL, "password": OTHER });
    for app in TestApp::each(plain).await {
        recovered(&app).await;
        let client = app.client();
        for _ in 0..2 {
            let asked = client.signin(by_password.clone()).await.asks();
            assert_eq!((asked.secrets(), &asked.ask[0]["channel"]), (vec!["passcode"], &json!("sms")));
            client.passcode(&asked.attempt, "000000").await.wrong();
            client.send(&asked.attempt, json!({ "channel": "email" })).await.fails(404, "not_found");
            app.pass(61 * SECOND);
        }
        by_code(&app, &client, by_password.clone(), PHONE).await;
        app.client().signin(by_password.clone()).await.done();
    }
}

#[tokio::test]
async fn a_recovery_code_stands_in_for_it() {
    let by_password = json!({ "email": EMAIL, "password": OTHER });
    for app in TestApp::each(plain).await {
        let code = recovered(&app).await;
        let client = app.client();
        let asked = client.signin(by_password.clone()).await.asks();
        client.answer(&asked.attempt, json!({ "recovery_code": "AAAA-AAAA-AAAA-AAAA" })).await.wrong();
        client.answer(&asked.attempt, json!({ "recovery_code": code })).await.done();
        app.client().signin(by_password.clone()).await.done();
    }
}

/// The second factor of somebody with a phone.
fn second_factor(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"], &["username", "password", "passcode"]]);
    unlimited(settings, &["signin", "attempt", "send_phone"]);
}

async fn by_password(client: &Client) -> Asked {
    let asked = client.signin(json!({ "username": "ada", "password": PASSWORD })).await.asks();
    assert_eq!((asked.secrets(), &asked.ask[0]["channel"]), (vec!["passcode"], &json!("sms")));
    client.passcode(&asked.attempt, "000000").await.wrong();
    asked
}

/// Neither does one that says that nothing reaches the number any more.
#[tokio::test]
async fn a_provider_that_is_down_lowers_nothing() {
    let vendor = Vendor::start(Does::Answers(500, String::new())).await;
    for app in TestApp::each(second_factor).await {
        app.named("ada").await.add(&app, "phone", PHONE).await;
        let down = app.again_with(|settings| {
            settings.phone.providers = vec![carrier("down", &vendor, "")];
            unlimited(settings, &["send"]);
        });
        let app = down.await;
        app.mail().await;
        for n in 0..10 {
            by_password(&app.client()).await;
            TestApp::assert_silent(&app.mail().await);
            app.pass(SECOND);
            if n == 7 {
                app.rows().execute("UPDATE devices SET failing_since = 1 WHERE kind = 'phone'").await;
            }
        }
        assert!(!vendor.seen().is_empty(), "{}: it was tried", app.database());
    }
}

#[tokio::test]
async fn a_full_window_lowers_nothing_and_is_told_behind_the_password() {
    let list = |settings: &mut Settings| {
        second_factor(settings);
        settings.throttle.insert("send".into(), "1/h/address".into());
    };
    for app in TestApp::each(list).await {
        app.named("ada").await.add(&app, "phone", PHONE).await;
        by_password(&app.client()).await;
        app.code().await;
        app.pass(2 * MINUTE);
        let client = app.client();
        let asked = by_password(&client).await;
        TestApp::assert_silent(&app.mail().await);
        let wait = asked.ask[0]["resend_in"].as_i64().unwrap();
        assert!(wait > 61, "{wait} {}", app.database());
        let device = json!({ "device": asked.device("sms") });
        client.send(&asked.attempt, device.clone()).await.fails(429, "too_many");
        app.pass(wait * SECOND);
        let client = app.client();
        let asked = by_password(&client).await;
        client.passcode(&asked.attempt, app.code().await.code()).await.done();
    }
}
