//! A mail server that does what a test says: takes mail, refuses it, goes silent, is not there.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use multauth::base::Random;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::letter::Letter;

/// What a server does from now on.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// It takes every mail.
    Take,
    /// It answers this to every recipient.
    Answer(&'static str),
    /// It answers this to recipients whose address begins so, and takes mail for the others.
    Refuse(&'static str, &'static str),
    /// The same, once it has read the mail.
    RefuseContent(&'static str, &'static str),
    /// It says nothing to recipients whose address has this in it, and takes mail for the others.
    SilentOf(&'static str),
    /// It lets itself be called, and says nothing.
    Silent,
    /// It takes every mail, and never says so.
    Withhold,
}

/// A mail that was taken.
#[derive(Clone, Debug)]
pub struct Mail {
    /// What stood in `RCPT TO`.
    pub to: String,
    /// Header and body.
    pub letter: Letter,
}

/// The server. Its address stays the same when it goes and comes back.
pub struct Sink {
    /// Where it is, or would be.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    up: Mutex<JoinSet<()>>,
}

struct Shared {
    manner: Mutex<Manner>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    mails: Vec<Mail>,
    asked: Vec<String>,
    open: usize,
    peak: usize,
}

impl Sink {
    /// One that is not there yet.
    pub fn down() -> Self {
        let shared = Shared { manner: Mutex::new(Manner::Take), seen: Mutex::default() };
        Self { address: free(), shared: Arc::new(shared), up: Mutex::default() }
    }

    /// One that takes mail.
    pub async fn up() -> Self {
        let sink = Self::down();
        sink.rise().await;
        sink
    }

    /// It is there from now on.
    pub async fn rise(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let shared = self.shared.clone();
        self.up.lock().unwrap().spawn(accept(listener, shared));
    }

    /// It is gone from now on, with every connection.
    pub async fn fall(&self) {
        let mut up = std::mem::take(&mut *self.up.lock().unwrap());
        up.shutdown().await;
    }

    /// It does this from now on, on connections that are open as well.
    pub fn is_to(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// The settings that lead here, as an operator writes them.
    pub fn settings(&self, timeout: &str) -> toml::Table {
        let text = format!(
            "kind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\ntimeout = \"{timeout}\"\n\
             from = \"no-reply@example.com\"",
            self.address.port()
        );
        toml::from_str(&text).unwrap()
    }

    /// Forgets what it has seen.
    pub fn forget(&self) {
        let mut seen = self.shared.seen();
        (seen.mails, seen.asked) = Default::default();
    }

    /// What it took.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.seen().mails.clone()
    }

    /// Every recipient that it was asked to take a mail for, again and again.
    pub fn asked(&self) -> Vec<String> {
        self.shared.seen().asked.clone()
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.shared.seen().open
    }

    /// How many were open at once, at most.
    pub fn peak(&self) -> usize {
        self.shared.seen().peak
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    fn manner(&self) -> Manner {
        *self.manner.lock().unwrap()
    }
}

/// A port below those that the system hands out by itself: nothing else gets it while the server is down.
fn free() -> SocketAddr {
    loop {
        let [high, low] = Random::System.bytes();
        let address = SocketAddr::from(([127, 0, 0, 1], 10_000 + u16::from_be_bytes([high, low]) % 20_000));
        if std::net::TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Counts a connection for as long as it is there.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: &Arc<Shared>) -> Self {
        let mut seen = shared.seen();
        seen.open += 1;
        seen.peak = seen.peak.max(seen.open);
        Self(shared.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.seen().open -= 1;
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        connections.spawn(async move {
            let _open = Open::new(&shared);
            let _ = serve(stream, &shared).await;
        });
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut to = String::new();
    if !matches!(shared.manner(), Manner::Silent) {
        say(&mut write, "220 sink").await?;
    }
    while let Some(line) = lines.next_line().await.ok()? {
        let manner = shared.manner();
        if matches!(manner, Manner::Silent) {
            return silence(lines).await;
        }
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        match (verb.as_str(), manner) {
            ("EHLO", _) => say(&mut write, "250-sink\r\n250 8BITMIME").await?,
            ("RCPT", _) => {
                to = line.trim_start_matches("RCPT TO:<").trim_end_matches('>').to_owned();
                shared.seen().asked.push(to.clone());
                if let Manner::SilentOf(who) = manner
                    && to.contains(who)
                {
                    return silence(lines).await;
                }
                let reply = match manner {
                    Manner::Answer(reply) => reply,
                    Manner::Refuse(who, reply) if to.starts_with(who) => reply,
                    _ => "250 2.1.5 ok",
                };
                say(&mut write, reply).await?;
            }
            ("DATA", _) => {
                say(&mut write, "354 go on").await?;
                let letter = Letter::read(&data(&mut lines).await?);
                if let Manner::RefuseContent(who, reply) = manner
                    && to.starts_with(who)
                {
                    say(&mut write, reply).await?;
                    continue;
                }
                shared.seen().mails.push(Mail { to: to.clone(), letter });
                if matches!(shared.manner(), Manner::Withhold) {
                    return silence(lines).await;
                }
                say(&mut write, "250 2.0.0 Ok: queued as 4B2F").await?;
            }
            ("QUIT", _) => return say(&mut write, "221 bye").await,
            _ => say(&mut write, "250 ok").await?,
        }
    }
    Some(())
}

/// Until the other side has had enough.
async fn silence(lines: Lines<BufReader<OwnedReadHalf>>) -> Option<()> {
    lines.into_inner().read_to_end(&mut Vec::new()).await.ok().map(drop)
}

async fn data(lines: &mut Lines<BufReader<OwnedReadHalf>>) -> Option<String> {
    let mut text = String::new();
    loop {
        let line = lines.next_line().await.ok()??;
        if line == "." {
            return Some(text);
        }
        text.push_str(line.strip_prefix('.').unwrap_or(&line));
        text.push('\n');
    }
}

async fn say(write: &mut OwnedWriteHalf, line: &str) -> Option<()> {
    write.write_all(format!("{line}\r\n").as_bytes()).await.ok()
}
