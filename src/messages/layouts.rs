//! What the sentences of a mail are put into: one structure for all languages.

use std::borrow::Cow;

/// The file name of the layout of plain text.
pub(super) const LAYOUT_TEXT: &str = "layout.txt";
/// The file name of the layout of HTML.
pub(super) const LAYOUT_HTML: &str = "layout.html";

/// The layouts: the name that a person knows each by, and its template.
pub(super) struct Layouts {
    pub text: (String, Cow<'static, str>),
    pub html: (String, Cow<'static, str>),
}

impl Layouts {
    /// The layouts that are built in.
    pub fn built_in() -> Self {
        let of = |name: &str, source| (name.to_owned(), Cow::Borrowed(source));
        Self {
            text: of(LAYOUT_TEXT, include_str!("templates/layout.txt")),
            html: of(LAYOUT_HTML, include_str!("templates/layout.html")),
        }
    }

    /// The layout with that file name.
    pub fn named(&mut self, name: &str) -> Option<&mut (String, Cow<'static, str>)> {
        match name {
            LAYOUT_TEXT => Some(&mut self.text),
            LAYOUT_HTML => Some(&mut self.html),
            _ => None,
        }
    }
}
