//! What several tests need.

pub mod app;
pub mod beds;
pub mod client;
pub mod databases;
pub mod mailbox;
pub mod person;
pub mod token;
