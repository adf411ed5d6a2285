//! Whoever has a password guesses at an app beside a code that a vendor owns: whatever the vendor says of its code,
//! each guess is one at the app too.

use std::sync::{Arc, Mutex};

use multauth::base::clock::{MINUTE, SECOND};
use multauth::settings::Settings;
use serde_json::{Value, json};

use super::by;
use super::inside::{Thief, at, wrong_totp};
use crate::support::app::TestApp;
use crate::support::client::Client;
use crate::support::person::{PASSWORD, Person};
use crate::support::token::totp;
use crate::support::vendor::{Does, Vendor};

const NUMBER: &str = "+12025550123";
/// The vendor's code.
const THEIRS: &str = "246813";
const AWAY: Does = Does::Answers(503, String::new());

/// A vendor that takes its own code, or says that its code is `over`.
fn verifies(over: Arc<Mutex<bool>>) -> Does {
    Does::Thinks(Arc::new(move |line, body| {
        let says = |status: &str| {
            let sid = "VE00000000000000000000000000000001";
            json!({ "sid": sid, "status": status, "valid": status == "approved" }).to_string()
        };
        match line {
            _ if line.starts_with("GET") => (404, json!({ "code": 20_404 }).to_string()),
            _ if !line.contains("/VerificationCheck") => (201, says("pending")),
            _ if *over.lock().unwrap() => (429, json!({ "code": 60_202 }).to_string()),
            _ if body.contains(&format!("Code={THEIRS}")) => (200, says("approved")),
            _ => (200, says("pending")),
        }
    }))
}

fn with(vendor: &Vendor) -> impl Fn(&mut Settings) + use<> {
    let text = format!(
        "kind = \"twilio-verify\"\naccount_sid = \"AC00000000000000000000000000000001\"\nauth_token = \"x\"\n\
         service = \"VA00000000000000000000000000000001\"\nurl = \"{}\"",
        vendor.url
    );
    let provider: toml::Table = toml::from_str(&text).unwrap();
    move |settings| {
        by(&[&["phone", "password", "passcode:phone"], &["phone", "password", "passcode:authenticator"]])(
            settings,
        );
        settings.phone.providers = vec![provider.clone()];
    }
}

/// Somebody with a number, a password and an app; gives its seed.
async fn enrolled(app: &TestApp) -> String {
    let client = app.client();
    let asked = client.signup(body()).await.asks();
    app.mail().await;
    let done = client.passcode(&asked.attempt, THEIRS).await.done();
    let (_, seed) = Person::with(&client, done).enrol(app).await;
    app.pass(11 * MINUTE);
    seed
}

fn body() -> Value {
    json!({ "phone": NUMBER, "password": PASSWORD })
}

/// Begins with the password, and has the vendor send its code; gives the attempt and the phone's id.
async fn begun(app: &TestApp, thief: &Client, body: Value) -> (String, String) {
    let asked = thief.signin(body).await.asks();
    let phone = asked.ask.iter().find(|ask| ask["channel"] == "sms").unwrap()["device"].as_str().unwrap();
    thief.send(&asked.attempt, json!({ "secret": "passcode", "device": phone })).await;
    app.mail().await;
    (asked.attempt, phone.to_owned())
}

#[tokio::test]
async fn a_code_that_a_vendor_has_ended_or_cannot_look_at_hides_no_guess_at_an_app() {
    for away in [false, true] {
        let over = Arc::new(Mutex::new(false));
        let vendor = Vendor::start(verifies(over.clone())).await;
        for app in TestApp::each(with(&vendor)).await {
            *over.lock().unwrap() = false;
            let seed = enrolled(&app).await;
            *over.lock().unwrap() = true;
            let thief = Thief::of(&app).0;
            let (attempt, _) = begun(&app, &thief, body()).await;
            if away {
                vendor.now(AWAY);
            }
            for n in 0..3 {
                thief.passcode(&attempt, &wrong_totp(&app, &seed, n)).await;
            }
            let counted =
                app.rows().number("SELECT MAX(day_count) FROM guesses WHERE factor = 'passcode'").await;
            assert_eq!(counted, 3, "{} away: {away}", app.database());
            let right = thief.passcode(&attempt, &totp(&seed, app.clock.now())).await;
            assert!(right.status >= 400, "{} away: {away}: the app rests: {right:?}", app.database());
            vendor.now(verifies(over.clone()));
        }
    }
}

/// Of a known device at which the phone was shown and the app was not.
#[tokio::test]
async fn a_device_that_guessed_enough_at_a_code_hides_no_guess_at_an_app() {
    let vendor = Vendor::start(verifies(Arc::default())).await;
    for app in TestApp::each(with(&vendor)).await {
        let seed = enrolled(&app).await;
        let thief = Thief::of(&app).0;
        let (attempt, _) = begun(&app, &thief, body()).await;
        let known = thief.passcode(&attempt, THEIRS).await.done();
        app.pass(2 * MINUTE);
        let mut last = String::new();
        for round in 0..4 {
            let (attempt, phone) = begun(&app, &thief, at(body(), &known)).await;
            if round == 3 {
                app.pass(5 * SECOND);
                last = begun(&app, &thief, at(body(), &known)).await.0;
            }
            for n in 0..5 {
                let guess = json!({ "passcode": wrong_totp(&app, &seed, n), "device": phone });
                thief.answer(&attempt, guess).await.wrong();
            }
            app.pass(if round < 3 { 13 * MINUTE } else { SECOND });
        }
        for n in 0..3 {
            thief.passcode(&last, &wrong_totp(&app, &seed, n)).await;
        }
        let inside =
            "SELECT MAX(day_count) FROM guesses WHERE factor = 'passcode' AND subject LIKE '%/inside'";
        assert_eq!(app.rows().number(inside).await, 3, "{}", app.database());
        let right = thief.passcode(&last, &totp(&seed, app.clock.now())).await;
        assert!(right.status >= 400, "{}: {right:?}", app.database());
    }
}
