//! From the tuples of the settings to flows, or every mistake in them at once.

use super::{Flow, Flows, Level, Vocabulary, level_of_flow, tuple};
use crate::base::{Mistake, TupleSpec};

/// Reads the tuples that stand under `path` (`flows` or `recovery`) in the settings.
///
/// # Errors
/// Every mistake of every tuple, in order, each with its place (`flows[2]`) and the valid names.
/// An empty list is a mistake; where a list may be left out, take [`Flows::default`] and do not ask.
pub fn parse(
    path: &str,
    specs: &[TupleSpec],
    words: &Vocabulary,
    minimum: Option<Level>,
) -> Result<Flows, Vec<Mistake>> {
    if specs.is_empty() {
        let message =
            format!("is empty, so nobody could sign in; write at least one tuple, {}", words.valid());
        return Err(vec![Mistake::new(path, message)]);
    }
    let mut list = Vec::new();
    let mut mistakes: Vec<(usize, String)> = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        match tuple::read(spec, words).and_then(|flow| high_enough(flow, words, minimum)) {
            Ok(flow) => list.push(flow),
            Err(found) => mistakes.extend(found.into_iter().map(|message| (index, message))),
        }
        mistakes.extend(twin(path, specs, index).map(|message| (index, message)));
    }
    if mistakes.is_empty() {
        return Ok(Flows::new(path, list));
    }
    Err(mistakes.into_iter().map(|(index, text)| Mistake::new(format!("{path}[{index}]"), text)).collect())
}

fn high_enough(flow: Flow, words: &Vocabulary, minimum: Option<Level>) -> Result<Flow, Vec<String>> {
    let level = level_of_flow(&flow, words);
    let Some(minimum) = minimum.filter(|minimum| level < *minimum) else { return Ok(flow) };
    let better = narrowings(&flow, words, minimum);
    let hint = if better.is_empty() {
        "add a secret of another kind".to_owned()
    } else {
        format!("an open passcode counts as its weakest; {} would do", better.join(" or "))
    };
    Err(vec![format!(
        "\"{}\" reaches the level {level}, below the minimum {minimum} (of single, twostep, multifactor): {hint}",
        flow.name
    )])
}

/// The narrowed secrets that would lift `flow` to `minimum`, each in quotes.
fn narrowings(flow: &Flow, words: &Vocabulary, minimum: Level) -> Vec<String> {
    let mut found = Vec::new();
    for (at, secret) in flow.secrets.iter().enumerate().filter(|(_, secret)| secret.device.is_none()) {
        for carrier in words.working(secret) {
            let mut narrowed = flow.clone();
            narrowed.secrets[at].device = Some(carrier.device.clone());
            if level_of_flow(&narrowed, words) >= minimum {
                found.push(format!("\"{}\"", narrowed.secrets[at]));
            }
        }
    }
    found
}

/// What the tuple at `index` has in common with an earlier one and may not have.
fn twin(path: &str, specs: &[TupleSpec], index: usize) -> Option<String> {
    let spec = &specs[index];
    if spec.words().is_empty() {
        return None;
    }
    let earlier = specs[..index].iter().enumerate();
    let equal = earlier.clone().find(|(_, other)| other.words() == spec.words());
    if let Some((at, _)) = equal {
        let tuple = spec.words();
        return Some(format!("{tuple:?} stands at {path}[{at}] already; take one of them out"));
    }
    let name = tuple::name_of(spec);
    let (at, _) = earlier.clone().find(|(_, other)| tuple::name_of(other) == name)?;
    Some(format!("the name \"{name}\" is taken by {path}[{at}]; give each flow a name of its own"))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{downgrade, named, plain, words, words_without};
    use super::*;

    /// The messages of the mistakes in one tuple.
    fn wrong(spec: TupleSpec) -> Vec<String> {
        wrong_with(spec, &words())
    }

    fn wrong_with(spec: TupleSpec, words: &Vocabulary) -> Vec<String> {
        let mistakes = parse("flows", &[spec], words, None).unwrap_err();
        assert!(mistakes.iter().all(|mistake| mistake.path == "flows[0]"), "{mistakes:?}");
        mistakes.into_iter().map(|mistake| mistake.message).collect()
    }

    /// There is one mistake, and it says all of `parts`.
    fn says(messages: &[String], parts: &[&str]) {
        assert_eq!(messages.len(), 1, "{messages:?}");
        for part in parts {
            assert!(messages[0].contains(part), "{part:?} is not in {:?}", messages[0]);
        }
    }

    #[test]
    fn plain_tuples_and_tuples_with_options_are_read() {
        let specs = [
            plain(&["email", "password", "passcode"]),
            named("front door", &["username", "password"]),
            downgrade(&["phone", "hardcode", "passcode:phone"]),
        ];
        let flows = parse("flows", &specs, &words(), None).unwrap();
        let names: Vec<&str> = flows.iter().map(|flow| flow.name.as_str()).collect();
        assert_eq!(names, ["email+password+passcode", "front door", "phone+hardcode+passcode:phone"]);
        let last = flows.get(2).unwrap();
        assert_eq!(last.identifier, "phone");
        assert_eq!(last.secrets[1].device.as_deref(), Some("phone"));
        assert_eq!((flows.get(0).unwrap().allow_downgrade, last.allow_downgrade), (false, true));
    }

    #[test]
    fn an_empty_list_or_tuple_is_a_mistake() {
        let mistakes = parse("recovery", &[], &words(), None).unwrap_err();
        assert_eq!((mistakes.len(), mistakes[0].path.as_str()), (1, "recovery"));
        says(&wrong(plain(&[])), &["empty", "identifiers: username, email", "secrets: password"]);
    }

    #[test]
    fn an_unknown_name_is_named_with_the_valid_ones_and_a_guess() {
        says(
            &wrong(plain(&["email", "passwrod"])),
            &["\"passwrod\"", "did you mean \"password\"", "identifiers: username, email, phone, card"],
        );
        says(
            &wrong(plain(&["retina", "password"])),
            &["\"retina\"", "secrets: password, hardcode, passcode"],
        );
        says(&wrong(plain(&["email", "passcode:"])), &["\"passcode:\""]);
        assert_eq!(wrong(plain(&["passwrod"])).len(), 2, "unknown, and still no identifier");
    }

    #[test]
    fn there_must_be_one_identifier_and_it_stands_first() {
        says(&wrong(plain(&["password", "passcode"])), &["no identifier", "email"]);
        says(&wrong(plain(&["email", "phone", "password"])), &["several identifiers", "email, phone"]);
        says(&wrong(plain(&["password", "email"])), &["\"email\"", "first"]);
    }

    #[test]
    fn there_must_be_a_secret_and_hardcode_is_not_enough() {
        says(&wrong(plain(&["email"])), &["no secret", "password, hardcode, passcode"]);
        says(&wrong(plain(&["phone", "hardcode"])), &["\"hardcode\"", "only secret"]);
    }

    #[test]
    fn a_repeat_is_a_mistake_and_so_is_an_open_passcode_beside_a_narrowed_one() {
        says(&wrong(plain(&["email", "password", "password"])), &["\"password\"", "more than once"]);
        says(&wrong(plain(&["email", "email", "password"])), &["\"email\"", "more than once"]);
        says(&wrong(plain(&["email", "passcode", "passcode:phone"])), &["\"passcode\"", "passcode:email"]);
        assert!(
            parse("flows", &[plain(&["email", "passcode:email", "passcode:phone"])], &words(), None).is_ok()
        );
    }

    #[test]
    fn a_passcode_that_nothing_can_deliver_is_refused_with_the_reason() {
        let no_phone = words_without(&["phone"]);
        says(
            &wrong_with(plain(&["email", "passcode:phone"]), &no_phone),
            &["\"passcode:phone\"", "no provider in phone.providers", "passcode:email"],
        );
        assert!(parse("flows", &[plain(&["email", "passcode"])], &no_phone, None).is_ok());
        let nothing = words_without(&["email", "phone", "authenticator"]);
        says(
            &wrong_with(plain(&["email", "passcode"]), &nothing),
            &["\"passcode\"", "email: no provider in email.providers", "phone: no provider"],
        );
    }

    #[test]
    fn only_carried_secrets_are_narrowed_and_only_to_known_devices() {
        says(
            &wrong(plain(&["email", "password:phone"])),
            &["\"password:phone\"", "\"password\"", "passcode"],
        );
        says(
            &wrong(plain(&["email", "passcode:pigeon"])),
            &["\"pigeon\"", "passcode:email, passcode:phone, passcode:authenticator"],
        );
        says(&wrong(plain(&["email", "passcode:phnoe"])), &["did you mean \"passcode:phone\""]);
    }

    #[test]
    fn names_are_not_blank_and_not_taken() {
        says(&wrong(named("  ", &["email", "password"])), &["name"]);
        let specs = [named("a", &["email", "password"]), named("a", &["phone", "password"])];
        let mistakes = parse("flows", &specs, &words(), None).unwrap_err();
        assert_eq!((mistakes.len(), mistakes[0].path.as_str()), (1, "flows[1]"));
        assert!(mistakes[0].message.contains("flows[0]"));
        let specs = [named("phone+password", &["email", "password"]), plain(&["phone", "password"])];
        assert_eq!(parse("flows", &specs, &words(), None).unwrap_err().len(), 1);
    }

    #[test]
    fn a_flow_below_the_minimum_is_refused_and_an_open_passcode_counts_as_its_weakest() {
        let spec = [plain(&["email", "password", "passcode"])];
        assert!(parse("flows", &spec, &words(), Some(Level::TwoStep)).is_ok());
        let mistakes = parse("flows", &spec, &words(), Some(Level::MultiFactor)).unwrap_err();
        let better = "\"passcode:phone\" or \"passcode:authenticator\" would do";
        assert!(mistakes[0].message.contains(better), "{mistakes:?}");
        assert!(parse("flows", &spec, &words_without(&["email"]), Some(Level::MultiFactor)).is_ok());
    }

    #[test]
    fn ten_different_mistakes_give_ten_messages() {
        let specs = [
            plain(&["email", "passwrod"]),
            plain(&["password", "passcode"]),
            plain(&["email", "phone", "password"]),
            plain(&["password", "email"]),
            plain(&["email"]),
            plain(&["email", "password", "password"]),
            plain(&["phone", "hardcode"]),
            plain(&["email", "password", "passcode:phone"]),
            plain(&["email", "password:phone", "passcode"]),
            plain(&["email", "password", "passcode:pigeon"]),
            named("a", &["username", "password", "passcode"]),
            named("b", &["username", "password", "passcode"]),
            named("a", &["phone", "password", "passcode"]),
            plain(&["email", "password"]),
            plain(&[]),
        ];
        let mistakes = parse("flows", &specs, &words_without(&["phone"]), Some(Level::TwoStep)).unwrap_err();
        let mut at: Vec<&str> = mistakes.iter().map(|mistake| mistake.path.as_str()).collect();
        at.dedup();
        let expected: Vec<String> = (0..15).filter(|i| *i != 10).map(|i| format!("flows[{i}]")).collect();
        assert_eq!(at, expected);
        let mut messages: Vec<&str> = mistakes.iter().map(|mistake| mistake.message.as_str()).collect();
        assert_eq!(messages.len(), 14, "{messages:#?}");
        messages.sort_unstable();
        messages.dedup();
        assert_eq!(messages.len(), 14);
    }
}
