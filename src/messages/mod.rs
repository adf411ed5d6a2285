//! messages: to be filled.
