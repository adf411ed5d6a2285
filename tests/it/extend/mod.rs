//! What a program of one's own adds, as `examples/` do, built and run.

mod own_kinds;
mod own_provider;
