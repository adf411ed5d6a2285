//! Guesses of strangers at fixed secrets and at apps.

use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use multauth::settings::Settings;
use serde_json::{Value, json};

use super::{EMAIL, MANY, by, come, rests, shows_first};
use crate::support::app::{TestApp, unlimited};
use crate::support::client::Client;
use crate::support::mailbox::wrong;
use crate::support::person::{OTHER, PASSWORD};
use crate::support::token::totp;

const BY_PASSWORD: &[&[&str]] = &[&["email", "password"], &["username", "password"]];
const BY_APP: &[&[&str]] = &[&["email", "password", "passcode:authenticator"], &["email", "password"]];

#[tokio::test]
async fn strangers_who_guess_at_a_password_shut_out_nobody() {
    for app in TestApp::each(by(BY_PASSWORD)).await {
        let ada = app.signup(json!({ "email": EMAIL, "username": "ada", "password": PASSWORD })).await;
        let known = ada.done.known_device.clone().unwrap();
        for name in [json!({ "email": EMAIL }), json!({ "username": "ada" })] {
            come(&app, MANY / 2, |stranger, n| {
                let mut guess = name.clone();
                guess["password"] = json!(format!("{OTHER} {n}"));
                async move { stranger.signin(guess).await }
            })
            .await;
        }
        for name in [json!({ "email": EMAIL }), json!({ "username": "ada" })] {
            let with = |more: Value| {
                let mut body = name.clone();
                body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                body
            };
            let body = with(json!({ "password": PASSWORD, "known_device": known }));
            app.client().signin(body).await.done();
            // On a device that is not known the long code goes first, whether the password came along or comes later.
            let new = app.client();
            let (attempt, names) = rests(&new.signin(with(json!({ "password": PASSWORD }))).await);
            assert_eq!(names, ["password", "unlock_code", "recovery_code"], "{}", app.database());
            shows_first(&app, &new, &attempt, json!({ "password": PASSWORD })).await.done();
            let asked = new.signin(name.clone()).await.asks();
            assert_eq!(asked.secrets(), ["password", "unlock_code", "recovery_code"]);
            assert!(asked.ask[0]["retry_after"].as_u64().unwrap() > 0);
            shows_first(&app, &new, &asked.attempt, json!({})).await.asks();
            new.answer(&asked.attempt, json!({ "password": PASSWORD })).await.done();
        }
    }
}

/// A hundred wrong ones in a row stop the factor for whoever is not known: the owner still comes in.
#[tokio::test]
async fn the_stop_is_none_for_whoever_reads_the_mailbox() {
    for app in TestApp::each(by(BY_PASSWORD)).await {
        let ada = app.signup(json!({ "email": EMAIL, "username": "ada", "password": PASSWORD })).await;
        while app.client().signin(json!({ "email": EMAIL, "password": OTHER })).await.json()["retry_after"]
            != 3_600
        {
            app.pass(HOUR);
        }
        for _ in 0..100 {
            app.pass(2 * DAY);
            app.client().signin(json!({ "email": EMAIL, "password": OTHER })).await;
        }
        let row = "SELECT MAX(streak) FROM guesses WHERE factor = 'password'";
        assert_eq!(app.rows().number(row).await, 100, "{}", app.database());
        let new = app.client();
        let right = json!({ "email": EMAIL, "password": PASSWORD });
        let (attempt, _) = rests(&new.signin(right.clone()).await);
        shows_first(&app, &new, &attempt, json!({ "password": PASSWORD })).await.done();
        // It is none for others by that.
        rests(&app.client().signin(right).await);
        drop(ada);
    }
}

#[tokio::test]
async fn strangers_with_a_stolen_password_do_not_bar_the_app() {
    for app in TestApp::each(by(BY_APP)).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let known = ada.done.known_device.clone().unwrap();
        let (_, seed) = ada.enrol(&app).await;
        let codes = ada.client.post("/v1/me/recovery-codes", json!({})).await.json();
        let first = json!({ "email": EMAIL, "password": PASSWORD });
        let begins = async |client: &Client| client.signin(first.clone()).await.asks().attempt;
        for n in 0..3 {
            let stranger = app.client();
            let attempt = begins(&stranger).await;
            stranger.passcode(&attempt, &wrong(&totp(&seed, app.clock.now()), n)).await.wrong();
        }
        let code = || totp(&seed, app.clock.now());
        let new = app.client();
        let attempt = begins(&new).await;
        let (same, names) = rests(&new.passcode(&attempt, &code()).await);
        assert_eq!(same, attempt);
        assert!(names.contains(&"unlock_code".to_owned()), "{names:?}");
        shows_first(&app, &new, &attempt, json!({ "passcode": code() })).await.done();
        app.pass(30 * SECOND);
        for n in 0..3 {
            let stranger = app.client();
            let attempt = begins(&stranger).await;
            stranger.passcode(&attempt, &wrong(&code(), n)).await;
        }
        let mut body = first.clone();
        body["known_device"] = json!(known);
        let own = app.client();
        let attempt = own.signin(body).await.asks().attempt;
        own.passcode(&attempt, &code()).await.done();
        let _ = codes;
    }
}

/// The long code proves nothing: it is no passcode of the flow, and opens nothing.
#[tokio::test]
async fn the_long_code_is_no_passcode_and_opens_nothing() {
    for app in TestApp::each(by(BY_APP)).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let (_, seed) = ada.enrol(&app).await;
        for n in 0..3 {
            app.client().signin(json!({ "email": EMAIL, "password": format!("{OTHER}{n}") })).await.wrong();
        }
        app.mail().await;
        let new = app.client();
        let (attempt, _) = rests(&new.signin(json!({ "email": EMAIL, "password": PASSWORD })).await);
        new.send(&attempt, json!({ "secret": "unlock_code" })).await.is(200);
        let code = app.code().await;
        new.passcode(&attempt, code.code()).await.fails(400, "not_asked");
        new.answer(&attempt, json!({ "recovery_code": code.code() })).await.fails(400, "invalid_request");
        let asked = new.answer(&attempt, json!({ "unlock_code": code.code() })).await.asks();
        assert_eq!(asked.secrets(), ["password"], "{}", app.database());
        new.answer(&attempt, json!({ "unlock_code": code.code() })).await.fails(410, "code_used");
        let asked = new.answer(&attempt, json!({ "password": PASSWORD })).await.asks();
        assert_eq!(asked.ask[0]["channel"], "authenticator", "the app is owed as ever");
        let done = new.passcode(&attempt, &totp(&seed, app.clock.now())).await.done();
        assert!(!done.access.is_empty());
    }
}

/// Where there is no address, a recovery code may be shown first; it is spent, and gets a successor.
#[tokio::test]
async fn a_recovery_code_may_be_shown_first() {
    for app in
        TestApp::each(by(&[&["username", "password"], &["username", "password", "passcode:authenticator"]]))
            .await
    {
        let ada = app.named("ada").await;
        let added = ada.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
        let (id, seed) = (added["id"].as_str().unwrap(), added["secret"].as_str().unwrap().to_owned());
        let confirmed = ada.client.confirm(id, &totp(&seed, app.clock.now())).await.is(200).json();
        let codes = confirmed["recovery_codes"].as_array().unwrap().clone();
        app.pass(30 * SECOND);
        for n in 0..3 {
            let guess = json!({ "username": "ada", "password": format!("{OTHER}{n}") });
            app.client().signin(guess).await.wrong();
        }
        let new = app.client();
        let right = json!({ "username": "ada", "password": PASSWORD });
        let (attempt, _) = rests(&new.signin(right).await);
        // The code goes to nobody, and nobody is told.
        new.send(&attempt, json!({ "secret": "unlock_code" })).await.is(200);
        TestApp::assert_silent(&app.mail().await);
        new.answer(&attempt, json!({ "recovery_code": "AAAA-BBBB-CCCC-DDDD" })).await.wrong();
        let shown = json!({ "recovery_code": codes[0], "password": PASSWORD });
        let asked = new.answer(&attempt, shown.clone()).await.asks();
        assert_eq!(asked.ask[0]["channel"], "authenticator", "{}: it proves nothing else", app.database());
        let done = new.passcode(&attempt, &totp(&seed, app.clock.now())).await.is(200).json();
        assert!(done["recovery_code"].is_string(), "a successor: {done}");
        // Once.
        let (attempt, _) =
            rests(&app.client().signin(json!({ "username": "ada", "password": PASSWORD })).await);
        app.client().answer(&attempt, shown).await.wrong();
    }
}

/// A mailbox reader who knows the password has at most twice the guesses at the app that a stranger has: whatever is
/// begun, and whatever is shown first, forty a day and two hundred a month.
#[tokio::test]
async fn a_mailbox_reader_has_at_most_twice_the_guesses() {
    let change = |settings: &mut Settings| {
        by(BY_APP)(settings);
        unlimited(settings, &["signin", "send", "send_phone", "attempt", "confirm", "failures"]);
    };
    for app in TestApp::each(change).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let (_, seed) = ada.enrol(&app).await;
        let began = app.clock.now();
        let mut compared = 0;
        let mut n = 0;
        while app.clock.now() < began + DAY {
            let reader = app.client();
            let asked = reader.signin(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
            let guess = wrong(&totp(&seed, app.clock.now()), n);
            n += 1;
            let mut answer = reader.passcode(&asked.attempt, &guess).await;
            if answer.status == 429 {
                let body = json!({ "secret": "unlock_code" });
                if reader.send(&asked.attempt, body).await.status == 200 {
                    let mail = app.mail().await.into_iter().find_map(|mail| mail.code).unwrap();
                    let given = json!({ "unlock_code": mail, "passcode": guess });
                    answer = reader.answer(&asked.attempt, given).await;
                }
            }
            compared += usize::from(answer.status == 401);
            app.pass(10 * MINUTE);
        }
        assert_eq!(compared, 40, "{}", app.database());
    }
}

/// Of an identifier that nobody has, the same is told at the same times.
#[tokio::test]
async fn nobody_rests_like_somebody() {
    for app in TestApp::each(by(BY_PASSWORD)).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let mut seen = Vec::new();
        for email in [EMAIL, "nobody@example.org"] {
            let mut answers = Vec::new();
            let shape = |mut body: Value| {
                body["attempt"] = Value::Null;
                body
            };
            for n in 0..4 {
                let guess = json!({ "email": email, "password": format!("{OTHER}{n}") });
                let answer = app.client().signin(guess).await;
                answers.push((answer.status, shape(answer.json())));
            }
            let new = app.client();
            let (attempt, _) = rests(&new.signin(json!({ "email": email, "password": PASSWORD })).await);
            for body in [json!({ "secret": "unlock_code" }), json!({ "secret": "unlock_code" })] {
                let answer = new.send(&attempt, body).await;
                answers.push((answer.status, shape(answer.json())));
            }
            for body in [
                json!({ "unlock_code": "AAAABBBBCCCCD" }),
                json!({ "recovery_code": "AAAA-BBBB-CCCC-DDDD" }),
                json!({ "password": PASSWORD }),
            ] {
                let answer = new.answer(&attempt, body).await;
                answers.push((answer.status, shape(answer.json())));
            }
            seen.push(answers);
            app.mail().await;
        }
        assert_eq!(seen[0], seen[1], "{}", app.database());
    }
}
