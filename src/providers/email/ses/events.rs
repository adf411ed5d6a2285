//! What SES publishes about a mail, by way of SNS: events of a configuration set (`eventType`), and notifications of
//! an identity (`notificationType`).

use std::collections::HashMap;

use async_trait::async_trait;
use serde::Deserialize;

use crate::providers::aws::Topic;
use crate::providers::{Callback, Fate, Receipt, Receipts, Untrusted};

/// Believes what came through one topic.
pub(super) struct Events {
    topic: Topic,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(alias = "notificationType")]
    event_type: String,
    mail: Mail,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    message_id: Option<String>,
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    bounce_sub_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    complaint_sub_type: Option<String>,
}

impl Events {
    pub(super) fn new(topic: Topic) -> Self {
        Self { topic }
    }
}

#[async_trait]
impl Receipts for Events {
    async fn read(&self, callback: &Callback<'_>) -> Result<Vec<Receipt>, Untrusted> {
        let Some(message) = self.topic.open(callback).await? else { return Ok(Vec::new()) };
        // Amazon writes "Successfully validated SNS topic …" too, which is no event.
        let event = serde_json::from_str::<Event>(&message).ok();
        Ok(event.and_then(Event::receipt).into_iter().collect())
    }
}

impl Event {
    /// What it says of a mail; nothing where it is about what somebody did with one that had arrived.
    fn receipt(self) -> Option<Receipt> {
        let (fate, code) = match self.event_type.as_str() {
            "Send" | "DeliveryDelay" => (Fate::Underway, None),
            "Delivery" => (Fate::Delivered, None),
            "Bounce" => self.bounce?.fate(),
            "Complaint" => self.complaint?.fate(),
            "Reject" | "Rendering Failure" => (Fate::Failed, Some(self.event_type)),
            _ => return None,
        };
        let message = self.mail.tags.get("message").and_then(|values| values.first()).cloned();
        Some(Receipt { message, reference: self.mail.message_id, fate, code: code.and_then(word) })
    }
}

impl Bounce {
    fn fate(self) -> (Fate, Option<String>) {
        let fate = if self.bounce_type == "Permanent" { Fate::Unreachable } else { Fate::Failed };
        (fate, Some(self.bounce_sub_type.unwrap_or(self.bounce_type)))
    }
}

impl Complaint {
    /// Who calls a mail spam has got it: another provider must not send it once more. With a sub-type it was never
    /// tried, because the address stands on the account's own list.
    fn fate(self) -> (Fate, Option<String>) {
        match self.complaint_sub_type {
            Some(why) => (Fate::Unreachable, Some(why)),
            None => (Fate::Delivered, Some("Complaint".into())),
        }
    }
}

/// A code is one word of letters.
fn word(text: String) -> Option<String> {
    let text: String = text.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::providers::aws::tests::{NOW, Sns};

    struct Bed {
        sns: Sns,
        events: Events,
    }

    impl Bed {
        async fn start() -> Self {
            let sns = Sns::start(500).await;
            Self { events: Events::new(sns.topic()), sns }
        }

        async fn read(&self, message: &str) -> Vec<Receipt> {
            self.call(&self.sns.post("Notification", message)).await.unwrap()
        }

        async fn call(&self, body: &serde_json::Value) -> Result<Vec<Receipt>, Untrusted> {
            let (headers, body) = (HeaderMap::new(), body.to_string());
            self.events.read(&Callback { url: "", headers: &headers, body: body.as_bytes(), now: NOW }).await
        }
    }

    #[tokio::test]
    async fn each_event_has_its_fate() {
        let bed = Bed::start().await;
        for (class, more, fate, code) in [
            ("Send", json!({}), Fate::Underway, None),
            ("DeliveryDelay", json!({ "deliveryDelay": {} }), Fate::Underway, None),
            ("Delivery", json!({ "delivery": {} }), Fate::Delivered, None),
            ("Bounce", bounce("Permanent", "NoEmail"), Fate::Unreachable, Some("NoEmail")),
            ("Bounce", bounce("Transient", "MailboxFull"), Fate::Failed, Some("MailboxFull")),
            ("Bounce", bounce("Undetermined", "Undetermined"), Fate::Failed, Some("Undetermined")),
            ("Complaint", json!({ "complaint": {} }), Fate::Delivered, Some("Complaint")),
            ("Complaint", suppressed(), Fate::Unreachable, Some("OnAccountSuppressionList")),
            ("Reject", json!({ "reject": { "reason": "Bad content" } }), Fate::Failed, Some("Reject")),
        ] {
            for key in ["eventType", "notificationType"] {
                let mut event =
                    json!({ key: class, "mail": { "messageId": "0100-1", "tags": { "message": ["m1"] } } });
                event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                let receipt = Receipt {
                    message: Some("m1".into()),
                    reference: Some("0100-1".into()),
                    fate,
                    code: code.map(str::to_owned),
                };
                assert_eq!(bed.read(&event.to_string()).await, [receipt], "{event}");
            }
        }
    }

    fn bounce(class: &str, sub: &str) -> serde_json::Value {
        json!({ "bounce": { "bounceType": class, "bounceSubType": sub, "bouncedRecipients": [] } })
    }

    fn suppressed() -> serde_json::Value {
        json!({ "complaint": { "complaintSubType": "OnAccountSuppressionList" } })
    }

    #[tokio::test]
    async fn what_is_no_event_of_delivery_says_nothing() {
        let bed = Bed::start().await;
        let open = json!({ "eventType": "Open", "mail": { "messageId": "0100-1" } }).to_string();
        for message in
            [open.as_str(), "Successfully validated SNS topic for Amazon SES event publishing.", "{}"]
        {
            assert_eq!(bed.read(message).await, [], "{message}");
        }
        let untagged =
            json!({ "notificationType": "Delivery", "mail": { "messageId": "0100-1" } }).to_string();
        let found = bed.read(&untagged).await;
        assert_eq!((found[0].message.as_deref(), found[0].reference.as_deref()), (None, Some("0100-1")));
    }

    #[tokio::test]
    async fn what_is_not_signed_is_not_believed() {
        let bed = Bed::start().await;
        let mut body =
            bed.sns.post("Notification", r#"{"eventType":"Delivery","mail":{"tags":{"message":["m1"]}}}"#);
        assert_eq!(bed.call(&body).await.unwrap().len(), 1);
        body["Message"] = json!(r#"{"eventType":"Delivery","mail":{"tags":{"message":["m2"]}}}"#);
        assert!(bed.call(&body).await.is_err());
    }
}
