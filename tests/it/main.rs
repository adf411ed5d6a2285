//! Tests through the doors of the crate: one binary, a file a subject.

mod passcodes;
mod store;
mod doors;
mod support;
mod surface;
