//! Phone numbers: one number, one E.164 form (R98), and which of them may be texted (R46).

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

use super::{Address, DeviceKind, Rules};
use crate::base::{Fault, Wrong, typed};
use crate::flows::Factor;
use crate::settings::{LineType, Mask};

/// The most digits of a number, country code included (ITU-T E.164, 6.2.1).
const MAXIMUM_DIGITS: usize = 15;
/// Longer texts are not looked at.
const MAXIMUM_TEXT: usize = 128;

/// A phone number.
///
/// Taken with `+` or `00` and the country code, or in the national form of `default_region`; with the usual
/// punctuation and in the digits of any script. Extensions, letters and numbers that no plan has are refused.
pub struct Phone;

impl DeviceKind for Phone {
    fn name(&self) -> &'static str {
        "phone"
    }

    fn field(&self) -> &'static str {
        "phone"
    }

    fn title(&self) -> &'static str {
        "Phone number"
    }

    fn example(&self) -> &'static str {
        "+12025550123"
    }

    fn names_owner(&self) -> bool {
        true
    }

    fn channels(&self) -> &'static [&'static str] {
        &["sms", "call", "whatsapp"]
    }

    /// A landline by its numbering plan is called: it shows no text.
    fn reached_by(&self, address: &str) -> &'static [&'static str] {
        let fixed = read(address, None).is_some_and(|n| n.get_type() == PhoneNumberType::FixedLine);
        if fixed { &["call"] } else { self.channels() }
    }

    fn carries_passcode(&self) -> bool {
        true
    }

    fn factor(&self) -> Option<Factor> {
        Some(Factor::Restricted)
    }

    fn holds_secret(&self) -> bool {
        false
    }

    fn several(&self) -> bool {
        true
    }

    fn canonical(&self, text: &str, rules: &Rules) -> Result<Address, Fault> {
        let dialled = dialled(text)?;
        let region = rules.default_region.as_deref().filter(|r| !r.is_empty());
        let local = region.and_then(|code| Region::from_code(code).ok());
        let abroad = dialled.strip_prefix("00").map(|rest| format!("+{rest}"));
        let whole = abroad.as_deref().unwrap_or(&dialled);
        let number = read(&dialled, local)
            // Where a region dials abroad otherwise than by 00, its own reading finds no number.
            .or_else(|| read(whole, None))
            .or_else(|| read(&without_mobile_sign(whole)?, None));
        let e164 = number.as_ref().map(written).filter(|e164| settled(e164));
        match e164 {
            Some(e164) => Ok(Address { canonical: e164.clone(), delivery: e164 }),
            None if local.is_none() && !dialled.starts_with(['+', '0']) => Err(country_needed()),
            None => Err(invalid()),
        }
    }

    fn mask(&self, address: &str) -> String {
        shown(address, Mask::Country)
    }
}

/// A number as `mask` shows it: `+48 ••• ••• •67`, `••• ••0 267` (the national form and its last four
/// digits), or the whole of it.
pub fn shown(address: &str, mask: Mask) -> String {
    let Some(number) = PhoneNumber::parse(address, None).ok() else { return "•••".into() };
    match mask {
        Mask::Country => {
            let national = number.get_national_significant_number();
            let (hidden, last) = national.split_at(national.len().saturating_sub(2));
            let mut dots = String::new();
            for place in 0..hidden.len() {
                dots.push_str(if place % 3 == 2 { "• " } else { "•" });
            }
            format!("+{} {dots}{last}", number.country_code)
        }
        Mask::Last => last_four(&number.format_as(PhoneNumberFormat::National)),
        Mask::Off => written(&number),
    }
}

/// `national` with dots for all digits but the last four.
fn last_four(national: &str) -> String {
    let mut digits = national.chars().filter(char::is_ascii_digit).count();
    let dot = |c: char| {
        digits -= usize::from(c.is_ascii_digit());
        if c.is_ascii_digit() && digits >= 4 { '•' } else { c }
    };
    national.chars().map(dot).collect()
}

/// A number as the plan of its country has it, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    country: String,
    kind: PhoneNumberType,
}

impl Number {
    /// What the plan says of a number in E.164; none where no plan has it.
    pub fn read(e164: &str) -> Option<Self> {
        let number = read(e164, None)?;
        let region = number.get_region_code().filter(|region| *region != Region::World);
        let country = region.map(|region| region.as_region_str().as_str().to_owned()).unwrap_or_default();
        Some(Self { country, kind: number.get_type() })
    }

    /// Its country (ISO 3166-1 alpha-2, such as `PL`); empty where it has none.
    pub fn country(&self) -> &str {
        &self.country
    }

    /// As [`sendable`] says it of a number that was not read yet.
    ///
    /// # Errors
    /// `phone` with the code `not_texted` (the kind), `country_not_served` or `line_type_not_allowed`.
    pub fn sendable(&self, rules: &Rules) -> Result<(), Fault> {
        let line = match self.kind {
            PhoneNumberType::Mobile => Some(LineType::Mobile),
            PhoneNumberType::FixedLine => Some(LineType::Landline),
            PhoneNumberType::VoIP => Some(LineType::Voip),
            // In North America one cannot be told from the other.
            PhoneNumberType::FixedLineOrMobile => None,
            _ => return Err(not_texted()),
        };
        let code = self.country();
        if code.is_empty() {
            return Err(not_texted());
        }
        let among =
            |list: &[String]| list.iter().any(|country| country == "*" || country.eq_ignore_ascii_case(code));
        if !among(&rules.countries) || among(&rules.refused) {
            return Err(fault(Wrong::CountryNotServed));
        }
        line.map_or(Ok(()), |line| line_allowed(line, rules))
    }
}

/// Whether anything may be texted to `e164`: its kind by the numbering plan, and its country (R46).
///
/// Premium, shared-cost, toll-free, personal, pager, voicemail and company-wide numbers are refused, and so are
/// numbers of no country, the satellite networks among them. With no `countries`, nothing may be texted.
///
/// # Errors
/// `phone` with the code `invalid`, `not_texted` (the kind), `country_not_served` or `line_type_not_allowed`.
pub fn sendable(e164: &str, rules: &Rules) -> Result<(), Fault> {
    Number::read(e164).ok_or_else(invalid)?.sendable(rules)
}

/// Whether messages go to lines of that kind.
///
/// # Errors
/// `phone` with the code `line_type_not_allowed`.
pub fn line_allowed(line: LineType, rules: &Rules) -> Result<(), Fault> {
    if !rules.refused_lines.contains(&line) {
        return Ok(());
    }
    Err(fault(Wrong::LineNotAllowed { line: line.title() }))
}

/// The fault of a number that is no person's line.
pub fn not_texted() -> Fault {
    fault(Wrong::NotTexted)
}

/// The fault of a number whose kind of line nobody knows, where that is not good enough.
pub fn line_unknown() -> Fault {
    fault(Wrong::LineUnknown)
}

/// Whether `code` is a region (ISO 3166 alpha-2) that has phone numbers.
pub fn known_region(code: &str) -> bool {
    let region = Region::from_code(code).ok().filter(|region| *region != Region::World);
    region.is_some_and(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some())
}

/// Reads the numbering plans into memory, so that the first request does not wait some 10 ms for it.
pub fn warm_up() {
    let _ = read("+12025550123", None);
}

/// What would be dialled: a leading `+`, then ASCII digits.
///
/// # Errors
/// Where anything but a number stands there.
pub fn dialled(text: &str) -> Result<String, Fault> {
    if text.len() > MAXIMUM_TEXT {
        return Err(invalid());
    }
    let bare = text.trim_start_matches(spacing);
    let (plus, rest) = bare.strip_prefix(['+', '＋', '﹢']).map_or(("", bare), |rest| ("+", rest));
    let kept = || rest.chars().filter(|c| !spacing(*c));
    if kept().any(|c| c.is_alphabetic() || "#,;*".contains(c)) {
        return Err(fault(Wrong::Extension));
    }
    let digits: Option<String> = kept().map(typed::digit).collect();
    match digits.filter(|digits| !digits.is_empty()) {
        Some(digits) => Ok(plus.to_owned() + &digits),
        None => Err(invalid()),
    }
}

/// What people, address books and web pages put between the digits.
fn spacing(c: char) -> bool {
    let sign = matches!(c, '(' | ')' | '[' | ']' | '.' | '/' | '~' | '（' | '）' | '．' | '／' | '［' | '］');
    // In Japanese the sign that lengthens a vowel is typed for a dash.
    typed::is_blank(c) || sign || c == '\u{30fc}'
}

/// A number of Mexico without the `1` that stood before mobile numbers until 2019, and in many address books still
/// does: with it and without it a number is one line.
///
/// The `9` of Argentina is no such sign: a text needs it, and a number without it may be a landline.
fn without_mobile_sign(dialled: &str) -> Option<String> {
    let national = dialled.strip_prefix("+521").filter(|national| national.len() == 10)?;
    Some(format!("+52{national}"))
}

/// The number, where the plan of its country has it.
fn read(dialled: &str, region: Option<Region>) -> Option<PhoneNumber> {
    PhoneNumber::parse(dialled, region).ok().filter(PhoneNumber::is_valid)
}

fn written(number: &PhoneNumber) -> String {
    number.format_as(PhoneNumberFormat::E164).into_owned()
}

/// Whether the form reads back as itself; a plan that strips digits twice would make two forms of one number.
fn settled(e164: &str) -> bool {
    e164.len() <= MAXIMUM_DIGITS + 1 && read(e164, None).is_some_and(|again| written(&again) == e164)
}

fn invalid() -> Fault {
    fault(Wrong::InvalidPhone)
}

fn country_needed() -> Fault {
    fault(Wrong::CountryNeeded)
}

fn fault(wrong: Wrong) -> Fault {
    Fault::new("phone", wrong)
}

#[cfg(test)]
#[path = "phone_tests.rs"]
mod tests;
