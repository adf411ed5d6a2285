//! auth: to be filled.
