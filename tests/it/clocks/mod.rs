//! Clocks that stand, wait and jump: time is taken where it is judged, and a wall clock that was set frees nothing,
//! revives nothing and bars nobody for longer than was said.

mod codes;
mod doubt;
mod ends;
mod guessing;
mod instances;
mod keys;
mod messages;
mod moments;
mod property;
mod upkeep;
mod waits;

use multauth::base::Millis;
use multauth::base::clock::DAY;

/// As far as a time server has ever been wrong.
pub const FAR: Millis = 3_650 * DAY;
