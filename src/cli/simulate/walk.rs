//! A client that walks a flow: it answers what it is asked, with what its person has and what messages say.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use poem::http::uri::Scheme;
use poem::http::{self, Method};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Body, Endpoint, Request, RequestParts};
use serde_json::{Map, Value, json};
use totp_rs::Builder;

use super::super::server;
use super::persona::{Persona, Plan};
use super::transcript::Transcript;
use super::world::World;
use crate::auth::operator;
use crate::base::clock::{MINUTE, SECOND};
use crate::flows::Flow;
use crate::messages::{Channel, Message};
use crate::settings::Confirm;

/// More answers than any flow takes.
const LONGEST: usize = 12;

/// Why a walk came to its end early.
type Stopped = String;

/// A walk under way.
pub struct Walk<'a> {
    world: &'a World,
    persona: Persona,
    plan: Plan,
    /// What happened so far.
    pub transcript: Transcript,
    /// The messages that were read already.
    read: Vec<String>,
    /// The seed of the authenticator app, once there is one.
    seed: Option<Vec<u8>>,
    token: Option<String>,
    /// The id of the user, once there is one.
    user: Option<String>,
}

impl<'a> Walk<'a> {
    /// A walk that has not begun.
    pub fn new(world: &'a World, persona: Persona, plan: Plan) -> Self {
        let transcript = Transcript::default();
        Self { world, persona, plan, transcript, read: Vec::new(), seed: None, token: None, user: None }
    }

    /// Signs up, gets ready what sign-up does not make, and signs in by `flow`.
    pub async fn all(&mut self, flow: &Flow) -> Result<(), Stopped> {
        self.transcript.part("sign-up");
        let fields = self.plan.fields.clone();
        let begun = self.post("/v1/signup", self.fields(&fields)).await?;
        self.answer_until_done(begun, flow).await?;
        self.confirm_later().await?;
        if self.plan.authenticator {
            self.add_authenticator().await?;
        }
        self.be_given().await?;
        self.token = None;
        self.world.app.clock.advance(2 * MINUTE);
        self.transcript.part("sign-in, two minutes later");
        let begun = self.post("/v1/signin", self.fields([&flow.identifier])).await?;
        self.answer_until_done(begun, flow).await
    }

    fn fields<'f>(&self, names: impl IntoIterator<Item = &'f String>) -> Value {
        let value = |name: &String| Some((name.clone(), self.persona.value(name)?));
        names.into_iter().filter_map(value).collect::<Map<_, _>>().into()
    }

    async fn answer_until_done(&mut self, mut answer: Value, flow: &Flow) -> Result<(), Stopped> {
        for _ in 0..LONGEST {
            if answer["state"] == "done" {
                self.token = answer["access_token"].as_str().map(str::to_owned);
                self.user = answer["user"]["id"].as_str().map(str::to_owned);
                return Ok(());
            }
            let attempt = answer["attempt"].as_str().ok_or("the answer names no attempt")?.to_owned();
            let path = format!("/v1/attempts/{attempt}");
            let asked = self.next(&answer, flow).ok_or("it asks for what nobody here has")?;
            let body = match asked["secret"].as_str().unwrap_or_default() {
                "passcode" => json!({ "passcode": self.passcode(&asked, &path).await? }),
                secret => self.fields([&secret.to_owned()]),
            };
            answer = self.post(&path, body).await?;
        }
        Err("it never ends".to_owned())
    }

    /// What of all that is asked comes first in the flow; else anything that can be answered.
    fn next(&self, answer: &Value, flow: &Flow) -> Option<Value> {
        let asked = answer["ask"].as_array()?;
        let can = |ask: &&Value| {
            let own =
                ask["secret"] == "passcode" && (ask["channel"] != "authenticator" || self.seed.is_some());
            own || ask["secret"].as_str().is_some_and(|secret| self.persona.value(secret).is_some())
        };
        let wanted = |ask: &Value, name: &str, device: Option<&str>| {
            let app_is_meant = device == Some("authenticator");
            ask["secret"] == name && (ask["channel"] == "authenticator") == app_is_meant
        };
        let in_flow = flow.secrets.iter().find_map(|secret| {
            asked.iter().filter(can).find(|ask| wanted(ask, &secret.name, secret.device.as_deref()))
        });
        in_flow.or_else(|| asked.iter().find(can)).cloned()
    }

    /// The code that is asked for: shown by the app, or in the message, which is sent now where it was not.
    async fn passcode(&mut self, asked: &Value, path: &str) -> Result<String, Stopped> {
        if asked["channel"] == "authenticator" {
            return self.shown().ok_or("there is no authenticator app".into());
        }
        if let Some(message) = self.delivered().await? {
            return code(&message);
        }
        let body = match asked["device"].as_str() {
            Some(device) => json!({ "device": device }),
            None => json!({}),
        };
        self.post(&format!("{path}/send"), body).await?;
        let message = self.delivered().await?.ok_or("no message was delivered")?;
        code(&message)
    }

    /// The newest message that was not read yet.
    async fn delivered(&mut self) -> Result<Option<Message>, Stopped> {
        self.world.worker.drain().await.map_err(|error| error.to_string())?;
        let inbox = self.world.app.inbox.as_ref().map(crate::outbox::Inbox::all).unwrap_or_default();
        let fresh: Vec<Message> = inbox.into_iter().filter(|m| !self.read.contains(&m.id)).collect();
        for message in fresh.iter().rev() {
            self.read.push(message.id.clone());
            self.transcript.message(message);
        }
        Ok(fresh.into_iter().next())
    }

    /// Proves an address where the settings let an account be made before that.
    async fn confirm_later(&mut self) -> Result<(), Stopped> {
        let settings = &self.world.app.settings;
        let late = [("email", settings.email.confirm), ("phone", settings.phone.confirm)];
        for (kind, confirm) in late {
            if confirm != Confirm::After || !self.plan.fields.contains(kind) {
                continue;
            }
            self.transcript.part("confirming the address");
            let devices = self.call(Method::GET, "/v1/me/devices", None).await?;
            let device = object(&devices, kind).ok_or("the device is not listed")?;
            let path = format!("/v1/me/devices/{}", device["id"].as_str().unwrap_or_default());
            let message = self.delivered().await?.ok_or("no message was delivered")?;
            self.post(&format!("{path}/confirm"), json!({ "passcode": code(&message)? })).await?;
        }
        Ok(())
    }

    /// What only the operator gives.
    async fn be_given(&mut self) -> Result<(), Stopped> {
        let Some(kind) = self.plan.given.clone() else { return Ok(()) };
        let value = self.persona.value(&kind).and_then(|value| value.as_str().map(str::to_owned));
        let (value, user) = value.zip(self.user.clone()).ok_or("there is nothing to give, or nobody")?;
        self.transcript.part(&format!("multauth devices add {user} --kind {kind} --value {value}"));
        let added = operator::add_identifier(&self.world.app, &user.as_str().into(), &kind, &value).await;
        added.map_err(|error| error.to_string())?;
        self.delivered().await.map(drop)
    }

    async fn add_authenticator(&mut self) -> Result<(), Stopped> {
        self.transcript.part("adding an authenticator app");
        let added = self.post("/v1/me/devices", json!({ "kind": "authenticator" })).await?;
        let secret = member(&added, "secret").ok_or("the answer has no secret for the app")?;
        let seed = data_encoding::BASE32_NOPAD.decode(secret.as_bytes());
        self.seed = Some(seed.map_err(|error| format!("the app's secret cannot be read: {error}"))?);
        let id = member(&added, "id").ok_or("the answer has no id of the device")?;
        let code = self.shown().unwrap_or_default();
        self.post(&format!("/v1/me/devices/{id}/confirm"), json!({ "passcode": code })).await?;
        self.delivered().await.map(drop)
    }

    /// What the authenticator app shows now.
    fn shown(&self) -> Option<String> {
        let seconds = u64::try_from(self.world.app.now().div_euclid(SECOND)).ok()?;
        let app = Builder::new().with_secret(self.seed.as_deref()?).build_noncompliant();
        Some(app.generate(seconds).to_string())
    }

    async fn post(&mut self, path: &str, body: Value) -> Result<Value, Stopped> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// A request as it would come in over a socket.
    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> http::Result<Request> {
        let mut request = http::Request::builder().method(method).uri(path);
        request = request.header("host", self.world.app.settings.public_url.authority());
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let (parts, ()) = request.body(())?.into_parts();
        let parts = RequestParts::from((parts, LocalAddr(LOOPBACK), RemoteAddr(LOOPBACK), Scheme::HTTP));
        let body = body.map_or_else(Body::empty, |body| Body::from_string(body.to_string()));
        Ok(Request::from_parts(parts, body))
    }

    /// One request and its answer, both written down.
    async fn call(&mut self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Stopped> {
        self.transcript.request(&format!("{method} {path}"), body.as_ref());
        let request = self.request(method, path, body.as_ref()).map_err(|error| error.to_string())?;
        let answer = server::endpoint(self.world.app.clone()).get_response(request).await;
        let status = answer.status();
        let bytes = answer.into_body().into_vec().await.map_err(|error| error.to_string())?;
        let value: Option<Value> = serde_json::from_slice(&bytes).ok();
        self.transcript.answer(&status.to_string(), value.as_ref());
        if !status.is_success() {
            return Err(format!("{path} answers {status}"));
        }
        Ok(value.unwrap_or_default())
    }
}

/// Where the client and the server would be.
const LOOPBACK: Addr = Addr::SocketAddr(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080));

/// The code in a message.
fn code(message: &Message) -> Result<String, Stopped> {
    let text = message.text.expose();
    let found = match message.channel {
        Channel::Email => text.lines().find_map(|line| line.strip_prefix("    ")).map(str::to_owned),
        Channel::Sms => text.trim_end().rsplit_once('#').map(|(_, code)| code.to_owned()),
        // A call reads the characters out: "3, 0, 5, 1, 1, 8 is your code".
        Channel::Call | Channel::Whatsapp => {
            text.split_once(" is ").map(|(code, _)| code.chars().filter(|c| !", ".contains(*c)).collect())
        }
    };
    found.filter(|code| !code.is_empty()).ok_or_else(|| "the message has no code".to_owned())
}

/// The text called `name`, at whatever depth.
fn member(value: &Value, name: &str) -> Option<String> {
    match value {
        Value::Object(fields) => match fields.get(name).and_then(Value::as_str) {
            Some(text) => Some(text.to_owned()),
            None => fields.values().find_map(|inner| member(inner, name)),
        },
        Value::Array(items) => items.iter().find_map(|inner| member(inner, name)),
        _ => None,
    }
}

/// The device of that kind, at whatever depth.
fn object(value: &Value, kind: &str) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.get("kind").is_some_and(|k| k == kind) => Some(value.clone()),
        Value::Object(fields) => fields.values().find_map(|inner| object(inner, kind)),
        Value::Array(items) => items.iter().find_map(|inner| object(inner, kind)),
        _ => None,
    }
}
