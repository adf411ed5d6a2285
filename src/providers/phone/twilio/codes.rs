//! What Twilio's error numbers mean for a message (twilio.com/docs/api/errors).
//!
//! Twilio splits numbers into finer ones at times; one that is not here is judged by the HTTP status.

use std::time::Duration;

use serde::Deserialize;

use crate::providers::{Answer, Outcome};

/// The body of a refusal.
#[derive(Deserialize)]
pub(super) struct Refusal {
    /// Twilio's own number for it.
    pub(super) code: Option<u32>,
    /// Its words. They may repeat the address: for looking into, never for showing.
    #[serde(default)]
    message: String,
}

impl Refusal {
    /// The refusal in an answer, where there is one.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        answer.json()
    }

    /// Whether it is about the parameter of that name, as in ``Invalid parameter `To`: +1500`` or `Invalid parameter:
    /// To`.
    pub(super) fn names(&self, parameter: &str) -> bool {
        self.message.contains(&format!("`{parameter}`")) || self.message.ends_with(&format!(": {parameter}"))
    }
}

/// What a refused message means.
pub(super) fn outcome(answer: &Answer) -> Outcome {
    let Some((refusal, code)) = Refusal::of(answer).and_then(|it| it.code.map(|code| (it, code))) else {
        return answer.refusal();
    };
    let why = format!("answered {}, code {code}", answer.status);
    match code {
        60_200 if refusal.names("To") => Outcome::GiveUp { why },
        code if is_address(code) => Outcome::GiveUp { why },
        // About this one number: too often for it, its country is not switched on, or our sender does not reach it.
        // Nobody else has to wait, and Twilio is not failing.
        21_408 | 21_612 | 60_203 | 60_212 | 60_605 => Outcome::Retry { why, after: Some(Duration::ZERO) },
        code if is_crowded(code) => Outcome::Retry { why, after: None },
        20_429 => Outcome::Retry { why, after: answer.retry_after },
        _ => match answer.refusal() {
            Outcome::Retry { after, .. } => Outcome::Retry { why, after },
            _ => Outcome::Misconfigured { why },
        },
    }
}

/// Refusals that no other sender would mend: the number cannot take the message, or does not want it.
fn is_address(code: u32) -> bool {
    matches!(
        code,
        // No such number, or none that can be reached.
        21_211 | 21_214 | 21_217 | 21_401 | 21_407 | 21_421 | 60_033
        // A short code, our own number, a premium number.
        | 21_265 | 21_266 | 21_268
        // It asked for no more messages.
        | 21_610
        // Not mobile.
        | 21_614 | 21_635 | 60_082 | 60_083 | 60_205
        // Not on that channel.
        | 63_003 | 63_024
        // The fraud guard blocks its prefix: taking it to another vendor would lead fraud around the guard.
        | 60_410
    )
}

/// Queues and rates of the sender that are full for the moment.
fn is_crowded(code: u32) -> bool {
    matches!(code, 14_107 | 21_611 | 30_001 | 63_018)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::sink;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { retry_after: Some(Duration::from_secs(7)), ..sink::answer(status, body) }
    }

    #[test]
    fn every_number_has_its_outcome() {
        let refused = [
            21211, 21214, 21217, 21265, 21266, 21268, 21401, 21407, 21421, 21610, 21614, 21635, 60033, 60082,
            60083, 60205, 60410, 63003, 63024,
        ];
        let misconfigured = [
            20003, 20005, 20404, 21212, 21603, 21606, 21608, 21659, 21660, 21661, 60200, 60207, 60220, 60223,
            60238, 63007,
        ];
        let failed = [14107, 21408, 21612, 21611, 30001, 60203, 60605, 60212, 63018, 20429];
        let tables: [(&str, &[u32]); 3] =
            [("refused", &refused), ("misconfigured", &misconfigured), ("failed", &failed)];
        for (name, codes) in tables {
            for code in codes {
                let body = format!("{{\"code\":{code},\"message\":\"about +48123456767\",\"status\":400}}");
                let outcome = outcome(&answer(400, &body));
                assert_eq!(outcome.name(), name, "{code}");
                let shown = format!("{outcome:?}");
                assert!(shown.contains(&code.to_string()) && !shown.contains("+48"), "{shown}");
            }
        }
    }

    #[test]
    fn an_invalid_parameter_is_the_address_or_our_settings() {
        let about =
            |parameter: &str| format!("{{\"code\":60200,\"message\":\"Invalid parameter {parameter}\"}}");
        assert_eq!(outcome(&answer(400, &about("`To`: +1500"))).name(), "refused");
        assert_eq!(outcome(&answer(400, &about("`CustomFriendlyName`: Tom"))).name(), "misconfigured");
    }

    #[test]
    fn a_wait_is_kept_where_it_is_for_all() {
        let wait = |status, body: &str| match outcome(&answer(status, body)) {
            Outcome::Retry { after, .. } => after,
            other => panic!("{other:?}"),
        };
        let seven = Some(Duration::from_secs(7));
        assert_eq!(wait(429, "{\"code\":20429}"), seven);
        assert_eq!(wait(503, "{\"code\":20503}"), seven);
        assert_eq!(wait(502, "<html>"), seven);
        for code in [21408, 21612, 60203, 60212, 60605] {
            assert_eq!(wait(429, &format!("{{\"code\":{code}}}")), Some(Duration::ZERO), "{code}");
        }
        assert_eq!(wait(429, "{\"code\":21611}"), None);
    }
}
