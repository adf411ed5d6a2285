//! The four doors and the corridor behind them, over HTTP, with codes read from delivered messages.

mod accounts;
mod cards;
mod changes;
mod channels;
mod concurrency;
mod delayed;
mod enumeration;
mod first_sign_in;
mod gone_secrets;
mod guesses;
mod identifiers;
mod lifetimes;
mod lines;
pub mod own_secrets;
mod profile;
mod purposes;
mod recovery;
mod removing;
mod replaced;
mod sandbox;
mod second_factor;
mod spend;
mod steps;
mod unfinished;
mod weighing;
mod worked_example;
mod wrong_values;
