//! What vendors say is kept nowhere: they repeat the number and the text in their errors, and put control characters
//! where names are expected.

use std::sync::Arc;

use multauth::base::Sensitive;
use multauth::store::deliveries;
use serde_json::json;
use tracing::Level;

use crate::support::app::{TestApp, flows};
use crate::support::log::Log;
use crate::support::vendor::{Does, Vendor, carrier};

const NUMBER: &str = "+12025550123";
const EMAIL: &str = "canary.bird@example.org";

fn table(text: &str) -> toml::Table {
    toml::from_str::<toml::Table>(&format!("it = {text}")).unwrap()["it"].as_table().unwrap().clone()
}

/// Every provider that speaks HTTP, at that vendor.
fn providers(url: &str) -> Vec<(&'static str, toml::Table)> {
    let aws =
        format!("region = \"eu-west-1\", key_id = \"AKIAIOSFODNN7EXAMPLE\", secret = \"s\", url = \"{url}\"");
    let twilio = format!("account_sid = \"AC{}\", auth_token = \"x\", url = \"{url}\"", "0".repeat(32));
    vec![
        ("phone", table(&format!("{{ kind = \"twilio\", from = \"+12025550100\", {twilio} }}"))),
        (
            "phone",
            table(&format!("{{ kind = \"twilio-verify\", service = \"VA{}\", {twilio} }}", "0".repeat(32))),
        ),
        (
            "phone",
            table(&format!(
                "{{ kind = \"vonage\", from = \"Acme\", api_key = \"k0123456\", api_secret = \"s\", url = \"{url}\" }}"
            )),
        ),
        ("phone", table(&format!("{{ kind = \"sns\", {aws} }}"))),
        ("phone", table(&format!("{{ kind = \"webhook\", url = \"{url}\", reference = \"/id\" }}"))),
        ("email", table(&format!("{{ kind = \"sendgrid\", key = \"SG.x\", url = \"{url}\" }}"))),
        ("email", table(&format!("{{ kind = \"ses\", {aws} }}"))),
    ]
}

/// An answer that says the whole request in every place that a vendor has for words.
fn echo(status: u16) -> Does {
    Does::Thinks(Arc::new(move |_, body| {
        let words = format!("{NUMBER} {EMAIL} \u{1b}[31m\n{body}");
        let part = json!({ "status": words, "message-id": words, "error-text": words, "to": words });
        let answer = json!({
            "code": words, "message": words, "__type": words, "sid": words, "id": words, "MessageId": words,
            "status": words, "errors": [{ "field": words, "message": words }], "messages": [part],
        });
        (status, answer.to_string())
    }))
}

#[tokio::test]
async fn no_vendors_words_are_kept_with_a_message_nor_logged() {
    let (log, _guard) = Log::listen(Level::TRACE);
    let vendor = Vendor::start(Does::Cuts).await;
    for (list, provider) in providers(&vendor.url) {
        let headers = ["location: https://e.example/+12025550123?canary", "www-authenticate: canary 31m"];
        let headers = headers.map(|header| Does::Says(401, header)).into_iter();
        for does in [200, 201, 400, 403, 404, 429, 500].map(echo).into_iter().chain(headers) {
            Log::hear();
            vendor.now(does.clone());
            let app = TestApp::new(|settings| {
                settings.flows = flows(&[&["phone", "passcode"], &["email", "passcode"]]);
                let lookup = &mut settings.phone.lookup;
                (lookup.kind, lookup.url) = ("twilio".into(), vendor.url.clone());
                lookup.account_sid = format!("AC{}", "1".repeat(32));
                lookup.auth_token = Sensitive::new("token");
                let list = if list == "phone" {
                    &mut settings.phone.providers
                } else {
                    &mut settings.email.providers
                };
                *list = vec![provider.clone()];
            })
            .await;
            let to = if list == "phone" { NUMBER } else { EMAIL };
            app.client().signup(json!({ list: to })).await.asks();
            vendor.bodies();
            app.mail().await;
            let asked = vendor.bodies();
            let kept = deliveries::list(&mut app.app.store.read().await.unwrap(), "", 9).await.unwrap();
            let kept = format!("{kept:?}");
            assert!(!asked.is_empty(), "{kept}");
            for word in [&NUMBER[1..], "canary", "31m", "\\n", "your code", "multauth"] {
                assert!(!kept.contains(word), "{provider} {does:?} {word}: {kept}");
            }
        }
    }
    let log = log.text();
    for known in ["a message waits", "a provider refuses us", "answered 500"] {
        assert!(log.contains(known), "{known} was logged: {log}");
    }
    for word in [&NUMBER[1..], "canary", "31m", "your code", "www-authenticate"] {
        assert_eq!(log.lines().find(|line| line.contains(word)), None, "{word}");
    }
}

#[tokio::test]
async fn a_long_answer_is_cut_off() {
    let big = Vendor::start(Does::Answers(200, "x".repeat(50_000_000))).await;
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.providers = vec![carrier("big", &big, "reference = \"/id\"")];
    })
    .await;
    app.client().signup(json!({ "phone": NUMBER })).await.asks();
    let began = std::time::Instant::now();
    app.mail().await;
    assert!(began.elapsed().as_secs() < 3);
    let kept = deliveries::list(&mut app.app.store.read().await.unwrap(), "", 9).await.unwrap();
    assert_eq!((kept[0].state.as_str(), &kept[0].reference), ("sent", &None));
}
