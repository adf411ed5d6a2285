//! What the machine has: processes, ports, programs.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Whether this runs as root, who may mount and may run things as others.
pub fn is_root() -> bool {
    let said = Command::new("id").arg("-u").output().unwrap();
    said.stdout == b"0\n"
}

/// A program on PATH.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let more = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(more).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A program that a fault needs.
///
/// # Errors
/// That it is missing.
pub fn need(program: &str) -> Result<PathBuf, String> {
    on_path(program).ok_or_else(|| format!("there is no {program}"))
}

/// A port that nobody listens at.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Sends a signal to a process, if it is still there.
pub fn signal(name: &str, process: u32) {
    let (flag, process) = (format!("-{name}"), process.to_string());
    let _ = Command::new("kill").args([&flag, &process]).stderr(Stdio::null()).status();
}

/// The processes that a process started.
pub fn children(of: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.filter(|process| parent(*process) == Some(of)).collect()
}

/// The fourth field of `/proc/N/stat`; the second is a name in parentheses, which may have anything in it.
fn parent(process: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}
