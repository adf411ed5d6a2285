//! Where nothing happened there is no event, and what vendors cause is told as well.

use multauth::base::clock::{MINUTE, SECOND};
use multauth::store::{devices, users};
use serde_json::{Value, json};

use super::life::{Look, all};
use crate::support::app::{TestApp, flows};
use crate::support::person::{OTHER, PASSWORD};
use crate::support::twilio::{NUMBER, SID, TOKEN, last, report_of, takes, twilio_at};
use crate::support::vendor::{Does, Vendor, carrier};

/// Of ten who answer at once with the same right code one is let in, and one event says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_loses_a_race_leaves_no_event_of_success() {
    for app in TestApp::each(|settings| settings.flows = flows(&[&["email", "passcode"]])).await {
        app.signup(json!({ "email": "maria@example.org" })).await;
        let client = app.client();
        let asked = client.signin(json!({ "email": "maria@example.org" })).await.asks();
        let code = app.code().await;
        let tries = (0..4).map(|_| client.passcode(&asked.attempt, code.code()));
        let answers = futures_util::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
        let rows = all(&app).await;
        let count =
            |name: &str| rows.iter().filter(|row| row.name == name && row.data.contains("signin\"")).count();
        assert_eq!(
            (count("signin.succeeded"), count("verification.succeeded")),
            (1, 1),
            "{}",
            app.database()
        );
    }
}

/// A change that was thought out at a state that is gone is rolled back, its events too.
#[tokio::test]
async fn what_is_rolled_back_leaves_no_event() {
    for app in TestApp::each(|_| ()).await {
        let ada = app.named("ada").await;
        let added = ada.client.add(json!({ "kind": "phone", "phone": NUMBER })).await.is(201).json();
        let code = app.code().await;
        let before = all(&app).await.len();
        // Somebody else proves the number in the very moment between.
        let mut tx = app.app.store.begin().await.unwrap();
        users::insert(&mut tx, &users::New::active(&"other".into(), "{}"), app.clock.now()).await.unwrap();
        let mine = devices::by_id(&mut tx, &(added["id"].as_str().unwrap()).into()).await.unwrap().unwrap();
        let theirs = devices::Device {
            id: "theirs".into(),
            user_id: "other".into(),
            confirmed_at: Some(app.clock.now()),
            ..mine
        };
        devices::insert(&mut tx, &theirs).await.unwrap();
        tx.commit().await.unwrap();
        let confirmed = ada.client.confirm(added["id"].as_str().unwrap(), code.code()).await;
        assert!(confirmed.status >= 400, "{confirmed:?}");
        assert_eq!(all(&app).await.len(), before, "{}", app.database());
        ada.client
            .put("/v1/me/password", json!({ "password": PASSWORD, "new_password": "short" }))
            .await
            .is(400);
        ada.client.refresh(&ada.done.refresh).await.is(200);
        ada.client.get("/v1/me").await.is(200);
        app.client().refresh("rt_nobody").await.fails(401, "invalid_token");
        assert_eq!(
            all(&app).await.len(),
            before,
            "{}: no event of what is only read or refused",
            app.database()
        );
    }
}

/// An address that was claimed and never shown is gone from there once its owner proves it.
#[tokio::test]
async fn a_claim_that_is_dropped_is_told_to_whom_it_was_of() {
    use multauth::settings::Confirm;
    let settings = |settings: &mut multauth::settings::Settings| {
        settings.flows = flows(&[&["username", "password"], &["email", "password"]]);
        settings.email.confirm = Confirm::After;
    };
    for app in TestApp::each(settings).await {
        let given = json!({ "username": "mallory", "email": "maria@example.org", "password": PASSWORD });
        let mallory = app.signup(given).await;
        // Both are asked to confirm it, and the owner of the mailbox reads both.
        app.mail().await;
        let given = json!({ "username": "maria", "email": "maria@example.org", "password": OTHER });
        let maria = app.signup(given).await;
        let devices = maria.client.get("/v1/me/devices").await.is(200).json();
        let email = devices.as_array().unwrap().iter().find(|device| device["kind"] == "email").unwrap();
        let id = email["id"].as_str().unwrap();
        let code = app.code().await;
        let mut look = Look::at(&app);
        look.skip().await;
        maria.client.confirm(id, code.code()).await.is(200);
        look.is(&[
            "verification.succeeded device email",
            "device.confirmed email",
            "device.removed server email",
        ])
        .await;
        let removed = all(&app).await.into_iter().find(|row| row.name == "device.removed").unwrap();
        assert_eq!(removed.user_id.as_deref(), Some(mallory.done.user.as_str()), "{}", app.database());
    }
}

#[tokio::test]
async fn what_a_vendor_reports_and_what_is_given_up_is_told_without_addresses() {
    let (twilio, other) = (takes(SID).await, Vendor::start(Does::Answers(200, "{}".into())).await);
    let providers = vec![twilio_at("twilio", &twilio), carrier("other", &other, "")];
    for app in TestApp::each(|settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.providers = providers.clone();
    })
    .await
    {
        let client = app.client();
        client.signup(json!({ "phone": NUMBER })).await.asks();
        app.mail().await;
        let sent = last(&app).await.id;
        let mut look = Look::at(&app);
        look.skip().await;
        let report = async |status: &str, code: &str, token: &str| {
            report_of(&app, ("twilio", SID), &sent, (status, code), token).await
        };
        assert_eq!(report("sent", "", "forged").await, 403);
        look.is(&[]).await;
        assert_eq!(report("sent", "", TOKEN).await, 204);
        look.is(&["*verification.status_changed signup_code sms twilio underway"]).await;
        assert_eq!(report("sent", "", TOKEN).await, 204);
        look.is(&[]).await;
        assert_eq!(report("undelivered", "30005", TOKEN).await, 204);
        look.is(&[
            "*verification.status_changed signup_code sms twilio unreachable",
            "*message.failed signup_code sms unreachable",
        ])
        .await;
        let rows = all(&app).await;
        let row = rows.iter().rfind(|row| row.name == "message.failed").unwrap();
        let data: Value = serde_json::from_str(&row.data).unwrap();
        assert_eq!(data["message"], sent.as_str());
        assert_eq!((row.network.as_str(), row.request.is_empty()), ("", false), "no network of the user's");
    }
}

/// A code that nobody took before it ended, and a code that a later one took the place of.
#[tokio::test]
async fn a_code_that_ends_on_its_way_is_given_up_and_one_that_was_replaced_is_not() {
    let down = Vendor::start(Does::Answers(503, "{}".into())).await;
    let providers = vec![carrier("down", &down, "")];
    for app in TestApp::each(|settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.providers = providers.clone();
    })
    .await
    {
        let client = app.client();
        let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
        app.pass(MINUTE);
        client.send(&asked.attempt, json!({})).await.is(200);
        let mut look = Look::at(&app);
        look.skip().await;
        app.mail().await;
        look.is(&[]).await;
        app.pass(30 * MINUTE + SECOND);
        app.mail().await;
        look.is(&["*message.failed signup_code sms expired"]).await;
    }
}
