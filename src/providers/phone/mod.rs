//! Providers that reach a phone, a file or folder each. What serves both email and phone in one way is one folder up.

pub mod sns;
pub mod twilio;
pub mod vonage;
