//! A PostgreSQL of a fault's own, which may be stopped, frozen and started again.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::machine::{children, free_port, is_root, on_path, signal};
use super::sql;

/// A server with its data; it goes when this is dropped.
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    /// Where it listens, on this machine alone.
    pub port: u16,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.thaw();
        self.control(&["stop", "-m", "immediate"]);
        // What belongs to its user cannot be removed by another one, but for root.
        let _ = std::fs::remove_dir_all(self.folder.path());
    }
}

impl Cluster {
    /// Starts one, as durable as PostgreSQL is by itself.
    ///
    /// # Errors
    /// What is missing for it.
    pub fn start() -> Result<Self, String> {
        let programs = programs().ok_or("there is no initdb: install PostgreSQL's server")?;
        let folder = tempfile::tempdir().map_err(|why| why.to_string())?;
        let port = free_port();
        let cluster = Self { folder, programs, port };
        if is_root() {
            let given = Command::new("chown").arg("postgres:").arg(cluster.folder.path()).status();
            given.ok().filter(std::process::ExitStatus::success).ok_or("there is no user postgres")?;
        }
        let data = cluster.data().display().to_string();
        let made = cluster.owner("initdb", &["-D", &data, "-U", "postgres", "-A", "trust", "--no-sync"]);
        if !made || !cluster.rise() {
            return Err("PostgreSQL does not start".into());
        }
        Ok(cluster)
    }

    /// A standby that follows it.
    ///
    /// # Errors
    /// What is missing for it.
    pub fn standby(&self) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|why| why.to_string())?;
        let standby = Self { folder, programs: self.programs.clone(), port: free_port() };
        if is_root() {
            let given = Command::new("chown").arg("postgres:").arg(standby.folder.path()).status();
            given.ok().filter(std::process::ExitStatus::success).ok_or("there is no user postgres")?;
        }
        let (data, from) = (standby.data().display().to_string(), self.url("postgres"));
        let copied =
            self.owner("pg_basebackup", &["-D", &data, "-R", "-c", "fast", "--no-sync", "-d", &from]);
        if copied && standby.rise() { Ok(standby) } else { Err("there is no standby".into()) }
    }

    /// Lets a standby take writes.
    pub fn promote(&self) {
        assert!(self.control(&["promote", "-w"]), "it is not promoted");
    }

    /// The URL of a new database in it.
    pub async fn database(&self, name: &str) -> String {
        sql::run(&self.url("postgres"), &format!("CREATE DATABASE {name}")).await;
        self.url(name)
    }

    /// The URL of one of its databases, as its superuser.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Stops it: `fast` ends all sessions first, `immediate` is a crash.
    pub fn stop(&self, mode: &str) {
        assert!(self.control(&["stop", "-m", mode, "-w"]), "it does not stop");
    }

    /// Starts it; whether it did.
    pub fn rise(&self) -> bool {
        let folder = self.folder.path().display();
        let options =
            format!("-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}", self.port);
        let log = self.folder.path().join("log").display().to_string();
        self.control(&["start", "-w", "-l", &log, "-o", &options])
    }

    /// Stops the postmaster and all its children where they are (SIGSTOP).
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets them go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let Ok(text) = std::fs::read_to_string(self.data().join("postmaster.pid")) else { return };
        let Some(postmaster) = text.lines().next().and_then(|line| line.parse().ok()) else { return };
        signal(name, postmaster);
        for child in children(postmaster) {
            signal(name, child);
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn control(&self, arguments: &[&str]) -> bool {
        let data = self.data().display().to_string();
        self.owner("pg_ctl", &[&["-D", &data], arguments].concat())
    }

    /// Runs one of its programs as the user that it belongs to; PostgreSQL refuses to run as root.
    fn owner(&self, program: &str, arguments: &[&str]) -> bool {
        // A client may stand elsewhere than the server.
        let beside = Some(self.programs.join(program)).filter(|path| path.exists());
        let Some(program) = beside.or_else(|| on_path(program)) else { return false };
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

/// Where PostgreSQL's server programs are; on Debian not on PATH.
fn programs() -> Option<PathBuf> {
    let found = on_path("initdb").and_then(|path| path.parent().map(Path::to_owned));
    found.or_else(|| {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        let mut all: Vec<_> = versions.flatten().map(|version| version.path().join("bin")).collect();
        all.sort();
        all.into_iter().rfind(|bin| bin.join("initdb").exists())
    })
}
