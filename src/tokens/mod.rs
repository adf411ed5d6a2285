//! What a client carries after a sign-in: an access token that apps verify by the JWKS, and a refresh
//! token that only multauth understands.

pub mod jwt;
pub mod refresh;
pub mod ungiven;
