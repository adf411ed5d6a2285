use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::profile;
use super::rules::{LARGEST, Moment, ProfileRules};
use crate::base::Mistake;
use crate::settings::{Field, Settings, User, Who};

#[derive(serde::Deserialize)]
struct Fields {
    fields: BTreeMap<String, Field>,
}

fn user(fields: &str) -> User {
    let Fields { fields } = toml::from_str(fields).unwrap_or_else(|error| panic!("{error}"));
    User { fields, ..Settings::built_in().user }
}

fn rules(fields: &str) -> ProfileRules {
    ProfileRules::read(&user(fields)).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn mistakes(fields: &str) -> Vec<Mistake> {
    ProfileRules::read(&user(fields)).err().unwrap_or_default()
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// What a field says to a value: the place and code of each fault, or the value as it is kept.
fn said(rules: &ProfileRules, value: Value) -> Result<Value, Vec<(String, &'static str)>> {
    let checked = rules.check(Who::User, &map(json!({ "f": value })));
    let code = |fault: crate::base::Fault| (fault.field, fault.code);
    checked.map(|kept| kept["f"].clone()).map_err(|faults| faults.into_iter().map(code).collect())
}

/// A field of every type, values that it takes, and values that it does not with the code of the rule.
type Case = (&'static str, Vec<Value>, Vec<(Value, &'static str)>);

fn cases() -> Vec<Case> {
    let wrong = |value: Value| (value, "wrong_type");
    vec![
        (
            "type = 'string'\nmin_length = 2\nmax_length = 4\npattern = '[a-zé]+|1+'",
            vec![json!("ab"), json!("éééé"), json!("111")],
            vec![
                (json!("a"), "too_short"),
                (json!("abcde"), "too_long"),
                (json!("abC"), "pattern"),
                (json!("ab1"), "pattern"),
                (json!("ab\n"), "pattern"),
                wrong(json!(12)),
                wrong(json!(["ab"])),
                wrong(json!(true)),
            ],
        ),
        (
            "type = 'integer'\nminimum = -3\nmaximum = 9",
            vec![json!(-3), json!(9), json!(0), json!(2.0)],
            vec![
                (json!(-4), "too_small"),
                (json!(10), "too_large"),
                (json!(1e300), "too_large"),
                (json!(u64::MAX), "too_large"),
                wrong(json!(1.5)),
                wrong(json!("1")),
                wrong(json!(true)),
            ],
        ),
        (
            "type = 'integer'",
            vec![json!(9_007_199_254_740_991_i64), json!(-9_007_199_254_740_991_i64)],
            vec![(json!(9_007_199_254_740_992_i64), "too_large"), (json!(i64::MIN), "too_small")],
        ),
        (
            "type = 'number'\nminimum = 0.5\nmaximum = 2",
            vec![json!(0.5), json!(2), json!(1.25)],
            vec![(json!(0.49), "too_small"), (json!(2.01), "too_large"), wrong(json!("1"))],
        ),
        (
            "type = 'boolean'",
            vec![json!(true), json!(false)],
            vec![wrong(json!(1)), wrong(json!("true")), wrong(json!([]))],
        ),
        (
            "type = 'date'\nminimum = '1900-01-01'\nmaximum = '2024-12-31'",
            vec![json!("1900-01-01"), json!("2024-02-29"), json!("2024-12-31")],
            vec![
                (json!("1899-12-31"), "too_small"),
                (json!("2025-01-01"), "too_large"),
                (json!("2023-02-29"), "not_a_date"),
                (json!("2024-1-1"), "not_a_date"),
                (json!("20240101"), "not_a_date"),
                (json!("2024-01-01T00:00:00Z"), "not_a_date"),
                (json!("+12024-01-01"), "not_a_date"),
                wrong(json!(20_240_101)),
            ],
        ),
        (
            "type = 'date'",
            vec![json!("0001-01-01"), json!("9999-12-31")],
            vec![(json!("0000-01-01"), "too_small")],
        ),
        (
            "type = 'enum'\nvalues = ['s', 'm']",
            vec![json!("s"), json!("m")],
            vec![(json!("S"), "not_one_of"), (json!(""), "not_one_of"), wrong(json!(1))],
        ),
        (
            "type = 'list'\nitems = { type = 'integer', maximum = 5 }\nmin_items = 1\nmax_items = 2",
            vec![json!([1]), json!([5, 5.0])],
            vec![
                (json!([]), "too_few"),
                (json!([1, 2, 3]), "too_many"),
                wrong(json!(1)),
                wrong(json!({ "0": 1 })),
            ],
        ),
        (
            "type = 'object'\nschema = '{\"properties\":{\"a\":{\"type\":\"integer\"}},\"required\":[\"a\"]}'",
            vec![json!({ "a": 1 }), json!({ "a": 1, "b": [null] })],
            vec![wrong(json!([])), wrong(json!("a"))],
        ),
    ]
}

#[test]
fn every_type_takes_what_fits_and_says_what_does_not() {
    for (field, right, wrong) in cases() {
        let rules = rules(&format!("[fields.f]\n{field}"));
        for value in right {
            let kept =
                said(&rules, value.clone()).unwrap_or_else(|faults| panic!("{field}: {value}: {faults:?}"));
            assert_eq!(said(&rules, kept.clone()), Ok(kept), "{field}: what was kept is taken again");
        }
        for (value, code) in wrong {
            assert_eq!(
                said(&rules, value.clone()),
                Err(vec![("profile.f".into(), code)]),
                "{field}: {value}"
            );
        }
        assert_eq!(said(&rules, Value::Null), Ok(Value::Null), "{field}");
    }
}

#[test]
fn items_and_the_insides_of_objects_are_named_by_their_place() {
    let list = rules("[fields.f]\ntype = 'list'\nitems = { type = 'date', maximum = '2024-12-31' }");
    let wrong = said(&list, json!(["2024-01-01", "x", 3])).unwrap_err();
    assert_eq!(wrong, [("profile.f.1".into(), "not_a_date"), ("profile.f.2".into(), "wrong_type")]);
    assert_eq!(said(&list, json!(["2025-01-01"])).unwrap_err(), [("profile.f.0".into(), "too_large")]);
    let object = rules(
        "[fields.f]\ntype = 'object'\n[fields.f.schema]\nrequired = ['city']\nadditionalProperties = false\n\
         [fields.f.schema.properties]\ncity = { type = 'string' }\nlines = { items = { type = 'string' } }",
    );
    let wrong = said(&object, json!({ "lines": ["a", 4], "x": 1 })).unwrap_err();
    let places: Vec<_> = wrong.iter().map(|(place, code)| (place.as_str(), *code)).collect();
    assert_eq!(
        places,
        [("profile.f.city", "schema"), ("profile.f.lines/1", "schema"), ("profile.f.x", "schema")]
    );
}

#[test]
fn what_cannot_be_compiled_is_a_mistake_at_its_key() {
    let cases = [
        ("type = 'string'\npattern = 'a)|(b'", ".pattern"),
        ("type = 'string'\npattern = '(?=a)a'", ".pattern"),
        ("type = 'string'\npattern = '(a)\\1'", ".pattern"),
        ("type = 'string'\npattern = '('", ".pattern"),
        ("type = 'list'\nitems = { type = 'string', pattern = '[' }", ".items.pattern"),
        ("type = 'object'\nschema = 'no json'", ".schema"),
        ("type = 'object'\nschema = '{\"type\":\"strng\"}'", ".schema"),
        ("type = 'object'\nschema = '{\"type\":\"array\",\"maxItems\":1}'", ".schema"),
        ("type = 'object'\nschema = { type = ['object', 'null'] }", ".schema"),
        ("type = 'object'\nschema = { type = 7 }", ".schema"),
        ("type = 'object'\nschema = { minProperties = 'x' }", ".schema"),
        (
            "type = 'object'\nschema = { properties = { a = { '$ref' = 'https://example.com/a.json' } } }",
            ".schema",
        ),
        ("type = 'object'\nschema = { properties = { a = { '$ref' = 'file:///etc/passwd' } } }", ".schema"),
        ("type = 'object'\nschema = { properties = { a = { pattern = '(?=a)' } } }", ".schema"),
        ("type = 'integer'\nmaximum = 3\ndefault = 4", ".default"),
        ("type = 'enum'\nvalues = ['a']\ndefault = 'b'", ".default"),
        ("type = 'boolean'\ndefault = 'true'", ".default"),
        ("type = 'date'\ndefault = '2020-02-30'", ".default"),
    ];
    for (field, key) in cases {
        let found = mistakes(&format!("[fields.f]\n{field}"));
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        assert_eq!(found[0].path, format!("user.fields.f{key}"), "{field}");
    }
}

#[test]
fn a_pattern_that_would_take_others_for_ever_is_quick_here() {
    let rules = rules("[fields.f]\ntype = 'string'\nmax_length = 10000\npattern = '(a+)+b'");
    assert_eq!(said(&rules, json!("a".repeat(10_000))).unwrap_err()[0].1, "pattern");
}

const SOME: &str = "
[fields.a]
type = 'string'
required = true
[fields.b]
type = 'integer'
required = 'signin'
[fields.c]
type = 'boolean'
default = false
claim = true
[fields.d]
type = 'string'
write = ['admin']
claim = 'https://example.com/d'
[fields.e]
type = 'string'
read = ['admin']
";

#[test]
fn each_moment_asks_for_what_it_must_have() {
    let rules = rules(SOME);
    let asked = |profile: Value, moment| {
        let lacking = rules.lacking(&map(profile), moment);
        lacking.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(asked(json!({}), Moment::Signup), "a");
    assert_eq!(asked(json!({}), Moment::Signin), "a b");
    assert_eq!(asked(json!({ "a": "x", "b": 1 }), Moment::Signin), "");
    assert_eq!(asked(json!({ "a": "", "b": "1" }), Moment::Signin), "a b", "empty, or of another type now");
}

#[test]
fn users_write_and_read_what_is_theirs() {
    let rules = rules(SOME);
    let faults = rules.check(Who::User, &map(json!({ "d": "x", "g": 1, "a": null, "e": "x" }))).unwrap_err();
    let codes: Vec<_> = faults.iter().map(|fault| (fault.field.as_str(), fault.code)).collect();
    assert_eq!(codes, [("profile.d", "read_only"), ("profile.g", "unknown_field"), ("profile.a", "missing")]);
    assert!(rules.check(Who::Admin, &map(json!({ "d": "x", "e": "x", "a": null }))).is_ok());
    let stored = map(json!({ "a": "x", "b": "no number", "d": "y", "e": "z", "gone": 1 }));
    assert_eq!(Value::from(rules.shown(Who::User, &stored)), json!({ "a": "x", "c": false, "d": "y" }));
    assert_eq!(Value::from(rules.shown(Who::Admin, &stored))["e"], "z");
}

#[test]
fn claims_are_the_fields_that_say_so_and_fit() {
    let rules = rules(SOME);
    let claims = |stored: &str| {
        let profile::Claims { users, own } = profile::claims(&rules, stored);
        (Value::from(users), Value::from(own))
    };
    let both = (json!({ "c": true }), json!({ "https://example.com/d": "y" }));
    assert_eq!(claims(r#"{"a":"x","c":true,"d":"y"}"#), both);
    assert_eq!(claims(r#"{"c":"yes","d":7}"#), (json!({ "c": false }), json!({})));
}

#[test]
fn a_claim_is_the_users_where_they_may_write_it() {
    let field =
        |name: &str, write: &str| format!("[fields.{name}]\ntype = 'string'\nclaim = true\n{write}\n");
    let writers = [("all", ""), ("both", "write = ['admin', 'user']"), ("admin", "write = ['admin']")];
    let fields: String = writers.iter().map(|(name, write)| field(name, write)).collect();
    let rules =
        rules(&format!("{fields}[fields.nobody]\ntype = 'string'\nclaim = 'x'\nwrite = []\ndefault = 'y'"));
    let said = profile::claims(&rules, r#"{"all":"a","both":"b","admin":"c"}"#);
    assert_eq!(Value::from(said.users), json!({ "all": "a", "both": "b" }));
    assert_eq!(Value::from(said.own), json!({ "admin": "c", "x": "y" }));
}

#[test]
fn what_does_not_fit_is_told_and_survives_other_changes() {
    let rules = rules(SOME);
    let mut stored = map(json!({ "a": 7, "gone": [1], "c": true }));
    let told: Vec<_> = rules.unfit(&stored).into_iter().map(|fault| (fault.field, fault.code)).collect();
    let expected = [("profile.a", "wrong_type"), ("profile.gone", "unknown_field"), ("profile.b", "missing")];
    assert_eq!(told, expected.map(|(field, code)| (field.to_owned(), code)));
    profile::merge(&mut stored, &map(json!({ "b": 1, "c": null }))).unwrap();
    assert_eq!(Value::from(stored), json!({ "a": 7, "gone": [1], "b": 1 }));
}

#[test]
fn a_profile_as_a_whole_is_bounded() {
    let mut profile = map(json!({ "a": "x".repeat(9_000) }));
    let fault = profile::merge(&mut profile, &map(json!({ "b": "x".repeat(LARGEST - 9_000) }))).unwrap_err();
    assert_eq!((fault.field.as_str(), fault.code), ("profile", "too_large"));
}

#[test]
fn unique_values_are_the_same_however_they_are_written() {
    let rules =
        rules("[fields.n]\ntype = 'number'\nunique = true\n[fields.t]\ntype = 'string'\nunique = true");
    let of = |values: Value| rules.unique(&map(values)).map(|(_, value)| value).collect::<Vec<_>>();
    assert_eq!(of(json!({ "n": 3, "t": "é" })), of(json!({ "n": 3.0, "t": "e\u{301}" })));
    assert_eq!(of(json!({ "n": 0 })), of(json!({ "n": -0.0 })));
    assert_ne!(of(json!({ "t": "a" })), of(json!({ "t": "A" })));
    assert_eq!(of(json!({ "t": null })), [None]);
}

/// The fields of the cases, compiled once: that takes longer than everything that is asked of them.
static COMPILED: LazyLock<Vec<(&'static str, ProfileRules)>> = LazyLock::new(|| {
    cases().into_iter().map(|(field, ..)| (field, rules(&format!("[fields.f]\n{field}")))).collect()
});

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-20_i64..20).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        (-40_i32..40).prop_map(|half| json!(f64::from(half) / 2.0)),
        ".{0,12}".prop_map(Value::from),
        "[a-zé1]{0,5}".prop_map(Value::from),
        "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]".prop_map(Value::from),
        prop_oneof![Just("s"), Just("m")].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..3)
                .prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_accepted_again_when_it_is_read_back(value in anything()) {
        for (field, rules) in COMPILED.iter() {
            let Ok(kept) = rules.check(Who::User, &map(json!({ "f": value }))) else { continue };
            let mut stored = Map::new();
            profile::merge(&mut stored, &kept).unwrap();
            let again = profile::stored(&profile::text(&stored));
            prop_assert_eq!(&again, &stored, "{}", field);
            prop_assert!(rules.unfit(&again).is_empty(), "{}", field);
            prop_assert_eq!(&rules.shown(Who::User, &again), &stored, "{}", field);
            prop_assert_eq!(rules.check(Who::User, &stored).unwrap(), stored, "{}", field);
        }
    }

    #[test]
    fn no_fault_quotes_a_value(secret in "[a-z]{8}QQ[a-z]{8}") {
        let values = [json!(secret), json!([secret]), json!({ "a": secret }), json!({ "a": { "b": [secret] } })];
        for (field, rules) in COMPILED.iter() {
            for value in &values {
                let faults = rules.check(Who::User, &map(json!({ "f": value }))).err().unwrap_or_default();
                prop_assert!(!format!("{faults:?}").contains(&secret), "{}: {:?}", field, faults);
            }
        }
    }
}

#[test]
fn thousands_of_wrong_fields_are_not_answered_one_by_one() {
    let rules = ProfileRules::read(&Settings::built_in().user).unwrap();
    let given: Map<String, Value> = (0..5_000).map(|n| (format!("x{n}"), json!(n))).collect();
    let faults = rules.check(Who::User, &given).unwrap_err();
    assert_eq!((faults.len(), faults[0].code), (100, "unknown_field"));
}
