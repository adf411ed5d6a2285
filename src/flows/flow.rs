//! A flow, and the list of them that an installation has.

use super::{Passed, Secret};

/// One identifier, then the secrets that prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// What people call it; its words joined by `+` unless the settings name it.
    pub name: String,
    /// The kind of device that names the user, such as `email`.
    pub identifier: String,
    /// What is asked for, in this order: at least one, none twice, and no open one (`passcode`) beside a
    /// narrowed one of its kind (`passcode:phone`).
    pub secrets: Vec<Secret>,
    /// Whether it lets in those who are equipped for a stronger flow.
    pub allow_downgrade: bool,
}

/// The flows of an installation in their configured order; only [`super::parse`] makes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    path: String,
    list: Vec<Flow>,
}

impl Flow {
    /// The first secret not matched when `passed` is walked in order; `None` when all are passed.
    pub fn next(&self, passed: &[Passed]) -> Option<&Secret> {
        let mut open = self.secrets.iter().peekable();
        for item in passed {
            open.next_if(|secret| secret.accepts(item));
        }
        open.next()
    }

    /// The secrets that nothing in `passed` answers, in the flow's order; in which order they were passed does
    /// not matter here.
    pub fn missing(&self, passed: &[Passed]) -> Vec<&Secret> {
        self.secrets.iter().filter(|secret| !passed.iter().any(|item| secret.accepts(item))).collect()
    }

    /// Whether passing all of this flow passes all of `other` too; identifiers are not compared.
    // One secret of ours never stands for two of theirs: no flow repeats a secret, nor has it an open one
    // beside a narrowed one.
    pub fn includes(&self, other: &Self) -> bool {
        other.secrets.iter().all(|theirs| self.secrets.iter().any(|mine| mine.covers(theirs)))
    }

    /// Whether this flow is the stronger one: it includes `other`, and `other` does not include it.
    /// A flow that only narrows a passcode is stronger as well.
    pub fn strictly_includes(&self, other: &Self) -> bool {
        self.includes(other) && !other.includes(self)
    }
}

impl Flows {
    pub(super) fn new(path: &str, list: Vec<Flow>) -> Self {
        Self { path: path.to_owned(), list }
    }

    /// The settings key they stand under: `flows` or `recovery`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The flows in configured order.
    pub fn iter(&self) -> std::slice::Iter<'_, Flow> {
        self.list.iter()
    }

    /// The flow at `index` of the configured order.
    pub fn get(&self, index: usize) -> Option<&Flow> {
        self.list.get(index)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none; so for a list that was never parsed, such as recovery switched off.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The kinds of identifier that any flow starts with, without repeats, in order.
    pub fn identifiers(&self) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        for flow in &self.list {
            if !found.contains(&flow.identifier.as_str()) {
                found.push(&flow.identifier);
            }
        }
        found
    }

    /// The flow called `name`.
    pub fn find(&self, name: &str) -> Option<&Flow> {
        self.list.iter().find(|flow| flow.name == name)
    }

    /// The flows, whatever their identifier, whose secrets strictly include those of `flow`.
    pub fn stronger_than(&self, flow: &Flow) -> impl Iterator<Item = &Flow> {
        self.list.iter().filter(move |other| other.strictly_includes(flow))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{flow, flows, passed};

    #[test]
    fn inclusion_counts_secrets_and_ignores_identifiers_and_order() {
        let strictly = |a: &[&str], b: &[&str]| flow(a).strictly_includes(&flow(b));
        assert!(strictly(&["email", "passcode", "password"], &["username", "password"]));
        assert!(!strictly(&["username", "password"], &["email", "passcode", "password"]));
        assert!(!strictly(&["email", "password"], &["username", "password"]));
        assert!(!strictly(&["email", "passcode", "password"], &["email", "password", "passcode"]));
        assert!(!strictly(&["email", "password", "passcode"], &["phone", "hardcode", "passcode"]));
    }

    #[test]
    fn a_narrowed_passcode_is_the_stronger_one() {
        let strictly = |a: &[&str], b: &[&str]| flow(a).strictly_includes(&flow(b));
        assert!(strictly(&["email", "passcode:phone"], &["email", "passcode"]));
        assert!(!strictly(&["email", "passcode"], &["email", "passcode:phone"]));
        assert!(strictly(&["email", "passcode:email", "passcode:phone"], &["email", "passcode"]));
        assert!(!strictly(&["email", "passcode:email"], &["email", "passcode:phone"]));
    }

    #[test]
    fn what_is_passed_out_of_order_does_not_move_a_flow_on_but_is_not_missing_either() {
        let both = flow(&["email", "password", "passcode"]);
        let early = passed(&["passcode:email"]);
        assert_eq!(both.next(&early).unwrap().name, "password");
        assert_eq!(both.missing(&early).len(), 1);
        assert_eq!(both.next(&passed(&["passcode:email", "password"])).unwrap().name, "passcode");
        assert!(both.next(&passed(&["password", "passcode:email"])).is_none());
    }

    #[test]
    fn two_codes_of_one_device_do_not_stand_for_two_devices() {
        let two = flow(&["email", "passcode:email", "passcode:phone"]);
        assert_eq!(two.missing(&passed(&["passcode:phone", "passcode:phone"])).len(), 1);
    }

    #[test]
    fn a_list_is_looked_up_by_index_name_and_identifier() {
        let list = flows(&[&["email", "password"], &["username", "password"], &["email", "passcode"]]);
        assert_eq!(list.identifiers(), ["email", "username"]);
        assert_eq!(list.find("email+passcode"), list.get(2));
        assert_eq!(list.find("email"), None);
        assert_eq!((list.len(), list.is_empty(), list.path()), (3, false, "flows"));
    }
}
