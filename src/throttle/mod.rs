//! throttle: to be filled.
