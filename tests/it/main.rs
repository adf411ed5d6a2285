//! Tests through the doors of the crate: one binary, a file a subject.

mod clocks;
mod contracts;
mod delivery;
mod doors;
mod events;
mod faults;
mod hooks;
mod languages;
mod operator;
mod passcodes;
mod readme;
mod replacing;
mod store;
mod strangers;
mod support;
mod surface;
mod waits;
mod webhooks;
mod weighed;
