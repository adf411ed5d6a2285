//! What an answer means, as the operator says.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;
use serde_json::Value;

use crate::providers::{Answer, Outcome};

/// The longest name of a message that is kept.
const LONGEST_NAME: usize = 128;

/// How answers are told apart.
pub(super) struct Judge {
    /// The statuses of success; empty for any 2xx.
    pub(super) statuses: Vec<u16>,
    /// A place in the answer's JSON and what stands there when all is well.
    pub(super) proof: Option<(Pointer, Value)>,
    /// Where the service names the message.
    pub(super) reference: Option<Pointer>,
    /// The statuses that say nobody can be reached at the address.
    pub(super) hopeless: Vec<u16>,
    /// What the operator calls the provider.
    pub(super) place: String,
    /// Whether it was logged that a message had no name.
    pub(super) told: AtomicBool,
}

/// A place in JSON (RFC 6901), such as `/messages/0/id`.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pointer(String);

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() || text.starts_with('/') {
            Ok(Self(text))
        } else {
            Err(format!("{text:?} is not a place such as \"/messages/0/id\""))
        }
    }
}

impl Judge {
    pub(super) fn outcome(&self, answer: &Answer) -> Outcome {
        if self.hopeless.contains(&answer.status) {
            return Outcome::give_up(format!("answered {}", answer.status));
        }
        let success = match self.statuses.as_slice() {
            [] => answer.is_success(),
            listed => listed.contains(&answer.status),
        };
        match (success, answer.is_success()) {
            (true, _) if self.is_proven(answer) => {
                let reference = self.reference(answer);
                self.miss(reference.as_ref());
                Outcome::Delivered { reference }
            }
            // Many say in the body that they refuse a number.
            (true, _) | (_, true) => {
                Outcome::deferred(format!("answered {}, but not as it does on success", answer.status))
            }
            // Our key may be wrong, or the URL; some say so of a number, and a number must not hold up the others.
            (false, false) if matches!(answer.status, 403 | 404) => {
                Outcome::deferred(format!("answered {}", answer.status))
            }
            (false, false) => answer.refusal(),
        }
    }

    fn is_proven(&self, answer: &Answer) -> bool {
        let Some((place, expected)) = &self.proof else { return true };
        answer.json::<Value>().is_some_and(|body| body.pointer(&place.0) == Some(expected))
    }

    /// Logs once that no name stands where it should: what answers may be another than the service.
    fn miss(&self, reference: Option<&String>) {
        if self.reference.is_some() && reference.is_none() && !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                provider = self.place,
                "an answer counts as a success and has nothing at `reference`: see that the service gave it, and say by \
                 `success` what it answers"
            );
        }
    }

    fn reference(&self, answer: &Answer) -> Option<String> {
        let body: Value = answer.json()?;
        let name = match body.pointer(&self.reference.as_ref()?.0)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let sound = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
        sound.then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::sink::answer;

    fn judge(statuses: &[u16], proof: Option<(&str, Value)>) -> Judge {
        Judge {
            statuses: statuses.to_vec(),
            proof: proof.map(|(place, value)| (Pointer(place.into()), value)),
            reference: Some(Pointer("/m/0/id".into())),
            hopeless: vec![410, 422],
            place: "phone.providers[0]".into(),
            told: AtomicBool::new(false),
        }
    }

    fn outcome(judge: &Judge, status: u16, body: &str) -> &'static str {
        judge.outcome(&answer(status, body)).name()
    }

    #[test]
    fn every_status_has_its_outcome() {
        let any = judge(&[], None);
        for (status, expected) in [
            (200, "accepted"),
            (202, "accepted"),
            (302, "misconfigured"),
            (400, "rejected"),
            (401, "misconfigured"),
            (403, "deferred"),
            (404, "deferred"),
            (402, "misconfigured"),
            (405, "deferred"),
            (406, "deferred"),
            (407, "misconfigured"),
            (410, "refused"),
            (418, "deferred"),
            (422, "refused"),
            (408, "failed"),
            (429, "failed"),
            (503, "failed"),
        ] {
            assert_eq!(outcome(&any, status, ""), expected, "{status}");
        }
        let one = judge(&[202], None);
        assert_eq!(
            [202, 200, 400].map(|status| outcome(&one, status, "")),
            ["accepted", "deferred", "rejected"]
        );
    }

    #[test]
    fn a_success_may_have_to_be_proven() {
        let ok = judge(&[], Some(("/status", "ok".into())));
        for (body, expected) in [
            ("{\"status\":\"ok\"}", "accepted"),
            ("{\"status\":\"OK\"}", "deferred"),
            ("{\"status\":\"error\"}", "deferred"),
            ("{}", "deferred"),
            ("ok", "deferred"),
        ] {
            assert_eq!(outcome(&ok, 200, body), expected, "{body}");
        }
        assert_eq!(outcome(&judge(&[], Some(("/n", 0.into()))), 200, "{\"n\":0}"), "accepted");
        assert_eq!(outcome(&judge(&[], Some(("/n", 0.into()))), 200, "{\"n\":\"0\"}"), "deferred");
    }

    #[test]
    fn a_name_is_kept_where_it_is_one() {
        let named = |body: &str| match judge(&[], None).outcome(&answer(200, body)) {
            Outcome::Delivered { reference } => reference,
            other => panic!("{other:?}"),
        };
        assert_eq!(named("{\"m\":[{\"id\":\"a-1\"}]}").as_deref(), Some("a-1"));
        assert_eq!(named("{\"m\":[{\"id\":17}]}").as_deref(), Some("17"));
        for none in
            ["{}", "x", "{\"m\":[{\"id\":\"\"}]}", "{\"m\":[{\"id\":\"a b\"}]}", "{\"m\":[{\"id\":null}]}"]
        {
            assert_eq!(named(none), None, "{none}");
        }
        let judge = judge(&[], None);
        judge.outcome(&answer(200, "{\"m\":[{\"id\":17}]}"));
        judge.outcome(&answer(500, "<html>"));
        assert!(!judge.told.load(Ordering::Relaxed));
        judge.outcome(&answer(200, "<html>"));
        assert!(judge.told.load(Ordering::Relaxed), "that there was none is told");
        assert!(Pointer::try_from("id".to_owned()).is_err());
    }
}
