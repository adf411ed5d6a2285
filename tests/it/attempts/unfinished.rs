//! A sign-in that passed a secret and was never finished is told to the owner of the account (R128).

use multauth::auth::attempts::unfinished;
use multauth::base::clock::{DAY, HOUR, MINUTE};
use multauth::messages::Kind;
use multauth::settings::Settings;
use multauth::store::{sweep, users};
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::Asked;
use crate::support::mailbox::Mail;
use crate::support::person::{OTHER, PASSWORD, Person};

const EMAIL: &str = "maria@example.org";

fn two_steps(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password", "passcode"]]);
    unlimited(settings, &["send", "signin", "recovery"]);
}

fn right() -> Value {
    json!({ "email": EMAIL, "password": PASSWORD })
}

/// Somebody who signed up a minute ago.
async fn maria(app: &TestApp) -> Person {
    let maria = app.signup(right()).await;
    app.pass(MINUTE);
    maria
}

/// Gives the right password; the code stays unread.
async fn begin(app: &TestApp) -> Asked {
    let asked = app.client().signin(right()).await.asks();
    app.code().await;
    asked
}

/// What an instance does by itself, what is over deleted first; gives what it told.
async fn upkeep(app: &TestApp) -> Vec<Mail> {
    let mut tx = app.app.store.begin().await.unwrap();
    sweep::once(&mut tx, app.app.now()).await.unwrap();
    tx.commit().await.unwrap();
    unfinished::tell(&app.app).await.unwrap();
    app.mail().await
}

/// How many attempts there are still.
async fn left(app: &TestApp) -> i64 {
    app.rows().number("SELECT COUNT(*) FROM attempts").await
}

#[tokio::test]
async fn a_right_password_without_the_code_is_told_once_at_every_address() {
    for app in TestApp::each(two_steps).await {
        maria(&app).await.add(&app, "email", "maria@example.com").await;
        for _ in 0..2 {
            begin(&app).await;
            app.pass(5 * MINUTE);
        }
        TestApp::assert_silent(&upkeep(&app).await);
        app.pass(11 * MINUTE);
        let told = upkeep(&app).await;
        let mut to: Vec<&str> = told.iter().map(|mail| mail.to.as_str()).collect();
        to.sort_unstable();
        assert_eq!(to, ["maria@example.com", EMAIL], "{}", app.database());
        assert!(told.iter().all(|mail| mail.kind == Kind::SigninUnfinished));
        assert!(told[0].text.contains("10:06"), "when the last one began: {}", told[0].text);
        TestApp::assert_silent(&upkeep(&app).await);
        assert_eq!(left(&app).await, 0);
    }
}

#[tokio::test]
async fn nothing_is_told_once_the_owner_came_in() {
    for app in TestApp::each(two_steps).await {
        maria(&app).await;
        begin(&app).await;
        app.pass(20 * MINUTE);
        let asked = app.client().signin(right()).await.asks();
        app.client().passcode(&asked.attempt, app.code().await.code()).await.done();
        TestApp::assert_silent(&upkeep(&app).await);
        assert_eq!(left(&app).await, 0, "{}", app.database());
        app.pass(MINUTE);
        begin(&app).await;
        app.pass(16 * MINUTE);
        assert_eq!(upkeep(&app).await.len(), 1, "one that began later is told");
    }
}

#[tokio::test]
async fn nothing_is_told_of_what_proved_nothing() {
    for app in TestApp::each(two_steps).await {
        maria(&app).await;
        app.client().signin(json!({ "email": EMAIL, "password": OTHER })).await.wrong();
        app.client().signin(json!({ "email": EMAIL })).await.asks();
        app.client().signin(json!({ "email": "nobody@example.org", "password": PASSWORD })).await.wrong();
        let asked = app.client().signin(json!({ "email": EMAIL })).await.asks();
        app.client().delete(&format!("/v1/attempts/{}", asked.attempt)).await.is(204);
        let recovery = app.client().recovery(json!({ "email": EMAIL })).await.asks();
        app.client().passcode(&recovery.attempt, app.code().await.code()).await.asks();
        app.pass(16 * MINUTE);
        assert_eq!(unfinished::tell(&app.app).await.unwrap(), 0, "{}", app.database());
        TestApp::assert_silent(&upkeep(&app).await);
        assert_eq!(left(&app).await, 0, "{}", app.database());
    }
}

/// Whoever sends the right password and a wrong code in one, or calls the attempt off, has shown that they know it.
#[tokio::test]
async fn it_is_told_however_the_attempt_ended() {
    for app in TestApp::each(two_steps).await {
        maria(&app).await;
        for wrong in [json!({ "passcode": "000000" }), json!({ "recovery_code": "abcd-efgh-jkmn-pqrs" })] {
            let mut all = right();
            all.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
            app.client().signin(all).await.wrong();
            app.pass(16 * MINUTE);
            let told = upkeep(&app).await;
            assert_eq!(
                told.iter().filter(|mail| mail.kind == Kind::SigninUnfinished).count(),
                1,
                "{wrong} {told:?}"
            );
            app.pass(DAY);
        }
        let asked = begin(&app).await;
        app.client().delete(&format!("/v1/attempts/{}", asked.attempt)).await.is(204);
        app.client().passcode(&asked.attempt, "000000").await.fails(404, "attempt_gone");
        // Who called it off may be about to begin anew, and is given the time of it.
        TestApp::assert_silent(&upkeep(&app).await);
        app.pass(16 * MINUTE);
        assert_eq!(upkeep(&app).await.len(), 1, "{}", app.database());
        assert_eq!(left(&app).await, 0, "{}", app.database());
    }
}

#[tokio::test]
async fn a_day_has_one_such_notice() {
    for app in TestApp::each(two_steps).await {
        maria(&app).await;
        begin(&app).await;
        app.pass(16 * MINUTE);
        assert_eq!(upkeep(&app).await.len(), 1);
        begin(&app).await;
        app.pass(23 * HOUR);
        TestApp::assert_silent(&upkeep(&app).await);
        assert_eq!(left(&app).await, 0, "{}: it is over all the same", app.database());
        begin(&app).await;
        app.pass(HOUR);
        assert_eq!(upkeep(&app).await.len(), 1, "a day after the one that was told");
        let events = "SELECT COUNT(*) FROM events WHERE name = 'signin.unfinished'";
        assert_eq!(app.rows().number(events).await, 2);
        app.pass(DAY);
        TestApp::assert_silent(&upkeep(&app).await);
    }
}

#[tokio::test]
async fn nothing_is_told_of_an_account_that_may_not_be_used() {
    for app in TestApp::each(two_steps).await {
        let maria = maria(&app).await;
        begin(&app).await;
        let mut tx = app.app.store.begin().await.unwrap();
        // Not as the operator does it, which ends the attempt as well.
        let now = app.app.now();
        users::set_disabled(&mut tx, &maria.done.user.as_str().into(), Some(now), now)
            .await
            .unwrap()
            .either_way();
        tx.commit().await.unwrap();
        app.pass(16 * MINUTE);
        TestApp::assert_silent(&upkeep(&app).await);
        assert_eq!(left(&app).await, 0, "{}", app.database());
    }
}

#[tokio::test]
async fn of_several_instances_one_tells() {
    for app in TestApp::each(two_steps).await {
        maria(&app).await;
        for _ in 0..3 {
            begin(&app).await;
        }
        app.pass(16 * MINUTE);
        let other = app.again().await;
        let each = [&app, &other, &app, &other].map(|one| unfinished::tell(&one.app));
        let told: usize = futures_util::future::join_all(each).await.into_iter().map(Result::unwrap).sum();
        assert_eq!(told, 1, "{}", app.database());
        assert_eq!(app.mail().await.len(), 1);
    }
}
