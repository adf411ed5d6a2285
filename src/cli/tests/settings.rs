//! `check`: mistakes with their places, warnings, and what is kept that fits no more.

use super::{NOWHERE, NUMBERED, Site};
use crate::cli::{Failure, Setup, check, check_data, instance};
use crate::extensions::Extensions;

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
