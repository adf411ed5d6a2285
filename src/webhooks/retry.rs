//! When a delivery that was not taken is tried again, and when it is given up.

use std::time::Duration;

use jiff::fmt::rfc2822;

use crate::base::clock::{DAY, HOUR, MINUTE, SECOND};
use crate::base::{Millis, Random};
use crate::outbound::Answer;

/// The waits after the first, the second, … try; the last one stays (Standard Webhooks advises to go on for days).
const WAITS: [Millis; 8] =
    [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR];
/// How long it is tried.
const WHOLE: Millis = 3 * DAY;
/// How often it is tried at least, also where it waited so long behind another one.
const LEAST: i64 = 4;
/// The longest wait that a receiver may ask for.
const LONGEST: Millis = DAY;

/// The wait after try number `tries` of a delivery that was queued at `queued`, a fifth more or less by chance; at
/// least what the receiver `asked` for. None where it is given up.
pub(super) fn wait(
    tries: i64,
    queued: Millis,
    now: Millis,
    asked: Option<Millis>,
    random: &Random,
) -> Option<Millis> {
    if tries >= LEAST && now - queued >= WHOLE {
        return None;
    }
    let nth = usize::try_from(tries.max(1) - 1).unwrap_or(0).min(WAITS.len() - 1);
    let [chance] = random.bytes::<1>();
    let spread = WAITS[nth] / 5 * (i64::from(chance) - 128) / 128;
    Some((WAITS[nth] + spread).max(asked.unwrap_or(0)))
}

/// How long an answer asks to wait: `Retry-After` in seconds, or as a date (RFC 9110, 10.2.3).
pub(super) fn asked(answer: &Answer, now: Millis) -> Option<Millis> {
    let seconds = |wait: Duration| i64::try_from(wait.as_millis()).ok();
    let date = || {
        let parsed = rfc2822::DateTimeParser::new().parse_timestamp(answer.header("retry-after")?.trim());
        Some(parsed.ok()?.as_millisecond() - now)
    };
    answer.retry_after.and_then(seconds).or_else(date).map(|wait| wait.clamp(0, LONGEST))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, RETRY_AFTER};

    use super::*;

    #[test]
    fn waits_grow_spread_by_a_fifth_and_end_after_three_days() {
        let random = Random::seeded(1);
        let (mut now, mut tries) = (0, 0);
        loop {
            tries += 1;
            let Some(wait) = wait(tries, 0, now, None, &random) else { break };
            let plain = WAITS[usize::try_from(tries - 1).unwrap().min(7)];
            assert!((wait - plain).abs() <= plain / 5, "{tries}: {wait}");
            now += wait;
        }
        assert!((3 * DAY..4 * DAY).contains(&now) && (12..30).contains(&tries), "{tries} in {now}");
    }

    #[test]
    fn one_that_waited_for_days_behind_another_is_tried_all_the_same() {
        let random = Random::seeded(1);
        assert!(wait(1, 0, 9 * DAY, None, &random).is_some());
        assert!(wait(4, 0, 9 * DAY, None, &random).is_none());
    }

    #[test]
    fn the_wait_that_a_receiver_asks_for_is_kept() {
        let random = Random::seeded(1);
        assert_eq!(wait(1, 0, 0, Some(HOUR), &random), Some(HOUR));
        let answer = |text: &str, retry_after| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            asked(&Answer { status: 503, retry_after, headers, body: Vec::new() }, 1_445_412_400_000)
        };
        assert_eq!(answer("90", Some(Duration::from_secs(90))), Some(90 * SECOND));
        assert_eq!(answer("Wed, 21 Oct 2015 07:28:00 GMT", None), Some(80 * SECOND));
        assert_eq!(answer("Wed, 21 Oct 2015 07:20:00 GMT", None), Some(0), "it is over");
        assert_eq!(answer("Sun, 21 Oct 2035 07:28:00 GMT", None), Some(LONGEST));
        assert_eq!(answer("soon", None), None);
    }
}
