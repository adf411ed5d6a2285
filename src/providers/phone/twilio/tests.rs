use super::{messages, verify};
use crate::messages::Channel;
use crate::providers::sink::{Sink, no_answers, text_message};
use crate::providers::spec::told;
use crate::providers::{Outcome, Provider, ProviderKind, Verdict};

const AC: &str = "AC00000000000000000000000000000001";
const SK: &str = "SK00000000000000000000000000000002";
const VA: &str = "VA00000000000000000000000000000003";
const VE: &str = "VE00000000000000000000000000000004";
const SM: &str = "SM00000000000000000000000000000005";

fn build(kind: ProviderKind, text: &str) -> Box<dyn Provider> {
    told(text, kind.build).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn paths(kind: ProviderKind, text: &str) -> Vec<String> {
    let mistakes = told(text, kind.build).err().unwrap_or_default();
    mistakes.into_iter().map(|it| it.path.trim_start_matches("p[0].").to_owned()).collect()
}

/// An account with its token at `sink`, and `more` keys.
fn with_token(sink: &Sink, more: &str) -> String {
    format!("account_sid = \"{AC}\"\nauth_token = \"s3cret\"\nurl = \"{}\"\n{more}", sink.url())
}

fn with_key(sink: &Sink, more: &str) -> String {
    let url = sink.url();
    format!("account_sid = \"{AC}\"\napi_key = \"{SK}\"\napi_secret = \"s3cret\"\nurl = \"{url}\"\n{more}")
}

fn taken() -> String {
    format!("{{\"sid\":\"{SM}\",\"status\":\"queued\"}}")
}

fn basic(user: &str) -> String {
    use base64::Engine;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:s3cret")))
}

#[test]
fn all_mistakes_come_at_once() {
    let kind = messages::KIND;
    assert_eq!(
        paths(
            kind,
            "account_sid = \"AC1\"\nurl = \"http://x.example\"\ntimeout = \"1h\"\nwhatsapp_from = \"x\""
        ),
        ["account_sid", "auth_token", "url", "timeout", "from", "whatsapp_from"]
    );
    let sound = format!("account_sid = \"{AC}\"\n");
    let token = format!("{sound}auth_token = \"t\"\n");
    assert_eq!(paths(kind, &token), ["from"]);
    assert_eq!(paths(kind, &format!("{token}from = \"a name too long for a network\"")), ["from"]);
    assert_eq!(paths(kind, &format!("{token}messaging_service = \"MG1\"")), ["messaging_service"]);
    let both = format!("{token}from = \"Acme\"\nmessaging_service = \"MG00000000000000000000000000000000\"");
    assert_eq!(paths(kind, &both), ["messaging_service"]);
    assert_eq!(paths(kind, &format!("{sound}from = \"Acme\"\napi_key = \"SK1\"")), ["api_secret", "api_key"]);
    let lone = format!("{token}from = \"Acme\"\napi_secret = \"s\"");
    assert_eq!(paths(kind, &lone), ["api_key"]);
    let verify = format!("{token}service = \"VA1\"\nfriendly_name = \"\"\nlocale = \"polski!\"");
    assert_eq!(paths(verify::KIND, &verify), ["service", "friendly_name", "locale"]);
}

#[tokio::test]
async fn a_text_goes_out_whole_and_comes_back_with_its_name() {
    let sink = Sink::start(vec![(201, "", &taken())]).await;
    let provider = build(messages::KIND, &with_token(&sink, "from = \"+12025550123\""));
    let outcome = provider.send(&text_message(Channel::Sms, "+48123456767")).await;
    assert_eq!(outcome, Outcome::Delivered { reference: Some(SM.into()) });
    let seen = &sink.seen()[0];
    assert_eq!(seen.method, "POST");
    assert_eq!(seen.target, format!("/2010-04-01/Accounts/{AC}/Messages.json"));
    assert_eq!(seen.header("authorization"), Some(basic(AC).as_str()));
    let expected = [
        ("To", "+48123456767"),
        ("Body", "305118 is your code & more"),
        ("From", "+12025550123"),
        ("StatusCallback", "https://id.example.com/v1/receipts/it?message=6d3c-1"),
    ];
    assert_eq!(seen.form(), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert!(seen.body.contains("To=%2B48"), "{}", seen.body);
}

#[tokio::test]
async fn whatsapp_has_its_prefix_on_both_ends() {
    let sink = Sink::start(vec![(201, "", &taken())]).await;
    let message = text_message(Channel::Whatsapp, "+48123456767");
    let service = "messaging_service = \"MG00000000000000000000000000000006\"";
    for (more, from, by_service) in [
        ("from = \"+12025550123\"".to_owned(), Some("whatsapp:+12025550123"), None),
        (
            "from = \"Acme\"\nwhatsapp_from = \"whatsapp:+12025550124\"".into(),
            Some("whatsapp:+12025550124"),
            None,
        ),
        (service.into(), None, Some("MG00000000000000000000000000000006")),
        (format!("{service}\nwhatsapp_from = \"+12025550124\""), Some("whatsapp:+12025550124"), None),
    ] {
        build(messages::KIND, &with_token(&sink, &more)).send(&message).await;
        let seen = sink.seen().pop().unwrap();
        assert_eq!(seen.field("To").as_deref(), Some("whatsapp:+48123456767"));
        assert_eq!(seen.field("From").as_deref(), from, "{more}");
        assert_eq!(seen.field("MessagingServiceSid").as_deref(), by_service, "{more}");
    }
}

#[tokio::test]
async fn reports_are_asked_for_where_they_can_be_checked() {
    let sink = Sink::start(vec![(201, "", &taken())]).await;
    let key = build(messages::KIND, &with_key(&sink, "from = \"Acme\""));
    let both = build(messages::KIND, &with_key(&sink, "from = \"Acme\"\nauth_token = \"t\""));
    assert!(key.receipts().is_none() && both.receipts().is_some());
    for provider in [key, both] {
        provider.send(&text_message(Channel::Sms, "+48123456767")).await;
    }
    let seen = sink.seen();
    assert_eq!(seen.iter().map(|it| it.field("StatusCallback").is_some()).collect::<Vec<_>>(), [false, true]);
    assert!(seen.iter().all(|it| it.header("authorization") == Some(basic(SK).as_str())));
}

#[tokio::test]
async fn an_answer_decides_and_what_is_no_answer_of_twilios_is_tried_again() {
    let refusal = |code: u32| format!("{{\"code\":{code},\"message\":\"+48123456767 is no number\"}}");
    for (status, body, expected) in [
        (201, taken(), "accepted"),
        (200, taken(), "accepted"),
        (200, "<html>Welcome</html>".into(), "failed"),
        (201, "{\"sid\":\"../etc\"}".into(), "failed"),
        (301, String::new(), "misconfigured"),
        (400, refusal(21211), "refused"),
        (400, refusal(21610), "refused"),
        (401, refusal(20003), "misconfigured"),
        (400, refusal(21408), "deferred"),
        (400, refusal(99999), "rejected"),
        (404, String::new(), "misconfigured"),
        (429, refusal(20429), "failed"),
        (500, String::new(), "failed"),
        (503, "down".into(), "failed"),
        (0, String::new(), "failed"),
    ] {
        let sink = Sink::start(vec![(status, "location: http://127.0.0.1:1/", &body)]).await;
        let provider = build(messages::KIND, &with_token(&sink, "from = \"Acme\""));
        let outcome = provider.send(&text_message(Channel::Sms, "+48123456767")).await;
        assert_eq!(outcome.name(), expected, "{status} {body}");
        assert!(!outcome.why().contains("48123"), "{outcome:?}");
        assert_eq!(sink.seen().len(), 1, "no second call: {status}");
    }
}

#[tokio::test]
async fn a_success_that_twilio_does_not_give_is_none() {
    for body in no_answers() {
        let sink = Sink::raw(200, "", &body).await;
        let provider = build(messages::KIND, &with_token(&sink, "from = \"Acme\""));
        let outcome = provider.send(&text_message(Channel::Sms, "+48123456767")).await;
        assert_eq!(outcome, Outcome::retry("answered 200, but not as Twilio does"));
        assert!(provider.check().await.is_err());
        let provider = verify(&sink, "");
        let outcome = provider.send(&text_message(Channel::Sms, "+48123456767")).await;
        assert_eq!(outcome.name(), "failed", "{outcome:?}");
        let verifier = provider.verifier().unwrap();
        assert!(matches!(verifier.check(VE, &"305118".into()).await, Verdict::Unavailable { .. }));
        assert!(verifier.cancel(VE).await.is_err() && provider.check().await.is_err());
    }
}

#[tokio::test]
async fn a_check_reads_the_account_and_sends_nothing() {
    let sink =
        Sink::start(vec![(200, "", "{\"status\":\"active\"}"), (200, "", "{\"status\":\"suspended\"}")])
            .await;
    let provider = build(messages::KIND, &with_token(&sink, "from = \"Acme\""));
    assert_eq!(provider.check().await, Ok(()));
    assert!(provider.check().await.unwrap_err().contains("suspended"));
    assert_eq!(sink.seen()[0].target, format!("/2010-04-01/Accounts/{AC}.json"));

    let sink = Sink::start(vec![(200, "", "{\"messages\":[]}"), (401, "", "{\"code\":20003}")]).await;
    let provider = build(messages::KIND, &with_key(&sink, "from = \"Acme\""));
    assert_eq!(provider.check().await, Ok(()));
    assert_eq!(provider.check().await, Err("answered 401, code 20003".into()));
    assert!(sink.seen().iter().all(|seen| seen.method == "GET"));
    assert!(sink.seen()[0].target.contains("DateSent%3E=2999"), "{}", sink.seen()[0].target);
}

fn verification(status: &str) -> String {
    format!("{{\"sid\":\"{VE}\",\"status\":\"{status}\",\"valid\":false}}")
}

fn verify(sink: &Sink, more: &str) -> Box<dyn Provider> {
    build(verify::KIND, &with_token(sink, &format!("service = \"{VA}\"\n{more}")))
}

#[tokio::test]
async fn a_verification_starts_on_every_channel_without_a_word_of_ours() {
    let pending = verification("pending");
    let sink = Sink::start(vec![(201, "", &pending)]).await;
    let provider = verify(&sink, "friendly_name = \"Acme & Co\"\nlocale = \"pl\"");
    for channel in Channel::ALL {
        let to = if *channel == Channel::Email { "a+b@example.org" } else { "+48123456767" };
        let outcome = provider.send(&text_message(*channel, to)).await;
        assert_eq!(outcome, Outcome::Delivered { reference: Some(VE.into()) });
        let seen = sink.seen().pop().unwrap();
        assert_eq!(seen.target, format!("/v2/Services/{VA}/Verifications"));
        let expected =
            [("To", to), ("Channel", channel.name()), ("CustomFriendlyName", "Acme & Co"), ("Locale", "pl")];
        assert_eq!(seen.form(), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
        assert!(!seen.body.contains("305118"), "our own code stays here");
    }
}

#[tokio::test]
async fn a_start_has_its_outcome() {
    let refusal =
        |code: u32| format!("{{\"code\":{code},\"message\":\"Invalid parameter `To`: +48123456767\"}}");
    for (status, body, expected) in [
        (201, verification("pending"), "accepted"),
        (201, verification("canceled"), "failed"),
        (201, "{}".into(), "failed"),
        (400, refusal(60200), "refused"),
        (403, refusal(60205), "refused"),
        (403, refusal(60410), "refused"),
        (400, refusal(60033), "refused"),
        (400, refusal(60082), "refused"),
        (429, refusal(60203), "deferred"),
        (429, refusal(60212), "deferred"),
        (429, refusal(20429), "failed"),
        (403, refusal(60223), "deferred"),
        (403, refusal(60499), "rejected"),
        (404, refusal(20404), "misconfigured"),
        (401, refusal(20003), "misconfigured"),
        (503, String::new(), "failed"),
    ] {
        let sink = Sink::start(vec![(status, "", &body)]).await;
        let outcome = verify(&sink, "").send(&text_message(Channel::Sms, "+48123456767")).await;
        assert_eq!(outcome.name(), expected, "{status} {body}");
        assert!(!outcome.why().contains("48123"), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_code_has_its_verdict() {
    let refusal = |code: u32, parameter: &str| {
        format!("{{\"code\":{code},\"message\":\"Invalid parameter `{parameter}`: 12\"}}")
    };
    let unavailable = Verdict::Unavailable { why: String::new() };
    for (status, body, expected) in [
        (200, verification("approved"), Verdict::Right),
        (201, verification("approved"), Verdict::Right),
        (200, verification("pending"), Verdict::Pending),
        (200, verification("canceled"), Verdict::Over),
        (200, verification("max_attempts_reached"), Verdict::Over),
        (200, verification("deleted"), Verdict::Over),
        (200, verification("failed"), Verdict::Over),
        (200, verification("expired"), Verdict::Over),
        (200, verification("something new"), unavailable.clone()),
        (200, "{\"valid\":true}".into(), unavailable.clone()),
        (200, "approved".into(), unavailable.clone()),
        (302, verification("approved"), unavailable.clone()),
        (400, verification("approved"), unavailable.clone()),
        (404, refusal(20404, ""), Verdict::Over),
        (404, String::new(), Verdict::Over),
        (429, refusal(60202, ""), Verdict::Over),
        (400, refusal(60023, ""), Verdict::Over),
        (400, refusal(60022, ""), Verdict::Pending),
        (400, refusal(60200, "Code"), Verdict::Pending),
        (400, refusal(60200, "VerificationSid"), unavailable.clone()),
        (429, refusal(20429, ""), unavailable.clone()),
        (401, refusal(20003, ""), unavailable.clone()),
        (503, String::new(), unavailable.clone()),
        (0, String::new(), unavailable.clone()),
    ] {
        let sink = Sink::start(vec![(status, "", &body)]).await;
        let provider = verify(&sink, "");
        let verifier = provider.verifier().unwrap();
        let verdict = verifier.check(VE, &"305118".into()).await;
        let same = std::mem::discriminant(&verdict) == std::mem::discriminant(&expected);
        assert!(same, "{status} {body}: {verdict:?}");
        let seen = &sink.seen()[0];
        assert_eq!(seen.target, format!("/v2/Services/{VA}/VerificationCheck"));
        assert_eq!(seen.field("Code").as_deref(), Some("305118"));
        assert_eq!(seen.field("VerificationSid").as_deref(), Some(VE));
    }
}

#[tokio::test]
async fn a_verification_is_looked_at_and_ended_by_its_name() {
    let (pending, canceled) = (verification("pending"), verification("canceled"));
    let answers = vec![(200, "", pending.as_str()), (200, "", &canceled), (404, "", ""), (503, "", "")];
    let sink = Sink::start(answers).await;
    let provider = verify(&sink, "");
    let verifier = provider.verifier().unwrap();
    assert_eq!(verifier.status(VE).await, Verdict::Pending);
    assert_eq!(verifier.cancel(VE).await, Ok(()));
    assert_eq!(verifier.cancel(VE).await, Ok(()), "what Twilio has forgotten is over");
    assert!(verifier.cancel(VE).await.is_err());
    let seen = sink.seen();
    let path = format!("/v2/Services/{VA}/Verifications/{VE}");
    assert!(seen.iter().all(|it| it.target == path));
    assert_eq!((seen[0].method.as_str(), seen[1].body.as_str()), ("GET", "Status=canceled"));
}

#[tokio::test]
async fn nothing_but_a_name_and_a_code_is_asked_about() {
    let sink = Sink::start(vec![(200, "", &verification("approved"))]).await;
    let provider = verify(&sink, "");
    let verifier = provider.verifier().unwrap();
    for reference in ["", "VE1", "../../Accounts", &format!("{VE}/x"), &VE.replace("VE", "VA")] {
        assert_eq!(verifier.check(reference, &"305118".into()).await, Verdict::Over, "{reference}");
        assert_eq!(verifier.status(reference).await, Verdict::Over);
        assert_eq!(verifier.cancel(reference).await, Ok(()));
    }
    for code in ["", "123", "12345678901"] {
        assert_eq!(verifier.check(VE, &code.into()).await, Verdict::Pending, "{code}");
    }
    assert!(sink.seen().is_empty());
}
