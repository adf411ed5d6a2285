//! What the settings of hooks may be, and whether the services behind them can be reached.

use std::path::Path;
use std::process::Command;

use multauth::extensions::Extensions;
use multauth::startup;

use super::{SECRET, allow, says};
use crate::support::program::config;
use crate::support::vendor::Vendor;

/// Where each mistake of these settings is: the line of the file, and the key.
fn mistakes(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("multauth.toml");
    std::fs::write(&file, text).unwrap();
    match startup::settings(Some(Path::new(&file)), std::iter::empty(), &Extensions::default()) {
        Ok(_) => Vec::new(),
        Err(found) => {
            found.into_iter().map(|m| format!("{} {}", m.place.rsplit(':').next().unwrap(), m.path)).collect()
        }
    }
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let url = "url = \"http://127.0.0.1:9/\"";
    assert_eq!(mistakes(&format!("[hooks.ways]\n{url}\nsecret = \"{SECRET}\"")), [""; 0]);
    let missing = mistakes(&format!("[hooks.ways]\n{url}"));
    assert!(missing.len() == 1 && missing[0].ends_with(" hooks.ways.secret"), "{missing:?}");
    assert_eq!(mistakes("[hooks.ways]\ntimeout = \"11s\""), ["2 hooks.ways.timeout"]);
    assert_eq!(mistakes("[hooks.ways]\ntimeout = \"50ms\""), ["2 hooks.ways.timeout"]);
    assert_eq!(mistakes("[hooks.ways]\nwhen_down = \"perhaps\""), ["2 hooks.ways.when_down"]);
    assert_eq!(mistakes("[hooks.ways]\nurl = \"nowhere\""), ["2 hooks.ways.url"]);
    assert_eq!(mistakes("[hooks.before_lunch]\nurl = \"\""), ["1 hooks.before_lunch"]);
    let private = format!("[hooks.ways]\nurl = \"https://10.0.0.1/\"\nsecret = \"{SECRET}\"");
    assert_eq!(mistakes(&private), ["2 hooks.ways.url"]);
}

/// What `multauth doctor` says of the hooks.
fn doctor(url: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let hooks = format!("[hooks.before_signup]\nurl = \"{url}\"\nsecret = \"{SECRET}\"");
    let (file, _) = config(folder.path(), "", &hooks);
    let mut command = Command::new(env!("CARGO_BIN_EXE_multauth"));
    let output = command.args(["doctor", "--config"]).arg(&file).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_reaches_a_hook_without_asking_it_anything() {
    let vendor = Vendor::start(says(allow())).await;
    let said = doctor(&vendor.url);
    assert!(said.contains("ok    hook before_signup"), "{said}");
    assert!(vendor.seen().is_empty(), "nothing is asked");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = doctor(&format!("http://{free}"));
    assert!(said.contains("fail  hook before_signup"), "{said}");
}
