//! What is allowed in the settings and worth a second look.

use super::{Flow, Flows, Secret};
use crate::base::Mistake;

/// What an operator should know about the flows together, each with its place; none of it stops the start (R4).
pub fn warnings(flows: &Flows) -> Vec<Mistake> {
    let mut found = Vec::new();
    for (index, flow) in flows.iter().enumerate() {
        let place = format!("{}[{index}]", flows.path());
        let all = stronger_about(flow, flows).into_iter().chain(reordered(flow, flows));
        found.extend(all.map(|message| Mistake::new(place.clone(), message)));
    }
    found
}

fn stronger_about(flow: &Flow, flows: &Flows) -> Option<String> {
    let name = &flow.name;
    if flow.allow_downgrade {
        let stronger = quoted(flows.stronger_than(flow));
        return Some(if stronger.is_empty() {
            format!("allow_downgrade changes nothing: no flow is stronger than \"{name}\"")
        } else {
            format!("allow_downgrade: \"{name}\" lets in those who are set up for the stronger {stronger}")
        });
    }
    let same = flows.stronger_than(flow).filter(|stronger| stronger.identifier == flow.identifier);
    let stronger = quoted(same);
    let text = format!(
        "\"{name}\" is a part of {stronger}: a second factor for those who enrolled one; \
         only users without it get in by \"{name}\" alone"
    );
    (!stronger.is_empty()).then_some(text)
}

/// Two flows of one identifier that begin differently, where one asks later what the other asks first.
fn reordered(flow: &Flow, flows: &Flows) -> Option<String> {
    let same = |a: &Secret, b: &Secret| a.covers(b) || b.covers(a);
    let (first, later) = flow.secrets.split_first()?;
    let begins_with_later = |other: &&Flow| {
        let start = other.secrets.first();
        other.identifier == flow.identifier
            && !flow.includes(other)
            && start
                .is_some_and(|start| !same(start, first) && later.iter().any(|secret| same(start, secret)))
    };
    let other = flows.iter().find(begins_with_later)?;
    let secret = other.secrets.first()?;
    Some(format!(
        "\"{}\" asks later what \"{}\" asks first: who begins with \"{secret}\" and can only finish \
         \"{}\" is asked for it twice; the same order in both avoids that",
        flow.name, other.name, flow.name
    ))
}

fn quoted<'a>(flows: impl Iterator<Item = &'a Flow>) -> String {
    flows.map(|flow| format!("\"{}\"", flow.name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::super::sample::{downgrade, plain, words};
    use super::*;
    use crate::base::TupleSpec;

    fn of(specs: &[TupleSpec]) -> Vec<Mistake> {
        warnings(&parse("flows", specs, &words(), None).unwrap())
    }

    #[test]
    fn a_flow_within_another_is_reported_as_what_it_means() {
        let found = of(&[plain(&["username", "password"]), plain(&["username", "password", "passcode"])]);
        assert_eq!((found.len(), found[0].path.as_str()), (1, "flows[0]"));
        assert!(found[0].message.contains("a second factor for those who enrolled one"), "{found:?}");
        assert_eq!(of(&[plain(&["username", "password"]), plain(&["email", "passcode"])]), []);
    }

    #[test]
    fn a_downgrade_is_reported_whatever_the_identifier() {
        let found = of(&[plain(&["email", "password", "passcode"]), downgrade(&["username", "password"])]);
        assert_eq!((found.len(), found[0].path.as_str()), (1, "flows[1]"));
        assert!(found[0].message.contains("lets in those"), "{found:?}");
        let idle = of(&[downgrade(&["username", "password"])]);
        assert!(idle[0].message.contains("changes nothing"), "{idle:?}");
    }

    #[test]
    fn contrary_orders_are_reported() {
        let found =
            of(&[plain(&["email", "passcode", "password"]), plain(&["email", "password", "hardcode"])]);
        assert_eq!((found.len(), found[0].path.as_str()), (1, "flows[0]"));
        assert!(found[0].message.contains("asked for it twice"), "{found:?}");
        assert_eq!(of(&[plain(&["email", "passcode", "password"]), plain(&["phone", "password"])]), []);
    }
}
