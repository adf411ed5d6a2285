//! Events: what a life of an account leaves in the audit trail, and what their documentation says.

mod life;
mod nothing;
mod reference;
