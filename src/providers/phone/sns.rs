//! `sns`: hands text messages to Amazon SNS (`Publish` to a number).
//!
//! What became of a text message SNS writes to CloudWatch logs alone; it calls nobody, so there are no receipts.

use async_trait::async_trait;
use url::form_urlencoded::Serializer;

use super::super::aws::{self, Service};
use super::super::{Answer, Outcome, Provider, ProviderKind, Spec};
use crate::base::Mistake;
use crate::messages::{Channel, Message};

/// Delivers text messages through Amazon SNS.
pub const KIND: ProviderKind = ProviderKind {
    name: "sns",
    channels: &[Channel::Sms],
    development_only: false,
    example: r#"{ kind = "sns", region = "eu-central-1", key_id = "AKIAIOSFODNN7EXAMPLE", secret = "…", sender_id = "Example" }"#,
    build,
};

aws::settings! {
    struct Settings {
        /// The name that a phone shows as the sender, where the country allows it.
        sender_id: Option<String>,
        /// The number or short code of the account to send from.
        origination_number: Option<String>,
        /// The most that one message may cost, in US dollars.
        max_price: Option<f64>,
    }
}

struct Sns {
    service: Service,
    /// Attributes of every message: name, data type and value.
    attributes: Vec<(&'static str, &'static str, String)>,
}

fn build(spec: &Spec<'_>) -> Result<Box<dyn Provider>, Vec<Mistake>> {
    let settings: Settings = spec.read()?;
    let mut mistakes = Vec::new();
    let service = settings.shared().service(spec, "sns", "sns").map_err(|found| mistakes.extend(found));
    let attributes = settings.attributes(&mut |key, why: &str| mistakes.push(spec.mistake(key, why)));
    match service {
        Ok(service) if mistakes.is_empty() => Ok(Box::new(Sns { service, attributes })),
        _ => Err(mistakes),
    }
}

impl Settings {
    fn attributes(self, note: &mut impl FnMut(&str, &str)) -> Vec<(&'static str, &'static str, String)> {
        // Codes are wanted now, not when it is cheapest.
        let mut attributes = vec![("AWS.SNS.SMS.SMSType", "String", "Transactional".to_owned())];
        if let Some(name) = self.sender_id {
            let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if !(1..=11).contains(&name.len()) || !plain || !name.bytes().any(|b| b.is_ascii_alphabetic()) {
                note("sender_id", "is 1 to 11 letters, digits and -, one of them a letter");
            }
            attributes.push(("AWS.SNS.SMS.SenderID", "String", name));
        }
        if let Some(number) = self.origination_number {
            let digits = number.strip_prefix('+').unwrap_or(&number);
            if !(3..=15).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
                note("origination_number", "is a number such as \"+12065550100\", or a short code");
            }
            attributes.push(("AWS.MM.SMS.OriginationNumber", "String", number));
        }
        if let Some(price) = self.max_price {
            if !(price > 0.0 && price <= 100.0) {
                note("max_price", "is a price in US dollars for one message, such as 0.5");
            }
            attributes.push(("AWS.SNS.SMS.MaxPrice", "Number", price.to_string()));
        }
        attributes
    }
}

#[async_trait]
impl Provider for Sns {
    async fn send(&self, message: &Message) -> Outcome {
        let answer = self.call("Publish", |form| {
            form.append_pair("PhoneNumber", &message.to).append_pair("Message", message.text.expose());
            for (n, (name, class, value)) in (1..).zip(&self.attributes) {
                let entry = format!("MessageAttributes.entry.{n}");
                form.append_pair(&format!("{entry}.Name"), name)
                    .append_pair(&format!("{entry}.Value.DataType"), class)
                    .append_pair(&format!("{entry}.Value.StringValue"), value);
            }
        });
        match answer.await {
            Ok(answer) if answer.is_success() => match reference(&answer) {
                Some(reference) => Outcome::Delivered { reference: Some(reference) },
                None => answer.unlike("SNS"),
            },
            Ok(answer) => refusal(&answer),
            Err(outcome) => outcome,
        }
    }

    /// Asks for the settings of text messages. A key that may send and nothing else passes: it was recognized.
    async fn check(&self) -> Result<(), String> {
        let answer =
            self.call("GetSMSAttributes", |_| {}).await.map_err(|outcome| outcome.why().to_owned())?;
        let code = aws::code(&answer);
        if answer.is_success() {
            let told = std::str::from_utf8(&answer.body)
                .is_ok_and(|body| body.contains("<GetSMSAttributesResponse"));
            return if told { Ok(()) } else { Err("does not answer as SNS does".into()) };
        }
        if aws::is_denied(&code) {
            return Ok(());
        }
        Err(aws::outcome(&answer, &code).why().to_owned())
    }
}

impl Sns {
    async fn call(
        &self,
        action: &str,
        fill: impl FnOnce(&mut Serializer<'_, String>) + Send,
    ) -> Result<Answer, Outcome> {
        let body = {
            let mut form = Serializer::new(String::new());
            form.append_pair("Action", action).append_pair("Version", "2010-03-31");
            fill(&mut form);
            form.finish()
        };
        self.service.post("/", "application/x-www-form-urlencoded; charset=utf-8", body).await
    }
}

/// Its name for a message that it took.
fn reference(answer: &Answer) -> Option<String> {
    let plain = |id: &String| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    aws::element(&answer.body, "MessageId").filter(|id| (1..=200).contains(&id.len()) && plain(id))
}

/// What an answer other than a success means. The words of a refused parameter are looked at, not repeated.
fn refusal(answer: &Answer) -> Outcome {
    let code = aws::code(answer);
    let words = aws::element(&answer.body, "Message").unwrap_or_default();
    let words = words.to_lowercase().replace(' ', "");
    match code.as_str() {
        "InvalidParameter" | "InvalidParameterValue" if words.contains("phonenumber") => {
            Outcome::give_up(format!("answered {} {code} to the number", answer.status))
        }
        "OptedOut" => Outcome::give_up("the person behind the number wants no messages of this account"),
        // Attributes are the same in every message.
        "InvalidParameter" | "InvalidParameterValue" if words.contains("attribute") => {
            Outcome::misconfigured(format!("answered {} {code}", answer.status))
        }
        code => aws::outcome(answer, code),
    }
}

#[cfg(test)]
#[path = "sns_tests.rs"]
mod tests;
