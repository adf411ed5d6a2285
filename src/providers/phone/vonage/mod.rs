//! `vonage`: hands texts to Vonage's SMS API, once Nexmo's (developer.vonage.com/en/api/sms).
//!
//! Its document wants key and secret in the body, so that is where they are. A refusal comes with status 200: each
//! part of the text has a status of its own, and only `"0"` was taken.

mod receipts;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use serde::Deserialize;
use url::Url;

use crate::base::{Mistake, Sensitive};
use crate::messages::{self, Channel, Message};
use crate::outbound::http;
use crate::providers::{Answer, Http, Outcome, Provider, ProviderKind, Receipts, Spec};
use receipts::{Method, Signed};

/// Delivers SMS through Vonage.
pub const KIND: ProviderKind = ProviderKind {
    name: "vonage",
    channels: &[Channel::Sms],
    development_only: false,
    example: r#"{ kind = "vonage", api_key = "abcd1234", api_secret = "…", from = "Example", signature_secret = "…", signature_method = "sha512hmac" }"#,
    build,
};

/// The longest text that comes back with a report.
const LONGEST_REF: usize = 40;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    api_key: String,
    api_secret: Option<Sensitive>,
    api_secret_file: Option<PathBuf>,
    from: String,
    signature_secret: Option<Sensitive>,
    signature_secret_file: Option<PathBuf>,
    #[serde(default)]
    signature_method: Method,
    url: Option<String>,
    #[serde(default = "timeout")]
    timeout: SignedDuration,
}

fn timeout() -> SignedDuration {
    http::TIMEOUT
}

struct Vonage {
    http: Http,
    base: String,
    api_key: String,
    api_secret: Sensitive,
    from: String,
    /// Where Vonage reports, where its reports can be checked.
    callback: Option<Url>,
    receipts: Option<Signed>,
}

fn build(spec: &Spec<'_>) -> Result<Box<dyn Provider>, Vec<Mistake>> {
    let settings: Settings = spec.read()?;
    let mut mistakes = Vec::new();
    if settings.api_key.len() != 8 || !settings.api_key.bytes().all(|b| b.is_ascii_alphanumeric()) {
        mistakes.push(spec.mistake("api_key", "is 8 letters and digits, as Vonage's dashboard shows it"));
    }
    let (inline, file) = (settings.api_secret.as_ref(), settings.api_secret_file.as_deref());
    let api_secret = spec.secret("api_secret", inline, file).map_err(|it| mistakes.push(it)).ok();
    let from = sender(&settings.from);
    if from.is_none() {
        mistakes
            .push(spec.mistake("from", "is a number such as \"+12025550123\" or a name of up to 11 letters"));
    }
    let (inline, file) = (settings.signature_secret.as_ref(), settings.signature_secret_file.as_deref());
    let signs = inline.is_some() || file.is_some();
    let signature = signs.then(|| spec.secret("signature_secret", inline, file)).transpose();
    let signature = signature.map_err(|it| mistakes.push(it)).ok().flatten();
    let base = spec.base(settings.url.as_deref(), "https://rest.nexmo.com");
    let base = base.map_err(|it| mistakes.push(it)).ok();
    let http = spec.http(settings.timeout).map_err(|it| mistakes.push(it)).ok();
    match (http, base, api_secret, from) {
        (Some(http), Some(base), Some(api_secret), Some(from)) if mistakes.is_empty() => {
            let receipts = signature.map(|secret| Signed::new(&secret, settings.signature_method));
            let callback = spec.callback().filter(|_| receipts.is_some());
            let api_key = settings.api_key;
            Ok(Box::new(Vonage { http, base, api_key, api_secret, from, callback, receipts }))
        }
        _ => Err(mistakes),
    }
}

/// A name as networks show it, or a number without its `+`.
fn sender(text: &str) -> Option<String> {
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '&');
    if (1..=11).contains(&text.len()) && text.chars().all(name) {
        return Some(text.to_owned());
    }
    digits(text)
}

/// A number as Vonage writes it: 7 to 15 digits.
fn digits(text: &str) -> Option<String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let sound = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    sound.then(|| digits.to_owned())
}

#[async_trait]
impl Provider for Vonage {
    async fn send(&self, message: &Message) -> Outcome {
        let Some(to) = digits(&message.to) else {
            return Outcome::give_up("the address is no number");
        };
        let request = self.http.client().post(format!("{}/sms/json", self.base));
        match self.http.call(request.form(&self.form(message, &to))).await {
            Ok(answer) => outcome(&answer),
            Err(outcome) => outcome,
        }
    }

    /// Reads the account's credit.
    async fn check(&self) -> Result<(), String> {
        let request = self.http.client().get(format!("{}/account/get-balance", self.base));
        let request = request.basic_auth(&self.api_key, Some(self.api_secret.expose()));
        credit(&self.http.call(request).await.map_err(|outcome| outcome.why().to_owned())?)
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        self.receipts.as_ref().map(|signed| signed as &dyn Receipts)
    }
}

impl Vonage {
    fn form<'a>(&'a self, message: &'a Message, to: &'a str) -> Vec<(&'static str, &'a str)> {
        let text = message.text.expose();
        let mut form = vec![
            ("api_key", self.api_key.as_str()),
            ("api_secret", self.api_secret.expose()),
            ("from", &self.from),
            ("to", to),
            ("text", text),
        ];
        if !messages::is_gsm(text) {
            form.push(("type", "unicode"));
        }
        if message.id.len() <= LONGEST_REF {
            form.push(("client-ref", &message.id));
        }
        form.extend(self.callback.as_ref().map(|url| ("callback", url.as_str())));
        form
    }
}

/// What Vonage answers, taken or not.
#[derive(Deserialize)]
struct Parts {
    messages: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    status: String,
    #[serde(rename = "message-id")]
    id: Option<String>,
    /// Words that may repeat the address: for looking into, never for showing.
    #[serde(rename = "error-text", default)]
    words: String,
}

fn outcome(answer: &Answer) -> Outcome {
    match answer.json::<Parts>() {
        Some(parts) if !parts.messages.is_empty() => parts.outcome(answer),
        _ if answer.is_success() => answer.unlike("Vonage"),
        _ => answer.refusal(),
    }
}

impl Parts {
    /// The first part that was refused decides; one that was taken has a name.
    fn outcome(self, answer: &Answer) -> Outcome {
        if let Some(part) = self.messages.iter().find(|part| part.status != "0") {
            return part.refusal();
        }
        let sound = |id: &String| (1..=200).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        match self.messages.into_iter().find_map(|part| part.id.filter(sound)) {
            Some(reference) if answer.is_success() => Outcome::Delivered { reference: Some(reference) },
            _ if answer.is_success() => answer.unlike("Vonage"),
            _ => answer.refusal(),
        }
    }
}

impl Part {
    /// What a status means (`x-errors` of Vonage's document).
    fn refusal(&self) -> Outcome {
        let known = !self.status.is_empty() && self.status.bytes().all(|b| b.is_ascii_digit());
        let why = format!("refused with status {}", if known { &self.status } else { "of no number" });
        match self.status.as_str() {
            // Too fast for the account.
            "1" => Outcome::Retry { why, after: Some(Duration::from_secs(1)) },
            // Our sender is not allowed in that country; the account may write to no such number yet. Others go on.
            "15" | "29" => Outcome::Deferred { why },
            "2" | "3" if self.is_about_address() => Outcome::GiveUp { why },
            // Whatever else is wrong with this one: a parameter that is not named, its length, the network of its
            // number.
            "2" | "3" if !self.is_about_us() => Outcome::Rejected { why },
            "12" | "22" => Outcome::Rejected { why },
            // No route to the number; barred; switched off for good.
            "6" | "7" | "33" => Outcome::GiveUp { why },
            // A parameter of ours, the credentials, the account, its credit, no HTTP, a signature, the callback, a
            // secret beside a signature.
            "2" | "3" | "4" | "8" | "9" | "11" | "14" | "23" | "32" => Outcome::Misconfigured { why },
            // An error of theirs, too many connections, a line that broke.
            "5" | "10" | "13" => Outcome::Retry { why, after: None },
            // Nobody can tell whose fault it is.
            _ => Outcome::Deferred { why },
        }
    }

    fn is_about_address(&self) -> bool {
        let words = self.words.to_ascii_lowercase();
        words.starts_with("to ") || words.contains(" to param") || words.ends_with(": to")
    }

    /// Whether it names what stands in every request of ours.
    fn is_about_us(&self) -> bool {
        let words = self.words.to_ascii_lowercase();
        ["api_key", "api_secret", "callback", "from", "sender"].iter().any(|name| words.contains(name))
    }
}

/// Whether the account can pay for a message.
fn credit(answer: &Answer) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Balance {
        value: f64,
        #[serde(default, rename = "autoReload")]
        reloads: bool,
    }
    if !answer.is_success() {
        return Err(answer.refusal().why().to_owned());
    }
    match answer.json::<Balance>() {
        Some(balance) if balance.value > 0.0 || balance.reloads => Ok(()),
        Some(_) => Err("the account has no credit left".into()),
        None => Err("does not answer as Vonage does".into()),
    }
}

#[cfg(test)]
mod tests;
