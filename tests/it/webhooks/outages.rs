//! Receivers that are down, slow, gone, or somebody else's.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use multauth::store::webhooks::{self, Listed};
use serde_json::json;

use super::{WANTED, by_user};
use crate::support::app::{BEGINNING, TestApp, unlimited};
use crate::support::person::PASSWORD;
use crate::support::receiver::{Manner, Receiver};
use crate::support::until;

const UP: Manner = Manner::Answers(204);
/// What a sign-up writes of them, in its order.
const SIGNUP: [&str; 2] = ["user.created", "signin.succeeded"];

async fn listed(app: &TestApp, state: &str) -> Vec<Listed> {
    webhooks::list(&mut app.app.store.read().await.unwrap(), "", state, "", 1_000).await.unwrap()
}

#[tokio::test]
async fn after_an_outage_every_event_comes_in_order_and_none_is_lost() {
    let receiver = Receiver::start(Manner::Answers(500)).await;
    for app in TestApp::each(|settings| {
        receiver.listens(settings, "crm", WANTED);
        unlimited(settings, &["signup", "signin", "failures"]);
    })
    .await
    {
        let before = receiver.taken().len();
        receiver.now(Manner::Answers(500));
        let mut users = BTreeSet::new();
        for n in 0..10 {
            users.insert(app.named(&format!("person{n}")).await.done.user);
            app.webhook_worker.drain().await.unwrap();
            app.pass(7 * SECOND);
        }
        for n in 0..10 {
            app.pass(MINUTE);
            let again = json!({ "username": format!("person{n}"), "password": PASSWORD });
            app.client().signin(again).await.done();
            app.webhook_worker.drain().await.unwrap();
        }
        assert_eq!(receiver.taken().len(), before, "it was down");
        receiver.now(UP);
        for _ in 0..8 {
            app.pass(HOUR);
            app.webhook_worker.drain().await.unwrap();
        }
        let told = receiver.taken().split_off(before);
        let told = by_user(&told);
        assert_eq!(
            told.keys().map(ToString::to_string).collect::<BTreeSet<_>>(),
            users,
            "{}",
            app.database()
        );
        for (user, names) in told {
            assert_eq!(names, [SIGNUP[0], SIGNUP[1], "signin.succeeded"], "{}: {user}", app.database());
        }
        assert!(listed(&app, "queued").await.is_empty());
        let calls = receiver.calls();
        let ids: BTreeSet<&str> = calls.iter().filter(|call| call.taken).map(|call| call.id()).collect();
        assert_eq!(ids.len(), calls.iter().filter(|call| call.taken).count(), "none twice");
    }
}

#[tokio::test]
async fn a_retry_is_the_same_message_with_the_time_of_its_try() {
    let receiver = Receiver::start(Manner::Says(503, ("retry-after", "600"))).await;
    let app = TestApp::new(|settings| receiver.listens(settings, "crm", &["user.created"])).await;
    let user = app.named("ada").await.done.user;
    assert_eq!(app.webhook_worker.drain().await.unwrap(), 1);
    app.pass(9 * MINUTE);
    assert_eq!(app.webhook_worker.drain().await.unwrap(), 0, "it asked for ten minutes");
    app.pass(MINUTE);
    receiver.now(UP);
    assert_eq!(app.webhook_worker.drain().await.unwrap(), 1);
    let [first, second] = receiver.calls().try_into().unwrap();
    assert_eq!((first.id(), &first.body), (second.id(), &second.body));
    let at = |span: i64| ((BEGINNING + span) / SECOND).to_string();
    assert_eq!(first.headers["webhook-timestamp"], at(0));
    assert_eq!(second.headers["webhook-timestamp"], at(10 * MINUTE));
    assert_ne!(first.headers["webhook-signature"], second.headers["webhook-signature"]);
    let said = first.json();
    assert_eq!((&said["type"], &said["timestamp"]), (&json!("user.created"), &json!("2026-03-01T10:00:00Z")));
    assert_eq!(said["data"]["user_id"], user.as_str());
    assert_eq!(said["data"]["by"], "user");
}

#[tokio::test]
async fn what_is_never_taken_fails_after_three_days_and_what_stood_behind_it_goes_on() {
    let receiver = Receiver::start(Manner::Answers(500)).await;
    for app in TestApp::each(|settings| receiver.listens(settings, "crm", WANTED)).await {
        let (before, taken) = (receiver.calls().len(), receiver.taken().len());
        receiver.now(Manner::Answers(500));
        app.named("ada").await;
        for _ in 0..72 {
            app.webhook_worker.drain().await.unwrap();
            app.pass(HOUR);
        }
        assert_eq!(listed(&app, "failed").await.len(), 0, "it is tried for three days");
        let tries = receiver.calls().len() - before;
        assert!((12..30).contains(&tries), "{}: {tries}", app.database());
        assert!(receiver.calls().iter().skip(before).all(|call| call.told().0 == SIGNUP[0]), "in order");
        while listed(&app, "failed").await.is_empty() {
            app.pass(HOUR);
            assert!(app.clock.now() < BEGINNING + 5 * DAY);
            app.webhook_worker.drain().await.unwrap();
        }
        receiver.now(UP);
        app.pass(HOUR);
        app.webhook_worker.drain().await.unwrap();
        assert_eq!(receiver.taken().split_off(taken).len(), 1);
        assert_eq!(receiver.calls().last().unwrap().told().0, SIGNUP[1], "{}", app.database());
        let failed = listed(&app, "failed").await;
        assert_eq!((failed[0].event.as_str(), failed[0].status), (SIGNUP[0], Some(500)));
        assert_eq!(failed[0].problem.as_deref(), Some("answered 500"));
    }
}

#[tokio::test]
async fn gone_ends_a_delivery_at_once_and_a_redirect_is_not_followed() {
    let elsewhere = Receiver::start(UP).await;
    let to: &'static str = elsewhere.url.clone().leak();
    let receiver = Receiver::start(Manner::Says(302, ("location", to))).await;
    let app = TestApp::new(|settings| receiver.listens(settings, "crm", &["user.created"])).await;
    app.named("ada").await;
    app.webhook_worker.drain().await.unwrap();
    let waits = listed(&app, "queued").await;
    assert!(waits[0].problem.as_deref().unwrap().contains("redirects are not followed"), "{waits:?}");
    assert!(elsewhere.calls().is_empty());
    receiver.now(Manner::Answers(410));
    app.pass(MINUTE);
    app.webhook_worker.drain().await.unwrap();
    assert_eq!(listed(&app, "failed").await[0].status, Some(410));
}

#[tokio::test]
async fn a_webhook_that_hangs_slows_neither_another_one_nor_a_sign_up() {
    let (slow, quick) = (Receiver::start(Manner::Hangs).await, Receiver::start(UP).await);
    let app = TestApp::new(|settings| {
        slow.listens(settings, "slow", WANTED);
        settings.webhooks.get_mut("slow").unwrap().timeout = multauth::settings::Span(60 * SECOND);
        quick.listens(settings, "quick", WANTED);
        unlimited(settings, &["signup"]);
    })
    .await;
    let stop = std::sync::Arc::new(tokio::sync::Notify::new());
    let running = tokio::spawn(app.webhook_worker.clone().run(stop.clone()));
    let began = Instant::now();
    for n in 0..20 {
        app.named(&format!("person{n}")).await;
    }
    until("the quick one has all", 10, async || quick.taken().len() == 40).await;
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(slow.calls().len(), 8, "so many at once, of different users");
    let users: BTreeSet<_> = slow.calls().iter().map(|call| call.told()).collect();
    assert!(users.len() == 8 && users.iter().all(|(name, _)| name == SIGNUP[0]), "{users:?}");
    for (user, names) in by_user(&quick.taken()) {
        assert_eq!(names, SIGNUP, "{user}");
    }
    running.abort();
}

#[tokio::test]
async fn two_instances_on_one_database_deliver_nothing_twice() {
    let receiver = Receiver::start(UP).await;
    for app in TestApp::each(|settings| {
        receiver.listens(settings, "crm", WANTED);
        unlimited(settings, &["signup"]);
    })
    .await
    {
        let before = receiver.taken().len();
        let other = app.again().await;
        for n in 0..15 {
            app.named(&format!("person{n}")).await;
            other.named(&format!("other{n}")).await;
        }
        let (a, b) = tokio::join!(app.webhook_worker.drain(), other.webhook_worker.drain());
        assert_eq!(a.unwrap() + b.unwrap(), 60, "{}", app.database());
        let told = receiver.taken().split_off(before);
        assert_eq!(told.len(), 60);
        for (user, names) in by_user(&told) {
            assert_eq!(names, SIGNUP, "{}: {user}", app.database());
        }
    }
}

#[tokio::test]
async fn of_two_installations_neither_receiver_gets_the_others_events() {
    let (a, b) = (Receiver::start(UP).await, Receiver::start(UP).await);
    let one = TestApp::new(|settings| a.listens(settings, "crm", &["user.*"])).await;
    let two = TestApp::new(|settings| b.listens(settings, "crm", &["user.*"])).await;
    let (ada, bob) = (one.named("ada").await.done.user, two.named("bob").await.done.user);
    one.webhook_worker.drain().await.unwrap();
    two.webhook_worker.drain().await.unwrap();
    assert_eq!(a.taken(), [("user.created".to_owned(), ada)], "and no signin.succeeded");
    assert_eq!(b.taken(), [("user.created".to_owned(), bob)]);
}

#[tokio::test]
async fn what_waits_for_a_webhook_that_was_removed_fails_with_the_reason() {
    let receiver = Receiver::start(Manner::Answers(500)).await;
    for app in TestApp::each(|settings| receiver.listens(settings, "crm", &["user.created"])).await {
        app.named("ada").await;
        let without = app.again_with(|settings| settings.webhooks.clear()).await;
        without.webhook_worker.drain().await.unwrap();
        assert_eq!(listed(&app, "queued").await.len(), 1, "another instance may know it");
        app.pass(HOUR);
        without.webhook_worker.drain().await.unwrap();
        let failed = listed(&app, "failed").await;
        assert_eq!(failed[0].problem.as_deref(), Some("the webhook was removed"), "{}", app.database());
    }
}
