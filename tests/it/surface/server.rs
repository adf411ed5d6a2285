//! A server of its own for every test: the whole of it over a TCP listener, a database in a folder that goes,
//! a clock that stands still, messages read from the inbox. Requests are written byte by byte.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use multauth::app::App;
use multauth::auth::operator::api_keys;
use multauth::base::{Clock, Millis, Sensitive};
use multauth::extensions::Extensions;
use multauth::messages::{Channel, Message};
use multauth::outbox::Worker;
use multauth::settings::Settings;
use multauth::startup::{self, Started, World};
use multauth::throttle::ACTIONS;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};

use super::postgres::Scratch;
use crate::support::promised;

/// Where the clock stands when a test begins: 1 March 2026, 10:00 UTC.
pub const START: Millis = 1_772_359_200_000;
/// A password that every policy takes.
pub const PASSWORD: &str = "correct-horse-battery-staple-47";
/// How long a test waits for what happens at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server.
pub struct Server {
    pub app: Arc<App>,
    pub clock: Clock,
    pub address: SocketAddr,
    worker: Worker,
    stop: Arc<Notify>,
    pub folder: Arc<TempDir>,
    _database: Option<Scratch>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.notify_one();
    }
}

/// Settings for a server in `folder`: no limits but those a test sets, passwords hashed cheaply.
pub fn settings(folder: &Path) -> Settings {
    let mut settings = Settings::built_in();
    settings.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let database = format!("sqlite://{}", folder.join("multauth.db").display());
    settings.database.url = Sensitive::new(database);
    settings.keys.file = folder.join("master.key");
    settings.throttle = ACTIONS.iter().map(|action| (action.name.to_owned(), "off".to_owned())).collect();
    (settings.password.memory_kib, settings.password.iterations) = (64, 1);
    let path = folder.join("messages.jsonl").display().to_string();
    let file = toml::Table::from_iter([("kind".to_owned(), "file".into()), ("path".to_owned(), path.into())]);
    (settings.email.providers, settings.phone.providers) = (vec![file.clone()], vec![file]);
    settings
}

impl Server {
    /// A server on SQLite.
    pub async fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut settings = settings(folder.path());
        change(&mut settings);
        Self::with(settings, folder, Clock::fixed(START), None).await
    }

    /// A server on every database that can be had.
    pub async fn on_each(change: impl Fn(&mut Settings)) -> Vec<Self> {
        let mut all = vec![Self::start(&change).await];
        if let Some(database) = Scratch::make().await {
            let folder = Arc::new(tempfile::tempdir().unwrap());
            let mut settings = settings(folder.path());
            settings.database.url = Sensitive::new(database.url.clone());
            change(&mut settings);
            all.push(Self::with(settings, folder, Clock::fixed(START), Some(database)).await);
        }
        all
    }

    /// Another instance on the same database, with the same clock.
    pub async fn again(&self) -> Self {
        let settings = self.app.settings.clone();
        Self::with(settings, self.folder.clone(), self.clock.clone(), None).await
    }

    async fn with(settings: Settings, folder: Arc<TempDir>, clock: Clock, database: Option<Scratch>) -> Self {
        let world = World { clock: clock.clone(), ..World::default() };
        let Started { app, worker, teller } = startup::start(settings, world).await.unwrap();
        let started = Started { app: app.clone(), worker: worker.clone(), teller };
        let (tell, told) = oneshot::channel();
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        tokio::spawn(async move {
            let ready = |address| {
                let _ = tell.send(address);
            };
            multauth::server::serve_until(started, ready, async move { stopped.notified().await }).await
        });
        let address = told.await.unwrap();
        promised::served(&address.to_string(), &app.settings, &Extensions::default());
        Self { app, clock, address, worker, stop, folder, _database: database }
    }

    /// Which database it is, for the messages of failed tests.
    pub fn name(&self) -> &'static str {
        self.app.store.name()
    }

    /// One request over a connection of its own.
    pub async fn call(&self, call: Call) -> Answer {
        let (answer, _) = exchange(self.address, &call.bytes()).await;
        let answer = answer.unwrap_or_else(|| panic!("no answer to {} {}", call.method, call.path));
        promised::check(&self.address.to_string(), &call.method, &call.path, answer.status, &answer.body);
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Call::new("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Call::new("POST", path).json(body.to_string())).await
    }

    /// A new user by the flow of username and password, signed in.
    pub async fn user(&self, name: &str) -> Tokens {
        let answer = self.post("/v1/signup", json!({ "username": name, "password": PASSWORD })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Tokens::of(&answer)
    }

    /// Signs a user of [`Server::user`] in again.
    pub async fn signin(&self, name: &str) -> Tokens {
        let answer = self.post("/v1/signin", json!({ "username": name, "password": PASSWORD })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Tokens::of(&answer)
    }

    /// A new API key with these scopes: its id and secret.
    pub async fn api_key(&self, scopes: &[&str]) -> (String, String) {
        let scopes: Vec<String> = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let (id, secret) = api_keys::make(&self.app, "test", &scopes).await.unwrap();
        (id, secret.expose().to_owned())
    }

    /// Waits for the `n`-th message to `to` and gives it.
    pub async fn message(&self, to: &str, n: usize) -> Message {
        let inbox = self.app.inbox.clone().unwrap();
        for _ in 0..1_000 {
            self.worker.drain().await.unwrap();
            let all = inbox.all();
            let mut to_them: Vec<&Message> = all.iter().filter(|message| message.to == to).collect();
            to_them.reverse();
            if let Some(message) = to_them.get(n - 1) {
                return (*message).clone();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("message {n} to {to} did not come");
    }
}

/// What a client carries.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub user: String,
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    pub fn of(answer: &Answer) -> Self {
        let value = answer.json();
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let user = value["user"]["id"].as_str().unwrap_or_default().to_owned();
        Self { user, access: text("access_token"), refresh: text("refresh_token") }
    }
}

/// The code of a message: its first run of six digits or more. A call says them one by one.
pub fn code(message: &Message) -> String {
    let text = message.text.expose();
    let text = if message.channel == Channel::Call { &text.replace(", ", "") } else { text };
    let runs = text.split(|c: char| !c.is_ascii_digit());
    runs.into_iter().find(|run| run.len() >= 6).unwrap_or_else(|| panic!("a code in {text}")).to_owned()
}

/// The link of a message, whole.
pub fn link(message: &Message) -> String {
    let word = message.text.expose().split_whitespace().find(|word| word.contains("/confirm/"));
    word.unwrap_or_else(|| panic!("a link in {}", message.text.expose())).to_owned()
}

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
