//! What several tests need.

pub mod databases;
pub mod app;
pub mod client;
pub mod mailbox;
pub mod person;
pub mod token;
