//! The surface that clients and attackers see: the document, pages, headers, hostile input, bounds, tokens on the wire,
//! and that nothing leaks.

mod bounded;
mod client_ip;
mod contact;
mod document;
mod forms;
mod hostile;
mod kept;
mod keys;
mod links;
mod pages;
mod ready;
mod restart;
mod secrets_leak;
mod slow;
mod spans;
mod tokens;
mod unanswered;
mod verifications;
