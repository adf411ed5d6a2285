//! A receiver of webhooks on this machine: it keeps what comes, and answers as a test wants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use multauth::settings::{Settings, Webhook};
use poem::http::StatusCode;
use poem::listener::TcpAcceptor;
use poem::{Endpoint, Request, Response, endpoint};
use serde_json::Value;
use tokio::task::JoinHandle;

/// What every receiver shares with those that call it, in base64 behind `whsec_`.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a receiver does with a call.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// Answers with this status.
    Answers(u16),
    /// Answers with this status and header.
    Says(u16, (&'static str, &'static str)),
    /// Keeps the line open and says nothing.
    Hangs,
}

/// A call as it came.
#[derive(Clone, Debug)]
pub struct Call {
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body, byte by byte.
    pub body: String,
    /// Whether it was answered 2xx.
    pub taken: bool,
}

impl Call {
    /// `webhook-id`
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// The body.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The event's name and the user it is about.
    pub fn told(&self) -> (String, String) {
        let json = self.json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&json["type"]), text(&json["data"]["user_id"]))
    }
}

/// A running receiver; it ends with the test.
pub struct Receiver {
    /// Where it is called.
    pub url: String,
    manner: Arc<Mutex<Manner>>,
    calls: Arc<Mutex<Vec<Call>>>,
    serving: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    /// One that does that from now on.
    pub async fn start(manner: Manner) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (manner, calls) = (Arc::new(Mutex::new(manner)), Arc::default());
        let server = poem::Server::new_with_acceptor(TcpAcceptor::from_std(listener).unwrap());
        let endpoint = desk(manner.clone(), Arc::clone(&calls));
        let serving = tokio::spawn(async move { server.run(endpoint).await.unwrap() });
        Self { url, manner, calls, serving }
    }

    /// Changes what it does.
    pub fn now(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// Everything that came, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// What it took: names of events with their users, in order.
    pub fn taken(&self) -> Vec<(String, String)> {
        self.calls().iter().filter(|call| call.taken).map(Call::told).collect()
    }

    /// Makes it the webhook `name` of an installation, for `events`.
    pub fn listens(&self, settings: &mut Settings, name: &str, events: &[&str]) {
        let webhook = Webhook {
            url: self.url.parse().unwrap(),
            secret: SECRET.into(),
            secret_file: None,
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            timeout: multauth::settings::Span(1_000),
        };
        settings.webhooks.insert(name.to_owned(), webhook);
    }
}

fn desk(manner: Arc<Mutex<Manner>>, calls: Arc<Mutex<Vec<Call>>>) -> impl Endpoint<Output = Response> {
    endpoint::make(move |mut request: Request| {
        let (manner, calls) = (manner.clone(), calls.clone());
        async move {
            let body = request.take_body().into_string().await?;
            let header = |(name, value): (&poem::http::HeaderName, &poem::http::HeaderValue)| {
                (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
            };
            let headers = request.headers().iter().map(header).collect();
            let does = *manner.lock().unwrap();
            let taken = matches!(does, Manner::Answers(200..=299));
            calls.lock().unwrap().push(Call { headers, body, taken });
            let status = |status| StatusCode::from_u16(status).unwrap();
            Ok::<_, poem::Error>(match does {
                Manner::Answers(code) => status(code).into(),
                Manner::Says(code, (name, value)) => {
                    Response::builder().status(status(code)).header(name, value).finish()
                }
                Manner::Hangs => std::future::pending().await,
            })
        }
    })
}
