use super::*;
use crate::providers::sink::{Sink, no_answers, text_message};
use crate::providers::spec::told;

const KEYS: &str = "region = \"us-east-1\"\nkey_id = \"AKIAIOSFODNN7EXAMPLE\"\nsecret = \"s\"\n";
const TAKEN: &str =
    "<PublishResponse><PublishResult><MessageId>9d76-41</MessageId></PublishResult></PublishResponse>";

fn provider(sink: &Sink, more: &str) -> Box<dyn Provider> {
    let text = format!("{KEYS}url = \"{}\"\n{more}", sink.url());
    told(&text, build).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn message() -> Message {
    text_message(Channel::Sms, "+12025550123")
}

#[tokio::test]
async fn a_text_is_published_to_one_number_and_signed() {
    let sink = Sink::start(vec![(200, "", TAKEN)]).await;
    let more =
        "sender_id = \"Acme\"\norigination_number = \"+12065550100\"\nmax_price = 0.5\nsession_token = \"t\"";
    let outcome = provider(&sink, more).send(&message()).await;
    assert_eq!(outcome, Outcome::Delivered { reference: Some("9d76-41".into()) });
    let seen = sink.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/"));
    let text = message().text;
    let expected = [
        ("Action", "Publish"),
        ("Version", "2010-03-31"),
        ("PhoneNumber", "+12025550123"),
        ("Message", text.expose()),
        ("MessageAttributes.entry.1.Name", "AWS.SNS.SMS.SMSType"),
        ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", "Transactional"),
        ("MessageAttributes.entry.2.Name", "AWS.SNS.SMS.SenderID"),
        ("MessageAttributes.entry.2.Value.DataType", "String"),
        ("MessageAttributes.entry.2.Value.StringValue", "Acme"),
        ("MessageAttributes.entry.3.Name", "AWS.MM.SMS.OriginationNumber"),
        ("MessageAttributes.entry.3.Value.DataType", "String"),
        ("MessageAttributes.entry.3.Value.StringValue", "+12065550100"),
        ("MessageAttributes.entry.4.Name", "AWS.SNS.SMS.MaxPrice"),
        ("MessageAttributes.entry.4.Value.DataType", "Number"),
        ("MessageAttributes.entry.4.Value.StringValue", "0.5"),
    ];
    assert_eq!(seen.form(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let proof = seen.header("authorization").unwrap();
    assert!(proof.contains("/us-east-1/sns/aws4_request"), "{proof}");
    assert!(proof.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,"), "{proof}");
    assert_eq!(seen.header("x-amz-security-token"), Some("t"));
}

#[tokio::test]
async fn each_error_has_its_outcome_and_no_words() {
    let long = "Invalid parameter: PhoneNumber Reason: &apos; +12025550123 is not valid to publish to";
    for (status, code, words, expected) in [
        (400, "InvalidParameter", long, "refused"),
        (400, "InvalidParameter", "Phone number does not meet the E164 format", "refused"),
        (400, "InvalidParameter", "Invalid parameter: Message too long", "rejected"),
        (400, "InvalidParameter", "Invalid parameter: MessageAttributes Reason: SenderID", "misconfigured"),
        (400, "ValidationException", "it is on no list of yours", "rejected"),
        (400, "OptedOut", "+12025550123", "refused"),
        (400, "Throttling", "Rate exceeded", "failed"),
        (403, "AuthorizationError", "no", "misconfigured"),
        (403, "SignatureDoesNotMatch", "no", "misconfigured"),
        (403, "InvalidClientTokenId", "no", "misconfigured"),
        (500, "InternalError", "PhoneNumber", "failed"),
    ] {
        let body = format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>{words}</Message></Error></ErrorResponse>"
        );
        let sink = Sink::start(vec![(status, "", &body)]).await;
        let outcome = provider(&sink, "").send(&message()).await;
        assert_eq!(outcome.name(), expected, "{code} {words}: {outcome:?}");
        assert!(!outcome.why().contains("555") && !outcome.why().contains("305118"), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_success_that_sns_does_not_give_is_none() {
    for body in no_answers() {
        let sink = Sink::raw(200, "", &body).await;
        let outcome = provider(&sink, "").send(&message()).await;
        assert_eq!(outcome, Outcome::retry("answered 200, but not as SNS does"));
    }
}

#[tokio::test]
async fn a_key_is_checked_without_a_message() {
    let check = async |status, code: &str| {
        let body = format!("<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>");
        let sink = Sink::start(vec![(status, "", &body)]).await;
        let checked = provider(&sink, "").check().await;
        assert_eq!(sink.seen()[0].field("Action").as_deref(), Some("GetSMSAttributes"));
        checked
    };
    let told = "<GetSMSAttributesResponse><GetSMSAttributesResult/></GetSMSAttributesResponse>";
    let sink = Sink::start(vec![(200, "", told)]).await;
    assert_eq!(provider(&sink, "").check().await, Ok(()));
    assert!(check(200, "").await.is_err());
    assert_eq!(check(403, "AuthorizationError").await, Ok(()), "it may send and nothing else");
    assert_eq!(check(403, "SignatureDoesNotMatch").await, Err("answered 403 SignatureDoesNotMatch".into()));
}

#[test]
fn what_a_phone_shows_is_checked_with_everything_else() {
    let paths = |text: &str| -> Vec<String> {
        let found = told(text, build).err().unwrap_or_default();
        found.into_iter().map(|mistake| mistake.path).collect()
    };
    let text = "region = \"x\"\nkey_id = \"AKIAIOSFODNN7EXAMPLE\"\nsender_id = \"Acme & Sons\"\n\
                origination_number = \"1-2\"\nmax_price = 0";
    let expected = ["region", "secret", "sender_id", "origination_number", "max_price"];
    assert_eq!(paths(text), expected.map(|key| format!("p[0].{key}")));
    for wrong in ["123456", "TwelveLetter", ""] {
        assert_eq!(paths(&format!("{KEYS}sender_id = \"{wrong}\"")), ["p[0].sender_id"], "{wrong}");
    }
    assert!(paths(&format!("{KEYS}max_price = 1\norigination_number = \"12345\"")).is_empty());
}
