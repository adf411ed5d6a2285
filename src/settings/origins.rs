use std::collections::BTreeMap;
use std::fmt;

use crate::base::Mistake;

use super::overlay::{Node, Place};

/// A mistake with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// `multauth.toml:12` or `environment MULTAUTH__SERVER__LISTEN`.
    pub place: String,
    /// The key, such as `flows[2]`; empty where the file as a whole is wrong.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, path, message } = self;
        if path.is_empty() {
            write!(f, "{place}: {message}")
        } else {
            write!(f, "{place}: {path}: {message}")
        }
    }
}

/// Where every value of the loaded settings was written.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// By the path in the loaded settings: the place, and the path as the operator counts. The two paths
    /// differ where an item of a list before this one was refused.
    known: BTreeMap<String, (Place, String)>,
}

impl Origins {
    pub(super) fn of(tree: &Node) -> Self {
        let mut known = BTreeMap::new();
        tree.walk("", "", &mut |seen, written, place| {
            known.insert(seen.to_owned(), (place.clone(), written.to_owned()));
        });
        Self { known }
    }

    /// Adds its place to a mistake: that of the key, or of the nearest thing above it that was written.
    pub fn locate(&self, mistake: Mistake) -> Located {
        let (place, path) = self.find(&mistake.path);
        Located { place: place.map_or("settings".into(), |p| p.to_string()), path, message: mistake.message }
    }

    pub(super) fn find(&self, path: &str) -> (Option<Place>, String) {
        let mut prefix = path;
        loop {
            if let Some((place, written)) = self.known.get(prefix) {
                return (Some(place.clone()), format!("{written}{}", &path[prefix.len()..]));
            }
            match prefix.rfind(['.', '[']) {
                Some(end) => prefix = &prefix[..end],
                None if prefix.is_empty() => return (None, path.to_owned()),
                None => prefix = "",
            }
        }
    }

    /// Whether nobody but the built-in file has set it.
    pub(super) fn is_default(&self, path: &str) -> bool {
        matches!(self.find(path).0, None | Some(Place::Default(_)))
    }

    /// Says that what is wrong with `path` is to be mended at `instead`.
    pub(super) fn answer_for(&mut self, path: &str, instead: &str) {
        if let Some(found) = self.known.get(instead).cloned() {
            self.known.insert(path.to_owned(), found);
        }
    }
}
