use super::*;
use crate::base::Mistake;

const TEN_MISTAKES: &str = r#"mode = "prodution"
naem = "x"
flows = [["email", "password"], "email", ["username", "password"]]

[server]
listen = "everywhere"
lsiten = "127.0.0.1:1"
trusted_proxies = ["10.0.0.0/8", "10.0.0.0/99", "x"]
connections = "many"
body_timeout = 30

[tokens]
access_lifetime = "2h"

[servr]
docs = true

[guesses]
ladder = ["1m", "30s"]

[password]
minimum_multi = 6

[user.fields.nickname]
max_length = 10
"#;

#[test]
fn all_mistakes_are_reported_at_once_each_in_its_place() {
    let found = mistakes(TEN_MISTAKES);
    begin_with(
        &found,
        &[
            "multauth.toml:1: mode: must be one of the names known here; did you mean `production`?",
            "multauth.toml:2: naem: there is no such setting; did you mean `name`?",
            "multauth.toml:3: flows[1]: must be a list of names such as",
            "multauth.toml:6: server.listen: must be an address and a port such as",
            "multauth.toml:7: server.lsiten: there is no such setting; did you mean `listen`?",
            "multauth.toml:8: server.trusted_proxies[1]: must be an address or a network",
            "multauth.toml:8: server.trusted_proxies[2]: must be an address or a network",
            "multauth.toml:9: server.connections: must be a whole number from 0 to 4294967295, and is text",
            "multauth.toml:10: server.body_timeout: must be a duration such as",
            "multauth.toml:13: tokens.access_lifetime: must be from 10s to 1h, and is 2h",
            "multauth.toml:15: servr: there is no such setting; did you mean `server`?",
            "multauth.toml:19: guesses.ladder: must not go down",
            "multauth.toml:22: password.minimum_multi: must be from 8 to 64, and is 6",
            "multauth.toml:24: user.fields.nickname: `type` is missing",
        ],
    );
}

#[test]
fn broken_lines_and_wrong_values_are_reported_together() {
    let found = mistakes("mode = production\n[server]\nlisten = \"0.0.0.0:80\"\ndocs = 3\ndrain 5s\n");
    begin_with(
        &found,
        &[
            "multauth.toml:1: this is not TOML",
            "multauth.toml:4: server.docs",
            "multauth.toml:5: this is not TOML",
        ],
    );
}

#[test]
fn a_key_under_the_wrong_heading_is_told_its_own() {
    let found = mistakes("[server]\nminimum_level = \"single\"\n");
    assert!(found[0].contains("`minimum_level`"), "{found:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let found = load(Some("/nowhere/multauth.toml".as_ref()), std::iter::empty()).unwrap_err();
    assert!(found[0].to_string().starts_with("/nowhere/multauth.toml: cannot be read"), "{found:?}");
}

#[test]
fn further_checks_are_reported_too_with_their_places() {
    let operator = Operator::writes("name = \"\"\nflows = [\n  3,\n  [\"emial\"],\n]\n");
    let further = |settings: &Settings| {
        assert_eq!(settings.flows[0].words(), ["emial"]);
        vec![Mistake::new("flows[0][0]", "unknown")]
    };
    let found = load_and(Some(&operator.file("multauth.toml")), std::iter::empty(), further).unwrap_err();
    let ends: Vec<_> = found.iter().map(|l| format!("{l}")[l.place.len() - 2..].to_owned()).collect();
    begin_with(&ends, &[":1: name", ":3: flows[0]: must be a list", ":4: flows[1][0]: unknown"]);
}

#[test]
fn a_place_is_known_for_what_is_below_a_key_too() {
    let operator = Operator::writes("[email]\nproviders = [\n  { kind = \"smtp\" },\n]\n");
    let origins = operator.with(&[("MULTAUTH__NAME", "Example")]).unwrap().origins;
    let place = |path: &str| origins.locate(Mistake::new(path, "")).place;
    assert!(place("email.providers[0].port").ends_with("multauth.toml:3"));
    assert!(place("email.providers").ends_with("multauth.toml:2"));
    assert_eq!(place("name"), "environment MULTAUTH__NAME");
    assert!(place("phone.countries[0]").starts_with("built-in default.toml:"));
}

#[test]
fn nothing_that_may_be_secret_is_quoted() {
    let found = mistakes("[database]\nurl = \"hunter2\"\n[redis]\nurl = 424242\n").join("\n");
    assert!(
        found.contains("multauth.toml:2: database.url") && found.contains("multauth.toml:4: redis.url"),
        "{found}"
    );
    assert!(!found.contains("hunter2") && !found.contains("424242"), "{found}");
    let shown =
        format!("{:?}", settings("[email]\nproviders = [{ kind = \"smtp\", password = \"hunter2\" }]\n"));
    assert!(shown.contains("smtp") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_broken_line_hides_no_other_mistake() {
    let found = mistakes(
        "drain 5s\nname = 3\nfoo\nflows = [\n  [\"email\", password],\n  4,\n]\n[server]\nport = 1\n",
    );
    begin_with(
        &found,
        &[
            "multauth.toml:1: this is not TOML: key with no value",
            "multauth.toml:2: name: must be text, and is a whole number",
            "multauth.toml:3: this is not TOML: key with no value",
            "multauth.toml:5: this is not TOML: string values must be quoted",
            "multauth.toml:6: flows[1]: must be a list of names",
            "multauth.toml:9: server.port: there is no such setting",
        ],
    );
}
