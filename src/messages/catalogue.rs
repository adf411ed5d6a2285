//! The templates of every language, loaded and tried once, and how they become a message.

use minijinja::{Environment, ErrorKind, Value, context};

use super::layouts::{LAYOUT_HTML, LAYOUT_TEXT};
use super::texts::{Text, Texts, WORDS_FILE};
use super::{Channel, Code, Context, Kind, Language, Recent, Sender, clean, language, words};
use crate::base::{Sensitive, clock};

/// The longest subject, in characters.
const SUBJECT_LENGTH: usize = 150;

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

/// A message could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A code where the kind carries none, or none where it carries one.
    #[error("{0} needs a code, or carries none")]
    Code(Kind),
    /// An undo without the key of its page.
    #[error("an undo in {0} has no key, and its code is good for nothing without the page")]
    Key(Kind),
    /// What another kind tells.
    #[error("{0} does not tell what was added lately or is lost")]
    Parts(Kind),
    /// A code or key with characters that could break a line or a link.
    #[error("the code or key of {0} has characters that it must not have")]
    Characters(Kind),
    /// The template failed.
    #[error("{0}: {1}")]
    Template(Kind, minijinja::Error),
}

/// All messages of an installation, in all its languages.
pub struct Catalogue {
    // The layouts alone: a text is compiled when it is used, so that languages that nobody reads cost no memory.
    pub(super) templates: Environment<'static>,
    pub(super) texts: Vec<Texts>,
    pub(super) fallback: usize,
    pub(super) sender: Sender,
}

impl Catalogue {
    /// What a message of `kind` about `about` says on `channel`, in `language`.
    pub fn render(
        &self,
        kind: Kind,
        channel: Channel,
        language: &Language,
        about: &Context,
    ) -> Result<Rendered, RenderError> {
        check(kind, about)?;
        let texts = self.texts.iter().find(|texts| texts.language == *language);
        let texts = texts.unwrap_or(&self.texts[self.fallback]);
        let rendered = match channel {
            Channel::Email => self.email(kind, texts, about),
            Channel::Call => self.short(kind, channel, texts, &about.spoken(kind)),
            Channel::Sms | Channel::Whatsapp => self.short(kind, channel, texts, about),
        };
        rendered.map_err(|error| RenderError::Template(kind, error))
    }

    /// The language of the first of `wishes` that there are messages in, else the one that steps in. A wish is a
    /// language tag, or whatever somebody wrote for one; `de-AT` finds `de`.
    pub fn language<'a>(&self, wishes: impl IntoIterator<Item = &'a str>) -> Language {
        let known = self.texts.iter().map(|texts| &texts.language);
        let found = wishes.into_iter().find_map(|wish| language::lookup(known.clone(), wish));
        found.unwrap_or_else(|| self.fallback()).clone()
    }

    /// The language that steps in where no other fits.
    pub fn fallback(&self) -> &Language {
        &self.texts[self.fallback].language
    }

    /// Every language.
    pub fn languages(&self) -> impl Iterator<Item = &Language> {
        self.texts.iter().map(|texts| &texts.language)
    }

    /// Who writes these messages.
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    fn email(&self, kind: Kind, texts: &Texts, about: &Context) -> Result<Rendered, minijinja::Error> {
        let values = self.values(kind, Channel::Email, texts, about)?;
        let subject = self.section(texts, kind.name(), "subject", &values)?;
        let lifetime =
            about.code.is_some().then(|| self.section(texts, WORDS_FILE, "lifetime", &values)).transpose()?;
        let values = context! { lifetime, ..values };
        let words =
            words::sentences(kind, about, |section| self.section(texts, WORDS_FILE, section, &values))?;
        let body = context! {
            words,
            language => texts.language.tag(),
            direction => words::direction(texts),
            lead => self.section(texts, kind.name(), "lead", &values)?,
            objection => self.section(texts, kind.name(), "objection", &values)?,
            ..values
        };
        let text = self.templates.get_template(LAYOUT_TEXT)?.render(&body)?;
        let html = self.templates.get_template(LAYOUT_HTML)?.render(&body)?;
        Ok(Rendered {
            subject: Some(clean::rendered_line(&subject).chars().take(SUBJECT_LENGTH).collect()),
            text: Sensitive::new(text),
            html: Some(Sensitive::new(html)),
        })
    }

    fn short(
        &self,
        kind: Kind,
        channel: Channel,
        texts: &Texts,
        about: &Context,
    ) -> Result<Rendered, minijinja::Error> {
        let values = self.values(kind, channel, texts, about)?;
        let text = clean::rendered_line(&self.section(texts, kind.name(), "short", &values)?);
        let text = match (&about.code, channel) {
            (Some(code), Channel::Sms) if kind.carries_code() => {
                format!("{text}\n\n@{} #{}", self.sender.domain(), code.code.expose())
            }
            _ => text,
        };
        Ok(Rendered { subject: None, text: Sensitive::new(text), html: None })
    }

    fn section(
        &self,
        texts: &Texts,
        file: &str,
        section: &str,
        values: &Value,
    ) -> Result<String, minijinja::Error> {
        let text: Option<&Text> = texts.text(file, section);
        let text = text.ok_or_else(|| minijinja::Error::from(ErrorKind::TemplateNotFound))?;
        self.templates.render_named_str(&text.name, &text.source, values)
    }

    /// Everything that a text may name: [`trial::VALUES`].
    fn values(
        &self,
        kind: Kind,
        channel: Channel,
        texts: &Texts,
        about: &Context,
    ) -> Result<Value, minijinja::Error> {
        let code = about.code.as_ref();
        let key = code.and_then(|code| code.key.as_ref());
        let minutes = code.map(|code| (code.lifetime / clock::MINUTE).max(1));
        let kind_of_device = about.device_kind.and_then(|device| words::device(texts, device));
        Ok(context! {
            service => self.sender.service.as_str(),
            domain => self.sender.domain(),
            contact => self.sender.contact.as_deref(),
            when => words::moment(&self.templates, texts, about.at)?,
            place => about.place.as_deref().map(clean::line),
            account => about.account(kind),
            device => about.device(kind).or(kind_of_device),
            undo => kind.may_be_undone() && code.is_some(),
            code => code.map(|code| spelled(channel, code.code.expose())),
            link => key.map(|key| self.sender.link(key.expose())),
            leads_on => code.is_some_and(|code| code.leads_on),
            minutes,
            hours => minutes.map(|minutes| minutes / 60),
            recent => about.recent.iter().map(|one| self.recent(texts, one)).collect::<Result<Vec<_>, _>>()?,
            codes_gone => about.codes_gone,
            lost => about.lost.iter().map(|address| clean::line(address)).collect::<Vec<_>>(),
        })
    }

    /// What was added lately, as a text may name it.
    fn recent(&self, texts: &Texts, one: &Recent) -> Result<Value, minijinja::Error> {
        let by_kind = || one.device_kind.and_then(|kind| words::device(texts, kind));
        let device = one.device.as_deref().and_then(clean::name).or_else(by_kind);
        let since = words::moment(&self.templates, texts, one.since)?;
        let named = context! { device, since };
        let said = self.section(texts, WORDS_FILE, "recent_one", &named)?;
        let key = one.undo.as_ref().and_then(|undo| undo.key.as_ref());
        let link = key.map(|key| self.sender.link(key.expose()));
        let code = one.undo.as_ref().map(|undo| undo.code.expose());
        Ok(context! { said, link, code, ..named })
    }
}

/// Refuses what `kind` must not carry, and what lacks what it must.
fn check(kind: Kind, about: &Context) -> Result<(), RenderError> {
    let wrong = match about.code {
        Some(_) => !kind.carries_code() && !kind.may_be_undone(),
        None => kind.carries_code(),
    };
    if wrong {
        return Err(RenderError::Code(kind));
    }
    let recovered = kind == Kind::RecoveryDone || (about.recent.is_empty() && !about.codes_gone);
    if !recovered || (kind != Kind::ChangeUndone && !about.lost.is_empty()) {
        return Err(RenderError::Parts(kind));
    }
    let recent = || about.recent.iter().filter_map(|one| one.undo.as_ref());
    let undo = about.code.as_ref().filter(|_| kind.may_be_undone());
    if undo.into_iter().chain(recent()).any(|undo| undo.key.is_none()) {
        return Err(RenderError::Key(kind));
    }
    let sound = about.code.iter().chain(recent()).all(Code::is_sound);
    if sound { Ok(()) } else { Err(RenderError::Characters(kind)) }
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogue").field("sender", &self.sender).finish_non_exhaustive()
    }
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
#[path = "tests/mod.rs"]
mod tests;

/// Why a value that is absent cannot be printed.
pub(super) const ABSENT: &str =
    "prints a value that is not always there; ask for it first, as in {% if place %}…{% endif %}";
