//! outbox: to be filled.
