//! Messages in the language of who reads them, from the door to the mailbox.

use std::io::{Read, Write};

use serde_json::json;

use crate::support::app::TestApp;
use crate::support::client::Client;
use crate::support::person::{CARD, PASSWORD};

fn by_mail(address: &str) -> serde_json::Value {
    json!({ "email": address, "password": PASSWORD })
}

/// Signs up as `client`, proves the address, gives the text with the code and a client with the access token.
async fn signed_up(app: &TestApp, client: &Client, body: serde_json::Value) -> (String, Client) {
    let asked = client.signup(body).await.asks();
    let code = app.code().await;
    let done = client.passcode(&asked.attempt, code.code()).await.done();
    (code.text, client.bearing(&done.access))
}

/// The text of the message that a sign-in with a password sends.
async fn signin_text(app: &TestApp, client: &Client, address: &str) -> String {
    app.pass(2 * 60_000);
    client.signin(by_mail(address)).await.asks();
    app.code().await.text
}

#[tokio::test]
async fn a_code_comes_in_the_language_that_the_client_asks_for_and_can_be_used() {
    for app in TestApp::each(|_| {}).await {
        let client = app.client().speaking("de-AT, en;q=0.5");
        let (mail, _) = signed_up(&app, &client, by_mail("maria@example.org")).await;
        assert!(mail.contains("ein neues Konto bei multauth"), "{mail}");
        assert!(mail.contains("Verraten Sie diesen Code niemandem"), "{mail}");
        let by_phone = json!({ "phone": "+12025550143", "hardcode": CARD });
        let (sms, _) = signed_up(&app, &client, by_phone).await;
        assert!(sms.contains("ist Ihr Code zur Registrierung bei multauth"), "{sms}");
    }
}

#[tokio::test]
async fn the_profile_comes_before_what_the_client_asks_for() {
    let app = TestApp::new(|_| {}).await;
    let (_, person) = signed_up(&app, &app.client(), by_mail("maria@example.org")).await;
    let german = app.client().speaking("de");
    assert!(signin_text(&app, &german, "maria@example.org").await.contains("meldet sich gerade"));
    let changed = json!({ "profile": { "language": "fa-IR" } });
    person.raw("PATCH", "/v1/me", Some(&changed.to_string())).await.is(200);
    let persian = signin_text(&app, &german, "maria@example.org").await;
    assert!(persian.contains("در حال ورود به حساب شما در multauth"), "{persian}");
    // What happens to the account is told in it too.
    let device = json!({ "kind": "card", "hardcode": CARD });
    person.speaking("zh").add(device).await.is(201);
    let told = app.mail().await;
    assert!(told[0].text.contains("دستگاهی به حساب شما در multauth افزوده شد: کارت"), "{told:?}");
}

#[tokio::test]
async fn a_language_given_at_sign_up_counts_at_once() {
    let app = TestApp::new(|_| {}).await;
    let mut body = by_mail("maria@example.org");
    body["profile"] = json!({ "language": "fr_CA" });
    let (mail, _) = signed_up(&app, &app.client().speaking("de"), body).await;
    assert!(mail.contains("crée un nouveau compte sur multauth"), "{mail}");
}

#[tokio::test]
async fn where_no_language_is_known_the_one_of_the_settings_steps_in() {
    let app = TestApp::new(|settings| settings.messages.language = "pl".into()).await;
    let client = app.client().speaking("tlh, pt-BR;q=0.9, *;q=0.1, de;q=0");
    let mut body = by_mail("maria@example.org");
    body["profile"] = json!({ "language": "{{7*7}}" });
    let (mail, person) = signed_up(&app, &client, body).await;
    assert!(mail.contains("zakłada nowe konto w multauth"), "{mail}");
    assert_eq!(person.get("/v1/me").await.json()["profile"]["language"], "{{7*7}}");
    let (sms, _) = signed_up(&app, &app.client(), json!({ "phone": "+12025550143", "hardcode": CARD })).await;
    assert!(sms.contains("to kod rejestracji w multauth"), "{sms}");
}

#[tokio::test]
async fn the_owner_of_a_taken_address_reads_their_own_language_whoever_tries_it() {
    let app = TestApp::new(|_| {}).await;
    let mut body = by_mail("maria@example.org");
    body["profile"] = json!({ "language": "fr" });
    signed_up(&app, &app.client(), body).await;
    signed_up(&app, &app.client().speaking("de"), by_mail("jan@example.org")).await;
    for (address, expected) in [
        ("maria@example.org", "a essayé de créer un nouveau compte"),
        ("jan@example.org", "Somebody tried to make a new account"),
    ] {
        let mut again = by_mail(address);
        again["profile"] = json!({ "language": "zh" });
        let asked = app.client().speaking("zh").signup(again).await.asks();
        assert_eq!(asked.secrets(), ["passcode"]);
        let told = app.mail().await;
        assert!(told.len() == 1 && told[0].text.contains(expected), "{told:?}");
    }
}

#[tokio::test]
async fn the_operators_template_is_what_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("de")).unwrap();
    let own = "[subject]\nHallo\n[lead]\nServus von {{ service }}\n[objection]\nNein.\n[short]\n{{ code }} von uns\n";
    std::fs::write(folder.path().join("de/signup_code.txt"), own).unwrap();
    let app = TestApp::new(|settings| {
        settings.messages.templates = Some(folder.path().to_owned());
        settings.messages.contact = "hilfe@example.org".into();
    })
    .await;
    let client = app.client().speaking("de");
    let (mail, _) = signed_up(&app, &client, by_mail("maria@example.org")).await;
    assert!(mail.starts_with("Servus von multauth\n") && mail.contains("hilfe@example.org"), "{mail}");
    let (mail, _) = signed_up(&app, &app.client(), by_mail("jan@example.org")).await;
    assert!(mail.contains("is making a new account"), "{mail}");
}

#[tokio::test]
async fn a_hostile_header_does_nothing() {
    let app = TestApp::new(|_| {}).await;
    let long = format!("{},de", "x".repeat(10_000));
    let many = "tlh,".repeat(2_500) + "de";
    let hostile =
        [long.as_str(), many.as_str(), "de;q=9, de;q=\u{e9}", "{{7*7}}", "de\tAT", "../de", ",;=;q=,,"];
    for (n, header) in hostile.into_iter().enumerate() {
        let client = app.client().speaking(header);
        let (mail, _) = signed_up(&app, &client, by_mail(&format!("p{n}@example.org"))).await;
        let expected = if n == 0 { "legt gerade" } else { "is making a new account" };
        assert!(mail.contains(expected), "{n}: {mail}");
    }
    // Control characters do not come past the parser of HTTP.
    let address = app.base.strip_prefix("http://").unwrap().to_owned();
    for control in ["\u{0}", "\u{1b}[31m", "\u{7f}"] {
        let request = format!(
            "GET /v1/flows HTTP/1.1\r\nHost: localhost\r\nAccept-Language: de{control}\r\nConnection: close\r\n\r\n"
        );
        let address = address.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        assert!(answer.await.unwrap().starts_with("HTTP/1.1 400 "), "{control:?}");
    }
}
