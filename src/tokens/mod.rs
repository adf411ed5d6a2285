//! tokens: to be filled.
