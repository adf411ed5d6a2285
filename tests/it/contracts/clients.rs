//! The API document of an instance with twelve fields and a custom identifier: judged by Redocly and Spectral, and
//! turned into clients by others' generators that then talk to the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::beds;
use crate::support::program::{Program, config};

/// Employee numbers beside addresses.
const NUMBERS: &str = "[identifier.employee_no]\npattern = \"E[0-9]{4}\"\ncase = \"upper\"\nstrip = \" -\"\n\
    title = \"Employee number\"\nexample = \"E1234\"\n";
/// What stands before every table.
const FLOWS: &str = "flows = [[\"email\", \"password\"], [\"employee_no\", \"password\"]]\n\
    recovery = [[\"email\", \"passcode\"]]\n";

/// The twelve fields of the settings.
fn twelve() -> String {
    fs::read_to_string(here("tests/it/support/twelve_fields.toml")).unwrap()
}

/// All but the size.
fn eleven() -> String {
    let (before, after) = twelve().split_once("[user.fields.size]").map(own).unwrap();
    format!("{before}{}", &after[after.find("[user.fields.interests]").unwrap()..])
}

/// The twelve, with a size that must be given.
fn requiring() -> String {
    twelve().replace("[user.fields.size]\n", "[user.fields.size]\nrequired = true\n")
}

fn own((before, after): (&str, &str)) -> (String, String) {
    (before.to_owned(), after.to_owned())
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// An instance with those fields.
struct Instance {
    folder: TempDir,
    file: PathBuf,
    address: std::net::SocketAddr,
}

impl Instance {
    fn with(fields: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let (file, address) = config(folder.path(), "", &format!("{NUMBERS}{fields}"));
        fs::write(&file, format!("{FLOWS}{}", fs::read_to_string(&file).unwrap())).unwrap();
        Self { folder, file, address }
    }

    /// The same instance, with other fields from now on.
    fn now_with(&self, fields: &str) {
        let text = fs::read_to_string(&self.file).unwrap();
        let (before, _) = text.split_once(NUMBERS).unwrap();
        fs::write(&self.file, format!("{before}{NUMBERS}{fields}")).unwrap();
    }

    async fn start(&self) -> Program {
        Program::start(&self.file, self.address).await
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it serves as its document, in a file.
    async fn document(&self) -> PathBuf {
        let url = format!("{}/openapi.json", self.url());
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let answer = http.get(url).send().await.unwrap().error_for_status().unwrap();
        let file = self.folder.path().join("openapi.json");
        fs::write(&file, answer.bytes().await.unwrap()).unwrap();
        file
    }
}

/// What generates clients, and runs them: a folder with `node_modules`, and a virtual environment of Python.
struct Tools {
    node: PathBuf,
    python: PathBuf,
}

fn tools() -> Option<Tools> {
    Some(Tools {
        node: beds::variable("CLIENTS_NODE")?.into(),
        python: beds::variable("CLIENTS_PYTHON")?.into(),
    })
}

impl Tools {
    fn node(&self, tool: &str, folder: &Path) -> Command {
        let mut command = Command::new(self.node.join("node_modules/.bin").join(tool));
        command.current_dir(folder);
        command
    }

    /// A client of openapi-typescript around `program`, as JavaScript; it compiles strictly or this fails.
    fn typescript(&self, document: &Path, program: &str) -> TempDir {
        let made = TempDir::new().unwrap();
        let at = made.path();
        for (from, to) in [(program, "client.ts"), ("tsconfig.json", "tsconfig.json")] {
            fs::copy(here("tests/beds/clients").join(from), at.join(to)).unwrap();
        }
        fs::write(at.join("package.json"), "{ \"type\": \"module\" }\n").unwrap();
        std::os::unix::fs::symlink(self.node.join("node_modules"), at.join("node_modules")).unwrap();
        good(self.node("openapi-typescript", at).arg(document).args(["-o", "schema.d.ts"]));
        good(self.node("tsc", at).args(["-p", "."]));
        made
    }

    /// A client of openapi-python-client around `program`.
    fn python(&self, document: &Path, program: &str) -> TempDir {
        let made = TempDir::new().unwrap();
        fs::copy(here("tests/beds/clients").join(program), made.path().join("client.py")).unwrap();
        let mut generate = Command::new(self.python.join("bin/python"));
        // It formats what it made with `ruff` from PATH, where that is.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(self.python.join("bin")).chain(std::env::split_paths(&path));
        generate.env("PATH", std::env::join_paths(paths).unwrap()).current_dir(made.path());
        generate.args(["-m", "openapi_python_client", "generate", "--meta", "none", "--output-path", "made"]);
        generate.args(["--fail-on-warning", "--path"]);
        good(generate.arg(document));
        made
    }

    fn run_typescript(made: &TempDir, arguments: &[&str]) {
        says_ok(Command::new("node").arg("out/client.js").args(arguments).current_dir(made.path()));
    }

    fn run_python(&self, made: &TempDir, arguments: &[&str]) {
        let mut command = Command::new(self.python.join("bin/python"));
        says_ok(command.arg("client.py").args(arguments).current_dir(made.path()));
    }
}

fn good(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    output
}

fn says_ok(command: &mut Command) {
    let output = good(command);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "ok");
}

#[tokio::test]
async fn the_document_has_no_error_and_no_warning_of_redocly_or_spectral() {
    let Some(tools) = tools() else { return };
    let instance = Instance::with(&twelve());
    let _program = instance.start().await;
    let (document, at) = (instance.document().await, instance.folder.path());
    fs::write(at.join(".spectral.yaml"), "extends: [\"spectral:oas\"]\n").unwrap();
    let spectral = ["-r", ".spectral.yaml", "--fail-severity", "warn"];
    good(tools.node("spectral", at).arg("lint").arg(&document).args(spectral));
    let mut redocly = tools.node("redocly", at);
    redocly.arg("lint").arg(&document).args(["--max-problems", "1000", "--format", "json"]);
    // A test is at localhost.
    redocly.args(["--skip-rule", "no-server-example.com"]);
    let output = good(redocly.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true"));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["totals"]["errors"], 0, "{found}");
    assert_eq!(found["totals"]["warnings"], 0, "{found}");
}

#[tokio::test]
async fn a_typescript_client_signs_up_with_all_fields_and_in_by_its_number() {
    let Some(tools) = tools() else { return };
    let instance = Instance::with(&twelve());
    let _program = instance.start().await;
    let client = tools.typescript(&instance.document().await, "whole.ts");
    Tools::run_typescript(&client, &[&instance.url()]);
}

#[tokio::test]
async fn a_python_client_signs_up_with_all_fields_and_in_by_its_number() {
    let Some(tools) = tools() else { return };
    let instance = Instance::with(&twelve());
    let _program = instance.start().await;
    let client = tools.python(&instance.document().await, "whole.py");
    tools.run_python(&client, &[&instance.url()]);
}

#[tokio::test]
async fn clients_made_before_a_field_was_added_keep_working_and_can_read_what_asks_for_it() {
    let Some(tools) = tools() else { return };
    let instance = Instance::with(&eleven());
    let program = instance.start().await;
    let document = instance.document().await;
    let (typescript, python) = (tools.typescript(&document, "old.ts"), tools.python(&document, "old.py"));
    let url = instance.url();
    let run = |mode: &str, numbers: [&str; 2]| {
        Tools::run_typescript(&typescript, &[&url, mode, numbers[0]]);
        tools.run_python(&python, &[&url, mode, numbers[1]]);
    };
    run("optional", ["E0001", "E0002"]);
    drop(program);
    instance.now_with(&twelve());
    let program = instance.start().await;
    run("optional", ["E0003", "E0004"]);
    drop(program);
    instance.now_with(&requiring());
    let _program = instance.start().await;
    run("required", ["E0005", "E0006"]);
}
