//! What is posted, verified by the library that Standard Webhooks offers to receivers (PyPI `standardwebhooks`).

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::crashes::{section, sign_up};
use crate::support::beds;
use crate::support::program::{Program, config};
use crate::support::receiver::{Call, Manner, Receiver, SECRET};
use crate::support::until;

/// What the library makes of calls: the payload, or the name of its error.
fn verified(python: &str, secret: &str, calls: &[Call]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/beds/verify_webhooks.py");
    let calls: Vec<Value> =
        calls.iter().map(|call| json!({ "headers": call.headers, "body": call.body })).collect();
    let given = json!({ "secret": secret, "calls": calls }).to_string();
    let output = Command::new(python).arg(script).arg(given).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn ping(file: &Path) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_multauth"));
    command.args(["webhooks", "ping", "crm", "--config"]).arg(file).output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_librarys_own_code_takes_what_is_posted_and_refuses_what_was_changed() {
    let (folder, receiver) = (TempDir::new().unwrap(), Receiver::start(Manner::Answers(204)).await);
    let (file, address) = config(folder.path(), "", &section(&receiver));
    let output = ping(&file);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("204 in "), "{output:?}");
    let program = Program::start(&file, address).await;
    let users = sign_up(&program, &["zoe".into()]).await;
    until("both events came", 10, async || receiver.calls().len() == 3).await;
    drop(program);

    let Some(python) = beds::variable("STANDARDWEBHOOKS") else { return };
    let calls = receiver.calls();
    let told = verified(&python, SECRET, &calls);
    let types: Vec<_> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["ping", "user.created", "signin.succeeded"]);
    assert_eq!(told[1]["data"]["user_id"], users[0].as_str());

    let refused = |secret: &str, change: &dyn Fn(&mut Call)| {
        let mut call = calls[1].clone();
        change(&mut call);
        let told = verified(&python, secret, &[call]).remove(0);
        assert_eq!(told["refused"], "WebhookVerificationError", "{told}");
    };
    refused("whsec_c3VjaCBhIGxvbmcgYW5kIHdyb25nIHNlY3JldA==", &|_| ());
    refused(SECRET, &|call| call.body = call.body.replace("user.created", "user.deleted"));
    refused(SECRET, &|call| call.body.push(' '));
    let set = |call: &mut Call, name: &str, value: String| drop(call.headers.insert(name.into(), value));
    refused(SECRET, &|call| set(call, "webhook-id", "another".into()));
    let later = calls[1].headers["webhook-timestamp"].parse::<i64>().unwrap() + 1;
    refused(SECRET, &|call| set(call, "webhook-timestamp", later.to_string()));
    refused(SECRET, &|call| set(call, "webhook-signature", "v1,".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ping_that_is_not_taken_says_what_came_back() {
    let (folder, receiver) = (TempDir::new().unwrap(), Receiver::start(Manner::Answers(401)).await);
    let (file, _) = config(folder.path(), "", &section(&receiver));
    let output = ping(&file);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("401 in "), "{output:?}");
    drop(receiver);
    let (file, _) = config(folder.path(), "", &section(&Receiver::start(Manner::Hangs).await));
    assert_eq!(ping(&file).status.code(), Some(1));
}
