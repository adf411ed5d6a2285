//! How long a change may be taken back, by whom, and what is not kept for that.

use multauth::auth::operator;
use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use multauth::messages::Kind;
use multauth::settings::{Confirm, Settings};
use serde_json::json;

use super::thief_plain::{
    A, B, C, ada, addresses, again, by_email, device, remove, replace, take_back, undo,
};
use crate::support::app::{TestApp, flows};
use crate::support::mailbox::wrong;
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::support::token::totp;

#[tokio::test]
async fn after_three_days_nothing_is_taken_back() {
    for (late, status) in [(71 * HOUR, 200), (73 * HOUR, 404)] {
        for app in TestApp::each(by_email).await {
            let ada = ada(&app).await;
            remove(&ada, C).await;
            let (key, code) = undo(&app.mail().await, A);
            app.pass(late);
            let spent = app.client().post("/v1/confirm", json!({ "key": key, "passcode": code })).await;
            assert_eq!(spent.status, status, "{}", app.database());
        }
    }
}

#[tokio::test]
async fn an_app_comes_back_as_it_was() {
    for app in TestApp::each(by_email).await {
        let ada = ada(&app).await;
        let (id, seed) = ada.enrol(&app).await;
        app.pass(4 * DAY);
        let client = app.client();
        let asked = client.signin(json!({ "email": A, "password": PASSWORD })).await.asks();
        let code = totp(&seed, app.clock.now());
        let done = client.passcode(&asked.attempt, &code).await.done();
        let ada = Person::with(&client, done);
        let row = async |app: &TestApp| {
            let (account, _) = operator::show(&app.app, &ada.done.user.as_str().into()).await.unwrap();
            account.device(&id).map(|device| (device.confirmed_at, device.proven_at, device.is_primary))
        };
        let before = row(&app).await;
        assert!(before.is_some());
        ada.client.delete(&format!("/v1/me/devices/{id}")).await.is(204);
        assert_eq!(row(&app).await, None);
        take_back(&app.client(), &undo(&app.mail().await, A)).await;
        assert_eq!(row(&app).await, before);
        app.pass(30 * SECOND);
        let asked = app.client().signin(json!({ "email": A, "password": OTHER })).await.asks();
        let code = totp(&seed, app.clock.now());
        app.client().answer(&asked.attempt, json!({ "passcode": code, "device": id })).await.done();
    }
}

#[tokio::test]
async fn nothing_is_taken_back_in_a_disabled_account() {
    for app in TestApp::each(by_email).await {
        let ada = ada(&app).await;
        remove(&ada, C).await;
        let link = undo(&app.mail().await, A);
        operator::set_disabled(&app.app, &ada.done.user.as_str().into(), true).await.unwrap();
        let body = json!({ "key": link.0, "passcode": link.1 });
        app.client().post("/v1/confirm", body).await.fails(404, "link_dead");
        operator::set_disabled(&app.app, &ada.done.user.as_str().into(), false).await.unwrap();
        take_back(&app.client(), &link).await;
        assert_eq!(addresses(&app, &ada.done.user).await, [A, C]);
    }
}

#[tokio::test]
async fn a_change_is_taken_back_once() {
    for app in TestApp::each(by_email).await {
        let ada = ada(&app).await;
        ada.add_late(&app).await;
        let mail = app.mail().await;
        let (by_a, by_c) = (undo(&mail, A), undo(&mail, C));
        take_back(&app.client(), &by_a).await;
        for (key, code) in [by_a, by_c] {
            let body = json!({ "key": key, "passcode": code });
            app.client().post("/v1/confirm", body).await.fails(404, "link_dead");
        }
    }
}

#[tokio::test]
async fn a_late_address_is_told_without_an_undo() {
    for app in TestApp::each(by_email).await {
        let ada = ada(&app).await;
        ada.add_late(&app).await;
        app.mail().await;
        remove(&ada, C).await;
        let mail = app.mail().await;
        let told: Vec<_> = mail.iter().filter(|mail| mail.kind == Kind::DeviceRemoved).collect();
        let undone = |to: &str| told.iter().find(|mail| mail.to == to).map(|mail| mail.undo().is_some());
        assert_eq!([A, B, C].map(undone), [Some(true), Some(false), Some(true)]);
        app.pass(DAY);
        let ada = again(&app).await;
        ada.client.post("/v1/me/recovery-codes", json!({})).await.is(200);
        let mail = app.mail().await;
        assert!(mail.iter().any(|mail| mail.to == B && mail.undo().is_some()), "a day later it is none");
    }
}

#[tokio::test]
async fn what_the_operator_removes_is_not_kept() {
    for app in TestApp::each(by_email).await {
        let ada = ada(&app).await;
        let id = device(&ada, C).await;
        operator::remove_device(&app.app, &id.as_str().into(), false).await.unwrap();
        assert!(app.mail().await.iter().all(|mail| mail.undo().is_none()));
        assert_eq!(app.rows().number("SELECT COUNT(*) FROM devices").await, 1, "{}", app.database());
    }
}

#[tokio::test]
async fn guesses_at_the_codes_of_one_address_do_not_bar_another() {
    for app in TestApp::each(by_email).await {
        let ada = ada(&app).await;
        ada.add_late(&app).await;
        let oldest = undo(&app.mail().await, A);
        app.pass(25 * HOUR);
        let thief = app.client();
        for _ in 0..4 {
            let ada = again(&app).await;
            ada.client.post("/v1/me/recovery-codes", json!({})).await.is(200);
            let (key, code) = undo(&app.mail().await, B);
            for n in 0..5 {
                thief.post("/v1/confirm", json!({ "key": key, "passcode": wrong(&code, n) })).await;
            }
        }
        take_back(&app.client(), &oldest).await;
        assert_eq!(addresses(&app, &ada.done.user).await, [A, C]);
    }
}

#[tokio::test]
async fn a_recovery_ends_what_a_younger_address_could_take_back() {
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["email", "password"]]);
    };
    for app in TestApp::each(list).await {
        let ada = ada(&app).await;
        ada.add_late(&app).await;
        app.mail().await;
        app.pass(25 * HOUR);
        remove(&again(&app).await, B).await;
        let mail = app.mail().await;
        let (by_a, by_b) = (undo(&mail, A), undo(&mail, B));
        let client = app.client();
        let asked = client.recovery(json!({ "email": A })).await.asks();
        let next = client.passcode(&asked.attempt, app.code().await.code()).await.asks();
        client.answer(&next.attempt, json!({ "new_password": OTHER })).await.done();
        let body = json!({ "key": by_b.0, "passcode": by_b.1 });
        app.client().post("/v1/confirm", body).await.fails(404, "link_dead");
        assert_eq!(addresses(&app, &ada.done.user).await, [A, C], "{}", app.database());
        take_back(&app.client(), &by_a).await;
        assert_eq!(addresses(&app, &ada.done.user).await, [B, A, C]);
    }
}

#[tokio::test]
async fn a_recovery_gives_a_younger_address_nothing_to_take_back() {
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["email", "password"]]);
    };
    for app in TestApp::each(list).await {
        let ada = ada(&app).await;
        ada.add_late(&app).await;
        app.mail().await;
        app.pass(25 * HOUR);
        again(&app).await.add(&app, "phone", "+12124567890").await;
        app.pass(MINUTE);
        let client = app.client();
        let asked = client.recovery(json!({ "email": A })).await.asks();
        let next = client.passcode(&asked.attempt, app.code().await.code()).await.asks();
        client.answer(&next.attempt, json!({ "new_password": OTHER })).await.done();
        let mail = app.mail().await;
        let told = |to: &str| mail.iter().find(|mail| mail.to == to && mail.kind == Kind::RecoveryDone);
        assert_eq!(told(A).unwrap().recent.len(), 2, "{}", app.database());
        assert!(told(B).unwrap().recent.is_empty(), "{:?}", told(B));
    }
}

#[tokio::test]
async fn an_address_that_took_the_place_of_all_others_recovers_nothing_for_a_day() {
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["email", "password"]]);
    };
    for app in TestApp::each(list).await {
        let ada = ada(&app).await;
        replace(&app, &ada, A, B).await;
        remove(&ada, C).await;
        assert_eq!(addresses(&app, &ada.done.user).await, [B]);
        app.mail().await;
        for (later, recovers) in [(23 * HOUR, false), (2 * HOUR, true)] {
            app.pass(later);
            app.client().recovery(json!({ "email": B })).await.is(200).asks();
            let codes = app.mail().await.iter().filter(|mail| mail.kind == Kind::RecoveryCode).count();
            assert_eq!(codes == 1, recovers, "{}", app.database());
        }
    }
}

/// Where a sign-up takes addresses as they are: whoever proves one that nobody has proven is rid of everything else,
/// and so one that was added from inside is none before it is proven there.
#[tokio::test]
async fn an_address_that_was_added_takes_no_account_over() {
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["email", "passcode"], &["phone", "passcode"]]);
        settings.email.confirm = Confirm::Never;
        settings.phone.confirm = Confirm::Never;
    };
    for (kind, address) in [("email", B), ("phone", "+12124567890")] {
        for app in TestApp::each(list).await {
            app.signup(json!({ "email": A })).await;
            let ada = by_code(&app, "email", A).await.expect("the first sign-in proves it");
            ada.client.add(json!({ "kind": kind, kind: address })).await.is(201);
            app.mail().await;
            assert!(by_code(&app, kind, address).await.is_none(), "{kind} let a stranger in");
            let kept = addresses(&app, &ada.done.user).await;
            assert_eq!(kept, [A], "{kind} {}", app.database());
            ada.client.get("/v1/me").await.is(200);
        }
    }
}

async fn by_code(app: &TestApp, kind: &str, address: &str) -> Option<Person> {
    let client = app.client();
    let asked = client.signin(json!({ kind: address })).await.asks();
    let code = app.mail().await.into_iter().find_map(|mail| mail.code)?;
    Some(Person::with(&client, client.passcode(&asked.attempt, &code).await.done()))
}

/// What a sign-up takes as it is takes nothing from whoever proved it and can have it back.
#[tokio::test]
async fn a_sign_up_takes_no_address_that_an_undo_brings_back() {
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["email", "password"]]);
        settings.email.confirm = Confirm::Never;
    };
    for app in TestApp::each(list).await {
        let ada = app.signup(json!({ "email": A, "password": PASSWORD })).await;
        app.pass(MINUTE);
        ada.add(&app, "email", B).await;
        app.mail().await;
        remove(&ada, A).await;
        let link = undo(&app.mail().await, A);
        app.client().signup(json!({ "email": A, "password": OTHER })).await.done();
        take_back(&app.client(), &link).await;
        let back = addresses(&app, &ada.done.user).await;
        assert!(back.contains(&A.to_owned()), "{back:?} {}", app.database());
    }
}

/// Of an account that a name alone led to, an address that came within the day takes nothing back either.
#[tokio::test]
async fn a_first_address_beside_a_name_takes_nothing_back_for_a_day() {
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["username", "password"], &["email", "password"]]);
    };
    for app in TestApp::each(list).await {
        let ada = app.named("ada").await;
        app.pass(MINUTE);
        ada.add(&app, "email", B).await;
        app.mail().await;
        remove(&ada, B).await;
        let told = app.mail().await;
        assert!(told.iter().all(|mail| mail.undo().is_none()), "{told:#?}");
    }
}

/// The code of a recovery by a name goes to no address that came within the day.
#[tokio::test]
async fn a_name_recovers_by_no_address_that_came_within_the_day() {
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["username", "password"], &["email", "password"]]);
        settings.recovery = flows(&[&["username", "passcode"]]);
    };
    for app in TestApp::each(list).await {
        let ada = app.named("ada").await;
        app.pass(MINUTE);
        ada.add(&app, "email", B).await;
        for (later, recovers) in [(23 * HOUR, false), (2 * HOUR, true)] {
            app.pass(later);
            app.mail().await;
            app.client().recovery(json!({ "username": "ada" })).await.asks();
            let sent = app.mail().await;
            let codes = sent.iter().filter(|mail| mail.kind == Kind::RecoveryCode).count();
            assert_eq!(codes == 1, recovers, "{sent:#?} {}", app.database());
        }
    }
}

/// However often a change is told of, it is taken back within three days of being made.
#[tokio::test]
async fn what_a_recovery_names_is_taken_back_for_what_is_left_of_its_three_days() {
    for app in TestApp::each(by_email).await {
        let ada = ada(&app).await;
        ada.add(&app, "email", B).await;
        app.pass(71 * HOUR);
        app.mail().await;
        let asked = app.client().recovery(json!({ "email": A })).await.asks();
        let code = app.code().await;
        let asked = app.client().passcode(&asked.attempt, code.code()).await.asks();
        app.client().answer(&asked.attempt, json!({ "new_password": OTHER })).await.done();
        let told = app.mail().await;
        let recent = told.iter().filter(|mail| mail.to == A).find_map(|mail| mail.recent.first());
        let (key, code) = recent.expect("the recovery names it").clone();
        app.pass(2 * HOUR);
        let late = app.client().post("/v1/confirm", json!({ "key": key, "passcode": code })).await;
        late.fails(404, "link_dead");
    }
}
