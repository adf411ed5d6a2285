use super::*;
use crate::providers::sink::{Sink, answer, no_answers, text_message};
use crate::providers::spec::told;

fn vonage(sink: &Sink, more: &str) -> Box<dyn Provider> {
    let text = format!(
        "api_key = \"abcd1234\"\napi_secret = \"s3cret\"\nfrom = \"Acme\"\nurl = \"{}\"\n{more}",
        sink.url()
    );
    told(&text, build).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

/// An answer with one part for each status.
fn parts(statuses: &[(&str, &str)]) -> String {
    let part = |(status, words): &(&str, &str)| {
        format!("{{\"status\":\"{status}\",\"message-id\":\"id{status}\",\"error-text\":\"{words}\"}}")
    };
    let parts: Vec<_> = statuses.iter().map(part).collect();
    format!("{{\"message-count\":\"{}\",\"messages\":[{}]}}", parts.len(), parts.join(","))
}

#[test]
fn all_mistakes_come_at_once() {
    let text = "api_key = \"x\"\nfrom = \"a name too long for a network\"\nurl = \"http://x.example\"\n\
                timeout = \"0s\"\nsignature_secret = \"a\"\nsignature_secret_file = \"b\"";
    let found = told(text, build).err().unwrap();
    let paths: Vec<_> = found.iter().map(|it| it.path.trim_start_matches("p[0].")).collect();
    assert_eq!(paths, ["api_key", "api_secret", "from", "signature_secret_file", "url", "timeout"]);
    let weak = "api_key = \"abcd1234\"\napi_secret = \"s\"\nfrom = \"Acme\"\nsignature_method = \"md5hash\"";
    assert_eq!(told(weak, build).err().unwrap()[0].path, "p[0].signature_method");
}

#[tokio::test]
async fn a_text_goes_out_whole_and_comes_back_with_its_name() {
    let sink = Sink::start(vec![(200, "", &parts(&[("0", ""), ("0", "")]))]).await;
    let signed = vonage(&sink, "signature_secret = \"s\"");
    let outcome = signed.send(&text_message(Channel::Sms, "+48123456767")).await;
    assert_eq!(outcome, Outcome::Delivered { reference: Some("id0".into()) });
    let seen = &sink.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/sms/json"));
    let expected = [
        ("api_key", "abcd1234"),
        ("api_secret", "s3cret"),
        ("from", "Acme"),
        ("to", "48123456767"),
        ("text", "305118 is your code & more"),
        ("client-ref", "6d3c-1"),
        ("callback", "https://id.example.com/v1/receipts/it"),
    ];
    assert_eq!(seen.form(), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));

    let unsigned = vonage(&sink, "");
    assert!(signed.receipts().is_some() && unsigned.receipts().is_none());
    let mut message = text_message(Channel::Sms, "+48123456767");
    message.text = "Twój kod: 305118".into();
    unsigned.send(&message).await;
    let seen = &sink.seen()[1];
    assert_eq!(seen.field("type").as_deref(), Some("unicode"));
    assert_eq!(seen.field("text").as_deref(), Some("Twój kod: 305118"));
    assert_eq!(seen.field("callback"), None, "nobody could check what comes");
}

#[tokio::test]
async fn every_status_has_its_outcome() {
    for (statuses, expected) in [
        ("0", "accepted"),
        ("1 5 10 13", "failed"),
        ("99 x", "deferred"),
        ("15 29", "deferred"),
        ("2 3 12 22", "rejected"),
        ("4 8 9 11 14 23 32", "misconfigured"),
        ("6 7 33", "refused"),
    ] {
        for status in statuses.split(' ') {
            let sink =
                Sink::start(vec![(200, "", &parts(&[("0", ""), (status, "about +48123456767")]))]).await;
            let outcome = vonage(&sink, "").send(&text_message(Channel::Sms, "+48123456767")).await;
            assert_eq!(outcome.name(), expected, "{status}");
            assert!(!outcome.why().contains("48123"), "{outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_refused_parameter_is_the_address_or_our_settings() {
    for (words, expected) in [
        ("Missing to param", "refused"),
        ("to address is not numeric", "refused"),
        ("Invalid value for parameter: to", "refused"),
        ("Invalid value for parameter: from", "misconfigured"),
        ("Invalid destination", "rejected"),
        ("Missing api_key", "misconfigured"),
    ] {
        for status in ["2", "3"] {
            assert_eq!(outcome(&answer(200, &parts(&[(status, words)]))).name(), expected, "{words}");
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_of_vonages_is_tried_again() {
    for (status, body, expected) in [
        (200, "<html>", "failed"),
        (200, "{}", "failed"),
        (200, "{\"messages\":[]}", "failed"),
        (202, "", "failed"),
        (429, "", "failed"),
        (503, "", "failed"),
        (0, "", "failed"),
        (401, "", "misconfigured"),
        (302, "", "misconfigured"),
    ] {
        let sink = Sink::start(vec![(status, "location: http://127.0.0.1:1/", body)]).await;
        let outcome = vonage(&sink, "").send(&text_message(Channel::Sms, "+48123456767")).await;
        assert_eq!(outcome.name(), expected, "{status} {body}");
    }
    for body in no_answers().into_iter().chain([b"{\"messages\":[{\"status\":\"0\"}]}".to_vec()]) {
        let sink = Sink::raw(200, "", &body).await;
        let outcome = vonage(&sink, "").send(&text_message(Channel::Sms, "+48123456767")).await;
        assert_eq!(outcome, Outcome::retry("answered 200, but not as Vonage does"));
    }
    let throttled = answer(200, &parts(&[("1", "")]));
    let expected =
        Outcome::Retry { why: "refused with status 1".into(), after: Some(Duration::from_secs(1)) };
    assert_eq!(outcome(&throttled), expected);
}

#[tokio::test]
async fn a_check_reads_the_credit_and_keeps_the_secret_out_of_the_url() {
    let answers = vec![
        (200, "", "{\"value\":10.28,\"autoReload\":false}"),
        (200, "", "{\"value\":0.0,\"autoReload\":true}"),
        (200, "", "{\"value\":0.0,\"autoReload\":false}"),
        (200, "", "hello"),
        (401, "", "{}"),
    ];
    let sink = Sink::start(answers).await;
    let provider = vonage(&sink, "");
    let mut found = Vec::new();
    for _ in 0..5 {
        found.push(provider.check().await.is_ok());
    }
    assert_eq!(found, [true, true, false, false, false]);
    assert_eq!(sink.seen()[0].target, "/account/get-balance");
    assert!(sink.seen()[0].header("authorization").unwrap().starts_with("Basic "));
}

#[tokio::test]
async fn a_message_is_for_a_number() {
    let sink = Sink::start(vec![(200, "", &parts(&[("0", "")]))]).await;
    for to in ["", "+", "a@example.org", "+1234567890123456", "+48 123"] {
        assert_eq!(vonage(&sink, "").send(&text_message(Channel::Sms, to)).await.name(), "refused");
    }
    assert!(sink.seen().is_empty());
}
