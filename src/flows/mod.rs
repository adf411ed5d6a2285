//! flows: to be filled.
