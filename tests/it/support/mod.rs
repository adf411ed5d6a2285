//! What several tests need.

pub mod app;
pub mod beds;
pub mod client;
pub mod databases;
pub mod fields;
pub mod h2;
pub mod letter;
pub mod log;
pub mod mailbox;
pub mod person;
pub mod program;
pub mod promised;
pub mod receiver;
pub mod sink;
pub mod token;
pub mod vendor;
