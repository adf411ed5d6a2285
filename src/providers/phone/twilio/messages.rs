//! `twilio`: hands texts to Twilio's Messages API (twilio.com/docs/messaging/api/message-resource).

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::SignedDuration;
use reqwest::Method;
use serde::Deserialize;
use url::Url;

use super::receipts::Signed;
use super::{Account, Given, codes, is_sid, sid_shape};
use crate::base::{Mistake, Sensitive};
use crate::messages::{Channel, Message};
use crate::outbound::http;
use crate::providers::{Answer, Outcome, Provider, ProviderKind, Receipts, Spec};

/// Delivers SMS and WhatsApp messages through Twilio.
pub const KIND: ProviderKind = ProviderKind {
    name: "twilio",
    channels: &[Channel::Sms, Channel::Whatsapp],
    development_only: false,
    example: r#"{ kind = "twilio", account_sid = "AC00000000000000000000000000000000", auth_token = "…", from = "+12025550123" }"#,
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    account_sid: String,
    auth_token: Option<Sensitive>,
    auth_token_file: Option<PathBuf>,
    api_key: Option<String>,
    api_secret: Option<Sensitive>,
    api_secret_file: Option<PathBuf>,
    from: Option<String>,
    messaging_service: Option<String>,
    whatsapp_from: Option<String>,
    url: Option<String>,
    #[serde(default = "timeout")]
    timeout: SignedDuration,
}

fn timeout() -> SignedDuration {
    http::TIMEOUT
}

struct Twilio {
    account: Account,
    sender: Sender,
    /// The number that WhatsApp messages come from, where it is another.
    whatsapp: Option<String>,
    /// Where Twilio reports, where its reports can be checked.
    callback: Option<Url>,
    receipts: Option<Signed>,
}

/// Who messages come from.
enum Sender {
    /// A number, a short code or a name.
    From(String),
    /// One of Twilio's messaging services, which picks the number.
    Service(String),
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
    let account = Account::read(spec, &given, "https://api.twilio.com");
    let sender = sender(spec, &settings);
    let whatsapp = settings.whatsapp_from.as_deref().map(|from| number(spec, from)).transpose();
    let mut mistakes = Vec::new();
    let account = account.map_err(|found| mistakes.extend(found)).ok();
    let sender = sender.map_err(|found| mistakes.push(found)).ok();
    let whatsapp = whatsapp.map_err(|found| mistakes.push(found)).ok();
    match (account, sender, whatsapp) {
        (Some(account), Some(sender), Some(whatsapp)) => {
            let receipts = account.token.clone().map(Signed::new);
            let callback = spec.callback().filter(|_| receipts.is_some());
            Ok(Box::new(Twilio { account, sender, whatsapp, callback, receipts }))
        }
        _ => Err(mistakes),
    }
}

fn sender(spec: &Spec<'_>, settings: &Settings) -> Result<Sender, Mistake> {
    match (&settings.from, &settings.messaging_service) {
        (Some(from), None) if is_sender(from) => Ok(Sender::From(from.clone())),
        (Some(_), None) => {
            Err(spec.mistake("from", "is a number such as \"+12025550123\" or a name of up to 11 letters"))
        }
        (None, Some(service)) if is_sid("MG", service) => Ok(Sender::Service(service.clone())),
        (None, Some(_)) => Err(spec.mistake("messaging_service", sid_shape("MG"))),
        (None, None) => Err(spec.mistake("from", "is missing; or name a messaging_service")),
        (Some(_), Some(_)) => {
            Err(spec.mistake("messaging_service", "stands beside `from`; keep one of them"))
        }
    }
}

/// A number, a short code, or a name as networks show it.
fn is_sender(text: &str) -> bool {
    let name = (1..=11).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '+' | '&'));
    name || is_number(text)
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

fn number(spec: &Spec<'_>, text: &str) -> Result<String, Mistake> {
    let bare = text.strip_prefix("whatsapp:").unwrap_or(text);
    let wrong = || spec.mistake("whatsapp_from", "is a number such as \"+12025550123\"");
    is_number(bare).then(|| bare.to_owned()).ok_or_else(wrong)
}

/// What Twilio answers to a message that it took.
#[derive(Deserialize)]
struct Taken {
    sid: String,
}

#[async_trait]
impl Provider for Twilio {
    async fn send(&self, message: &Message) -> Outcome {
        let path = format!("/2010-04-01/Accounts/{}/Messages.json", self.account.sid);
        let request = self.account.request(Method::POST, &path).form(&self.form(message));
        match self.account.call(request).await {
            Ok(answer) => outcome(&answer),
            Err(outcome) => outcome,
        }
    }

    /// An API key may not read the account itself, but its messages: those from the far future, so none.
    async fn check(&self) -> Result<(), String> {
        let account = format!("/2010-04-01/Accounts/{}", self.account.sid);
        let request = if self.account.has_key() {
            let query = [("PageSize", "1"), ("DateSent>", "2999-01-01")];
            self.account.request(Method::GET, &format!("{account}/Messages.json")).query(&query)
        } else {
            self.account.request(Method::GET, &format!("{account}.json"))
        };
        standing(&self.account.call(request).await.map_err(|outcome| outcome.why().to_owned())?)
    }

    fn receipts(&self) -> Option<&dyn Receipts> {
        self.receipts.as_ref().map(|signed| signed as &dyn Receipts)
    }
}

impl Twilio {
    fn form(&self, message: &Message) -> Vec<(&'static str, String)> {
        let on = if message.channel == Channel::Whatsapp { "whatsapp:" } else { "" };
        let mut form =
            vec![("To", format!("{on}{}", message.to)), ("Body", message.text.expose().to_owned())];
        form.push(match (&self.whatsapp, &self.sender) {
            (Some(from), _) if message.channel == Channel::Whatsapp => ("From", format!("{on}{from}")),
            (_, Sender::From(from)) => ("From", format!("{on}{from}")),
            (_, Sender::Service(service)) => ("MessagingServiceSid", service.clone()),
        });
        if let Some(callback) = &self.callback {
            let mut url = callback.clone();
            url.query_pairs_mut().append_pair("message", &message.id);
            form.push(("StatusCallback", url.into()));
        }
        form
    }
}

fn outcome(answer: &Answer) -> Outcome {
    if !answer.is_success() {
        return codes::outcome(answer);
    }
    match answer.json::<Taken>().filter(|taken| is_sid("SM", &taken.sid) || is_sid("MM", &taken.sid)) {
        Some(taken) => Outcome::Delivered { reference: Some(taken.sid) },
        None => answer.unlike("Twilio"),
    }
}

/// Whether an account that answered may send.
fn standing(answer: &Answer) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Standing {
        status: Option<String>,
        messages: Option<Vec<serde::de::IgnoredAny>>,
    }
    if !answer.is_success() {
        return Err(codes::outcome(answer).why().to_owned());
    }
    match answer.json::<Standing>() {
        Some(Standing { status: Some(status), .. }) if matches!(&*status, "suspended" | "closed") => {
            Err("the account is suspended or closed".into())
        }
        Some(Standing { status: Some(_), .. } | Standing { messages: Some(_), .. }) => Ok(()),
        _ => Err("does not answer as Twilio does".into()),
    }
}
