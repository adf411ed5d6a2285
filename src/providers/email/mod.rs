//! Providers that send email, a file or folder each.

mod letter;
pub mod sendgrid;
pub mod ses;
pub mod smtp;
