//! Every answer that a test sees is one that the served document promises: its status, its code, its body.
//!
//! `MULTAUTH_TEST_SEEN=FILE` writes each failure that was seen behind the others: operation and code.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use multauth::api;
use multauth::extensions::Extensions;
use multauth::settings::Settings;
use serde_json::{Value, json};

/// What runs at an address, such as `127.0.0.1:40123`, or ran there last.
static SERVED: LazyLock<Mutex<HashMap<String, Arc<Promises>>>> = LazyLock::new(Mutex::default);
/// The same document is made once.
static MADE: LazyLock<Mutex<HashMap<String, Arc<Promises>>>> = LazyLock::new(Mutex::default);

/// The document of an instance.
struct Promises {
    document: LazyLock<Value, Box<dyn FnOnce() -> Value + Send>>,
    judges: Mutex<HashMap<String, Arc<Validator>>>,
}

/// An instance begins to serve at `base`.
pub fn served(base: &str, settings: &Settings, extensions: &Extensions) {
    let Extensions { providers, devices, secrets, .. } = extensions;
    let own = !(providers.is_empty() && devices.is_empty() && secrets.is_empty());
    let make = || {
        let (settings, extensions) = (settings.clone(), extensions.clone());
        let document = LazyLock::new(Box::new(move || api::document(&settings, &extensions)) as Box<_>);
        Arc::new(Promises { document, judges: Mutex::default() })
    };
    let known = plain(&format!("{settings:?}"));
    let promises = if own { make() } else { MADE.lock().unwrap().entry(known).or_insert_with(make).clone() };
    SERVED.lock().unwrap().insert(authority(base).to_owned(), promises);
}

/// An answer that came from `base`.
///
/// # Panics
/// Where the document does not promise it.
#[track_caller]
pub fn check(base: &str, method: &str, path: &str, status: u16, body: &str) {
    let promises = SERVED.lock().unwrap().get(authority(base)).cloned();
    let Some(promises) = promises else { return };
    if let Err(why) = promises.judge(method, path, status, body) {
        panic!("not promised: {method} {path} answered {status}: {why}\n{body}");
    }
}

/// `http://127.0.0.1:1/` → `127.0.0.1:1`
fn authority(base: &str) -> &str {
    base.trim_start_matches("http://").split('/').next().unwrap_or_default()
}

/// Settings as they print, without the folder that each test has for itself.
fn plain(settings: &str) -> String {
    let temporary = std::env::temp_dir().display().to_string() + "/";
    let mut parts = settings.split(&temporary);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.trim_start_matches(|c: char| c != '/' && c != '"'))
}

impl Promises {
    fn judge(&self, method: &str, path: &str, status: u16, body: &str) -> Result<(), String> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        // What is no operation is answered outside the document: pages, unknown paths, other methods.
        let Some((pattern, operation)) = self.operation(method, path) else { return Ok(()) };
        // The HTTP library's own word, before there is a request: its headers are too large.
        if status == 431 && body.is_empty() {
            return Ok(());
        }
        let name = operation["operationId"].as_str().unwrap_or_default();
        let answer = operation["responses"].get(status.to_string());
        let answer = answer.ok_or_else(|| format!("{name} does not list {status}"))?;
        let (answer, place) = self.behind(answer, pattern, method, status);
        let problem = answer.pointer("/content/application~1problem+json");
        if let Some(media) = problem {
            let sent: Value = serde_json::from_str(body).map_err(|_| format!("{name}: no problem"))?;
            let code = sent["code"].as_str().unwrap_or_default();
            seen(name, code);
            if media["examples"].get(code).is_none() {
                return Err(format!("{name} does not list `{code}`"));
            }
            return self.fits(&place, &media["schema"], &sent);
        }
        match answer.pointer("/content/application~1json/schema") {
            Some(schema) => {
                let sent = serde_json::from_str(body).map_err(|_| format!("{name}: no JSON"))?;
                self.fits(&place, schema, &sent)
            }
            None if body.is_empty() => Ok(()),
            None => Err(format!("{name} lists no body of {status}")),
        }
    }

    fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        let fits = |pattern: &str| {
            let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
            pattern.len() == path.len()
                && pattern.iter().zip(&path).all(|(p, s)| p == s || p.starts_with('{') && !s.is_empty())
        };
        let (pattern, item) = paths.iter().find(|(pattern, _)| fits(pattern))?;
        // `get` is another method than `GET`.
        let (_, operation) = item.as_object()?.iter().find(|(name, _)| name.to_uppercase() == method)?;
        Some((pattern, operation))
    }

    /// An answer, where it may be named elsewhere, and by what it is known.
    fn behind<'a>(&'a self, answer: &'a Value, path: &str, method: &str, status: u16) -> (&'a Value, String) {
        match answer["$ref"].as_str() {
            Some(target) => (self.document.pointer(&target[1..]).unwrap(), target.to_owned()),
            None => (answer, format!("{method} {path} {status}")),
        }
    }

    fn fits(&self, place: &str, schema: &Value, sent: &Value) -> Result<(), String> {
        let judge = self.judges.lock().unwrap().get(place).cloned();
        let judge = judge.unwrap_or_else(|| {
            let whole = json!({ "allOf": [schema], "components": self.document["components"] });
            // What OpenAPI 3.0 has of JSON Schema is draft 4.
            let made = Arc::new(jsonschema::draft4::new(&whole).unwrap());
            self.judges.lock().unwrap().insert(place.to_owned(), made.clone());
            made
        });
        let faults: Vec<String> = judge.iter_errors(sent).map(|error| error.to_string()).collect();
        if faults.is_empty() { Ok(()) } else { Err(format!("{place}: {faults:?}")) }
    }
}

fn seen(operation: &str, code: &str) {
    static FILE: LazyLock<Option<Mutex<std::fs::File>>> = LazyLock::new(|| {
        let path = std::env::var_os("MULTAUTH_TEST_SEEN")?;
        std::fs::OpenOptions::new().create(true).append(true).open(path).ok().map(Mutex::new)
    });
    if let Some(file) = &*FILE {
        let _ = writeln!(file.lock().unwrap(), "{operation} {code}");
    }
}

#[test]
fn what_is_not_promised_is_seen() {
    let document =
        LazyLock::new(Box::new(|| api::document(&Settings::built_in(), &Extensions::default())) as Box<_>);
    let promises = Promises { document, judges: Mutex::default() };
    let judge = |method: &str, path: &str, status: u16, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        promises.judge(method, path, status, &body)
    };
    let problem =
        |code: &str, status: u16| json!({ "type": "x", "title": "x", "status": status, "code": code });
    let devices = "/v1/me/devices";
    assert_eq!(judge("GET", devices, 401, problem("invalid_token", 401)), Ok(()));
    assert_eq!(judge("DELETE", "/v1/me/sessions/x?y", 204, Value::Null), Ok(()));
    assert_eq!(judge("GET", "/confirm/x", 418, Value::Null), Ok(()), "a page");
    let unlisted =
        |code: &str, status: u16| judge("GET", devices, status, problem(code, status)).unwrap_err();
    assert_eq!(unlisted("last_way_in", 409), "devices does not list 409");
    assert_eq!(unlisted("wrong_secret", 401), "devices does not list `wrong_secret`");
    assert!(judge("GET", devices, 401, json!({ "code": "invalid_token" })).unwrap_err().contains("title"));
    assert!(judge("GET", devices, 200, json!([{ "id": 1 }])).is_err(), "a device of another form");
    assert!(judge("DELETE", "/v1/me", 204, json!({})).is_err(), "a body where there is none");
}
