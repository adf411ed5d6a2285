//! Users: what the operator wants to know of a person besides devices and secrets.
//!
//! [`rules::ProfileRules`] is what the fields of the settings mean, compiled once; [`shape`] is their JSON Schema;
//! [`faults`] says in stable codes what a value does wrong; [`profile`] reads and merges stored profiles.

pub mod example;
pub mod faults;
pub mod profile;
pub mod rules;
pub mod shape;

#[cfg(test)]
mod tests;
