//! Recipients that a provider refuses hold up nobody else's message, whoever chose them and however it says so.

use std::sync::Arc;

use multauth::base::clock::{MINUTE, SECOND};
use multauth::settings::Settings;
use multauth::store::deliveries;
use serde_json::json;
use tracing::Level;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::log::Log;
use crate::support::person::PASSWORD;
use crate::support::sink::{Manner, Sink};
use crate::support::vendor::{Does, Vendor, carrier};

/// More than a breaker bears.
const BAD: usize = 7;
/// What mail servers say of recipients, or of a mail to one, for good.
const FOR_GOOD: [&str; 9] = [
    "554 Message rejected: Email address is not verified",
    "554 5.7.1 <bad> rejected",
    "550 5.4.1 Recipient address rejected: Access denied",
    "550 5.1.1 no such user",
    "550 no such user",
    "550 5.7.1 not for you",
    "550 5.1.8 we do not know the sender, says the recipient's own server",
    "501 5.1.3 bad address",
    "521 5.3.2 takes no mail",
];
const FOR_NOW: [&str; 6] = [
    "421 4.7.0 no more of you today",
    "421 4.3.2 bye",
    "450 4.2.0 greylisted",
    "451 4.7.1 come back later",
    "454 4.7.1 relay access denied",
    "452 4.2.2 over quota",
];

/// Seven bad recipients, who are each tried, then somebody honest: within two seconds they have their mail.
async fn honest_after_seven(app: &TestApp, sink: &Sink, case: &str) {
    for n in 0..BAD {
        mail_to(app, &format!("bad{n}@attacker.example")).await;
        app.mail().await;
    }
    mail_to(app, "honest@example.org").await;
    app.pass(2 * SECOND);
    app.mail().await;
    let reached: Vec<_> = sink.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(reached, ["honest@example.org"], "{case}, {}", app.database());
}

async fn mail_to(app: &TestApp, to: &str) {
    app.client().signup(json!({ "email": to, "password": PASSWORD })).await.asks();
}

/// How often the mail server was asked for one of the bad ones.
fn asked_for_bad(sink: &Sink) -> usize {
    sink.asked().iter().filter(|to| to.starts_with("bad")).count()
}

#[tokio::test]
async fn recipients_that_a_mail_server_refuses_for_good_are_not_tried_again_and_hold_up_nobody() {
    for (reply, manner) in FOR_GOOD
        .iter()
        .map(|reply| (reply, Manner::Refuse("bad", reply)))
        .chain(FOR_GOOD[..2].iter().map(|reply| (reply, Manner::RefuseContent("bad", reply))))
    {
        let sink = Sink::up().await;
        sink.is_to(manner);
        for app in TestApp::each(|settings| settings.email.providers = vec![sink.settings("2s")]).await {
            honest_after_seven(&app, &sink, reply).await;
            for _ in 0..5 {
                app.pass(MINUTE);
                app.mail().await;
            }
            assert_eq!(asked_for_bad(&sink), BAD, "{reply}: each was tried once");
            let failed =
                deliveries::list(&mut app.app.store.read().await.unwrap(), "failed", 50).await.unwrap();
            assert_eq!(failed.len(), BAD, "{reply}, {}", app.database());
            sink.forget();
        }
    }
}

#[tokio::test]
async fn recipients_that_a_mail_server_refuses_for_now_are_tried_again_and_hold_up_nobody() {
    for (reply, manner) in FOR_NOW
        .iter()
        .map(|reply| (reply, Manner::Refuse("bad", reply)))
        .chain(FOR_NOW[..2].iter().map(|reply| (reply, Manner::RefuseContent("bad", reply))))
    {
        let sink = Sink::up().await;
        sink.is_to(manner);
        for app in TestApp::each(|settings| settings.email.providers = vec![sink.settings("2s")]).await {
            honest_after_seven(&app, &sink, reply).await;
            app.pass(MINUTE);
            app.mail().await;
            assert!(asked_for_bad(&sink) >= 2 * BAD, "{reply}: they are tried again");
            sink.forget();
        }
    }
}

fn table(text: &str) -> toml::Table {
    toml::from_str::<toml::Table>(&format!("it = {text}")).unwrap()["it"].as_table().unwrap().clone()
}

/// A gateway: its settings at that URL, what it says where it takes a text, and what it says of numbers.
struct Gateway {
    settings: fn(&str) -> toml::Table,
    takes: (u16, String),
    refuses: Vec<(u16, String)>,
}

fn twilio_keys(url: &str) -> String {
    format!("account_sid = \"AC{}\", auth_token = \"x\", url = \"{url}\"", "0".repeat(32))
}

fn gateways() -> Vec<Gateway> {
    let code = |status: u16, code: u32| (status, json!({ "code": code, "message": "no" }).to_string());
    let xml = |code: &str, words: &str| {
        let error = format!("<Code>{code}</Code><Message>{words}</Message>");
        (400, format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>"))
    };
    let part = |status: &str, words: &str| {
        (200, json!({ "messages": [{ "status": status, "error-text": words }] }).to_string())
    };
    let sid = |kind: &str| format!("{kind}{}", "0".repeat(32));
    vec![
        Gateway {
            settings: |url| {
                table(&format!("{{ kind = \"twilio\", from = \"+12025550100\", {} }}", twilio_keys(url)))
            },
            takes: (201, json!({ "sid": sid("SM") }).to_string()),
            refuses: [21211, 21408, 21608, 21610, 21612, 21614, 99999].map(|n| code(400, n)).to_vec(),
        },
        Gateway {
            settings: |url| {
                let service = "0".repeat(32);
                table(&format!(
                    "{{ kind = \"twilio-verify\", service = \"VA{service}\", {} }}",
                    twilio_keys(url)
                ))
            },
            takes: (201, json!({ "sid": sid("VE"), "status": "pending" }).to_string()),
            refuses: vec![
                code(403, 60410),
                code(400, 60220),
                code(429, 60203),
                code(403, 60999),
                code(403, 60223),
            ],
        },
        Gateway {
            settings: |url| {
                let keys = "from = \"Acme\", api_key = \"k0123456\", api_secret = \"s\"";
                table(&format!("{{ kind = \"vonage\", {keys}, url = \"{url}\" }}"))
            },
            takes: (200, json!({ "messages": [{ "status": "0", "message-id": "a" }] }).to_string()),
            refuses: ["6", "7", "15", "22", "29", "33"]
                .map(|n| part(n, "no"))
                .into_iter()
                .chain([part("3", "Invalid destination"), part("3", "to address is not numeric")])
                .collect(),
        },
        Gateway {
            settings: |url| {
                let keys = "region = \"eu-west-1\", key_id = \"AKIAIOSFODNN7EXAMPLE\", secret = \"s\"";
                table(&format!("{{ kind = \"sns\", {keys}, url = \"{url}\" }}"))
            },
            takes: (200, "<a><MessageId>9d76-41</MessageId></a>".into()),
            refuses: vec![
                xml("InvalidParameter", "Invalid parameter: PhoneNumber"),
                xml("InvalidParameter", "not this one"),
                xml("OptedOut", "no"),
                xml("ValidationException", "no"),
            ],
        },
        Gateway {
            settings: |url| {
                let body = "form = { to = \"{{ to }}\" }, success = { json = \"/ok\", equals = true }";
                table(&format!("{{ kind = \"webhook\", url = \"{url}\", give_up_status = [423], {body} }}"))
            },
            takes: (200, json!({ "ok": true }).to_string()),
            refuses: [200, 400, 403, 404, 405, 406, 409, 410, 418, 422, 423, 451, 499]
                .map(|status| (status, "{}".into()))
                .to_vec(),
        },
    ]
}

#[tokio::test]
async fn numbers_that_a_gateway_refuses_hold_up_nobody() {
    for gateway in gateways() {
        let vendor = Vendor::start(Does::Cuts).await;
        for (n, (status, body)) in gateway.refuses.iter().enumerate() {
            let (takes, refuses) = (gateway.takes.clone(), (*status, body.clone()));
            vendor.now(Does::Thinks(Arc::new(move |_, body| {
                if body.contains("120255503") { refuses.clone() } else { takes.clone() }
            })));
            let settings = |settings: &mut Settings| {
                settings.flows = flows(&[&["phone", "passcode"]]);
                settings.phone.providers = vec![(gateway.settings)(&vendor.url)];
                unlimited(settings, &["send", "signup"]);
            };
            let apps =
                if n == 0 { TestApp::each(settings).await } else { vec![TestApp::new(settings).await] };
            for app in apps {
                for n in 0..BAD {
                    app.client().signup(json!({ "phone": format!("+120255503{n:02}") })).await.asks();
                    app.mail().await;
                }
                app.client().signup(json!({ "phone": "+12025550124" })).await.asks();
                app.pass(2 * SECOND);
                app.mail().await;
                let sent =
                    deliveries::list(&mut app.app.store.read().await.unwrap(), "sent", 50).await.unwrap();
                assert_eq!(sent.len(), 1, "{} {status} {body}, {}", vendor.url, app.database());
            }
        }
    }
}

/// Mail by two servers, one after the other.
async fn by_two() -> (Sink, Sink, TestApp) {
    let (one, two) = (Sink::up().await, Sink::up().await);
    let named = |sink: &Sink, name: &str| {
        let mut settings = sink.settings("2s");
        settings.insert("name".into(), name.into());
        settings
    };
    let app = TestApp::new(|settings| {
        settings.email.providers = vec![named(&one, "one"), named(&two, "two")];
    });
    let app = app.await;
    (one, two, app)
}

#[tokio::test]
async fn what_one_server_refuses_goes_to_the_next_and_never_back() {
    let (one, two, app) = by_two().await;
    one.is_to(Manner::Answer("554 5.7.1 your network is on a list"));
    two.is_to(Manner::Answer("451 4.7.1 come back later"));
    mail_to(&app, "ada@example.org").await;
    app.mail().await;
    assert_eq!((one.asked().len(), two.asked().len()), (1, 1));
    two.is_to(Manner::Take);
    app.pass(5 * SECOND);
    app.mail().await;
    assert_eq!((one.asked().len(), two.mails().len()), (1, 1), "one has said no");
    one.is_to(Manner::Take);
    mail_to(&app, "eve@example.org").await;
    app.mail().await;
    assert_eq!(one.mails().len(), 1, "and is asked for others");
}

#[tokio::test]
async fn who_fails_most_does_not_use_up_the_tries_of_a_provider_that_rests() {
    let picky = Vendor::start(Does::Thinks(Arc::new(|_, body| {
        if body.contains("120255503") { (500, "{}".into()) } else { (200, "{}".into()) }
    })))
    .await;
    for app in TestApp::each(|settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.providers =
            vec![carrier("picky", &picky, "query = { to = \"{{ to }}\" }, form = { to = \"{{ to }}\" }")];
        settings.phone.providers[0].remove("text");
        unlimited(settings, &["send", "signup"]);
    })
    .await
    {
        for n in 0..2 * BAD {
            app.client().signup(json!({ "phone": format!("+120255503{n:02}") })).await.asks();
            app.mail().await;
        }
        app.client().signup(json!({ "phone": "+12125550124" })).await.asks();
        app.mail().await;
        app.pass(31 * SECOND);
        app.mail().await;
        let sent = deliveries::list(&mut app.app.store.read().await.unwrap(), "sent", 50).await.unwrap();
        assert_eq!(sent.len(), 1, "the first try is for those that did not fail: {}", app.database());
    }
}

#[tokio::test]
async fn who_we_are_is_the_operators_and_opens_the_breaker() {
    let strict = Vendor::start(Does::Answers(401, "{}".into())).await;
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.providers = vec![carrier("strict", &strict, "")];
    })
    .await;
    for n in 0..BAD {
        app.client().signup(json!({ "phone": format!("+120255503{n:02}") })).await.asks();
        app.mail().await;
    }
    assert_eq!(strict.bodies().len(), 5);
}

#[tokio::test]
async fn a_server_that_refuses_everybody_is_told_of_and_still_asked() {
    let (log, _guard) = Log::listen(Level::INFO);
    let sink = Sink::up().await;
    sink.is_to(Manner::Answer("554 5.7.1 no"));
    let app = TestApp::new(|settings| {
        settings.email.providers = vec![sink.settings("2s")];
        unlimited(settings, &["send", "signup"]);
    })
    .await;
    for n in 0..25 {
        Log::hear();
        mail_to(&app, &format!("p{n}@example.org")).await;
        app.mail().await;
    }
    assert_eq!(sink.asked().len(), 25, "nobody was held up");
    let log = log.text();
    let told: Vec<_> = log.lines().filter(|line| line.contains("refuses every message")).collect();
    assert_eq!(told.len(), 2, "{log}");
    assert!(told[0].contains("in_a_row=10") && told[1].contains("in_a_row=20"), "{told:?}");
    assert!(!log.contains("ERROR"), "a mailbox is no error of ours: {log}");
}
