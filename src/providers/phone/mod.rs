//! Providers that reach a phone, a file each. So far only those that serve both email and phone, one folder up.
