//! SendGrid's Event Webhook: a JSON array of events, signed as a whole.

use async_trait::async_trait;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::base::{Millis, clock};
use crate::providers::{Callback, Fate, Receipt, Receipts, Untrusted};

const SIGNATURE: &str = "x-twilio-email-event-webhook-signature";
const TIMESTAMP: &str = "x-twilio-email-event-webhook-timestamp";
/// How far the signed time may be from ours.
const TOLERANCE: Millis = 10 * clock::MINUTE;

/// Believes what was signed with one account's key.
pub(super) struct Events {
    key: ParsedPublicKey,
}

#[derive(Deserialize)]
struct Event {
    event: String,
    /// The custom argument that we sent along.
    message: Option<String>,
    sg_message_id: Option<String>,
    #[serde(rename = "type")]
    class: Option<String>,
    /// The enhanced status code of a bounce, such as `5.1.1` (RFC 3463).
    status: Option<String>,
    reason: Option<String>,
}

impl Events {
    /// For the account whose verification key is `key`: a public key on P-256 as DER in Base64.
    ///
    /// # Errors
    /// In plain words, where it is no such key.
    pub(super) fn new(key: &str) -> Result<Self, String> {
        let der = STANDARD.decode(key.trim()).ok();
        let key = der.and_then(|der| ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, der).ok());
        key.map(|key| Self { key }).ok_or_else(|| {
            "is not the verification key that SendGrid shows for the signed Event Webhook".into()
        })
    }

    /// Shows that SendGrid signed the body, and lately.
    fn verify(&self, callback: &Callback<'_>) -> Result<(), Untrusted> {
        let untrusted = |why: &str| Untrusted(why.to_owned());
        let header = |name| callback.headers.get(name).and_then(|value| value.to_str().ok());
        let signature = header(SIGNATURE).ok_or_else(|| untrusted("it is not signed"))?;
        let time = header(TIMESTAMP).ok_or_else(|| untrusted("it has no time"))?;
        let signature = STANDARD.decode(signature).map_err(|_| untrusted("its signature is not Base64"))?;
        let signed = [time.as_bytes(), callback.body].concat();
        self.key.verify_sig(&signed, &signature).map_err(|_| untrusted("its signature is wrong"))?;
        let seconds: i64 = time.parse().map_err(|_| untrusted("its time is not a number"))?;
        let age = callback.now.saturating_sub(seconds.saturating_mul(clock::SECOND));
        if age.saturating_abs() > TOLERANCE {
            return Err(untrusted("it was signed too long ago, or in the future"));
        }
        Ok(())
    }
}

#[async_trait]
impl Receipts for Events {
    async fn read(&self, callback: &Callback<'_>) -> Result<Vec<Receipt>, Untrusted> {
        self.verify(callback)?;
        let events: Vec<serde_json::Value> = serde_json::from_slice(callback.body)
            .map_err(|_| Untrusted("it is signed, but no list of events".into()))?;
        // An event of another shape is not one of delivery; it must not cost us its neighbours.
        let events = events.into_iter().filter_map(|event| serde_json::from_value::<Event>(event).ok());
        Ok(events.filter_map(Event::receipt).collect())
    }
}

impl Event {
    /// What it says of a mail; nothing where it is about what somebody did with one that had arrived.
    fn receipt(self) -> Option<Receipt> {
        let (fate, code) = match self.event.as_str() {
            "processed" | "deferred" => (Fate::Underway, None),
            "delivered" => (Fate::Delivered, None),
            "bounce" => (self.bounced(), Some(self.status_code().unwrap_or_else(|| "bounce".into()))),
            "dropped" => {
                let (fate, code) = dropped(self.reason.as_deref().unwrap_or_default());
                (fate, Some(code.to_owned()))
            }
            _ => return None,
        };
        // The name that the call was answered with stands before the first full stop.
        let reference = self.sg_message_id.as_deref().and_then(|id| id.split('.').next());
        let reference = reference.filter(|id| !id.is_empty()).map(str::to_owned);
        Some(Receipt { message: self.message, reference, fate, code })
    }

    /// `bounce` is for good; `blocked` means that the other server did not want it this time.
    fn bounced(&self) -> Fate {
        if self.class.as_deref() == Some("bounce") { Fate::Unreachable } else { Fate::Failed }
    }

    fn status_code(&self) -> Option<String> {
        let status = self.status.as_deref()?;
        let sound = status.len() <= 12 && status.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        (sound && !status.is_empty()).then(|| status.to_owned())
    }
}

/// Why SendGrid did not try. Only addresses that it knows to be dead are so for everybody: another provider does
/// not keep its lists of complaints.
fn dropped(reason: &str) -> (Fate, &'static str) {
    match reason {
        "Bounced Address" => (Fate::Unreachable, "bounced_address"),
        "Invalid" | "Invalid Address" => (Fate::Unreachable, "invalid_address"),
        "Spam Reporting Address" => (Fate::Failed, "spam_reporting_address"),
        "Unsubscribed Address" => (Fate::Failed, "unsubscribed_address"),
        _ => (Fate::Failed, "dropped"),
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
    use poem::http::HeaderMap;

    use super::*;

    const NOW: Millis = 1_772_359_200_000;

    struct Account(EcdsaKeyPair);

    impl Account {
        fn new() -> Self {
            Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
        }

        fn events(&self) -> Events {
            let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().unwrap();
            Events::new(&STANDARD.encode(der.as_ref())).unwrap()
        }

        fn headers(&self, time: &str, body: &str) -> HeaderMap {
            let signed = [time.as_bytes(), body.as_bytes()].concat();
            let signature = self.0.sign(&SystemRandom::new(), &signed).unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(SIGNATURE, STANDARD.encode(signature.as_ref()).parse().unwrap());
            headers.insert(TIMESTAMP, time.parse().unwrap());
            headers
        }
    }

    async fn read(
        events: &Events,
        headers: &HeaderMap,
        body: &str,
        now: Millis,
    ) -> Result<Vec<Receipt>, String> {
        let url = "https://id.example.com/v1/receipts/sendgrid";
        let callback = Callback { url, headers, body: body.as_bytes(), now };
        events.read(&callback).await.map_err(|untrusted| untrusted.0)
    }

    #[tokio::test]
    async fn each_event_has_its_fate() {
        let account = Account::new();
        let body = r#"[
            {"event":"processed","message":"m1","sg_message_id":"Vy_9x.recvd-5f.0"},
            {"event":"deferred","message":"m1","response":"450 busy a@example.org"},
            {"event":"delivered","message":"m1"},
            {"event":"bounce","message":"m2","type":"bounce","status":"5.1.1","reason":"550 a@example.org"},
            {"event":"bounce","message":"m3","type":"blocked","status":"see a@example.org"},
            {"event":"dropped","message":"m4","reason":"Bounced Address"},
            {"event":"dropped","message":"m5","reason":"Spam Content"},
            {"event":"open","message":"m1"},
            {"event":7},
            {"event":"delivered"}
        ]"#;
        let headers = account.headers("1772359199", body);
        let found = read(&account.events(), &headers, body, NOW).await.unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|r| (r.message.as_deref(), r.reference.as_deref(), r.fate, r.code.as_deref()))
            .collect();
        let expected = [
            (Some("m1"), Some("Vy_9x"), Fate::Underway, None),
            (Some("m1"), None, Fate::Underway, None),
            (Some("m1"), None, Fate::Delivered, None),
            (Some("m2"), None, Fate::Unreachable, Some("5.1.1")),
            (Some("m3"), None, Fate::Failed, Some("bounce")),
            (Some("m4"), None, Fate::Unreachable, Some("bounced_address")),
            (Some("m5"), None, Fate::Failed, Some("dropped")),
            (None, None, Fate::Delivered, None),
        ];
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn what_is_not_signed_lately_by_the_account_is_not_believed() {
        let (account, stranger) = (Account::new(), Account::new());
        let body = r#"[{"event":"delivered","message":"m1"}]"#;
        let (events, time) = (account.events(), "1772359200");
        let good = account.headers(time, body);
        let without = |name: &str| {
            let mut headers = good.clone();
            headers.remove(name);
            headers
        };
        let mut later = good.clone();
        later.insert(TIMESTAMP, "1772359201".parse().unwrap());
        let mut garbled = good.clone();
        garbled.insert(SIGNATURE, "!".parse().unwrap());
        let wordy = account.headers("noon", body);
        for (what, headers, body, now) in [
            ("none", &HeaderMap::new(), body, NOW),
            ("unsigned", &without(SIGNATURE), body, NOW),
            ("timeless", &without(TIMESTAMP), body, NOW),
            ("another time", &later, body, NOW),
            ("no Base64", &garbled, body, NOW),
            ("no number", &wordy, body, NOW),
            ("another body", &good, r#"[{"event":"delivered","message":"m2"}]"#, NOW),
            ("another account", &stranger.headers(time, body), body, NOW),
            ("old", &good, body, NOW + TOLERANCE + 1),
            ("early", &good, body, NOW - TOLERANCE - 1),
            ("no list", &account.headers(time, "{}"), "{}", NOW),
        ] {
            assert!(read(&events, headers, body, now).await.is_err(), "{what}");
        }
        for now in [NOW, NOW + TOLERANCE, NOW - TOLERANCE] {
            assert_eq!(read(&events, &good, body, now).await.unwrap().len(), 1);
        }
    }

    /// The values that SendGrid's own libraries are tested with.
    #[test]
    fn a_signature_of_sendgrid_is_believed() {
        let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==";
        let signature = "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0=";
        let body = r#"{"category":"example_payload","event":"test_event","message_id":"message_id"}"#;
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE, signature.parse().unwrap());
        headers.insert(TIMESTAMP, "1588788367".parse().unwrap());
        let events = Events::new(key).unwrap();
        let verify = |body: &str| {
            let now = 1_588_788_367_000;
            events.verify(&Callback { url: "", headers: &headers, body: body.as_bytes(), now })
        };
        assert_eq!(verify(body), Ok(()));
        assert!(verify(&body.replace("test", "best")).is_err());
    }
}
