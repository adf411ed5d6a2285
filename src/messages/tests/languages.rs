//! What holds of every language.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::messages::texts::{BUILT_IN, names};

/// The kinds whose every language has a snapshot: a code, and all that differs from one message to the next.
const SHOWN: [Kind; 9] = [
    Kind::SigninCode,
    Kind::DeviceReplaced,
    Kind::DeviceAdded,
    Kind::DeviceRemoved,
    Kind::DeviceChanged,
    Kind::RecoveryCodesMade,
    Kind::RecoveryDone,
    Kind::ChangeUndone,
    Kind::AccountReset,
];

#[test]
fn every_language_says_what_its_snapshot_says() {
    let catalogue = catalogue("Acme");
    for language in catalogue.languages().filter(|language| *language != catalogue.fallback()) {
        let of = |kind, channel| catalogue.render(kind, channel, language, &Context::sample(kind)).unwrap();
        let mut said = String::new();
        for kind in SHOWN {
            for (channel, (what, about)) in
                [Channel::Email, Channel::Sms].iter().flat_map(|c| told(kind).map(move |told| (c, told)))
            {
                let rendered = catalogue.render(kind, *channel, language, &about).unwrap();
                said += &format!("==== {kind} {channel}{what}\n{}\n", plain(&rendered));
            }
        }
        snapshot(&format!("{language}.txt"), &said);
        for (kind, name) in
            [(Kind::SigninCode, ""), (Kind::DeviceAdded, "-undo"), (Kind::RecoveryDone, "-recent")]
        {
            let html = of(kind, Channel::Email).html.unwrap();
            snapshot(&format!("{language}{name}.html"), html.expose());
        }
    }
}

/// The names that a template prints or asks for.
fn named(text: &Text) -> BTreeSet<String> {
    let templates = load::environment();
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
        for kind in Kind::ALL.iter().filter(|kind| kind.carries_code()) {
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
    let codes = [Kind::SigninCode, Kind::DeviceAdded, Kind::RecoveryCodesMade];
    for (language, kind) in catalogue.languages().flat_map(|language| codes.map(|kind| (language, kind))) {
        let said = catalogue.render(kind, Channel::Email, language, &Context::sample(kind)).unwrap();
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
fn no_message_of_any_kind_has_a_mark_of_direction_or_a_joining_mark_in_its_subject() {
    let catalogue = catalogue("Acme");
    let marks =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    for (language, kind) in catalogue.languages().flat_map(|l| Kind::ALL.iter().map(move |kind| (l, *kind))) {
        for (channel, (_, about)) in Channel::ALL.iter().flat_map(|c| told(kind).map(move |told| (c, told))) {
            let said = catalogue.render(kind, *channel, language, &about).unwrap();
            assert!(!said.text.expose().contains(marks), "{language} {kind}: {}", said.text.expose());
            let subject = said.subject.unwrap_or_default();
            assert_eq!(clean::line(&subject), subject, "{language} {kind}");
        }
    }
}

#[test]
fn an_undo_is_shown_as_a_link_and_a_code_and_without_one_there_is_neither() {
    let catalogue = catalogue("Acme");
    let undos = Kind::ALL.iter().copied().filter(|kind| kind.may_be_undone());
    for (kind, language) in undos.flat_map(|kind| catalogue.languages().map(move |l| (kind, l))) {
        let with = Context { code: Some(undo("305118")), ..Context::sample(kind) };
        let without = Context { code: None, ..with.clone() };
        let say = |channel, about: &Context| catalogue.render(kind, channel, language, about).unwrap();
        let shown = |said: &str| [said.contains("VxA"), said.contains("305118")];
        for channel in Channel::ALL {
            let (said, plain) = (say(*channel, &with), say(*channel, &without));
            // A voice reads out neither: nobody writes a link down.
            let spoken = *channel == Channel::Call;
            assert_eq!(shown(said.text.expose()), [!spoken; 2], "{language} {kind} {channel}");
            assert_eq!(shown(plain.text.expose()), [false; 2], "{language} {kind} {channel}");
            assert_eq!(said == plain, spoken, "{language} {kind} {channel}");
            for html in said.html.iter() {
                assert_eq!(shown(html.expose()), [true; 2]);
                assert!(html.expose().contains("<bdi dir=\"ltr\">305118</bdi></p>"), "{}", html.expose());
            }
            assert!(plain.html.is_none_or(|html| shown(html.expose()) == [false; 2]));
        }
        let mail = say(Channel::Email, &with);
        let indented: Vec<&str> =
            mail.text.expose().lines().filter(|line| line.starts_with("    ")).collect();
        assert_eq!(indented, ["    305118"], "{language} {kind}");
    }
}

#[test]
fn an_undo_as_a_text_message_is_not_bound_to_the_origin_and_is_two_messages_at_most() {
    let catalogue = catalogue("Acme");
    let undos = Kind::ALL.iter().copied().filter(|kind| kind.may_be_undone());
    for (kind, language) in undos.flat_map(|kind| catalogue.languages().map(move |l| (kind, l))) {
        for code in ["305118", "ABCDEFGHJKMNP"] {
            let about = Context { code: Some(undo(code)), ..Context::sample(kind) };
            let said = catalogue.render(kind, Channel::Sms, language, &about).unwrap();
            let text = said.text.expose();
            assert!(origin_bound(text).is_none() && !text.contains('\n'), "{language} {kind}: {text}");
            assert!(text.ends_with(code) && !text.starts_with(code), "{language} {kind}: {text}");
            let most = if code.len() == 6 { 2 } else { 3 };
            assert!(segments(text) <= most, "{language} {kind}: {} messages: {text}", segments(text));
        }
    }
}

#[test]
fn what_was_added_lately_is_told_with_its_own_undo_where_it_has_one() {
    let catalogue = catalogue("Acme");
    let about = Context::sample(Kind::RecoveryDone);
    for language in catalogue.languages() {
        let say = |channel, about: &Context| {
            catalogue.render(Kind::RecoveryDone, channel, language, about).unwrap()
        };
        let said = say(Channel::Email, &about);
        let text = said.text.expose();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("- ")).collect();
        let [one, other] = lines[..] else { panic!("{text}") };
        assert!(one.contains("b•••@example.org") && one.ends_with(" 914402)"), "{text}");
        assert!(one.contains(" https://id.example.com/confirm/9Qm2tVx ("), "{text}");
        assert!(!other.contains("://") && !other.ends_with(')'), "{text}");
        assert!(text.lines().all(|line| !line.starts_with(' ')), "no code stands alone: {text}");
        let html = said.html.unwrap();
        assert!(
            html.expose().contains("<bdi dir=\"ltr\"><strong>914402</strong></bdi>"),
            "{}",
            html.expose()
        );
        let none = Context { recent: Vec::new(), ..about.clone() };
        assert!(!say(Channel::Email, &none).text.expose().lines().any(|line| line.starts_with("- ")));
        for channel in Channel::PHONE {
            let (some, none) = (say(*channel, &about), say(*channel, &none));
            assert!(!some.text.expose().contains("914402") && !some.text.expose().contains("://"));
            assert!(some.text.expose().len() > none.text.expose().len(), "{language} {channel}");
        }
        let kept = Context { codes_gone: false, ..about.clone() };
        assert!(say(Channel::Email, &kept).text.expose().len() < text.len(), "{language}");
    }
}

#[test]
fn addresses_that_could_not_come_back_are_named() {
    let catalogue = catalogue("Acme");
    let about = Context::sample(Kind::ChangeUndone);
    for language in catalogue.languages() {
        let said = catalogue.render(Kind::ChangeUndone, Channel::Email, language, &about).unwrap();
        for part in [said.text.expose(), said.html.as_ref().unwrap().expose()] {
            assert!(part.contains("b•••@example.org") && part.contains("+•••67"), "{language}: {part}");
        }
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
        let code = Code { code: "1".into(), key: None, lifetime: minutes * clock::MINUTE, leads_on: false };
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
