use super::*;

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
        "server.trusted_proxies = [\"::ffff:10.0.0.0/8\"]",
        "outbound.networks = [\"::ffff:10.0.0.0/95\"]",
        "server.cors_origins = [\"*\"]",
        "server.cors_origins = [\"https://*.example.org\"]",
        "server.cors_origins = [\"https://app.*\"]",
        "server.connections = 0",
        "server.cors_origins = [\"https://x/\"]",
        "database.url = \"mysql://x\"",
        "database.connections = 0",
        "redis.url = \"http://x\"",
        "redis.prefix = \"\"",
        "redis.prefix = \"a{b\"",
        "redis.prefix = \"a b\"",
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
        "phone.countries = [\"us\"]",
        "phone.refused = [\"*\"]",
        "phone.line_types = []",
        "phone.mask = \"all\"",
        "phone.lookup.unknown = \"maybe\"",
        "phone.lookup.cache = \"forever\"",
        "phone.spend.currency = \"usd\"",
        "phone.spend.price = -1",
        "phone.spend.prices = { 48 = 0.1 }",
        "phone.spend.prices = { \"+48\" = -0.1 }",
        "phone.spend.warn_at = 0",
        "phone.spend.conversion.percent = 101",
        "phone.spend.conversion.window = \"5m\"",
        "phone.spend.conversion.rest = \"1s\"",
        "authenticator.steps_back = 2",
        "authenticator.issuer = \"a:b\"",
        "card.x = 1",
        "messages.contact = \"a\\nb\"",
        "messages.templates = 1",
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
    assert_eq!(found.user.fields.keys().collect::<Vec<_>>(), ["language", "last_name", "nick"]);
}

#[test]
fn development_has_the_console_where_nobody_is_named() {
    assert_eq!(Settings::built_in().email_providers()[0]["kind"].as_str(), Some("console"));
    let production = settings("mode = \"production\"\npublic_url = \"https://id.example.org\"");
    assert!(production.phone_providers().is_empty());
}

#[test]
fn a_country_is_served_or_refused_and_not_both() {
    let found = mistakes("[phone]\ncountries = [\"US\", \"CA\"]\nrefused = [\"CU\", \"CA\"]\n");
    begin_with(&found, &["multauth.toml:3: phone.refused[1]: stands in phone.countries too"]);
    let all = settings("[phone]\ncountries = [\"*\"]\nrefused = [\"CU\"]\ndefault_region = \"PL\"\n");
    assert_eq!(all.phone_countries(), ["*"]);
}

#[test]
fn lines_are_of_the_kinds_that_are_texted() {
    let found = mistakes("phone.line_types = [\"mobile\", \"pager\"]");
    begin_with(&found, &["multauth.toml:1: phone.line_types[1]: must be one of"]);
}

#[test]
fn money_is_limited_only_where_every_number_has_a_price() {
    let found = mistakes("[phone.spend]\nmoney_per_day = 20\nprices = { \"+1\" = 0.0079 }\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("phone.spend.price: must be above 0 where money is limited"), "{found:?}");
    let sound = settings("[phone.spend]\nmoney_per_day = 20\nprice = 0.2\nprices = { \"+1\" = 0.0079 }\n");
    assert!(sound.phone.spend.caps_money());
}

#[test]
fn where_no_country_is_named_development_serves_the_one_of_the_examples() {
    assert_eq!(Settings::built_in().phone_countries(), ["US"]);
    let production = settings("mode = \"production\"\npublic_url = \"https://id.example.org\"");
    assert!(production.phone_countries().is_empty());
}

#[test]
fn a_star_among_the_origins_is_named() {
    for origin in ["*", "https://*", "https://*.example.org", "http://*:8080"] {
        let found = mistakes(&format!("server.cors_origins = [\"https://a.example\", \"{origin}\"]"));
        begin_with(&found, &["multauth.toml:1: server.cors_origins[1]: has a star"]);
    }
}

#[test]
fn the_document_is_served_in_development_or_where_it_is_asked_for() {
    let served = |text: &str| settings(text).serves_docs();
    let production = "mode = \"production\"\npublic_url = \"https://id.example.org\"\n";
    assert!(served("") && served("server.docs = \"\"") && !served("server.docs = false"));
    assert!(!served(production) && served(&format!("{production}server.docs = true")));
}

/// An address that is every address of its family, IPv6 with IPv4, leaves no room for another at the same port.
#[test]
fn two_listeners_never_want_one_place() {
    let listens = |public: &str, metrics: &str| {
        let head = "mode = \"production\"\npublic_url = \"https://id.example.org\"\n[server]\n";
        format!("{head}listen = \"{public}\"\nmetrics_listen = \"{metrics}\"\n")
    };
    for (one, two, apart) in [
        ("0.0.0.0:93", "127.0.0.1:93", false),
        ("0.0.0.0:93", "192.0.2.1:93", false),
        ("[::]:93", "[::1]:93", false),
        ("[::]:93", "127.0.0.1:93", false),
        ("[::]:93", "0.0.0.0:93", false),
        ("127.0.0.1:93", "127.0.0.1:93", false),
        ("127.0.0.1:93", "[::ffff:127.0.0.1]:93", false),
        ("0.0.0.0:93", "[::1]:93", true),
        ("0.0.0.0:93", "127.0.0.1:94", true),
        ("127.0.0.1:93", "192.0.2.1:93", true),
        ("127.0.0.1:0", "127.0.0.1:0", true),
    ] {
        for text in [listens(one, two), listens(two, one)] {
            let found = Operator::writes(&text).with(&[]).err().unwrap_or_default();
            let told =
                found.iter().any(|one| one.to_string().contains("server.metrics_listen: must be another"));
            assert_eq!(!told, apart, "{text}: {found:?}");
        }
    }
}

/// A network of IPv4 addresses in the clothes of IPv6 is the one of IPv4: clients and calls have those.
#[test]
fn a_mapped_network_is_the_one_of_ipv4() {
    let networks = r#"["::ffff:10.1.0.0/112", "::ffff:192.0.2.7", "::ffff:0:0/96", "::/0"]"#;
    let settings = settings(&format!("[server]\ntrusted_proxies = {networks}\n"));
    let read: Vec<String> = settings.server.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(read, ["10.1.0.0/16", "192.0.2.7/32", "0.0.0.0/0", "::/0"]);
    let found = mistakes("[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"::ffff:10.0.0.0/8\"]\n");
    let told =
        "server.trusted_proxies[1]: is IPv4 written as IPv6, and too wide for it: write \"10.0.0.0/8\"";
    assert!(found.len() == 1 && found[0].contains(told), "{found:?}");
}
