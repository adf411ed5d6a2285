//! Access tokens, refresh tokens and the keys that sign: what is forged, used twice, ended or rotated.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as B64};
use jsonwebtoken::Algorithm;
use multauth::auth::operator;
use multauth::keys::{JWKS_MAX_AGE, LoadedKey};
use multauth::settings::Algorithm as Chosen;
use multauth::tokens::jwt;
use serde_json::{Value, json};

use crate::support::person::PASSWORD;
use crate::support::raw::{Answer, Call};
use crate::support::server::{Server, Tokens};

async fn me(server: &Server, token: &str) -> Answer {
    server.call(Call::new("GET", "/v1/me").bearer(token)).await
}

async fn refresh(server: &Server, token: &str) -> Answer {
    server.post("/v1/token", json!({ "refresh_token": token })).await
}

async fn inspect(server: &Server, key: &str, token: &str) -> Answer {
    let body = json!({ "token": token }).to_string();
    server.call(Call::new("POST", "/v1/introspect").bearer(key).json(body)).await
}

async fn active(server: &Server, key: &str, token: &str) -> bool {
    let answer = inspect(server, key, token).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let value = answer.json();
    let active = value["active"].as_bool().unwrap();
    assert!(active || value == json!({ "active": false }), "an inactive token tells nothing else: {value}");
    active
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&B64.decode(part).unwrap()).unwrap()
}

/// A token with this header and these claims, as they are written, signed with the key itself.
fn signed(key: &LoadedKey, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", B64.encode(header), B64.encode(claims));
    format!("{message}.{}", B64.encode(key.sign(message.as_bytes()).unwrap()))
}

/// The text of `value` with `name` set to `new` as it is written, or taken away.
fn set(value: &Value, name: &str, new: Option<&str>) -> String {
    let mut map = value.as_object().unwrap().clone();
    map.remove(name);
    let mut members: Vec<String> = map.iter().map(|(k, v)| format!("{}:{v}", json!(k))).collect();
    members.extend(new.map(|new| format!("\"{name}\":{new}")));
    format!("{{{}}}", members.join(","))
}

/// Tokens that nobody gave, each named.
fn forgeries(server: &Server, user: &Tokens, other: &Tokens) -> Vec<(String, String)> {
    let key = server.app.keys.signer().unwrap();
    let parts: Vec<&str> = user.access.split('.').collect();
    let [head, body, signature] = parts[..] else { panic!("three parts") };
    let (header, claims) = (decoded(head), decoded(body));
    let (h, c) = (header.to_string(), claims.to_string());
    assert_eq!(signed(&key, &h, &c).split('.').take(2).collect::<Vec<_>>(), parts[..2], "forged alike");
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |what: &str, token: String| all.push((what.to_owned(), token));

    for none in ["\"none\"", "\"None\"", "\"nOnE\"", "\"\"", "null", "[]"] {
        let head = B64.encode(set(&header, "alg", Some(none)));
        add(&format!("alg {none}, no signature"), format!("{head}.{body}."));
        add(&format!("alg {none}, the old signature"), format!("{head}.{body}.{signature}"));
    }
    for alg in ["HS256", "HS512", "RS256", "PS256", "ES384", "ES512", "EdDSA", "es256", "ES256K", "ES256 "] {
        add(&format!("alg {alg}"), signed(&key, &set(&header, "alg", Some(&format!("\"{alg}\""))), &c));
    }
    add("no alg", signed(&key, &set(&header, "alg", None), &c));
    for (what, secret) in public_forms(&key.jwk) {
        let head = B64.encode(set(&header, "alg", Some("\"HS256\"")));
        let message = format!("{head}.{body}");
        let hmac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
        let tag = aws_lc_rs::hmac::sign(&hmac, message.as_bytes());
        add(&format!("HS256 with the public key as {what}"), format!("{message}.{}", B64.encode(tag)));
    }
    let long = format!("\"{}\"", "k".repeat(64 * 1024));
    let kids = [
        "\"../../../../dev/null\"",
        "\"\\u0000\"",
        "\"' OR '1'='1\"",
        "\"a\\r\\nX: y\"",
        "\"\"",
        "null",
        "1",
        "[]",
        "\"unknown\"",
        long.as_str(),
    ];
    for kid in kids {
        add(&format!("kid {kid:.30}"), signed(&key, &set(&header, "kid", Some(kid)), &c));
    }
    add("no kid", signed(&key, &set(&header, "kid", None), &c));
    let jwk = key.jwk.to_string();
    let extras = [
        ("jku", "\"https://evil.example/jwks.json\""),
        ("x5u", "\"https://evil.example/cert\""),
        ("jwk", jwk.as_str()),
        ("x5c", "[\"AAAA\"]"),
        ("crit", "[\"unknown\"]"),
        ("crit", "[]"),
        ("b64", "false"),
        ("zip", "\"DEF\""),
        ("cty", "\"JWT\""),
        ("enc", "\"A256GCM\""),
        ("x5t", "\"a\""),
        ("nonce", "\"a\""),
    ];
    for (name, value) in extras {
        add(&format!("{name} in the header"), signed(&key, &set(&header, name, Some(value)), &c));
    }
    for typ in
        ["\"JWT\"", "\"verification+jwt\"", "\"application/at+jwt\"", "\"AT+JWT\"", "\"id_token\"", "null"]
    {
        add(&format!("typ {typ}"), signed(&key, &set(&header, "typ", Some(typ)), &c));
    }
    add("no typ", signed(&key, &set(&header, "typ", None), &c));
    let iss = claims["iss"].as_str().unwrap();
    let wrong: Vec<(&str, Vec<String>)> = vec![
        (
            "iss",
            vec![
                "\"https://evil.example\"".into(),
                format!("\"{iss}/\""),
                "\"\"".into(),
                format!("[\"{iss}\"]"),
            ],
        ),
        (
            "aud",
            vec![
                "\"other\"".into(),
                format!("[\"{iss}\"]"),
                format!("[\"{iss}\",\"other\"]"),
                format!("\"{iss}x\""),
                format!("\"{}\"", &iss[..iss.len() - 1]),
                format!("\"{}\"", iss.to_uppercase()),
                "\"\"".into(),
                "null".into(),
                "[]".into(),
            ],
        ),
        (
            "exp",
            vec![
                "\"9999999999\"".into(),
                "9999999999.5".into(),
                "1e10".into(),
                "-1".into(),
                "0".into(),
                "null".into(),
                "9223372036854775808".into(),
                format!("{}", claims["iat"]),
                "true".into(),
                "[]".into(),
            ],
        ),
        ("iat", vec!["9999999999".into(), "\"1\"".into(), "null".into()]),
        ("nbf", vec!["9999999999".into(), "\"soon\"".into(), "1.5".into()]),
        ("sub", vec![format!("\"{}\"", other.user), "\"\"".into(), "null".into(), "\"' OR 1=1\"".into()]),
        ("sid", vec!["\"\"".into(), "null".into(), "\"\\u0000\"".into(), "\"' OR 1=1\"".into()]),
        ("amr", vec!["\"pwd\"".into(), "[1]".into()]),
    ];
    for (name, values) in &wrong {
        for value in values {
            add(&format!("{name} = {value}"), signed(&key, &h, &set(&claims, name, Some(value))));
        }
    }
    for name in ["iss", "aud", "exp", "iat", "sub", "sid", "jti", "acr"] {
        add(&format!("no {name}"), signed(&key, &h, &set(&claims, name, None)));
        let twice = c.replacen('{', &format!("{{\"{name}\":{},", claims[name]), 1);
        add(&format!("{name} twice"), signed(&key, &h, &twice));
    }
    let twice = h.replacen('{', "{\"alg\":\"none\",", 1);
    add("alg twice", signed(&key, &twice, &c));
    add("claims that are a list", signed(&key, &h, "[]"));
    add("claims that are no JSON", signed(&key, &h, "x"));
    add("a header that is no JSON", signed(&key, "x", &c));
    for other_alg in [Algorithm::ES256, Algorithm::EdDSA] {
        add(&format!("another key, {other_alg:?}"), by_another_key(&header, &c, other_alg));
    }
    add("claims of somebody else", format!("{head}.{}.{signature}", other.access.split('.').nth(1).unwrap()));
    add("a signature of zeros", format!("{head}.{body}.{}", B64.encode([0; 64])));
    add("a short signature", format!("{head}.{body}.{}", &signature[..80]));
    add("a signature in DER", format!("{head}.{body}.{}", B64.encode([0x30, 6, 2, 1, 1, 2, 1, 1])));
    add("no signature", format!("{head}.{body}."));
    add("two parts", format!("{head}.{body}"));
    add("one part", head.to_owned());
    add("four parts", format!("{}.x", user.access));
    add("a point behind", format!("{}.", user.access));
    add("a point before", format!(".{}", user.access));
    add("five parts, as of a JWE", format!("{head}.{body}.{signature}.{head}.{body}"));
    add("padding", format!("{}==", user.access));
    add("padding in the middle", format!("{head}=.{body}.{signature}"));
    add("white space within", format!("{head}. {body}.{signature}"));
    add("the last bits not zero", format!("{head}.{body}.{}", tail_bits(signature)));
    add("a letter more", format!("{}A", user.access));
    add("a letter less", user.access[..user.access.len() - 1].to_owned());
    add(
        "the standard alphabet",
        format!("{head}.{body}.{}", STANDARD.encode(B64.decode(signature).unwrap())),
    );
    add("upper case", user.access.to_uppercase());
    add("a refresh token", user.refresh.clone());
    for word in ["null", "undefined", "x", "Bearer", "..", "...", "{}"] {
        add(word, word.to_owned());
    }
    add("very long", "a".repeat(6_000));
    all
}

/// The public key in the forms that a careless verifier might take for a secret.
fn public_forms(jwk: &Value) -> Vec<(&'static str, Vec<u8>)> {
    let part = |name: &str| B64.decode(jwk[name].as_str().unwrap()).unwrap();
    let point = [vec![4], part("x"), part("y")].concat();
    let prefix = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    let der = [data_encoding::HEXLOWER.decode(prefix.as_bytes()).unwrap(), point.clone()].concat();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
    vec![
        ("PEM", pem.clone().into_bytes()),
        ("PEM without its last line feed", pem.trim_end().as_bytes().to_vec()),
        ("DER", der),
        ("a point", point),
        ("a coordinate", part("x")),
        ("JWK", jwk.to_string().into_bytes()),
        ("nothing", Vec::new()),
    ]
}

fn by_another_key(header: &Value, claims: &str, algorithm: Algorithm) -> String {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
    let encoding = match algorithm {
        Algorithm::ES256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
            jsonwebtoken::EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref())
        }
        _ => {
            let pair = Ed25519KeyPair::generate().unwrap();
            jsonwebtoken::EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref())
        }
    };
    let name = format!("\"{algorithm:?}\"");
    let message = format!("{}.{}", B64.encode(set(header, "alg", Some(&name))), B64.encode(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &encoding, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// The same bytes by a decoder that does not look at the bits behind them.
fn tail_bits(signature: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = signature.split_at(signature.len() - 1);
    let at = ALPHABET.iter().position(|c| *c == last.as_bytes()[0]).unwrap();
    format!("{rest}{}", ALPHABET[at ^ 1] as char)
}

/// (r, s) → (r, n − s): as good a signature, by the mathematics.
fn malleated(token: &str) -> String {
    const N: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let n = data_encoding::HEXLOWER.decode(N.as_bytes()).unwrap();
    let (rest, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = B64.decode(signature).unwrap();
    let mut borrow = 0;
    for at in (0..32).rev() {
        let digit = i32::from(n[at]) - i32::from(bytes[32 + at]) - borrow;
        borrow = i32::from(digit < 0);
        bytes[32 + at] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    format!("{rest}.{}", B64.encode(bytes))
}

#[tokio::test]
async fn no_forged_token_is_taken() {
    let server = Server::start(|_| {}).await;
    let (user, other) = (server.user("keeper").await, server.user("another").await);
    let (_, key) = server.api_key(&["introspect"]).await;
    let forged = forgeries(&server, &user, &other);
    assert!(forged.len() >= 100, "{}", forged.len());
    for (what, token) in forged {
        let answer = me(&server, &token).await;
        let too_large = token.len() > 16_000 && answer.status == 431;
        assert!(
            too_large || (answer.status, answer.code().as_str()) == (401, "invalid_token"),
            "{what}: {answer:?}"
        );
        assert!(too_large || answer.header("www-authenticate").is_some(), "{what}");
        if token.starts_with("rt_") {
            continue;
        }
        if token.len() <= 4_096 {
            assert!(!active(&server, &key, &token).await, "{what}: introspected as active");
        } else {
            let status = inspect(&server, &key, &token).await.status;
            assert!(matches!(status, 400 | 413), "{what}: {status}");
        }
    }
    assert_eq!(me(&server, &user.access).await.status, 200, "the true one still is");
    assert!(active(&server, &key, &user.access).await);
    let bare = [
        ("no scheme", user.access.clone()),
        ("Basic", format!("Basic {}", user.access)),
        ("empty", String::new()),
    ];
    for (what, value) in bare {
        let answer = server.call(Call::new("GET", "/v1/me").header("Authorization", value)).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"), "{what}");
    }
    let in_address = server.get(&format!("/v1/me?access_token={}", user.access)).await;
    assert_eq!(in_address.status, 401, "a token in the address is none");
}

#[tokio::test]
async fn an_access_token_says_what_it_must_and_ends() {
    let server = Server::start(|_| {}).await;
    let user = server.user("keeper").await;
    let parts: Vec<&str> = user.access.split('.').collect();
    let (header, claims) = (decoded(parts[0]), decoded(parts[1]));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("ES256")));
    assert_eq!(claims["sub"], user.user);
    assert_eq!(claims["iss"], server.app.settings.issuer());
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
    for name in ["jti", "sid", "acr", "amr", "auth_time", "aud"] {
        assert!(!claims[name].is_null(), "{name}");
    }
    server.clock.advance(599_999);
    assert_eq!(me(&server, &user.access).await.status, 200);
    server.clock.advance(1);
    assert_eq!(me(&server, &user.access).await.status, 401, "over to the millisecond");
}

#[tokio::test]
async fn an_ended_session_kills_every_spelling_of_its_tokens() {
    let server = Server::start(|_| {}).await;
    let user = server.user("keeper").await;
    let copy = malleated(&user.access);
    assert_ne!(copy, user.access);
    assert!([200, 401].contains(&me(&server, &copy).await.status));
    let out = server.call(Call::new("POST", "/v1/signout").bearer(&user.access)).await;
    assert_eq!(out.status, 204);
    for token in [&user.access, &copy] {
        assert_eq!(me(&server, token).await.status, 401);
    }
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_session() {
    for server in Server::on_each(|_| {}).await {
        let (_, key) = server.api_key(&["introspect"]).await;
        let first = server.user("keeper").await;
        let second = Tokens::of(&refresh(&server, &first.refresh).await);
        let third = Tokens::of(&refresh(&server, &second.refresh).await);
        assert!(active(&server, &key, &third.refresh).await);
        assert!(
            !active(&server, &key, &second.refresh).await && !active(&server, &key, &first.refresh).await
        );
        let replayed = refresh(&server, &first.refresh).await;
        assert_eq!((replayed.status, replayed.code().as_str()), (401, "invalid_token"), "{}", server.name());
        assert_eq!(refresh(&server, &third.refresh).await.status, 401, "the newest is dead too");
        for tokens in [&first, &second, &third] {
            assert_eq!(me(&server, &tokens.access).await.status, 401);
            assert!(!active(&server, &key, &tokens.access).await);
        }
    }
}

#[tokio::test]
async fn parallel_refreshes_get_one_successor() {
    for server in Server::on_each(|_| {}).await {
        let again = server.again().await;
        let mut user = server.user("keeper").await;
        for round in 0..10 {
            let calls = (0..20).map(|n| refresh(if n % 2 == 0 { &server } else { &again }, &user.refresh));
            let answers = futures_util::future::join_all(calls).await;
            let mut given: Vec<String> = Vec::new();
            for answer in answers {
                assert_eq!(answer.status, 200, "{} round {round}: {}", server.name(), answer.body);
                given.push(Tokens::of(&answer).refresh);
            }
            given.sort();
            given.dedup();
            assert_eq!(given.len(), 1, "{} round {round}: two live branches", server.name());
            user.refresh = given.remove(0);
        }
        let next = Tokens::of(&refresh(&server, &user.refresh).await);
        let last = Tokens::of(&refresh(&server, &next.refresh).await);
        assert_eq!(refresh(&again, &user.refresh).await.status, 401, "its successor was used");
        assert_eq!(refresh(&server, &last.refresh).await.status, 401, "and the session is over");
    }
}

#[tokio::test]
async fn the_grace_is_as_long_as_it_is_set() {
    let server = Server::start(|_| {}).await;
    let user = server.user("keeper").await;
    let grace = server.app.settings.tokens.grace.millis();
    let next = Tokens::of(&refresh(&server, &user.refresh).await);
    server.clock.advance(grace);
    let again = Tokens::of(&refresh(&server, &user.refresh).await);
    assert_eq!(again.refresh, next.refresh, "a retry gets the very same");
    server.clock.advance(1);
    assert_eq!(refresh(&server, &user.refresh).await.status, 401);
    assert_eq!(refresh(&server, &next.refresh).await.status, 401, "too late is a theft");
}

#[tokio::test]
async fn a_refresh_token_is_compared_whole() {
    let server = Server::start(|_| {}).await;
    let user = server.user("keeper").await;
    let token = user.refresh.as_str();
    let mut mutants: Vec<String> = (0..token.len()).map(|n| token[..n].to_owned()).skip(1).collect();
    mutants.extend((1..token.len()).map(|n| token[n..].to_owned()).take(20));
    for (at, c) in token.char_indices() {
        let mut changed: Vec<char> = token.chars().collect();
        changed[at] = if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
        if changed[at] == c {
            changed[at] = if c == '7' { '8' } else { '7' };
        }
        mutants.push(changed.into_iter().collect());
    }
    mutants.extend(["A", "=", ".", " ", "%00"].map(|more| format!("{token}{more}")));
    mutants.extend([token.replace("rt_", "at_"), token.replace("rt_", ""), token.to_uppercase()]);
    mutants.push(user.access.clone());
    assert!(mutants.len() >= 160, "{}", mutants.len());
    for mutant in mutants {
        let answer = refresh(&server, &mutant).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"), "{mutant}");
    }
    assert_eq!(refresh(&server, token).await.status, 200, "the true one still is");
}

#[tokio::test]
async fn what_ends_a_session_ends_it_at_once_and_everywhere() {
    for server in Server::on_each(|_| {}).await {
        let again = server.again().await;
        let (_, key) = server.api_key(&["introspect"]).await;
        for (n, way) in
            ["signout", "disable", "delete", "end all", "end one", "password"].into_iter().enumerate()
        {
            let name = format!("keeper{n}");
            let (first, other) = (server.user(&name).await, server.signin(&name).await);
            assert!(active(&again, &key, &other.refresh).await && active(&again, &key, &other.access).await);
            end(&server, way, &first, &other).await;
            let what = format!("{} {way}", server.name());
            for server in [&again, &server] {
                assert_eq!(me(server, &other.access).await.status, 401, "{what}");
                assert_eq!(refresh(server, &other.refresh).await.status, 401, "{what}");
                assert!(!active(server, &key, &other.refresh).await, "{what}");
                assert!(!active(server, &key, &other.access).await, "{what}");
            }
            let own = refresh(&server, &first.refresh).await.status;
            let stays = matches!(way, "signout" | "password" | "end one");
            assert_eq!(own, if stays { 200 } else { 401 }, "{what}: the caller's own session");
        }
    }
}

/// Ends `other` in one of the ways; `first` is another session of the same user.
async fn end(server: &Server, way: &str, first: &Tokens, other: &Tokens) {
    let status = match way {
        "signout" => server.call(Call::new("POST", "/v1/signout").bearer(&other.access)).await.status,
        "disable" => {
            operator::set_disabled(&server.app, &first.user.as_str().into(), true).await.unwrap();
            204
        }
        "delete" => server.call(Call::new("DELETE", "/v1/me").bearer(&first.access)).await.status,
        "end all" => server.call(Call::new("DELETE", "/v1/me/sessions").bearer(&first.access)).await.status,
        "end one" => {
            let claims = decoded(other.access.split('.').nth(1).unwrap());
            let path = format!("/v1/me/sessions/{}", claims["sid"].as_str().unwrap());
            server.call(Call::new("DELETE", &path).bearer(&first.access)).await.status
        }
        _ => {
            let body =
                json!({ "password": PASSWORD, "new_password": "another-long-passphrase-92" }).to_string();
            server.call(Call::new("PUT", "/v1/me/password").bearer(&first.access).json(body)).await.status
        }
    };
    assert_eq!(status, 204, "{way}");
}

#[tokio::test]
async fn every_signin_has_a_session_of_its_own() {
    let server = Server::start(|_| {}).await;
    let (first, second) = (server.user("keeper").await, server.signin("keeper").await);
    let sid = |tokens: &Tokens| decoded(tokens.access.split('.').nth(1).unwrap())["sid"].clone();
    assert_ne!(sid(&first), sid(&second));
    let body = json!({ "username": "keeper", "password": PASSWORD }).to_string();
    let call =
        Call::new("POST", "/v1/signin").bearer(&first.access).header("Cookie", "sid=mine; session=mine");
    let third = Tokens::of(&server.call(call.json(body)).await);
    assert!(sid(&third) != sid(&first) && sid(&third) != "mine", "what the client carries is not adopted");
}

/// A client that keeps the JWKS as long as it is told to.
struct Verifier {
    keys: Value,
    until: i64,
}

impl Verifier {
    async fn knows(&mut self, server: &Server, token: &str) -> bool {
        if server.app.now() >= self.until {
            let answer = server.get("/.well-known/jwks.json").await;
            let cache = answer.header("cache-control").unwrap();
            let age: i64 = cache.split("max-age=").nth(1).unwrap().parse().unwrap();
            (self.keys, self.until) = (answer.json(), server.app.now() + age * 1_000);
        }
        let kid = decoded(token.split('.').next().unwrap())["kid"].clone();
        let jwk = self.keys["keys"].as_array().unwrap().iter().find(|jwk| jwk["kid"] == kid);
        jwk.is_some_and(|jwk| {
            let key: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk.clone()).unwrap();
            let key = jsonwebtoken::DecodingKey::from_jwk(&key).unwrap();
            let (message, signature) = token.rsplit_once('.').unwrap();
            let algorithm = jwk["alg"].as_str().unwrap().parse().unwrap();
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm).unwrap()
        })
    }
}

#[tokio::test]
async fn a_client_that_caches_the_keys_never_meets_an_unknown_one() {
    for algorithm in [Chosen::Es256, Chosen::EdDsa] {
        let server = Server::start(|settings| settings.keys.algorithm = algorithm).await;
        let again = server.again().await;
        let wanted = multauth::startup::algorithm(&server.app.settings);
        server.user("keeper").await;
        let mut client = Verifier { keys: Value::Null, until: 0 };
        let (mut kids, mut before) = (std::collections::BTreeSet::new(), None::<Tokens>);
        for _ in 0..4 {
            for minute in 0..20 {
                if minute == 2 {
                    // The client has just read the keys, and will not look again soon.
                    server.app.keys.rotate(wanted, false).await.unwrap();
                    again.app.keys.reload().await.unwrap();
                }
                for signer in [&server, &again] {
                    let tokens = signer.signin("keeper").await;
                    kids.insert(decoded(tokens.access.split('.').next().unwrap())["kid"].to_string());
                    assert!(client.knows(&server, &tokens.access).await, "{algorithm:?}");
                    assert_eq!(me(&again, &tokens.access).await.status, 200);
                    let old = before.replace(tokens);
                    if let Some(old) = old {
                        assert!(client.knows(&server, &old.access).await, "{algorithm:?}: a token of before");
                    }
                }
                server.clock.advance(60_000);
            }
        }
        assert!(kids.len() >= 4, "the keys took over: {kids:?}");
        server.clock.advance(2 * 3_600_000);
        server.app.keys.reload().await.unwrap();
        let left = server.get("/.well-known/jwks.json").await.json();
        assert_eq!(left["keys"].as_array().unwrap().len(), 1, "old keys go: {left}");
    }
}

#[tokio::test]
async fn the_published_keys_are_public() {
    for (algorithm, name, kty) in [(Chosen::Es256, "ES256", "EC"), (Chosen::EdDsa, "EdDSA", "OKP")] {
        let server = Server::start(|settings| settings.keys.algorithm = algorithm).await;
        let user = server.user("keeper").await;
        assert_eq!(me(&server, &user.access).await.status, 200, "{name} works");
        assert_eq!(decoded(user.access.split('.').next().unwrap())["alg"], name);
        let answer = server.get("/.well-known/jwks.json").await;
        const { assert!(JWKS_MAX_AGE <= 3_600) };
        let cache = format!("public, max-age={JWKS_MAX_AGE}");
        assert_eq!(answer.header("cache-control"), Some(cache.as_str()));
        for key in answer.json()["keys"].as_array().unwrap() {
            assert_eq!((&key["kty"], &key["alg"], &key["use"]), (&json!(kty), &json!(name), &json!("sig")));
            for private in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
                assert!(key.get(private).is_none(), "{private} is published");
            }
            assert_eq!(key["kid"].as_str().unwrap().len(), 43, "a thumbprint");
        }
        let supported = server.get("/.well-known/openid-configuration").await.json();
        assert_eq!(supported["access_token_signing_alg_values_supported"], json!([name]));
    }
}

#[tokio::test]
async fn a_revoked_key_takes_its_tokens_with_it() {
    let server = Server::start(|_| {}).await;
    let (_, key) = server.api_key(&["introspect"]).await;
    let user = server.user("keeper").await;
    let kid = server.app.keys.signer().unwrap().kid;
    let wanted = multauth::startup::algorithm(&server.app.settings);
    assert!(server.app.keys.revoke(&kid, wanted).await.unwrap());
    assert_eq!(me(&server, &user.access).await.status, 401);
    assert!(!active(&server, &key, &user.access).await);
    let published = server.get("/.well-known/jwks.json").await.body;
    assert!(!published.contains(&kid), "{published}");
    let next = Tokens::of(&refresh(&server, &user.refresh).await);
    assert_eq!(me(&server, &next.access).await.status, 200, "the session goes on with the new key");
}

#[tokio::test]
async fn a_proof_and_an_access_token_do_not_pass_for_each_other() {
    let server = Server::start(|_| {}).await;
    let user = server.user("keeper").await;
    let claims = decoded(user.access.split('.').nth(1).unwrap());
    let proof = jwt::sign(&server.app.keys, jwt::PROOF, &claims).unwrap();
    assert_eq!(me(&server, &proof).await.status, 401);
    let resigned = jwt::sign(&server.app.keys, jwt::ACCESS, &claims).unwrap();
    assert_eq!(me(&server, &resigned).await.status, 200, "the type alone made the difference");
}
