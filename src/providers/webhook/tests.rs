use super::*;
use crate::providers::sink::{Sink, text_message};
use crate::providers::spec::told;

fn paths(text: &str) -> Vec<String> {
    let mistakes = told(text, build).err().unwrap_or_default();
    mistakes.into_iter().map(|it| it.path.trim_start_matches("p[0].").to_owned()).collect()
}

async fn sent(answer: (u16, &str, &str), more: &str) -> (Outcome, crate::providers::sink::Seen) {
    let sink = Sink::start(vec![answer]).await;
    let text = format!("url = \"{}/send?v=1\"\n{more}", sink.url());
    let provider = told(&text, build).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let outcome = provider.send(&text_message(Channel::Sms, "+48123456767")).await;
    (outcome, sink.seen().pop().unwrap())
}

#[test]
fn all_mistakes_come_at_once() {
    let text = "url = \"ftp://sms.example.com\"\ntimeout = \"0s\"\nusername = \"u\"\njson = \"{{ coed }}\"\n\
                give_up_status = [200]\n[headers]\n\"a b\" = \"x\"\nhost = \"x\"\nx = \"a\\nb\"\n\
                [query]\nto = \"{{ nobody }}\"\n[success]\nstatus = [302]\njson = \"/a\"";
    let expected = [
        "url",
        "timeout",
        "password",
        "headers.a b",
        "headers.host",
        "headers.x",
        "query.to",
        "json",
        "success.status",
        "give_up_status",
        "success.equals",
    ];
    assert_eq!(paths(text), expected);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let url = "url = \"https://sms.example.com/send\"\n";
    for (more, path) in [
        ("json = \"1\"\ntext = \"x\"", "text"),
        ("form = {}\njson = \"1\"", "form"),
        ("method = \"GET\"\ntext = \"x\"", "text"),
        ("method = \"DELETE\"", "method"),
        ("bearer = \"a\"\nusername = \"u\"\npassword = \"p\"", "bearer"),
        ("bearer = \"a\\nb\"", "bearer"),
        ("password = \"p\"", "username"),
        ("bearer = \"a\"\nheaders = { Authorization = \"x\" }", "headers"),
        ("headers = { A = \"x\", a = \"y\" }", "headers.a"),
        ("headers_file = { X-Key = \"/nowhere\" }", "headers_file.X-Key"),
        ("insecure = true", "insecure"),
        ("reference = \"id\"", "reference"),
        ("success = { equals = 1 }", "success.json"),
        ("success = { is = 1 }", "success.is"),
    ] {
        assert_eq!(paths(&format!("{url}{more}")), [path], "{more}");
    }
    assert_eq!(paths(""), ["url"]);
    assert_eq!(paths("url = \"http://sms.example.com/send\""), ["url"]);
    assert_eq!(paths("url = \"https://u:p@sms.example.com/send\""), ["url"]);
    assert_eq!(paths("url = \"http://u:p@sms.example.com/\"\ninsecure = true"), ["url"]);
    assert!(paths("url = \"http://sms.example.com/send\"\ninsecure = true").is_empty());
}

#[tokio::test]
async fn without_a_word_about_it_the_whole_message_is_posted_as_json() {
    let (outcome, seen) = sent((202, "", ""), "").await;
    assert_eq!(outcome, Outcome::Delivered { reference: None });
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/send?v=1"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    let expected = serde_json::json!({
        "id": "6d3c-1", "to": "+48123456767", "digits": "48123456767", "channel": "sms",
        "kind": "signin_code", "subject": null, "text": "305118 is your code & more", "html": null, "code": null,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_json_body_and_its_answer_are_as_described() {
    let more = r#"
        bearer = "t0ken"
        headers = { X-Account = "a1" }
        json = '{"to": [{{ digits }}], "text": {{ text }}, "ref": {{ id }}}'
        success = { status = [201], json = "/ok", equals = true }
        reference = "/data/id"
    "#;
    let (outcome, seen) = sent((201, "", r#"{"ok":true,"data":{"id":7}}"#), more).await;
    assert_eq!(outcome, Outcome::Delivered { reference: Some("7".into()) });
    assert_eq!(
        seen.body,
        r#"{"to": ["48123456767"], "text": "305118 is your code & more", "ref": "6d3c-1"}"#
    );
    assert_eq!(seen.header("authorization"), Some("Bearer t0ken"));
    assert_eq!(seen.header("x-account"), Some("a1"));
    let (outcome, _) = sent((201, "", r#"{"ok":false}"#), more).await;
    assert_eq!(outcome.name(), "deferred");
}

#[tokio::test]
async fn a_form_and_a_query_are_encoded() {
    let more = r#"
        method = "PUT"
        username = "u"
        password = "p"
        form = { recipient = "{{ to }}", message = "{{ text }}" }
        query = { ref = "{{ id }}&x=1" }
    "#;
    let (_, seen) = sent((200, "", ""), more).await;
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("PUT", "/send?v=1&ref=6d3c-1%26x%3D1"));
    let expected = [("message", "305118 is your code & more"), ("recipient", "+48123456767")];
    assert_eq!(seen.form(), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert_eq!(seen.header("authorization"), Some("Basic dTpw"));
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));

    let (_, seen) = sent((200, "", ""), "method = \"GET\"\nquery = { to = \"{{ to }}\" }").await;
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/send?v=1&to=%2B48123456767"));
    assert_eq!((seen.body.as_str(), seen.header("content-type")), ("", None));

    let more =
        "text = \"<sms to='{{ to }}'>{{ text | e }}</sms>\"\nheaders = { Content-Type = \"text/xml\" }";
    let (_, seen) = sent((200, "", ""), more).await;
    assert_eq!(seen.body, "<sms to='+48123456767'>305118 is your code &amp; more</sms>");
    assert_eq!(seen.header("content-type"), Some("text/xml"));
}

#[tokio::test]
async fn an_answer_has_its_outcome_and_no_redirect_is_followed() {
    for (status, expected) in [
        (200, "accepted"),
        (0, "failed"),
        (302, "misconfigured"),
        (400, "rejected"),
        (401, "misconfigured"),
        (403, "deferred"),
        (410, "refused"),
        (429, "failed"),
        (500, "failed"),
    ] {
        let answer = (status, "location: http://127.0.0.1:1/", "about +48123456767");
        let (outcome, _) = sent(answer, "give_up_status = [410]").await;
        assert_eq!(outcome.name(), expected, "{status}");
        assert!(!outcome.why().contains("48123"), "{outcome:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn secrets_may_be_kept_in_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let keep = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        file.display().to_string()
    };
    let sink = Sink::start(vec![(200, "", "")]).await;
    let url = keep("url", &format!("{}/v1/k3y/send", sink.url()));
    let text = format!(
        "url_file = {url:?}\nbearer_file = {:?}\nheaders_file = {{ X-Key = {:?} }}",
        keep("bearer", "t0ken\n"),
        keep("key", "k3y\n")
    );
    let provider = told(&text, build).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    provider.send(&text_message(Channel::Sms, "+48123456767")).await;
    assert_eq!(provider.check().await, Ok(()));
    let seen = sink.seen();
    assert_eq!(seen[0].target, "/v1/k3y/send");
    assert_eq!(
        (seen[0].header("authorization"), seen[0].header("x-key")),
        (Some("Bearer t0ken"), Some("k3y"))
    );
    assert_eq!((seen[1].method.as_str(), seen[1].target.as_str()), ("HEAD", "/"), "no key in a check");
    assert_eq!(seen[1].header("authorization"), None);
}
