//! The example of a provider of one's own, built and run: a sign-up goes out by pigeon.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use multauth::messages::Channel;
use serde_json::json;

use crate::support::client::Client;
use crate::support::mailbox;
use crate::support::program::{Program, config, example};

/// What `file` holds, once it is there.
async fn content(file: &Path) -> String {
    for _ in 0..1_000 {
        match std::fs::read_to_string(file) {
            Ok(text) if !text.is_empty() => return text,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("{} does not appear", file.display());
}

#[tokio::test]
async fn a_sign_up_goes_out_by_a_provider_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let loft = folder.path().join("pigeons.txt");
    let phone = format!("[phone]\nproviders = [{{ kind = \"pigeon\", loft = {loft:?} }}]");
    let (file, address) = config(folder.path(), "", &phone);
    let mut command = Command::new(example("own_provider"));
    command.arg(&file);
    let program = Program::run(command, address).await;
    let client = Client::new(&format!("http://{}", program.address), "10.1.2.7".into());
    let asked = client.signup(json!({ "phone": "+12025550123", "hardcode": "4711-0815" })).await.asks();
    let note = content(&loft).await;
    let (to, text) = note.split_once(": ").unwrap();
    assert_eq!(to, "+12025550123");
    let code = mailbox::code(Channel::Sms, text);
    client.answer(&asked.attempt, json!({ "passcode": code })).await.done();
}

#[test]
fn a_kind_that_the_program_does_not_have_is_a_mistake_in_its_settings() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("multauth.toml");
    std::fs::write(&file, "[phone]\nproviders = [{ kind = \"pigeon\", loft = \"x\" }]").unwrap();
    let mut check = Command::new(env!("CARGO_BIN_EXE_multauth"));
    let output = check.args(["check", "--config"]).arg(&file).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no provider is called \"pigeon\""), "{said}");
    assert_eq!(output.status.code(), Some(2));
}
