//! The operator's own templates.

use std::path::Path;

use super::*;
use crate::messages::texts::BUILT_IN;

/// A folder with these files, and what a catalogue with it says of them.
fn with(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Catalogue, Vec<String>>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let public_url = "https://id.example.com/".parse().unwrap();
    let sender = Sender { service: "Acme".into(), public_url, contact: None };
    let prefix = format!("{}/", folder.path().display());
    let read = Catalogue::read(sender, "en", Some(folder.path()));
    let read = read.map_err(|e| e.flaws.iter().map(|f| f.to_string().replace(&prefix, "")).collect());
    (folder, read)
}

/// How a layout shows what was added lately.
const LATELY: &str =
    "{% for one in recent %}{{ one.link or one.said }}{{ one.code or one.since }}{% endfor %}";
const OWN: &str =
    "[subject]\nHallo\n[lead]\nBei {{ service }}\n[objection]\nNein\n[short]\n{{ code }} von {{ service }}\n";

#[test]
fn the_operators_template_takes_the_place_of_one_message_in_one_language() {
    let (_folder, read) = with(&[
        ("de/signin_code.txt", OWN),
        (".git/x", ""),
        (
            "layout.txt",
            &format!(
                "{{{{ lead }}}}{{% if undo %}}{{{{ link }}}}{{% endif %}}{{% if code %}}: {{{{ code }}}}{{% endif %}}{LATELY}"
            ),
        ),
    ]);
    let catalogue = read.unwrap();
    let said = |tag: &str, kind: Kind, channel| {
        let said =
            catalogue.render(kind, channel, &catalogue.language([tag]), &Context::sample(kind)).unwrap();
        said.text.expose().to_owned()
    };
    assert_eq!(said("de", Kind::SigninCode, Channel::Whatsapp), "305118 von Acme");
    assert_eq!(said("de", Kind::SigninCode, Channel::Email), "Bei Acme: 305118");
    assert!(said("de", Kind::SignupCode, Channel::Whatsapp).contains("zur Registrierung"));
    assert!(said("en", Kind::SigninCode, Channel::Whatsapp).contains("is your code"));
}

#[test]
fn a_whole_folder_adds_a_language() {
    let english = BUILT_IN[0].1;
    let files: Vec<(String, &str)> =
        english.iter().map(|(name, text)| (format!("pt-BR/{name}.txt"), *text)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let catalogue = with(&files).1.unwrap();
    assert_eq!(catalogue.languages().count(), 8);
    assert_eq!(catalogue.language(["pt-br-x-a"]).tag(), "pt-BR");
    let absent = with(&files[1..]).1.unwrap_err();
    assert_eq!(absent, ["pt-BR/words.txt: is missing: a language of your own needs every file"]);
}

#[test]
fn every_flaw_of_the_operators_templates_is_told_with_its_line() {
    let large = "x".repeat(70_000);
    let files: &[(&str, &str, &str)] = &[
        ("de/card.txt", OWN, "card.txt: is the text of nothing; there are"),
        (
            "de/signin_code.txt",
            &OWN.replace("Bei", "{{ user }}"),
            "signin_code.txt:4: [lead] there is no \"user\"",
        ),
        (
            "de/signup_code.txt",
            &OWN.replace("[short]", "[sms]"),
            "signup_code.txt: no section is called [sms]",
        ),
        (
            "de/reauth_code.txt",
            &OWN.replace("[objection]\nNein\n", ""),
            "reauth_code.txt: [objection] is missing",
        ),
        ("es/signin_code.txt", &OWN.replace("Bei {{", "a\n{{ %"), "signin_code.txt:5: [lead] syntax error"),
        ("es/device_code.txt", &large, "device_code.txt: must be a file of at most 65536 bytes"),
        ("logo.png", "", "logo.png: is neither a folder named by a language tag"),
        ("layout.html", "{{ nothing }}", "layout.html:1: there is no \"nothing\""),
    ];
    let written: Vec<(&str, &str)> = files.iter().map(|(name, text, _)| (*name, *text)).collect();
    let flaws = with(&written).1.unwrap_err();
    for (.., flaw) in files {
        assert!(flaws.iter().any(|told| told.contains(flaw)), "{flaw} in {flaws:#?}");
    }
    let missing = |file: &str, text: &str| with(&[(file, text)]).1.unwrap_err().join("\n");
    assert_eq!(missing("de/signin_code.txt", ""), "de/signin_code.txt: [subject] is missing or empty");
    assert_eq!(missing("pt/words.txt", "[x]").lines().count(), 1);
}

#[test]
fn what_would_fail_only_for_some_people_fails_at_the_start() {
    let told = |file: &str, text: &str| with(&[(file, text)]).1.unwrap_err().join("\n");
    let absent = told("de/device_added.txt", &OWN.replace("{{ code }}", "{{ place }}"));
    assert!(
        absent.starts_with("de/device_added.txt:8: [short] prints a value that is not always there"),
        "{absent}"
    );
    let mute = told("fa/signin_code.txt", &OWN.replace("{{ code }}", ""));
    assert_eq!(mute, "fa/signin_code.txt:8: [short] must show the code: {{ code }}");
    let mute = told("layout.html", "{{ lead }}");
    assert!(
        mute.contains("layout.html: must show the code") && mute.contains("must show the link"),
        "{mute}"
    );
    // What takes a change back is shown whole, or told.
    for (layout, flaws) in [
        (
            "{{ code or lead }}",
            &["the link of an undo", "the link of each in recent", "the code of each in recent"][..],
        ),
        ("{% if undo %}{{ link }}{% elif code %}{{ code }}{% endif %}{LATELY}", &["the code of an undo"]),
    ] {
        for file in ["layout.txt", "layout.html"] {
            let told = told(file, &layout.replace("{LATELY}", LATELY));
            assert_eq!(told.lines().count(), flaws.len(), "{told}");
            assert!(flaws.iter().all(|flaw| told.contains(flaw)), "{told}");
        }
    }
    let half = told("de/device_added.txt", &OWN.replace("{{ code }}", "{% if undo %}{{ link }}{% endif %}"));
    assert_eq!(half, "de/device_added.txt:8: [short] must show the code of an undo: {{ code }}");
    let always = told("de/device_added.txt", &OWN.replace("{{ code }}", "{{ link }} {{ code }}"));
    assert!(always.contains("[short] prints a value that is not always there"), "{always}");
    let lately = OWN.replace("{{ code }}", "{% for one in recent %}{{ one.device }}{% endfor %}");
    let lately = told("de/recovery_done.txt", &lately);
    assert!(lately.contains("[short] prints a value that is not always there"), "{lately}");
    let branch =
        told("de/signin_code.txt", &OWN.replace("Bei", "{% if minutes > 9999 %}{{ nobody }}{% endif %}"));
    assert_eq!(
        branch.lines().next().unwrap().split(';').next(),
        Some("de/signin_code.txt:4: [lead] there is no \"nobody\"")
    );
    let words = BUILT_IN[1].1[0].1;
    let words = told("de/words.txt", &words.replace("Januar ", "").replace("\nltr\n", "\nright\n"));
    assert!(words.contains("words.txt:2: [direction] must be ltr or rtl"), "{words}");
    assert!(words.contains("[months] must be twelve names"), "{words}");
}

#[test]
fn a_fallback_that_is_no_language_is_told() {
    let public_url = "https://id.example.com/".parse().unwrap();
    let sender = Sender { service: String::new(), public_url, contact: None };
    let told = Catalogue::read(sender.clone(), "tlh", Some(Path::new("/nowhere/at/all"))).unwrap_err();
    assert!(told.language.as_deref().unwrap().contains("\"tlh\" is no language"), "{told}");
    assert!(told.to_string().contains("/nowhere/at/all: cannot be read"), "{told}");
    let catalogue = Catalogue::read(sender, "DE", None).unwrap();
    assert_eq!(catalogue.language(["tlh", "*"]).tag(), "de");
    assert_eq!(catalogue.language(["tlh", "pl-PL", "fr"]).tag(), "pl");
}
