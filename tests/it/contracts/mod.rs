//! Vendors as their own documents describe them.

mod lookup;
