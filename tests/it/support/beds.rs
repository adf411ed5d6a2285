//! What others wrote and messages are delivered to. `tests/run` starts it and says where it is.

/// What `MULTAUTH_TEST_{name}` says: the URL of a bed. Where it says nothing the test has nothing to test.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(format!("MULTAUTH_TEST_{name}")).ok().filter(|value| !value.is_empty())
}
