use super::*;

/// One field, each key on a line of its own, the table on line 1.
fn field(keys: &str) -> String {
    format!("[user.fields.f]\n{}\n", keys.replace("; ", "\n"))
}

#[test]
fn every_contradiction_of_a_field_is_told_at_its_key() {
    let cases = [
        ("type = \"boolean\"; max_length = 3", ".max_length: does not go with type = \"boolean\""),
        (
            "type = \"string\"; minimum = 3",
            ".minimum: does not go with type = \"string\", which takes min_length",
        ),
        ("type = \"integer\"; values = [\"a\"]", ".values: does not go"),
        ("type = \"date\"; pattern = \"x\"", ".pattern: does not go"),
        ("type = \"string\"; min_length = 9; max_length = 3", ".min_length: must not be above max_length, 3"),
        ("type = \"string\"; min_length = 300", ".min_length: must not be above max_length, 255"),
        ("type = \"string\"; max_length = 10001", ".max_length: must be from 1 to 10000"),
        ("type = \"integer\"; minimum = 3; maximum = 2", ".minimum: must not be above maximum"),
        ("type = \"integer\"; minimum = 1.5", ".minimum: must be a whole number"),
        ("type = \"number\"; minimum = 2.5; maximum = 1", ".minimum: must not be above maximum"),
        ("type = \"number\"; maximum = \"2020-01-01\"", ".maximum: must be a number"),
        ("type = \"date\"; minimum = 3", ".minimum: must be a date"),
        ("type = \"date\"; minimum = \"2020-02-30\"", ".minimum: must be a date"),
        (
            "type = \"date\"; minimum = \"2020-01-02\"; maximum = \"2020-01-01\"",
            ".minimum: must not be above",
        ),
        ("type = \"enum\"", ": `values` is missing"),
        ("type = \"enum\"; values = []", ".values: must be from 1 to 500"),
        ("type = \"enum\"; values = [\"a\", \"a\"]", ".values[1]: stands there twice"),
        ("type = \"enum\"; values = [\"\"]", ".values[0]: must be 1 to 100"),
        ("type = \"list\"", ": `items` is missing"),
        ("type = \"list\"; items = { type = \"list\" }", ".items.type: an item cannot be a list"),
        ("type = \"list\"; items = { type = \"boolean\", max_length = 3 }", ".items.max_length: does not go"),
        (
            "type = \"list\"; items = { type = \"string\", required = true }",
            ".items.required: there is no such",
        ),
        (
            "type = \"list\"; items = { type = \"string\" }; max_items = 0",
            ".max_items: must be from 1 to 1000",
        ),
        (
            "type = \"list\"; items = { type = \"string\" }; min_items = 101",
            ".min_items: must not be above max_items",
        ),
        ("type = \"object\"", ": `schema` is missing"),
        ("type = \"boolean\"; unique = true", ".unique: does not go with type = \"boolean\""),
        ("type = \"list\"; items = { type = \"string\" }; unique = true", ".unique: does not go"),
        ("type = \"object\"; schema = {}; unique = true", ".unique: does not go"),
        ("type = \"string\"; unique = true; default = \"a\"", ".unique: every account would have"),
        ("type = \"string\"; required = true; default = \"a\"", ".required: a field with a default"),
        ("type = \"string\"; required = \"signin\"; write = [\"admin\"]", ".required: is asked of users"),
        ("type = \"string\"; required = \"later\"", ".required: must be true, false or \"signin\""),
        ("type = \"string\"; write = [\"users\"]", ".write[0]: must be one of"),
        ("type = \"string\"; claim = \"groups\"", ".claim: tokens have a claim of this name"),
        ("type = \"string\"; claim = \"email\"", ".claim: tokens have a claim of this name"),
        ("type = \"string\"; claim = \"a b\"", ".claim: must be 1 to 200 letters"),
        ("type = \"string\"; label = {}", ".label: must have a text"),
        ("type = \"string\"; label = { \"d e\" = \"x\" }", ".label.d e: must be named by a language tag"),
        ("type = \"string\"; help = 3", ".help: must be a text, or texts by language"),
        ("type = \"string\"; lable = \"x\"", ".lable: there is no such setting; did you mean `label`?"),
    ];
    for (keys, told) in cases {
        let found = mistakes(&field(keys));
        assert_eq!(found.len(), 1, "{keys}: {found:?}");
        assert!(found[0].contains(&format!("user.fields.f{told}")), "{keys}: {found:?}");
        assert!(found[0].starts_with("multauth.toml:"), "{keys}: {found:?}");
    }
}

#[test]
fn two_fields_cannot_be_one_claim() {
    let found = mistakes(
        "[user.fields]\na = { type = \"string\", claim = \"x\" }\nx = { type = \"string\", claim = true }\n",
    );
    begin_with(&found, &["multauth.toml:3: user.fields.x.claim: another field is this claim already"]);
}

#[test]
fn a_field_cannot_pass_for_the_groups() {
    let found = mistakes(
        "[tokens]\ngroups_claim = \"https://example.org/in\"\n[user.fields]\n\
         a = { type = \"string\", claim = \"https://example.org/in\" }\n",
    );
    begin_with(&found, &["multauth.toml:4: user.fields.a.claim: is the claim of the groups"]);
}

#[test]
fn a_field_is_read_as_it_is_written() {
    let found = settings(&field(
        "type = \"date\"; minimum = 1900-01-01; required = \"signin\"; write = [\"admin\", \"user\"]; \
         claim = \"https://example.com/b\"; label = { en = \"Day\", de = \"Tag\" }; help = \"Help\"",
    ));
    let field = &found.user.fields["f"];
    assert_eq!(field.minimum, Some(Limit::Text("1900-01-01".into())));
    assert_eq!(
        (field.required, field.writes(Who::User), field.reads(Who::Admin)),
        (Required::Signin, true, true)
    );
    assert_eq!(field.claim_name("f"), Some("https://example.com/b"));
    let label = field.label.as_ref().unwrap();
    assert_eq!(
        [["de-AT", "en"], ["fr", "de"], ["fr", "pl"]].map(|wishes| label.in_language(wishes)),
        ["Tag", "Tag", "Day"]
    );
}

#[test]
fn the_environment_declares_fields_too() {
    let env = [
        ("MULTAUTH__USER__FIELDS__AGE__TYPE", "integer"),
        ("MULTAUTH__USER__FIELDS__AGE__MINIMUM", "18"),
        ("MULTAUTH__USER__FIELDS__AGE__REQUIRED", "true"),
        ("MULTAUTH__USER__FIELDS__AGE__READ", "admin"),
    ];
    let found = Operator::writes("").with(&env).unwrap().settings;
    let age = &found.user.fields["age"];
    assert_eq!((age.required, age.reads(Who::User)), (Required::Signup, false));
    assert_eq!(age.minimum, Some(Limit::Number(18.into())));
}
