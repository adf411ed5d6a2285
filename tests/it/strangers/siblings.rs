//! What strangers tried who have accounts of their own, and what an owner's own mistakes cost.

use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use multauth::settings::{Settings, Span};
use serde_json::json;

use super::{EMAIL, by, come, goes_on, rests, shows_first};
use crate::support::app::{TestApp, unlimited};
use crate::support::mailbox::wrong;
use crate::support::person::{CARD, OTHER, PASSWORD};
use crate::support::token::totp;

const PHONE: &str = "+12025550143";

fn by_card(settings: &mut Settings) {
    by(&[&["phone", "hardcode", "passcode"], &["username", "password"]])(settings);
    settings.phone.countries = vec!["US".into()];
}

/// Accounts that add a number which is not theirs take nothing of whoever it is.
#[tokio::test]
async fn accounts_that_add_the_number_of_somebody_close_it_to_nobody() {
    for app in TestApp::each(by_card).await {
        let ada = app.signup(json!({ "phone": PHONE, "hardcode": CARD })).await;
        app.pass(DAY);
        app.mail().await;
        for n in 0..4 {
            let mallory = app.named(&format!("mallory{n}")).await;
            let body = json!({ "kind": "phone", "phone": if n % 2 == 0 { PHONE } else { "+12025550149" } });
            let added = mallory.client.add(body).await.is(201).json();
            for _ in 0..5 {
                app.pass(61 * SECOND);
                let path = format!("/v1/me/devices/{}/send", added["id"].as_str().unwrap());
                let status = mallory.client.post(&path, json!({})).await.status;
                assert!([204, 429].contains(&status), "{status}");
            }
        }
        app.mail().await;
        let owner = app.client();
        let right = json!({ "phone": PHONE, "hardcode": CARD });
        let asked = owner.signin(right.clone()).await.asks();
        owner.passcode(&asked.attempt, app.code().await.code()).await.done();
        let mut known = right;
        known["known_device"] = json!(ada.done.known_device.clone().unwrap());
        app.client().signin(known).await.asks();
        app.code().await;
    }
}

/// What is kept for who has proven a secret is for codes to addresses that are theirs.
#[tokio::test]
async fn what_is_only_being_added_takes_nothing_of_the_reserve() {
    let change = |settings: &mut Settings| {
        by_card(settings);
        settings.phone.spend.conversion.sends = 5;
        settings.throttle.insert("reserve".into(), "6/h/all, 3/h/account".into());
    };
    for app in TestApp::each(change).await {
        app.signup(json!({ "phone": PHONE, "hardcode": CARD })).await;
        app.pass(DAY);
        app.mail().await;
        for n in 0..8 {
            let body = json!({ "phone": format!("+1202555{:04}", 1000 + n * 100), "hardcode": CARD });
            app.client().signup(body).await;
            app.mail().await;
        }
        app.pass(6 * MINUTE);
        for n in 0..3 {
            let mallory = app.named(&format!("mallory{n}")).await;
            for m in 0..3 {
                let phone = format!("+1202555{:04}", 3000 + n * 1000 + m * 100);
                mallory.client.add(json!({ "kind": "phone", "phone": phone })).await.is(201);
            }
        }
        TestApp::assert_silent(&app.mail().await);
        app.client().signin(json!({ "phone": PHONE, "hardcode": CARD })).await.asks();
        app.code().await;
    }
}

/// Codes that go to nobody fill no block for whoever has a number in it.
#[tokio::test]
async fn a_flood_at_numbers_of_nobody_leaves_a_phone_one_in_two_hours() {
    let change = |settings: &mut Settings| {
        by(&[&["phone", "passcode"], &["phone", "password"]])(settings);
        settings.phone.countries = vec!["US".into()];
    };
    for app in TestApp::each(change).await {
        app.signup(json!({ "phone": PHONE, "password": PASSWORD })).await;
        app.pass(2 * DAY);
        app.mail().await;
        let flood = async || {
            for n in 0..12 {
                let phone = format!("+12025550{:03}", 150 + n);
                app.client().recovery(json!({ "phone": phone })).await.asks();
            }
            app.mail().await;
        };
        let mut came = 0;
        for _ in 0..12 {
            flood().await;
            let owner = app.client();
            owner.recovery(json!({ "phone": PHONE })).await.asks();
            came += app.mail().await.len();
            app.pass(HOUR);
        }
        assert!(came >= 6, "{came} in twelve hours on {}", app.database());
    }
}

/// What comes after a way is taken may be wrong and tried again.
#[tokio::test]
async fn a_mistake_after_a_mail_led_on_costs_nothing() {
    for app in TestApp::each(by(&[&["email", "passcode", "password"], &["email", "password"]])).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.mail().await;
        let reader = app.client();
        app.client().recovery(json!({ "email": EMAIL })).await.asks();
        let mail = app.code().await;
        let gone = goes_on(&reader, &mail, json!({})).await.is(200).json();
        assert_eq!(gone["attempt"]["ask"][0]["secret"], "new_password", "{gone}");
        let attempt = gone["attempt"]["attempt"].as_str().unwrap();
        reader.answer(attempt, json!({ "new_password": "short" })).await.fails(400, "invalid_request");
        reader.answer(attempt, json!({ "new_password": OTHER })).await.done();
    }
}

/// Sent again while nothing may leave: the code that is there stays good, for as long as it was.
#[tokio::test]
async fn a_code_that_is_there_outlives_one_that_is_held_back() {
    for app in TestApp::each(by(&[&["email", "passcode"]])).await {
        app.signup(json!({ "email": EMAIL })).await;
        app.mail().await;
        for how in ["by code", "by link", "too late"] {
            let owner = app.client();
            let asked = owner.signin(json!({ "email": EMAIL })).await.asks();
            let mail = app.code().await;
            for _ in 0..12 {
                app.client().signin(json!({ "email": EMAIL })).await;
            }
            app.mail().await;
            app.pass(MINUTE);
            let again = owner.send(&asked.attempt, json!({})).await.asks();
            assert_eq!(again.ask[0]["expires_in"], 600, "as of a new one");
            TestApp::assert_silent(&app.mail().await);
            match how {
                "by code" => drop(owner.passcode(&asked.attempt, mail.code()).await.done()),
                "by link" => {
                    let body = json!({ "key": mail.key(), "attempt": asked.attempt });
                    let moved = owner.post("/v1/confirm", body).await.is(200).json();
                    assert_eq!(moved["attempt"]["state"], "done", "{moved}");
                }
                _ => {
                    app.pass(9 * MINUTE + SECOND);
                    owner.passcode(&asked.attempt, mail.code()).await.wrong();
                }
            }
            app.pass(2 * HOUR);
            app.mail().await;
        }
        let owner = app.client();
        let body = json!({ "email": "eve@example.org" });
        let asked = owner.signup(body.clone()).await.asks();
        let mail = app.code().await;
        come(&app, 12, |stranger, _| {
            let body = body.clone();
            async move { stranger.signup(body).await }
        })
        .await;
        app.mail().await;
        app.pass(MINUTE);
        owner.send(&asked.attempt, json!({})).await.is(200);
        owner.passcode(&asked.attempt, mail.code()).await.done();
    }
}

/// An app that is asked alone: who guesses at it by name does not bar whoever shows the long code first.
#[tokio::test]
async fn an_app_that_is_asked_alone_is_barred_to_nobody() {
    let change = |settings: &mut Settings| {
        by(&[&["username", "passcode:authenticator"], &["username", "password"]])(settings);
        unlimited(settings, &["signin", "attempt", "failures"]);
    };
    for app in TestApp::each(change).await {
        let ada = app.named("ada").await;
        ada.add(&app, "email", EMAIL).await;
        let (_, seed) = ada.enrol(&app).await;
        let codes = ada.client.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
        app.mail().await;
        let mut seen = Vec::new();
        for name in ["ada", "nobody"] {
            for n in 0..20 {
                let stranger = app.client();
                let body = json!({ "username": name, "passcode": wrong(&totp(&seed, app.clock.now()), n) });
                stranger.signin(body).await;
                app.pass(30 * SECOND);
            }
            let body = json!({ "username": name, "passcode": totp(&seed, app.clock.now()) });
            let new = app.client();
            let (attempt, names) = rests(&new.signin(body).await);
            seen.push(names);
            if name == "ada" {
                let code = json!({ "passcode": totp(&seed, app.clock.now()) });
                shows_first(&app, &new, &attempt, code).await.done();
                app.pass(30 * SECOND);
                let new = app.client();
                let body = json!({ "username": name, "passcode": totp(&seed, app.clock.now()) });
                let (attempt, _) = rests(&new.signin(body).await);
                let code = codes["codes"][0].clone();
                let given = json!({ "recovery_code": code, "passcode": totp(&seed, app.clock.now()) });
                new.answer(&attempt, given).await.done();
            }
        }
        assert_eq!(seen[0], seen[1], "{}", app.database());
    }
}

/// Wrong codes of strangers leave a verification its long code.
#[tokio::test]
async fn a_verification_after_many_wrong_codes_has_a_long_code() {
    let change = |settings: &mut Settings| {
        by(&[&["email", "passcode"]])(settings);
        unlimited(settings, &["verification", "check", "send", "failures"]);
    };
    for app in TestApp::each(change).await {
        let backend = app.backend().await;
        let begin = async || {
            let body = json!({ "to": "bob@example.org" });
            let begun = backend.post("/v1/verifications", body).await.is(201).json();
            let path = format!("/v1/verifications/{}/check", begun["verification"].as_str().unwrap());
            (path, app.code().await.code().to_owned())
        };
        for _ in 0..4 {
            let (path, code) = begin().await;
            for n in 0..5 {
                backend.post(&path, json!({ "passcode": wrong(&code, n) })).await.wrong();
            }
            app.pass(MINUTE);
        }
        let (path, code) = begin().await;
        assert!(code.len() >= 13, "{code}");
        backend.post(&path, json!({ "passcode": code })).await.is(200);
    }
}

/// By no wait of its own does a channel show that is told to nobody.
#[tokio::test]
async fn no_wait_tells_by_which_channel_a_code_goes() {
    let change = |settings: &mut Settings| {
        by(&[&["username", "password"], &["phone", "passcode"], &["username", "passcode"]])(settings);
        settings.passcode.sms.resend = Some(Span(2 * MINUTE));
    };
    for app in TestApp::each(change).await {
        app.named("ada").await.add(&app, "phone", "+12124567890").await;
        let mut seen = Vec::new();
        for name in ["ada", "nobody"] {
            let client = app.client();
            let asked = client.signin(json!({ "username": name })).await.asks();
            let sent = client.send(&asked.attempt, json!({})).await;
            let again = client.send(&asked.attempt, json!({})).await;
            let waits: Vec<_> = sent.json()["ask"].as_array().cloned().unwrap_or_default();
            let waits: Vec<_> = waits.into_iter().map(|ask| ask["resend_in"].clone()).collect();
            seen.push((sent.status, waits, again.status, again.header("retry-after").map(str::to_owned)));
        }
        assert_eq!(seen[0], seen[1], "{}", app.database());
    }
}

/// A window that the operator sets by identifier is not passed by a secret that nobody asks.
#[tokio::test]
async fn a_secret_that_is_not_asked_passes_no_window() {
    let change = |settings: &mut Settings| {
        by(&[&["email", "passcode"], &["username", "password"]])(settings);
        settings.throttle.insert("signin".into(), "2/h/identifier".into());
    };
    for app in TestApp::each(change).await {
        app.signup(json!({ "email": EMAIL })).await;
        for _ in 0..2 {
            app.client().signin(json!({ "email": EMAIL })).await.asks();
        }
        for body in [json!({ "email": EMAIL }), json!({ "email": EMAIL, "password": OTHER })] {
            app.client().signin(body).await.fails(429, "too_many");
        }
    }
}

/// What was muted is let in again however often a wrong code is typed there before.
#[tokio::test]
async fn who_has_the_link_alone_keeps_nobody_muted() {
    for app in TestApp::each(by(&[&["email", "passcode"]])).await {
        app.signup(json!({ "email": EMAIL })).await;
        app.client().signin(json!({ "email": EMAIL })).await.asks();
        let mail = app.mail().await.pop().unwrap();
        goes_on(&app.client(), &mail, json!({ "wish": "mute" })).await.is(200);
        for n in 0..8 {
            let body = json!({ "key": mail.key(), "passcode": wrong(mail.code(), n) });
            app.client().post("/v1/confirm", body).await.wrong();
        }
        let body = json!({ "key": mail.key(), "passcode": mail.code() });
        assert_eq!(app.client().post("/v1/confirm", body).await.is(200).json()["confirmed"], true);
    }
}

/// Who is set apart by the link of a mail goes on in what it was asked for in: a recovery stays one.
#[tokio::test]
async fn a_mail_that_sets_apart_leads_on_where_it_was_asked_for() {
    let change = |settings: &mut Settings| {
        by(&[&["email", "hardcode", "password"]])(settings);
        settings.recovery = crate::support::app::flows(&[&["email", "hardcode", "passcode"]]);
    };
    for app in TestApp::each(change).await {
        app.signup(json!({ "email": EMAIL, "hardcode": CARD, "password": PASSWORD })).await;
        app.mail().await;
        let begin = async || {
            let client = app.client();
            let attempt = client.recovery(json!({ "email": EMAIL })).await.asks().attempt;
            (client, attempt)
        };
        for _ in 0..3 {
            let (stranger, attempt) = begin().await;
            stranger.answer(&attempt, json!({ "hardcode": "4711-0815-9999" })).await.wrong();
        }
        let (client, attempt) = begin().await;
        client.send(&attempt, json!({ "secret": "unlock_code" })).await.is(200);
        let gone = goes_on(&app.client(), &app.code().await, json!({})).await.is(200).json();
        assert_eq!(gone["attempt"]["purpose"], "recovery", "{gone} {}", app.database());
        assert_eq!(gone["attempt"]["ask"][0]["secret"], "hardcode");
        let own = gone["attempt"]["attempt"].as_str().unwrap();
        let asked = app.client().answer(own, json!({ "hardcode": CARD })).await.asks();
        assert_eq!(asked.secrets(), ["passcode"]);
    }
}
