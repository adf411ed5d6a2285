//! Three layers of settings laid over each other, each value with the place it came from.
//!
//! `parse` reads TOML into [`Node`]s, [`Layers`] merges the built-in file, the operator's file and the
//! environment, and `de` lets serde read the result. What serde refuses is taken out of its layer, so that
//! the layer below steps in and reading can go on to the next mistake.

mod de;
mod error;
pub(super) mod hint;
mod layers;
mod node;
mod parse;
mod place;

pub(super) use error::Error;
pub(super) use layers::{Layers, Override, Refused};
pub(super) use node::{Node, Value, show};
pub(super) use parse::toml_text;
pub(super) use place::Place;
