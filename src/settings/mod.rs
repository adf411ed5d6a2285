//! settings: to be filled.
