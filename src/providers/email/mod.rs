//! Providers that send email, a file each.

pub mod smtp;
