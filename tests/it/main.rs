//! Tests through the doors of the crate: one binary, a folder a subject, a file a question. What several need is in
//! `support/`.

mod accounts;
mod attempts;
mod clocks;
mod contracts;
mod delivery;
mod events;
mod extend;
mod faults;
mod hooks;
mod http;
mod operator;
mod phones;
mod repo;
mod store;
mod strangers;
mod support;
mod waits;
mod webhooks;
mod weighed;
