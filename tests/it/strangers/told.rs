//! What tells an owner of changes that can be taken back: it is told again once what took those back is gone, and a few
//! times a day for whoever has it sent.

use multauth::auth::operator::reset;
use multauth::base::Sensitive;
use multauth::base::clock::{DAY, HOUR};
use multauth::settings::{Confirm, Settings};
use serde_json::json;

use super::{EMAIL, by};
use crate::support::app::{TestApp, unlimited};
use crate::support::mailbox::Mail;
use crate::support::person::{PASSWORD, Person};

const PHONE: &str = "+12124567890";

fn by_phone_or_email(settings: &mut Settings) {
    by(&[&["phone", "password"], &["email", "password"]])(settings);
    unlimited(settings, &["signin", "send", "devices", "recovery", "reauth"]);
    settings.phone.countries = vec!["US".into()];
}

/// Somebody adds an address; gives what is told of it.
async fn told_of(app: &TestApp, own: &Person, n: usize) -> Vec<Mail> {
    app.mail().await;
    let address = json!({ "kind": "email", "email": format!("{n}@example.org") });
    let added = own.client.add(address).await.is(201).json();
    let code = app.mail().await.into_iter().find_map(|mail| mail.code).unwrap();
    own.client.confirm(added["id"].as_str().unwrap(), &code).await.is(200);
    app.mail().await
}

/// Somebody signs in by the phone and adds an address; gives what the phone is told of it.
async fn adds(app: &TestApp, n: usize) -> Option<Mail> {
    let done = app.client().signin(json!({ "phone": PHONE, "password": PASSWORD })).await.done();
    let told = told_of(app, &Person::with(&app.client(), done), n).await;
    told.into_iter().find(|mail| mail.to == PHONE)
}

/// An address that had its share of notices is told again once what they take back is gone.
#[tokio::test]
async fn what_was_taken_back_is_told_anew() {
    for app in TestApp::each(by_phone_or_email).await {
        app.signup(json!({ "phone": PHONE, "password": PASSWORD })).await;
        app.pass(DAY);
        let first = adds(&app, 0).await.unwrap();
        for n in 1..5 {
            assert!(adds(&app, n).await.is_some(), "{}: {n}", app.database());
        }
        assert!(adds(&app, 5).await.is_none(), "{}", app.database());
        let (key, code) = first.undo().unwrap();
        let undone =
            app.client().post("/v1/confirm", json!({ "key": key, "passcode": code })).await.is(200).json();
        let attempt = undone["attempt"]["attempt"].as_str().unwrap_or_else(|| panic!("{undone}")).to_owned();
        app.client().answer(&attempt, json!({ "new_password": PASSWORD })).await.is(200);
        assert!(adds(&app, 6).await.is_some(), "{}", app.database());
    }
}

/// A recovery by an older address ends what a younger one was told of.
#[tokio::test]
async fn what_a_recovery_ended_is_told_anew() {
    for app in TestApp::each(by_phone_or_email).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.mail().await;
        app.pass(DAY);
        let ada = Person::with(
            &app.client(),
            app.client().signin(json!({ "email": EMAIL, "password": PASSWORD })).await.done(),
        );
        app.mail().await;
        ada.add(&app, "phone", PHONE).await;
        app.pass(2 * DAY);
        for n in 0..5 {
            assert!(adds(&app, n).await.is_some(), "{}: {n}", app.database());
        }
        assert!(adds(&app, 5).await.is_none(), "{}", app.database());
        recovers(&app).await;
        assert!(adds(&app, 6).await.is_some(), "{}", app.database());
    }
}

/// Somebody recovers the account by its mailbox.
async fn recovers(app: &TestApp) {
    let asked = app.client().recovery(json!({ "email": EMAIL })).await.asks();
    app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
    app.client().answer(&asked.attempt, json!({ "new_password": PASSWORD })).await.is(200);
    app.mail().await;
}

/// Whoever is paid for texts to a number recovers their own account as often as they like.
#[tokio::test]
async fn a_number_is_told_anew_a_few_times_a_day() {
    for app in TestApp::each(by_phone_or_email).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.mail().await;
        app.pass(DAY);
        let own = app.client().signin(json!({ "email": EMAIL, "password": PASSWORD })).await.done();
        app.mail().await;
        Person::with(&app.client(), own).add(&app, "phone", PHONE).await;
        app.pass(2 * DAY);
        // Where there is room for more nothing is told anew, and nothing spent.
        for n in 0..4 {
            assert!(adds(&app, n).await.is_some(), "{}: {n}", app.database());
            recovers(&app).await;
        }
        assert!(adds(&app, 4).await.is_some(), "{}", app.database());
        for n in (10..40).step_by(10) {
            assert!(adds(&app, n).await.is_none(), "{}: {n}", app.database());
            recovers(&app).await;
            for n in n + 1..n + 6 {
                assert!(adds(&app, n).await.is_some(), "{}: {n}", app.database());
            }
        }
        recovers(&app).await;
        assert!(adds(&app, 40).await.is_none(), "{}", app.database());
        app.pass(DAY);
        assert!(adds(&app, 41).await.is_some(), "{}", app.database());
    }
}

/// Whoever had a number before has it hidden for some days, and recovers their own account meanwhile.
#[tokio::test]
async fn a_number_that_is_somebody_elses_by_now_is_not_told_anew() {
    for app in TestApp::each(by_phone_or_email).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.mail().await;
        app.pass(DAY);
        let before = app.client().signin(json!({ "email": EMAIL, "password": PASSWORD })).await.done();
        app.mail().await;
        let before = Person::with(&app.client(), before);
        let phone = before.add(&app, "phone", PHONE).await;
        before.client.delete(&format!("/v1/me/devices/{phone}")).await.is(204);
        app.mail().await;
        app.signup(json!({ "phone": PHONE, "password": PASSWORD })).await;
        app.mail().await;
        for n in 0..5 {
            assert!(adds(&app, n).await.is_some(), "{}: {n}", app.database());
        }
        assert!(adds(&app, 5).await.is_none(), "{}", app.database());
        recovers(&app).await;
        assert!(adds(&app, 6).await.is_none(), "{}: it is another's", app.database());
    }
}

/// What an operator takes away is told anew as well.
#[tokio::test]
async fn what_the_operator_reset_is_told_anew() {
    for app in TestApp::each(by_phone_or_email).await {
        let ada = app.signup(json!({ "phone": PHONE, "password": PASSWORD })).await;
        app.pass(DAY);
        for n in 0..5 {
            assert!(adds(&app, n).await.is_some(), "{}: {n}", app.database());
        }
        assert!(adds(&app, 5).await.is_none(), "{}", app.database());
        let password = Sensitive::new(PASSWORD);
        reset::reset(&app.app, &ada.done.user.as_str().into(), Some(&password), &[]).await.unwrap();
        assert!(adds(&app, 6).await.is_some(), "{}", app.database());
    }
}

/// A stranger signs up with the owner's address and has the owner told of twenty devices; the owner comes in by the code,
/// and everything of the stranger's is gone.
#[tokio::test]
async fn what_was_cleared_is_told_anew() {
    let change = |settings: &mut Settings| {
        by(&[&["email", "passcode"], &["username", "password"]])(settings);
        unlimited(settings, &["signin", "send", "devices"]);
        settings.email.confirm = Confirm::Never;
    };
    for app in TestApp::each(change).await {
        app.signup(json!({ "email": EMAIL, "username": "eve", "password": PASSWORD })).await;
        let who = json!({ "username": "eve", "password": PASSWORD });
        let eve = Person::with(&app.client(), app.client().signin(who).await.done());
        app.mail().await;
        let told =
            async |by: &Person, n: usize| told_of(&app, by, n).await.into_iter().any(|mail| mail.to == EMAIL);
        for n in 0..20 {
            assert!(told(&eve, n).await, "{}: {n}", app.database());
        }
        assert!(!told(&eve, 20).await, "{}", app.database());
        let asked = app.client().signin(json!({ "email": EMAIL })).await.asks();
        let code = app.mail().await.into_iter().find(|mail| mail.to == EMAIL).unwrap();
        let own =
            Person::with(&app.client(), app.client().passcode(&asked.attempt, code.code()).await.done());
        assert!(told(&own, 21).await, "{}", app.database());
    }
}

/// Recovery codes are made as seldom as devices are added, and what is told nobody leaves nothing.
#[tokio::test]
async fn recovery_codes_that_are_made_over_and_over_leave_little() {
    for app in TestApp::each(by(&[&["email", "password"]])).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        for n in 0..2 {
            ada.add(&app, "email", &format!("{n}@example.org")).await;
        }
        app.pass(2 * DAY);
        let who = json!({ "email": EMAIL, "password": PASSWORD });
        let own = Person::with(&app.client(), app.client().signin(who.clone()).await.done());
        app.mail().await;
        const CHANGES: &str = "SELECT COUNT(*) FROM device_changes";
        const CODES: &str = "SELECT COUNT(*) FROM challenges WHERE scope LIKE 'undo/%'";
        let before = (app.rows().number(CHANGES).await, app.rows().number(CODES).await);
        let (mut made, mut mails) = (0, 0);
        for _ in 0..30 {
            made += i64::from(own.client.post("/v1/me/recovery-codes", json!({})).await.status == 200);
            mails += app.mail().await.len();
        }
        assert_eq!((made, mails), (20, 60), "{}", app.database());
        app.pass(HOUR);
        let own = Person::with(&app.client(), app.client().signin(who).await.done());
        own.client.post("/v1/me/recovery-codes", json!({})).await.is(200);
        assert!(app.mail().await.is_empty(), "{}: each had its twenty", app.database());
        let after = (app.rows().number(CHANGES).await, app.rows().number(CODES).await);
        assert_eq!((after.0 - before.0, after.1 - before.1), (made + 1, 60), "{}", app.database());
    }
}
