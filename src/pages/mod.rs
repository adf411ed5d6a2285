//! Pages: a plain confirmation page, a form for new secrets, and in development the inbox. Templates are escaped
//! HTML, every page loads nothing from elsewhere and allows no script.

pub mod confirm;
pub mod inbox;
pub mod recover;
mod view;
