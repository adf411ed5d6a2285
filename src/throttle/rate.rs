//! Rates as text: `"20/m/ip, 10/10m/identifier"` is count/window/key, several by comma.

use std::fmt;

use super::keys::By;
use crate::base::clock::{DAY, HOUR, MINUTE, SECOND};
use crate::base::{Millis, Mistake};

/// The longest window.
const LONGEST: Millis = 31 * DAY;
/// The text that lifts a limit; an empty text is a mistake, so that nobody lifts one by accident.
const OFF: &str = "off";

/// At most `count` in any `span`, counted by one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// How many; never zero.
    pub count: u32,
    /// In how long, milliseconds; a second to 31 days.
    pub span: Millis,
    /// Counted by what.
    pub by: By,
}

/// The rates of one action; all of them hold at once. None at all: the action is not limited.
pub type Rates = Vec<Rate>;

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm'), (SECOND, 's')];
        let (unit, letter) = units.into_iter().find(|(unit, _)| self.span % unit == 0).unwrap_or((1, '?'));
        write!(f, "{}/", self.count)?;
        if self.span != unit {
            write!(f, "{}", self.span / unit)?;
        }
        write!(f, "{letter}/{}", self.by.name())
    }
}

/// Reads rates such as `"20/m/ip, 10/10m/identifier"`, or `"off"` for no limit.
///
/// Windows are `s`, `m`, `h`, `d`, with a number before them or not, up to 31 days; keys are those of [`By`].
///
/// # Errors
/// Every mistake in the text, each at `path`, with what would be right.
pub fn parse(path: &str, text: &str) -> Result<Rates, Vec<Mistake>> {
    if text.trim() == OFF {
        return Ok(Rates::new());
    }
    let (mut rates, mut mistakes) = (Rates::new(), Vec::new());
    for part in text.split(',').map(str::trim) {
        match rate(part) {
            Ok(rate) if rates.iter().any(|r| (r.span, r.by) == (rate.span, rate.by)) => {
                mistakes
                    .push(Mistake::new(path, format!("\"{part}\": this window and key are there already")));
            }
            Ok(rate) => rates.push(rate),
            Err(why) => mistakes.push(Mistake::new(path, format!("\"{part}\": {why}"))),
        }
    }
    if mistakes.is_empty() { Ok(rates) } else { Err(mistakes) }
}

fn rate(part: &str) -> Result<Rate, String> {
    let words: Vec<&str> = part.split('/').map(str::trim).collect();
    let [many, window, key] = words[..] else {
        return Err("a rate is count/window/key, such as \"20/m/ip\"; \"off\" alone lifts the limit".into());
    };
    Ok(Rate { count: count(many)?, span: span(window)?, by: by(key)? })
}

fn count(text: &str) -> Result<u32, String> {
    number(text)
        .filter(|n| *n <= 1_000_000_000)
        .ok_or_else(|| format!("the count \"{text}\" is no whole number from 1 to 1000000000"))
}

fn span(text: &str) -> Result<Millis, String> {
    let wrong =
        || format!("the window \"{text}\" is none of s, m, h, d, such as \"m\" or \"10m\", up to 31d");
    let letter = text.chars().last().ok_or_else(wrong)?;
    let unit = match letter {
        's' => SECOND,
        'm' => MINUTE,
        'h' => HOUR,
        'd' => DAY,
        _ => return Err(wrong()),
    };
    let many = match &text[..text.len() - 1] {
        "" => 1,
        digits => number(digits).ok_or_else(wrong)?,
    };
    let span = Millis::from(many).saturating_mul(unit);
    if span <= LONGEST { Ok(span) } else { Err(wrong()) }
}

/// A whole number above zero in plain digits.
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| plain && *n > 0)
}

fn by(text: &str) -> Result<By, String> {
    let found = By::ALL.into_iter().find(|by| by.name() == text);
    found.ok_or_else(|| format!("the key \"{text}\" is none of {}", By::names(&By::ALL)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> String {
        let mistakes = parse("throttle.signin", text).unwrap_err();
        assert!(mistakes.iter().all(|m| m.path == "throttle.signin"));
        mistakes.into_iter().map(|m| m.message).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn rates_are_read_as_they_are_written() {
        let rates = parse("", "20/m/ip, 10/10m/identifier").unwrap();
        assert_eq!(rates[0], Rate { count: 20, span: MINUTE, by: By::Ip });
        assert_eq!(rates[1], Rate { count: 10, span: 10 * MINUTE, by: By::Identifier });
        assert_eq!(parse("", " off ").unwrap(), Rates::new());
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let said = said("0/m/ip, 5/w/ip, 5/m/ipp, 5/m, 5/40d/ip, +5/m/ip, 5/-1m/ip");
        assert_eq!(said.lines().count(), 7, "{said}");
        assert!(said.contains("none of ip, net, identifier, account, address, block, key, all"));
        assert!(said.contains("none of s, m, h, d"));
    }

    #[test]
    fn nothing_lifts_a_limit_by_accident() {
        for text in ["", " ", ",", "20/m/ip,", "off, 20/m/ip", "20/m/ip, 30/m/ip"] {
            assert!(parse("", text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(count in 1u32..1_000_000, seconds in 1i64..2_678_400, key in 0usize..8) {
            let rate = Rate { count, span: seconds * SECOND, by: By::ALL[key] };
            prop_assert_eq!(parse("", &rate.to_string()).unwrap(), vec![rate]);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9smhdé/, ipal]{0,30}") {
            let _ = parse("", &text);
        }
    }
}
