//! Whose guesses end a row of them: nothing lets anybody guess at a factor anew but that factor.

use multauth::base::clock::{DAY, MINUTE, SECOND};
use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::Answer;
use crate::support::mailbox::wrong;
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::support::token::totp;

const MAIL: &str = "ada@example.org";
const NUMBER: &str = "+12124567890";

fn two_steps(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password"], &["email", "password", "passcode"]]);
    free(settings);
}

fn free(settings: &mut Settings) {
    unlimited(
        settings,
        &["signin", "send", "attempt", "failures", "recovery", "confirm", "devices", "reauth"],
    );
}

/// Somebody with an app for four days; gives its seed.
async fn ada(app: &TestApp) -> (Person, String) {
    let ada = app.signup(json!({ "email": MAIL, "password": PASSWORD })).await;
    let (_, seed) = ada.enrol(app).await;
    app.pass(4 * DAY);
    (ada, seed)
}

/// Types that code after the right password, from somewhere else.
async fn enters(app: &TestApp, password: &str, code: &str) -> Answer {
    app.client().signin(json!({ "email": MAIL, "password": password, "passcode": code })).await
}

async fn recovers(app: &TestApp, password: &str) {
    app.mail().await;
    let asked = app.client().recovery(json!({ "email": MAIL })).await.asks();
    let asked = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
    app.client().answer(&asked.attempt, json!({ "new_password": password })).await.done();
}

#[tokio::test]
async fn a_recovery_by_the_mailbox_gives_no_new_guesses_at_the_app() {
    for app in TestApp::each(two_steps).await {
        let (_, seed) = ada(&app).await;
        for n in 0..3 {
            enters(&app, PASSWORD, &wrong(&totp(&seed, app.clock.now()), n)).await.wrong();
        }
        recovers(&app, OTHER).await;
        let code = totp(&seed, app.clock.now());
        enters(&app, OTHER, &code).await.fails(429, "too_many");
        app.pass(31 * SECOND);
        enters(&app, OTHER, &totp(&seed, app.clock.now())).await.done();
    }
}

#[tokio::test]
async fn an_undo_gives_no_new_guesses_at_the_app() {
    for app in TestApp::each(two_steps).await {
        let (ada, seed) = ada(&app).await;
        let again = |seed: &str| json!({ "password": PASSWORD, "passcode": totp(seed, app.clock.now()) });
        let mut ada = ada;
        let refreshed = ada.client.refresh(&ada.done.refresh).await.is(200).json();
        ada.client = ada.client.bearing(refreshed["access_token"].as_str().unwrap());
        ada.reauth(again(&seed)).await;
        app.mail().await;
        ada.client.post("/v1/me/recovery-codes", json!({})).await.is(200);
        let told = app.mail().await;
        let (key, undo) = told.iter().find_map(|mail| mail.undo()).unwrap();
        for n in 0..3 {
            enters(&app, PASSWORD, &wrong(&totp(&seed, app.clock.now()), n)).await.wrong();
        }
        let back =
            app.client().post("/v1/confirm", json!({ "key": key, "passcode": undo })).await.is(200).json();
        let attempt = back["attempt"]["attempt"].as_str().unwrap();
        app.client().answer(attempt, json!({ "new_password": OTHER })).await.done();
        enters(&app, OTHER, "000000").await.fails(429, "too_many");
    }
}

/// What was shown to recover is guessed at anew: it was right.
#[tokio::test]
async fn a_recovery_ends_the_guesses_at_what_it_sets() {
    for app in TestApp::each(two_steps).await {
        app.signup(json!({ "email": MAIL, "password": PASSWORD })).await;
        app.pass(MINUTE);
        for _ in 0..3 {
            app.client().signin(json!({ "email": MAIL, "password": OTHER })).await.wrong();
        }
        app.client().signin(json!({ "email": MAIL, "password": PASSWORD })).await.fails(429, "too_many");
        recovers(&app, OTHER).await;
        app.client().signin(json!({ "email": MAIL, "password": OTHER })).await.asks();
    }
}

/// Whoever changes their password from inside is guessed at anew: the old guesses were at another one.
#[tokio::test]
async fn a_new_password_ends_the_guesses_at_the_old_one() {
    for app in TestApp::each(two_steps).await {
        let ada = app.signup(json!({ "email": MAIL, "password": PASSWORD })).await;
        for _ in 0..3 {
            app.client().signin(json!({ "email": MAIL, "password": OTHER })).await.wrong();
        }
        let change = json!({ "password": PASSWORD, "new_password": OTHER });
        ada.client.put("/v1/me/password", change).await.is(204);
        app.client().signin(json!({ "email": MAIL, "password": OTHER })).await.asks();
    }
}

/// Where an app is all that answers, whoever guesses learns no more of its owner than of nobody (R15).
#[tokio::test]
async fn who_has_only_an_app_is_guessed_at_as_nobody_is() {
    for first in ["passcode", "passcode:authenticator"] {
        for app in TestApp::each(free_names).await {
            let ada = app.named("ada").await;
            let (_, seed) = ada.enrol(&app).await;
            // Two apps are two devices that each guess is one at; nobody has as many.
            let client = app.client();
            let asked = client.signin(json!({ "username": "ada", "password": PASSWORD })).await.asks();
            let done = client.passcode(&asked.attempt, &totp(&seed, app.clock.now())).await.done();
            Person::with(&client, done).enrol(&app).await;
            let app = app
                .again_with(|settings| {
                    free(settings);
                    settings.flows = flows(&[&["username", first]]);
                })
                .await;
            let mut seen = Vec::new();
            for name in ["ada", "nobody"] {
                let mut answers = Vec::new();
                for n in 0..25 {
                    let asked = app.client().signin(json!({ "username": name })).await.asks();
                    let answer = app.client().passcode(&asked.attempt, &format!("0000{n:02}")).await;
                    answers.push((
                        answer.status,
                        asked.ask[0]["length"].clone(),
                        answer.json()["code"].clone(),
                    ));
                }
                seen.push(answers);
            }
            assert_eq!(seen[0], seen[1], "{first} {}", app.database());
        }
    }
}

/// What is guessed at by one name of somebody says nothing of another: nobody learns that both are one person's.
#[tokio::test]
async fn guesses_by_one_name_are_not_seen_by_another() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["username", "passcode"], &["email", "passcode"]]);
        free(settings);
    };
    for app in TestApp::each(list).await {
        app.signup(json!({ "username": "ada", "email": MAIL })).await;
        for _ in 0..5 {
            app.pass(2 * MINUTE);
            app.mail().await;
            let asked = app.client().signin(json!({ "username": "ada" })).await.asks();
            for n in 0..5 {
                app.client().passcode(&asked.attempt, &format!("00000{n}")).await;
            }
        }
        app.pass(2 * MINUTE);
        app.mail().await;
        let by_name = app.client().signin(json!({ "username": "ada" })).await.asks();
        assert!(by_name.ask[0]["length"].as_u64() > Some(6), "{}", app.database());
        app.pass(2 * MINUTE);
        let by_mail = app.client().signin(json!({ "email": MAIL })).await.asks();
        assert_eq!(by_mail.ask[0]["length"], 6, "{}", app.database());
    }
}

/// Where the window of messages is full, codes typed at a recovery are no guesses at the app behind the password.
#[tokio::test]
async fn a_full_window_makes_no_app_the_first_proof() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["username", "password"], &["username", "password", "passcode"]]);
        settings.recovery = flows(&[&["username", "passcode"]]);
        unlimited(settings, &["signin", "attempt", "failures", "recovery", "confirm", "devices", "reauth"]);
    };
    for app in TestApp::each(list).await {
        let ada = app.named("ada").await;
        ada.add(&app, "email", MAIL).await;
        let client = app.client();
        let asked = client.signin(json!({ "username": "ada", "password": PASSWORD })).await.asks();
        let done = client.passcode(&asked.attempt, app.code().await.code()).await.done();
        let (_, seed) = Person::with(&client, done).enrol(&app).await;
        app.pass(4 * DAY);
        for n in 0..24 {
            app.mail().await;
            let asked = app.client().recovery(json!({ "username": "ada" })).await.asks();
            app.client().passcode(&asked.attempt, &format!("0000{n:02}")).await;
        }
        let body =
            json!({ "username": "ada", "password": PASSWORD, "passcode": totp(&seed, app.clock.now()) });
        app.client().signin(body).await.done();
    }
}

fn free_names(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"], &["username", "password", "passcode"]]);
    free(settings);
}

/// A stranger who knows no secret guesses at codes that were sent: that is nothing to the app of whom they guess at.
#[tokio::test]
async fn wrong_codes_before_any_proof_are_none_at_the_app() {
    for app in TestApp::each(two_steps).await {
        let (_, seed) = ada(&app).await;
        for _ in 0..4 {
            app.mail().await;
            let stranger = app.client();
            let asked = stranger.recovery(json!({ "email": MAIL })).await.asks();
            let code = app.code().await;
            for n in 0..5 {
                stranger.passcode(&asked.attempt, &wrong(code.code(), n)).await.wrong();
            }
            app.pass(2 * MINUTE);
        }
        enters(&app, PASSWORD, &totp(&seed, app.clock.now())).await.done();
    }
}

/// Each session would otherwise have guesses of its own.
#[tokio::test]
async fn the_code_of_an_app_in_the_request_is_counted_with_all_others() {
    let narrowed = |settings: &mut Settings| {
        settings.flows = flows(&[
            &["email", "password", "passcode:phone"],
            &["email", "password", "passcode:authenticator"],
        ]);
        free(settings);
    };
    for app in TestApp::each(narrowed).await {
        let (id, seed) = with_both(&app).await;
        let path = format!("/v1/me/devices/{id}");
        let mut sessions = Vec::new();
        for _ in 0..4 {
            sessions.push(by_phone(&app).await);
        }
        for (n, thief) in (0..).zip(&sessions) {
            let typed: Value = json!({ "passcode": wrong(&totp(&seed, app.clock.now()), n) });
            let answer = thief.client.raw("DELETE", &path, Some(&typed.to_string())).await;
            if n < 3 {
                answer.wrong()
            } else {
                answer.fails(429, "too_many")
            };
        }
    }
}

/// Somebody with a phone, and an app for four days; gives the app's id and seed.
pub async fn with_both(app: &TestApp) -> (String, String) {
    let given = json!({ "email": MAIL, "phone": NUMBER, "password": PASSWORD });
    app.signup(given).await.confirm_all(app).await;
    let by_phone = by_phone(app).await;
    let both = by_phone.enrol(app).await;
    app.pass(4 * DAY);
    both
}

/// Somebody with the password and the phone.
pub async fn by_phone(app: &TestApp) -> Person {
    app.pass(61 * SECOND);
    app.mail().await;
    let client = app.client();
    let asked = client.signin(json!({ "email": MAIL, "password": PASSWORD })).await.asks();
    // Where nothing else is asked, it was sent by itself.
    if let [_, _, ..] = &asked.ask[..] {
        let phone = asked.ask.iter().find(|ask| ask["channel"] == "sms").unwrap()["device"].clone();
        client.send(&asked.attempt, json!({ "device": phone })).await.is(200);
    }
    let done = client.passcode(&asked.attempt, app.code().await.code()).await.done();
    Person::with(&client, done)
}
