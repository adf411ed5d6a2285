use std::collections::BTreeSet;

use super::*;

#[test]
fn the_built_in_file_reads_and_says_the_defaults() {
    let built_in = Settings::built_in();
    assert_eq!(built_in.mode, Mode::Development);
    assert_eq!(built_in.flows.len(), 3);
    assert_eq!(built_in.server.listen.port(), 8080);
    assert_eq!(built_in.tokens.access_lifetime.to_string(), "10m");
    assert_eq!(built_in.issuer(), "http://localhost:8080");
    assert_eq!(built_in.audience(), "http://localhost:8080");
    assert_eq!(built_in.email_from(), "no-reply@localhost");
    assert_eq!(built_in.authenticator_issuer(), "multauth");
    assert_eq!(built_in.user.fields.keys().collect::<Vec<_>>(), ["first_name", "language", "last_name"]);
    assert!(built_in.throttle.is_empty(), "what nobody set is the throttle's own");
}

#[test]
fn the_built_in_file_written_as_the_operators_changes_nothing() {
    let written = settings(REFERENCE);
    assert_eq!(written.throttle["signup"], "20/h/ip, 200/h/net", "as it is written, in development too");
    let written = Settings { throttle: Throttle::default(), ..written };
    assert_eq!(format!("{written:?}"), format!("{:?}", Settings::built_in()));
}

#[test]
fn every_line_of_the_reference_has_its_comment() {
    let lines: Vec<&str> = REFERENCE.lines().collect();
    let code = |line: &str| !line.is_empty() && !line.starts_with(['#', ' ', ']']);
    for (n, line) in lines.iter().enumerate().filter(|(_, line)| code(line)) {
        assert!(n > 0 && lines[n - 1].starts_with("# "), "default.toml:{}: {line} has no comment", n + 1);
    }
}

#[test]
fn every_key_that_is_known_stands_in_the_reference() {
    let tables = [
        "",
        "server",
        "database",
        "redis",
        "keys",
        "tokens",
        "attempt",
        "reauth",
        "username",
        "email",
        "phone",
        "phone.lookup",
        "phone.spend",
        "phone.spend.conversion",
        "identifier.employee_no",
        "authenticator",
        "card",
        "passcode",
        "passcode.email",
        "passcode.email.confirm",
        "passcode.sms",
        "password",
        "messages",
        "guesses",
        "verification",
        "user",
        "user.fields.first_name",
        "user.fields.language",
        "outbound",
        "webhooks.crm",
        "hooks",
        "hooks.ways",
        "events",
        "log",
    ];
    let mut names = BTreeSet::new();
    for table in tables {
        let dotted = if table.is_empty() { String::new() } else { format!("{table}.") };
        let complaint = mistakes(&format!("{dotted}qqqqqqqq = 1")).remove(0);
        let known = complaint.rsplit_once("nown here: ").map(|(_, known)| known.to_owned());
        assert!(known.is_some() || table == "card", "{complaint}");
        names.extend(known.iter().flat_map(|known| known.split(", ")).map(str::to_owned));
    }
    let words: BTreeSet<&str> = REFERENCE.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let absent: Vec<_> = names.iter().filter(|name| !words.contains(name.as_str())).collect();
    assert!(names.len() > 70, "{names:?}");
    assert!(absent.is_empty(), "{absent:?}");
}
