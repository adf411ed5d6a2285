//! What numbers alone have: kinds of line, what texts cost and how many are sent, sandbox numbers.

mod lines;
mod rates;
mod sandbox;
mod spend;
