use super::sink::Sink;
use super::*;
use crate::messages::{Catalogue, Context, Kind, Sender};
use crate::providers::spec::told;

fn provider(sink: &Sink, more: &str) -> Box<dyn Provider> {
    at(sink.address.port(), more)
}

fn at(port: u16, more: &str) -> Box<dyn Provider> {
    let text = format!("host = \"127.0.0.1\"\nport = {port}\nfrom = \"Acme <no-reply@example.com>\"\n{more}");
    told(&text, build).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

const PLAIN: &str = "tls = \"none\"\nhelo = \"id.example.com\"";

fn message(to: &str) -> Message {
    let public_url = "https://id.example.com".parse().unwrap();
    let catalogue = Catalogue::load(Sender { service: "Acmé".into(), public_url, contact: None }).unwrap();
    let kind = Kind::SigninCode;
    let rendered =
        catalogue.render(kind, Channel::Email, catalogue.fallback(), &Context::sample(kind)).unwrap();
    Message::new("6d3c", 1_772_359_200_000, Channel::Email, to, kind, rendered)
}

#[tokio::test]
async fn messages_share_a_connection_and_reach_one_recipient_each() {
    let sink = Sink::start(&[]).await;
    let provider = provider(&sink, PLAIN);
    for to in ["a@example.org", "b@example.org"] {
        let outcome = provider.send(&message(to)).await;
        assert_eq!(outcome, Outcome::Delivered { reference: Some("4B2F".into()) });
    }
    let seen = sink.seen();
    assert_eq!(seen.connections, 1);
    assert!(seen.commands.contains(&"EHLO id.example.com".to_owned()), "{:?}", seen.commands);
    assert_eq!(
        seen.mails.iter().map(|mail| mail.to.clone()).collect::<Vec<_>>(),
        [["a@example.org"], ["b@example.org"]]
    );
    let data = &seen.mails[1].data;
    assert!(
        data.contains("To: b@example.org\n") && data.contains("Message-ID: <6d3c@example.com>\n"),
        "{data}"
    );
    for part in ["text/plain", "text/html", "305118"] {
        assert!(data.contains(part), "{data}");
    }
}

#[tokio::test]
async fn each_refusal_has_its_outcome_and_tells_no_address() {
    let sink = Sink::start(&[]).await;
    let provider = provider(&sink, PLAIN);
    for (who, expected, number) in [
        ("unknown", "GiveUp", "550 5.1.1"),
        ("bare", "GiveUp", "550"),
        ("554", "Rejected", "554"),
        ("554x", "Rejected", "554 5.7.1"),
        ("relay", "Rejected", "550 5.7.1"),
        ("cloud", "Rejected", "550 5.4.1"),
        ("sender", "Rejected", "550 5.1.8"),
        ("spam", "Rejected", "554 5.7.1"),
        ("bulk", "Rejected", "550"),
        ("lost", "GiveUp", "550 5.1.1"),
        ("proof", "Misconfigured", "530 5.7.0"),
        ("later", "Deferred", "451 4.7.1"),
        ("limit", "Deferred", "454 4.7.1"),
        ("full", "Deferred", "452 4.2.2"),
        ("away", "Deferred", "421 4.3.2"),
        ("cut", "Retry", "cut"),
    ] {
        let outcome = provider.send(&message(&format!("{who}@example.org"))).await;
        let shown = format!("{outcome:?}");
        assert!(shown.starts_with(expected) && outcome.why().contains(number), "{who}: {shown}");
        assert!(!shown.contains("example.org") && !shown.contains("305118"), "{shown}");
    }
    assert!(sink.seen().mails.is_empty());
    let outcome = provider.send(&message("a@example.org\r\nRCPT TO:<b@example.org>")).await;
    assert!(matches!(outcome, Outcome::GiveUp { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_sender_that_is_refused_is_for_the_operator() {
    let sink = Sink::start(&[]).await;
    let port = sink.address.port();
    let text = format!("host = \"127.0.0.1\"\nport = {port}\nfrom = \"stranger@example.com\"\n{PLAIN}");
    let provider = told(&text, build).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let outcome = provider.send(&message("a@example.org")).await;
    assert!(matches!(&outcome, Outcome::Misconfigured { why } if why.contains("553")), "{outcome:?}");
}

#[tokio::test]
async fn a_server_that_offers_no_encryption_gets_neither_password_nor_message() {
    let sink = Sink::start(&["AUTH PLAIN LOGIN"]).await;
    let provider = provider(&sink, "username = \"mailer\"\npassword = \"s3cret\"");
    let outcome = provider.send(&message("a@example.org")).await;
    assert!(matches!(outcome, Outcome::Misconfigured { .. }), "{outcome:?}");
    assert!(outcome.why().contains("STARTTLS"), "{outcome:?}");
    let commands = sink.seen().commands;
    assert!(commands.iter().all(|line| line.starts_with("EHLO") || line == "QUIT"), "{commands:?}");
}

#[tokio::test]
async fn a_password_is_right_or_the_operator_hears_of_it() {
    let sink = Sink::start(&["AUTH PLAIN LOGIN"]).await;
    let with = |password: &str| {
        provider(&sink, &format!("{PLAIN}\nusername = \"mailer\"\npassword = \"{password}\""))
    };
    let outcome = with("wrong").send(&message("a@example.org")).await;
    assert!(matches!(outcome, Outcome::Misconfigured { .. }), "{outcome:?}");
    assert!(outcome.why().ends_with("answered 535 5.7.8"), "{outcome:?}");
    assert!(with("wrong").check().await.unwrap_err().contains("535"));
    assert_eq!(with("s3cret").check().await, Ok(()));
    assert!(matches!(with("s3cret").send(&message("a@example.org")).await, Outcome::Delivered { .. }));
}

#[tokio::test]
async fn a_message_cut_short_by_time_leaves_no_connection_to_the_next() {
    let sink = Sink::start(&[]).await;
    let provider = provider(&sink, &format!("{PLAIN}\ntimeout = \"1s\""));
    let outcome = provider.send(&message("slow@example.org")).await;
    assert!(matches!(&outcome, Outcome::Retry { why, .. } if why.contains("in time")), "{outcome:?}");
    assert!(matches!(provider.send(&message("a@example.org")).await, Outcome::Delivered { .. }));
    let seen = sink.seen();
    assert_eq!((seen.connections, seen.mails.len()), (2, 1));
    assert_eq!(
        (seen.mails[0].connection, seen.mails[0].to.as_slice()),
        (2, &["a@example.org".to_owned()][..])
    );
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let outcome = at(free, PLAIN).send(&message("a@example.org")).await;
    assert!(matches!(&outcome, Outcome::Retry { why, .. } if why.contains("refused")), "{outcome:?}");
}
#[tokio::test]
async fn what_tls_objects_to_is_for_the_operator() {
    let sink = Sink::start(&[]).await;
    let outcome = provider(&sink, "tls = \"tls\"").send(&message("a@example.org")).await;
    assert!(
        matches!(&outcome, Outcome::Misconfigured { why } if why.contains("corrupt message")),
        "{outcome:?}"
    );
    assert!(sink.seen().mails.is_empty());
}

#[tokio::test]
async fn mail_is_sent_as_the_common_sender_where_a_server_has_none_of_its_own() {
    let sink = Sink::start(&[]).await;
    let text = format!("host = \"127.0.0.1\"\nport = {}\n{PLAIN}", sink.address.port());
    let provider = told(&text, build).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    provider.send(&message("a@example.org")).await;
    let sent = format!("{:?}", sink.seen());
    assert!(sent.contains("MAIL FROM:<no-reply@example.com>"), "{sent}");
}
