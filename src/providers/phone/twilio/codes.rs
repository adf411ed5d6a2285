//! What Twilio's error numbers mean for a message (twilio.com/docs/api/errors).
//!
//! Twilio splits numbers into finer ones at times; one that is not here is judged by the HTTP status, and where that
//! tells nothing it may be about the number that was written to.

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
        code if is_reach(code) => Outcome::Deferred { why },
        code if is_setting(code) => Outcome::Misconfigured { why },
        code if is_crowded(code) => Outcome::Retry { why, after: None },
        20_429 => Outcome::Retry { why, after: answer.retry_after },
        _ => match answer.refusal() {
            Outcome::Retry { after, .. } => Outcome::Retry { why, after },
            Outcome::Rejected { .. } => Outcome::Rejected { why },
            Outcome::Deferred { .. } => Outcome::Deferred { why },
            // Verify says so of numbers that it does not write to; what it says of us is above.
            _ if answer.status == 403 => Outcome::Rejected { why },
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

/// About this one number, its country or channel: too often for it, its country is not switched on or wants something
/// of us, our sender or trial account does not reach it. Nobody else has to wait, and Twilio is not failing.
fn is_reach(code: u32) -> bool {
    matches!(
        code,
        21_408 | 21_608 | 21_612 | 60_203 | 60_212 | 60_214 | 60_220 | 60_223 | 60_226 | 60_238 | 60_605
    )
}

/// Of our settings or account, whoever is written to: who we are, our sender, our messaging or verify service.
fn is_setting(code: u32) -> bool {
    matches!(
        code,
        20_001..=20_010 | 20_404 | 21_212 | 21_603 | 21_606 | 21_607 | 21_659..=21_661 | 21_701..=21_713 | 60_200
            | 60_204 | 60_207 | 60_217..=60_219 | 60_222 | 63_007
    )
}

/// Queues and rates of the sender that are full for the moment.
fn is_crowded(code: u32) -> bool {
    matches!(code, 14_107 | 21_611 | 30_001 | 63_018)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
            20003, 20005, 20404, 21212, 21603, 21606, 21659, 21660, 21661, 21703, 60200, 60207, 60217, 63007,
        ];
        let deferred = [21408, 21608, 21612, 60203, 60212, 60220, 60223, 60226, 60238, 60605];
        let failed = [14107, 21611, 30001, 63018, 20429];
        let unknown = [21215, 21219, 21617, 63016, 99999];
        let tables: [(&str, &[u32]); 5] = [
            ("refused", &refused),
            ("misconfigured", &misconfigured),
            ("deferred", &deferred),
            ("failed", &failed),
            ("rejected", &unknown),
        ];
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
        assert_eq!(wait(429, "{\"code\":21611}"), None);
    }
}
