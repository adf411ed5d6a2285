//! What an instance has under way is its own for as long as that takes, and soon another's where it dies.

use std::sync::Arc;

use multauth::base::clock::SECOND;
use multauth::settings::{Settings, Span};
use serde_json::json;
use tokio::sync::Notify;

use crate::support::app::{TestApp, flows};
use crate::support::person::PASSWORD;
use crate::support::receiver::{Manner, Receiver};
use crate::support::until;
use crate::support::vendor::{Does, Vendor};

const UNTIL: &str = "SELECT COALESCE(MAX(leased_until), 0) FROM outbox WHERE state = 'queued'";
const UNTIL_TOLD: &str =
    "SELECT COALESCE(MAX(leased_until), 0) FROM webhook_deliveries WHERE state = 'queued'";

fn by_phone(vendor: &Vendor) -> impl Fn(&mut Settings) {
    let text = format!("kind = \"webhook\"\nurl = \"{}/send\"\ntimeout = \"60s\"", vendor.url);
    let provider: toml::Table = toml::from_str(&text).unwrap();
    move |settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.providers = vec![provider.clone()];
    }
}

#[tokio::test]
async fn a_message_that_takes_long_is_leased_anew_and_sent_once() {
    let bell = Arc::new(Notify::new());
    let vendor = Vendor::start(Does::Waits(bell.clone(), 200, String::new())).await;
    for app in TestApp::each(by_phone(&vendor)).await {
        let other = app.again().await;
        app.client().signup(json!({ "phone": "+12124567890" })).await.asks();
        let (stop, working) = app.work();
        until("the vendor has it", 10, async || app.rows().number(UNTIL).await > 0).await;
        for _ in 0..2 {
            let before = app.rows().number(UNTIL).await;
            assert!(before <= app.clock.now() + 10 * SECOND, "{}", app.database());
            app.pass(6 * SECOND);
            until("it is leased anew", 10, async || app.rows().number(UNTIL).await > before).await;
            assert_eq!(other.worker().drain().await.unwrap(), 0, "{}: it is under way", app.database());
        }
        bell.notify_one();
        until("it is sent", 10, async || app.rows().number(UNTIL).await == 0).await;
        stop.notify_one();
        working.await.unwrap();
        assert_eq!(vendor.seen().len(), 1, "{}", app.database());
    }
}

#[tokio::test]
async fn what_a_dead_instance_had_is_anothers_within_ten_seconds() {
    let vendor = Vendor::start(Does::Hangs).await;
    for app in TestApp::each(by_phone(&vendor)).await {
        let other = app.again().await;
        app.client().signup(json!({ "phone": "+12124567890" })).await.asks();
        let (_, working) = app.work();
        until("the vendor has it", 10, async || app.rows().number(UNTIL).await > 0).await;
        working.abort();
        let _ = working.await;
        vendor.now(Does::Answers(200, String::new()));
        assert_eq!(other.worker().drain().await.unwrap(), 0, "nobody knows yet that it is dead");
        app.pass(9 * SECOND);
        assert_eq!(other.worker().drain().await.unwrap(), 1, "{}", app.database());
        vendor.now(Does::Hangs);
    }
}

#[tokio::test]
async fn an_event_that_is_taken_slowly_is_leased_anew() {
    let receiver = Receiver::start(Manner::Hangs).await;
    for app in TestApp::each(|settings| {
        receiver.listens(settings, "crm", &["user.created"]);
        settings.webhooks.get_mut("crm").unwrap().timeout = Span(30_000);
    })
    .await
    {
        let other = app.again().await;
        app.client().signup(json!({ "username": "ada", "password": PASSWORD })).await.done();
        let telling = tokio::spawn(app.webhook_worker.clone().run(Arc::new(Notify::new())));
        until("it is under way", 10, async || app.rows().number(UNTIL_TOLD).await > 0).await;
        let before = app.rows().number(UNTIL_TOLD).await;
        app.pass(6 * SECOND);
        until("it is leased anew", 10, async || app.rows().number(UNTIL_TOLD).await > before).await;
        assert_eq!(other.webhook_worker.drain().await.unwrap(), 0, "{}: it is under way", app.database());
        telling.abort();
        let _ = telling.await;
        app.pass(9 * SECOND);
        receiver.now(Manner::Answers(204));
        assert_eq!(other.webhook_worker.drain().await.unwrap(), 1, "{}", app.database());
        receiver.now(Manner::Hangs);
    }
}
