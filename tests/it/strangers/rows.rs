//! What strangers leave: no row stays longer than it is of use.

use std::collections::BTreeMap;

use multauth::base::clock::{DAY, MINUTE};
use multauth::settings::Settings;
use multauth::store::known_devices::{MOST, UNUSED};
use serde_json::json;

use crate::support::app::{TestApp, flows};
use crate::support::person::{OTHER, PASSWORD};

const TABLES: [&str; 16] = [
    "attempts",
    "challenges",
    "device_changes",
    "devices",
    "events",
    "guess_days",
    "guesses",
    "known_devices",
    "lines",
    "outbox",
    "profile_values",
    "sessions",
    "spend",
    "suspensions",
    "users",
    "webhook_deliveries",
];

async fn rows(app: &TestApp) -> BTreeMap<&'static str, i64> {
    let mut rows = BTreeMap::new();
    for table in TABLES {
        rows.insert(table, app.rows().number(format!("SELECT COUNT(*) FROM {table}").leak()).await);
    }
    rows
}

fn settings(settings: &mut Settings) {
    settings.flows = flows(&[
        &["username", "password"],
        &["email", "password", "passcode"],
        &["email", "passcode"],
        &["phone", "passcode"],
    ]);
    settings.phone.countries = vec!["US".to_owned()];
}

/// What a stranger asks of every door; nothing of it concerns an account.
async fn strangers(app: &TestApp) {
    for n in 0..5 {
        let client = app.client();
        let (name, mail) = (format!("nobody{n}"), format!("nobody{n}@example.org"));
        let (number, secret) = (format!("+1212456780{n}"), json!({ "passcode": "000000" }));
        client.signin(json!({ "username": name, "password": OTHER })).await.wrong();
        client.recovery(json!({ "username": name })).await;
        for identifier in [json!({ "email": mail }), json!({ "phone": number })] {
            for door in ["/v1/signin", "/v1/recovery"] {
                let asked = client.post(door, identifier.clone()).await;
                if asked.status == 200 {
                    client.answer(&asked.asks().attempt, secret.clone()).await.wrong();
                    client.send(&asked.asks().attempt, json!({})).await;
                }
            }
        }
        for body in [json!({ "email": mail, "password": PASSWORD }), json!({ "phone": number })] {
            let asked = client.signup(body).await.asks();
            client.answer(&asked.attempt, secret.clone()).await.wrong();
        }
        client.post("/v1/confirm", json!({ "key": "nobody" })).await.fails(404, "link_dead");
        client.refresh("rt_nobody").await.fails(401, "invalid_token");
        client.bearing("nobody").get("/v1/me").await.fails(401, "invalid_token");
        client
            .bearing("mk_nobody")
            .post("/v1/introspect", json!({ "token": "x" }))
            .await
            .fails(401, "invalid_token");
        client.raw("POST", "/v1/receipts/nobody", Some("{}")).await;
        app.mail().await;
        app.pass(MINUTE);
    }
}

#[tokio::test]
async fn what_strangers_leave_goes() {
    for app in TestApp::each(settings).await {
        app.named("ada").await;
        // A code for an account that is never made, and one that was and is kept.
        app.pass(40 * DAY);
        app.sweep().await;
        let before = rows(&app).await;
        strangers(&app).await;
        let full = rows(&app).await;
        for table in ["attempts", "challenges", "events", "guess_days", "guesses", "outbox", "spend"] {
            assert!(full[table] > before[table], "{}: nothing was tried of {table}", app.database());
        }
        app.pass(8 * DAY);
        app.sweep().await;
        let week = rows(&app).await;
        for table in ["attempts", "challenges", "events", "outbox"] {
            assert_eq!(week[table], before[table], "{} {table}, a week later", app.database());
        }
        app.pass(24 * DAY);
        app.sweep().await;
        assert_eq!(rows(&app).await, before, "{}, a month later", app.database());
    }
}

#[tokio::test]
async fn what_happened_to_accounts_is_kept_whether_they_are_still_there_or_not() {
    for app in TestApp::each(settings).await {
        let ada = app.named("ada").await;
        let eve = app.named("eve").await;
        app.client().signin(json!({ "username": "ada", "password": OTHER })).await.wrong();
        let events = async || rows(&app).await["events"];
        let before = events().await;
        eve.client.delete("/v1/me").await.is(204);
        app.pass(8 * DAY);
        multauth::auth::deletion::purge_due(&app.app).await.unwrap();
        app.sweep().await;
        app.pass(30 * DAY);
        app.sweep().await;
        assert!(events().await > before, "{}: {} of {before}", app.database(), events().await);
        let of = |user: &str| format!("SELECT COUNT(*) FROM events WHERE user_id = '{user}'").leak();
        assert!(app.rows().number(of(&ada.done.user)).await >= 3, "{}", app.database());
        assert!(app.rows().number(of(&eve.done.user)).await >= 3, "{}", app.database());
    }
}

#[tokio::test]
async fn known_devices_are_bounded_and_go_where_they_are_not_used() {
    for app in TestApp::each(settings).await {
        app.named("ada").await;
        let known = async || app.rows().number("SELECT COUNT(*) FROM known_devices").await;
        let sign_in = async |device: Option<&str>| {
            let mut body = json!({ "username": "ada", "password": PASSWORD });
            if let Some(device) = device {
                body["known_device"] = device.into();
            }
            app.client().signin(body).await.done().known_device
        };
        let used = sign_in(None).await.unwrap();
        for _ in 0..MOST + 5 {
            app.pass(MINUTE);
            assert_eq!(sign_in(Some(&used)).await, None, "{}: it is known", app.database());
            app.pass(MINUTE);
            sign_in(None).await.unwrap();
        }
        assert_eq!(known().await, MOST, "{}", app.database());
        assert_eq!(sign_in(Some(&used)).await, None, "{}: what is used stays", app.database());
        app.pass(UNUSED - MINUTE);
        sign_in(Some(&used)).await;
        app.pass(2 * MINUTE);
        app.sweep().await;
        assert_eq!(known().await, 1, "{}", app.database());
        assert_eq!(sign_in(Some(&used)).await, None, "{}", app.database());
    }
}
