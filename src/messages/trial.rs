//! Every template tried before anybody is sent one: what it names must be there, and what it must show is shown.

use minijinja::{Environment, Error};

use super::layouts::{LAYOUT_HTML, LAYOUT_TEXT, Layouts};
use super::texts::{Text, Texts, WORDS_FILE};
use super::{Catalogue, Channel, Code, Context, Flaw, Kind, Language, RenderError, Rendered, words};
use crate::base::clock;

/// What a text may name. `contact`, `place`, `account` and `device` may be absent, `code`, `link`, `minutes` and
/// `hours` are there with a code.
pub(super) const VALUES: [&str; 12] = [
    "service", "domain", "contact", "when", "place", "account", "device", "undo", "code", "link", "minutes",
    "hours",
];
/// What `[moment]` may name.
const MOMENT: [&str; 4] = ["day", "month", "year", "time"];
/// What a layout may name besides [`VALUES`] and `lifetime`.
const LAYOUT: [&str; 5] = ["words", "language", "direction", "lead", "objection"];
/// Why a value that is absent cannot be printed.
pub(super) const ABSENT: &str =
    "prints a value that is not always there; ask for it first, as in {% if place %}…{% endif %}";

/// Templates that cannot be understood, or name what is never there, in whatever branch.
pub(super) fn unknown(templates: &Environment<'_>, all: &[Texts], layouts: &Layouts) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for (file, section, text) in all.iter().flat_map(Texts::all) {
        let known = match (file, section) {
            (WORDS_FILE, "moment") => MOMENT.to_vec(),
            (WORDS_FILE, _) => [&VALUES[..], &["lifetime"]].concat(),
            _ => VALUES.to_vec(),
        };
        flaws.extend(unknown_in(templates, text, &known));
        flaws.extend(words::wrong(section, text).filter(|_| file == WORDS_FILE).map(|why| at(text, 1, why)));
    }
    let known = [&VALUES[..], &LAYOUT[..], &["lifetime"]].concat();
    for (shown, source) in [&layouts.text, &layouts.html] {
        let text = Text { name: shown.clone(), line: 1, source: source.clone() };
        flaws.extend(unknown_in(templates, &text, &known));
    }
    flaws
}

fn unknown_in(templates: &Environment<'_>, text: &Text, known: &[&str]) -> Option<Flaw> {
    let template = match templates.template_from_named_str(&text.name, &text.source) {
        Ok(template) => template,
        Err(error) => return Some(at(text, error.line().unwrap_or(1), reason(&error))),
    };
    let named = template.undeclared_variables(false);
    let mut unknown: Vec<&String> = named.iter().filter(|name| !known.contains(&name.as_str())).collect();
    unknown.sort();
    let first = unknown.first()?;
    Some(at(text, 1, format!("there is no {first:?}; there are: {}", known.join(", "))))
}

/// Renders samples of every kind in every language on every channel.
pub(super) fn all(catalogue: &Catalogue, layouts: &Layouts) -> Vec<Flaw> {
    let mut flaws: Vec<Flaw> = Vec::new();
    for texts in &catalogue.texts {
        for kind in Kind::ALL {
            for (channel, about) in Channel::ALL.iter().flat_map(|c| samples(*kind).map(|about| (*c, about)))
            {
                let found = one(catalogue, layouts, texts, *kind, channel, &about);
                flaws.extend(found.filter(|flaw| !flaws.contains(flaw)));
            }
        }
    }
    flaws
}

/// With all that may be there, with nothing that may be absent, and with a long code that lives long.
fn samples(kind: Kind) -> [Context; 3] {
    let full = Context::sample(kind);
    let key = kind.is_undo().then(|| "4Zb0kEo".into());
    let code = |code: Code, lifetime| Code { lifetime, ..code };
    let bare = Context {
        code: full.code.clone().map(|sample| Code { key, ..code(sample, clock::MINUTE) }),
        ..Context::default()
    };
    let long =
        full.code.clone().map(|sample| Code { code: "ABCDEFGHJKMNP".into(), ..code(sample, clock::DAY) });
    let long = Context { code: long, ..full.clone() };
    [full, bare, long]
}

fn one(
    catalogue: &Catalogue,
    layouts: &Layouts,
    texts: &Texts,
    kind: Kind,
    channel: Channel,
    about: &Context,
) -> Option<Flaw> {
    match catalogue.render(kind, channel, &texts.language, about) {
        Ok(said) => hidden(catalogue, layouts, texts, kind, channel, about, &said),
        Err(RenderError::Template(_, error)) => Some(blamed(layouts, texts, &error)),
        Err(other) => Some(Flaw { file: named(&texts.language, kind), why: other.to_string() }),
    }
}

/// A message for the sake of a code or link must show it.
fn hidden(
    catalogue: &Catalogue,
    layouts: &Layouts,
    texts: &Texts,
    kind: Kind,
    channel: Channel,
    about: &Context,
    said: &Rendered,
) -> Option<Flaw> {
    let code = about.code.as_ref()?;
    let key = code.key.as_ref().map(|key| catalogue.sender().link(key.expose()));
    let (what, shown) = if kind.is_undo() { ("link", key?) } else { ("code", code.code.expose().to_owned()) };
    let why = |what: &str| format!("must show the {what}: {{{{ {what} }}}}");
    match channel {
        Channel::Email if !said.text.expose().contains(&shown) => {
            Some(Flaw { file: layouts.text.0.clone(), why: why(what) })
        }
        // The link is escaped there, its key is not.
        Channel::Email => {
            let part = shown.rsplit('/').next().unwrap_or_default();
            let absent = !said.html.as_ref().is_some_and(|html| html.expose().contains(part));
            absent.then(|| Flaw { file: layouts.html.0.clone(), why: why(what) })
        }
        // A text message has the code in its last line too, and a voice spells it.
        Channel::Whatsapp if !said.text.expose().contains(&shown) => {
            let text = texts.text(kind.name(), "short")?;
            Some(at(text, 1, why(what)))
        }
        _ => None,
    }
}

/// Where an error comes from: the text, or the layout, that has the name of the error's template.
fn blamed(layouts: &Layouts, texts: &Texts, error: &Error) -> Flaw {
    let name = error.name().unwrap_or_default();
    let text = texts.all().map(|(.., text)| text).find(|text| text.name == name);
    match (text, name) {
        (Some(text), _) => at(text, error.line().unwrap_or(1), reason(error)),
        (None, LAYOUT_TEXT) => flaw(&layouts.text.0, error),
        (None, LAYOUT_HTML) => flaw(&layouts.html.0, error),
        (None, other) => flaw(other, error),
    }
}

/// What is wrong with a file of which the error knows the line.
pub(super) fn flaw(shown: &str, error: &Error) -> Flaw {
    let line = error.line().map(|line| format!(":{line}")).unwrap_or_default();
    Flaw { file: format!("{shown}{line}"), why: reason(error) }
}

/// What is wrong in a line of a section; the section's first is 1.
fn at(text: &Text, line: usize, why: impl Into<String>) -> Flaw {
    let line = text.line + line - 1;
    let (file, section) = text
        .name
        .split_once(" [")
        .map_or((text.name.as_str(), ""), |(file, rest)| (file, rest.trim_end_matches(']')));
    let why = why.into();
    let why = if section.is_empty() { why } else { format!("[{section}] {why}") };
    Flaw { file: format!("{file}:{line}"), why }
}

fn reason(error: &Error) -> String {
    match error.detail() {
        Some(ABSENT) => ABSENT.to_owned(),
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

fn named(language: &Language, kind: Kind) -> String {
    format!("{language}/{kind}.txt")
}
