//! `twilio-verify`: Twilio makes the code, sends it and checks it (twilio.com/docs/verify/api).
//!
//! A second start for the same address while the first is open sends the same code again, under the same name. Once a
//! verification is approved, expired or out of guesses Twilio forgets it and answers 404.

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::SignedDuration;
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;

use super::codes::{self, Refusal};
use super::{Account, Given, is_sid, sid_shape};
use crate::base::{Mistake, Sensitive};
use crate::messages::{Channel, Message};
use crate::outbound::http;
use crate::providers::{Answer, Outcome, Provider, ProviderKind, Spec, Verdict, Verifier};

/// Leaves codes to Twilio Verify, on every channel.
pub const KIND: ProviderKind = ProviderKind {
    name: "twilio-verify",
    channels: Channel::ALL,
    development_only: false,
    example: r#"{ kind = "twilio-verify", account_sid = "AC00000000000000000000000000000000", auth_token = "…", service = "VA00000000000000000000000000000000" }"#,
    build,
};

/// A name that Twilio gives to no verification: asked about it, it says that there is none.
const NOBODYS: &str = "VE00000000000000000000000000000000";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    account_sid: String,
    auth_token: Option<Sensitive>,
    auth_token_file: Option<PathBuf>,
    api_key: Option<String>,
    api_secret: Option<Sensitive>,
    api_secret_file: Option<PathBuf>,
    service: String,
    friendly_name: Option<String>,
    locale: Option<String>,
    url: Option<String>,
    #[serde(default = "timeout")]
    timeout: SignedDuration,
}

fn timeout() -> SignedDuration {
    http::TIMEOUT
}

struct Verify {
    account: Account,
    /// The path of the service, such as `/v2/Services/VA…`.
    service: String,
    friendly_name: Option<String>,
    locale: Option<String>,
}

fn build(spec: &Spec<'_>) -> Result<Box<dyn Provider>, Vec<Mistake>> {
    let settings: Settings = spec.read()?;
    let given = Given {
        account_sid: &settings.account_sid,
        auth_token: (settings.auth_token.as_ref(), settings.auth_token_file.as_deref()),
        api_key: settings.api_key.as_deref(),
        api_secret: (settings.api_secret.as_ref(), settings.api_secret_file.as_deref()),
        url: settings.url.as_deref(),
        timeout: settings.timeout,
    };
    let account = Account::read(spec, &given, "https://verify.twilio.com");
    let mut mistakes = Vec::new();
    let account = account.map_err(|found| mistakes.extend(found)).ok();
    if !is_sid("VA", &settings.service) {
        mistakes.push(spec.mistake("service", sid_shape("VA")));
    }
    let Settings { service, friendly_name, locale, .. } = settings;
    // Twilio's own limit for the name of a service.
    if friendly_name.as_ref().is_some_and(|name| name.is_empty() || name.chars().count() > 30) {
        mistakes.push(spec.mistake("friendly_name", "is 1 to 30 characters"));
    }
    if locale.as_deref().is_some_and(|locale| !is_locale(locale)) {
        mistakes.push(spec.mistake("locale", "is a language such as \"pl\" or \"pt-BR\""));
    }
    match account {
        Some(account) if mistakes.is_empty() => {
            let service = format!("/v2/Services/{service}");
            Ok(Box::new(Verify { account, service, friendly_name, locale }))
        }
        _ => Err(mistakes),
    }
}

fn is_locale(text: &str) -> bool {
    (2..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whatever Twilio describes has its name.
#[derive(Deserialize)]
struct Named {
    sid: String,
}

/// A verification as Twilio describes it.
#[derive(Deserialize)]
struct Verification {
    sid: Option<String>,
    status: Option<String>,
}

#[async_trait]
impl Provider for Verify {
    async fn send(&self, message: &Message) -> Outcome {
        let request = self.request(Method::POST, "/Verifications").form(&self.form(message));
        match self.account.call(request).await {
            Ok(answer) => started(&answer),
            Err(outcome) => outcome,
        }
    }

    /// Reads the service.
    async fn check(&self) -> Result<(), String> {
        let answer = self.account.call(self.request(Method::GET, "")).await;
        let answer = answer.map_err(|outcome| outcome.why().to_owned())?;
        if !answer.is_success() {
            return Err(codes::outcome(&answer).why().to_owned());
        }
        let named = answer.json::<Named>().is_some_and(|it| is_sid("VA", &it.sid));
        if named { Ok(()) } else { Err("does not answer as Twilio does".into()) }
    }

    fn verifier(&self) -> Option<&dyn Verifier> {
        Some(self)
    }
}

#[async_trait]
impl Verifier for Verify {
    async fn check(&self, reference: &str, code: &Sensitive) -> Verdict {
        if !is_verification(reference) {
            return Verdict::Over;
        }
        // Twilio's codes have 4 to 10 characters; for anything else it would answer that the call is malformed.
        if !(4..=10).contains(&code.expose().chars().count()) {
            return Verdict::Pending;
        }
        let form = [("Code", code.expose()), ("VerificationSid", reference)];
        self.ask(self.request(Method::POST, "/VerificationCheck").form(&form)).await
    }

    async fn status(&self, reference: &str) -> Verdict {
        if !is_verification(reference) {
            return Verdict::Over;
        }
        self.ask(self.request(Method::GET, &format!("/Verifications/{reference}"))).await
    }

    async fn reached(&self) -> Result<(), String> {
        match self.status(NOBODYS).await {
            Verdict::Unavailable { why } => Err(why),
            _ => Ok(()),
        }
    }

    async fn cancel(&self, reference: &str) -> Result<(), String> {
        if !is_verification(reference) {
            return Ok(());
        }
        let path = format!("/Verifications/{reference}");
        let request = self.request(Method::POST, &path).form(&[("Status", "canceled")]);
        let answer = self.account.call(request).await.map_err(|outcome| outcome.why().to_owned())?;
        // One that Twilio has forgotten is over as well.
        if answer.status == 404 {
            return Ok(());
        }
        if answer.is_success() {
            let named = answer.json::<Named>().is_some_and(|it| is_verification(&it.sid));
            return if named { Ok(()) } else { Err(answer.unlike("Twilio").why().to_owned()) };
        }
        Err(codes::outcome(&answer).why().to_owned())
    }
}

impl Verify {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.account.request(method, &format!("{}{path}", self.service))
    }

    fn form<'a>(&'a self, message: &'a Message) -> Vec<(&'static str, &'a str)> {
        // Their names of the channels are ours.
        let mut form = vec![("To", message.to.as_str()), ("Channel", message.channel.name())];
        form.extend(self.friendly_name.as_deref().map(|name| ("CustomFriendlyName", name)));
        form.extend(self.locale.as_deref().map(|locale| ("Locale", locale)));
        form
    }

    async fn ask(&self, request: RequestBuilder) -> Verdict {
        match self.account.call(request).await {
            Ok(answer) => verdict(&answer),
            Err(outcome) => Verdict::Unavailable { why: outcome.why().to_owned() },
        }
    }
}

/// Whether it is a name that Twilio gave; nothing else becomes part of a URL.
fn is_verification(reference: &str) -> bool {
    is_sid("VE", reference)
}

fn started(answer: &Answer) -> Outcome {
    if !answer.is_success() {
        return codes::outcome(answer);
    }
    match answer.json() {
        Some(Verification { sid: Some(sid), status: Some(status) })
            if is_verification(&sid) && status == "pending" =>
        {
            Outcome::Delivered { reference: Some(sid) }
        }
        _ => Outcome::retry(format!("answered {}, but with no open verification", answer.status)),
    }
}

fn verdict(answer: &Answer) -> Verdict {
    let unavailable = |why: String| Verdict::Unavailable { why };
    if answer.is_success() {
        let named = |it: &Verification| it.sid.as_deref().is_some_and(is_verification);
        let found = answer.json::<Verification>().filter(named).and_then(|it| it.status);
        return match found.as_deref() {
            Some("approved") => Verdict::Right,
            Some("pending") => Verdict::Pending,
            Some("canceled" | "max_attempts_reached" | "deleted" | "failed" | "expired") => Verdict::Over,
            _ => unavailable(format!("answered {}, but with no verdict", answer.status)),
        };
    }
    let refusal = Refusal::of(answer);
    match refusal.as_ref().and_then(|it| it.code) {
        // Too many guesses; no verification is open.
        Some(60_202 | 60_023 | 20_404) => Verdict::Over,
        // The code is wrong.
        Some(60_022 | 60_201) => Verdict::Pending,
        Some(60_200) if refusal.is_some_and(|it| it.names("Code")) => Verdict::Pending,
        _ if answer.status == 404 => Verdict::Over,
        _ => unavailable(codes::outcome(answer).why().to_owned()),
    }
}
