//! multauth: an identity server configured by a list of flows.
//!
//! Where to begin reading: [`flows`] decides what is asked next; [`auth`] is what happens when somebody
//! answers; [`api`] is how they do; [`startup`] puts an instance together. A row of this list names only
//! rows below it:
//!
//! | row | |
//! | --- | --- |
//! | 15 | `main`, [`cli`] |
//! | 14 | [`server`] |
//! | 13 | [`startup`] |
//! | 12 | [`pages`] |
//! | 11 | [`api`] |
//! | 10 | [`auth`] |
//! | 9 | [`app`] |
//! | 8 | [`plan`] |
//! | 7 | [`secrets`] |
//! | 6 | [`devices`], [`users`], [`tokens`] |
//! | 5 | [`outbox`] |
//! | 4 | [`hooks`], [`webhooks`] |
//! | 3 | [`calls`] |
//! | 2 | [`throttle`], [`keys`], [`providers`], [`events`] |
//! | 1 | [`settings`], [`store`], [`flows`], [`messages`], [`telemetry`], [`locks`] |
//! | 0 | [`base`] |

pub mod api;
pub mod app;
pub mod auth;
pub mod base;
pub mod calls;
pub mod cli;
pub mod devices;
pub mod events;
pub mod flows;
pub mod hooks;
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
pub mod webhooks;

pub use server::Server;
