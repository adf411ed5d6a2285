//! Hooks: the operator's own systems, asked at each step.
