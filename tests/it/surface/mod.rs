//! The surface that clients and attackers see: the document, headers, hostile input, tokens, limits, leaks.

mod document;
mod hostile;
mod layers;
mod postgres;
mod server;
