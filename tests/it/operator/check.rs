//! `multauth check`: what lets in less than an account has is warned of, and the settings are right all the same.

use std::process::Command;

use crate::support::program::config;

/// What the program prints of settings with these flows; it ends well.
fn checked(flows: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = config(folder.path(), "", "");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("flows = {flows}\nrecovery = []\n{text}")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_multauth"));
    let run = command.args(["check", "--config"]).arg(&file).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    String::from_utf8(run.stdout).unwrap()
}

fn warnings(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("warning ") && line.contains("flows[")).collect()
}

#[test]
fn it_warns_of_a_narrowed_passcode_that_is_enough_in_spite_of_a_better_device() {
    let narrowed = checked(r#"[["email", "passcode:email"], ["username", "password", "passcode"]]"#);
    let found = warnings(&narrowed);
    let lets_in = "\"email+passcode:email\" lets in whoever has the email alone";
    let told = |device: &str| {
        found
            .iter()
            .any(|line| line.contains(":1: flows[0]: ") && line.contains(lets_in) && line.contains(device))
    };
    assert!(told("confirmed phone") && told("confirmed authenticator"), "{narrowed}");
    let open = checked(r#"[["email", "passcode"], ["username", "password", "passcode"]]"#);
    assert_eq!(warnings(&open), [""; 0], "{open}");
}

#[test]
fn it_warns_of_an_allowed_downgrade() {
    let downgrade = checked(
        r#"[["username", "password", "passcode"], { use = ["username", "password"], allow_downgrade = true }]"#,
    );
    let found = warnings(&downgrade);
    assert!(
        found.iter().any(|line| line.contains(":1: flows[1]: ") && line.contains("allow_downgrade")),
        "{downgrade}"
    );
}

#[test]
fn it_warns_of_networks_too_wide_to_be_proxies() {
    let folder = tempfile::tempdir().unwrap();
    let networks =
        r#"["10.0.0.0/8", "0.0.0.0/0", "128.0.0.0/7", "2001:db8::/32", "::/0", "2001::/31", "192.0.2.7"]"#;
    let (file, _) = config(folder.path(), &format!("trusted_proxies = {networks}"), "");
    let mut command = Command::new(env!("CARGO_BIN_EXE_multauth"));
    let run = command.args(["check", "--config"]).arg(&file).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    let text = String::from_utf8(run.stdout).unwrap();
    let found: Vec<&str> = text.lines().filter(|line| line.contains("trusted_proxies[")).collect();
    let wide = [(1, "0.0.0.0/0"), (2, "128.0.0.0/7"), (4, "::/0"), (5, "2001::/31")];
    assert_eq!(found.len(), wide.len(), "{text}");
    for ((n, net), line) in wide.iter().zip(found) {
        let told = format!(":3: server.trusted_proxies[{n}]: {net} is more than proxies of your own");
        assert!(line.starts_with("warning ") && line.contains(&told), "{line}");
    }
}
