//! Custom identifiers: kinds that the settings make, `[identifier.NAME]`.
//!
//! Their alphabet is ASCII without spaces, so that two that look alike are one; which of it they use, a pattern
//! says. Two kinds may overlap: a request says by its field which of them it means.

use regex_lite::Regex;

use super::{Address, DeviceKind, Rules, contract};
use crate::base::{Fault, Mistake, Wrong, typed};
use crate::settings::{self, Case, GivenBy, Settings};

/// Bytes of a typed text, and characters of a canonical form, at most.
const TYPED: usize = 256;
const LONGEST: usize = 128;

/// An identifier that the settings describe.
pub struct Identifier {
    name: &'static str,
    title: &'static str,
    example: &'static str,
    /// As it was written, for refusals.
    rule: &'static str,
    /// The whole canonical form fits it; none where the pattern is wrong.
    pattern: Option<Regex>,
    case: Case,
    strip: &'static str,
    given_by: GivenBy,
}

/// The kinds that the settings make, and every mistake in them. A kind with a mistake is there as well, so that
/// flows that name it are not wrong too.
pub fn read(settings: &Settings) -> (Vec<&'static dyn DeviceKind>, Vec<Mistake>) {
    let mut kinds: Vec<&'static dyn DeviceKind> = Vec::new();
    let mut mistakes = Vec::new();
    for (name, given) in &settings.identifier {
        let kind = Identifier::new(name, given);
        mistakes.extend(mistakes_in(&kind, name, given));
        // A kind lives as long as the program, as the built-in ones do: settings are understood a few times at
        // the start and then never again, and one is some hundred bytes.
        kinds.push(Box::leak(Box::new(kind)));
    }
    (kinds, mistakes)
}

fn mistakes_in(kind: &Identifier, name: &str, given: &settings::Identifier) -> Vec<Mistake> {
    let at = |key: &str, why: String| Mistake::new(format!("identifier.{name}{key}"), why);
    if let Some(why) = contract::name(name) {
        return vec![at("", why)];
    }
    if let Err(error) = compiled(&given.pattern) {
        return vec![at(".pattern", format!("is no regular expression: {error}"))];
    }
    let example =
        |why: &str| vec![at(".example", format!("{why} (it is read as {:?})", kind.bare(&given.example)))];
    match kind.canonical(&given.example, &Rules::default()) {
        Ok(_) => Vec::new(),
        Err(fault) if fault.code == "wrong_form" => {
            example("must fit the pattern, with `case` and `strip` applied")
        }
        Err(fault) => example(&fault.message),
    }
}

/// The pattern, to be met by the whole text.
fn compiled(pattern: &str) -> Result<Regex, regex_lite::Error> {
    // By itself first: what closes a bracket that it never opened must not close ours.
    Regex::new(pattern)?;
    Regex::new(&format!(r"\A(?:{pattern})\z"))
}

impl Identifier {
    /// The kind called `name`, as `given` describes it.
    fn new(name: &str, given: &settings::Identifier) -> Self {
        let kept = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        Self {
            name: kept(name),
            title: kept(&given.title),
            example: kept(&given.example),
            rule: kept(&given.pattern),
            pattern: compiled(&given.pattern).ok(),
            case: given.case,
            strip: kept(&given.strip),
            given_by: given.given_by,
        }
    }

    /// The text in its case, without what is left out.
    fn bare(&self, text: &str) -> String {
        let kept = text.chars().filter(|c| !self.leaves_out(*c));
        match self.case {
            Case::Lower => kept.map(|c| c.to_ascii_lowercase()).collect(),
            Case::Upper => kept.map(|c| c.to_ascii_uppercase()).collect(),
            Case::Keep => kept.collect(),
        }
    }

    /// Whether a sign is left out: one that `strip` names, and with a blank or a dash those of every keyboard.
    fn leaves_out(&self, c: char) -> bool {
        let names = |is: fn(char) -> bool| self.strip.contains(is) && is(c);
        self.strip.contains(c) || names(typed::is_space) || names(typed::is_dash)
    }

    fn fault(&self, wrong: Wrong) -> Fault {
        Fault::new(self.name, wrong)
    }
}

impl DeviceKind for Identifier {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn example(&self) -> &'static str {
        self.example
    }

    fn given_by(&self) -> GivenBy {
        self.given_by
    }

    fn canonical(&self, text: &str, _: &Rules) -> Result<Address, Fault> {
        let too_long = || self.fault(Wrong::TooLong { most: LONGEST });
        if text.len() > TYPED {
            return Err(too_long());
        }
        let canonical = self.bare(text);
        if canonical.chars().any(|c| !c.is_ascii_graphic()) {
            return Err(self.fault(Wrong::WrongSigns));
        }
        if canonical.len() > LONGEST {
            return Err(too_long());
        }
        if !self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(&canonical)) || canonical.is_empty()
        {
            let (example, rule) = (self.example.to_owned(), self.rule.to_owned());
            return Err(self.fault(Wrong::WrongForm { example, rule }));
        }
        Ok(Address { delivery: canonical.clone(), canonical })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn given(pattern: &str, case: Case, strip: &str) -> settings::Identifier {
        settings::Identifier {
            pattern: pattern.into(),
            case,
            strip: strip.into(),
            title: "Employee number".into(),
            example: "E1234".into(),
            given_by: GivenBy::User,
        }
    }

    fn kind(pattern: &str, case: Case, strip: &str) -> Identifier {
        Identifier::new("employee_no", &given(pattern, case, strip))
    }

    #[test]
    fn spellings_of_one_number_are_one() {
        let kind = kind("E[0-9]{4}", Case::Upper, " -");
        let keyboards = ["E\u{a0}12\u{202f}34\u{3000}", "E\u{2011}12\u{2212}34", "E–1—2\u{ad}34", "E﹣1234"];
        for text in ["E1234", "e1234", "e-12 34", " E - 1 2 3 4 "].into_iter().chain(keyboards) {
            assert_eq!(kind.canonical(text, &Rules::default()).unwrap().canonical, "E1234");
        }
        let code = |text: &str| kind.canonical(text, &Rules::default()).unwrap_err();
        for text in ["", "-", "E12345", "xE1234", "E123", "E1234\n"] {
            assert!(["wrong_form", "invalid_characters"].contains(&code(text).code), "{text}");
        }
        assert_eq!(code("Е1234").code, "invalid_characters", "a Cyrillic letter");
        assert_eq!(code("E12３4").code, "invalid_characters", "a wide digit");
        assert_eq!(code(&"E".repeat(257)).code, "too_long");
        let bare = self::kind("E[0-9]{4}", Case::Upper, "-");
        assert!(bare.canonical("E\u{2013}1234", &Rules::default()).is_ok());
        assert!(bare.canonical("E\u{a0}1234", &Rules::default()).is_err(), "no blank is left out");
        let fault = code("E123");
        assert_eq!(fault.field, "employee_no");
        assert!(fault.message.contains("E1234") && fault.message.contains("E[0-9]{4}"), "{fault}");
    }

    #[test]
    fn the_pattern_is_of_the_whole_and_cannot_break_out() {
        let whole = |pattern: &str, text: &str| {
            kind(pattern, Case::Keep, "").canonical(text, &Rules::default()).is_ok()
        };
        assert!(whole("a|b", "a") && !whole("a|b", "ax") && !whole("a|b", "xb"));
        assert!(whole("^a$", "a"));
        assert!(!whole("x)|(.*", "anything"), "it is no pattern by itself");
        assert!(!whole(".*", ""), "nothing at all is no identifier");
    }

    fn mistakes(name: &str, one: settings::Identifier) -> Vec<Mistake> {
        let mut settings = Settings::built_in();
        settings.identifier.insert(name.into(), one);
        read(&settings).1
    }

    #[test]
    fn mistakes_have_their_place_and_a_remedy() {
        let of = |name: &str, one| {
            let found = mistakes(name, one);
            assert_eq!(found.len(), 1, "{found:?}");
            (found[0].path.clone(), found[0].message.clone())
        };
        let right = || given("E[0-9]{4}", Case::Upper, "");
        assert_eq!(mistakes("employee_no", right()), []);
        let (path, message) = of("email", right());
        assert!(path == "identifier.email" && message.contains("built in"), "{path} {message}");
        let (path, message) = of("employee_no", given("E[0-9", Case::Keep, ""));
        assert!(path == "identifier.employee_no.pattern" && message.contains("regular"), "{path} {message}");
        let (path, message) = of("employee_no", given("e[0-9]{4}", Case::Upper, ""));
        assert!(path == "identifier.employee_no.example" && message.contains("must fit"), "{path} {message}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// Canonical of canonical is canonical, whatever the settings (R94).
        #[test]
        fn canonical_is_idempotent(
            pattern in prop::sample::select(vec![".+", "[A-Za-z]+[0-9]*", "[0-9]{2,9}", "[a-z-]+", "E?[0-9]+"]),
            case in prop::sample::select(vec![Case::Keep, Case::Lower, Case::Upper]),
            strip in "[ ./_-]{0,4}",
            typed in prop_oneof![".{0,20}", "[A-Za-z0-9 ./_-]{0,20}"],
        ) {
            let (kind, rules) = (kind(pattern, case, &strip), Rules::default());
            if let Ok(first) = kind.canonical(&typed, &rules) {
                let again = kind.canonical(&first.canonical, &rules).map(|address| address.canonical);
                prop_assert_eq!(again.as_deref(), Ok(first.canonical.as_str()));
                let shown = kind.canonical(&first.delivery, &rules).map(|address| address.canonical);
                prop_assert_eq!(shown.as_deref(), Ok(first.canonical.as_str()));
                prop_assert!(!kind.mask(&first.delivery).contains(&first.delivery));
            }
        }

        /// A kind whose example fits keeps what every own kind is held to.
        #[test]
        fn a_kind_without_mistakes_keeps_the_contract(
            example in "[A-Za-z0-9-]{1,12}",
            case in prop::sample::select(vec![Case::Keep, Case::Lower, Case::Upper]),
            strip in "[ -]{0,2}",
        ) {
            let one = settings::Identifier { example, ..given(".+", case, &strip) };
            if mistakes("employee_no", one.clone()).is_empty() {
                prop_assert_eq!(contract::capabilities(&Identifier::new("employee_no", &one)), Vec::<String>::new());
            }
        }
    }
}
