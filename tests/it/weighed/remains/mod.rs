//! What stays and what goes at the edges: guesses, recovery codes, what the operator vouches for, and addresses that
//! were only taken as confirmed.

mod codes;
mod enrolled;
mod guesses;
mod leaning;
mod operator;
mod proofs;
mod taken;
mod thrown_out;
mod vouched;
mod waiting;
