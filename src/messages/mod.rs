//! What people are sent: a kind of message and what it is about become a subject, a text and HTML, in one of several
//! languages.
//!
//! [`Catalogue::read`] takes the embedded templates and the operator's over them once, at start, and tries every kind
//! in every language on every channel, so a catalogue that has loaded has no unknown variable in it.
//!
//! The files of a language are in `templates/<language>/`: `words.txt` with the sentences that all mails share (see
//! [`words`]) and one for each kind with four plain sections, `[subject]`, `[lead]`, `[objection]` and `[short]`.
//! Markup is in `templates/layout.html` alone, so that no language can break it. A rendered section is a value for
//! the layout, never a template again (R132).
//!
//! To add a kind: one line in [`kind`] and one file in every language. To add a language: one folder, and one line in
//! [`texts`].

pub mod catalogue;
pub mod clean;
pub mod context;
mod flaw;
mod folder;
pub mod kind;
pub mod language;
mod layouts;
pub(super) mod load;
pub mod mask;
pub mod message;
mod sections;
pub mod segments;
mod texts;
mod trial;
mod words;

pub use crate::base::Channel;
pub use catalogue::{Catalogue, RenderError, Rendered};
pub use context::{Code, Context, Recent, Sender};
pub use flaw::{CatalogueError, Flaw};
pub use kind::Kind;
pub use language::{Language, accepted};
pub use mask::mask_address;
pub use message::Message;
pub use segments::{is_gsm, segments};
