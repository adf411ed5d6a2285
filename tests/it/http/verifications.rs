//! Verifications: a backend asks whether somebody holds a number or an address.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use multauth::auth::operator::api_keys;
use serde_json::{Value, json};

use crate::support::raw::{Answer, Call};
use crate::support::server::{Server, code};

const PHONE: &str = "+12025550143";
const EMAIL: &str = "someone@example.org";

async fn start(server: &Server, key: &str, body: Value) -> Answer {
    server.call(Call::new("POST", "/v1/verifications").bearer(key).json(body.to_string())).await
}

async fn check(server: &Server, key: &str, handle: &str, passcode: &str) -> Answer {
    let path = format!("/v1/verifications/{handle}/check");
    server.call(Call::new("POST", &path).bearer(key).json(json!({ "passcode": passcode }).to_string())).await
}

fn handle(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()["verification"].as_str().unwrap().to_owned()
}

/// A code that is not `right`.
fn wrong(right: &str) -> String {
    let last = if right.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &right[..right.len() - 1])
}

#[tokio::test]
async fn a_right_code_gives_a_proof_once() {
    for server in Server::on_each(|_| {}).await {
        let (_, key) = server.api_key(&["verify"]).await;
        for (to, channel, n) in
            [(PHONE, "sms", 1), (EMAIL, "email", 1), (PHONE, "call", 2), (PHONE, "whatsapp", 3)]
        {
            let started = start(&server, &key, json!({ "to": to, "channel": channel })).await;
            let handle = handle(&started);
            let value = started.json();
            assert_eq!((&value["channel"], &value["length"]), (&json!(channel), &json!(6)));
            assert_eq!((&value["expires_in"], &value["attempts_left"]), (&json!(600), &json!(5)));
            assert!(!value["to"].as_str().unwrap().contains(&to[3..8]), "masked: {value}");
            let code = code(&server.message(to, n).await);
            assert!(!started.body.contains(&code));
            let passed = check(&server, &key, &handle, &code).await;
            assert_eq!(passed.status, 200, "{}", passed.body);
            proven(&server, &passed, to, channel).await;
            let again = check(&server, &key, &handle, &code).await;
            assert_eq!(again.status, 410, "{} once: {}", server.name(), again.body);
        }
    }
}

/// The proof holds by the published keys alone.
async fn proven(server: &Server, passed: &Answer, to: &str, channel: &str) {
    let value = passed.json();
    let proof = value["proof"].as_str().unwrap();
    let (message, signature) = proof.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let decoded = |part: &str| -> Value { serde_json::from_slice(&B64.decode(part).unwrap()).unwrap() };
    let (header, claims) = (decoded(header), decoded(claims));
    assert_eq!(header["typ"], "verification+jwt");
    let keys = server.get("/.well-known/jwks.json").await.json();
    let jwk =
        keys["keys"].as_array().unwrap().iter().find(|jwk| jwk["kid"] == header["kid"]).unwrap().clone();
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    let algorithm = header["alg"].as_str().unwrap().parse().unwrap();
    let holds = |message: &str| jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm);
    assert!(holds(message).unwrap() && !holds(&format!("{message}x")).unwrap());
    let now = server.app.now().div_euclid(1_000);
    assert_eq!((&claims["to"], &claims["channel"]), (&json!(to), &json!(channel)));
    assert_eq!((&claims["verified_at"], &claims["iat"]), (&json!(now), &json!(now)));
    assert_eq!(claims["exp"], now + 600);
    assert_eq!(claims["iss"], server.app.settings.issuer());
    assert_eq!((&value["to"], &value["verified_at"]), (&json!(to), &json!(now)));
}

#[tokio::test]
async fn by_setting_a_code_stays_good_until_it_ends() {
    for server in Server::on_each(|settings| settings.verification.reuse = true).await {
        let (_, key) = server.api_key(&["verify"]).await;
        let handle = handle(&start(&server, &key, json!({ "to": EMAIL })).await);
        let code = code(&server.message(EMAIL, 1).await);
        for time in 0..4 {
            let answer = check(&server, &key, &handle, &code).await;
            assert_eq!(answer.status, 200, "{} time {time}: {}", server.name(), answer.body);
        }
        server.clock.advance(599_999);
        assert_eq!(check(&server, &key, &handle, &code).await.status, 200);
        server.clock.advance(1);
        assert_eq!(check(&server, &key, &handle, &code).await.status, 410);
    }
}

#[tokio::test]
async fn a_code_is_as_long_lived_and_as_long_as_it_is_set() {
    let server = Server::start(|settings| {
        settings.verification.lifetime = multauth::settings::Span(120_000);
        settings.verification.length = 8;
    })
    .await;
    let (_, key) = server.api_key(&["verify"]).await;
    for (n, (wait, status)) in [(119_999, 200), (120_000, 410)].into_iter().enumerate() {
        let handle = handle(&start(&server, &key, json!({ "to": EMAIL })).await);
        let code = code(&server.message(EMAIL, n + 1).await);
        assert_eq!(code.len(), 8);
        server.clock.advance(wait);
        assert_eq!(check(&server, &key, &handle, &code).await.status, status, "after {wait}");
    }
}

#[tokio::test]
async fn wrong_codes_are_counted_and_the_code_dies() {
    for reuse in [false, true] {
        for server in Server::on_each(|settings| settings.verification.reuse = reuse).await {
            let (_, key) = server.api_key(&["verify"]).await;
            let handle = handle(&start(&server, &key, json!({ "to": PHONE })).await);
            let right = code(&server.message(PHONE, 1).await);
            for left in (0..5).rev() {
                let answer = check(&server, &key, &handle, &wrong(&right)).await;
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (401, "wrong_secret"),
                    "{}",
                    server.name()
                );
                assert_eq!(answer.json()["attempts_left"], left);
            }
            let answer = check(&server, &key, &handle, &right).await;
            assert_ne!(answer.status, 200, "{}: the sixth, right", server.name());
        }
    }
}

#[tokio::test]
async fn a_code_belongs_to_its_verification() {
    let server = Server::start(|_| {}).await;
    let (_, key) = server.api_key(&["verify"]).await;
    let first = handle(&start(&server, &key, json!({ "to": PHONE })).await);
    let second = handle(&start(&server, &key, json!({ "to": EMAIL })).await);
    let (to_phone, to_email) = (code(&server.message(PHONE, 1).await), code(&server.message(EMAIL, 1).await));
    if to_phone != to_email {
        assert_eq!(check(&server, &key, &first, &to_email).await.status, 401);
        assert_eq!(check(&server, &key, &second, &to_phone).await.status, 401);
    }
    let cancel = Call::new("DELETE", &format!("/v1/verifications/{first}"));
    assert_eq!(server.call(cancel.clone()).await.status, 401, "without a key");
    assert_eq!(server.call(cancel.clone().bearer(&key)).await.status, 204);
    assert_eq!(server.call(cancel.bearer(&key)).await.status, 404, "twice");
    assert_eq!(check(&server, &key, &first, &to_phone).await.status, 404, "given up");
    assert_eq!(check(&server, &key, &second, &to_email).await.status, 200);
}

#[tokio::test]
async fn only_a_live_key_with_the_scope_may_ask() {
    for server in Server::on_each(|_| {}).await {
        let user = server.user("keeper").await;
        let (id, verify) = server.api_key(&["verify"]).await;
        let (_, introspect) = server.api_key(&["introspect"]).await;
        let (_, both) = server.api_key(&["verify", "introspect"]).await;
        let calls = |handle: &str| {
            [
                Call::new("POST", "/v1/verifications").json(json!({ "to": EMAIL }).to_string()),
                Call::new("POST", &format!("/v1/verifications/{handle}/check"))
                    .json(r#"{"passcode":"123456"}"#),
                Call::new("DELETE", &format!("/v1/verifications/{handle}")),
            ]
        };
        let live = handle(&start(&server, &verify, json!({ "to": PHONE })).await);
        let (upper, longer) = (verify.to_uppercase(), format!("{verify}A"));
        let shorter = verify[..verify.len() - 1].to_owned();
        let strangers =
            [introspect.as_str(), &user.access, &user.refresh, &upper, &longer, &shorter, &live, "mk_", "x"];
        for call in calls(&live) {
            let what = format!("{} {} {}", server.name(), call.method, call.path);
            let mut answers = vec![server.call(call.clone()).await];
            for stranger in strangers {
                answers.push(server.call(call.clone().bearer(stranger)).await);
            }
            for answer in answers {
                assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"), "{what}");
            }
        }
        let ask = |key: &str| Call::new("POST", "/v1/introspect").bearer(key).json(r#"{"token":"x"}"#);
        assert_eq!(server.call(ask(&verify)).await.status, 401, "verify may not introspect");
        assert_eq!(server.call(ask(&both)).await.status, 200);
        let me = server.call(Call::new("GET", "/v1/me").bearer(&both)).await;
        assert_eq!(me.status, 401, "an API key is no access token");
        api_keys::end(&server.app, &id).await.unwrap();
        for call in calls(&live) {
            assert_eq!(server.call(call.bearer(&verify)).await.status, 401, "ended");
        }
    }
}

#[tokio::test]
async fn only_where_it_may_be_sent() {
    let server = Server::start(|_| {}).await;
    let (_, key) = server.api_key(&["verify"]).await;
    let refused = [
        json!({ "to": "+48123456789" }),
        json!({ "to": "+8821612345678" }),
        json!({ "to": "2025550143" }),
        json!({ "to": "+1" }),
        json!({ "to": "someone" }),
        json!({ "to": "@example.org" }),
        json!({ "to": "a@b@example.org" }),
        json!({ "to": EMAIL, "channel": "sms" }),
        json!({ "to": PHONE, "channel": "email" }),
        json!({ "to": PHONE, "channel": "pigeon" }),
        json!({ "to": "" }),
        json!({ "channel": "sms" }),
        json!({ "to": [PHONE, "+12025550144"] }),
        json!({ "to": format!("{PHONE},+12025550144") }),
        json!({ "to": format!("{EMAIL}\nBcc: other@example.org") }),
    ];
    for body in refused {
        let answer = start(&server, &key, body.clone()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_request"),
            "{body}: {}",
            answer.body
        );
        let field = answer.json()["errors"][0]["field"].clone();
        assert!(
            answer.json().get("errors").is_none() || field == "to" || field == "channel",
            "{body}: {field}"
        );
    }
    assert!(server.app.inbox.as_ref().unwrap().all().is_empty(), "and nothing left");
}
