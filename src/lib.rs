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
//! | 5 | [`secrets`] |
//! | 4 | [`devices`], [`users`], [`tokens`] |
//! | 3 | [`outbox`] |
//! | 2 | [`throttle`], [`keys`], [`providers`], [`events`] |
//! | 1 | [`settings`], [`store`], [`flows`], [`messages`], [`telemetry`], [`locks`] |
//! | 0 | [`base`] |

pub mod api;
pub mod app;
pub mod auth;
pub mod base;
pub mod cli;
pub mod devices;
pub mod events;
pub mod flows;
pub mod keys;
pub mod locks;
pub mod messages;
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

pub use server::Server;
