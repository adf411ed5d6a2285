//! What others wrote and messages are delivered to. `tests/run` starts it and says where it is.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;

use super::databases::loudly;
use super::letter::Letter;

/// What `MULTAUTH_TEST_{name}` says: the URL or address of a bed, or something that goes with it. Where it says
/// nothing, that is told past the harness, once a name, and the test has nothing to test.
pub fn variable(name: &str) -> Option<String> {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let value = std::env::var(format!("MULTAUTH_TEST_{name}")).ok().filter(|value| !value.is_empty());
    if value.is_none() && TOLD.lock().unwrap().insert(name.to_owned()) {
        loudly(&format!("not tested: MULTAUTH_TEST_{name} names nothing; `tests/run` starts it"));
    }
    value
}

/// A mail server that can be told how to answer (aiosmtpd): it knows mailer with the password s3cret;
/// reject@ is refused for good, later@ for now, and drop@ has the connection cut.
pub struct Smtp {
    /// The port that asks for STARTTLS.
    pub starttls: String,
    /// The port that speaks TLS from the first byte.
    pub tls: String,
    /// Whom to trust, as PEM.
    pub ca: String,
    mails: PathBuf,
}

/// The mail server, where there is one.
pub fn smtp() -> Option<Smtp> {
    let starttls = port(&variable("SMTP")?);
    let (tls, ca) = (port(&variable("SMTPS")?), variable("SMTP_CA")?);
    Some(Smtp { starttls, tls, ca, mails: variable("SMTP_MAILS")?.into() })
}

/// A mail that the server took, with its envelope.
#[derive(Debug, serde::Deserialize)]
pub struct Taken {
    /// What stood in `RCPT TO`.
    pub to: Vec<String>,
    /// What stood in `MAIL FROM`.
    pub from: String,
    /// Whether it came encrypted.
    pub tls: bool,
    /// Whether it came with the right password.
    pub auth: bool,
    data: String,
}

impl Smtp {
    /// What it took for that address, the oldest first.
    pub fn taken(&self, to: &str) -> Vec<Taken> {
        let all = std::fs::read_to_string(&self.mails).unwrap();
        let all = all.lines().map(|line| serde_json::from_str::<Taken>(line).unwrap());
        all.filter(|mail| mail.to.iter().any(|found| found == to)).collect()
    }
}

impl Taken {
    /// Header and body.
    pub fn letter(&self) -> Letter {
        Letter::read(&self.data)
    }
}

/// A real mail server (Postfix) that asks for STARTTLS, with the same user.
pub struct Postfix {
    /// Its port.
    pub starttls: String,
    /// Whom to trust, as PEM.
    pub ca: String,
    maildir: PathBuf,
}

/// Postfix, where there is one.
pub fn postfix() -> Option<Postfix> {
    let (starttls, ca) = (port(&variable("POSTFIX")?), variable("POSTFIX_CA")?);
    Some(Postfix { starttls, ca, maildir: variable("POSTFIX_MAILDIR")?.into() })
}

impl Postfix {
    /// The mails to that address that lie in the maildir.
    pub fn delivered(&self, to: &str) -> Vec<Letter> {
        // It makes the folder with the first mail.
        let files = std::fs::read_dir(self.maildir.join("new")).into_iter().flatten();
        let letters = files.map(|file| Letter::read(&std::fs::read_to_string(file.unwrap().path()).unwrap()));
        letters.filter(|letter| letter.header("To") == to).collect()
    }
}

fn port(address: &str) -> String {
    address.strip_prefix("127.0.0.1:").expect(address).to_owned()
}
