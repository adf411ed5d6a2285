//! What an operator does for people who cannot get in.

mod check;
mod find;
mod key;
mod redis;
mod reset;
