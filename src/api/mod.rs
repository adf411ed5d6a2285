//! api: to be filled.
