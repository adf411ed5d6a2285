//! A proof is weighed by the account, and nothing is left behind: rules that hold for any flows and any account,
//! tried by adversaries and thieves that take random ways.

mod adversary;
mod adversary_world;
mod disarmed;
mod persons;
mod remains;
mod thief;
mod thief_holder;
mod thief_late;
mod thief_plain;
mod thief_steps;
mod thief_world;
