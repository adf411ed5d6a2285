use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::messages::{load, segments};

mod languages;
mod own;

const HOSTILE: &str = "{{7*7}} ${7*7} <%=7*7%> #{7*7} {% include 'layout.txt' %}";

fn catalogue(service: &str) -> Catalogue {
    let public_url = "https://id.example.com/".parse().unwrap();
    Catalogue::load(Sender { service: service.into(), public_url, contact: Some("+48 123 456".into()) })
        .unwrap()
}

/// What a catalogue says in English.
fn english(
    catalogue: &Catalogue,
    kind: Kind,
    channel: Channel,
    about: &Context,
) -> Result<Rendered, RenderError> {
    catalogue.render(kind, channel, &catalogue.language(["en"]), about)
}

/// A message as one text: what it says, without the markup.
fn plain(rendered: &Rendered) -> String {
    let subject = rendered.subject.as_deref().map(|s| format!("Subject: {s}\n\n")).unwrap_or_default();
    format!("{subject}{}", rendered.text.expose())
}

/// Steps of "parse an origin-bound one-time code message" (WICG); host and code.
fn origin_bound(message: &str) -> Option<(&str, &str)> {
    fn token<'a>(line: &mut &'a str, marker: char) -> Option<&'a str> {
        let rest = line.strip_prefix(marker)?;
        let (token, after) =
            rest.split_at(rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len()));
        *line = after;
        (!token.is_empty()).then_some(token)
    }
    let mut line = message.rsplit('\n').next()?;
    let host = token(&mut line, '@')?;
    line = line.strip_prefix(' ')?;
    Some((host, token(&mut line, '#')?)).filter(|_| line.is_empty())
}

#[test]
fn every_kind_says_what_its_snapshot_says() {
    let catalogue = catalogue("Acme");
    for kind in Kind::ALL {
        let mut said = String::new();
        for (channel, (what, about)) in Channel::ALL.iter().flat_map(|c| told(*kind).map(move |t| (c, t))) {
            let rendered = english(&catalogue, *kind, *channel, &about).unwrap();
            said += &format!("==== {channel}{what}\n{}\n", plain(&rendered));
            let shown = [Kind::DeviceCode, Kind::PasswordChanged, Kind::DeviceAdded, Kind::RecoveryDone]
                .contains(kind);
            if let Some(html) = rendered.html.filter(|_| shown && what.is_empty()) {
                snapshot(&format!("{kind}.html"), html.expose());
            }
        }
        snapshot(&format!("{kind}.txt"), &said);
    }
}

/// What a kind tells: all that it can, and the same without what is not always there.
fn told(kind: Kind) -> impl Iterator<Item = (&'static str, Context)> {
    let full = Context::sample(kind);
    let code = full.code.clone().filter(|_| kind.carries_code());
    let less = Context { code, recent: Vec::new(), codes_gone: false, lost: Vec::new(), ..full.clone() };
    let differs = [Kind::RecoveryDone, Kind::ChangeUndone].contains(&kind) || kind.may_be_undone();
    std::iter::once(("", full)).chain(differs.then_some((" with less", less)))
}

/// An undo as it is sent: with a key of 256 bits.
fn undo(code: &str) -> Code {
    let key = "4Zb0kEo9Qm2tVx4Zb0kEo9Qm2tVx4Zb0kEo9Qm2tVxA";
    Code { code: code.into(), key: Some(key.into()), lifetime: 3 * clock::DAY, leads_on: false }
}

/// Compares with the committed file; `UPDATE=1` writes it anew.
fn snapshot(name: &str, said: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/messages/snapshots").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, said).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(said, kept, "{name} differs; UPDATE=1 writes it anew");
}

#[test]
fn a_context_with_nothing_optional_in_it_renders_everywhere() {
    let catalogue = catalogue("Acme");
    for kind in Kind::ALL {
        let code = Code { code: "1234".into(), key: None, lifetime: 1, leads_on: false };
        let bare = Context { code: kind.carries_code().then_some(code), ..Context::default() };
        for (channel, language) in Channel::ALL.iter().flat_map(|c| catalogue.languages().map(|l| (*c, l))) {
            let said = plain(&catalogue.render(*kind, channel, language, &bare).unwrap());
            assert!(!said.contains("none") && !said.contains("Account:"), "{kind} {channel}: {said}");
        }
    }
}

#[test]
fn a_text_message_begins_with_the_code_ends_with_the_origin_bound_one_and_is_short() {
    let catalogue = catalogue("Acme");
    for (kind, language) in Kind::ALL.iter().flat_map(|kind| catalogue.languages().map(move |l| (*kind, l))) {
        let rendered = catalogue.render(kind, Channel::Sms, language, &Context::sample(kind)).unwrap();
        let text = rendered.text.expose();
        let shown = kind.carries_code();
        let expected = shown.then_some(("id.example.com", "305118"));
        assert_eq!(origin_bound(text), expected, "{kind}: {text}");
        assert_eq!(text.starts_with("305118 "), shown, "{language} {kind}: {text}");
        // One where all letters are in the alphabet of phones, which half the languages cannot keep to.
        let most = if ["en"].contains(&language.tag()) { 1 } else { 2 };
        assert!(segments(text) <= most, "{language} {kind}: {} messages: {text}", segments(text));
        let codes = shown && ["en", "de", "es", "fr", "pl"].contains(&language.tag());
        assert!(!codes || segments(text) == 1 || kind == Kind::DeviceCode, "{language} {kind}: {text}");
    }
}

#[test]
fn a_code_is_in_no_subject_and_an_email_warns_and_says_when_and_where() {
    let catalogue = catalogue("Acme");
    for kind in Kind::ALL {
        let said = english(&catalogue, *kind, Channel::Email, &Context::sample(*kind)).unwrap();
        let (subject, html) = (said.subject.as_deref().unwrap(), said.html.as_ref().unwrap().expose());
        assert!(!subject.contains("305118") && subject.contains("Acme"), "{subject}");
        for part in [said.text.expose(), html] {
            assert!(part.contains("1 March 2026, 10:00 UTC") && part.contains("192.0.2.0"), "{part}");
            assert_eq!(part.contains("Never tell anyone"), kind.carries_code(), "{part}");
            let code = kind.carries_code() || kind.may_be_undone();
            assert_eq!(part.contains("305118"), code, "{part}");
        }
        let links = said.text.expose().matches("://").count();
        let codes = ["305118", "914402"].iter().filter(|code| said.text.expose().contains(**code)).count();
        assert_eq!(links, codes, "{kind}: only a code comes with a link");
    }
}

#[test]
fn text_from_outside_is_never_a_template() {
    let catalogue = catalogue(HOSTILE);
    for (kind, language) in Kind::ALL.iter().flat_map(|kind| catalogue.languages().map(move |l| (kind, l))) {
        let about = Context { place: Some(HOSTILE.into()), ..Context::sample(*kind) };
        let said = catalogue.render(*kind, Channel::Email, language, &about).unwrap();
        assert!(said.subject.unwrap().contains("{{7*7}}"));
        assert!(said.text.expose().contains(HOSTILE) && !said.text.expose().contains("49"));
        let html = said.html.unwrap();
        assert!(html.expose().contains("{{7*7}}") && html.expose().contains("&lt;%=7*7%&gt;"));
        assert!(!html.expose().contains("<%"));
    }
}

#[test]
fn who_has_proven_nothing_sees_no_name_that_somebody_chose() {
    let catalogue = catalogue("Acme");
    let name = Some("win-a-car.example".to_owned());
    for kind in Kind::ALL.iter().filter(|kind| kind.to_unconfirmed()) {
        let about = Context { account: name.clone(), device: name.clone(), ..Context::sample(*kind) };
        for channel in Channel::ALL {
            let said = plain(&english(&catalogue, *kind, *channel, &about).unwrap());
            assert!(!said.contains("win-a-car"), "{kind} {channel}: {said}");
        }
    }
}

#[test]
fn adding_an_address_names_who_asked() {
    let about = Context { account: Some("maria@example.org".into()), ..Context::sample(Kind::DeviceCode) };
    let said = english(&catalogue("Acme"), Kind::DeviceCode, Channel::Email, &about).unwrap();
    assert!(said.text.expose().contains("the account m•••@example.org at Acme asked to add"));
}

#[test]
fn a_code_that_is_missing_too_many_or_malformed_is_refused() {
    let catalogue = catalogue("Acme");
    let with = |code: &str, key: &str| {
        let code = Code { code: code.into(), key: Some(key.into()), lifetime: 1, leads_on: false };
        Context { code: Some(code), ..Context::default() }
    };
    let render = |kind, about: &Context| english(&catalogue, kind, Channel::Sms, about);
    assert!(matches!(render(Kind::SigninCode, &Context::default()), Err(RenderError::Code(_))));
    for kind in Kind::ALL.iter().filter(|kind| !kind.carries_code()) {
        assert!(render(*kind, &Context::default()).is_ok(), "{kind}");
        let refused = matches!(render(*kind, &with("1", "k")), Err(RenderError::Code(_)));
        assert_eq!(refused, !kind.may_be_undone(), "{kind}");
    }
    for (code, key) in [("1 2", "k"), ("", "k"), ("12\n@evil.example #9", "k"), ("12", "../x"), ("12", "")] {
        assert!(matches!(render(Kind::SigninCode, &with(code, key)), Err(RenderError::Characters(_))));
        assert!(matches!(render(Kind::DeviceAdded, &with(code, key)), Err(RenderError::Characters(_))));
    }
}

#[test]
fn an_undo_has_a_key_and_what_one_kind_tells_no_other_does() {
    let catalogue = catalogue("Acme");
    let render = |kind, about: &Context| english(&catalogue, kind, Channel::Email, about);
    let lately = |undo| Context { recent: vec![Recent { undo, ..Recent::default() }], ..Context::default() };
    let keyless = Code { key: None, ..undo("305118") };
    for kind in Kind::ALL.iter().filter(|kind| kind.may_be_undone()) {
        let about = Context { code: Some(keyless.clone()), ..Context::default() };
        assert!(matches!(render(*kind, &about), Err(RenderError::Key(_))), "{kind}");
    }
    assert!(matches!(render(Kind::RecoveryDone, &lately(Some(keyless))), Err(RenderError::Key(_))));
    let broken = lately(Some(undo("1 2")));
    assert!(matches!(render(Kind::RecoveryDone, &broken), Err(RenderError::Characters(_))));
    let gone = Context { codes_gone: true, ..Context::default() };
    let lost = Context { lost: vec!["m•••@example.com".into()], ..Context::default() };
    let parts = [(lately(None), Kind::RecoveryDone), (gone, Kind::RecoveryDone), (lost, Kind::ChangeUndone)];
    for ((about, own), kind) in
        parts.iter().flat_map(|part| Kind::ALL.iter().filter(|k| !k.carries_code()).map(move |k| (part, k)))
    {
        let refused = matches!(render(*kind, about), Err(RenderError::Parts(_)));
        assert_eq!(refused, kind != own, "{kind}: {about:?}");
    }
}

#[test]
fn a_template_with_an_unknown_or_absent_value_fails() {
    let mut templates = load::environment();
    templates.add_template("unknown", "{{ nobody }}").unwrap();
    templates.add_template("absent", "{{ place }}").unwrap();
    let values = context! { place => None::<String> };
    for name in ["unknown", "absent"] {
        assert!(templates.get_template(name).unwrap().render(&values).is_err(), "{name}");
    }
}

#[test]
fn a_link_keeps_the_path_of_the_public_url() {
    let public_url = "https://example.com/id".parse().unwrap();
    let sender = Sender { service: String::new(), public_url, contact: None };
    assert_eq!(sender.link("k"), "https://example.com/id/confirm/k");
    assert_eq!(Catalogue::load(sender).unwrap().sender().service, "example.com");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_subject_is_one_line_whatever_comes_in(service in any::<String>(), name in any::<String>()) {
        let catalogue = catalogue(&service);
        let about = Context { account: Some(name.clone()), device: Some(name), ..Context::sample(Kind::DeviceAdded) };
        let subject = english(&catalogue, Kind::DeviceAdded, Channel::Email, &about).unwrap().subject.unwrap();
        let ends = |c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}';
        prop_assert!(!subject.contains(ends));
        prop_assert!(!subject.contains("=?") && subject.chars().count() <= SUBJECT_LENGTH);
    }
}
