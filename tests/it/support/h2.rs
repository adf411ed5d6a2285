//! A client of HTTP/2 that writes its frames itself, and so does what no library would.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
/// How long the server may be silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// A frame of the server.
#[derive(Clone, Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The status of an answer, where its head is one of the seven that have a byte of their own.
    pub fn status(&self) -> Option<u16> {
        const KNOWN: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
        let first = *self.payload.iter().find(|byte| **byte >= 0x80 || **byte < 0x20)?;
        KNOWN.get(usize::from(first).checked_sub(0x88)?).copied().filter(|_| self.kind == HEADERS)
    }

    /// Whether the server says that nothing new is taken.
    pub fn says_goodbye(&self) -> bool {
        self.kind == GOAWAY
    }
}

/// A connection.
pub struct H2 {
    stream: TcpStream,
}

impl H2 {
    /// Connects; every stream begins with a window of that many bytes for what the server sends.
    pub async fn connect(address: SocketAddr, window: u32) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        let mut h2 = Self { stream };
        let settings = [&[0, 4][..], &window.to_be_bytes()].concat();
        h2.send(SETTINGS, 0, 0, &settings).await;
        h2
    }

    /// Sends a frame; a server that has closed takes none, and the test reads so.
    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let frame = [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat();
        let _ = self.stream.write_all(&frame).await;
    }

    /// Sends the head of a request, and that nothing follows where `ends`.
    pub async fn request(&mut self, stream: u32, (method, path): (&str, &str), host: &str, ends: bool) {
        let text = |index: &[u8], value: &str| {
            [index, &[u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
        };
        let method = match method {
            "GET" => vec![0x82],
            "POST" => vec![0x83],
            other => text(&[0x02], other),
        };
        let host = if host.is_empty() { Vec::new() } else { text(&[0x01], host) };
        let kind = text(&[0x0f, 0x10], "application/json");
        let head = [method, vec![0x86], text(&[0x04], path), host, kind].concat();
        let flags = END_HEADERS | if ends { END_STREAM } else { 0 };
        self.send(HEADERS, flags, stream, &head).await;
    }

    /// Asks for a path.
    pub async fn get(&mut self, stream: u32, path: &str) {
        self.request(stream, ("GET", path), "localhost", true).await;
    }

    /// Sends a part of a request's body.
    pub async fn data(&mut self, stream: u32, part: &[u8]) {
        self.send(DATA, 0, stream, part).await;
    }

    /// Lets the server send so many bytes more.
    pub async fn widen(&mut self, stream: u32, bytes: u32) {
        self.send(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes()).await;
    }

    /// Asks whether the server is there.
    pub async fn ping(&mut self) {
        self.send(PING, 0, 0, &[7; 8]).await;
    }

    /// The next frame that says something; settings and pings are answered. None where the connection has ended.
    ///
    /// # Panics
    /// Where the server neither says anything nor ends.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.read()).await.expect("a frame, or the end")?;
            match frame.kind {
                SETTINGS if frame.flags & ACK == 0 => self.send(SETTINGS, ACK, 0, &[]).await,
                PING if frame.flags & ACK == 0 => self.send(PING, ACK, 0, &frame.payload).await,
                SETTINGS | PING | WINDOW_UPDATE => {}
                _ => return Some(frame),
            }
        }
    }

    /// Everything that comes until the connection ends.
    pub async fn rest(&mut self) -> Vec<Frame> {
        let mut all = Vec::new();
        while let Some(frame) = self.next().await {
            all.push(frame);
        }
        all
    }

    async fn read(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload).await.ok()?;
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }
}
