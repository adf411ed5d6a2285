//! Tests through the doors of the crate: one binary, a file a subject.

mod surface;
