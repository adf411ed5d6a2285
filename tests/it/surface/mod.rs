//! The surface that clients and attackers see: the document, headers, hostile input, tokens, limits, leaks.

mod bounds;
mod catalogues;
mod client_ip;
mod contact;
mod document;
mod hostile;
mod kept;
mod keys;
mod layers;
mod links;
mod own_kinds;
mod own_provider;
mod pages;
pub mod postgres;
mod ready;
mod requirements;
mod restart;
mod secrets_leak;
pub mod server;
mod sessions;
mod slow;
mod strangers;
mod tokens;
mod unanswered;
mod upkeep;
mod verifications;
