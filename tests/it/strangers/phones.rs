//! Texts that strangers have sent without end. A text has no link: beyond ten a day one goes each two hours to a
//! network that had none today.

use multauth::base::clock::{HOUR, MINUTE};
use multauth::settings::Settings;
use serde_json::{Value, json};

use super::by;
use crate::support::app::TestApp;
use crate::support::person::PASSWORD;

const PHONE: &str = "+12124567890";

#[tokio::test]
async fn a_phone_is_sent_one_more_each_two_hours_for_a_network_that_had_none() {
    for app in TestApp::each(by(&[&["phone", "passcode"]])).await {
        let ada = app.signup(json!({ "phone": PHONE })).await;
        app.pass(24 * HOUR);
        app.mail().await;
        let name = || json!({ "phone": PHONE });
        let stranger = app.client();
        let mut came = 0;
        for _ in 0..40 {
            stranger.signin(name()).await;
            came += app.mail().await.len();
            app.pass(12 * MINUTE);
        }
        // Ten, and one each 144 minutes.
        assert_eq!(came, 13, "{}", app.database());
        let owner = app.client();
        let asked = owner.signin(name()).await.asks();
        let code = app.code().await;
        // The next network waits for its two hours, and the same one for tomorrow.
        app.client().signin(name()).await.asks();
        owner.signin(name()).await.asks();
        TestApp::assert_silent(&app.mail().await);
        owner.passcode(&asked.attempt, code.code()).await.done();
        app.pass(2 * HOUR);
        stranger.signin(name()).await.asks();
        app.code().await;
        owner.signin(name()).await.asks();
        TestApp::assert_silent(&app.mail().await);
        app.client().signin(name()).await.asks();
        app.code().await;
        let mut known = name();
        known["known_device"] = json!(ada.done.known_device.clone().unwrap());
        app.client().signin(known).await.asks();
        app.code().await;
    }
}

/// A prefix whose codes nobody types rests for strangers alone, and so does what may be spent: a tenth is kept.
#[tokio::test]
async fn what_strangers_use_up_leaves_a_part_to_who_has_proven_something() {
    let change = |settings: &mut Settings| {
        by(&[&["phone", "hardcode", "passcode"]])(settings);
        settings.phone.spend.conversion.sends = 5;
        settings.phone.countries = vec!["US".into()];
    };
    for app in TestApp::each(change).await {
        let card = crate::support::person::CARD;
        app.signup(json!({ "phone": "+12025550143", "hardcode": card })).await;
        app.pass(24 * HOUR);
        app.mail().await;
        for n in 0..8 {
            let body = json!({ "phone": format!("+1202555{:04}", 1000 + n * 100), "hardcode": card });
            app.client().signup(body).await;
            app.mail().await;
        }
        app.pass(6 * MINUTE);
        let asks = async |name: Value| app.client().signin(name).await.asks();
        let late = json!({ "phone": "+12025559999", "hardcode": card });
        app.client().signup(late).await.asks();
        TestApp::assert_silent(&app.mail().await);
        asks(json!({ "phone": "+12025550143", "hardcode": card })).await;
        app.code().await;
    }
}

/// Texts cost money: all known devices of an account share what its number may be sent in a day.
#[tokio::test]
async fn known_devices_share_what_a_number_may_be_sent() {
    let change = |settings: &mut Settings| {
        by(&[&["phone", "password", "passcode"], &["phone", "passcode"], &["username", "password"]])(
            settings,
        );
        settings.phone.countries = vec!["US".into()];
    };
    for app in TestApp::each(change).await {
        let number = "+13055550143";
        let login = json!({ "phone": number, "password": PASSWORD });
        let one = app.signup(login.clone()).await.done.known_device.unwrap();
        app.pass(2 * HOUR);
        app.mail().await;
        let asked = app.client().signin(login.clone()).await.asks();
        let code = app.code().await;
        let done = app.client().passcode(&asked.attempt, code.code()).await.done();
        let other = done.known_device.unwrap();
        let (client, mut sent) = (app.client(), 0);
        for n in 0..24 {
            app.pass(20 * MINUTE);
            let mut body = login.clone();
            body["known_device"] = json!(if n % 2 == 0 { &one } else { &other });
            client.signin(body).await;
            sent += app.mail().await.len();
        }
        // Ten at once, and one each two hours and 24 minutes of the eight.
        assert_eq!(sent, 13, "{}", app.database());
    }
}
