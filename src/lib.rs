//! multauth: an identity server configured by a list of flows.

pub mod api;
pub mod auth;
pub mod base;
pub mod devices;
pub mod flows;
pub mod keys;
pub mod messages;
pub mod outbox;
pub mod providers;
pub mod secrets;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod throttle;
pub mod tokens;
