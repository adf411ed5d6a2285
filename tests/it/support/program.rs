//! The program itself, as an operator runs it.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The program, started with a file of settings; it ends with this.
pub struct Program {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Settings for a program whose database and keys are in `folder`, and where it will listen. `server` goes into
/// the table of that name, `more` behind everything.
pub fn config(folder: &Path, server: &str, more: &str) -> (PathBuf, SocketAddr) {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let file = folder.join("multauth.toml");
    let text = format!(
        "[server]\nlisten = \"{free}\"\n{server}\n[database]\nurl = \"sqlite://{0}/multauth.db\"\n\
         [keys]\nfile = \"{0}/master.key\"\n[throttle]\nsignin = \"off\"\nsignup = \"off\"\ntoken = \"off\"\n\
         send = \"off\"\n{more}",
        folder.display()
    );
    std::fs::write(&file, text).unwrap();
    (file, free)
}

/// The example's program, built if it is not yet.
pub fn example(name: &str) -> PathBuf {
    let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--example", name]).status().unwrap();
    assert!(built.success());
    // Beside this test: target/debug/deps/it-….
    let here = std::env::current_exe().unwrap();
    here.ancestors().nth(2).unwrap().join("examples").join(name)
}

impl Program {
    /// Starts it and waits until it is ready.
    pub async fn start(file: &Path, address: SocketAddr) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_multauth"));
        command.args(["serve", "--config"]).arg(file);
        Self::run(command, address).await
    }

    /// Starts what `command` starts, and waits until it is ready at `address`.
    pub async fn run(mut command: Command, address: SocketAddr) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut program = Self::spawn(command, address);
        program.await_ready().await;
        program
    }

    /// Starts what `command` starts, which will listen at `address`.
    pub fn spawn(mut command: Command, address: SocketAddr) -> Self {
        Self { child: command.spawn().unwrap(), address }
    }

    /// Waits until it is ready.
    pub async fn await_ready(&mut self) {
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        for _ in 0..1_000 {
            let ready = http.get(format!("http://{}/readyz", self.address)).send().await;
            if ready.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            assert!(self.is_running(), "it ended before it was ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it is not ready");
    }

    /// Its id among the processes.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it without a word (SIGKILL).
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// What it ended with, once it has.
    pub async fn exit_code(&mut self) -> Option<i32> {
        for _ in 0..1_000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it does not end");
    }
}
