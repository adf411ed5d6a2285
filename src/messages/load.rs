//! The templates of every language, loaded and each tried once.

use crate::messages::catalogue::{self, Catalogue};
use crate::messages::layouts::{LAYOUT_HTML, LAYOUT_TEXT, Layouts};
use crate::messages::{CatalogueError, Sender, clean, folder, texts, trial};
use minijinja::Environment;
use minijinja::ErrorKind;
use minijinja::UndefinedBehavior;
use minijinja::escape_formatter;
use minijinja::syntax::SyntaxConfig;
use std::path::Path;

pub(super) fn environment() -> Environment<'static> {
    let mut templates = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    // The delimiters are the usual ones, which are never in each other's way.
    templates.set_syntax(syntax.unwrap_or_default());
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    // `none` would be printed as a word: a template has to ask for what may be absent.
    templates.set_formatter(|out, state, value| {
        if value.is_none() {
            return Err(minijinja::Error::new(ErrorKind::UndefinedError, catalogue::ABSENT));
        }
        escape_formatter(out, state, value)
    });
    templates
}

fn tidy(sender: Sender) -> Sender {
    let service = clean::line(&sender.service);
    let service = if service.is_empty() { sender.domain().to_owned() } else { service };
    let contact = sender.contact.as_deref().map(clean::line).filter(|contact| !contact.is_empty());
    Sender { service, contact, ..sender }
}

impl Catalogue {
    /// The built-in texts; English steps in where no other language fits.
    pub fn load(sender: Sender) -> Result<Self, CatalogueError> {
        Self::read(sender, "en", None)
    }

    /// The built-in texts and those of the operator's `folder` over them. The language `fallback` steps in where no
    /// other fits. Every template is tried with samples, in every language and on every channel.
    ///
    /// # Errors
    /// All flaws at once.
    pub fn read(sender: Sender, fallback: &str, folder: Option<&Path>) -> Result<Self, CatalogueError> {
        let mut layouts = Layouts::built_in();
        let (mut texts, mut flaws) = texts::built_in();
        if let Some(folder) = folder {
            flaws.extend(folder::lay_over(folder, &mut texts, &mut layouts));
        }
        let mut templates = environment();
        flaws.extend(trial::unknown(&templates, &texts, &layouts));
        for (name, (shown, source)) in [(LAYOUT_TEXT, &layouts.text), (LAYOUT_HTML, &layouts.html)] {
            let added = templates.add_template_owned(name, source.clone().into_owned());
            flaws.extend(added.err().map(|error| trial::flaw(shown, &error)));
        }
        let known: Vec<&str> = texts.iter().map(|texts| texts.language.tag()).collect();
        let found = texts.iter().position(|texts| texts.language.is(fallback));
        let language = found.is_none().then(|| {
            format!("{fallback:?} is no language that messages are there in; there are: {}", known.join(", "))
        });
        let catalogue = Self { templates, texts, fallback: found.unwrap_or(0), sender: tidy(sender) };
        if flaws.is_empty() {
            flaws = trial::all(&catalogue, &layouts);
        }
        if flaws.is_empty() && language.is_none() {
            Ok(catalogue)
        } else {
            Err(CatalogueError { language, flaws })
        }
    }
}
