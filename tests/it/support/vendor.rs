//! A vendor that answers as a test wants, over plain HTTP on this machine.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What a vendor does with a request.
#[derive(Clone)]
pub enum Does {
    /// Answers with this status and body.
    Answers(u16, String),
    /// Answers with this status and header.
    Says(u16, &'static str),
    /// Answers as this says of the first line and the body.
    Thinks(Arc<Mind>),
    /// Answers with this status and body once the bell is rung.
    Waits(Arc<Notify>, u16, String),
    /// Says nothing, and keeps the line open.
    Hangs,
    /// Cuts the line.
    Cuts,
    /// Cuts the line in the middle of its answer.
    Stutters,
}

impl std::fmt::Debug for Does {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answers(status, body) => write!(f, "answers {status} {body}"),
            Self::Says(status, header) => write!(f, "answers {status} with {header}"),
            Self::Waits(_, status, body) => write!(f, "waits and answers {status} {body}"),
            Self::Thinks(_) => f.write_str("thinks"),
            Self::Hangs => f.write_str("hangs"),
            Self::Cuts => f.write_str("cuts"),
            Self::Stutters => f.write_str("stutters"),
        }
    }
}

/// The status and body that follow from a request's first line and body.
pub type Mind = dyn Fn(&str, &str) -> (u16, String) + Send + Sync;

/// A running vendor; it ends with the test.
pub struct Vendor {
    /// Where it listens.
    pub url: String,
    does: Arc<Mutex<Does>>,
    seen: Arc<Mutex<Vec<String>>>,
    bodies: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Vendor {
    /// One that does that from now on.
    pub async fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let vendor = Self {
            url,
            does: Arc::new(Mutex::new(does)),
            seen: Arc::default(),
            bodies: Arc::default(),
            heads: Arc::default(),
        };
        let desk = Desk {
            does: vendor.does.clone(),
            seen: vendor.seen.clone(),
            bodies: vendor.bodies.clone(),
            heads: vendor.heads.clone(),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, desk.clone()));
            }
        });
        vendor
    }

    /// Changes what it does.
    pub fn now(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    /// The bodies of all requests since it was last asked.
    pub fn bodies(&self) -> Vec<String> {
        std::mem::take(&mut *self.bodies.lock().unwrap())
    }

    /// The first line and the headers of all requests since it was last asked, a line each.
    pub fn heads(&self) -> Vec<String> {
        std::mem::take(&mut *self.heads.lock().unwrap())
    }

    /// Requests since it was last asked: the first line, and the header of authorization.
    pub fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// What every connection shares.
#[derive(Clone)]
struct Desk {
    does: Arc<Mutex<Does>>,
    seen: Arc<Mutex<Vec<String>>>,
    bodies: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

async fn serve(stream: TcpStream, desk: Desk) -> Option<()> {
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
    let length = lines
        .iter()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    let body = String::from_utf8(body).ok()?;
    let first = lines.first()?.clone();
    desk.seen.lock().unwrap().push(format!("{first} {}", authorization.cloned().unwrap_or_default()));
    desk.heads.lock().unwrap().push(lines.join("\n"));
    desk.bodies.lock().unwrap().push(body.clone());
    let does = desk.does.lock().unwrap().clone();
    let answer = match does {
        Does::Answers(status, body) => answer(status, "", &body),
        Does::Waits(bell, status, body) => {
            bell.notified().await;
            answer(status, "", &body)
        }
        Does::Says(status, header) => answer(status, &format!("{header}\r\n"), ""),
        Does::Thinks(mind) => {
            let (status, body) = mind(&first, &body);
            answer(status, "", &body)
        }
        Does::Hangs => return std::future::pending().await,
        Does::Cuts => return None,
        Does::Stutters => "HTTP/1.1 200 -\r\ncontent-length: 900\r\n\r\n{".into(),
    };
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

fn answer(status: u16, header: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} -\r\n{header}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

/// A carrier that any HTTP service can be.
pub fn carrier(name: &str, vendor: &Vendor, more: &str) -> toml::Table {
    let text = format!(
        "it = {{ kind = \"webhook\", name = \"{name}\", url = \"{}\", text = \"{{{{ text }}}}\", {more} }}",
        vendor.url
    );
    toml::from_str::<toml::Table>(&text).unwrap()["it"].as_table().unwrap().clone()
}
