//! Webhooks: the operator's own systems, told what happened.
