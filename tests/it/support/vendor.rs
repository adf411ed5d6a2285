//! A vendor that answers as a test wants, over plain HTTP on this machine.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a vendor does with a request.
#[derive(Clone, Debug)]
pub enum Does {
    /// Answers with this status and body.
    Answers(u16, String),
    /// Says nothing, and keeps the line open.
    Hangs,
}

/// A running vendor; it ends with the test.
pub struct Vendor {
    /// Where it listens.
    pub url: String,
    does: Arc<Mutex<Does>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Vendor {
    /// One that does that from now on.
    pub async fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let vendor = Self { url, does: Arc::new(Mutex::new(does)), seen: Arc::default() };
        let (does, seen) = (vendor.does.clone(), vendor.seen.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, does.clone(), seen.clone()));
            }
        });
        vendor
    }

    /// Changes what it does.
    pub fn now(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    /// Requests since it was last asked: the first line, and the header of authorization.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

async fn serve(stream: TcpStream, does: Arc<Mutex<Does>>, seen: Arc<Mutex<Vec<String>>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let authorization = lines.iter().find(|line| line.to_ascii_lowercase().starts_with("authorization:"));
    seen.lock().unwrap().push(format!("{} {}", lines.first()?, authorization.cloned().unwrap_or_default()));
    let does = does.lock().unwrap().clone();
    match does {
        Does::Answers(status, body) => {
            let length = body.len();
            let text =
                format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            stream.write_all(text.as_bytes()).await.ok()?;
            stream.shutdown().await.ok()
        }
        Does::Hangs => std::future::pending().await,
    }
}
