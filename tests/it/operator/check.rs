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

/// A program's settings in a folder of its own, with whatever key the file holds.
struct Site {
    folder: tempfile::TempDir,
}

/// What was in its URLs and must be in nothing that is printed.
const SECRET: &str = "hunter2SECRET";

impl Site {
    fn new(head: &str, database: &str, redis: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display();
        let database = database.replace("FOLDER", &place.to_string());
        let text = format!(
            "{head}\nflows = [[\"username\", \"password\"]]\nrecovery = []\n[server]\nlisten = \"127.0.0.1:0\"\n\
             [database]\nurl = \"{database}\"\n[redis]\nurl = \"{redis}\"\n[keys]\nfile = \"{place}/master.key\"\n\
             [log]\nlevel = \"trace\"\n"
        );
        std::fs::write(folder.path().join("multauth.toml"), text).unwrap();
        Self { folder }
    }

    /// A master key that says `text` and that `mode` says who reads.
    fn key(self, text: &str, mode: u32) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let file = self.folder.path().join("master.key");
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    fn run(&self, command: &str) -> (Option<i32>, String) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_multauth"));
        let run = program
            .args([command, "--config"])
            .arg(self.folder.path().join("multauth.toml"))
            .output()
            .unwrap();
        let text = String::from_utf8([run.stdout, run.stderr].concat()).unwrap();
        assert!(!text.contains(SECRET), "{command}: {text}");
        (run.status.code(), text)
    }
}

const PRODUCTION: &str = "mode = \"production\"\npublic_url = \"https://id.example.org\"";
const FILE: &str = "sqlite://FOLDER/m.db";
const KEY: &str = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";

#[test]
fn what_serve_refuses_check_refuses_with_its_place() {
    let database = |url: &str| (Site::new("", url, ""), "database.url");
    let redis = |url: &str| (Site::new("", FILE, url), "redis.url");
    let cases = [
        database(&format!("postgres://multauth:1234?{SECRET}@127.0.0.1/db")),
        database(&format!("postgres://multauth@127.0.0.1/db?sslpassword={SECRET}")),
        database(&format!("postgres:{SECRET}")),
        database("sqlite://:memory:"),
        database("sqlite://FOLDER"),
        database("sqlite://FOLDER/multauth.toml/m.db"),
        redis("redis://:a#b@h"),
        redis(&format!("redis://:p#{SECRET}@h")),
        redis(&format!("redis://:{SECRET}@h?db=4")),
        redis(&format!("redis://:p?{SECRET}@h")),
        redis(&format!("rediss://:{SECRET}@h#insecure")),
        (Site::new(PRODUCTION, FILE, ""), "keys.file"),
        (Site::new(PRODUCTION, FILE, "").key(KEY, 0o644), "keys.file"),
        (Site::new(PRODUCTION, FILE, "").key("no key", 0o600), "keys.file"),
        (Site::new("", FILE, "").key(&"A".repeat(43), 0o600), "keys.file"),
    ];
    for (n, (site, place)) in cases.iter().enumerate() {
        let (code, checked) = site.run("check");
        assert_eq!(code, Some(2), "{n}: {checked}");
        assert!(
            checked.contains(&format!(": {place}: ")) && !checked.contains("are right"),
            "{n}: {checked}"
        );
        let (code, served) = site.run("serve");
        assert!(code.is_some_and(|code| code != 0), "{n}: {served}");
        let database = site.folder.path().join("m.db");
        assert!(!database.exists(), "{n}: nothing was made");
    }
    let sound = [Site::new("", FILE, ""), Site::new(PRODUCTION, FILE, "").key(KEY, 0o600)];
    for site in sound {
        let (code, text) = site.run("check");
        assert!(code == Some(0) && text.contains("the settings are right"), "{text}");
        assert!(!site.folder.path().join("m.db").exists(), "a check makes nothing");
    }
}

#[test]
fn it_warns_of_a_name_that_makes_texts_dear() {
    let of = |name: &str| Site::new(&format!("name = \"{name}\""), FILE, "").run("check").1;
    for name in ["multauth", "Café Olé", "Müller & Söhne", "[Ça] va €"] {
        assert!(!of(name).contains(": name: "), "{name}");
    }
    for (name, sign) in
        [("L’Atelier", "’ (U+2019)"), ("Acme™ Accounts", "™ (U+2122)"), ("Łódź", "ź (U+017A), Ł (U+0141)")]
    {
        let text = of(name);
        let line =
            text.lines().find(|line| line.starts_with("warning") && line.contains(": name: ")).expect(name);
        assert!(sign.split(", ").all(|sign| line.contains(sign)) && line.contains("twice"), "{line}");
    }
}

#[test]
fn it_warns_that_a_sign_up_without_confirmation_tells_what_is_taken() {
    for section in ["email", "phone"] {
        let site = Site::new("", FILE, "");
        let file = site.folder.path().join("multauth.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{text}[{section}]\nconfirm = \"never\"\n")).unwrap();
        let (code, text) = site.run("check");
        let told = |line: &str| line.contains(&format!("{section}.confirm: a sign-up tells whether"));
        assert!(code == Some(0) && text.lines().any(told), "{text}");
        std::fs::write(&file, std::fs::read_to_string(&file).unwrap().replace("never", "after")).unwrap();
        assert!(!site.run("check").1.contains("a sign-up tells"));
    }
}

#[test]
fn it_warns_of_networks_too_wide_to_be_proxies() {
    let folder = tempfile::tempdir().unwrap();
    let networks = r#"["10.0.0.0/8", "0.0.0.0/0", "203.0.0.0/8", "2001:db8::/32", "::/0", "2001::/31", "104.16.0.0/12"]"#;
    let (file, _) = config(folder.path(), &format!("trusted_proxies = {networks}"), "");
    let mut command = Command::new(env!("CARGO_BIN_EXE_multauth"));
    let run = command.args(["check", "--config"]).arg(&file).output().unwrap();
    assert!(run.status.success(), "{run:?}");
    let text = String::from_utf8(run.stdout).unwrap();
    let found: Vec<&str> = text.lines().filter(|line| line.contains("trusted_proxies[")).collect();
    let wide = [(1, "0.0.0.0/0"), (2, "203.0.0.0/8"), (4, "::/0"), (5, "2001::/31")];
    assert_eq!(found.len(), wide.len(), "{text}");
    for ((n, net), line) in wide.iter().zip(found) {
        let told = format!(":3: server.trusted_proxies[{n}]: {net} is more than proxies of your own");
        assert!(line.starts_with("warning ") && line.contains(&told), "{line}");
    }
}
