//! devices: to be filled.
