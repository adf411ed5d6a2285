//! A mail server that answers nothing holds up neither the API nor more than a few deliveries, and a code whose
//! life is over by then is never delivered (F9, R136).

use multauth::base::clock::{HOUR, MINUTE};
use multauth::store;
use serde_json::json;

use super::UNDER_WAY;
use crate::support::person::PASSWORD;
use crate::support::server::Server;
use crate::support::sink::{Manner, Sink};
use crate::support::until;

const PEOPLE: usize = 60;

async fn begin(server: &Server, to: &str) {
    let answer = server.post("/v1/signup", json!({ "email": to, "password": PASSWORD })).await;
    assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("ask")), "{}", answer.body);
}

async fn waiting(server: &Server) -> i64 {
    store::outbox::waiting(&mut server.app.store.read().await.unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_mail_server_says_nothing_the_api_answers_and_codes_that_end_are_dropped() {
    let sink = Sink::up().await;
    sink.is_to(Manner::Silent);
    let server = Server::start(|settings| settings.email.providers = vec![sink.settings("60s")]).await;
    for n in 0..PEOPLE {
        begin(&server, &format!("slow{n}@example.org")).await;
    }
    until("deliveries are under way", 10, async || sink.open() >= 4).await;
    server.user("meanwhile").await;
    assert_eq!(waiting(&server).await, PEOPLE as i64, "all wait");
    assert!(sink.peak() <= UNDER_WAY, "{} at once", sink.peak());

    // The outage outlasts the codes. Those under way fail, and all are looked at once more.
    server.clock.advance(HOUR);
    sink.is_to(Manner::Take);
    sink.fall().await;
    sink.rise().await;
    until("what is worthless is dropped", 10, async || {
        server.clock.advance(MINUTE);
        waiting(&server).await == 0
    })
    .await;
    assert_eq!(sink.mails().len(), 0, "none is delivered late");
    assert!(sink.asked().is_empty(), "nor tried");

    begin(&server, "quick@example.org").await;
    until("a new one is delivered", 10, async || sink.mails().len() == 1).await;
    assert_eq!(sink.mails()[0].to, "quick@example.org");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_that_is_slow_does_not_take_every_place() {
    let sink = Sink::up().await;
    sink.is_to(Manner::SilentOf("@slow.example"));
    let server = Server::start(|settings| settings.email.providers = vec![sink.settings("60s")]).await;
    for n in 0..2 * UNDER_WAY {
        begin(&server, &format!("p{n}@slow.example")).await;
    }
    until("its places are taken", 10, async || sink.asked().len() >= UNDER_WAY / 2).await;
    begin(&server, "honest@example.org").await;
    until("another's mail leaves", 10, async || sink.mails().len() == 1).await;
    assert_eq!(sink.asked().iter().filter(|to| to.ends_with("@slow.example")).count(), UNDER_WAY / 2);
}
