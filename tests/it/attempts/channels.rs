//! A code comes by the channel that the client asks for, where the settings and the number allow it.

use multauth::base::clock::SECOND;
use multauth::messages::Channel;
use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::{Asked, Done};
use crate::support::person::Person;
use crate::support::token::claims;

const EMAIL: &str = "ada@example.org";
const MOBILE: &str = "+48600100267";
const LANDLINE: &str = "+48221234567";

fn by_phone(settings: &mut Settings) {
    settings.flows = flows(&[&["phone", "passcode"]]);
    settings.phone.countries = vec!["PL".into()];
}

#[tokio::test]
async fn every_channel_that_is_listed_can_be_asked_for() {
    let app = TestApp::new(by_phone).await;
    let client = app.client();
    let asked = client.signup(json!({ "phone": MOBILE })).await.asks();
    assert_eq!(asked.ask[0]["channels"], json!(["sms", "call", "whatsapp"]));
    let mut code = app.code().await;
    for channel in [Channel::Call, Channel::Whatsapp, Channel::Sms] {
        app.pass(61 * SECOND);
        let again = client.send(&asked.attempt, json!({ "channel": channel })).await.asks();
        assert_eq!((&again.ask[0]["channel"], &again.ask[0]["to"]), (&json!(channel), &asked.ask[0]["to"]));
        code = app.code().await;
        assert_eq!(code.channel, channel);
    }
    client.send(&asked.attempt, json!({ "channel": "email" })).await.fails(404, "not_found");
    client.passcode(&asked.attempt, code.code()).await.done();
}

#[tokio::test]
async fn a_channel_that_nobody_delivers_on_is_neither_listed_nor_sent() {
    let app = TestApp::new(|settings| {
        by_phone(settings);
        settings.phone.providers[0].insert("channels".into(), vec!["sms"].into());
    })
    .await;
    let client = app.client();
    let asked = client.signup(json!({ "phone": MOBILE })).await.asks();
    assert_eq!(asked.ask[0]["channels"], json!(["sms"]));
    app.code().await;
    app.pass(61 * SECOND);
    client.send(&asked.attempt, json!({ "channel": "call" })).await.fails(404, "not_found");
    TestApp::assert_silent(&app.mail().await);
}

#[tokio::test]
async fn a_landline_is_called() {
    let app = TestApp::new(by_phone).await;
    let client = app.client();
    let asked = client.signup(json!({ "phone": LANDLINE })).await.asks();
    assert_eq!(asked.ask[0]["channels"], json!(["call"]));
    let code = app.code().await;
    assert_eq!(code.channel, Channel::Call);
    client.passcode(&asked.attempt, code.code()).await.done();
    app.pass(120 * SECOND);
    let asked = app.client().signin(json!({ "phone": LANDLINE })).await.asks();
    assert_eq!(asked.ask[0]["channel"], "call");
    app.client().passcode(&asked.attempt, app.code().await.code()).await.done();
}

#[tokio::test]
async fn whether_a_number_has_an_account_changes_nothing_about_its_channels() {
    let app = TestApp::new(by_phone).await;
    for number in [MOBILE, LANDLINE] {
        let known = app.client();
        let asked = known.signup(json!({ "phone": number })).await.asks();
        known.passcode(&asked.attempt, app.code().await.code()).await.done();
        app.pass(120 * SECOND);
        let owned = app.client().signin(json!({ "phone": number })).await.asks();
        app.mail().await;
        let nobodys = number.replace("67", "68");
        let unknown = app.client().signin(json!({ "phone": nobodys })).await.asks();
        TestApp::assert_silent(&app.mail().await);
        for name in ["channel", "channels", "length", "expires_in", "resend_in", "attempts_left"] {
            assert_eq!(owned.ask[0][name], unknown.ask[0][name], "{number} {name}");
        }
    }
}

/// A number is worth the same however its code comes: more than a mailbox, and less than an app.
#[tokio::test]
async fn a_phone_is_weighed_alike_on_every_channel() {
    let by_mail = json!({ "email": EMAIL });
    let by_number = json!({ "phone": MOBILE });
    for channel in ["call", "whatsapp", "sms"] {
        let list = |settings: &mut Settings| {
            by_phone(settings);
            settings.flows = flows(&[&["email", "passcode"], &["phone", "passcode"]]);
            settings.phone.providers[0].insert("channels".into(), vec![channel].into());
            unlimited(settings, &["signin", "send", "attempt"]);
        };
        for app in TestApp::each(list).await {
            let ada = app.signup(by_mail.clone()).await;
            ada.add(&app, "phone", MOBILE).await;
            let done = shows(&app, &by_number, &[channel]).await.unwrap();
            assert_eq!(worth(&app, &done).await, ("single".into(), json!(["otp", "sms"])));
            let done = shows(&app, &by_mail, &["email", channel]).await.unwrap();
            assert_eq!(worth(&app, &done).await, ("twostep".into(), json!(["otp", "email", "sms"])));
            Person::with(&ada.client, done).enrol(&app).await;
            for (first, before) in [(&by_mail, "email"), (&by_number, channel)] {
                let next = shows(&app, first, &[before]).await.unwrap_err();
                assert_eq!(next.ask[0]["channel"], "authenticator", "{channel} {}", app.database());
            }
        }
    }
}

/// Signs in by the codes of those channels; what is asked then where that is not enough.
async fn shows(app: &TestApp, first: &Value, channels: &[&str]) -> Result<Done, Asked> {
    app.pass(61 * SECOND);
    app.mail().await;
    let client = app.client();
    let mut answer = client.signin(first.clone()).await;
    for channel in channels {
        let asked = answer.asks();
        assert_eq!(asked.ask[0]["channel"], *channel, "{asked:?}");
        let code = app.code().await;
        assert_eq!(code.channel.name(), *channel);
        answer = client.passcode(&asked.attempt, code.code()).await;
    }
    if answer.json()["state"] == "ask" { Err(answer.asks()) } else { Ok(answer.done()) }
}

async fn worth(app: &TestApp, done: &Done) -> (String, Value) {
    let claims = claims(app, &done.access).await;
    (claims["acr"].as_str().unwrap().rsplit(':').next().unwrap().to_owned(), claims["amr"].clone())
}
