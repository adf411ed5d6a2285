//! A client that costs next to nothing: one connection that is kept, one request at a time, and no more of
//! HTTP than multauth answers with.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::load::Result;

/// One connection.
pub struct Http {
    stream: TcpStream,
    sent: Vec<u8>,
    read: Vec<u8>,
}

impl Http {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, sent: Vec::new(), read: Vec::new() })
    }

    /// Posts JSON; gives the body of the answer, which must be a 200.
    pub async fn post(&mut self, path: &str, bearer: Option<&str>, body: &str) -> Result<&str> {
        let body = self.exchange(path, bearer, body).await?;
        let text = std::str::from_utf8(&self.read)?;
        match text.get(9..12) {
            Some("200") => Ok(&text[body..]),
            _ => Err(format!("POST {path}: {text}").into()),
        }
    }

    /// Posts JSON; gives the status of the answer.
    pub async fn status(&mut self, path: &str, body: &str) -> Result<u16> {
        self.exchange(path, None, body).await?;
        let status = std::str::from_utf8(&self.read)?.get(9..12).ok_or("an answer without a status")?;
        Ok(status.parse()?)
    }

    /// Posts JSON and reads the answer; gives where its body begins.
    async fn exchange(&mut self, path: &str, bearer: Option<&str>, body: &str) -> Result<usize> {
        let authorization = bearer.map(|key| format!("authorization: Bearer {key}\r\n")).unwrap_or_default();
        let length = body.len();
        self.sent.clear();
        self.sent.extend(
            format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                 {authorization}content-length: {length}\r\n\r\n{body}"
            )
            .into_bytes(),
        );
        self.stream.write_all(&self.sent).await?;
        self.answer().await
    }

    /// Reads one answer whole; gives where its body begins.
    async fn answer(&mut self) -> Result<usize> {
        self.read.clear();
        loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err("the server closed the connection".into());
            }
            let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.read[..end])?;
            let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.ok_or("an answer without a length")?.parse()?;
            while self.read.len() < end + 4 + length {
                if self.stream.read_buf(&mut self.read).await? == 0 {
                    return Err("the server closed the connection".into());
                }
            }
            return Ok(end + 4);
        }
    }
}

/// The text of a field in a flat JSON object that holds no escapes there.
pub fn field<'a>(json: &'a str, name: &str) -> Result<&'a str> {
    let key = format!("\"{name}\":\"");
    let found = json.split_once(&key).and_then(|(_, rest)| rest.split_once('"'));
    found.map(|(value, _)| value).ok_or_else(|| format!("no {name} in {json}").into())
}
