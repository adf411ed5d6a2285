//! Flows as data: one identifier, then the secrets that prove it, in order. Pure: no I/O, no clock, no chance.
//!
//! [`parse`] makes [`Flows`] of the tuples in the settings, or says every mistake at once. [`step`] decides what an
//! attempt asks next, [`Holding`] which device answers it. [`Walks`] walks them on paper: what an account could
//! reach, or somebody who has a part of what it holds. [`level_of`], [`amr`] and [`explain`] say what a flow, or what
//! was passed, is worth.
//!
//! Nothing is registered here: the words that a tuple may hold come in as a [`Vocabulary`], which the caller
//! makes of its own registries. A new kind of secret needs a line in `amr.rs`, where tokens name it.

mod amr;
mod class;
mod explain;
mod exposure;
mod facts;
mod flow;
mod holding;
mod level;
mod parse;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod sample;
mod secret;
mod spelling;
mod step;
mod tuple;
mod walks;
mod warnings;
mod words;

pub use amr::amr;
pub use class::Class;
pub use explain::{Explanation, explain};
pub use exposure::{Exposure, exposures};
pub use facts::{Bounds, Facts, Guess, facts};
pub use flow::{Flow, Flows};
pub use holding::{Carried, Door, Fixed, Holding};
pub use level::{Level, UnknownLevel, level_of, level_of_flow, level_of_passed, levels_of_flow};
pub use parse::parse;
pub use secret::{NotASecret, Passed, Secret};
pub use step::{Equipment, Step, step, step_among};
pub use walks::{Able, End, Walks};
pub use warnings::warnings;
pub use words::{Carrier, Factor, SecretWord, Vocabulary};
