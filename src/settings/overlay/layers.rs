use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::{Error, Node, Place, Value, show};

/// The built-in file, the operator's file, and the environment, still apart.
pub(in crate::settings) struct Layers {
    pub default: Node,
    pub file: Node,
    pub env: Vec<Override>,
}

/// One environment variable.
pub(in crate::settings) struct Override {
    path: Vec<String>,
    node: Node,
}

/// What was refused, and where.
pub(in crate::settings) struct Refused {
    pub place: Place,
    pub path: String,
    pub message: String,
}

impl Override {
    /// `rest` is the variable's name behind the prefix, double underscores between the parts.
    pub fn new(name: &str, rest: &str, text: String) -> Self {
        let path = rest.split("__").map(str::to_ascii_lowercase).collect();
        Self { path, node: Node { place: Place::Env(Arc::from(name)), value: Value::Env(text) } }
    }
}

impl Layers {
    /// All layers in one tree, and the variables that found a plain value where they wanted a section.
    fn merged(&self) -> (Node, Vec<&Override>) {
        let mut tree = self.default.clone();
        tree.lay(self.file.clone());
        let mut stuck = Vec::new();
        for over in self.env.iter().filter(|over| !over.node.is_gone()) {
            if !tree.put(&over.path, over.node.clone()) {
                stuck.push(over);
            }
        }
        (tree, stuck)
    }

    /// Reads a `T`. What is refused is reported and taken out of its layer, until the rest passes.
    /// The `T` is missing only where the built-in layer itself cannot be read.
    pub fn read<T: DeserializeOwned>(&mut self) -> (Option<T>, Node, Vec<Refused>) {
        let mut refused = Vec::new();
        loop {
            let (tree, stuck) = self.merged();
            let error = match serde_path_to_error::deserialize::<_, T>(tree.clone()) {
                Ok(value) => {
                    refused.extend(stuck.into_iter().map(|over| in_the_way(over, &tree)));
                    return (Some(value), tree, refused);
                }
                Err(error) => error,
            };
            let path = steps(&tree, error.path());
            let message = self.explain(error.into_inner(), &path);
            let places = self.take_out(tree.place_of(&path).clone(), &path);
            let hopeless = matches!(places[..], [] | [Place::Default(_)]);
            let path = show(&path);
            refused.extend(places.into_iter().map(|place| Refused {
                place,
                path: path.clone(),
                message: message.clone(),
            }));
            if hopeless {
                return (None, tree, refused);
            }
        }
    }

    fn take_out(&mut self, owner: Place, path: &[String]) -> Vec<Place> {
        match owner {
            Place::Default(_) => vec![owner],
            Place::File(..) => vec![self.file.take(path)],
            Place::Env(_) => {
                let concerned = self.env.iter_mut().filter(|over| !over.node.is_gone() && over.touches(path));
                concerned
                    .map(|over| over.node.take(path.get(over.path.len()..).unwrap_or_default()))
                    .collect()
            }
        }
    }

    /// Adds where a key would have been right, for one that landed under the wrong heading.
    fn explain(&self, error: Error, path: &[String]) -> String {
        let Some(key) = error.unknown_key else { return error.message };
        let mut homes = Vec::new();
        self.default.walk("", "", &mut |seen, _, _| {
            if seen.rsplit('.').next() == Some(&key) && seen != show(path) {
                homes.push(format!("`{seen}`"));
            }
        });
        match homes.len() {
            1..=3 => format!("{}. The name is known as {}", error.message, homes.join(" and ")),
            _ => error.message,
        }
    }
}

impl Override {
    fn touches(&self, path: &[String]) -> bool {
        self.path.iter().zip(path).all(|(mine, step)| mine.eq_ignore_ascii_case(step))
    }
}

fn in_the_way(over: &Override, tree: &Node) -> Refused {
    let owner = tree.place_of(&over.path);
    let message = format!("a plain value stands where this wants a section ({owner})");
    Refused { place: over.node.place.clone(), path: show(&over.path), message }
}

/// Serde's path in the operator's count: serde does not see the refused items of a list.
fn steps(tree: &Node, path: &Path) -> Vec<String> {
    let mut node = Some(tree);
    let mut out: Vec<String> = Vec::new();
    for segment in path {
        let step = match segment {
            Segment::Map { key } => key.clone(),
            Segment::Seq { index } => counted(node, *index).to_string(),
            Segment::Enum { .. } | Segment::Unknown => break,
        };
        node = node.and_then(|node| node.child(&step));
        out.push(step);
    }
    out
}

fn counted(node: Option<&Node>, index: usize) -> usize {
    let Some(Node { value: Value::List(list), .. }) = node else { return index };
    let there = list.iter().enumerate().filter(|(_, node)| !node.is_gone());
    there.map(|(at, _)| at).nth(index).unwrap_or(index)
}
