//! What one language says: its words and a file for every kind, each taken apart into sections.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::kind::embedded;
use super::sections::{self, SECTIONS};
use super::{Flaw, Kind, Language};

/// The name of the file with the sentences that every mail of a language shares.
pub(super) const WORDS_FILE: &str = "words";

/// Every section of that file; what they are for is in `words.rs`.
pub(super) const WORDS: [&str; 23] = [
    "direction",
    "months",
    "moment",
    "lifetime",
    "link",
    "valid",
    "warning",
    "reason",
    "undo_link",
    "undo_code",
    "undo_valid",
    "recent",
    "recent_one",
    "recent_undo",
    "recent_code",
    "recent_valid",
    "when",
    "place",
    "account",
    "device",
    "contact",
    "authenticator",
    "card",
];

/// The names and texts of a language's files.
pub(super) type Embedded = &'static [(&'static str, &'static str)];

/// The languages that are built in. To add one: a folder of templates, and a line here.
pub(super) const BUILT_IN: &[(&str, Embedded)] = &[
    ("en", embedded!("en")),
    ("de", embedded!("de")),
    ("es", embedded!("es")),
    ("fr", embedded!("fr")),
    ("pl", embedded!("pl")),
    ("fa", embedded!("fa")),
    ("zh", embedded!("zh")),
];

/// One template: a section of a file.
#[derive(Clone, Debug)]
pub(super) struct Text {
    /// Its file as a person finds it, and its section.
    pub name: String,
    /// The line of the file that it begins on.
    pub line: usize,
    /// The template.
    pub source: Cow<'static, str>,
}

/// The texts of one language.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    /// The language.
    pub language: Language,
    /// The sections of its files, by the file's name and the section's.
    files: BTreeMap<&'static str, BTreeMap<&'static str, Text>>,
}

/// The names of the files that a language has.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    std::iter::once(WORDS_FILE).chain(Kind::ALL.iter().map(|kind| kind.name()))
}

/// The languages that are built in, and what is wrong with them: nothing, as a test sees to.
pub(super) fn built_in() -> (Vec<Texts>, Vec<Flaw>) {
    let mut flaws = Vec::new();
    let language = |(tag, files): &(&'static str, Embedded)| {
        let mut texts = Texts::new(tag);
        for (name, source) in *files {
            let shown = format!("{tag}/{name}.txt");
            let taken = texts.take(name, &shown, Cow::Borrowed(source));
            flaws.extend(taken.err().map(|why| Flaw { file: shown, why }));
        }
        texts
    };
    (BUILT_IN.iter().map(language).collect(), flaws)
}

impl Texts {
    /// A language without any text yet.
    pub fn new(tag: &str) -> Self {
        Self { language: Language::new(tag), files: BTreeMap::new() }
    }

    /// Takes in the file `name`, which a person knows as `shown`; whatever had that name before is gone.
    pub fn take(&mut self, name: &'static str, shown: &str, source: Cow<'static, str>) -> Result<(), String> {
        let names = if name == WORDS_FILE { &WORDS[..] } else { &SECTIONS[..] };
        let texts: Vec<(usize, Cow<'static, str>)> = match source {
            Cow::Borrowed(source) => {
                sections::split(source, names)?.into_iter().map(|s| (s.line, Cow::Borrowed(s.text))).collect()
            }
            Cow::Owned(source) => {
                let sections = sections::split(&source, names)?;
                sections.into_iter().map(|s| (s.line, Cow::Owned(s.text.to_owned()))).collect()
            }
        };
        let text = |(section, (line, source)): (&&'static str, (usize, Cow<'static, str>))| {
            (*section, Text { name: format!("{shown} [{section}]"), line, source })
        };
        self.files.insert(name, names.iter().zip(texts).map(text).collect());
        Ok(())
    }

    /// The files that it does not have.
    pub fn missing(&self) -> Vec<&'static str> {
        names().filter(|name| !self.files.contains_key(name)).collect()
    }

    /// A section of the file `name`.
    pub fn text(&self, name: &str, section: &str) -> Option<&Text> {
        self.files.get(name)?.get(section)
    }

    /// Every text, with the name of its file and of its section.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &'static str, &Text)> {
        self.files
            .iter()
            .flat_map(|(file, texts)| texts.iter().map(|(section, text)| (*file, *section, text)))
    }
}
