use super::*;

fn table(text: &str) -> toml::Table {
    toml::from_str::<toml::Table>(&format!("it = {text}")).unwrap()["it"].as_table().unwrap().clone()
}

fn site(production: bool) -> Site {
    let public_url = "https://id.example.org".parse().unwrap();
    Site { public_url, from: "no-reply@example.org".into(), production }
}

fn read(table: &toml::Table, channels: &[Channel], production: bool) -> Result<Configured, Vec<Mistake>> {
    Configured::read(table, "x.providers[0]", channels, &site(production), &[])
}

fn mistake(text: &str, channels: &[Channel], production: bool) -> Mistake {
    let mut found = read(&table(text), channels, production).err().unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn every_example_builds_under_its_own_name() {
    for kind in PROVIDERS {
        let built = read(&table(kind.example), kind.channels, false);
        let built = built.map_err(|mistakes| format!("{}: {mistakes:?}", kind.name)).unwrap();
        assert_eq!((built.name.as_str(), built.kind.name), (kind.name, kind.name));
        assert!(kind.channels.iter().all(|channel| built.channels.contains(channel)));
    }
}

#[test]
fn every_kind_refuses_a_key_it_does_not_know_and_names_those_it_does() {
    for kind in PROVIDERS {
        let mut settings = table(kind.example);
        settings.insert("colour".into(), "red".into());
        settings.insert("shape".into(), 1.into());
        let found = read(&settings, kind.channels, false).err().unwrap();
        let paths: Vec<_> = found.iter().map(|m| m.path.as_str()).collect();
        assert_eq!(paths, ["x.providers[0].colour", "x.providers[0].shape"], "{}", kind.name);
    }
}

#[test]
fn a_kind_that_does_not_fit_is_refused_with_those_that_do() {
    let email = &[Channel::Email];
    let found = mistake("{ kind = \"pigeon\" }", email, false);
    assert_eq!(found.path, "x.providers[0].kind");
    assert!(found.message.contains("console, file, smtp"), "{found:?}");
    assert!(mistake("{}", email, false).message.contains("one of: console, file, smtp"));
    assert!(mistake("{ kind = \"smtp\" }", Channel::PHONE, false).message.contains("does not serve"));
    let found = mistake("{ kind = \"console\" }", email, true);
    assert!(found.message.contains("development only") && !found.message.contains("console,"));
}

#[test]
fn what_every_provider_has_is_checked() {
    let path = |text: &str, channels: &[Channel]| mistake(text, channels, false).path;
    let console = |more: &str| format!("{{ kind = \"console\", {more} }}");
    assert_eq!(path(&console("name = \"a b\""), Channel::PHONE), "x.providers[0].name");
    assert_eq!(path(&console("name = \"none\""), Channel::PHONE), "x.providers[0].name", "nobody's lane");
    assert_eq!(path(&console("channels = [\"email\"]"), Channel::PHONE), "x.providers[0].channels");
    assert_eq!(path(&console("channels = [\"fax\"]"), Channel::PHONE), "x.providers[0].channels[0]");
    assert_eq!(path(&console("prefixes = [\"48\"]"), Channel::PHONE), "x.providers[0].prefixes");
    assert_eq!(path(&console("prefixes = [\"+48\"]"), &[Channel::Email]), "x.providers[0].prefixes");
    let twilio = "{ kind = \"twilio\", account_sid = \"AC00000000000000000000000000000000\", auth_token = \"t\", \
                  from = \"+12025550123\", receipt_within = \"1s\" }";
    assert_eq!(path(twilio, Channel::PHONE), "x.providers[0].receipt_within");
}

fn routes(tables: &[&str]) -> Result<Routes, Vec<Mistake>> {
    let mut settings = crate::settings::Settings::built_in();
    settings.phone.providers = tables.iter().map(|text| table(text)).collect();
    Routes::read(&settings, &[])
}

#[test]
fn the_longest_prefix_goes_first_and_the_order_decides_the_rest() {
    let routes = routes(&[
        "{ kind = \"console\", name = \"all\" }",
        "{ kind = \"console\", name = \"poland\", prefixes = [\"+48\"] }",
        "{ kind = \"console\", name = \"plus\", prefixes = [\"+4860\", \"+1\"], channels = [\"sms\"] }",
        "{ kind = \"console\", name = \"last\" }",
    ])
    .unwrap();
    let names = |to: &str, channel| -> Vec<String> {
        routes.of(channel, to, true).iter().map(|entry| entry.name.clone()).collect()
    };
    assert_eq!(names("+48600100200", Channel::Sms), ["plus", "poland", "all", "last"]);
    assert_eq!(names("+48600100200", Channel::Call), ["poland", "all", "last"]);
    assert_eq!(names("+4915112345678", Channel::Sms), ["all", "last"]);
    assert_eq!(routes.lane(Channel::Sms, "+12025550123", true), "plus");
}

#[test]
fn two_providers_have_two_names() {
    let twice = ["{ kind = \"file\", path = \"a\" }", "{ kind = \"file\", path = \"b\" }"];
    let found = routes(&twice).err().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path, "phone.providers[1].name");
}

#[test]
fn the_settings_reference_shows_every_kind_to_start_from() {
    let reference = crate::settings::REFERENCE;
    for kind in PROVIDERS {
        assert!(reference.contains(kind.example), "config/default.toml lacks {}", kind.example);
    }
}

#[test]
fn a_receipt_is_waited_for_only_where_somebody_reads_it() {
    let wait = "receipt_within = \"30s\" }";
    let twilio = "{ kind = \"twilio\", account_sid = \"AC00000000000000000000000000000000\", from = \"+12025550123\", ";
    let by_key = "api_key = \"SK00000000000000000000000000000000\", api_secret = \"s\", ";
    for silent in [
        "{ kind = \"console\", ",
        "{ kind = \"webhook\", url = \"https://a.example.com\", ",
        &format!("{twilio}{by_key}"),
    ] {
        let found = mistake(&format!("{silent}{wait}"), Channel::PHONE, false);
        assert_eq!(found.path, "x.providers[0].receipt_within", "{silent}");
    }
    assert!(read(&table(&format!("{twilio}auth_token = \"t\", {wait}")), Channel::PHONE, false).is_ok());
}
