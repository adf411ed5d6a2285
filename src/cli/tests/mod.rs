//! Commands as they are typed, and what they do to a database: a file a command, or some that belong together.

use std::path::PathBuf;

use clap::Parser;

use super::{Args, Outcome, Setup, dispatch};
use crate::extensions::Extensions;
use crate::settings::Settings;

mod doctor;
mod operator;
mod settings;
mod typed;
mod walks;
mod webhooks;

/// No file, and no kinds of its own.
const NOWHERE: Setup<'static> = Setup {
    file: None,
    extensions: &Extensions {
        providers: Vec::new(),
        devices: Vec::new(),
        secrets: Vec::new(),
        hooks: Vec::new(),
    },
};

/// A folder with a settings file whose database and keys lie in it.
struct Site(tempfile::TempDir);

impl Site {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let text = format!(
            "{more}\n[database]\nurl = \"sqlite://{at}/test.db\"\n[keys]\nfile = \"{at}/master.key\"\n"
        );
        std::fs::write(folder.path().join("multauth.toml"), text).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("multauth.toml")
    }

    async fn run(&self, words: &[&str]) -> Outcome {
        let args = Args::try_parse_from(std::iter::once(&"multauth").chain(words)).unwrap();
        let file = self.file();
        // On the heap: a test that gives many commands would have them all on its small stack.
        Box::pin(dispatch(
            args.command.unwrap(),
            Setup { file: Some(&file), extensions: &Extensions::default() },
        ))
        .await
    }

    fn settings(&self) -> Settings {
        crate::startup::settings(Some(&self.file()), std::iter::empty(), &Extensions::default())
            .unwrap()
            .settings
    }
}

async fn signed_up<const N: usize>(app: &crate::app::App, names: [(&'static str, String); N]) -> String {
    use crate::auth::attempts::progress::Progress;
    use crate::auth::input::{Client, Given};
    let client = Client {
        ip: [127, 0, 0, 1].into(),
        agent: "tests".into(),
        known_device: None,
        languages: Vec::new(),
        request: String::new(),
    };
    let secrets = [("password", "plum-velvet-crane-orbit".into())].into();
    let given = Given { identifiers: names.into(), secrets, ..Given::default() };
    let done = crate::auth::signup::begin(app, &client, &given).await.unwrap();
    let Progress::Done(done) = done else { panic!("it asks for more") };
    done.user.into()
}

/// Settings with an employee number that the operator gives.
const NUMBERED: &str = r#"flows = [["email", "password"], ["employee_no", "password"]]
[identifier.employee_no]
pattern = "E[0-9]{4}"
title = "Employee number"
example = "E1234"
case = "upper"
strip = " -"
given_by = "operator""#;
