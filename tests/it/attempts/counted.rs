//! By what guesses are counted: by account, whichever door they come by, and once for each device that was guessed at.

use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use multauth::messages::Kind;
use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::{Answer, Client};
use crate::support::kinds::own;
use crate::support::mailbox::wrong;
use crate::support::person::{CARD, OTHER, PASSWORD, Person};
use crate::support::token::totp;

const EMAIL: &str = "ada@example.org";

fn second_factor(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password"], &["email", "password", "passcode"]]);
    free(settings);
}

fn free(settings: &mut Settings) {
    unlimited(settings, &["signin", "send", "attempt", "reauth", "confirm", "devices", "recovery"]);
}

/// Answers with that behind the right password, from somewhere else.
async fn enters(app: &TestApp, given: Value) -> Answer {
    let client = app.client();
    let asked = client.signin(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
    client.answer(&asked.attempt, given).await
}

/// Somebody with so many apps; their ids and seeds.
async fn with_apps(app: &TestApp, apps: usize) -> (Person, Vec<(String, String)>) {
    let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
    let mut all = vec![ada.enrol(app).await];
    while all.len() < apps {
        let client = app.client();
        let code = totp(&all[0].1, app.clock.now());
        let body = json!({ "email": EMAIL, "password": PASSWORD, "passcode": code });
        all.push(Person::with(&client, client.signin(body).await.done()).enrol(app).await);
    }
    (ada, all)
}

/// A code that none of them shows.
fn no_code(app: &TestApp, all: &[(String, String)]) -> String {
    let near =
        |seed: &str, code: &str| (-2..3).any(|n| totp(seed, app.clock.now() + n * 30 * SECOND) == code);
    let codes = (0..1_000).map(|n| format!("{n:06}"));
    codes.into_iter().find(|code| all.iter().all(|(_, seed)| !near(seed, code))).unwrap()
}

#[tokio::test]
async fn a_code_that_names_no_device_counts_for_each_that_it_was_compared_with() {
    for (named, rests) in [(false, true), (true, false)] {
        for app in TestApp::each(second_factor).await {
            let (_, all) = with_apps(&app, 2).await;
            let with = |code: String, nth: usize| match named {
                true => json!({ "passcode": code, "device": all[nth].0 }),
                false => json!({ "passcode": code }),
            };
            let began = app.clock.now();
            for n in 0..10 {
                enters(&app, with(no_code(&app, &all), n % 2)).await.wrong();
                app.pass(HOUR);
            }
            let right = || with(totp(&all[1].1, app.clock.now()), 1);
            if rests {
                enters(&app, right()).await.fails(429, "too_many");
                app.pass(began + DAY - app.clock.now());
            }
            enters(&app, right()).await.done();
        }
    }
}

#[tokio::test]
async fn wrong_codes_behind_a_proof_are_counted_by_account_and_from_the_inside_apart() {
    for app in TestApp::each(second_factor).await {
        let (ada, all) = with_apps(&app, 1).await;
        let no_code = || json!({ "passcode": no_code(&app, &all) });
        let code = || json!({ "passcode": totp(&all[0].1, app.clock.now()) });
        let proves = async |given: Value| {
            let asked = ada.client.reauth(json!({ "password": PASSWORD })).await.asks();
            ada.client.answer(&asked.attempt, given).await
        };
        for _ in 0..3 {
            enters(&app, no_code()).await.wrong();
        }
        enters(&app, code()).await.fails(429, "too_many");
        // Whoever guesses outside bars no session from proving again who it is.
        proves(code()).await.done();
        enters(&app, code()).await.fails(429, "too_many");
        app.pass(30 * SECOND);
        enters(&app, code()).await.done();
        // All that is guessed inside is one row, in whichever session and attempt.
        let other = {
            app.pass(30 * SECOND);
            enters(&app, code()).await.done()
        };
        let other = Person::with(&app.client(), other);
        for client in [&ada.client, &other.client, &ada.client] {
            let asked = client.reauth(json!({ "password": PASSWORD })).await.asks();
            client.answer(&asked.attempt, no_code()).await.wrong();
        }
        proves(code()).await.fails(429, "too_many");
    }
}

/// Four rounds of five: the next code is long, wherever it is asked for.
#[tokio::test]
async fn wrong_codes_that_were_sent_behind_a_proof_fill_one_budget() {
    for app in TestApp::each(second_factor).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let first = json!({ "email": EMAIL, "password": PASSWORD });
        let begins = async |inside: bool| {
            app.pass(61 * SECOND);
            app.mail().await;
            let client = if inside { ada.client.clone() } else { app.client() };
            let answer = match inside {
                true => client.reauth(json!({ "password": PASSWORD })).await,
                false => client.signin(first.clone()).await,
            };
            let asked = answer.asks();
            (client, asked.attempt, app.mail().await.into_iter().find_map(|mail| mail.code).unwrap())
        };
        for n in 0..4 {
            let (client, attempt, code) = begins(false).await;
            assert_eq!(code.len(), 6, "round {n}");
            for guess in 0..5 {
                client.passcode(&attempt, &wrong(&code, guess)).await.wrong();
            }
        }
        for (inside, length) in [(false, 13), (true, 6)] {
            let (client, attempt, code) = begins(inside).await;
            assert_eq!(code.len(), length, "{code} {}", app.database());
            client.passcode(&attempt, &code).await.done();
        }
    }
}

/// Another fixed secret than the password confirms by a link too: a card's number, and a secret of a program's own.
#[tokio::test]
async fn a_fixed_secret_at_a_link_confirms_and_is_counted_apart() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["username", "hardcode", "pin"], &["email", "password"]]);
        free(settings);
    };
    for (secret, right, wrong) in [("hardcode", CARD, "4711-0815-2343"), ("pin", "493071", "112233")] {
        for app in TestApp::each_with(&own(), list).await {
            let given = json!({ "username": "ada", "hardcode": CARD, "pin": "493071" });
            let ada = app.signup(given).await;
            ada.client.add(json!({ "kind": "email", "email": EMAIL })).await.is(201);
            let key = app.code().await.key().to_owned();
            let presses = async |typed: &str| {
                app.client().post("/v1/confirm", json!({ "key": key, secret: typed })).await
            };
            for _ in 0..3 {
                enters_by_name(&app.client(), secret, wrong).await.wrong();
            }
            enters_by_name(&app.client(), secret, right).await.fails(429, "too_many");
            for _ in 0..3 {
                presses(wrong).await.wrong();
            }
            presses(right).await.fails(429, "too_many");
            app.pass(30 * SECOND);
            let pressed = presses(right).await.is(200).json();
            assert_eq!(pressed["confirmed"], true, "{pressed} {}", app.database());
            ada.client.get("/v1/me").await.is(200);
        }
    }
}

/// A sign-in by the name whose one secret is that, and whose other is right.
async fn enters_by_name(client: &Client, secret: &str, typed: &str) -> Answer {
    let mut body = json!({ "username": "ada", "hardcode": CARD, "pin": "493071" });
    body[secret] = json!(typed);
    client.signin(body).await
}

#[tokio::test]
async fn the_owner_is_told_once_when_a_secret_rests() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "password"]]);
        settings.guesses.stop_after = 5;
        free(settings);
    };
    for app in TestApp::each(list).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let enters =
            async |password: &str| app.client().signin(json!({ "email": EMAIL, "password": password })).await;
        for _ in 0..5 {
            app.pass(MINUTE);
            TestApp::assert_silent(&app.mail().await);
            enters(OTHER).await.wrong();
        }
        let told: Vec<_> = app.mail().await.into_iter().map(|mail| (mail.kind, mail.to)).collect();
        assert_eq!(told, [(Kind::FactorLocked, EMAIL.to_owned())], "{}", app.database());
        app.pass(400 * DAY);
        enters(PASSWORD).await.fails(429, "too_many");
        TestApp::assert_silent(&app.mail().await);
        // A recovery ends it.
        let asked = app.client().recovery(json!({ "email": EMAIL })).await.asks();
        let asked = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
        app.client().answer(&asked.attempt, json!({ "new_password": OTHER })).await.done();
        enters(OTHER).await.done();
    }
}

/// The recovery codes that somebody makes who shows the app.
async fn with_codes(app: &TestApp, seed: &str) -> Vec<Value> {
    let done = enters(app, json!({ "passcode": totp(seed, app.clock.now()) })).await.done();
    let made =
        app.client().bearing(&done.access).post("/v1/me/recovery-codes", json!({})).await.is(200).json();
    app.mail().await;
    made["codes"].as_array().unwrap().clone()
}

/// An app that rests is told as a password is, also where the guesses come in the request of a change.
#[tokio::test]
async fn the_owner_is_told_when_an_app_rests() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "password"], &["email", "password", "passcode"]]);
        settings.guesses.stop_after = 5;
        free(settings);
    };
    for app in TestApp::each(list).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let (_, seed) = ada.enrol(&app).await;
        let codes = with_codes(&app, &seed).await;
        for n in 0..5 {
            app.pass(HOUR);
            TestApp::assert_silent(&app.mail().await);
            let code = wrong(&totp(&seed, app.clock.now()), n);
            let body = json!({ "email": EMAIL, "password": PASSWORD, "passcode": code });
            app.client().signin(body).await.wrong();
        }
        let told: Vec<_> = app.mail().await.into_iter().map(|mail| (mail.kind, mail.to)).collect();
        assert_eq!(told, [(Kind::FactorLocked, EMAIL.to_owned())], "{}", app.database());
        app.pass(40 * DAY);
        let right = |seed: &str| json!({ "passcode": totp(seed, app.clock.now()) });
        enters(&app, right(&seed)).await.fails(429, "too_many");
        // Who has a recovery code comes in by it, and the app works again.
        enters(&app, json!({ "recovery_code": codes[0] })).await.done();
        app.pass(MINUTE);
        enters(&app, right(&seed)).await.done();
    }
}

/// Guesses at a card that rests end with a recovery: nothing but the operator would let its owner in.
#[tokio::test]
async fn a_card_that_rests_wakes_with_a_recovery_and_keeps_its_days() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["phone", "hardcode", "passcode"]]);
        settings.guesses.stop_after = 5;
        free(settings);
    };
    for app in TestApp::each(list).await {
        let phone = "+12124567890";
        app.signup(json!({ "phone": phone, "hardcode": CARD })).await;
        app.mail().await;
        let enters =
            async |card: &str| app.client().signin(json!({ "phone": phone, "hardcode": card })).await;
        for _ in 0..5 {
            app.pass(HOUR);
            enters("9999-9999-9999").await.wrong();
        }
        app.pass(2 * DAY);
        enters(CARD).await.fails(429, "too_many");
        app.mail().await;
        let asked = app.client().recovery(json!({ "phone": phone })).await.asks();
        let asked = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
        app.client().answer(&asked.attempt, json!({ "new_password": OTHER })).await.done();
        enters(CARD).await.asks();
    }
}

/// Guesses at one app are none at the next.
#[tokio::test]
async fn an_app_that_rests_is_bound_anew_from_inside() {
    let list = |settings: &mut Settings| {
        second_factor(settings);
        settings.guesses.stop_after = 5;
    };
    for app in TestApp::each(list).await {
        let (ada, apps) = with_apps(&app, 1).await;
        for n in 0..5 {
            app.pass(HOUR);
            let code = wrong(&totp(&apps[0].1, app.clock.now()), n);
            enters(&app, json!({ "passcode": code })).await.wrong();
        }
        app.pass(2 * DAY);
        let known = ada.done.known_device.clone().unwrap();
        let body = json!({ "email": EMAIL, "password": PASSWORD, "known_device": known });
        let client = app.client();
        let asked = client.signin(body).await.asks();
        let done = client.passcode(&asked.attempt, &totp(&apps[0].1, app.clock.now())).await.done();
        let (_, seed) = Person::with(&client, done).enrol(&app).await;
        enters(&app, json!({ "passcode": totp(&seed, app.clock.now()) })).await.done();
    }
}

/// Whoever guesses elsewhere bars no re-authentication, on a device that its owner is known by or on another (R35).
#[tokio::test]
async fn a_session_proves_again_whatever_others_guess() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "password"]]);
        free(settings);
    };
    for app in TestApp::each(list).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        for _ in 0..3 {
            app.client().signin(json!({ "email": EMAIL, "password": OTHER })).await.wrong();
        }
        ada.client.reauth(json!({ "password": PASSWORD })).await.done();
        let known = ada.done.known_device.clone().unwrap();
        ada.client.reauth(json!({ "password": PASSWORD, "known_device": known })).await.done();
    }
}

/// What is sent dies by itself and never rests: wrong codes of that kind are no news to the owner.
#[tokio::test]
async fn nobody_is_told_that_something_rests_which_does_not() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "password", "passcode"]]);
        settings.guesses.stop_after = 5;
        free(settings);
    };
    for app in TestApp::each(list).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.mail().await;
        for door in ["signin", "recovery"] {
            app.pass(2 * MINUTE);
            let client = app.client();
            let given = json!({ "email": EMAIL, "password": PASSWORD });
            let asked = match door {
                "signin" => client.signin(given).await.asks(),
                _ => client.recovery(json!({ "email": EMAIL })).await.asks(),
            };
            let code = app.code().await;
            for n in 0..5 {
                client.passcode(&asked.attempt, &wrong(code.code(), n)).await.wrong();
            }
            TestApp::assert_silent(&app.mail().await);
        }
    }
}

#[tokio::test]
async fn a_month_is_counted_beside_the_days() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "password"]]);
        (settings.guesses.per_day, settings.guesses.per_month) = (2, 5);
        free(settings);
    };
    for app in TestApp::each(list).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let enters =
            async |password: &str| app.client().signin(json!({ "email": EMAIL, "password": password })).await;
        let began = app.clock.now();
        for _ in 0..5 {
            enters(OTHER).await.wrong();
            app.pass(13 * HOUR);
        }
        enters(PASSWORD).await.fails(429, "too_many");
        app.pass(began + 30 * DAY - SECOND - app.clock.now());
        enters(PASSWORD).await.fails(429, "too_many");
        app.pass(SECOND);
        enters(PASSWORD).await.done();
    }
}

/// Whoever they are guessed at: everybody's codes are longer for the rest of the day.
#[tokio::test]
async fn after_many_wrong_codes_of_all_accounts_every_code_has_eight_digits() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "passcode"]]);
        settings.guesses.global_per_day = 3;
        free(settings);
    };
    for app in TestApp::each(list).await {
        let emails = [json!({ "email": EMAIL }), json!({ "email": "eve@example.org" })];
        for email in &emails {
            app.signup(email.clone()).await;
        }
        let asked = app.client().signin(emails[0].clone()).await.asks();
        let code = app.code().await;
        for n in 0..3 {
            assert_eq!(code.code().len(), 6);
            app.client().passcode(&asked.attempt, &wrong(code.code(), n)).await.wrong();
        }
        for (hours, digits) in [(1, 8), (24, 6)] {
            app.pass(hours * HOUR);
            let asked = app.client().signin(emails[1].clone()).await.asks();
            let code = app.code().await;
            assert_eq!(
                (code.code().len(), &asked.ask[0]["length"]),
                (digits, &json!(digits)),
                "{}",
                app.database()
            );
            app.client().passcode(&asked.attempt, code.code()).await.done();
        }
    }
}

#[tokio::test]
async fn two_hundred_wrong_secrets_close_a_network_whatever_the_addresses_in_it() {
    for app in TestApp::each(second_factor).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        for n in 0..200 {
            let client = Client::new(&app.base, format!("10.200.0.{}", n / 10));
            let nobody = json!({ "email": format!("nobody{n}@example.org"), "password": OTHER });
            client.signin(nobody).await.wrong();
        }
        let right = json!({ "email": EMAIL, "password": PASSWORD });
        let there = Client::new(&app.base, "10.200.0.250".into());
        there.signin(right.clone()).await.fails(429, "too_many");
        Client::new(&app.base, "10.200.1.250".into()).signin(right).await.asks();
    }
}
