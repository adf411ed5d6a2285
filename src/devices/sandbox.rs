//! The sandbox: addresses and numbers with fixed codes, for app review and tests. Nothing is sent to them.

use std::collections::HashMap;

use super::{DEVICES, Rules, read};
use crate::base::{Millis, Mistake, Sensitive};
use crate::settings::{Mode, Settings};

/// Addresses and numbers with fixed codes.
#[derive(Clone, Default)]
pub struct Sandbox(HashMap<String, Fixed>);

#[derive(Clone)]
struct Fixed {
    code: Sensitive,
    until: Millis,
}

impl Sandbox {
    /// What the settings list.
    ///
    /// # Errors
    /// Every mistake at once: addresses that are none, codes that are not 6 to 10 digits, and in production entries
    /// without an end.
    pub fn read(settings: &Settings) -> Result<Self, Vec<Mistake>> {
        let region = settings.phone.default_region.clone();
        let rules = Rules { default_region: (!region.is_empty()).then_some(region), ..Rules::default() };
        let mut found = HashMap::new();
        let mut mistakes = Vec::new();
        for (n, entry) in settings.sandbox.iter().enumerate() {
            let mut note =
                |key: &str, text: &str| mistakes.push(Mistake::new(format!("sandbox[{n}].{key}"), text));
            let digits = entry.code.expose();
            if !(6..=10).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
                note("code", "is 6 to 10 digits");
            }
            if entry.until.is_none() && settings.mode == Mode::Production {
                note("until", "is missing: in production every entry ends on a day, such as \"2027-01-31\"");
            }
            let until = entry.until.map_or(Some(Millis::MAX), end_of_day);
            match (canonical(&entry.to, &rules), until) {
                (None, _) => {
                    note("to", "is neither an email address nor a phone number such as \"+12025550123\"");
                }
                (_, None) => note("until", "is too far away"),
                (Some(to), Some(until)) => {
                    if found.insert(to, Fixed { code: entry.code.clone(), until }).is_some() {
                        note("to", "stands in the list twice");
                    }
                }
            }
        }
        if mistakes.is_empty() { Ok(Self(found)) } else { Err(mistakes) }
    }

    /// The fixed code of an address or number in its canonical form, while its entry has not ended.
    pub fn code(&self, canonical: &str, now: Millis) -> Option<Sensitive> {
        let fixed = self.0.get(canonical).filter(|fixed| now < fixed.until)?;
        Some(fixed.code.clone())
    }
}

/// The canonical form of what can be sent a message.
fn canonical(to: &str, rules: &Rules) -> Option<String> {
    let reached = DEVICES.iter().filter(|kind| !kind.channels().is_empty());
    reached.filter_map(|kind| read(*kind, to, rules).ok()).map(|address| address.canonical).next()
}

/// The end of a day in UTC.
fn end_of_day(day: jiff::civil::Date) -> Option<Millis> {
    let next = day.tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(next.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SandboxEntry;

    fn read(mode: Mode, entries: &[(&str, &str, Option<&str>)]) -> Result<Sandbox, Vec<String>> {
        let mut settings = Settings::built_in();
        settings.mode = mode;
        let entry = |(to, code, until): &(&str, &str, Option<&str>)| SandboxEntry {
            to: (*to).into(),
            code: (*code).into(),
            until: until.map(|day| day.parse().unwrap()),
        };
        settings.sandbox = entries.iter().map(entry).collect();
        Sandbox::read(&settings).map_err(|found| found.into_iter().map(|mistake| mistake.path).collect())
    }

    #[test]
    fn a_code_is_fixed_until_the_end_of_its_last_day() {
        let entries =
            [("+1 202 555 0100", "424242", Some("2026-03-01")), ("Review@Example.org", "123456", None)];
        let sandbox = read(Mode::Development, &entries).unwrap();
        const LAST: Millis = 1_772_409_599_999; // 2026-03-01T23:59:59.999Z
        assert_eq!(sandbox.code("+12025550100", LAST), Some("424242".into()));
        assert_eq!(sandbox.code("+12025550100", LAST + 1), None);
        assert_eq!(sandbox.code("review@example.org", Millis::MAX - 1), Some("123456".into()));
        assert_eq!(sandbox.code("+12025550101", 0), None);
    }

    #[test]
    fn every_mistake_is_named_and_production_wants_an_end() {
        let wrong = [("nobody", "123456", Some("2026-03-01")), ("+12025550100", "12345", None)];
        assert_eq!(
            read(Mode::Production, &wrong).err().unwrap(),
            ["sandbox[0].to", "sandbox[1].code", "sandbox[1].until"]
        );
        let twice = [("a@example.org", "123456", None), ("A@example.org", "123456", None)];
        assert_eq!(read(Mode::Development, &twice).err().unwrap(), ["sandbox[1].to"]);
    }
}
