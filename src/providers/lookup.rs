//! Who knows what kind of line a phone number is: Twilio Lookup v2 with line type intelligence.
//!
//! `GET {url}/v2/PhoneNumbers/{E.164}?Fields=line_type_intelligence`, with basic authentication; the answer's
//! `line_type_intelligence.type` is `mobile`, `landline`, `fixedVoip`, `nonFixedVoip`, the name of another kind, or
//! null where Twilio does not know.

use std::time::Instant;

use jiff::SignedDuration;
use serde::Deserialize;

use super::{Answer, Outcome, Pace};
use crate::base::clock::{DAY, SECOND};
use crate::base::{Millis, Mistake, Random, Sensitive};
use crate::outbound::breaker::Breaker;
use crate::outbound::http::{self, Http};
use crate::settings::{self, LineType, Settings, Span};

/// Where Twilio is reached.
const TWILIO: &str = "https://lookups.twilio.com";

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A person's line of that kind.
    Of(LineType),
    /// No person's line: premium, toll-free, a pager, …
    Nobody,
    /// The vendor does not know.
    Unknown,
}

impl Line {
    /// Its stable name, as it is kept.
    pub fn name(self) -> &'static str {
        match self {
            Self::Of(kind) => kind.name(),
            Self::Nobody => "nobody",
            Self::Unknown => "unknown",
        }
    }

    /// The line of that name.
    pub fn named(name: &str) -> Option<Self> {
        let others = [Self::Nobody, Self::Unknown].into_iter();
        LineType::ALL.into_iter().map(Self::Of).chain(others).find(|line| line.name() == name)
    }

    /// By Twilio's word for it.
    fn of_twilio(word: Option<&str>) -> Self {
        match word {
            Some("mobile") => Self::Of(LineType::Mobile),
            Some("landline") => Self::Of(LineType::Landline),
            Some("fixedVoip" | "nonFixedVoip" | "voip") => Self::Of(LineType::Voip),
            Some("personal" | "tollFree" | "premium" | "sharedCost" | "uan" | "voicemail" | "pager") => {
                Self::Nobody
            }
            _ => Self::Unknown,
        }
    }
}

/// A vendor that is asked; one a process.
#[derive(Debug)]
pub struct Lookup {
    http: Http,
    base: String,
    user: String,
    password: Sensitive,
    breaker: Breaker,
    pace: Pace,
}

type Found = serde_json::Map<String, serde_json::Value>;

#[derive(Deserialize)]
struct Intelligence {
    r#type: Option<String>,
}

impl Lookup {
    /// The vendor of `[phone.lookup]`, where one is named.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn read(settings: &Settings) -> Result<Option<Self>, Vec<Mistake>> {
        let found = &settings.phone.lookup;
        if found.kind.is_empty() {
            return Ok(None);
        }
        let mut mistakes = Vec::new();
        if found.kind != "twilio" {
            mistakes.push(at("kind", "must be \"twilio\", or \"\" for nobody"));
        }
        if !(0..=365 * DAY).contains(&found.cache.millis()) {
            mistakes.push(at("cache", "must be at most 365d"));
        }
        if !(Span(SECOND)..=Span(10 * SECOND)).contains(&found.timeout) {
            mistakes.push(at("timeout", "must be from 1s to 10s"));
        }
        let (user, password) = credentials(found, &mut mistakes);
        let url = if found.url.is_empty() { TWILIO } else { &found.url };
        let base = http::base(url).map_err(|why| mistakes.push(at("url", why)));
        let http = Http::new(SignedDuration::from_millis(found.timeout.millis()));
        let http = http.map_err(|why| mistakes.push(at("timeout", why)));
        let (Ok(base), Ok(http), true) = (base, http, mistakes.is_empty()) else {
            mistakes.dedup_by(|a, b| a.path == b.path);
            return Err(mistakes);
        };
        Ok(Some(Self { http, base, user, password, breaker: Breaker::default(), pace: Pace::default() }))
    }

    /// What `e164` is: one call, within the time-out. After several failures nobody is asked for half a minute.
    ///
    /// # Errors
    /// For the operator's log, without the number: where nothing came, or something that is no answer.
    pub async fn ask(&self, e164: &str, now: Millis) -> Result<Line, String> {
        if !self.breaker.admits(now) {
            return Err("it failed several times and rests".into());
        }
        let began = Instant::now();
        let request = self.http.client().get(format!("{}/v2/PhoneNumbers/{}", self.base, e164));
        let request = request.query(&[("Fields", "line_type_intelligence")]);
        let request = request.basic_auth(&self.user, Some(self.password.expose()));
        let line = self.http.call(request).await.and_then(|answer| understood(&answer));
        match line {
            Ok(line) => {
                self.breaker.succeeded(now);
                self.pace.took(began.elapsed());
                Ok(line)
            }
            Err(outcome) => {
                if outcome.is_about_message() {
                    // Whoever signs up chooses the numbers, and would have nobody's looked up.
                    self.breaker.spared(now);
                } else {
                    self.breaker.failed(now);
                }
                Err(outcome.why().to_owned())
            }
        }
    }

    /// Waits as long as an answer takes: for a number that need not be asked for, so that nobody sees that it is known.
    pub async fn as_if_asked(&self, random: &Random) {
        self.pace.wait(random).await;
    }
}

/// The name and secret of basic authentication: the account's, or an API key's.
fn credentials(found: &settings::Lookup, mistakes: &mut Vec<Mistake>) -> (String, Sensitive) {
    if !is_sid(&found.account_sid, "AC") {
        mistakes.push(at("account_sid", "must be AC and 32 hexadecimal digits"));
    }
    let (token, secret) = (found.auth_token.expose(), found.api_secret.expose());
    if found.api_key.is_empty() {
        if token.is_empty() {
            mistakes.push(at(
                "auth_token",
                "is missing; or name an auth_token_file, or an api_key with its secret",
            ));
        }
        return (found.account_sid.clone(), found.auth_token.clone());
    }
    if !is_sid(&found.api_key, "SK") {
        mistakes.push(at("api_key", "must be SK and 32 hexadecimal digits"));
    }
    if secret.is_empty() {
        mistakes.push(at("api_secret", "is missing; or name an api_secret_file"));
    }
    if !token.is_empty() {
        mistakes.push(at("auth_token", "stands beside api_key; keep one of them"));
    }
    (found.api_key.clone(), found.api_secret.clone())
}

fn is_sid(text: &str, kind: &str) -> bool {
    let digits = text.strip_prefix(kind).unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

fn at(key: &str, message: impl Into<String>) -> Mistake {
    Mistake::new(format!("phone.lookup.{key}"), message)
}

fn understood(answer: &Answer) -> Result<Line, Outcome> {
    match answer.status {
        // The number stands in the path.
        404 => return Err(Outcome::rejected("answered 404")),
        _ if !answer.is_success() => return Err(answer.refusal()),
        _ => {}
    }
    // What is asked for stands in every answer of Twilio's, null where it knows nothing.
    let found: Option<Found> = answer.json();
    let told = found.and_then(|mut found| found.remove("line_type_intelligence"));
    let told = told.and_then(|told| serde_json::from_value::<Option<Intelligence>>(told).ok());
    let found = told.ok_or_else(|| answer.unlike("Twilio"))?;
    let word = found.and_then(|found| found.r#type);
    Ok(Line::of_twilio(word.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str) -> Result<Line, Outcome> {
        understood(&Answer { status, retry_after: None, headers: Default::default(), body: body.into() })
    }

    #[test]
    fn twilios_words_are_lines() {
        let line = |word: &str| {
            answered(200, &format!("{{\"line_type_intelligence\": {{\"type\": {word}}}}}")).unwrap()
        };
        assert_eq!(line("\"mobile\""), Line::Of(LineType::Mobile));
        assert_eq!(line("\"landline\""), Line::Of(LineType::Landline));
        assert_eq!([line("\"fixedVoip\""), line("\"nonFixedVoip\"")], [Line::Of(LineType::Voip); 2]);
        assert_eq!([line("\"premium\""), line("\"tollFree\""), line("\"pager\"")], [Line::Nobody; 3]);
        assert_eq!([line("null"), line("\"unknown\""), line("\"submarine\"")], [Line::Unknown; 3]);
        for none in ["{\"line_type_intelligence\": null}", "{\"line_type_intelligence\": {}}"] {
            assert_eq!(answered(200, none), Ok(Line::Unknown), "{none}");
        }
    }

    #[test]
    fn what_is_no_answer_fails() {
        for none in ["", "<html>", "{}", "{\"id\":null}", "{\"line_type_intelligence\": 7}", "[]"] {
            assert_eq!(answered(200, none).unwrap_err().name(), "failed", "{none}");
        }
        assert_eq!(answered(503, "").unwrap_err().name(), "failed");
        assert_eq!(answered(401, "{}").unwrap_err().name(), "misconfigured");
        assert_eq!([400, 404].map(|status| answered(status, "{}").unwrap_err().name()), ["rejected"; 2]);
    }

    #[test]
    fn a_line_is_kept_by_its_name() {
        let all = LineType::ALL.into_iter().map(Line::Of).chain([Line::Nobody, Line::Unknown]);
        for line in all {
            assert_eq!(Line::named(line.name()), Some(line));
        }
        assert_eq!(Line::named(""), None);
    }

    #[test]
    fn every_mistake_has_its_place() {
        let mut settings = Settings::built_in();
        assert!(Lookup::read(&settings).unwrap().is_none(), "nobody is asked by default");
        let lookup = &mut settings.phone.lookup;
        (lookup.kind, lookup.url, lookup.timeout) = ("carrier".into(), "http://example.com".into(), Span(0));
        let paths = |settings: &Settings| -> Vec<String> {
            Lookup::read(settings).err().unwrap_or_default().into_iter().map(|mistake| mistake.path).collect()
        };
        let wrong = ["kind", "timeout", "account_sid", "auth_token", "url", "timeout"];
        assert_eq!(paths(&settings), wrong.map(|key| format!("phone.lookup.{key}")));
        let lookup = &mut settings.phone.lookup;
        (lookup.kind, lookup.url, lookup.timeout) = ("twilio".into(), String::new(), Span(3_000));
        lookup.account_sid = format!("AC{}", "0".repeat(32));
        (lookup.auth_token, lookup.api_key) = (Sensitive::new("t"), format!("SK{}", "0".repeat(32)));
        assert_eq!(paths(&settings), ["phone.lookup.api_secret", "phone.lookup.auth_token"]);
        settings.phone.lookup.api_key.clear();
        assert!(Lookup::read(&settings).unwrap().is_some());
    }
}
