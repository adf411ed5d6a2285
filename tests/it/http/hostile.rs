//! Hostile input: what no client of good will sends, and what every answer carries all the same.

use multauth::api;
use multauth::settings::Settings;
use serde_json::{Map, Value, json};

use crate::support::raw::{Answer, Call, exchange};
use crate::support::server::Server;

/// Texts that no field may hold: as they stand between the quotes of a JSON text.
const HOSTILE: [(&str, &[u8]); 12] = [
    ("NUL, escaped", b"a\\u0000b"),
    ("NUL, raw", b"a\x00b"),
    ("a control, escaped", b"a\\u0001"),
    ("a control, raw", b"a\x1fb"),
    ("a line feed, escaped", b"a\\nb"),
    ("DEL", b"a\x7f"),
    ("a control of Latin-1", b"a\\u0085"),
    ("a high surrogate alone", b"\\ud800"),
    ("a low surrogate alone", b"x\\udc00x"),
    ("surrogates the wrong way round", b"\\udc00\\ud800"),
    ("bytes that are not UTF-8", b"a\xffb"),
    ("an overlong encoding", b"\xc0\x80"),
];

/// Path, method, and the body's schema of every operation that takes one.
fn bodied() -> Vec<(String, String, Value)> {
    let document = api::document(&Settings::built_in(), &multauth::extensions::Extensions::default());
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let Some(name) = schema.as_str().and_then(|r| r.rsplit('/').next()) else { continue };
            let schema = document["components"]["schemas"][name].clone();
            found.push((filled(path), method.to_uppercase(), schema));
        }
    }
    assert!(found.len() > 12, "the document was read");
    found
}

fn filled(path: &str) -> String {
    let handle = "A".repeat(43);
    path.replace("{id}", "00000000-0000-4000-8000-000000000000")
        .replace("{attempt}", &format!("at_{handle}"))
        .replace("{verification}", &format!("vf_{handle}"))
}

/// A body with `field` holding `value` as it stands, and something in every required field.
fn with(schema: &Value, field: &str, value: &[u8]) -> Vec<u8> {
    let mut body = b"{".to_vec();
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if required != field {
            let filler = if required == "profile" { "{}" } else { "\"x\"" };
            body.extend(format!("\"{required}\":{filler},").bytes());
        }
    }
    [body, format!("\"{field}\":").into_bytes(), value.to_vec(), b"}".to_vec()].concat()
}

fn problem(answer: &Answer, status: u16, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
    let body = answer.json();
    assert_eq!(body["status"], status, "{what}");
    assert!(body["type"].as_str().unwrap().starts_with("urn:multauth:problem:"), "{what}");
    guarded(answer, what);
}

/// What every answer carries (R115).
fn guarded(answer: &Answer, what: &str) {
    let expected = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("x-frame-options", "DENY"),
    ];
    for (name, value) in expected {
        assert_eq!(answer.header(name), Some(value), "{what}: {name}");
    }
    let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{what}: no policy"));
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert!(answer.header("cache-control").is_some(), "{what}: cache-control");
    let id = answer.header("x-request-id").unwrap_or_default();
    assert_eq!(id.len(), 36, "{what}: x-request-id {id:?}");
    for leak in ["server", "x-powered-by", "via", "server-timing", "etag"] {
        assert_eq!(answer.header(leak), None, "{what}: {leak}");
    }
    assert!(!answer.body.contains(env!("CARGO_PKG_VERSION")) || what == "/openapi.json" || what == "/docs");
}

#[tokio::test]
async fn no_text_of_any_field_may_be_hostile() {
    for server in Server::on_each(|_| {}).await {
        for (path, method, schema) in bodied() {
            for field in schema["properties"].as_object().unwrap().keys() {
                for (what, text) in HOSTILE {
                    let quoted = if field == "profile" {
                        [b"{\"first_name\":\"", text, b"\"}"].concat()
                    } else {
                        [b"\"", text, b"\""].concat()
                    };
                    let call = Call::new(&method, &path).bearer("x").json(with(&schema, field, &quoted));
                    let answer = server.call(call).await;
                    problem(&answer, 400, &format!("{} {method} {path} {field}: {what}", server.name()));
                }
            }
        }
    }
}

#[tokio::test]
async fn values_of_another_kind_are_refused() {
    let server = Server::start(|_| {}).await;
    let wrong =
        ["1", "-1", "0", "true", "null", "[]", "{}", "[\"x\"]", "9223372036854775808", "1e309", "\"\""];
    for (path, method, schema) in bodied() {
        for field in schema["properties"].as_object().unwrap().keys() {
            for value in wrong {
                let fits = field == "profile" && value == "{}" || field == "primary" && value == "true";
                if fits {
                    continue;
                }
                let body = with(&schema, field, value.as_bytes());
                let answer = server.call(Call::new(&method, &path).bearer("x").json(body)).await;
                problem(&answer, 400, &format!("{method} {path} {field} = {value}"));
            }
        }
    }
}

#[tokio::test]
async fn a_body_has_its_shape_and_nothing_else() {
    let server = Server::start(|_| {}).await;
    let deep = format!("{{\"username\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let keys: Map<String, Value> = (0..5_000).map(|n| (format!("k{n}"), json!(n))).collect();
    let many = Value::Object(keys).to_string();
    let long = format!("{{\"username\":\"{}\"}}", "a".repeat(5_000));
    let bodies: [(&str, &[u8]); 22] = [
        ("empty", b""),
        ("no JSON", b"username=a"),
        ("a list", b"[]"),
        ("a text", b"\"x\""),
        ("null", b"null"),
        ("an empty object", b"{}"),
        ("unknown field", br#"{"username":"a","admin":true}"#),
        ("unknown field alone", br#"{"is_admin":"true"}"#),
        ("a field of another body", br#"{"username":"a","new_password":"x"}"#),
        ("case of a field", br#"{"Username":"a"}"#),
        ("key twice", br#"{"username":"a","username":"b"}"#),
        ("key twice, escaped", br#"{"username":"a","\u0075sername":"b"}"#),
        ("prototype", br#"{"username":"a","__proto__":{}}"#),
        ("two objects", br#"{"username":"a"}{"username":"b"}"#),
        ("a comment", br#"{"username":"a"/**/}"#),
        ("a trailing comma", br#"{"username":"a",}"#),
        ("BOM", b"\xef\xbb\xbf{\"username\":\"a\"}"),
        ("UTF-16", b"\xff\xfe{\x00}\x00"),
        ("NaN", br#"{"username":NaN}"#),
        ("too deep", &deep.as_bytes()[..60_000]),
        ("too many keys", many.as_bytes()),
        ("too long", long.as_bytes()),
    ];
    for (what, body) in bodies {
        let answer = server.call(Call::new("POST", "/v1/signin").json(body)).await;
        problem(&answer, 400, what);
    }
    let nested = format!("{{\"profile\":{}1{}}}", "{\"a\":".repeat(40), "}".repeat(40));
    problem(&server.call(Call::new("POST", "/v1/signup").json(nested)).await, 400, "40 deep");
}

#[tokio::test]
async fn a_large_body_is_refused_and_soon() {
    let server = Server::start(|_| {}).await;
    let large = vec![b' '; 1 << 20];
    let answer = server.call(Call::new("POST", "/v1/signin").json(large.clone())).await;
    problem(&answer, 413, "1 MiB");
    let limit = server.app.settings.server.body_limit as usize;
    let body = |length: usize| [b"{\"username\":\"abcd\"}".as_slice(), &vec![b' '; length - 19]].concat();
    let just = server.call(Call::new("POST", "/v1/signin").json(body(limit))).await;
    assert_eq!(just.status, 200, "{}", just.body);
    let over = server.call(Call::new("POST", "/v1/signin").json(body(limit + 1))).await;
    problem(&over, 413, "one byte over the limit");
    let head = "POST /v1/signin HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n\
        Transfer-Encoding: chunked\r\n\r\n";
    let chunks = format!("{head}100000\r\n{}\r\n0\r\n\r\n", " ".repeat(1 << 20));
    let (answer, _) = exchange(server.address, chunks.as_bytes()).await;
    problem(&answer.unwrap(), 413, "1 MiB in one chunk");
}

#[tokio::test]
async fn only_json_is_taken() {
    let server = Server::start(|_| {}).await;
    let body = r#"{"username":"abcd"}"#;
    let kinds = [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json; charset=latin1",
        "application/json, text/plain",
        "application/xml",
        "text/json",
        "*/*",
        "application/vnd.api+json",
    ];
    for kind in kinds {
        let answer = server.call(Call::new("POST", "/v1/signin").body(kind, body)).await;
        problem(&answer, 415, kind);
    }
    for kind in ["application/json", "APPLICATION/JSON", "application/json; charset=UTF-8"] {
        let answer = server.call(Call::new("POST", "/v1/signin").body(kind, body)).await;
        assert_eq!(answer.status, 200, "{kind}");
    }
}

#[tokio::test]
async fn a_path_answers_its_own_methods_and_says_which() {
    let server = Server::start(|settings| settings.server.metrics = true).await;
    let document = api::document(&Settings::built_in(), &multauth::extensions::Extensions::default());
    let mut paths: Vec<(String, Vec<String>)> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        paths.push((filled(path), methods));
    }
    let get = vec!["GET".to_owned()];
    for path in ["/healthz", "/readyz", "/docs", "/openapi.json", "/.well-known/security.txt", "/metrics"] {
        paths.push((path.to_owned(), get.clone()));
    }
    paths.push(("/confirm/x".to_owned(), vec!["GET".to_owned(), "POST".to_owned()]));
    for (path, methods) in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"] {
            if methods.iter().any(|known| known == method) {
                continue;
            }
            let answer = server.call(Call::new(method, &path)).await;
            problem(&answer, 405, &format!("{method} {path}"));
            let allowed = answer.header("allow").unwrap_or_else(|| panic!("{method} {path}: no Allow"));
            let allowed: Vec<&str> = allowed.split(", ").filter(|method| *method != "HEAD").collect();
            let mut methods: Vec<&str> = methods.iter().map(String::as_str).collect();
            methods.sort_unstable();
            let mut sorted = allowed.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, methods, "{method} {path}");
        }
    }
    let connect = server.call(Call::new("CONNECT", "localhost:80")).await;
    assert!((400..500).contains(&connect.status), "CONNECT: {}", connect.status);
    let all = server.call(Call::new("OPTIONS", "*")).await;
    assert!((400..500).contains(&all.status), "OPTIONS *: {}", all.status);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = Server::start(|settings| settings.server.metrics = true).await;
    let paths = [
        "/v1/flows",
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
        "/.well-known/security.txt",
        "/healthz",
        "/readyz",
        "/docs",
        "/openapi.json",
        "/confirm/x",
        "/v1/me",
        "/nowhere",
        "/",
        "/dev/inbox",
    ];
    for path in paths {
        let (get, head) = (server.get(path).await, server.call(Call::new("HEAD", path)).await);
        assert_eq!(get.status, head.status, "{path}");
        assert!(head.body.is_empty() && head.rest.is_empty(), "{path}");
        for (name, value) in &get.headers {
            let changes = ["date", "x-request-id", "content-length"].contains(&name.as_str());
            assert!(changes || head.header(name) == Some(value), "{path}: {name}: {value}");
        }
        guarded(&get, path);
        let kind = get.header("content-type").unwrap_or_else(|| panic!("{path}: no content-type"));
        assert!(kind.contains("charset=utf-8") || kind == "application/problem+json", "{path}: {kind}");
        let cached = path == "/.well-known/jwks.json";
        assert!(cached || get.header("cache-control") == Some("no-store"), "{path}");
    }
}

#[tokio::test]
async fn a_path_is_taken_as_it_is_written() {
    let server = Server::start(|_| {}).await;
    let user = server.user("walker").await;
    assert_eq!(server.call(Call::new("GET", "/v1/me").bearer(&user.access)).await.status, 200);
    let others = [
        "/v1/me/",
        "//v1/me",
        "/v1//me",
        "/./v1/me",
        "/v1/./me",
        "/v1/x/../me",
        "/v1%2fme",
        "/v1%2Fme",
        "/v1/%6de/",
        "/V1/me",
        "/v1/ME",
        "/v1/me;x",
        "/v1/me%00",
        "/v1/me%20",
        "/v1/me/.",
        "/v2/me",
        "/v1/mee",
        "/v1/me//devices",
        "/v1/me/devices/",
        "/v1\\me",
        "/healthz/",
        "/.well-known/jwks.json/",
        "/docs/",
        "/../etc/passwd",
        "/.git/config",
        "/v1/me/sessions/../devices",
    ];
    for path in others {
        let answer = server.call(Call::new("GET", path).bearer(&user.access)).await;
        assert!([400, 404, 405].contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
        problem(&answer, answer.status, path);
        let without = server.call(Call::new("GET", path)).await;
        assert_eq!(without.status, answer.status, "{path}: who asks makes no difference");
    }
    // However it is spelt, what is reached asks who is there.
    for path in
        ["/v1/%6de", "/v1/me?x=/v1/flows", "/v1/me?", "http://localhost/v1/me", "http://evil.example/v1/me"]
    {
        let answer = server.call(Call::new("GET", path)).await;
        assert!([401, 404].contains(&answer.status), "{path}: {}", answer.status);
    }
}

#[tokio::test]
async fn hostile_path_parameters_are_not_found() {
    for server in Server::on_each(|_| {}).await {
        let user = server.user("walker").await;
        let (_, key) = server.api_key(&["verify", "introspect"]).await;
        let hostile = [
            "%00",
            "%ff",
            "%c0%80",
            "%0d%0aX:y",
            "..%2f..%2fetc",
            "'%20OR%201=1--",
            "%F0%9F%98%80",
            "-1",
            "9223372036854775808",
            "%ED%A0%80",
            "a%2fb",
            "%25",
            "%",
            "{}",
            "00000000-0000-0000-0000-00000000000G",
        ];
        let long = "a".repeat(6_000);
        for text in hostile.iter().copied().chain([long.as_str()]) {
            let calls = [
                Call::new("PATCH", &format!("/v1/me/devices/{text}"))
                    .bearer(&user.access)
                    .json(r#"{"label":"x"}"#),
                Call::new("DELETE", &format!("/v1/me/devices/{text}")).bearer(&user.access),
                Call::new("DELETE", &format!("/v1/me/sessions/{text}")).bearer(&user.access),
                Call::new("POST", &format!("/v1/attempts/{text}")).json(r#"{"passcode":"1"}"#),
                Call::new("DELETE", &format!("/v1/attempts/{text}")),
                Call::new("DELETE", &format!("/v1/verifications/{text}")).bearer(&key),
            ];
            for call in calls {
                let answer = server.call(call.clone()).await;
                let what = format!("{} {} {}", server.name(), call.method, call.path);
                assert!([400, 404].contains(&answer.status), "{what}: {}", answer.status);
                problem(&answer, answer.status, &what);
            }
            let page = server.get(&format!("/confirm/{text}")).await;
            assert!([400, 404].contains(&page.status), "/confirm/{text}: {}", page.status);
            guarded(&page, text);
        }
    }
}

#[tokio::test]
async fn strange_texts_are_stored_or_refused_but_never_break() {
    for server in Server::on_each(|_| {}).await {
        let strange = [
            "\u{202e}evil",
            "\u{feff}",
            "\u{1f600}",
            "e\u{301}",
            "\u{fffd}",
            "\u{ffff}",
            "\u{10ffff}",
            "İ",
            "ß",
            "' OR 1=1 --",
            "<script>alert(1)</script>",
            "{{7*7}}",
            "%s%n",
            "\\",
            "\"",
            "-0",
            "null",
            "\u{200b}",
        ];
        let user = server.user("stranger").await;
        for text in strange {
            let doors = [
                ("/v1/signin", json!({ "username": text, "password": text })),
                ("/v1/signin", json!({ "email": text })),
                ("/v1/signin", json!({ "email": format!("{text}@example.org") })),
                ("/v1/signin", json!({ "phone": text })),
                ("/v1/recovery", json!({ "email": text })),
                (
                    "/v1/signup",
                    json!({ "username": text, "password": format!("{text}{text}longer than fifteen") }),
                ),
                ("/v1/confirm", json!({ "key": text, "attempt": text })),
                ("/v1/token", json!({ "refresh_token": text })),
            ];
            for (path, body) in doors {
                let answer = server.post(path, body).await;
                assert!(answer.status < 500, "{} {path} {text:?}: {}", server.name(), answer.body);
            }
            let calls = [
                Call::new("PATCH", "/v1/me").json(json!({ "profile": { "first_name": text } }).to_string()),
                Call::new("POST", "/v1/me/devices")
                    .json(json!({ "kind": "authenticator", "label": text }).to_string()),
                Call::new("POST", "/v1/me/devices").json(json!({ "kind": text }).to_string()),
                Call::new("GET", "/v1/me").header("User-Agent", text),
            ];
            for call in calls {
                let answer = server.call(call.bearer(&user.access)).await;
                assert!(answer.status < 500, "{} {text:?}: {}", server.name(), answer.body);
            }
        }
    }
}

#[tokio::test]
async fn a_long_address_and_a_large_head_are_refused() {
    let server = Server::start(|_| {}).await;
    let longest = "a".repeat(8 * 1024 - "/?".len());
    assert_ne!(server.get(&format!("/?{longest}")).await.status, 414);
    problem(&server.get(&format!("/?{longest}a")).await, 414, "8 KiB and one");
    let large = Call::new("GET", "/healthz").header("X-Large", "a".repeat(20 * 1024));
    let (answer, closed) = exchange(server.address, &large.bytes()).await;
    assert!(closed && answer.is_none_or(|a| a.status == 431), "a head above 16 KiB");
    let mut many = Call::new("GET", "/healthz");
    for n in 0..200 {
        many = many.header(&format!("X-{n}"), "a");
    }
    let (answer, closed) = exchange(server.address, &many.bytes()).await;
    assert!(closed && answer.is_none_or(|a| a.status == 431), "200 headers");
    let right = Call::new("GET", "/healthz").header("X-Large", "a".repeat(8 * 1024));
    assert_eq!(server.call(right).await.status, 200);
}

/// One connection, two requests for a server that can be fooled: the second must never be answered.
#[tokio::test]
async fn nothing_is_smuggled() {
    let server = Server::start(|_| {}).await;
    let inner = "GET /v1/flows HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let length = inner.len();
    let post = |head: &str, body: &str| {
        format!(
            "POST /v1/signin HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{head}\r\n\r\n{body}"
        )
    };
    let refused = [
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3", "{}")),
        ("a list of lengths", post("Content-Length: 2, 3", "{}")),
        ("a length with a sign", post("Content-Length: +2", "{}")),
        ("a length with a space in it", post("Content-Length: 2 0", "{}")),
        ("a length in hex", post("Content-Length: 0x2", "{}")),
        ("a negative length", post("Content-Length: -2", "{}")),
        ("a huge length", post("Content-Length: 99999999999999999999", "{}")),
        ("an unknown coding", post("Transfer-Encoding: xchunked", "0\r\n\r\n")),
        ("a coding behind chunked", post("Transfer-Encoding: chunked, identity", "0\r\n\r\n")),
        ("a space before the colon", post("Content-Length : 2", "{}")),
        ("a folded line", post("X-Folded: a\r\n Content-Length: 2\r\nContent-Length: 2", "{}")),
        ("a line that begins with a space", post(" Content-Length: 2", "{}")),
        ("NUL in a value", post("X: a\0b\r\nContent-Length: 2", "{}")),
        ("a carriage return alone", post("X: a\rContent-Length: 2", "{}")),
        (
            "chunked in HTTP/1.0",
            post("Transfer-Encoding: chunked", "0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0"),
        ),
        ("a bad chunk size", post("Transfer-Encoding: chunked", "zz\r\n{}\r\n0\r\n\r\n")),
        ("a huge chunk size", post("Transfer-Encoding: chunked", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n")),
        ("no version", "GET /healthz\r\nHost: a\r\n\r\n".to_owned()),
        ("another version", "GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n".to_owned()),
    ];
    for (what, request) in refused {
        let (answer, closed) = exchange(server.address, format!("{request}{inner}").as_bytes()).await;
        assert!(closed, "{what}: the connection stays open");
        if let Some(answer) = answer {
            assert_eq!(answer.status, 400, "{what}: {}", answer.body);
            assert!(answer.rest.is_empty(), "{what}: answered twice: {}", answer.rest);
        }
    }
    // Both ways to say the length: chunked counts, and nothing behind it is a request.
    let both = [
        post(&format!("Transfer-Encoding: chunked\r\nContent-Length: {}", length + 5), "0\r\n\r\n"),
        post(&format!("Content-Length: {}\r\nTransfer-Encoding: chunked", length + 5), "0\r\n\r\n"),
        post("Content-Length: 2\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
    ];
    for request in both {
        let (answer, closed) = exchange(server.address, format!("{request}{inner}").as_bytes()).await;
        let answer = answer.unwrap();
        assert!(closed && answer.status == 400 && answer.rest.is_empty(), "{request}: {answer:?}");
    }
}

#[tokio::test]
async fn whoever_is_slow_is_let_go() {
    let patience = multauth::settings::Span(300);
    let server = Server::start(|settings| {
        settings.server.header_timeout = patience;
        settings.server.body_timeout = patience;
    })
    .await;
    let slow = [
        ("nothing at all", ""),
        ("half a line", "GET /healthz HT"),
        ("half a head", "GET /healthz HTTP/1.1\r\nHost: a\r\n"),
        ("half a preface of HTTP/2", "PRI * HTTP/2.0\r\n"),
        ("a preface of HTTP/2 and nothing more", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("no body", "POST /confirm/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"),
        (
            "half a body",
            "POST /v1/signin HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: 9\r\n\r\n{",
        ),
        ("an idle connection", "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
    ];
    for (what, bytes) in slow {
        let (answer, closed) = exchange(server.address, bytes.as_bytes()).await;
        assert!(closed, "{what}: the connection stays open");
        let fine = what == "an idle connection";
        assert!(
            answer.is_none_or(|a| if fine { a.status == 200 } else { a.status == 400 || a.status == 408 }),
            "{what}"
        );
    }
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_browser_may_call_from_the_listed_origins_alone() {
    const LISTED: &str = "https://app.example.org";
    let server = Server::start(|settings| settings.server.cors_origins = vec![LISTED.to_owned()]).await;
    let strangers = [
        "null",
        "https://app.example.org.evil.example",
        "https://evil.example",
        "http://app.example.org",
        "https://app.example.org:8443",
        "https://sub.app.example.org",
        "https://APP.example.org",
        "https://app.example.org/",
        "*",
        "",
        "https://app.example.org, https://evil.example",
    ];
    for origin in strangers {
        for path in ["/v1/flows", "/nowhere", "/v1/me"] {
            let answer = server.call(Call::new("GET", path).header("Origin", origin)).await;
            assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
            assert!(answer.header("vary").unwrap_or_default().contains("Origin"), "{origin}");
        }
        let preflight = Call::new("OPTIONS", "/v1/signin").header("Origin", origin);
        let answer = server.call(preflight.header("Access-Control-Request-Method", "POST")).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        assert_eq!(answer.header("access-control-allow-methods"), None, "{origin}");
    }
    let call = |method: &str, path: &str| Call::new(method, path).header("Origin", LISTED);
    let large = call("POST", "/v1/signin").json(vec![b' '; 100_000]);
    for call in [call("GET", "/v1/flows"), call("GET", "/nowhere"), call("GET", "/v1/me"), large] {
        let answer = server.call(call.clone()).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED), "{}", call.path);
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{}", call.path);
    }
    let preflight = call("OPTIONS", "/v1/signin").header("Access-Control-Request-Method", "POST");
    let answer = server.call(preflight).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some(LISTED)));
    assert!(answer.header("access-control-allow-headers").unwrap().contains("authorization"));

    let closed = Server::start(|_| {}).await;
    let answer = closed.call(Call::new("GET", "/v1/flows").header("Origin", LISTED)).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn a_fault_of_ours_tells_nothing() {
    let server = Server::start(|settings| settings.mode = multauth::settings::Mode::Development).await;
    let user = server.user("somebody").await;
    let mut tx = server.app.store.begin().await.unwrap();
    if let multauth::store::Exec::Sqlite(conn) = multauth::store::Db::exec(&mut tx) {
        sqlx::query("ALTER TABLE sessions RENAME TO gone").execute(conn).await.unwrap();
    }
    tx.commit().await.unwrap();
    let answer = server.call(Call::new("GET", "/v1/me").bearer(&user.access)).await;
    problem(&answer, 503, "a table is gone");
    assert!(answer.header("retry-after").is_some());
    for word in ["sessions", "SELECT", "sqlite", "sqlx", "table", "src/", "panicked"] {
        assert!(!answer.body.contains(word), "{word}: {}", answer.body);
    }
}
