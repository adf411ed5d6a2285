use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::base::Clock;
use crate::messages::{Kind, Rendered};
use crate::providers::sink::{Sink, no_answers};
use crate::providers::spec::told;

fn provider(sink: &Sink, more: &str) -> Box<dyn Provider> {
    let text =
        format!("url = \"{}\"\nkey = \"SG.k\"\nfrom = \"Acmé <no-reply@example.com>\"\n{more}", sink.url());
    told(&text, build).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn message(to: &str) -> Message {
    let rendered = Rendered {
        subject: Some("Your code\r\nBcc: b@example.org".into()),
        text: "Your code is 305118".into(),
        html: Some("<p>305118</p>".into()),
    };
    Message::new("6d3c-1", 1_772_359_200_000, Channel::Email, to, Kind::SigninCode, rendered)
}

async fn outcome(status: u16, head: &str, body: &str) -> Outcome {
    let sink = Sink::start(vec![(status, head, body)]).await;
    provider(&sink, "").send(&message("a@example.org")).await
}

#[tokio::test]
async fn a_mail_has_both_parts_its_id_and_no_tracking() {
    let sink = Sink::start(vec![(202, "X-Message-Id: Vy_9x", "")]).await;
    let provider = provider(&sink, "reply_to = \"help@example.com\"");
    let outcome = provider.send(&message("a@bücher.example")).await;
    assert_eq!(outcome, Outcome::Delivered { reference: Some("Vy_9x".into()) });
    let seen = sink.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v3/mail/send"));
    assert_eq!(seen.header("authorization"), Some("Bearer SG.k"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    let mail: Value = serde_json::from_str(&seen.body).unwrap();
    let person =
        json!({ "to": [{ "email": "a@xn--bcher-kva.example" }], "custom_args": { "message": "6d3c-1" } });
    assert_eq!(mail["personalizations"], json!([person]));
    assert_eq!(mail["from"], json!({ "email": "no-reply@example.com", "name": "Acmé" }));
    assert_eq!(mail["reply_to"], json!({ "email": "help@example.com" }));
    assert_eq!(mail["subject"], "Your code Bcc: b@example.org");
    let content = json!([
        { "type": "text/plain", "value": "Your code is 305118" },
        { "type": "text/html", "value": "<p>305118</p>" },
    ]);
    assert_eq!(mail["content"], content);
    assert_eq!(mail["headers"]["Message-ID"], "<6d3c-1@example.com>");
    for tracking in ["click_tracking", "open_tracking", "subscription_tracking"] {
        assert_eq!(mail["tracking_settings"][tracking]["enable"], false, "{tracking}");
    }
    assert_eq!(mail.get("mail_settings"), None);
}

#[tokio::test]
async fn a_success_that_sendgrid_does_not_give_is_none() {
    for body in no_answers() {
        let sink = Sink::raw(200, "X-Message-Id: Vy_9x", &body).await;
        let outcome = provider(&sink, "").send(&message("a@example.org")).await;
        assert_eq!(outcome, Outcome::retry("answered 200, but not as SendGrid does"));
    }
    for body in no_answers().into_iter().filter(|body| !body.is_empty()) {
        let sink = Sink::raw(202, "", &body).await;
        let outcome = provider(&sink, "").send(&message("a@example.org")).await;
        assert_eq!(outcome, Outcome::retry("answered 202, but not as SendGrid does"));
    }
    assert_eq!(outcome(202, "", "").await, Outcome::Delivered { reference: None });
}

#[tokio::test]
async fn in_the_sandbox_nothing_is_delivered() {
    let sink = Sink::start(vec![(200, "", "")]).await;
    let outcome = provider(&sink, "sandbox = true").send(&message("a@example.org")).await;
    assert_eq!(outcome, Outcome::Delivered { reference: None });
    let mail: Value = serde_json::from_str(&sink.seen()[0].body).unwrap();
    assert_eq!(mail["mail_settings"], json!({ "sandbox_mode": { "enable": true } }));
}

#[tokio::test]
async fn a_refusal_is_read_by_status_and_field_and_repeats_no_words() {
    let errors = |fields: &[&str]| {
        let errors: Vec<_> =
            fields.iter().map(|f| json!({ "field": f, "message": "a@example.org 305118" })).collect();
        json!({ "errors": errors }).to_string()
    };
    let recipient = "personalizations.0.to.0.email";
    for (status, fields, expected) in [
        (400, &[recipient][..], "refused"),
        (400, &["from.email"], "misconfigured"),
        (400, &[recipient, "from.email"], "misconfigured"),
        (400, &["personalizations.0.cc.0.email"], "misconfigured"),
        (400, &[], "rejected"),
        (400, &["null"], "rejected"),
        (400, &["personalizations.0.to.0.name"], "rejected"),
        (400, &["content.0.value"], "rejected"),
        (401, &[recipient], "misconfigured"),
        (403, &["from"], "misconfigured"),
        (413, &["null"], "rejected"),
        (500, &[], "failed"),
    ] {
        let outcome = outcome(status, "", &errors(fields)).await;
        assert_eq!(outcome.name(), expected, "{status} {fields:?}");
        assert!(!outcome.why().contains("example.org") && !outcome.why().contains("305118"), "{outcome:?}");
    }
}

#[tokio::test]
async fn too_much_is_tried_again_when_sendgrid_says() {
    let after = |outcome| match outcome {
        Outcome::Retry { after, .. } => after,
        other => panic!("{other:?}"),
    };
    assert_eq!(after(outcome(429, "Retry-After: 7", "").await), Some(Duration::from_secs(7)));
    let reset = |seconds| format!("X-RateLimit-Reset: {}", Clock::System.now() / 1_000 + seconds);
    let found = after(outcome(429, &reset(30), "").await).unwrap();
    assert!((Duration::from_secs(20)..=Duration::from_secs(31)).contains(&found), "{found:?}");
    assert_eq!(after(outcome(429, &reset(999_999), "").await), Some(Duration::from_secs(3_600)));
    assert_eq!(after(outcome(429, "X-RateLimit-Reset: soon", "").await), None);
}

#[tokio::test]
async fn an_address_that_is_more_than_one_is_never_sent() {
    let sink = Sink::start(vec![(202, "", "")]).await;
    for bad in ["a@example.org, b@example.org", "a@example.org\r\nBcc: b@example.org", "<a@example.org>"] {
        let outcome = provider(&sink, "").send(&message(bad)).await;
        assert!(matches!(outcome, Outcome::GiveUp { .. }), "{outcome:?}");
    }
    assert!(sink.seen().is_empty());
}

#[tokio::test]
async fn a_key_is_checked_by_what_it_may_do() {
    let check = async |status, body: &str| {
        let sink = Sink::start(vec![(status, "", body)]).await;
        let checked = provider(&sink, "").check().await;
        assert_eq!(sink.seen()[0].target, "/v3/scopes");
        checked
    };
    assert_eq!(check(200, r#"{"scopes":["alerts.read","mail.send"]}"#).await, Ok(()));
    assert!(check(200, r#"{"scopes":["alerts.read"]}"#).await.unwrap_err().contains("mail.send"));
    assert!(check(401, r#"{"errors":[]}"#).await.unwrap_err().contains("401"));
    assert!(check(200, "<html>").await.is_err());
}

#[test]
fn all_mistakes_come_at_once_and_europe_has_its_own_door() {
    let text = "key = \"a\"\nkey_file = \"/b\"\nfrom = \"nobody\"\nreply_to = \"x\"\nurl = \"http://example.com\"\n\
                timeout = \"1h\"\nwebhook_key = \"MFkw\"";
    let found = told(text, build).err().unwrap();
    let paths: Vec<_> = found.iter().map(|m| m.path.as_str()).collect();
    let expected = ["key_file", "from", "reply_to", "url", "timeout", "webhook_key"];
    assert_eq!(paths, expected.map(|key| format!("p[0].{key}")));
    let base = |text: &str| told(text, config::read).ok().unwrap().base;
    assert_eq!(base("key = \"a\"\nregion = \"eu\""), "https://api.eu.sendgrid.com");
    assert_eq!(base("key = \"a\""), "https://api.sendgrid.com");
}
