//! `users reset` and `users unlock`: what is taken away, what stays, who is told.

use std::collections::BTreeSet;

use multauth::auth::AuthError;
use multauth::auth::deletion;
use multauth::auth::operator::{self, reset};
use multauth::base::clock::DAY;
use multauth::messages::Kind;
use multauth::settings::Settings;
use multauth::store::trail::{self, Wanted};
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::Answer;
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::support::token::totp;

const EMAIL: &str = "ada@example.org";
const SECOND: &str = "ada@example.net";
const NUMBER: &str = "+12124567890";

fn second_factor(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password"], &["email", "password", "passcode:authenticator"]]);
    unlimited(settings, &["signin", "send", "attempt", "password", "failures"]);
}

/// Somebody with everything that a reset takes away, and an authenticator; gives them and its seed.
async fn ada(app: &TestApp) -> (Person, String) {
    let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
    ada.client.post("/v1/me/recovery-codes", json!({})).await;
    let (_, seed) = ada.enrol(app).await;
    let mut ada = ada;
    ada.reauth(json!({ "password": PASSWORD, "passcode": totp(&seed, app.clock.now()) })).await;
    app.pass(30_000);
    ada.client.add(json!({ "kind": "email", "email": SECOND })).await.is(201);
    app.mail().await;
    (ada, seed)
}

/// What happened to anybody, without sign-ins and codes: names and what is told beside ids.
async fn happened(app: &TestApp) -> Vec<String> {
    let wanted = Wanted { user: None, name: "%".into(), since: 0, until: i64::MAX };
    let rows =
        trail::after(&mut app.app.store.read().await.unwrap(), &wanted, (-1, ""), 1_000).await.unwrap();
    let short = |row: &multauth::store::events::Row| {
        let data: Value = serde_json::from_str(&row.data).unwrap();
        let told = ["by", "devices", "kind", "reason"].map(|name| data[name].clone());
        let told = told.iter().filter(|value| !value.is_null()).map(|v| v.to_string().replace('"', ""));
        std::iter::once(row.name.clone()).chain(told).collect::<Vec<_>>().join(" ")
    };
    rows.iter().map(short).collect()
}

async fn sign_in(app: &TestApp, password: &str) -> Answer {
    app.client().signin(json!({ "email": EMAIL, "password": password })).await
}

#[tokio::test]
async fn it_takes_away_what_lets_anybody_in_and_leaves_factors() {
    for app in TestApp::each(second_factor).await {
        let (ada, seed) = ada(&app).await;
        let running = sign_in(&app, PASSWORD).await.asks();
        let before = happened(&app).await.len();
        let done = reset::reset(&app.app, &ada.done.user.as_str().into(), None, &[]).await.unwrap();
        assert_eq!((done.ended, done.removed, done.open), (1, 0, true), "{}", app.database());
        let told: Vec<_> = app.mail().await.into_iter().map(|mail| (mail.kind, mail.to)).collect();
        assert_eq!(told, [(Kind::AccountReset, EMAIL.to_owned())]);
        ada.client.get("/v1/me").await.fails(401, "invalid_token");
        ada.client.refresh(&ada.done.refresh).await.fails(401, "invalid_token");
        let passcode = json!({ "passcode": totp(&seed, app.clock.now()) });
        app.client().answer(&running.attempt, passcode).await.fails(404, "attempt_gone");
        sign_in(&app, PASSWORD).await.wrong();
        let (account, sessions) = operator::show(&app.app, &ada.done.user.as_str().into()).await.unwrap();
        let kinds: BTreeSet<_> = account.devices.iter().map(|d| d.kind.as_str()).collect();
        assert_eq!((kinds, sessions.len()), (["authenticator", "email"].into(), 0));
        assert!(account.hashes.is_empty() && account.recovery.is_empty());
        assert_eq!(app.rows().number("SELECT COUNT(*) FROM known_devices").await, 0);
        let happened = happened(&app).await[before..].to_vec();
        let expected = ["user.reset operator 0", "device.removed operator email", "session.ended reset"];
        assert_eq!(happened[..3], expected);

        let handle = done.key.unwrap().handle;
        app.client().answer(handle.expose(), json!({ "new_password": OTHER })).await.done();
        let asked = sign_in(&app, OTHER).await.asks();
        assert_eq!(asked.ask[0]["channel"], "authenticator", "the second factor is still asked for");
        app.client().passcode(&asked.attempt, &totp(&seed, app.clock.now())).await.done();
    }
}

#[tokio::test]
async fn devices_go_by_name_and_nothing_is_changed_where_one_is_not_there() {
    for app in TestApp::each(second_factor).await {
        let (ada, _) = ada(&app).await;
        let user = ada.done.user.as_str();
        for wrong in [vec!["card".to_owned()], vec!["authenticator".to_owned(), "7d0b3c52".to_owned()]] {
            let error = reset::reset(&app.app, &user.into(), None, &wrong).await.unwrap_err();
            let AuthError::Faults(faults) = error else { panic!("{error}") };
            assert_eq!(faults.len(), 1, "{faults:?}");
        }
        ada.client.get("/v1/me").await.is(200);
        let done = reset::reset(&app.app, &user.into(), None, &["authenticator".to_owned()]).await.unwrap();
        assert_eq!((done.removed, done.open), (1, true), "{}", app.database());
        let last = happened(&app).await;
        assert!(last.contains(&"user.reset operator 1".to_owned()), "{last:?}");
        assert!(last.contains(&"device.removed operator authenticator".to_owned()), "{last:?}");
        let handle = done.key.unwrap().handle;
        app.client().answer(handle.expose(), json!({ "new_password": OTHER })).await.done();
        sign_in(&app, OTHER).await.done();
        let (account, _) = operator::show(&app.app, &user.into()).await.unwrap();
        let done = reset::reset(&app.app, &user.into(), None, &[account.devices[0].id.clone().into()])
            .await
            .unwrap();
        assert!(!done.open, "nothing names them any more");
    }
}

#[tokio::test]
async fn a_password_of_the_operators_is_held_to_the_policy_and_makes_no_key() {
    for app in TestApp::each(|settings| settings.flows = flows(&[&["email", "password"]])).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let user = ada.done.user.as_str();
        for weak in ["short", EMAIL, "password123password"] {
            let error = reset::reset(&app.app, &user.into(), Some(&weak.into()), &[]).await.unwrap_err();
            assert!(matches!(error, AuthError::Faults(_)), "{weak}: {error}");
        }
        ada.client.get("/v1/me").await.is(200);
        let done = reset::reset(&app.app, &user.into(), Some(&OTHER.into()), &[]).await.unwrap();
        assert!(done.key.is_none() && done.open, "{}", app.database());
        ada.client.get("/v1/me").await.fails(401, "invalid_token");
        sign_in(&app, PASSWORD).await.wrong();
        sign_in(&app, OTHER).await.done();
        let happened = happened(&app).await;
        assert!(happened.contains(&"password.changed operator".to_owned()), "{happened:?}");
    }
}

#[tokio::test]
async fn somebody_disabled_stays_so_and_somebody_deleted_is_nobody() {
    for app in TestApp::each(|settings| settings.flows = flows(&[&["email", "password"]])).await {
        let user = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await.done.user;
        operator::set_disabled(&app.app, &user.as_str().into(), true).await.unwrap();
        assert!(reset::reset(&app.app, &user.as_str().into(), None, &[]).await.unwrap().key.is_none());
        assert!(operator::show(&app.app, &user.as_str().into()).await.unwrap().0.user.disabled_at.is_some());
        operator::delete(&app.app, &user.as_str().into()).await.unwrap();
        for user in [user.as_str(), "nobody"] {
            assert!(matches!(
                reset::reset(&app.app, &user.into(), None, &[]).await,
                Err(AuthError::NotFound)
            ));
            assert!(matches!(reset::unlock(&app.app, &user.into()).await, Err(AuthError::NotFound)));
        }
    }
}

#[tokio::test]
async fn unlocking_ends_every_wait_elsewhere_on_a_known_device_and_in_a_session() {
    let few = |settings: &mut Settings| {
        second_factor(settings);
        settings.flows = flows(&[&["email", "password"]]);
        settings.guesses.stop_after = 4;
    };
    for app in TestApp::each(few).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        let known = ada.done.known_device.clone().unwrap();
        let on_known = async |password: &str| {
            let body = json!({ "email": EMAIL, "password": password, "known_device": known.as_str() });
            app.client().signin(body).await
        };
        let in_session = async |password: &str| {
            let body = json!({ "password": password, "new_password": OTHER });
            ada.client.put("/v1/me/password", body).await
        };
        for n in 0..4 {
            sign_in(&app, OTHER).await.wrong();
            on_known(OTHER).await.wrong();
            in_session(OTHER).await.wrong();
            app.pass(if n < 3 { 31_000 } else { 0 });
        }
        for answer in [sign_in(&app, PASSWORD).await, on_known(PASSWORD).await, in_session(PASSWORD).await] {
            answer.fails(429, "too_many");
        }
        reset::unlock(&app.app, &ada.done.user.as_str().into()).await.unwrap();
        assert_eq!(app.rows().number("SELECT COUNT(*) FROM guesses").await, 0, "{}", app.database());
        sign_in(&app, PASSWORD).await.done();
        on_known(PASSWORD).await.done();
        in_session(PASSWORD).await.is(204);
        assert_eq!(happened(&app).await.iter().filter(|name| *name == "user.unlocked operator").count(), 1);
    }
}

/// What a recovery made by one device alone does not outlast the password that was set with it: alone it would count.
#[tokio::test]
async fn a_card_that_a_recovery_made_goes_with_the_password_beside_it() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["phone", "hardcode", "passcode"]]);
        unlimited(settings, &["signin", "send", "attempt", "failures"]);
    };
    for app in TestApp::each(list).await {
        let asked = app.client().signup(json!({ "phone": NUMBER, "hardcode": "7391" })).await.asks();
        let code = app.code().await.code().to_owned();
        let user = app.client().answer(&asked.attempt, json!({ "passcode": code })).await.done().user;
        let removed =
            reset::reset(&app.app, &user.as_str().into(), None, &["card".to_owned()]).await.unwrap();
        assert_eq!(removed.removed, 1);
        app.mail().await;
        let asked = app.client().recovery(json!({ "phone": NUMBER })).await.asks();
        let code = app.code().await.code().to_owned();
        let asked = app.client().answer(&asked.attempt, json!({ "passcode": code })).await.asks();
        assert_eq!(asked.secrets(), ["new_password", "hardcode"]);
        let anew = json!({ "new_password": OTHER, "hardcode": "8264" });
        app.client().answer(&asked.attempt, anew).await.done();
        let done = reset::reset(&app.app, &user.as_str().into(), None, &[]).await.unwrap();
        assert_eq!((done.removed, done.open), (1, true), "{}", app.database());
        let key = done.key.unwrap();
        let handle = key.handle.expose();
        let lacking = app.client().answer(handle, json!({ "new_password": OTHER })).await;
        assert!(lacking.fails(400, "invalid_request").text.contains("hardcode"), "the old one is gone");
        app.client().answer(handle, json!({ "new_password": OTHER, "hardcode": "9175" })).await.done();
    }
}

/// Whose only address the operator took is there still a day later, and sets what the key asks for.
#[tokio::test]
async fn a_young_account_whose_only_address_was_removed_is_not_swept() {
    for app in TestApp::each(|settings| settings.flows = flows(&[&["email", "password"]])).await {
        let user = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await.done.user;
        app.pass(3 * DAY);
        let done = reset::reset(&app.app, &user.as_str().into(), None, &["email".to_owned()]).await.unwrap();
        deletion::purge_due(&app.app).await.unwrap();
        operator::add_identifier(&app.app, &user.as_str().into(), "email", SECOND).await.unwrap();
        assert!(done.key.is_some());
        sign_in(&app, PASSWORD).await.wrong();
    }
}
