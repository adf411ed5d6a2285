//! A place where the real program runs: its settings, its log, the messages that it sent.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use multauth::throttle::ACTIONS;
use serde_json::Value;
use tempfile::TempDir;

use super::load::Caller;
use super::table::Seen;
use crate::support::mailbox;
use crate::support::program::Program;

/// A folder with settings for one instance.
pub struct Site {
    pub folder: TempDir,
    /// Where it will listen.
    pub address: SocketAddr,
    /// The database, as the harness reaches it: past a proxy.
    pub database: String,
    variables: Vec<(String, String)>,
    messages: Mutex<Messages>,
}

#[derive(Default)]
struct Messages {
    read: u64,
    codes: HashMap<String, String>,
}

impl Site {
    /// One on SQLite, in its own folder.
    pub fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("multauth.db").display());
        Self::made(folder, &url)
    }

    /// One on the database at `url`.
    pub fn on(url: &str) -> Self {
        Self::made(tempfile::tempdir().unwrap(), url)
    }

    fn made(folder: TempDir, url: &str) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let off: String = ACTIONS.iter().map(|action| format!("{} = \"off\"\n", action.name)).collect();
        let text = format!(
            "flows = [[\"email\", \"passcode\"], [\"username\", \"password\"]]\n\
             [server]\nlisten = \"{address}\"\nmetrics = true\n[keys]\nfile = \"{0}/master.key\"\n\
             [password]\nmemory_kib = 12288\niterations = 3\n[throttle]\n{off}\
             [email]\nproviders = [{{ kind = \"file\", path = \"{0}/messages.jsonl\" }}]\n",
            folder.path().display()
        );
        std::fs::write(folder.path().join("multauth.toml"), text).unwrap();
        let site = Self {
            folder,
            address,
            database: url.to_owned(),
            variables: Vec::new(),
            messages: Mutex::default(),
        };
        site.set("database.url", url)
    }

    /// Sets one of the settings, such as `database.connections`.
    pub fn set(self, name: &str, value: impl ToString) -> Self {
        let variable = format!("MULTAUTH__{}", name.to_uppercase().replace('.', "__"));
        self.with(&variable, &value.to_string())
    }

    /// Sets a variable of the program's environment.
    pub fn with(mut self, variable: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != variable);
        self.variables.push((variable.to_owned(), value.to_owned()));
        self
    }

    /// `multauth COMMAND…`, behind what is put before it, such as `prlimit`.
    pub fn command(&self, before: &[&str], arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_multauth");
        let mut command = match before {
            [] => Command::new(program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        let file = self.folder.path().join("multauth.toml");
        command.args(arguments).arg("--config").arg(file).envs(self.variables.iter().cloned());
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Starts the program and waits until it is ready.
    pub async fn start(&self) -> Program {
        let mut program = self.spawn(&[]);
        program.await_ready().await;
        program
    }

    /// Starts the program behind what is put before it.
    pub fn spawn(&self, before: &[&str]) -> Program {
        let mut command = self.command(before, &["serve"]);
        let log = File::options().create(true).append(true).open(self.log_file()).unwrap();
        command.stdout(Stdio::null()).stderr(log);
        Program::spawn(command, self.address)
    }

    /// Somebody who calls it, and gives a call up after `patience`.
    pub fn caller(&self, patience: Duration) -> Caller {
        Caller::new(&format!("http://{}", self.address), patience)
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The lines of its log that have `text`.
    pub fn logged(&self, text: &str) -> Vec<String> {
        let log = std::fs::read(self.log_file()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    /// The newest code that was sent to an address, waited for a while.
    pub async fn code(&self, to: &str, patience: Duration) -> Option<String> {
        let began = std::time::Instant::now();
        while began.elapsed() < patience {
            if let Some(code) = self.read_messages(to) {
                return Some(code);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    /// Takes the newest code to `to` out of what was sent.
    fn read_messages(&self, to: &str) -> Option<String> {
        let mut messages = self.messages.lock().unwrap();
        if let Ok(mut file) = File::open(self.folder.path().join("messages.jsonl")) {
            let mut text = String::new();
            file.seek(SeekFrom::Start(messages.read)).unwrap();
            file.read_to_string(&mut text).unwrap();
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            messages.read += whole as u64;
            for line in text[..whole].lines() {
                let message: Value = serde_json::from_str(line).unwrap();
                if message["kind"].as_str().is_some_and(|kind| kind.ends_with("_code")) {
                    let text = message["text"].as_str().unwrap();
                    let code = mailbox::code(multauth::messages::Channel::Email, text);
                    messages.codes.insert(message["to"].as_str().unwrap().to_owned(), code);
                }
            }
        }
        messages.codes.remove(to)
    }

    /// What must hold at the end of every fault, with the program running or not: the invariants of the database, no
    /// panic, nobody taken for a thief.
    pub fn ends_well(&self, seen: &mut Seen) {
        // Past the proxy, and as whoever may do everything.
        let mut command = self.command(&[], &["doctor", "--invariants"]);
        let looked = command.env("MULTAUTH__DATABASE__URL", &self.database).output().unwrap();
        let told = String::from_utf8_lossy(&looked.stdout).into_owned();
        let broken: Vec<&str> = told.lines().filter(|line| !line.starts_with("ok ")).collect();
        let why = if broken.is_empty() {
            String::from_utf8_lossy(&looked.stderr).into_owned()
        } else {
            broken.join("; ")
        };
        seen.must(looked.status.success(), format!("invariants: {why}"));
        seen.none("panics", self.logged("panicked").len());
        seen.none("sessions ended as stolen", self.logged("used twice").len());
    }
}
