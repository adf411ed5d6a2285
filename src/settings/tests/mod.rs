//! Settings as an operator writes them.

use std::path::PathBuf;

use super::*;

mod fields;
mod layers;
mod mistakes;
mod reference;
mod rules;

/// A folder with the operator's file in it.
struct Operator {
    folder: tempfile::TempDir,
}

impl Operator {
    fn writes(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("multauth.toml"), text).unwrap();
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn with(&self, env: &[(&str, &str)]) -> Result<Loaded, Vec<Located>> {
        let env = env.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let mut loaded = load(Some(&self.file("multauth.toml")), env);
        let folder = format!("{}/", self.folder.path().display());
        for located in loaded.as_mut().err().into_iter().flatten() {
            located.place = located.place.replace(&folder, "");
        }
        loaded
    }

    fn mistakes(&self, env: &[(&str, &str)]) -> Vec<String> {
        self.with(env).unwrap_err().iter().map(ToString::to_string).collect()
    }
}

fn settings(text: &str) -> Settings {
    Operator::writes(text).with(&[]).unwrap().settings
}

fn mistakes(text: &str) -> Vec<String> {
    Operator::writes(text).mistakes(&[])
}

fn from_env(env: &[(&str, &str)]) -> Result<Loaded, Vec<Located>> {
    Operator::writes("").with(env)
}

#[track_caller]
fn begin_with(found: &[String], wanted: &[&str]) {
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.starts_with(wanted), "{found}\nwanted {wanted}");
    }
}
