//! What holds of every language.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::messages::texts::{BUILT_IN, names};

#[test]
fn every_language_says_what_its_snapshot_says() {
    let catalogue = catalogue("Acme");
    for language in catalogue.languages().filter(|language| *language != catalogue.fallback()) {
        let of = |kind, channel| catalogue.render(kind, channel, language, &Context::sample(kind)).unwrap();
        let mut said = String::new();
        for kind in [Kind::SigninCode, Kind::DeviceReplaced, Kind::DeviceAdded] {
            for channel in [Channel::Email, Channel::Sms] {
                said += &format!("==== {kind} {channel}\n{}\n", plain(&of(kind, channel)));
            }
        }
        snapshot(&format!("{language}.txt"), &said);
        let html = of(Kind::SigninCode, Channel::Email).html.unwrap();
        snapshot(&format!("{language}.html"), html.expose());
    }
}

/// The names that a template prints or asks for.
fn named(text: &Text) -> BTreeSet<String> {
    let templates = environment();
    let template = templates.template_from_named_str(&text.name, &text.source).unwrap();
    template.undeclared_variables(false).into_iter().collect()
}

#[test]
fn every_language_has_every_text_with_the_variables_of_the_english_one() {
    let catalogue = catalogue("Acme");
    let (english, others) = catalogue.texts.split_first().unwrap();
    assert_eq!((english.language.tag(), others.len()), ("en", 6));
    for texts in others {
        assert!(texts.missing().is_empty(), "{}", texts.language);
        for (file, section, text) in english.all() {
            let theirs = texts.text(file, section).unwrap();
            // Their order may be the English one; the names of the months are not.
            if !["direction", "moment"].contains(&section) {
                assert_ne!(theirs.source, text.source, "{} is not translated", theirs.name);
            }
            // A language whose plurals do not hang on the number, or which writes the device apart, asks for no more.
            let wanted = if section == "device" { BTreeSet::new() } else { named(text) };
            let absent: Vec<_> = wanted.difference(&named(theirs)).cloned().collect();
            assert!(absent.is_empty(), "{} lacks {absent:?}", theirs.name);
        }
    }
}

#[test]
fn a_warning_not_to_tell_the_code_is_in_every_message_with_one() {
    // "nobody" in each language, by the code that is sent and in the words of its mails.
    let nobody = [
        ("en", "Never tell anyone"),
        ("de", "niemandem"),
        ("es", "nadie"),
        ("fr", "personne"),
        ("pl", "komu"),
        ("fa", "هیچ‌کس"),
        ("zh", "切勿"),
    ];
    let catalogue = catalogue("Acme");
    for (tag, word) in nobody {
        for kind in Kind::ALL.iter().filter(|kind| kind.carries_code() && !kind.is_undo()) {
            for channel in Channel::ALL {
                let language = catalogue.language([tag]);
                let said = catalogue.render(*kind, *channel, &language, &Context::sample(*kind)).unwrap();
                assert!(said.text.expose().contains(word), "{tag} {kind} {channel}: {}", said.text.expose());
            }
        }
    }
}

#[test]
fn a_language_from_right_to_left_keeps_codes_and_links_from_left_to_right() {
    let catalogue = catalogue("Acme");
    for language in catalogue.languages() {
        let said =
            catalogue.render(Kind::SigninCode, Channel::Email, language, &Context::sample(Kind::SigninCode));
        let said = said.unwrap();
        let (html, text) = (said.html.unwrap(), said.text);
        let direction = if language.tag() == "fa" { "rtl" } else { "ltr" };
        let root = format!("<html lang=\"{language}\" dir=\"{direction}\">");
        assert!(html.expose().contains(&root), "{}", html.expose());
        assert!(html.expose().contains("<bdi dir=\"ltr\">305118</bdi>"), "{}", html.expose());
        assert!(html.expose().contains("rel=\"noreferrer\" dir=\"ltr\">"), "{}", html.expose());
        // No mark of direction in what is copied.
        let marks = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!text.expose().contains(marks), "{}", text.expose());
        assert!(text.expose().lines().any(|line| line == "    305118"), "{}", text.expose());
        // The mail's header is made a line once more, which would take joining marks out of words.
        let subject = said.subject.unwrap();
        assert_eq!(clean::line(&subject), subject);
    }
}

#[test]
fn a_device_without_an_address_has_a_name_in_every_language() {
    let catalogue = catalogue("Acme");
    let about = Context { device_kind: Some("authenticator"), ..Context::default() };
    for (tag, name) in
        [("de", "Authenticator-App"), ("pl", "Aplikacja uwierzytelniająca"), ("en", "Authenticator app")]
    {
        let language = catalogue.language([tag]);
        let said = catalogue.render(Kind::DeviceAdded, Channel::Email, &language, &about).unwrap();
        assert_eq!(said.text.expose().matches(name).count(), 2, "{}", said.text.expose());
    }
}

#[test]
fn times_and_moments_are_right_in_every_language() {
    let catalogue = catalogue("Acme");
    let said = |tag: &str, minutes: i64| {
        let code = Code { code: "1".into(), key: None, lifetime: minutes * clock::MINUTE };
        let about = Context { at: 1_775_001_600_000, code: Some(code), ..Context::default() };
        let language = catalogue.language([tag]);
        let said = catalogue.render(Kind::SigninCode, Channel::Email, &language, &about).unwrap();
        said.text.expose().to_owned()
    };
    for (tag, moment, one, ten, day) in [
        ("en", "1 April 2026, 00:00 UTC", "1 minute.", "10 minutes.", "24 hours."),
        ("de", "1. April 2026, 00:00 Uhr (UTC)", "1 Minute lang.", "10 Minuten lang.", "24 Stunden lang."),
        ("es", "1 de abril de 2026, 00:00 UTC", "1 minuto.", "10 minutos.", "24 horas."),
        ("fr", "1er avril 2026, 00:00 UTC", "1 minute.", "10 minutes.", "24 heures."),
        ("pl", "1 kwietnia 2026, 00:00 UTC", "1 min", "10 min", "24 godz."),
        ("fa", "1 آوریل 2026، ساعت 00:00 به وقت UTC", "1 دقیقه", "10 دقیقه", "24 ساعت"),
        ("zh", "2026年4月1日 00:00（UTC）", "1 分钟内", "10 分钟内", "24 小时内"),
    ] {
        for (minutes, lifetime) in [(1, one), (10, ten), (1_440, day)] {
            let said = said(tag, minutes);
            assert!(said.contains(moment) && said.contains(lifetime), "{tag} {minutes}: {said}");
        }
    }
}

#[test]
fn every_file_is_embedded_and_nothing_else_lies_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/messages/templates");
    let listed = |path: &Path| -> BTreeSet<String> {
        let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap()).collect()
    };
    let tags = BUILT_IN.iter().map(|(tag, _)| (*tag).to_owned());
    let expected: BTreeSet<String> = tags.chain(["layout.txt".into(), "layout.html".into()]).collect();
    assert_eq!(listed(&folder), expected);
    let files: BTreeSet<String> = names().map(|name| format!("{name}.txt")).collect();
    BUILT_IN.iter().for_each(|(tag, _)| assert_eq!(listed(&folder.join(tag)), files, "{tag}"));
}
