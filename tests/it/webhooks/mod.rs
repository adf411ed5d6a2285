//! Events on their way to the operator's own systems.

mod crashes;
mod outages;
mod replay;
mod ssrf;
mod standard;

use std::collections::BTreeMap;

/// Events of which each sign-up writes one.
const WANTED: &[&str] = &["user.created", "signin.succeeded"];

/// The names of the events of each user, in the order in which they came.
fn by_user(told: &[(String, String)]) -> BTreeMap<&str, Vec<&str>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for (name, user) in told {
        all.entry(user.as_str()).or_default().push(name.as_str());
    }
    all
}
