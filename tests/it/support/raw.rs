//! Requests that are written byte by byte, and what comes back.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a test waits for what happens at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request, as it will be written.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    pub fn new(method: &str, path: &str) -> Self {
        let headers = vec![("Host".into(), "localhost".into()), ("Connection".into(), "close".into())];
        Self { method: method.into(), path: path.into(), headers, body: Vec::new() }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    pub fn json(self, body: impl Into<Vec<u8>>) -> Self {
        self.body("application/json", body)
    }

    pub fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = self.body.len().to_string();
        let this = if kind.is_empty() { self } else { self.header("Content-Type", kind) };
        this.header("Content-Length", length)
    }

    /// Without the header that is always there.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// What came behind it: further answers.
    pub rest: String,
}

impl Answer {
    /// The value of a header; a header that stands twice is a fault.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values =
            self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let found = values.next();
        assert!(values.next().is_none(), "{name} stands twice");
        found
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {:?}", self.status, self.body))
    }

    /// The code of a problem; empty where it is none.
    pub fn code(&self) -> String {
        let value: Value = serde_json::from_str(&self.body).unwrap_or_default();
        value["code"].as_str().unwrap_or_default().to_owned()
    }

    /// An answer that arrived whole, or none.
    pub fn whole(bytes: &[u8]) -> Option<Self> {
        let answer = Self::read(bytes)?;
        let length = answer.headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok();
        (length == Some(answer.body.len())).then_some(answer)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, rest) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let pair = |line: &str| line.split_once(": ").map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()));
        let headers: Vec<_> = lines.filter_map(pair).collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, value)| value.parse().unwrap()).min(rest.len());
        let (body, rest) = (rest.get(..length)?.to_owned(), rest.get(length..)?.to_owned());
        Some(Self { status, headers, body, rest })
    }
}

/// Writes bytes and reads until the server closes; whether it did.
pub async fn exchange(address: SocketAddr, bytes: &[u8]) -> (Option<Answer>, bool) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let bytes = bytes.to_vec();
    // The server may close before it has read everything.
    let sending = tokio::spawn(async move {
        let _ = writing.write_all(&bytes).await;
        writing
    });
    let mut all = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, read_all(&mut reading, &mut all)).await.is_ok();
    sending.abort();
    (Answer::read(&all), closed)
}

async fn read_all(reading: &mut (impl AsyncReadExt + Unpin), all: &mut Vec<u8>) {
    let mut part = [0; 16_384];
    loop {
        match reading.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(n) => all.extend(&part[..n]),
        }
    }
}
