//! The store, on both databases.

mod accounts;
mod ahead;
mod connections;
mod events;
mod group_commit;
mod invariants;
mod plans;
mod profile_values;
mod races;
mod rows;
mod schema;
mod statements;
mod sweep;
mod webhooks;
