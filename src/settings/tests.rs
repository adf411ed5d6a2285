use std::collections::BTreeSet;
use std::path::PathBuf;

use super::*;
use crate::base::Mistake;

/// A folder with the operator's file in it.
struct Operator {
    folder: tempfile::TempDir,
}

impl Operator {
    fn writes(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("multauth.toml"), text).unwrap();
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn with(&self, env: &[(&str, &str)]) -> Result<Loaded, Vec<Located>> {
        let env = env.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let mut loaded = load(Some(&self.file("multauth.toml")), env);
        let folder = format!("{}/", self.folder.path().display());
        for located in loaded.as_mut().err().into_iter().flatten() {
            located.place = located.place.replace(&folder, "");
        }
        loaded
    }

    fn mistakes(&self, env: &[(&str, &str)]) -> Vec<String> {
        self.with(env).unwrap_err().iter().map(ToString::to_string).collect()
    }
}

fn settings(text: &str) -> Settings {
    Operator::writes(text).with(&[]).unwrap().settings
}

fn mistakes(text: &str) -> Vec<String> {
    Operator::writes(text).mistakes(&[])
}

fn from_env(env: &[(&str, &str)]) -> Result<Loaded, Vec<Located>> {
    Operator::writes("").with(env)
}

#[track_caller]
fn begin_with(found: &[String], wanted: &[&str]) {
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.starts_with(wanted), "{found}\nwanted {wanted}");
    }
}

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
    assert_eq!(built_in.user.fields.keys().collect::<Vec<_>>(), ["first_name", "last_name"]);
    assert_eq!(built_in.throttle["signup"], "20/h/ip");
}

#[test]
fn the_built_in_file_written_as_the_operators_changes_nothing() {
    assert_eq!(format!("{:?}", settings(REFERENCE)), format!("{:?}", Settings::built_in()));
}

#[test]
fn every_line_of_the_reference_has_its_comment() {
    let lines: Vec<&str> = REFERENCE.lines().collect();
    let code = |line: &str| !line.is_empty() && !line.starts_with('#');
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
        "authenticator",
        "card",
        "passcode",
        "passcode.email",
        "passcode.email.confirm",
        "passcode.sms",
        "password",
        "guesses",
        "verification",
        "user",
        "user.fields.first_name",
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
            "multauth.toml:3: flows[1]: a list of names such as",
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
    begin_with(&ends, &[":1: name", ":3: flows[0]: a list", ":4: flows[1][0]: unknown"]);
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
fn the_environment_goes_over_the_file() {
    let operator = Operator::writes(
        "[server]\nlisten = \"127.0.0.1:1\"\ndocs = true\n[user.fields.Nick_name]\ntype = \"string\"\nmax_length = 9\n",
    );
    let found = operator.mistakes(&[]);
    begin_with(&found, &["multauth.toml:4: user.fields.Nick_name: the name must be"]);
    let env = [
        ("MULTAUTH__SERVER__LISTEN", "127.0.0.1:2"),
        ("MULTAUTH__SERVER__DOCS", "false"),
        ("MULTAUTH__SERVER__CONNECTIONS", "7"),
        ("MULTAUTH__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("MULTAUTH__FLOWS", r#"[["email", "password"], {"use": ["username", "password"], "name": "Old"}]"#),
        ("MULTAUTH__GUESSES__LADDER", "1m,2m"),
        ("MULTAUTH__USER__FIELDS__LAST_NAME__REQUIRED", "true"),
        ("MULTAUTH__EMAIL__PROVIDERS", "[{ kind = \"smtp\", port = 587 }]"),
        ("MULTAUTH__EMAIL__PROVIDERS__0__PASSWORD", "12345"),
        ("MULTAUTH_CONFIG", "ignored"),
        ("PATH", "ignored"),
    ];
    let settings = from_env(&env).unwrap().settings;
    assert_eq!(settings.server.listen.port(), 2);
    assert!(!settings.server.docs);
    assert_eq!(settings.server.connections, 7);
    assert_eq!(settings.server.trusted_proxies.len(), 2);
    assert_eq!(settings.flows[1].detailed().unwrap().name.as_deref(), Some("Old"));
    assert_eq!(settings.guesses.ladder.len(), 2);
    assert!(settings.user.fields["last_name"].required);
    assert_eq!(settings.email.providers[0]["port"].as_integer(), Some(587));
    assert_eq!(settings.email.providers[0]["password"].as_str(), Some("12345"));
}

#[test]
fn mistakes_of_the_environment_are_named_by_the_variable() {
    let env = [
        ("MULTAUTH__SERVER__DOCS", "yes"),
        ("MULTAUTH__SERVER__DRIAN", "1s"),
        ("MULTAUTH__SERVER__LISTEN__PORT", "80"),
        ("MULTAUTH__SERVR__LISTEN", "127.0.0.1:1"),
        ("MULTAUTH__SERVER__TRUSTED_PROXIES", "x, 10.0.0.0/8, y"),
        ("MULTAUTH__KEYS__ROTATE_EVERY", "1m"),
    ];
    let found = Operator::writes("[servr]\ndocs = 1\n").mistakes(&env);
    begin_with(
        &found,
        &[
            "multauth.toml:1: servr: there is no such setting; did you mean `server`?",
            "environment MULTAUTH__KEYS__ROTATE_EVERY: keys.rotate_every: must be longer than",
            "environment MULTAUTH__SERVER__DOCS: server.docs: must be true or false",
            "environment MULTAUTH__SERVER__DRIAN: server.drian: there is no such setting; did you mean `drain`?",
            "environment MULTAUTH__SERVER__LISTEN__PORT: server.listen.port: a plain value stands where",
            "environment MULTAUTH__SERVER__TRUSTED_PROXIES: server.trusted_proxies[0]: must be an address",
            "environment MULTAUTH__SERVER__TRUSTED_PROXIES: server.trusted_proxies[2]: must be an address",
            "environment MULTAUTH__SERVR__LISTEN: servr: there is no such setting; did you mean `server`?",
        ],
    );
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
fn a_secret_may_come_from_a_file() {
    let operator = Operator::writes("");
    std::fs::write(operator.file("url"), "postgres://u:p@db/x\n").unwrap();
    std::fs::write(operator.file("odd"), "mysql://db\n").unwrap();
    std::fs::write(operator.file("empty"), "\n").unwrap();
    let path = |name: &str| operator.file(name).display().to_string();
    let set = |name: &str| operator.with(&[("MULTAUTH__DATABASE__URL_FILE", &path(name))]);
    assert_eq!(set("url").unwrap().settings.database.url.expose(), "postgres://u:p@db/x");
    for (name, why) in [("odd", "must begin with"), ("empty", "is empty"), ("none", "cannot be read")] {
        let found = set(name).unwrap_err().remove(0).to_string();
        assert!(
            found.starts_with("environment MULTAUTH__DATABASE__URL_FILE: database.url_file: "),
            "{found}"
        );
        assert!(found.contains(why), "{found}");
    }
    let both = [("MULTAUTH__REDIS__URL", "redis://r"), ("MULTAUTH__REDIS__URL_FILE", &path("url"))];
    begin_with(
        &operator.mistakes(&both),
        &["environment MULTAUTH__REDIS__URL_FILE: redis.url_file: stands beside redis.url"],
    );
}

#[cfg(unix)]
#[test]
fn production_refuses_a_secret_file_that_everybody_reads() {
    use std::os::unix::fs::PermissionsExt;
    let operator = Operator::writes(
        "mode = \"production\"\npublic_url = \"https://id.example.org\"\n[redis]\nurl_file = \"FILE\"\n",
    );
    let secret = operator.file("secret");
    let text = std::fs::read_to_string(operator.file("multauth.toml")).unwrap();
    std::fs::write(operator.file("multauth.toml"), text.replace("FILE", &secret.display().to_string()))
        .unwrap();
    std::fs::write(&secret, "redis://r").unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o644)).unwrap();
    let found = operator.mistakes(&[]);
    assert!(
        found[0].starts_with("multauth.toml:4: redis.url_file: ") && found[0].contains("every user"),
        "{found:?}"
    );
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o640)).unwrap();
    assert!(operator.with(&[]).is_ok());
}

#[test]
fn each_mode_refuses_the_others_leftovers() {
    let production =
        "mode = \"production\"\n[server]\nlisten = \"0.0.0.0:443\"\ncors_origins = [\"http://a.example\"]\n";
    begin_with(
        &mistakes(production),
        &["multauth.toml:4: server.cors_origins[0]: must begin with https://", "built-in default.toml:"],
    );
    assert!(mistakes(production)[1].contains("public_url: must begin with https://"));
    let development = "[server]\nlisten = \"0.0.0.0:80\"\nmetrics_listen = \"192.0.2.1:90\"\n";
    begin_with(
        &mistakes(development),
        &[
            "multauth.toml:2: server.listen: must be a loopback",
            "multauth.toml:3: server.metrics_listen: must",
        ],
    );
}

#[test]
fn every_section_refuses_values_without_sense() {
    let wrong = [
        "name = \"a\\nb\"",
        "public_url = \"ftp://x\"",
        "public_url = \"https://u:p@x\"",
        "public_url = \"x\"",
        "minimum_level = \"two\"",
        "server.body_limit = 1",
        "server.idle_timeout = \"0s\"",
        "server.metrics_listen = \"127.0.0.1:8080\"",
        "server.cors_origins = [\"*\"]",
        "server.connections = 0",
        "server.cors_origins = [\"https://x/\"]",
        "database.url = \"mysql://x\"",
        "database.connections = 0",
        "redis.url = \"http://x\"",
        "keys.file = \"\"",
        "keys.announce = \"4m\"",
        "keys.rotate_every = \"10m\"",
        "keys.algorithm = \"RS256\"",
        "tokens.issuer = \"me\"",
        "tokens.access_lifetime = \"61m\"",
        "tokens.session_lifetime = \"31d\"",
        "tokens.idle_lifetime = \"31d\"",
        "tokens.grace = \"2m\"",
        "attempt.lifetime = \"2h\"",
        "reauth.fresh = \"0s\"",
        "username.reserved = [\"Admin\"]",
        "email.from = \"nobody\"",
        "email.confirm = \"later\"",
        "phone.countries = [\"UK\"]",
        "phone.default_region = \"FR\"",
        "authenticator.steps_back = 2",
        "authenticator.issuer = \"a:b\"",
        "card.x = 1",
        "passcode.length = 5",
        "passcode.length = 11",
        "passcode.lifetime = \"11m\"",
        "passcode.attempts = 6",
        "passcode.email.lifetime = \"11m\"",
        "passcode.email.confirm.lifetime = \"25h\"",
        "passcode.sms.confirm.lifetime = \"11m\"",
        "passcode.sms.recovery.length = 4",
        "passcode.call.resend = \"1h\"",
        "password.minimum_single = 14",
        "password.minimum_multi = 7",
        "password.maximum = 63",
        "password.maximum = 257",
        "password.memory_kib = 19455",
        "password.iterations = 1",
        "password.wait = \"-1s\"",
        "guesses.per_day = 21",
        "guesses.per_month = 101",
        "guesses.stop_after = 101",
        "guesses.ladder = []",
        "guesses.ladder = [\"0s\"]",
        "verification.length = 5",
        "verification.lifetime = \"11m\"",
        "verification.attempts = 0",
        "user.fields.first_name.max_length = 0",
        "user.fields.first_name.type = \"int\"",
        "user.fields.\"Ä\" = { type = \"string\", max_length = 1 }",
        "log.level = \"loud\"",
        "log.format = \"xml\"",
        "throttle.signin = 3",
    ];
    for text in wrong {
        let found = mistakes(text);
        let key = text.split([' ', '"']).next().unwrap();
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with("multauth.toml:1: ") && found[0].contains(key), "{text}: {found:?}");
    }
}

#[test]
fn a_built_in_field_of_the_profile_can_be_taken_away_and_others_added() {
    let found =
        settings("[user.fields]\nfirst_name.off = true\nnick = { type = \"string\", max_length = 9 }\n");
    assert_eq!(found.user.fields.keys().collect::<Vec<_>>(), ["last_name", "nick"]);
}

#[test]
fn development_has_the_console_where_nobody_is_named() {
    assert_eq!(Settings::built_in().email_providers()[0]["kind"].as_str(), Some("console"));
    let production = settings("mode = \"production\"\npublic_url = \"https://id.example.org\"");
    assert!(production.phone_providers().is_empty());
}
