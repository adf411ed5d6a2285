use super::*;

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
    assert_eq!(settings.server.docs, Some(false));
    assert_eq!(settings.server.connections, 7);
    assert_eq!(settings.server.trusted_proxies.len(), 2);
    assert_eq!(settings.flows[1].detailed().unwrap().name.as_deref(), Some("Old"));
    assert_eq!(settings.guesses.ladder.len(), 2);
    assert_eq!(settings.user.fields["last_name"].required, Required::Signup);
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

#[test]
#[cfg(unix)]
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
