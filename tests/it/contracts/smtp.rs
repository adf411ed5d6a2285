//! `smtp` against aiosmtpd, which can be told to fail, and against Postfix.

use std::time::Duration;

use multauth::base::Random;
use multauth::messages::{Channel, Kind, Message};
use multauth::providers::{Outcome, Provider};
use serde_json::json;

use super::{message, provider};
use crate::support::app::TestApp;
use crate::support::beds::{self, Smtp, Taken};
use crate::support::letter::Letter;
use crate::support::person::PASSWORD;

/// The settings for a server on this machine, without braces.
fn settings(port: &str, more: &str) -> String {
    format!(
        "kind = \"smtp\", host = \"127.0.0.1\", port = {port}, username = \"mailer\", \
         from = \"Acme <no-reply@example.com>\", timeout = \"5s\", {more}"
    )
}

fn smtp(port: &str, more: &str) -> std::sync::Arc<dyn Provider> {
    provider(&[Channel::Email], &format!("{{ {} }}", settings(port, more)))
}

/// One that is let in.
fn trusted(server: &Smtp) -> std::sync::Arc<dyn Provider> {
    smtp(&server.starttls, &format!("password = \"s3cret\", ca_file = \"{}\"", server.ca))
}

fn code_for(to: &str) -> Message {
    message("6d3c-41", Kind::SigninCode, Channel::Email, to)
}

/// An address that never had mail, however long the server has been up.
fn fresh(name: &str) -> String {
    format!("{name}.{}@example.org", Random::System.uuid())
}

fn the_one(server: &Smtp, to: &str) -> Taken {
    let mut taken = server.taken(to);
    assert_eq!(taken.len(), 1, "{taken:?}");
    taken.remove(0)
}

#[tokio::test]
async fn starttls_with_a_password_delivers_one_letter_to_one_recipient() {
    let Some(server) = beds::smtp() else { return };
    let provider = trusted(&server);
    assert_eq!(provider.check().await, Ok(()));
    let to = fresh("starttls");
    let outcome = provider.send(&code_for(&to)).await;
    assert_eq!(outcome, Outcome::Delivered { reference: Some("A1B2C3".into()) });
    let mail = the_one(&server, &to);
    assert_eq!((mail.to.as_slice(), mail.from.as_str()), (&[to.clone()][..], "no-reply@example.com"));
    assert!(mail.tls && mail.auth, "{mail:?}");
    let letter = mail.letter();
    assert_eq!(letter.header("Message-ID"), "<6d3c-41@example.com>");
    assert_eq!(letter.header("To"), to);
    assert_eq!(letter.header("From"), "Acme <no-reply@example.com>");
    assert_eq!(letter.header("Auto-Submitted"), "auto-generated");
    assert!(!letter.header("Subject").contains("305118"), "{letter:?}");
    assert_eq!(letter.code(), "305118");
    assert!(letter.text.contains("Acmé") && letter.html.contains("Acmé"), "{letter:?}");
    assert!(letter.html.contains("305118") && letter.html.contains("</html>"), "{letter:?}");
}

#[tokio::test]
async fn tls_from_the_first_byte_delivers() {
    let Some(server) = beds::smtp() else { return };
    let more = format!("tls = \"tls\", password = \"s3cret\", ca_file = \"{}\"", server.ca);
    let to = fresh("tls");
    let outcome = smtp(&server.tls, &more).send(&code_for(&to)).await;
    assert!(matches!(outcome, Outcome::Delivered { .. }), "{outcome:?}");
    let mail = the_one(&server, &to);
    assert!(mail.tls && mail.auth, "{mail:?}");
    assert_eq!(mail.letter().code(), "305118");
}

#[tokio::test]
async fn a_wrong_password_or_none_is_for_the_operator() {
    let Some(server) = beds::smtp() else { return };
    let more = format!("password = \"wrong\", ca_file = \"{}\"", server.ca);
    let wrong = smtp(&server.starttls, &more);
    let outcome = wrong.send(&code_for("stranger@example.org")).await;
    assert!(matches!(&outcome, Outcome::Misconfigured { why } if why.contains("535")), "{outcome:?}");
    assert!(wrong.check().await.unwrap_err().contains("535"));
    let port = &server.starttls;
    let nobody = format!(
        "{{ kind = \"smtp\", host = \"127.0.0.1\", port = {port}, from = \"a@example.com\", ca_file = \"{}\" }}",
        server.ca
    );
    let outcome = provider(&[Channel::Email], &nobody).send(&code_for("stranger@example.org")).await;
    assert!(matches!(&outcome, Outcome::Misconfigured { why } if why.contains("530")), "{outcome:?}");
    assert!(server.taken("stranger@example.org").is_empty());
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_gets_neither_password_nor_message() {
    let Some(server) = beds::smtp() else { return };
    for (port, tls) in [(&server.starttls, "starttls"), (&server.tls, "tls")] {
        let provider = smtp(port, &format!("tls = \"{tls}\", password = \"s3cret\""));
        let outcome = provider.send(&code_for("distrust@example.org")).await;
        assert!(
            matches!(&outcome, Outcome::Misconfigured { why } if why.contains("certificate")),
            "{outcome:?}"
        );
        assert!(provider.check().await.is_err());
    }
    assert!(server.taken("distrust@example.org").is_empty());
}

#[tokio::test]
async fn a_refusal_says_whether_to_come_back() {
    let Some(server) = beds::smtp() else { return };
    let provider = trusted(&server);
    for (who, expected) in [
        ("reject", "GiveUp"),
        ("policy", "Rejected"),
        ("access", "Rejected"),
        ("content", "Rejected"),
        ("later", "Deferred"),
        ("drop", "Retry"),
    ] {
        let to = format!("{who}@example.org");
        let outcome = format!("{:?}", provider.send(&code_for(&to)).await);
        assert!(outcome.starts_with(expected), "{who}: {outcome}");
        assert!(!outcome.contains("example.org") && !outcome.contains("305118"), "{outcome}");
        assert!(server.taken(&to).is_empty());
        // Whatever happened to the connection, the next message gets through.
        let next = fresh("next");
        let outcome = provider.send(&code_for(&next)).await;
        assert!(matches!(outcome, Outcome::Delivered { .. }), "after {who}: {outcome:?}");
        assert_eq!(the_one(&server, &next).to, [next]);
    }
}

#[tokio::test]
async fn a_code_that_postfix_delivered_completes_a_signup() {
    let Some(postfix) = beds::postfix() else { return };
    let more = format!("password = \"s3cret\", ca_file = \"{}\"", postfix.ca);
    let provider: toml::Table =
        toml::from_str(&format!("it = {{ {} }}", settings(&postfix.starttls, &more))).unwrap();
    let provider = provider["it"].as_table().unwrap();
    for app in TestApp::each(|settings| settings.email.providers = vec![provider.clone()]).await {
        let (client, to) = (app.client(), fresh("reader"));
        let asked = client.signup(json!({ "email": to, "password": PASSWORD })).await.asks();
        app.mail().await;
        let letter = arrived(|| postfix.delivered(&to)).await;
        assert_eq!(letter.header("From"), "Acme <no-reply@example.com>");
        assert!(letter.header("Received").contains("ESMTPSA"), "encrypted and with a password: {letter:?}");
        client.passcode(&asked.attempt, &letter.code()).await.done();
    }
}

/// The one letter, once the server has put it there.
async fn arrived(look: impl Fn() -> Vec<Letter>) -> Letter {
    for _ in 0..500 {
        let mut found = look();
        assert!(found.len() <= 1, "{found:?}");
        if let Some(letter) = found.pop() {
            return letter;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no letter came");
}
