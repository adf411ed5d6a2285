//! Who was thrown out stays so, and hears that and no more.

use multauth::auth::deletion;
use multauth::auth::operator;
use multauth::base::clock::{DAY, MINUTE};
use multauth::events::{By, Source};
use multauth::messages::Kind;
use multauth::settings::{Confirm, Settings};
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::weighed::thief_plain::{A, B, ada, addresses, by_email};

const NUMBER: &str = "+12124567890";

/// Whoever comes by the code of an address that nobody had proven owns what is left, and those who prepared it hear
/// only that they are gone.
#[tokio::test]
async fn whoever_prepared_an_account_hears_that_they_are_gone_and_no_more() {
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["email", "passcode"], &["username", "password"]]);
        settings.email.confirm = Confirm::Never;
    };
    for app in TestApp::each(list).await {
        let mallory = app.signup(json!({ "username": "mallory", "email": A, "password": PASSWORD })).await;
        app.pass(MINUTE);
        mallory.add(&app, "email", B).await;
        let client = app.client();
        let asked = client.signin(json!({ "email": A })).await.asks();
        client.passcode(&asked.attempt, app.code().await.code()).await.done();
        assert_eq!(addresses(&app, &mallory.done.user).await, [A], "{}", app.database());
        let told: Vec<_> = app.mail().await.into_iter().filter(|mail| mail.to == B).collect();
        assert_eq!(told.iter().map(|mail| mail.kind).collect::<Vec<_>>(), [Kind::DeviceRemoved]);
        assert!(told[0].undo().is_none() && !told[0].text.contains("Roughly where"), "{}", told[0].text);
        mallory.client.get("/v1/me").await.fails(401, "invalid_token");
    }
}

/// A deletion that was under way in a stolen session does not overtake the recovery that ended it.
#[tokio::test]
async fn who_was_thrown_out_deletes_nothing() {
    for app in TestApp::each(by_email).await {
        let ada = ada(&app).await;
        let (account, _) = operator::show(&app.app, &ada.done.user.as_str().into()).await.unwrap();
        let asked = app.client().recovery(json!({ "email": A })).await.asks();
        let asked = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
        app.client().answer(&asked.attempt, json!({ "new_password": OTHER })).await.done();
        let late = deletion::delete(&app.app, &account, By::User, &Source::default(), &[]).await;
        assert!(late.is_err(), "{}", app.database());
        app.client().signin(json!({ "email": A, "password": OTHER })).await.is(200);
    }
}

/// What was added in a session that its owner has ended is confirmed by nobody with the old password.
#[tokio::test]
async fn what_was_added_in_a_session_that_ended_is_not_confirmed_by_a_typed_secret() {
    for (ended, confirmed) in [(false, true), (true, false)] {
        for app in TestApp::each(by_email).await {
            let ada = ada(&app).await;
            app.client().signin(json!({ "email": A, "password": PASSWORD })).await.is(200);
            app.mail().await;
            ada.client.add(json!({ "kind": "email", "email": B })).await.is(201);
            let key = app.code().await.key().to_owned();
            if ended {
                operator::end_sessions(&app.app, &ada.done.user.as_str().into()).await.unwrap();
            }
            let body = json!({ "key": key, "password": PASSWORD });
            let answer = app.client().post("/v1/confirm", body).await.is(200).json();
            assert_eq!(answer["confirmed"], confirmed, "{} {answer}", app.database());
            assert_eq!(addresses(&app, &ada.done.user).await.contains(&B.to_owned()), confirmed);
        }
    }
}

/// The code of a recovery by a name goes to the address that may recover, whichever was made the first.
#[tokio::test]
async fn a_name_recovers_by_the_address_that_does_not_have_to_wait() {
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["username", "password"], &["email", "password"]]);
        settings.recovery = flows(&[&["username", "passcode"]]);
    };
    for app in TestApp::each(list).await {
        let ada = app.signup(json!({ "username": "ada", "email": A, "password": PASSWORD })).await;
        app.pass(4 * DAY);
        let client = app.client();
        let body = json!({ "username": "ada", "password": PASSWORD });
        let ada = Person { client: client.bearing(&client.signin(body).await.done().access), ..ada };
        let id = ada.add(&app, "email", B).await;
        ada.client.patch(&format!("/v1/me/devices/{id}"), json!({ "primary": true })).await.is(200);
        app.mail().await;
        app.client().recovery(json!({ "username": "ada" })).await.asks();
        let sent = app.mail().await;
        let to: Vec<_> = sent.iter().filter(|m| m.kind == Kind::RecoveryCode).map(|m| &m.to).collect();
        assert_eq!(to, [A], "{}", app.database());
    }
}

/// Two sign-ins that finish at once show one list of recovery codes between them: the other would be dead.
#[tokio::test]
async fn two_sign_ins_at_once_show_one_list_of_recovery_codes() {
    let list = |settings: &mut Settings| {
        by_email(settings);
        settings.flows = flows(&[&["email", "password", "passcode"]]);
        unlimited(settings, &["recovery"]);
    };
    for app in TestApp::each(list).await {
        let ada = app.signup(json!({ "email": A, "password": PASSWORD })).await;
        ada.add(&app, "phone", NUMBER).await;
        app.pass(2 * DAY);
        // A recovery by the phone drops the codes that there are.
        let asked = app.client().recovery(json!({ "phone": NUMBER })).await.asks();
        let asked = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
        app.client().answer(&asked.attempt, json!({ "new_password": OTHER })).await.done();
        let mut attempts = Vec::new();
        for _ in 0..2 {
            app.pass(2 * MINUTE);
            app.mail().await;
            // Beside the phone that recovered the address is asked for.
            let asked = app.client().signin(json!({ "email": A, "password": OTHER })).await.asks();
            let asked = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
            let code = app.code().await;
            attempts.push((asked.attempt, code.code().to_owned()));
        }
        let (one, other) = (app.client(), app.client());
        let (first, second) = tokio::join!(
            one.passcode(&attempts[0].0, &attempts[0].1),
            other.passcode(&attempts[1].0, &attempts[1].1)
        );
        let shown = [first, second].map(|answer| match &answer.is(200).json()["recovery_codes"] {
            Value::Array(codes) => codes.len(),
            _ => 0,
        });
        assert_eq!(shown.iter().sum::<usize>(), 10, "{shown:?} {}", app.database());
        assert_eq!(app.rows().number("SELECT COUNT(*) FROM secrets WHERE kind = 'recovery'").await, 10);
    }
}
