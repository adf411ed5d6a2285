//! The lists of what people are told: whole, so that each can be had in another language, and the only place where it
//! is said.

use std::collections::BTreeSet;

use multauth::api::problem::CASES;
use multauth::base::catalogue::Entry;
use multauth::base::{details::DETAILS, faults::FAULTS};

use super::layers::sources;

/// The enum of a list, its file, and the keys of the list.
fn lists() -> [(&'static str, &'static str, Vec<&'static str>); 3] {
    let keys = |list: &[Entry]| list.iter().map(|entry| entry.key).collect();
    [
        ("Wrong", "base/faults.rs", keys(FAULTS)),
        ("Detail", "base/details.rs", keys(DETAILS)),
        ("Code", "api/code.rs", CASES.iter().map(|case| case.code).collect()),
    ]
}

#[test]
fn a_key_stands_once_and_is_made_of_words() {
    for (list, _, keys) in lists() {
        assert!(keys.len() > 10, "{list}");
        let sound = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_lowercase())
                && !part.ends_with('_')
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        let wrong: Vec<_> =
            keys.iter().filter(|key| !key.split('.').all(sound) || key.split('.').count() > 2).collect();
        assert!(wrong.is_empty(), "{list}: no snake_case: {wrong:?}");
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "{list}: a key stands twice");
    }
}

#[test]
fn a_sentence_names_its_parameters_and_no_others() {
    for entry in FAULTS.iter().chain(DETAILS) {
        let named: BTreeSet<&str> =
            entry.sentence.split('{').skip(1).filter_map(|s| s.split('}').next()).collect();
        assert_eq!(named, entry.parameters.iter().copied().collect(), "{}", entry.key);
    }
}

#[test]
fn what_is_listed_is_said_somewhere() {
    let sources = sources();
    for (list, home, keys) in lists() {
        let text = &sources.iter().find(|(file, _)| file == home).unwrap().1;
        let elsewhere: Vec<&str> =
            sources.iter().filter(|(file, _)| file != home).map(|(_, text)| code(text)).collect();
        for key in keys {
            let line = text.lines().find(|line| line.contains(&format!(", \"{key}\", "))).unwrap();
            let name = line.trim().split([' ', ',']).next().unwrap();
            let said = |text: &&str| {
                let name = format!("{list}::{name}");
                text.match_indices(&name)
                    .any(|(at, _)| !text[at + name.len()..].starts_with(char::is_alphanumeric))
            };
            assert!(elsewhere.iter().any(said), "{list}::{name} is said nowhere");
        }
    }
}

#[test]
fn nothing_is_said_beside_the_lists() {
    let said: Vec<String> = sources().iter().flat_map(|(file, text)| loose(file, text)).collect();
    assert!(said.is_empty(), "not from a list: {said:#?}");
}

#[test]
fn what_is_said_beside_the_lists_is_seen() {
    assert_eq!(loose("a.rs", "Fault::own(field, \"odd\", \"is odd\")").len(), 1);
    assert_eq!(loose("a.rs", "choice.fault(\"odd\", \"is odd\")").len(), 1);
    assert_eq!(loose("a.rs", "Fault { field, code: \"odd\", message }").len(), 1);
    assert_eq!(loose("a.rs", "Refusal { reason: \"No.\".into() }").len(), 1);
    assert!(
        loose("a.rs", "Fault { field: \"to\".into(), ..f }\n// Fault::own(\nmod tests {\nFault::own(")
            .is_empty()
    );
}

/// The lines of product code that make a fault or a refusal of loose text: an own program may, the house not.
fn loose(file: &str, text: &str) -> Vec<String> {
    let home = ["base/fault.rs", "secrets/mod.rs", "api/problem.rs"].contains(&file);
    let makes = |line: &&str| {
        let fault = ["Fault::own(", ".fault(\"", "detail: Some("].iter().any(|way| line.contains(way));
        let literal = line.contains("Fault { ") && line.contains("code:");
        let reason = line.contains("Refusal { reason: \"");
        !line.trim_start().starts_with("//") && (fault || literal || reason)
    };
    let lines = code(text).lines().filter(makes).filter(|_| !home);
    lines.map(|line| format!("src/{file}: {}", line.trim())).collect()
}

/// A file without its tests.
fn code(text: &str) -> &str {
    text.split("\nmod tests {").next().unwrap_or_default()
}
