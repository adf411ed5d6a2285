//! keys: to be filled.
