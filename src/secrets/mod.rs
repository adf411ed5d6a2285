//! secrets: to be filled.
