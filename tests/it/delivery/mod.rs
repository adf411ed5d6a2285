//! The way of a message while the mail server is away, slow or refuses, and over a crash.

mod crashes;
mod failover;
mod leases;
mod outages;
mod overtaking;
mod receipts;
mod refusals;
mod slowness;
mod together;
mod vendors_words;
mod verifier;

/// How many messages one instance has under way, at most.
const UNDER_WAY: usize = 8;
