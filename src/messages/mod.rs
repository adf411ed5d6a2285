//! What people are sent: a kind of message and what it is about become a subject, a text and HTML.
//!
//! [`Catalogue::load`] reads the embedded templates once, at start, and renders a sample of every kind on
//! every channel, so a catalogue that has loaded has no unknown variable in it.
//!
//! To add a kind: one line in [`kind`] and one file `templates/en/<name>.txt`. The file holds four plain
//! sections, `[subject]`, `[lead]`, `[objection]` and `[short]`; markup is in `templates/en/layout.html` alone.
//! A rendered section is a value for the layout, never a template again (R132).

pub mod catalogue;
pub mod channel;
pub mod clean;
pub mod context;
pub mod kind;
pub mod mask;
pub mod message;
mod sections;

pub use catalogue::{Catalogue, CatalogueError, RenderError, Rendered};
pub use channel::Channel;
pub use context::{Code, Context, Sender};
pub use kind::Kind;
pub use mask::mask_address;
pub use message::Message;
