//! Links and the issuer begin with the configured address, whatever a request says of itself (R57, R90).

use serde_json::{Value, json};

use crate::support::person::PASSWORD;
use crate::support::raw::Call;
use crate::support::server::{Server, link};

const OWN: &str = "https://id.example.com/base";

/// Headers that name another host; `None` stands for the header that is always there.
const OTHERS: [(&str, &str); 24] = [
    ("Host", "evil.example"),
    ("Host", "evil.example:443"),
    ("Host", "id.example.com.evil.example"),
    ("Host", "id.example.com@evil.example"),
    ("Host", "EVIL.example"),
    ("Host", ""),
    ("Host", "evil.example/path"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Host", "evil.example, id.example.com"),
    ("X-Forwarded-Proto", "javascript"),
    ("X-Forwarded-Port", "47474"),
    ("X-Forwarded-Prefix", "//evil.example"),
    ("X-Forwarded-Server", "evil.example"),
    ("X-Forwarded-Scheme", "http"),
    ("X-Host", "evil.example"),
    ("X-HTTP-Host-Override", "evil.example"),
    ("Forwarded", "host=evil.example;proto=http"),
    ("Forwarded", "for=127.0.0.1;host=\"evil.example\""),
    ("X-Original-URL", "https://evil.example/"),
    ("X-Rewrite-URL", "https://evil.example/"),
    ("Origin", "https://evil.example"),
    ("Referer", "https://evil.example/"),
    ("X-Original-Host", "evil.example"),
    ("Base-Url", "https://evil.example"),
];

fn with(call: Call, header: (&str, &str)) -> Call {
    let call = if header.0 == "Host" { call.without("Host") } else { call };
    call.header(header.0, header.1)
}

#[tokio::test]
async fn no_request_changes_a_link_or_the_issuer() {
    let server = Server::start(|settings| {
        settings.public_url = OWN.parse().unwrap();
        // Whoever is believed about addresses is not believed about hosts.
        settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let (_, key) = server.api_key(&["verify"]).await;
    for (n, header) in OTHERS.into_iter().enumerate() {
        let what = format!("{header:?}");
        let address = format!("person{n}@example.org");
        let body = json!({ "email": address, "password": PASSWORD });
        let signup = Call::new("POST", "/v1/signup").json(body.to_string());
        let answer = server.call(with(signup, header)).await;
        if answer.status == 400 {
            // A host that is none is refused before anything is done.
            assert!(["", "evil.example/path", "id.example.com@evil.example"].contains(&header.1), "{what}");
            continue;
        }
        assert_eq!(answer.status, 200, "{what}: {}", answer.body);
        let attempt = answer.json()["attempt"].as_str().unwrap().to_owned();
        let first = server.message(&address, 1).await;
        own_alone(&link(&first), first.text.expose(), &what);
        own_alone(&link(&first), first.html.as_ref().unwrap().expose(), &what);
        let done = Call::new("POST", &format!("/v1/attempts/{attempt}"));
        let code = crate::support::server::code(&first);
        let done = server.call(with(done.json(json!({ "passcode": code }).to_string()), header)).await;
        let access = done.json()["access_token"].as_str().unwrap_or_else(|| panic!("{what}")).to_owned();
        assert!(issuer(&access) == OWN, "{what}");
        for (n, (path, body)) in [
            ("/v1/recovery", json!({ "email": address })),
            ("/v1/signin", json!({ "email": address, "password": PASSWORD })),
            ("/v1/signup", json!({ "email": address, "password": PASSWORD })),
        ]
        .into_iter()
        .enumerate()
        {
            let answer = server.call(with(Call::new("POST", path).json(body.to_string()), header)).await;
            assert_eq!(answer.status, 200, "{what} {path}: {}", answer.body);
            let asked = answer.json()["attempt"].as_str().map(str::to_owned);
            if path == "/v1/recovery" {
                let send = Call::new("POST", &format!("/v1/attempts/{}/send", asked.unwrap()));
                let _ = server.call(with(send, header)).await;
            }
            let message = server.message(&address, n + 2).await;
            nothing_of_others(message.text.expose(), &format!("{what} {path}"));
        }
        let verify =
            Call::new("POST", "/v1/verifications").bearer(&key).json(json!({ "to": address }).to_string());
        assert_eq!(server.call(with(verify, header)).await.status, 201, "{what}");
        nothing_of_others(server.message(&address, 5).await.text.expose(), &what);

        let metadata = server.call(with(Call::new("GET", &metadata_path()), header)).await;
        assert_eq!(metadata.json()["issuer"], OWN, "{what}");
        assert_eq!(metadata.json()["jwks_uri"], format!("{OWN}/.well-known/jwks.json"), "{what}");
        for path in ["/confirm/x", "/openapi.json", "/.well-known/security.txt", "/v1/flows"] {
            let answer = server.call(with(Call::new("GET", path), header)).await;
            nothing_of_others(&answer.body, &what);
            assert_eq!(answer.header("location"), None, "{what}");
        }
    }
    let target = format!("http://evil.example{}", metadata_path());
    assert_eq!(server.get(&target).await.json()["issuer"], OWN, "a whole address as the target");
    let twice = Call::new("GET", &metadata_path()).header("Host", "evil.example");
    let answer = server.call(twice).await;
    assert!(answer.status == 400 || answer.json()["issuer"] == OWN, "two hosts");
}

/// Where the document says that the metadata is.
fn metadata_path() -> String {
    let document = multauth::api::document(
        &multauth::settings::Settings::built_in(),
        &multauth::extensions::Extensions::default(),
    );
    let is = |item: &Value| item["get"]["operationId"] == "metadata";
    let paths = document["paths"].as_object().unwrap();
    paths.iter().find(|(_, item)| is(item)).map(|(path, _)| path.clone()).unwrap()
}

fn own_alone(link: &str, text: &str, what: &str) {
    assert!(link.starts_with(&format!("{OWN}/confirm/")), "{what}: {link}");
    nothing_of_others(text, what);
}

fn nothing_of_others(text: &str, what: &str) {
    assert!(!text.to_lowercase().contains("evil.example") && !text.contains(":47474"), "{what}: {text}");
}

fn issuer(token: &str) -> String {
    use base64::Engine;
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["iss"].as_str().unwrap().to_owned()
}
