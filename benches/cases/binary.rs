//! The program itself: its size, how soon it is ready, what it keeps in memory at rest.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use multauth::app::App;
use multauth::throttle::ACTIONS;
use tempfile::TempDir;

use crate::http::Http;
use crate::instance::{self, folder};
use crate::load::{self, Options, Result, median};
use crate::people;
use crate::row::Row;

/// The figures.
pub const NAMES: [&str; 4] =
    ["size of the binary", "start to ready", "memory at rest", "memory after sign-ins"];
const PROGRAM: &str = env!("CARGO_BIN_EXE_multauth");
const MIB: f64 = 1_048_576.0;
/// How often it is started.
const STARTS: usize = 10;
/// How long it rests before its memory is read.
const REST: Duration = Duration::from_secs(3);
/// How many sign in before its memory is read again.
const SIGNINS: usize = 200;

/// Measures all of them.
pub async fn run(options: &Options) -> Result<Vec<Row>> {
    eprintln!("the binary");
    let place = Place::new().await?;
    let mut starts = Vec::new();
    for _ in 0..options.of(STARTS, STARTS, 1) {
        let (running, took) = place.start()?;
        starts.push(took.as_secs_f64() * 1e3);
        eprintln!("    ready after {:.1} ms", took.as_secs_f64() * 1e3);
        running.stop()?;
    }
    let (running, _) = place.start()?;
    tokio::time::sleep(options.rest(REST)).await;
    let rest = running.resident()?;
    signins(place.address, options.many(SIGNINS)).await?;
    tokio::time::sleep(options.rest(REST)).await;
    let after = running.resident()?;
    running.stop()?;
    let size = std::fs::metadata(PROGRAM)?.len() as f64 / MIB;
    let rows = [
        Row::most(NAMES[0], size, "MiB", 25.0),
        Row::most(NAMES[1], median(&mut starts), "ms", 100.0),
        Row::most(NAMES[2], rest, "MiB", 25.0),
        Row::plain(NAMES[3], after, "MiB"),
    ];
    Ok(rows.into_iter().zip(NAMES).filter(|(_, name)| options.wants(name)).map(|(row, _)| row).collect())
}

/// Lets `count` sign in over several connections at once.
async fn signins(address: SocketAddr, count: usize) -> Result<()> {
    let mut all = tokio::task::JoinSet::new();
    for at in 0..load::AT_ONCE {
        all.spawn(async move {
            let mut http = Http::open(address).await?;
            for n in (at..count).step_by(load::AT_ONCE) {
                let body = format!(r#"{{"username":"person{n}","password":"{}"}}"#, people::PASSWORD);
                http.post("/v1/signin", None, &body).await?;
            }
            Ok::<_, load::Failed>(())
        });
    }
    while let Some(done) = all.join_next().await {
        done??;
    }
    Ok(())
}

/// A folder with a settings file and a database that has people in it.
pub struct Place {
    /// Another instance on the same database, that serves nothing.
    pub app: Arc<App>,
    folder: TempDir,
    address: SocketAddr,
}

impl Place {
    /// Makes one.
    pub async fn new() -> Result<Self> {
        let folder = folder()?;
        let settings = instance::settings(folder.path());
        let started = multauth::startup::start(settings, Default::default()).await?;
        people::make(&started.app, SIGNINS).await?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let place = Self { app: started.app, folder, address };
        std::fs::write(place.file(), place.settings())?;
        Ok(place)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("multauth.toml")
    }

    fn settings(&self) -> String {
        let at = |file: &str| toml_text(&self.folder.path().join(file));
        let throttle: Vec<String> =
            ACTIONS.iter().map(|action| format!("{} = \"off\"\n", action.name)).collect();
        format!(
            "flows = [[\"username\", \"password\"]]\n[server]\nlisten = \"{}\"\n[database]\nurl = \"sqlite://{}\"\n\
             [keys]\nfile = \"{}\"\n[throttle]\n{}",
            self.address,
            at("bench.db"),
            at("master.key"),
            throttle.concat()
        )
    }

    /// Starts the program; gives how long it took from the start of the process to the first 200 of `/readyz`.
    pub fn start(&self) -> Result<(Running, Duration)> {
        let mut command = Command::new(PROGRAM);
        command.arg("serve").arg("--config").arg(self.file()).current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let mut running = Running(command.spawn()?);
        while !ready(self.address) {
            if let Some(status) = running.0.try_wait()? {
                return Err(format!("the program ended: {status}").into());
            }
            if began.elapsed() > Duration::from_secs(30) {
                return Err("the program does not become ready".into());
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok((running, began.elapsed()))
    }
}

fn toml_text(path: &Path) -> String {
    path.display().to_string().replace('\\', "\\\\").replace('"', "\\\"")
}

fn ready(address: SocketAddr) -> bool {
    let asked = || {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    asked().is_ok_and(|answer: String| answer.starts_with("HTTP/1.1 200"))
}

/// The program; it does not outlive the bench.
pub struct Running(Child);

impl Running {
    /// Resident memory in MiB.
    pub fn resident(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no VmRSS")?;
        Ok(kib.parse::<f64>()? / 1_024.0)
    }

    /// Asks it to stop, as an operator would.
    pub fn stop(mut self) -> Result<()> {
        Command::new("kill").arg(self.0.id().to_string()).status()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
