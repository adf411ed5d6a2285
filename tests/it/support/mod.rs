//! What several tests need.

pub mod app;
pub mod client;
pub mod databases;
pub mod mailbox;
pub mod person;
pub mod token;
pub mod vendor;
