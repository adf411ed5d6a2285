//! The templates, loaded once, and how they become a message.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, context, escape_formatter};

use super::context::moment;
use super::{Channel, Context, Kind, Sender, clean, sections};
use crate::base::{Sensitive, clock};

/// The longest subject, in characters.
const SUBJECT_LENGTH: usize = 150;
const LAYOUT_TEXT: &str = "layout.txt";
const LAYOUT_HTML: &str = "layout.html";

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line without controls; only for email.
    pub subject: Option<String>,
    /// The text; on SMS its last line binds the code to the domain (R50).
    pub text: Sensitive,
    /// The same as HTML; only for email.
    pub html: Option<Sensitive>,
}

/// The embedded templates cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the message template {name}: {why}")]
pub struct CatalogueError {
    /// The template's file, without its folder.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

/// A message could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A code where the kind carries none, or none where it carries one.
    #[error("{0} needs a code, or carries none")]
    Code(Kind),
    /// A code or key with characters that could break a line or a link.
    #[error("the code or key of {0} has characters that it must not have")]
    Characters(Kind),
    /// The template failed.
    #[error("{0}: {1}")]
    Template(Kind, minijinja::Error),
}

/// All messages of an installation.
pub struct Catalogue {
    templates: Environment<'static>,
    sender: Sender,
}

impl Catalogue {
    /// Loads the embedded templates and renders a sample of each kind on each channel.
    pub fn load(sender: Sender) -> Result<Self, CatalogueError> {
        let mut templates = environment()?;
        for (name, source) in [
            (LAYOUT_TEXT, include_str!("templates/en/layout.txt")),
            (LAYOUT_HTML, include_str!("templates/en/layout.html")),
        ] {
            templates.add_template(name, source).map_err(|e| broken(name, e))?;
        }
        for kind in Kind::ALL {
            add(&mut templates, *kind, kind.source())?;
        }
        let catalogue = Self { templates, sender: tidy(sender) };
        catalogue.try_all()?;
        Ok(catalogue)
    }

    /// What a message of `kind` about `about` says on `channel`.
    pub fn render(&self, kind: Kind, channel: Channel, about: &Context) -> Result<Rendered, RenderError> {
        if about.code.is_some() != kind.carries_code() {
            return Err(RenderError::Code(kind));
        }
        if about.code.as_ref().is_some_and(|code| !code.is_sound()) {
            return Err(RenderError::Characters(kind));
        }
        let rendered = match channel {
            Channel::Email => self.email(kind, about),
            Channel::Sms | Channel::Call | Channel::Whatsapp => self.short(kind, channel, about),
        };
        rendered.map_err(|error| RenderError::Template(kind, error))
    }

    /// Who writes these messages.
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    fn email(&self, kind: Kind, about: &Context) -> Result<Rendered, minijinja::Error> {
        let values = self.values(kind, Channel::Email, about);
        let subject = self.section(kind, "subject", &values)?;
        let body = context! {
            lead => self.section(kind, "lead", &values)?,
            objection => self.section(kind, "objection", &values)?,
            ..values
        };
        let text = self.templates.get_template(LAYOUT_TEXT)?.render(&body)?;
        let html = self.templates.get_template(LAYOUT_HTML)?.render(&body)?;
        Ok(Rendered {
            subject: Some(clean::line(&subject).chars().take(SUBJECT_LENGTH).collect()),
            text: Sensitive::new(text),
            html: Some(Sensitive::new(html)),
        })
    }

    fn short(&self, kind: Kind, channel: Channel, about: &Context) -> Result<Rendered, minijinja::Error> {
        let values = self.values(kind, channel, about);
        let text = clean::line(&self.section(kind, "short", &values)?);
        let text = match (&about.code, channel) {
            (Some(code), Channel::Sms) if !kind.is_undo() => {
                format!("{text}\n\n@{} #{}", self.sender.domain(), code.code.expose())
            }
            _ => text,
        };
        Ok(Rendered { subject: None, text: Sensitive::new(text), html: None })
    }

    fn section(&self, kind: Kind, section: &str, values: &Value) -> Result<String, minijinja::Error> {
        self.templates.get_template(&template_name(kind, section))?.render(values)
    }

    /// Everything a template may name.
    fn values(&self, kind: Kind, channel: Channel, about: &Context) -> Value {
        let code = about.code.as_ref();
        let key = code.and_then(|code| code.key.as_ref());
        context! {
            service => self.sender.service.as_str(),
            domain => self.sender.domain(),
            contact => self.sender.contact.as_deref(),
            when => moment(about.at),
            place => about.place.as_deref().map(clean::line),
            account => about.account(kind),
            device => about.device(kind),
            undo => kind.is_undo(),
            code => code.map(|code| spelled(channel, code.code.expose())),
            link => key.map(|key| self.sender.link(key.expose())),
            minutes => code.map(|code| (code.lifetime / clock::MINUTE).max(1)),
        }
    }

    fn try_all(&self) -> Result<(), CatalogueError> {
        for kind in Kind::ALL {
            for channel in Channel::ALL {
                self.render(*kind, *channel, &Context::sample(*kind)).map_err(|e| broken(kind.name(), e))?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogue").field("sender", &self.sender).finish_non_exhaustive()
    }
}

fn environment() -> Result<Environment<'static>, CatalogueError> {
    let mut templates = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    templates.set_syntax(syntax.map_err(|e| broken("syntax", e))?);
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    // `none` would be printed as a word: a template has to ask for what may be absent.
    templates.set_formatter(|out, state, value| {
        if value.is_none() {
            return Err(minijinja::Error::new(
                ErrorKind::UndefinedError,
                "a value that is absent is printed",
            ));
        }
        escape_formatter(out, state, value)
    });
    Ok(templates)
}

fn add(templates: &mut Environment<'static>, kind: Kind, source: &str) -> Result<(), CatalogueError> {
    let texts = sections::split(source).map_err(|why| broken(kind.name(), why))?;
    for (section, text) in sections::SECTIONS.into_iter().zip(texts) {
        let name = template_name(kind, section);
        templates.add_template_owned(name.clone(), text).map_err(|e| broken(&name, e))?;
    }
    Ok(())
}

/// The name has no extension that escapes: sections are plain text, and the HTML layout escapes them.
fn template_name(kind: Kind, section: &str) -> String {
    format!("{}.{section}", kind.name())
}

fn broken(name: &str, why: impl std::fmt::Display) -> CatalogueError {
    CatalogueError { name: name.to_owned(), why: why.to_string() }
}

fn tidy(sender: Sender) -> Sender {
    let service = clean::line(&sender.service);
    let service = if service.is_empty() { sender.domain().to_owned() } else { service };
    let contact = sender.contact.as_deref().map(clean::line).filter(|contact| !contact.is_empty());
    Sender { service, contact, ..sender }
}

/// A code as the channel shows it: a voice reads it character by character.
fn spelled(channel: Channel, code: &str) -> String {
    if channel != Channel::Call {
        return code.to_owned();
    }
    let characters: Vec<String> = code.chars().map(String::from).collect();
    characters.join(", ")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
