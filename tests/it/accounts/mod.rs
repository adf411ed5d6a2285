//! What somebody owns and how it changes: profile, identifiers, secrets, devices, sessions, language; replaced, removed,
//! deleted.

mod cards;
mod changes;
mod identifiers;
mod languages;
mod own_secrets;
mod profile;
mod purged;
mod removing;
mod replaced;
mod replacing;
mod sessions;
mod standing;
