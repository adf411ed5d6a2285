//! A vendor for tests: plain HTTP on loopback that keeps what it was sent and gives canned answers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Such as `POST`.
    pub(super) method: String,
    /// Path and query, as sent.
    pub(super) target: String,
    /// Names in lower case, in the order they came.
    pub(super) headers: Vec<(String, String)>,
    /// The body.
    pub(super) body: String,
}

impl Seen {
    /// The first header of that name, given in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The fields of a form, decoded, in the order they came.
    pub(super) fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }

    /// One field of a form, decoded.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        self.form().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// A status, lines of headers (without the line end of the last), and a body.
type Canned = (u16, String, Vec<u8>);

/// Bodies that no vendor gives to a message that it took, whatever the status.
pub(super) fn no_answers() -> [Vec<u8>; 7] {
    let (page, named) = (b"<html><MessageId></MessageId>Sign in</html>", b"{\"id\":null,\"MessageId\":null}");
    let long = [page.as_slice(), &vec![b'x'; 10 << 20]].concat();
    let bytes = b"\xff\xfe{\"MessageId\":\"\xc3\x28\"}<MessageId>\xc3\x28</MessageId>";
    [&b""[..], b"{}", b"[]", page, named, bytes, &long].map(<[u8]>::to_vec)
}

/// A running sink; it ends with the test's runtime.
pub(super) struct Sink {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Sink {
    /// Listens on a free port. Each answer is `(status, headers, body)`: lines of headers with `\r\n` between them
    /// or none at all. They are given in order, the last again and again; a status of 0 cuts the connection.
    pub(super) async fn start(answers: Vec<(u16, &str, &str)>) -> Self {
        let canned = |(status, head, body): (u16, &str, &str)| (status, head.to_owned(), body.into());
        Self::answering(answers.into_iter().map(canned).collect()).await
    }

    /// One that always answers so, whatever bytes those are.
    pub(super) async fn raw(status: u16, head: &str, body: &[u8]) -> Self {
        Self::answering([(status, head.to_owned(), body.to_owned())].into()).await
    }

    async fn answering(mut answers: VecDeque<Canned>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = Self { url: format!("http://{}", listener.local_addr().unwrap()), seen: Arc::default() };
        let seen = sink.seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
                tokio::spawn(serve(stream, answer.unwrap(), seen.clone()));
            }
        });
        sink
    }

    /// Where it listens, such as `http://127.0.0.1:41234`.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What came so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// Takes one request and closes: each answer is for one connection.
async fn serve(stream: TcpStream, (status, head, body): Canned, seen: Arc<Mutex<Vec<Seen>>>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let request = request(&mut stream).await?;
    seen.lock().unwrap().push(request);
    if status == 0 {
        return None;
    }
    let head = if head.is_empty() { head } else { format!("{head}\r\n") };
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status} -\r\n{head}content-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.write_all(&body).await.ok()?;
    stream.shutdown().await.ok()
}

async fn request(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut words = line.split_ascii_whitespace().map(str::to_owned);
    let mut seen = Seen { method: words.next()?, target: words.next()?, ..Seen::default() };
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        seen.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = seen.header("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    seen.body = String::from_utf8(body).unwrap();
    Some(seen)
}

/// An SMS with a code for `to`, as the queue hands it over.
pub(super) fn text_message(channel: crate::messages::Channel, to: &str) -> crate::messages::Message {
    use crate::messages::{Kind, Message, Rendered};
    let rendered = Rendered { subject: None, text: "305118 is your code & more".into(), html: None };
    Message::new("6d3c-1", 1_772_359_200_000, channel, to, Kind::SigninCode, rendered)
}

/// An answer without a wait, as [`super::Http::call`] hands it over.
pub(super) fn answer(status: u16, body: &str) -> super::Answer {
    super::Answer { status, retry_after: None, headers: Default::default(), body: body.as_bytes().to_vec() }
}
