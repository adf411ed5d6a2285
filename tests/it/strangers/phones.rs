//! Texts that strangers have sent without end. A text has no link: beyond ten a day one goes each two hours to a
//! network that had none today.

use multauth::base::clock::{HOUR, MINUTE};
use serde_json::{Value, json};

use super::by;
use crate::support::app::TestApp;

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
    let change = |settings: &mut multauth::settings::Settings| {
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
