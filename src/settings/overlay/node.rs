use std::collections::BTreeMap;

use super::Place;

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::settings) struct Node {
    pub place: Place,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::settings) enum Value {
    Table(BTreeMap<String, Node>),
    List(Vec<Node>),
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    /// Text of the environment, which becomes what the field asks for.
    Env(String),
    /// Refused and reported. It keeps its seat in a list, so that its neighbours keep their numbers.
    Gone,
}

impl Node {
    pub fn table(place: Place) -> Self {
        Self { place, value: Value::Table(BTreeMap::new()) }
    }

    pub fn is_gone(&self) -> bool {
        self.value == Value::Gone
    }

    /// Lays `over` on top: tables key by key, anything else replaces what was there.
    pub fn lay(&mut self, over: Self) {
        match (&mut self.value, over.value) {
            (_, Value::Gone) => {}
            (Value::Table(mine), Value::Table(theirs)) => {
                self.place = over.place;
                for (key, node) in theirs {
                    match mine.get_mut(&key) {
                        Some(below) => below.lay(node),
                        None => drop(mine.insert(key, node)),
                    }
                }
            }
            (_, value) => *self = Self { place: over.place, value },
        }
    }

    /// The child that `key` names; the environment's upper case stands for any case.
    pub fn child(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(table) => table.get(&spelling(table, key)?),
            Value::List(list) => list.get(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    fn child_mut(&mut self, key: &str) -> Option<&mut Self> {
        match &mut self.value {
            Value::Table(table) => table.get_mut(&spelling(table, key)?),
            Value::List(list) => list.get_mut(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// Puts `node` at `path`, making tables on the way. False where a value stands in the way.
    pub fn put(&mut self, path: &[String], node: Self) -> bool {
        let Some((head, rest)) = path.split_first() else {
            self.lay(node);
            return true;
        };
        self.unfold(head);
        if self.is_gone() {
            *self = Self::table(node.place.clone());
        }
        if let Some(child) = self.child_mut(head) {
            return child.put(rest, node);
        }
        let Value::Table(table) = &mut self.value else { return false };
        let child = table.entry(head.clone()).or_insert_with(|| Self::table(node.place.clone()));
        child.put(rest, node)
    }

    /// Takes out what is at `path`, or the nearest value above it, and says where that was.
    pub fn take(&mut self, path: &[String]) -> Place {
        if let Some(head) = path.first() {
            self.unfold(head);
        }
        if let Some((head, rest)) = path.split_first()
            && let Some(child) = self.child_mut(head)
        {
            return child.take(rest);
        }
        self.value = Value::Gone;
        self.place.clone()
    }

    /// The place of what is at `path`, or of the nearest value above it.
    pub fn place_of(&self, path: &[String]) -> &Place {
        match path.split_first().and_then(|(head, rest)| Some((self.child(head)?, rest))) {
            Some((child, rest)) => child.place_of(rest),
            None => &self.place,
        }
    }

    /// Calls `see` for this node and everything in it with the path as serde counts it (refused values are
    /// not there) and as the operator counts it.
    pub fn walk(&self, seen: &str, written: &str, see: &mut impl FnMut(&str, &str, &Place)) {
        see(seen, written, &self.place);
        match &self.value {
            Value::Table(table) => {
                for (key, node) in table.iter().filter(|(_, node)| !node.is_gone()) {
                    node.walk(&dotted(seen, key), &dotted(written, key), see);
                }
            }
            Value::List(list) => {
                let there = list.iter().enumerate().filter(|(_, node)| !node.is_gone());
                for (n, (at, node)) in there.enumerate() {
                    node.walk(&format!("{seen}[{n}]"), &format!("{written}[{at}]"), see);
                }
            }
            _ => {}
        }
    }
}

fn spelling(table: &BTreeMap<String, Node>, key: &str) -> Option<String> {
    let same = |name: &&String| name.eq_ignore_ascii_case(key);
    if table.contains_key(key) { Some(key.to_owned()) } else { table.keys().find(same).cloned() }
}

fn dotted(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A path as an operator says it: `email.providers[0].port`.
pub(in crate::settings) fn show(path: &[String]) -> String {
    path.iter().fold(String::new(), |shown, step| match step.parse::<usize>() {
        Ok(index) if !shown.is_empty() => format!("{shown}[{index}]"),
        _ => dotted(&shown, step),
    })
}
