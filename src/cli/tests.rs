//! The command line as it is typed, and what it does to a database.

use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};

use super::*;
use crate::extensions::Extensions;
use crate::flows::Flows;
use crate::settings::Settings;

/// No file, and no kinds of its own.
const NOWHERE: Setup<'static> = Setup {
    file: None,
    extensions: &Extensions {
        providers: Vec::new(),
        devices: Vec::new(),
        secrets: Vec::new(),
        hooks: Vec::new(),
    },
};

/// A folder with a settings file whose database and keys lie in it.
struct Site(tempfile::TempDir);

impl Site {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let text = format!(
            "{more}\n[database]\nurl = \"sqlite://{at}/test.db\"\n[keys]\nfile = \"{at}/master.key\"\n"
        );
        std::fs::write(folder.path().join("multauth.toml"), text).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("multauth.toml")
    }

    async fn run(&self, words: &[&str]) -> Outcome {
        let args = Args::try_parse_from(std::iter::once(&"multauth").chain(words)).unwrap();
        let file = self.file();
        // On the heap: a test that gives many commands would have them all on its small stack.
        Box::pin(dispatch(
            args.command.unwrap(),
            Setup { file: Some(&file), extensions: &Extensions::default() },
        ))
        .await
    }

    fn settings(&self) -> Settings {
        crate::startup::settings(Some(&self.file()), std::iter::empty(), &Extensions::default())
            .unwrap()
            .settings
    }
}

fn each(command: &clap::Command, seen: &mut dyn FnMut(&clap::Command)) {
    seen(command);
    command.get_subcommands().filter(|c| c.get_name() != "help").for_each(|c| each(c, seen));
}

#[test]
fn every_help_teaches_with_an_example_that_is_right() {
    Args::command().debug_assert();
    each(&Args::command(), &mut |command| {
        let name = command.get_name();
        let after = command.get_after_help().unwrap_or_else(|| panic!("{name} has no examples")).to_string();
        assert!(command.get_about().is_some(), "{name} does not say what it is");
        let examples = after.lines().filter_map(|line| line.trim_start().strip_prefix("multauth "));
        let mut some = false;
        for example in examples {
            some = true;
            let typed = example.split("  ").next().unwrap().split(['>', '|', '&']).next().unwrap();
            let words = std::iter::once("multauth").chain(typed.split_whitespace());
            Args::try_parse_from(words).unwrap_or_else(|error| panic!("{name}: {typed}: {error}"));
        }
        assert!(some, "{name} has no example");
    });
}

#[test]
fn without_a_command_it_serves_and_the_file_may_stand_anywhere() {
    assert!(Args::try_parse_from(["multauth"]).unwrap().command.is_none());
    for words in [["multauth", "--config", "a.toml", "check"], ["multauth", "check", "--config", "a.toml"]] {
        let args = Args::try_parse_from(words).unwrap();
        assert_eq!(args.config.as_deref(), Some(Path::new("a.toml")));
    }
    assert!(Args::try_parse_from(["multauth", "sevre"]).is_err());
}

#[tokio::test]
async fn wrong_settings_are_told_line_by_line() {
    let site = Site::new("nmae = \"x\"\nflows = [[\"email\"]]");
    let failure = site.run(&["check"]).await.unwrap_err();
    let text = failure.to_string();
    assert!(matches!(failure, Failure::Settings(_)));
    assert!(text.lines().count() >= 2, "{text}");
    assert!(text.contains("multauth.toml:1: nmae") && text.contains("multauth.toml:2: flows[0]"), "{text}");
}

#[test]
fn right_settings_are_summed_up_with_warnings() {
    let site =
        Site::new("flows = [[\"username\", \"password\"], [\"username\", \"password\", \"passcode\"]]");
    let loaded =
        crate::startup::settings(Some(&site.file()), std::iter::empty(), &Extensions::default()).unwrap();
    let text = check::report(&loaded, NOWHERE).unwrap();
    assert!(text.contains("flow       username+password, level single"), "{text}");
    assert!(text.contains("warning") && text.contains("multauth.toml:1: flows[0]"), "{text}");
    assert!(text.contains("\"console\" is for development"), "{text}");
}

/// Settings for production whose users sign in by phone.
fn by_phone(more: &str) -> String {
    format!(
        "mode = \"production\"\npublic_url = \"https://id.example.org\"\nflows = [[\"phone\", \"passcode\"]]\n\
         recovery = []\n{more}"
    )
}

/// A provider whose table is right, of a kind that serves phones in production.
const PROVIDER: &str = r#"providers = [{ kind = "webhook", url = "https://sms.example.org", bearer = "s3cret", json = '{"to": {{ to }}, "text": {{ text }}}' }]"#;

#[test]
fn in_production_a_flow_by_phone_needs_a_country() {
    let site = Site::new(&by_phone(&format!("[phone]\n{PROVIDER}")));
    let mistakes =
        crate::startup::settings(Some(&site.file()), std::iter::empty(), &Extensions::default()).unwrap_err();
    let text: String = mistakes.iter().map(|mistake| format!("{mistake}\n")).collect();
    assert!(
        text.contains("phone.countries: a flow begins with phone, and nothing is sent to any country"),
        "{text}"
    );
}

#[test]
fn what_may_cost_money_unseen_is_warned_of() {
    let warned = |more: &str| {
        let site = Site::new(&by_phone(&format!("[phone]\n{PROVIDER}\n{more}")));
        let loaded = crate::startup::settings(Some(&site.file()), std::iter::empty(), &Extensions::default());
        let text = check::report(&loaded.unwrap_or_else(|found| panic!("{found:?}")), NOWHERE).unwrap();
        ["phone.countries", "phone.spend.prices", "phone.spend.money_per_day"].map(|key| text.contains(key))
    };
    assert_eq!(warned("countries = [\"*\"]"), [true, true, false]);
    assert_eq!(warned("countries = [\"US\"]\nspend.price = 0.01"), [false, false, true]);
    let bounded = "countries = [\"US\"]\nspend.price = 0.01\nspend.money_per_day = 20";
    assert_eq!(warned(bounded), [false, false, false]);
}

#[tokio::test]
async fn templates_are_tried_and_their_languages_listed() {
    let site = Site::new("");
    let folder = site.0.path().join("texts");
    std::fs::create_dir_all(folder.join("de")).unwrap();
    let file = folder.join("de/signin_code.txt");
    let text = "[subject]\nHallo\n[lead]\nBei {{ servcie }}\n[objection]\nNein\n[short]\n{{ code }}\n";
    std::fs::write(&file, text).unwrap();
    let site = Site::new(&format!("[messages]\ntemplates = \"{}\"\nlanguage = \"tlh\"", folder.display()));
    let wrong = site.run(&["check"]).await.unwrap_err().to_string();
    assert!(wrong.contains("multauth.toml:2: messages.templates: "), "{wrong}");
    assert!(wrong.contains(&format!("{}:4: [lead] there is no \"servcie\"", file.display())), "{wrong}");
    assert!(wrong.contains("multauth.toml:3: messages.language: \"tlh\" is no language"), "{wrong}");
    assert_eq!(site.run(&["serve"]).await.unwrap_err().to_string(), wrong);

    let site = Site::new("[messages]\nlanguage = \"fa\"");
    let loaded =
        crate::startup::settings(Some(&site.file()), std::iter::empty(), &Extensions::default()).unwrap();
    let text = check::report(&loaded, NOWHERE).unwrap();
    assert!(text.contains("languages  fa, en, de, es, fr, pl, zh\n"), "{text}");
}

#[test]
fn flows_are_explained() {
    let found = flows::Explained::of(&Settings::built_in(), &Extensions::default()).unwrap();
    let text = found.text(&[]);
    assert!(text.contains("username+password\n  The user is named by: username."), "{text}");
    assert!(text.contains("of at least 15 characters"), "{text}");
    assert!(text.contains("RECOVERY") && text.contains("email+passcode"), "{text}");
    assert_eq!(found.json()["flows"].as_array().unwrap().len(), 3);
    assert_eq!(found.json()["flows"][2]["level"], "single");
}

#[tokio::test]
async fn a_command_makes_no_database_in_passing() {
    let site = Site::new("");
    let failure = site.run(&["users", "list"]).await.unwrap_err();
    assert!(failure.to_string().contains("multauth migrate"), "{failure}");
    assert!(!site.0.path().join("test.db").exists());
}

#[tokio::test]
async fn the_operator_rules_over_keys_users_and_devices() {
    let site = Site::new("");
    site.run(&["migrate"]).await.unwrap();
    site.run(&["keys", "rotate", "--now"]).await.unwrap();
    site.run(&["keys", "list", "--json"]).await.unwrap();
    assert!(site.run(&["keys", "revoke", "none"]).await.is_err());
    site.run(&["apikeys", "make", "--name", "shop", "--scope", "verify"]).await.unwrap();
    let wrong = site.run(&["apikeys", "make", "--name", "shop", "--scope", "rule"]).await.unwrap_err();
    assert!(wrong.to_string().contains("introspect"), "{wrong}");
    site.run(&["apikeys", "list"]).await.unwrap();

    let (user, device) = somebody(&site).await;
    site.run(&["users", "list"]).await.unwrap();
    site.run(&["users", "show", &user]).await.unwrap();
    site.run(&["users", "disable", &user]).await.unwrap();
    site.run(&["users", "show", &user]).await.unwrap();
    site.run(&["users", "enable", &user]).await.unwrap();
    let last = site.run(&["devices", "remove", &device]).await.unwrap_err();
    assert!(last.to_string().contains("--force"), "{last}");
    site.run(&["devices", "remove", "--force", &device]).await.unwrap();
    site.run(&["devices", "list", &user]).await.unwrap();
    site.run(&["users", "groups", &user, "--set", "staff,editors"]).await.unwrap();
    site.run(&["users", "groups", &user]).await.unwrap();
    let wrong = site.run(&["users", "groups", &user, "--set", "two words"]).await.unwrap_err();
    assert!(wrong.to_string().contains("a-z"), "{wrong}");
    for words in [
        &["events"][..],
        &["events", "--user", &user, "--name", "user.*", "--since", "1h", "--limit", "1"],
        &["events", "--until", "2026-01-01", "--json"],
        &["events", "names"],
    ] {
        site.run(words).await.unwrap();
    }
    let unknown = site.run(&["events", "--after", "nothing"]).await.unwrap_err();
    assert!(unknown.to_string().contains("there is no event nothing"), "{unknown}");
    assert!(Args::try_parse_from(["multauth", "events", "--name", "user.creatd"]).is_err());
    site.run(&["users", "delete", &user]).await.unwrap();
    site.run(&["users", "restore", &user]).await.unwrap();
    site.run(&["users", "delete", "--now", &user]).await.unwrap();
    let gone = site.run(&["users", "show", &user]).await.unwrap_err();
    assert!(gone.to_string().contains(&format!("there is no user {user}")), "{gone}");
}

#[tokio::test]
async fn the_operator_finds_unlocks_and_resets() {
    let site = Site::new("");
    site.run(&["migrate"]).await.unwrap();
    let (user, _) = somebody(&site).await;
    site.run(&["users", "unlock", &user]).await.unwrap();
    site.run(&["users", "reset", &user]).await.unwrap();
    let none = site.run(&["users", "reset", &user, "--remove", "card"]).await.unwrap_err();
    assert!(
        matches!(&none, Failure::Argument(why) if why.contains("\"card\" is no device of theirs")),
        "{none}"
    );
    let gone = site.run(&["users", "reset", "nobody"]).await.unwrap_err();
    assert!(gone.to_string().contains("there is no user nobody"), "{gone}");
    assert!(Args::try_parse_from(["multauth", "users", "reset", &user, "--password", "x"]).is_err());
    site.run(&["users", "find", "maria", "--json"]).await.unwrap();
    site.run(&["users", "find", "maria", "--unmasked"]).await.unwrap();
    assert!(matches!(site.run(&["users", "find", " "]).await, Err(Failure::Argument(_))));
}

/// Signs somebody up by username, ends their session; gives their id and the device's.
async fn somebody(site: &Site) -> (String, String) {
    use crate::auth::operator;
    let app =
        instance::open(Setup { file: Some(&site.file()), extensions: &Extensions::default() }).await.unwrap();
    let user = signed_up(&app, [("username", "maria-k".to_owned())]).await;
    let (account, sessions) = operator::show(&app, &user.as_str().into()).await.unwrap();
    assert_eq!(sessions.len(), 1);
    assert!(!people::names(&app.devices, &account.devices).contains("maria"), "masked");
    assert_eq!(people::whole_names(&app.devices, &account.devices), "maria-k");
    assert_eq!(operator::end_sessions(&app, &user.as_str().into()).await.unwrap(), 1);
    assert!(operator::show(&app, &user.as_str().into()).await.unwrap().1.is_empty());
    assert_eq!(operator::list(&app, "", 10).await.unwrap().len(), 1);
    assert!(operator::end_sessions(&app, &"nobody".into()).await.is_err());
    (user, account.devices[0].id.clone().into())
}

async fn signed_up<const N: usize>(app: &crate::app::App, names: [(&'static str, String); N]) -> String {
    use crate::auth::attempts::progress::Progress;
    use crate::auth::input::{Client, Given};
    let client = Client {
        ip: [127, 0, 0, 1].into(),
        agent: "tests".into(),
        known_device: None,
        languages: Vec::new(),
        request: String::new(),
    };
    let secrets = [("password", "plum-velvet-crane-orbit".into())].into();
    let given = Given { identifiers: names.into(), secrets, ..Given::default() };
    let done = crate::auth::signup::begin(app, &client, &given).await.unwrap();
    let Progress::Done(done) = done else { panic!("it asks for more") };
    done.user.into()
}

#[tokio::test]
async fn an_owner_is_told_of_a_device_that_the_operator_removed() {
    let site = Site::new("[email]\nconfirm = \"never\"");
    site.run(&["migrate"]).await.unwrap();
    let app =
        instance::open(Setup { file: Some(&site.file()), extensions: &Extensions::default() }).await.unwrap();
    let mail = ("email", "maria@example.com".to_owned());
    let user = signed_up(&app, [("username", "maria-k".to_owned()), mail]).await;
    let (account, _) = crate::auth::operator::show(&app, &user.as_str().into()).await.unwrap();
    assert_eq!(people::names(&app.devices, &account.devices).matches("•••").count(), 2);
    let device = account.devices.iter().find(|device| device.kind == "email").unwrap();
    site.run(&["devices", "remove", &device.id]).await.unwrap();
    let (account, sessions) = crate::auth::operator::show(&app, &user.as_str().into()).await.unwrap();
    assert_eq!((account.devices.len(), sessions.len()), (1, 0));
    let waiting = crate::store::outbox::waiting(&mut app.store.read().await.unwrap()).await.unwrap();
    assert_eq!(waiting, 1);
}

#[tokio::test]
async fn the_doctor_tells_of_rows_that_do_not_fit() {
    let site = Site::new("[email]\nconfirm = \"never\"");
    assert!(
        matches!(site.run(&["doctor", "--invariants"]).await, Err(Failure::Told)),
        "there is no database"
    );
    site.run(&["migrate"]).await.unwrap();
    let app =
        instance::open(Setup { file: Some(&site.file()), extensions: &Extensions::default() }).await.unwrap();
    signed_up(&app, [("username", "maria-k".to_owned()), ("email", "maria@example.com".to_owned())]).await;
    site.run(&["doctor", "--invariants"]).await.unwrap();
    let mut tx = app.store.begin().await.unwrap();
    let unnamed = "by-half".into();
    crate::store::users::insert(&mut tx, &crate::store::users::New::active(&unnamed, "{}"), app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(site.run(&["doctor", "--invariants"]).await, Err(Failure::Told)));
    let found = std::sync::Mutex::new(String::new());
    let tell = |finding: &doctor::Finding| {
        found.lock().unwrap().push_str(&finding.line());
        Ok(())
    };
    doctor::invariants::examine(&site.settings(), &tell).await.unwrap();
    let found = found.into_inner().unwrap();
    let failed: Vec<&str> = found.lines().filter(|line| line.starts_with("fail")).collect();
    assert_eq!(failed.len(), 2, "{found}");
    assert!(failed[0].contains("accounts are named") && failed[0].contains("not 1: "), "{found}");
}

#[tokio::test]
async fn the_doctor_looks_at_a_new_and_at_a_used_site() {
    let site = Site::new("");
    let quiet = |_: &doctor::Finding| Ok(());
    let healths = |found: Vec<doctor::Finding>| format!("{found:?}");
    let new = healths(doctor::examine(&site.settings(), &Extensions::default(), &quiet).await.unwrap());
    assert!(new.contains("there is none yet") && !new.contains("Fail"), "{new}");
    site.run(&["migrate"]).await.unwrap();
    instance::open(Setup { file: Some(&site.file()), extensions: &Extensions::default() }).await.unwrap();
    let used = healths(doctor::examine(&site.settings(), &Extensions::default(), &quiet).await.unwrap());
    assert!(used.contains("wrote and read") && used.contains("the newest of"), "{used}");
    std::fs::remove_file(site.0.path().join("master.key")).unwrap();
    site.run(&["keys", "master", &site.0.path().join("master.key").display().to_string()]).await.unwrap();
    let other = site.run(&["doctor"]).await.unwrap_err();
    assert!(matches!(other, Failure::Told));
}

async fn simulated(more: &str, name: &str) -> String {
    let site = Site::new(more);
    let settings = site.settings();
    let flows: Flows = instance::understand(&settings, &Extensions::default()).unwrap().signin;
    let flow = flows.find(name).unwrap();
    let (text, arrived) = simulate::simulate(&settings, &Extensions::default(), flow, 1).await.unwrap();
    assert!(arrived, "{text}");
    let (again, _) = simulate::simulate(&settings, &Extensions::default(), flow, 1).await.unwrap();
    assert_eq!(text, again, "chance is seeded");
    text
}

#[tokio::test]
async fn every_built_in_flow_can_be_walked() {
    let text = simulated("", "phone+hardcode+passcode").await;
    assert!(text.contains("> POST /v1/signin") && text.contains("* sms to +12025550123"), "{text}");
    let text = simulated("", "email+password+passcode").await;
    assert!(text.contains("* email to maria@example.com") && text.contains("\"passcode\": \""), "{text}");
    let text = simulated("", "username+password").await;
    assert!(!text.contains("* email"), "{text}");
}

#[tokio::test]
async fn an_authenticator_is_added_after_sign_up() {
    let flows = r#"flows = [["email", "password", "passcode:email"], ["username", "password", "passcode:authenticator"]]"#;
    let text = simulated(flows, "username+password+passcode:authenticator").await;
    assert!(text.contains("adding an authenticator app"), "{text}");
}

#[tokio::test]
async fn an_address_that_is_confirmed_later_is_confirmed() {
    let more = "flows = [[\"email\", \"passcode\"]]\n[email]\nconfirm = \"after\"";
    let text = simulated(more, "email+passcode").await;
    assert!(text.contains("confirming the address"), "{text}");
}

#[tokio::test]
async fn a_dead_letter_is_listed_and_sent_again() {
    let site = Site::new("[email]\nconfirm = \"never\"");
    site.run(&["migrate"]).await.unwrap();
    let app =
        instance::open(Setup { file: Some(&site.file()), extensions: &Extensions::default() }).await.unwrap();
    let user =
        signed_up(&app, [("username", "maria-k".to_owned()), ("email", "maria@example.com".to_owned())])
            .await;
    let (account, _) = crate::auth::operator::show(&app, &user.as_str().into()).await.unwrap();
    let device = account.devices.iter().find(|device| device.kind == "email").unwrap();
    site.run(&["devices", "remove", &device.id]).await.unwrap();
    let letter =
        crate::store::deliveries::list(&mut app.store.read().await.unwrap(), "", 9).await.unwrap().remove(0);
    let failure = site.run(&["messages", "resend", &letter.id]).await.unwrap_err();
    assert!(failure.to_string().contains("did not fail"), "{failure}");
    let mut tx = app.store.begin().await.unwrap();
    let end =
        crate::store::outbox::End { state: "failed", problem: Some("no such mailbox"), ..Default::default() };
    crate::store::outbox::finish(&mut tx, &letter.id, &end, app.now()).await.unwrap().either_way();
    tx.commit().await.unwrap();
    site.run(&["messages", "list", "--state", "failed"]).await.unwrap();
    site.run(&["messages", "resend", "--all"]).await.unwrap();
    let again =
        crate::store::deliveries::by_id(&mut app.store.read().await.unwrap(), &letter.id).await.unwrap();
    assert_eq!(again.unwrap().state, "queued");
    assert!(
        site.run(&["messages", "resend", "nobody"]).await.unwrap_err().to_string().contains("no message")
    );
    site.run(&["messages", "stats", "--days", "7"]).await.unwrap();
}

#[test]
fn providers_that_do_less_than_they_seem_to_are_warned_of() {
    let verify = r#"{ kind = "twilio-verify", account_sid = "AC00000000000000000000000000000000", auth_token = "x", service = "VA00000000000000000000000000000000" }"#;
    let plain = r#"{ kind = "webhook", url = "https://sms.example.org", text = "{{ text }}" }"#;
    let report = |providers: &str| {
        let site = Site::new(&by_phone(&format!("[phone]\ncountries = [\"US\"]\nproviders = [{providers}]")));
        let loaded = crate::startup::settings(Some(&site.file()), std::iter::empty(), &Extensions::default());
        check::report(&loaded.unwrap_or_else(|found| panic!("{found:?}")), NOWHERE).unwrap()
    };
    assert!(report(verify).contains("all own their codes"));
    let both = report(&format!("{verify}, {plain}"));
    assert!(!both.contains("all own their codes"), "{both}");
}

#[tokio::test]
async fn profiles_that_fit_no_more_are_told_by_user_field_and_rule() {
    use crate::store::users;
    let site = Site::new("[user.fields.shoe]\ntype = \"integer\"\n");
    assert!(site.run(&["check", "--data"]).await.unwrap_err().to_string().contains("there is no database"));
    site.run(&["migrate"]).await.unwrap();
    let app =
        instance::open(Setup { file: Some(&site.file()), extensions: &Extensions::default() }).await.unwrap();
    let mut tx = app.store.begin().await.unwrap();
    for n in 0..501 {
        let profile = if n == 500 { r#"{"shoe":"forty-two","gone":1}"# } else { r#"{"shoe":42}"# };
        users::insert(&mut tx, &users::New::active(&format!("u{n:03}").into(), profile), 0).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut lines = String::new();
    let keep = |page: &str| {
        lines.push_str(page);
        Ok(())
    };
    let rules = crate::users::rules::ProfileRules::read(&site.settings().user);
    let rules = rules.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let found = check_data::look(&app.store, &rules, keep).await.unwrap();
    assert_eq!(
        (found, lines.as_str()),
        ((501, 1), "u500  profile.shoe  wrong_type\nu500  profile.gone  unknown_field\n")
    );
    assert!(matches!(site.run(&["check", "--data"]).await.unwrap_err(), Failure::Told));
    let mut tx = app.store.begin().await.unwrap();
    users::delete(&mut tx, &"u500".into()).await.unwrap().either_way();
    tx.commit().await.unwrap();
    site.run(&["check", "--data"]).await.unwrap();
}

/// Settings with an employee number that the operator gives.
const NUMBERED: &str = r#"flows = [["email", "password"], ["employee_no", "password"]]
[identifier.employee_no]
pattern = "E[0-9]{4}"
title = "Employee number"
example = "E1234"
case = "upper"
strip = " -"
given_by = "operator""#;

#[tokio::test]
async fn a_custom_identifier_is_a_word_of_flows_and_its_mistakes_have_a_place() {
    Site::new(NUMBERED).run(&["check"]).await.unwrap();
    let says = async |wrong: &str, right: &str, wanted: &str| {
        let site = Site::new(&NUMBERED.replace(right, wrong));
        let text = site.run(&["check"]).await.unwrap_err().to_string();
        assert!(text.contains(wanted), "{text}");
    };
    says(r#""e1234""#, r#""E[0-9]{4}""#, "multauth.toml:5: identifier.employee_no.example: must fit the")
        .await;
    says(r#""E[0-9""#, r#""E[0-9]{4}""#, "multauth.toml:3: identifier.employee_no.pattern: is no regular")
        .await;
    says(r#""title""#, r#""upper""#, "multauth.toml:6: identifier.employee_no.case").await;
    says(r#""E""#, r#"" -""#, "multauth.toml:7: identifier.employee_no.strip: must be signs").await;
    says(
        "[identifier.passcode]",
        "[identifier.employee_no]",
        "identifier.passcode: \"passcode\" is a built-in",
    )
    .await;
    says(
        "[identifier.label]",
        "[identifier.employee_no]",
        "identifier.label: \"label\" is a field of the API",
    )
    .await;
    says(
        "",
        r#"["email", "password"], "#,
        "multauth.toml:1: flows: every flow begins with what the operator",
    )
    .await;
}

#[tokio::test]
async fn an_operator_gives_an_identifier_by_command() {
    let site = Site::new(NUMBERED);
    site.run(&["migrate"]).await.unwrap();
    let app =
        instance::open(Setup { file: Some(&site.file()), extensions: &Extensions::default() }).await.unwrap();
    let mut tx = app.store.begin().await.unwrap();
    let user = app.random.uuid();
    crate::store::users::insert(
        &mut tx,
        &crate::store::users::New::active(&user.as_str().into(), "{}"),
        app.now(),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let give = async |kind: &str, value: &str| {
        site.run(&["devices", "add", &user, "--kind", kind, "--value", value]).await
    };
    give("employee_no", "e-12 34").await.unwrap();
    let owner =
        crate::store::devices::owner(&mut app.store.read().await.unwrap(), "employee_no", "E1234").await;
    assert_eq!(owner.unwrap().unwrap().user_id, user);
    let text = give("employee_no", "1234").await.unwrap_err().to_string();
    assert!(text.contains("must look like E1234; the rule is E[0-9]{4}"), "{text}");
    let text = give("emplyee_no", "E1234").await.unwrap_err().to_string();
    assert!(text.contains("username, email, phone, employee_no"), "{text}");
}

#[tokio::test]
async fn a_flow_by_what_the_operator_gives_is_simulated() {
    let site = Site::new(NUMBERED);
    let settings = site.settings();
    let flows: Flows = instance::understand(&settings, &Extensions::default()).unwrap().signin;
    let flow = flows.find("employee_no+password").unwrap();
    let (text, arrived) = simulate::simulate(&settings, &Extensions::default(), flow, 1).await.unwrap();
    assert!(arrived && text.contains("devices add") && text.contains("E1234"), "{text}");
}

/// A webhook's section; nobody listens there.
const WEBHOOK: &str = "[webhooks.crm]\nurl = \"http://127.0.0.1:9/hook?token=t0p\"\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n";

#[tokio::test]
async fn mistakes_of_webhooks_are_told_with_their_places() {
    let more = "[webhooks.Crm]\nurl = \"https://127.1/\"\nevents = [\"user.creatd\"]\ntimeout = \"2m\"\n\
                [webhooks.b]\nurl = \"https://example.com\"\nsecret = \"hunter2\"\nevents = []\n\
                [webhooks.c]\nurl = \"nowhere\"\n[outbound]\nnetworks = []";
    let text =
        Site::new(&format!("mode = \"production\"\n{more}")).run(&["check"]).await.unwrap_err().to_string();
    for line in [
        ":2: webhooks.Crm: the name must be",
        ":3: webhooks.Crm.url: names a private address",
        ":4: webhooks.Crm.events: there is no event \"user.creatd\"; did you mean `user.created`?",
        ":5: webhooks.Crm.timeout: has to be between 1s and 60s",
        ":8: webhooks.b.secret: must be \"whsec_\" and base64",
        ":9: webhooks.b.events: names no event",
        ":11: webhooks.c.url: must be a URL such as",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("hunter2"));
}

#[tokio::test]
async fn webhooks_are_checked_listed_and_examined() {
    let site = Site::new(WEBHOOK);
    let loaded = crate::startup::settings(
        Some(&site.file()),
        std::iter::empty(),
        &crate::extensions::Extensions::default(),
    )
    .unwrap();
    let text = check::report(&loaded, NOWHERE).unwrap();
    assert!(text.contains("webhook    crm at http://127.0.0.1:9: *\n"), "{text}");
    assert!(text.contains("webhooks.crm.url: is not encrypted") && !text.contains("t0p"), "{text}");

    site.run(&["migrate"]).await.unwrap();
    for words in [&["webhooks", "list"][..], &["webhooks", "list", "--json"], &["webhooks", "deliveries"]] {
        site.run(words).await.unwrap();
    }
    site.run(&["webhooks", "replay", "--webhook", "crm", "--since", "2h"]).await.unwrap();
    site.run(&["webhooks", "replay", "--webhook", "crm", "--failed"]).await.unwrap();
    for wrong in [
        &["webhooks", "replay", "--webhook", "cmr", "--since", "2h"][..],
        &["webhooks", "replay", "--webhook", "crm", "--since", "soon"],
        &["webhooks", "ping", "cmr"],
    ] {
        assert!(matches!(site.run(wrong).await, Err(Failure::Argument(_))), "{wrong:?}");
    }
    assert!(site.run(&["webhooks", "replay", "none"]).await.is_err());
    let failure = site.run(&["webhooks", "ping", "crm"]).await.unwrap_err().to_string();
    assert!(failure.contains("127.0.0.1:9 cannot be reached"), "{failure}");
    for wrong in [&["replay"][..], &["replay", "--webhook", "crm"], &["replay", "--failed"]] {
        let words = ["multauth", "webhooks"].iter().chain(wrong);
        assert!(Args::try_parse_from(words).is_err(), "{wrong:?}");
    }

    let findings = doctor::examine(&site.settings(), &Extensions::default(), &|_| Ok(())).await.unwrap();
    let found = format!("{findings:?}");
    assert!(found.contains("webhook crm") && found.contains("events wait for it"), "{found}");
}
