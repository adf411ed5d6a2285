//! A [`TestApp`] that runs whole, called byte by byte, whose messages come when they come.

use std::ops::Deref;
use std::time::Duration;

use multauth::messages::{Channel, Message};
use multauth::settings::Settings;
use serde_json::{Value, json};

use super::app::TestApp;
use super::person::PASSWORD;
use super::promised;
use super::raw::{Answer, Call, exchange};

/// An instance as the program runs it.
pub struct Server(TestApp);

impl Deref for Server {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.0
    }
}

impl Server {
    /// A server on SQLite.
    pub async fn start(change: impl FnOnce(&mut Settings)) -> Self {
        Self(TestApp::whole(change).await)
    }

    /// A server on every database that can be had.
    pub async fn on_each(change: impl Fn(&mut Settings)) -> Vec<Self> {
        TestApp::each_whole(change).await.into_iter().map(Self).collect()
    }

    /// Another instance on the same database, with the same clock.
    pub async fn again(&self) -> Self {
        Self(self.0.again().await)
    }

    /// Which database it is, for the messages of failed tests.
    pub fn name(&self) -> &'static str {
        self.database()
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

    /// Waits for the `n`-th message to `to` and gives it.
    pub async fn message(&self, to: &str, n: usize) -> Message {
        let inbox = self.app.inbox.clone().unwrap();
        for _ in 0..1_000 {
            self.worker().drain().await.unwrap();
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
