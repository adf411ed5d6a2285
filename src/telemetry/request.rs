//! The span of a request: each line that is written while it is served says which request, at which route, and whose.

use tracing::Span;
use tracing::field::Empty;

/// A request of that id, at a route: the pattern of its path, never the path, which may hold a handle or a key.
///
/// Of the highest level, so that it is there whichever lines are written.
pub fn request(id: &str, route: &'static str) -> Span {
    tracing::error_span!("request", request = id, route, user = Empty)
}

/// Says from here on whose request this is: that of the user of that id. Only to be called once somebody has shown that
/// they are it: before, nothing here may differ by whether there is such a user (R15, R16).
pub fn user(id: &str) {
    Span::current().record("user", id);
}
