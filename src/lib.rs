//! multauth: an identity server configured by a list of flows.
//!
//! Where to begin reading: [`flows`] decides what is asked next; [`auth`] is what happens when somebody
//! answers; [`api`] is how they do; [`startup`] puts an instance together. A row of this list names only
//! rows below it:
//!
//! | row | |
//! | --- | --- |
//! | 13 | `main`, [`cli`] |
//! | 12 | [`server`] |
//! | 11 | [`startup`] |
//! | 10 | [`pages`] |
//! | 9 | [`api`] |
//! | 8 | [`auth`] |
//! | 7 | [`app`] |
//! | 6 | [`plan`] |
//! | 5 | [`extensions`], [`outbox`] |
//! | 4 | [`hooks`], [`secrets`], [`webhooks`] |
//! | 3 | [`devices`], [`providers`], [`tokens`], [`users`] |
//! | 2 | [`events`], [`keys`], [`outbound`], [`throttle`] |
//! | 1 | [`flows`], [`messages`], [`settings`], [`store`], [`telemetry`] |
//! | 0 | [`base`] |

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod api;
pub mod app;
pub mod auth;
pub mod base;
pub mod cli;
pub mod devices;
pub mod events;
pub mod extensions;
pub mod flows;
pub mod hooks;
pub mod keys;
pub mod messages;
pub mod outbound;
pub mod outbox;
pub mod pages;
pub mod plan;
pub mod providers;
pub mod secrets;
pub mod server;
pub mod settings;
pub mod startup;
pub mod store;
pub mod telemetry;
pub mod throttle;
pub mod tokens;
pub mod users;
pub mod webhooks;

pub use server::Server;
