//! A mail server that is away or refuses loses nothing and stops nobody (F8).

use std::collections::BTreeSet;

use futures_util::future::join_all;
use multauth::base::clock::{DAY, MINUTE, SECOND};
use multauth::store;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::client::{Asked, Client};
use crate::support::person::PASSWORD;
use crate::support::sink::{Manner, Sink};

const PEOPLE: usize = 500;
const AT_ONCE: usize = 10;
const LATER: Manner = Manner::Answer("451 4.7.1 come back later");

async fn waiting(app: &TestApp) -> i64 {
    store::outbox::waiting(&mut app.rows().store.read().await.unwrap()).await.unwrap()
}

fn address(n: usize) -> String {
    format!("p{n}@example.org")
}

/// Begins a sign-up that a mail has to complete.
async fn begin(app: &TestApp, to: &str) -> (Client, Asked) {
    let client = app.client();
    let asked = client.signup(json!({ "email": to, "password": PASSWORD })).await.asks();
    assert_eq!(asked.secrets(), ["passcode"]);
    (client, asked)
}

/// Somebody whose address is proven, so that they have notices to get.
async fn settle(app: &TestApp, to: &str) {
    app.signup(json!({ "email": to, "password": PASSWORD })).await;
}

/// Queues a notice for the owner of that address, once a day.
async fn notify(app: &TestApp, to: &str) {
    begin(app, to).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_sign_up_while_the_mail_server_is_away_and_each_gets_one_mail_when_it_is_back() {
    let sink = Sink::down();
    for app in TestApp::each(|settings| settings.email.providers = vec![sink.settings("2s")]).await {
        let mut people = Vec::new();
        for first in (0..PEOPLE).step_by(AT_ONCE) {
            let some = (first..first + AT_ONCE).map(|n| address(n)).collect::<Vec<_>>();
            people.extend(join_all(some.iter().map(|to| begin(&app, to))).await);
            // Meanwhile each of them is tried, in vain, and a minute goes by.
            app.pass(MINUTE / 50);
            TestApp::assert_silent(&app.mail().await);
        }
        assert_eq!(waiting(&app).await, PEOPLE as i64, "{}: nothing is lost", app.database());
        // It is back and takes nothing yet: that is no reason to give up either.
        sink.is_to(LATER);
        sink.rise().await;
        app.pass(10 * SECOND);
        TestApp::assert_silent(&app.mail().await);
        assert!(!sink.asked().is_empty() && sink.mails().is_empty());
        sink.is_to(Manner::Take);
        for _ in 0..12 {
            app.pass(10 * SECOND);
            app.mail().await;
        }
        let mails = sink.mails();
        let reached: BTreeSet<_> = mails.iter().map(|mail| mail.to.clone()).collect();
        assert_eq!(reached, (0..PEOPLE).map(address).collect(), "{}: within two minutes", app.database());
        assert_eq!(mails.len(), PEOPLE, "{}: and nobody twice", app.database());
        assert_eq!(waiting(&app).await, 0);
        let last = mails.last().unwrap();
        let n = (0..PEOPLE).find(|n| address(*n) == last.to).unwrap();
        let (client, asked) = &people[n];
        client.passcode(&asked.attempt, &last.letter.code()).await.done();
        sink.fall().await;
        sink.forget();
    }
}

#[tokio::test]
async fn a_refusal_for_now_is_tried_again_after_1_2_4_up_to_60_minutes() {
    let sink = Sink::up().await;
    let app = TestApp::new(|settings| settings.email.providers = vec![sink.settings("2s")]).await;
    settle(&app, "maria@example.org").await;
    sink.is_to(LATER);
    sink.forget();
    notify(&app, "maria@example.org").await;
    app.mail().await;
    assert_eq!(sink.asked().len(), 1);
    for (tried, minutes) in (1..).zip([1, 2, 4, 8, 16, 32, 60, 60]) {
        let (early, late) = (minutes * MINUTE * 79 / 100, minutes * MINUTE * 121 / 100);
        app.pass(early);
        app.mail().await;
        assert_eq!(sink.asked().len(), tried, "not before {minutes} minutes, give or take a fifth");
        app.pass(late - early);
        app.mail().await;
        assert_eq!(sink.asked().len(), tried + 1, "after {minutes} minutes, give or take a fifth");
    }
    sink.is_to(Manner::Take);
    app.pass(73 * MINUTE);
    app.mail().await;
    app.pass(DAY);
    app.mail().await;
    assert_eq!(sink.mails().len(), 1, "and then it arrives, once");
}

#[tokio::test]
async fn what_failed_together_is_not_tried_again_together() {
    let sink = Sink::up().await;
    let app = TestApp::new(|settings| settings.email.providers = vec![sink.settings("2s")]).await;
    for n in 0..20 {
        settle(&app, &address(n)).await;
    }
    sink.is_to(LATER);
    for n in 0..20 {
        notify(&app, &address(n)).await;
    }
    sink.forget();
    app.mail().await;
    assert_eq!(sink.asked().len(), 20);
    app.pass(48 * SECOND - 1);
    let mut moments = Vec::new();
    for _ in 0..=24 {
        let before = sink.asked().len();
        app.mail().await;
        moments.push(sink.asked().len() - before);
        app.pass(SECOND);
    }
    assert_eq!(moments.iter().sum::<usize>(), 20, "a minute, give or take a fifth: {moments:?}");
    assert!(moments.iter().all(|tries| *tries < 10), "spread out: {moments:?}");
}

#[tokio::test]
async fn a_refusal_for_good_is_not_tried_again() {
    let sink = Sink::up().await;
    let app = TestApp::new(|settings| settings.email.providers = vec![sink.settings("2s")]).await;
    settle(&app, "maria@example.org").await;
    sink.is_to(Manner::Answer("550 5.1.1 no such mailbox"));
    sink.forget();
    begin(&app, "nobody@example.org").await;
    notify(&app, "maria@example.org").await;
    for span in [0, SECOND, MINUTE, 10 * MINUTE, DAY, DAY] {
        app.pass(span);
        app.mail().await;
    }
    let mut asked = sink.asked();
    asked.sort();
    assert_eq!(asked, ["maria@example.org", "nobody@example.org"], "each once");
    assert_eq!((sink.mails().len(), waiting(&app).await), (0, 0));
}
