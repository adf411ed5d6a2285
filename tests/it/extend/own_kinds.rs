//! The examples of a kind of device and of a kind of secret of one's own, built and run.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::support::client::Client;
use crate::support::person::PASSWORD;
use crate::support::program::example;
use crate::support::program::{Program, config};

/// Settings with these flows, at the top of the file.
fn with_flows(file: &Path, flows: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, format!("flows = {flows}\nrecovery = []\n{text}")).unwrap();
}

async fn started(name: &str, file: &Path, address: std::net::SocketAddr) -> (Program, Client) {
    let mut command = Command::new(example(name));
    command.args(["serve", "--config"]).arg(file);
    let program = Program::run(command, address).await;
    let client = Client::new(&format!("http://{}", program.address), "10.1.2.8".into());
    (program, client)
}

fn said(name: &str, command: &str, file: &Path) -> Output {
    let mut program = Command::new(example(name));
    program.args([command, "--config"]).arg(file).stdin(Stdio::null()).output().unwrap()
}

#[tokio::test]
async fn people_sign_up_and_in_by_a_badge_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let (file, address) = config(folder.path(), "", "");
    with_flows(&file, r#"[["badge", "password"]]"#);
    let checked = said("own_device", "check", &file);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let (_program, client) = started("own_device", &file, address).await;
    let made = client.signup(json!({ "badge": "b17", "password": PASSWORD })).await.done();
    let done = client.signin(json!({ "badge": "B-0017", "password": PASSWORD })).await.done();
    assert_eq!(done.user, made.user);
    let me = client.bearing(&done.access).get("/v1/me").await.is(200).json();
    assert_eq!(me["badge"], "B-0017");
    client.signup(json!({ "badge": "B17", "password": PASSWORD })).await.fails(409, "taken");
    client.signup(json!({ "badge": "x", "password": PASSWORD })).await.fails(400, "invalid_request");
}

#[tokio::test]
async fn people_sign_up_and_in_with_a_pin_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let (file, address) = config(folder.path(), "", "");
    with_flows(&file, r#"[["username", "password", "pin"]]"#);
    let walked = said("own_secret", "simulate", &file);
    assert!(walked.status.success(), "{}", String::from_utf8_lossy(&walked.stdout));
    let (_program, client) = started("own_secret", &file, address).await;
    let body = |pin: &str| json!({ "username": "ada", "password": PASSWORD, "pin": pin });
    client.signup(body("111111")).await.fails(400, "invalid_request");
    client.signup(body("493 071")).await.done();
    client.signin(body("493071")).await.done();
    client.signin(body("493072")).await.wrong();
}

#[test]
fn every_command_of_an_own_program_knows_its_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = config(folder.path(), "", "");
    with_flows(&file, r#"[["badge", "password"]]"#);
    let flows = said("own_device", "flows", &file);
    assert!(String::from_utf8_lossy(&flows.stdout).contains("named by: badge"), "{flows:?}");
    let document = said("own_device", "openapi", &file);
    let document: serde_json::Value = serde_json::from_slice(&document.stdout).unwrap();
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["SigninRequest"]["properties"]["badge"]["example"], "B-0017");
    assert_eq!(schemas["Me"]["properties"]["badge"]["example"], "B-0017");
    let mut plain = Command::new(env!("CARGO_BIN_EXE_multauth"));
    let plain = plain.args(["check", "--config"]).arg(&file).stdin(Stdio::null()).output().unwrap();
    assert_eq!(plain.status.code(), Some(2), "without the program there is no such word");
}
