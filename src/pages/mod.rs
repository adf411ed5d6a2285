//! Pages: a plain confirmation page, and in development the inbox. Templates are escaped HTML, every page
//! loads nothing from elsewhere and allows no script.

pub mod confirm;
pub mod inbox;
mod view;
