//! The corridor: one way through every attempt at an account, whichever door it began at.
//!
//! A [`walk`] is an attempt on its way, what is known of it and how it is stored; [`run`] leads it on: [`ask`] what is
//! asked, [`check`] how each secret is checked, [`finish`] and [`recover`] what it ends in. What comes out is
//! [`progress`]. To add a way of proving: a kind of secret, and how it is checked in `check.rs`.

pub mod apart;
pub(super) mod ask;
pub(super) mod check;
pub(super) mod clearing;
pub(super) mod finish;
pub(super) mod known;
pub(super) mod live;
pub(super) mod offer;
pub mod progress;
pub mod reader;
pub(super) mod recent;
pub mod recover;
pub(super) mod run;
pub mod unfinished;
pub(super) mod walk;
pub(super) mod withheld;
