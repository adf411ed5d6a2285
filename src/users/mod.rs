//! Users: what the operator wants to know of a person besides devices and secrets.

pub mod profile;
