use super::*;
use crate::messages::{Kind, Rendered};
use crate::providers::sink::{Sink, no_answers};
use crate::providers::spec::told;

const KEYS: &str = "region = \"us-east-1\"\nkey_id = \"AKIAIOSFODNN7EXAMPLE\"\nsecret = \"s\"\n";

fn provider(sink: &Sink, more: &str) -> Box<dyn Provider> {
    let text = format!("{KEYS}url = \"{}\"\nfrom = \"Acme <no-reply@example.com>\"\n{more}", sink.url());
    told(&text, build).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn message(to: &str) -> Message {
    let rendered = Rendered {
        subject: Some("Your code".into()),
        text: "Your code is 305118".into(),
        html: Some("<p>305118</p>".into()),
    };
    Message::new("6d3c-1", 1_772_359_200_000, Channel::Email, to, Kind::SigninCode, rendered)
}

#[tokio::test]
async fn the_letter_goes_as_it_is_with_our_id_beside_it() {
    let sink = Sink::start(vec![(200, "", r#"{"MessageId":"0100-1"}"#)]).await;
    let outcome = provider(&sink, "configuration_set = \"codes\"").send(&message("a@bücher.example")).await;
    assert_eq!(outcome, Outcome::Delivered { reference: Some("0100-1".into()) });
    let seen = sink.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v2/email/outbound-emails"));
    assert!(seen.header("authorization").unwrap().contains("/us-east-1/ses/aws4_request"));
    let call: Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(call["FromEmailAddress"], "no-reply@example.com");
    assert_eq!(call["Destination"], json!({ "ToAddresses": ["a@xn--bcher-kva.example"] }));
    assert_eq!(call["EmailTags"], json!([{ "Name": "message", "Value": "6d3c-1" }]));
    assert_eq!(call["ConfigurationSetName"], "codes");
    let letter = STANDARD.decode(call["Content"]["Raw"]["Data"].as_str().unwrap()).unwrap();
    let letter = String::from_utf8(letter).unwrap();
    for part in [
        "From: Acme <no-reply@example.com>\r\n",
        "text/plain",
        "text/html",
        "Auto-Submitted: auto-generated\r\n",
    ] {
        assert!(letter.contains(part), "{letter}");
    }
}

#[tokio::test]
async fn a_success_that_ses_does_not_give_is_none() {
    for body in no_answers() {
        let sink = Sink::raw(200, "", &body).await;
        let outcome = provider(&sink, "").send(&message("a@example.org")).await;
        assert_eq!(outcome, Outcome::retry("answered 200, but not as SES does"));
    }
}

#[tokio::test]
async fn each_error_has_its_outcome_and_no_words() {
    for (status, code, words, expected) in [
        (400, "MessageRejected", "Email address is not verified: a@example.org", "rejected"),
        (400, "MessageRejected", "Email address is not verified: no-reply@example.com", "misconfigured"),
        (400, "BadRequestException", "it is what it is", "rejected"),
        (400, "BadRequestException", "Missing final '@domain' in a@example.org", "refused"),
        (400, "BadRequestException", "Local address contains control or whitespace", "refused"),
        (400, "BadRequestException", "Configuration set name is invalid", "misconfigured"),
        (429, "TooManyRequestsException", "Rate", "failed"),
        (400, "ThrottlingException", "Rate", "failed"),
        (400, "LimitExceededException", "Daily message quota exceeded", "failed"),
        (400, "AccountSuspendedException", "x", "misconfigured"),
        (400, "SendingPausedException", "x", "misconfigured"),
        (400, "MailFromDomainNotVerifiedException", "x", "misconfigured"),
        (404, "NotFoundException", "x", "misconfigured"),
        (403, "InvalidSignatureException", "x", "misconfigured"),
        (500, "InternalServiceErrorException", "x", "failed"),
    ] {
        let head = format!("x-amzn-ErrorType: {code}:http://internal.amazon.com/");
        let body = json!({ "message": words }).to_string();
        let sink = Sink::start(vec![(status, &head, &body)]).await;
        let outcome = provider(&sink, "").send(&message("a@example.org")).await;
        assert_eq!(outcome.name(), expected, "{code} {words}: {outcome:?}");
        assert!(!outcome.why().contains("example.org") && !outcome.why().contains("305118"), "{outcome:?}");
    }
}

#[tokio::test]
async fn an_address_that_ses_cannot_have_is_not_sent() {
    let sink = Sink::start(vec![(200, "", "{}")]).await;
    for to in ["münchen@example.org", "a@example.org, b@example.org", "a"] {
        let outcome = provider(&sink, "").send(&message(to)).await;
        assert!(matches!(outcome, Outcome::GiveUp { .. }), "{to}: {outcome:?}");
    }
    assert!(sink.seen().is_empty());
}

#[tokio::test]
async fn an_account_is_checked_without_a_mail() {
    let check = async |status, head, body: &str| {
        let sink = Sink::start(vec![(status, head, body)]).await;
        let checked = provider(&sink, "").check().await;
        assert_eq!(sink.seen()[0].target, "/v2/email/account");
        checked
    };
    assert_eq!(check(200, "", r#"{"SendingEnabled":true}"#).await, Ok(()));
    assert!(check(200, "", r#"{"SendingEnabled":false}"#).await.unwrap_err().contains("switched off"));
    assert!(check(200, "", "<html>").await.is_err());
    let denied = "x-amzn-ErrorType: AccessDeniedException";
    assert_eq!(check(403, denied, "{}").await, Ok(()), "it may send and nothing else");
    let wrong = "x-amzn-ErrorType: InvalidSignatureException";
    assert_eq!(check(403, wrong, "{}").await, Err("answered 403 InvalidSignature".into()));
}

#[test]
fn all_mistakes_come_at_once() {
    let text = "region = \"x\"\nkey_id = \"AKIAIOSFODNN7EXAMPLE\"\nsecret = \"s\"\nfrom = \"nobody\"\nreply_to = \"x\"\n\
                configuration_set = \"a b\"\ntopic = \"mail\"";
    let found = told(text, build).err().unwrap();
    let paths: Vec<_> = found.iter().map(|m| m.path.as_str()).collect();
    assert_eq!(
        paths,
        ["region", "from", "reply_to", "configuration_set", "topic"].map(|key| format!("p[0].{key}"))
    );
    let without = told(KEYS, build).unwrap();
    assert!(without.receipts().is_none());
    let topic = "topic = \"arn:aws:sns:us-east-1:123456789012:mail\"";
    assert!(told(&format!("{KEYS}{topic}"), build).unwrap().receipts().is_some());
}
