//! Providers that reach a phone, a file each. Those that serve both email and phone are one folder up.

pub mod sns;
