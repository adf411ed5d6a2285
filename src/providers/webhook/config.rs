//! What an operator may say about a service, and everything that can be wrong with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use jiff::SignedDuration;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::judge::{Judge, Pointer};
use super::render::{Body, Fields, JsonTemplate, TextTemplate};
use super::{Login, Webhook};
use crate::base::{Mistake, Sensitive};
use crate::outbound::http;
use crate::providers::Spec;
use crate::settings::secret;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    url: Option<Sensitive>,
    url_file: Option<PathBuf>,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    method: Method,
    #[serde(default)]
    headers: BTreeMap<String, Sensitive>,
    #[serde(default)]
    headers_file: BTreeMap<String, PathBuf>,
    bearer: Option<Sensitive>,
    bearer_file: Option<PathBuf>,
    username: Option<String>,
    password: Option<Sensitive>,
    password_file: Option<PathBuf>,
    #[serde(default)]
    query: BTreeMap<String, String>,
    json: Option<String>,
    form: Option<BTreeMap<String, String>>,
    text: Option<String>,
    #[serde(default)]
    success: Success,
    reference: Option<Pointer>,
    #[serde(default)]
    give_up_status: Vec<u16>,
    #[serde(default = "timeout")]
    timeout: SignedDuration,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    Get,
    #[default]
    Post,
    Put,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Success {
    #[serde(default)]
    status: Vec<u16>,
    json: Option<Pointer>,
    equals: Option<serde_json::Value>,
}

fn timeout() -> SignedDuration {
    http::TIMEOUT
}

/// The service that `spec` describes, or all its mistakes.
pub(super) fn read(spec: &Spec<'_>) -> Result<Webhook, Vec<Mistake>> {
    let settings: Settings = spec.read()?;
    let mut mistakes = Vec::new();
    let url = url(spec, &settings).map_err(|it| mistakes.push(it)).ok();
    let http = spec.http(settings.timeout).map_err(|it| mistakes.push(it)).ok();
    let login = login(spec, &settings).map_err(|it| mistakes.push(it)).ok();
    let headers = headers(spec, &settings).map_err(|found| mistakes.extend(found)).ok();
    let query = fields(spec, "query", &settings.query).map_err(|found| mistakes.extend(found)).ok();
    let body = body(spec, &settings).map_err(|found| mistakes.extend(found)).ok();
    let method = match settings.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
    };
    let judge = judge(spec, settings).map_err(|found| mistakes.extend(found)).ok();
    match (url, http, login, headers, query, body, judge) {
        (Some(url), Some(http), Some(login), Some(headers), Some(query), Some(body), Some(judge)) => {
            Ok(Webhook { http, method, url, headers, login, query, body, judge })
        }
        _ => Err(mistakes),
    }
}

/// The address may hold a key of the service, so it may be kept in a file, and no error repeats it.
fn url(spec: &Spec<'_>, settings: &Settings) -> Result<Url, Mistake> {
    let text = spec.secret("url", settings.url.as_ref(), settings.url_file.as_deref())?;
    let text = text.expose();
    let url: Option<Url> = text.parse().ok();
    match url {
        Some(url) if url.scheme() == "http" && settings.insecure => {
            if url.username().is_empty() && url.password().is_none() {
                Ok(url)
            } else {
                Err(spec.mistake("url", "holds a password; say it in the key that is for it"))
            }
        }
        Some(_) if settings.insecure => {
            Err(spec.mistake("insecure", "goes with http:// only; the connection is encrypted"))
        }
        Some(url) => http::base(text).map(|_| url).map_err(|why| spec.mistake("url", why)),
        None => Err(spec.mistake("url", "is not a URL such as \"https://sms.example.com/send\"")),
    }
}

fn login(spec: &Spec<'_>, settings: &Settings) -> Result<Login, Mistake> {
    let (token, token_file) = (settings.bearer.as_ref(), settings.bearer_file.as_deref());
    let token = secret(token, token_file, spec.path, "bearer")?;
    let (password, password_file) = (settings.password.as_ref(), settings.password_file.as_deref());
    let password = secret(password, password_file, spec.path, "password")?;
    match (token, &settings.username, password) {
        (None, None, None) => Ok(Login::None),
        (Some(token), None, None) => {
            let sound = HeaderValue::from_str(token.expose()).is_ok();
            if sound {
                Ok(Login::Bearer(token))
            } else {
                Err(spec.mistake("bearer", "cannot stand in a header"))
            }
        }
        (None, Some(user), Some(password)) => Ok(Login::Basic(user.clone(), password)),
        (None, Some(_), None) => Err(spec.mistake("password", "is missing; or name a password_file")),
        (None, None, Some(_)) => Err(spec.mistake("username", "is missing beside the password")),
        (Some(_), _, _) => Err(spec.mistake("bearer", "stands beside a password; keep one of them")),
    }
}

fn headers(spec: &Spec<'_>, settings: &Settings) -> Result<HeaderMap, Vec<Mistake>> {
    let mut headers = HeaderMap::new();
    let mut mistakes = Vec::new();
    let written = settings.headers.iter().map(|(name, value)| ("headers", name, Ok(value.clone())));
    let kept = settings.headers_file.iter().map(|(name, file)| {
        let at = format!("{}.headers_file", spec.path);
        let read = secret(None, Some(file), &at, name);
        let at = format!("headers_file.{name}");
        let read = read.map_err(|it| spec.mistake(&at, it.message));
        ("headers_file", name, read.map(Option::unwrap_or_default))
    });
    for (key, name, value) in written.chain(kept) {
        let at = format!("{key}.{name}");
        let found = value.and_then(|value| header(name, &value).map_err(|why| spec.mistake(&at, why)));
        match found {
            Ok((name, _)) if headers.contains_key(&name) => {
                mistakes.push(spec.mistake(&at, "is said twice"));
            }
            Ok((name, value)) => drop(headers.insert(name, value)),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    let other_login =
        settings.bearer.is_some() || settings.bearer_file.is_some() || settings.username.is_some();
    if headers.contains_key(AUTHORIZATION) && other_login {
        mistakes.push(spec.mistake("headers", "has an authorization beside another one; keep one of them"));
    }
    if mistakes.is_empty() { Ok(headers) } else { Err(mistakes) }
}

/// Those that belong to the connection are not the operator's to say.
fn header(name: &str, value: &Sensitive) -> Result<(HeaderName, HeaderValue), String> {
    let name =
        HeaderName::from_bytes(name.as_bytes()).map_err(|_| "is not the name of a header".to_owned())?;
    if ["host", "content-length", "transfer-encoding", "connection", "te", "upgrade"].contains(&name.as_str())
    {
        return Err("belongs to the connection and cannot be said".into());
    }
    let mut value =
        HeaderValue::from_str(value.expose()).map_err(|_| "cannot stand in a header".to_owned())?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn fields(spec: &Spec<'_>, key: &str, sources: &BTreeMap<String, String>) -> Result<Fields, Vec<Mistake>> {
    let wrong = |(name, unfit)| spec.mistake(&format!("{key}.{name}"), format!("{unfit}"));
    Fields::new(sources, spec.channels).map_err(|found| found.into_iter().map(wrong).collect())
}

fn body(spec: &Spec<'_>, settings: &Settings) -> Result<Body, Vec<Mistake>> {
    let wrong = |key: &str, why: String| vec![spec.mistake(key, why)];
    let said = [
        ("json", settings.json.is_some()),
        ("form", settings.form.is_some()),
        ("text", settings.text.is_some()),
    ];
    let said: Vec<_> = said.iter().filter(|(_, is_said)| *is_said).map(|(key, _)| *key).collect();
    if let [first, second, ..] = said[..] {
        return Err(wrong(second, format!("stands beside `{first}`; a request has one body")));
    }
    if let ([key], Method::Get) = (&said[..], settings.method) {
        return Err(wrong(key, "cannot go with method = \"GET\"; say it in `query`".into()));
    }
    match (&settings.json, &settings.form, &settings.text) {
        (Some(source), _, _) => JsonTemplate::new(source, spec.channels)
            .map(Body::Json)
            .map_err(|unfit| wrong("json", unfit.to_string())),
        (_, Some(sources), _) => fields(spec, "form", sources).map(Body::Form),
        (_, _, Some(source)) => TextTemplate::new(source, spec.channels)
            .map(Body::Text)
            .map_err(|unfit| wrong("text", unfit.to_string())),
        _ if settings.method == Method::Get => Ok(Body::None),
        _ => Ok(Body::Everything),
    }
}

fn judge(spec: &Spec<'_>, settings: Settings) -> Result<Judge, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let mut note = |key: &str, why: &str| mistakes.push(spec.mistake(key, why));
    let Success { status: statuses, json, equals } = settings.success;
    if statuses.iter().any(|status| !(200..300).contains(status)) {
        note("success.status", "has statuses from 200 to 299");
    }
    if settings.give_up_status.iter().any(|status| !(400..600).contains(status)) {
        note("give_up_status", "has statuses from 400 to 599");
    }
    let proof = match (json, equals) {
        (Some(place), Some(value)) => Some((place, value)),
        (None, None) => None,
        (Some(_), None) => {
            note("success.equals", "is missing: what stands at `json` on success");
            None
        }
        (None, Some(_)) => {
            note("success.json", "is missing: the place where `equals` stands");
            None
        }
    };
    let (reference, hopeless) = (settings.reference, settings.give_up_status);
    let (place, told) = (spec.name.to_owned(), AtomicBool::new(false));
    let judge = Judge { statuses, proof, reference, hopeless, place, told };
    if mistakes.is_empty() { Ok(judge) } else { Err(mistakes) }
}
