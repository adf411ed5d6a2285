//! Every template tried before anybody is sent one: what it names must be there, and what it must show is shown.

use minijinja::{Environment, Error};

use super::layouts::{LAYOUT_HTML, LAYOUT_TEXT, Layouts};
use super::texts::{Text, Texts, WORDS_FILE};
use super::{Catalogue, Channel, Code, Context, Flaw, Kind, Language, Recent, RenderError, Rendered, words};
use crate::base::clock;
use crate::messages::catalogue::ABSENT;

/// What a text may name. `contact`, `place`, `account` and `device` may be absent, `code`, `link`, `minutes` and
/// `hours` are there with a code. `undo` and `codes_gone` are true or false, `lost` is a list of addresses. `recent`
/// is a list too, each of its members with `device`, `since`, `link` and `code`, all but `since` where there is one,
/// and with `said`, which is what `[recent_one]` says.
pub(super) const VALUES: [&str; 16] = [
    "service",
    "domain",
    "contact",
    "when",
    "place",
    "account",
    "device",
    "undo",
    "code",
    "link",
    "leads_on",
    "minutes",
    "hours",
    "recent",
    "codes_gone",
    "lost",
];
/// What `[moment]` may name.
const MOMENT: [&str; 4] = ["day", "month", "year", "time"];
/// What `[recent_one]` may name.
const RECENT: [&str; 2] = ["device", "since"];
/// What a layout may name besides [`VALUES`] and `lifetime`.
const LAYOUT: [&str; 5] = ["words", "language", "direction", "lead", "objection"];

/// Templates that cannot be understood, or name what is never there, in whatever branch.
pub(super) fn unknown(templates: &Environment<'_>, all: &[Texts], layouts: &Layouts) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for (file, section, text) in all.iter().flat_map(Texts::all) {
        let known = match (file, section) {
            (WORDS_FILE, "moment") => MOMENT.to_vec(),
            (WORDS_FILE, "recent_one") => RECENT.to_vec(),
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
            let samples = samples(*kind);
            for (channel, about) in Channel::ALL.iter().flat_map(|c| samples.iter().map(|about| (*c, about)))
            {
                for flaw in one(catalogue, layouts, texts, *kind, channel, about) {
                    if !flaws.contains(&flaw) {
                        flaws.push(flaw);
                    }
                }
            }
        }
    }
    flaws
}

/// With all that may be there, with nothing that may be absent, with each part apart, and with a long code that lives
/// long.
fn samples(kind: Kind) -> Vec<Context> {
    let full = Context::sample(kind);
    let code = |code: Code, lifetime| Code { lifetime, ..code };
    let short = full.code.clone().filter(|_| kind.carries_code());
    let short = short.map(|sample| Code { key: None, ..code(sample, clock::MINUTE) });
    let bare = Context { code: short, ..Context::default() };
    let long =
        full.code.clone().map(|sample| Code { code: "ABCDEFGHJKMNP".into(), ..code(sample, clock::DAY) });
    let long = Context { code: long, ..full.clone() };
    let mut all = apart(kind, &full, &bare);
    all.extend([full, bare, long]);
    all
}

/// Each part that only some messages of the kind have: alone, and everything but it.
fn apart(kind: Kind, full: &Context, bare: &Context) -> Vec<Context> {
    let (full, bare) = (|| full.clone(), || bare.clone());
    match kind {
        Kind::RecoveryDone => vec![
            Context { recent: full().recent, ..bare() },
            Context { recent: vec![Recent::default()], ..bare() },
            Context { recent: Vec::new(), ..full() },
            Context { codes_gone: true, ..bare() },
            Context { codes_gone: false, ..full() },
        ],
        Kind::ChangeUndone => {
            vec![Context { lost: full().lost, ..bare() }, Context { lost: Vec::new(), ..full() }]
        }
        _ if kind.may_be_undone() => {
            vec![Context { code: full().code, ..bare() }, Context { code: None, ..full() }]
        }
        _ => Vec::new(),
    }
}

fn one(
    catalogue: &Catalogue,
    layouts: &Layouts,
    texts: &Texts,
    kind: Kind,
    channel: Channel,
    about: &Context,
) -> Vec<Flaw> {
    match catalogue.render(kind, channel, &texts.language, about) {
        Ok(said) => hidden(layouts, texts, kind, channel, about, &said),
        Err(RenderError::Template(_, error)) => vec![blamed(layouts, texts, &error)],
        Err(other) => vec![Flaw { file: named(&texts.language, kind), why: other.to_string() }],
    }
}

/// A message must show the code that it is sent for, and of what takes a change back both link and code.
fn hidden(
    layouts: &Layouts,
    texts: &Texts,
    kind: Kind,
    channel: Channel,
    about: &Context,
    said: &Rendered,
) -> Vec<Flaw> {
    let own = about.code.iter().flat_map(|code| wanted(kind, code)).collect();
    let in_file = |file: &str, why: &str| Flaw { file: file.to_owned(), why: why.to_owned() };
    match channel {
        Channel::Email => {
            let all = [own, about.recent.iter().flat_map(wanted_lately).collect()].concat();
            let text = absent(&all, said.text.expose()).map(|why| in_file(&layouts.text.0, why));
            let html = said.html.as_ref().map_or("", |html| html.expose());
            text.chain(absent(&all, html).map(|why| in_file(&layouts.html.0, why))).collect()
        }
        // A text message has the code in its last line too, and a voice spells it.
        Channel::Whatsapp => {
            let text = texts.text(kind.name(), "short");
            text.map_or_else(Vec::new, |text| {
                absent(&own, said.text.expose()).map(|why| at(text, 1, why)).collect()
            })
        }
        Channel::Sms | Channel::Call => Vec::new(),
    }
}

/// What must be shown, each with what to say where it is not. Of a link that is its key, which is never escaped.
type Wanted<'a> = Vec<(&'static str, &'a str)>;

fn wanted(kind: Kind, code: &Code) -> Wanted<'_> {
    let key = code.key.as_ref().map_or("", |key| key.expose());
    if kind.may_be_undone() {
        let (link, code) = ("must show the link of an undo: {{ link }}", code.code.expose());
        vec![(link, key), ("must show the code of an undo: {{ code }}", code)]
    } else {
        vec![("must show the code: {{ code }}", code.code.expose())]
    }
}

fn wanted_lately(one: &Recent) -> Wanted<'_> {
    let Some(undo) = &one.undo else { return Vec::new() };
    let key = undo.key.as_ref().map_or("", |key| key.expose());
    let code = undo.code.expose();
    vec![
        ("must show the link of each in recent that has one: {{ one.link }}", key),
        ("must show the code of each in recent that has one: {{ one.code }}", code),
    ]
}

fn absent<'a>(wanted: &'a Wanted<'_>, said: &'a str) -> impl Iterator<Item = &'static str> + 'a {
    wanted.iter().filter(|(_, shown)| !said.contains(shown)).map(|(why, _)| *why)
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
