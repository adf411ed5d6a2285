//! What a thief does in somebody's account, what its owner does meanwhile, and how time passes.

use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::thief_holder::Who;
use super::thief_world::{STOLEN, STOLEN_CARD, STOLEN_PHONE, World};
use crate::support::client::Answer;
use crate::support::token::totp;

/// What happens in a step; `a` and `b` of the step say to which of the things at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Add,
    AddApp,
    AddCard,
    Confirm,
    Replace,
    Delete,
    Primary,
    Label,
    Codes,
    Password,
    SignIn,
    Recover,
    Reauth,
    Refresh,
    Press,
    /// Somebody's software opens whatever came to the owner, and presses what it finds.
    Robot,
    OwnerSignsIn,
    OwnerDeletes,
    OwnerLabels,
    Minutes,
    Hours,
    Day,
    /// A day later, when young addresses count, the thief signs in again.
    Return,
}

#[derive(Clone, Copy)]
pub struct Step {
    pub act: Act,
    pub a: u8,
    pub b: u8,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}({}, {})", self.act, self.a, self.b)
    }
}

pub fn some_steps() -> impl Strategy<Value = Vec<Step>> {
    use Act::*;
    let act = prop_oneof![
        4 => Just(Add), 2 => Just(AddApp), 1 => Just(AddCard), 8 => Just(Confirm), 4 => Just(Replace), 4 => Just(Delete),
        2 => Just(Primary), 2 => Just(Label), 2 => Just(Codes), 2 => Just(Password), 4 => Just(SignIn),
        3 => Just(Recover), 4 => Just(Reauth), 2 => Just(Refresh), 6 => Just(Press), 1 => Just(Robot),
        2 => Just(OwnerSignsIn), 1 => Just(OwnerDeletes), 1 => Just(OwnerLabels),
        1 => Just(Minutes), 1 => Just(Hours), 1 => Just(Day), 2 => Just(Return),
    ];
    let step = (act, any::<u8>(), any::<u8>()).prop_map(|(act, a, b)| Step { act, a, b });
    // Most begin with what five minutes are used for first; some come back when their address counts.
    let first = prop::sample::select(vec![Add, Add, Replace, Replace, AddApp, Codes, Delete, Label]);
    let then = prop_oneof![3 => Just(None), 2 => Just(Some(Return)), 2 => Just(Some(Recover))];
    let first = (first, any::<u8>(), then).prop_map(|(act, a, then)| {
        let step = |act, a| Step { act, a, b: 1 };
        let then = then.map(|act| step(act, a % 4));
        [step(act, a), step(Confirm, a)].into_iter().chain(then).collect::<Vec<_>>()
    });
    (first, proptest::collection::vec(step, 6..=22)).prop_map(|(first, rest)| [&first[..], &rest].concat())
}

/// One of these.
pub fn pick<T: Clone>(all: &[T], n: u8) -> Option<T> {
    (!all.is_empty()).then(|| all[usize::from(n) % all.len()].clone())
}

fn stolen(n: u8) -> (&'static str, &'static str) {
    match usize::from(n) % 4 {
        3 => ("phone", STOLEN_PHONE),
        n => ("email", STOLEN[n]),
    }
}

/// A password that nobody had before.
fn password(n: u8) -> String {
    format!("crimson badger thimble {n}")
}

impl World {
    pub async fn step(&mut self, Step { act, a, b }: Step) {
        self.app.pass(SECOND);
        match act {
            Act::Minutes => self.app.pass(i64::from(a % 20) * MINUTE),
            Act::Hours => self.app.pass(i64::from(a % 5) * HOUR),
            Act::Day => self.app.pass(25 * HOUR),
            Act::Return => {
                self.app.pass(25 * HOUR);
                self.sign_in_somehow(Who::Thief, a, b | 12).await;
            }
            Act::OwnerSignsIn => {
                self.sign_in_somehow(Who::Owner, a, b).await;
            }
            Act::OwnerDeletes => self.delete_strange(a).await,
            Act::OwnerLabels => self.relabel(Who::Owner, a, b).await,
            Act::SignIn => self.sign_in_somehow(Who::Thief, a, b).await,
            Act::Recover => self.recover(a, b).await,
            Act::Reauth => self.reauth(a).await,
            Act::Press => self.press(a, b).await,
            Act::Robot => self.robot().await,
            _ => self.change(act, a, b).await,
        }
        self.deliver().await;
    }

    async fn devices(&mut self, who: Who) -> Vec<Value> {
        let answer = self.of(who).inside().get("/v1/me/devices").await;
        let found = (answer.status == 200).then(|| answer.json());
        found.and_then(|all| all.as_array().cloned()).unwrap_or_default()
    }

    /// A call with the thief's latest token.
    async fn change(&mut self, act: Act, a: u8, b: u8) {
        let client = self.thief.inside();
        let confirmed = |device: &Value| device["confirmed"] == true;
        match act {
            Act::Add => {
                let (kind, address) = stolen(a);
                client.add(json!({ "kind": kind, kind: address })).await;
            }
            Act::AddApp => {
                let answer = client.add(json!({ "kind": "authenticator" })).await;
                if answer.status == 201 {
                    let (id, seed) = (answer.json()["id"].clone(), answer.json()["secret"].clone());
                    self.thief.seeds.insert(id.as_str().unwrap().into(), seed.as_str().unwrap().into());
                }
            }
            Act::AddCard => {
                client.add(json!({ "kind": "card", "hardcode": STOLEN_CARD })).await;
            }
            Act::Confirm => self.confirm(a).await,
            Act::Replace => {
                let (kind, address) = stolen(a);
                let same = |device: &Value| device["kind"] == kind && confirmed(device);
                let all: Vec<Value> = self.devices(Who::Thief).await.into_iter().filter(same).collect();
                let Some(old) = pick(&all, b) else { return };
                let path = format!("/v1/me/devices/{}", old["id"].as_str().unwrap());
                client.patch(&path, self.vouching(&old, b, json!({ kind: address }))).await;
            }
            Act::Delete => {
                let Some(old) = pick(&self.devices(Who::Thief).await, a) else { return };
                let path = format!("/v1/me/devices/{}", old["id"].as_str().unwrap());
                let body = self.vouching(&old, b, json!({})).to_string();
                client.raw("DELETE", &path, Some(&body)).await;
            }
            Act::Primary => {
                let all: Vec<Value> = self.devices(Who::Thief).await.into_iter().filter(confirmed).collect();
                let Some(device) = pick(&all, a) else { return };
                let path = format!("/v1/me/devices/{}", device["id"].as_str().unwrap());
                client.patch(&path, json!({ "primary": true })).await;
            }
            Act::Label => self.relabel(Who::Thief, a, b).await,
            Act::Codes => {
                let answer = client.post("/v1/me/recovery-codes", json!({})).await;
                if answer.status == 200 {
                    self.thief.keep(&answer.json());
                }
            }
            Act::Password => {
                let current = self.thief.passwords.last().cloned().unwrap();
                let body = json!({ "password": current, "new_password": password(a) });
                if client.put("/v1/me/password", body).await.status == 204 {
                    self.thief.passwords.push(password(a));
                }
            }
            _ => {
                let Some(token) = self.thief.refresh.last().cloned() else { return };
                let answer = client.refresh(&token).await;
                if answer.status == 200 {
                    self.thief.keep(&answer.json());
                }
            }
        }
    }

    /// The same with what vouches for the removal or replacement of a factor, now and then.
    fn vouching(&mut self, device: &Value, n: u8, mut body: Value) -> Value {
        if let Some(seed) = self.thief.seeds.get(device["id"].as_str().unwrap_or_default()) {
            self.app.pass(30 * SECOND);
            body["passcode"] = totp(seed, self.app.clock.now()).into();
        } else if n.is_multiple_of(3)
            && let Some(code) = self.thief.recovery_codes.pop()
        {
            body["recovery_code"] = code.into();
        }
        body
    }

    /// Confirms one of the devices that wait.
    async fn confirm(&mut self, n: u8) {
        self.deliver().await;
        let waits = |device: &Value| device["confirmed"] == false;
        let all: Vec<Value> = self.devices(Who::Thief).await.into_iter().filter(waits).collect();
        let Some(device) = pick(&all, n) else { return };
        let id = device["id"].as_str().unwrap();
        let code = match self.thief.seeds.get(id) {
            Some(seed) => Some(totp(seed, self.app.clock.now())),
            None => {
                let to = |mail: &&crate::support::mailbox::Mail| device["address"] == mail.to.as_str();
                let came = self.thief.mail.iter().rev().filter(to).filter(|mail| mail.kind.carries_code());
                came.map(|mail| mail.code().to_owned()).next()
            }
        };
        let Some(code) = code else { return };
        let answer = self.thief.inside().confirm(id, &code).await;
        if answer.status == 200 {
            self.thief.keep(&answer.json());
        }
    }

    async fn relabel(&mut self, who: Who, a: u8, b: u8) {
        let Some(device) = pick(&self.devices(who).await, a) else { return };
        let path = format!("/v1/me/devices/{}", device["id"].as_str().unwrap());
        self.of(who).inside().patch(&path, json!({ "label": format!("{who:?} {b}") })).await;
    }

    /// The owner removes what they never added.
    async fn delete_strange(&mut self, n: u8) {
        let (own, seeds) = (self.owner.addresses.clone(), self.owner.seeds.clone());
        let strange = |device: &Value| match device["address"].as_str() {
            Some(address) => device["kind"] != "username" && !own.contains(&address),
            None => !seeds.contains_key(device["id"].as_str().unwrap()),
        };
        let all: Vec<Value> = self.devices(Who::Owner).await.into_iter().filter(strange).collect();
        let Some(device) = pick(&all, n) else { return };
        self.owner.inside().delete(&format!("/v1/me/devices/{}", device["id"].as_str().unwrap())).await;
    }

    /// Signs in by any name, all the way or a part of it.
    async fn sign_in_somehow(&mut self, who: Who, a: u8, b: u8) {
        let mut names = self.names();
        if who == Who::Thief {
            // The owner's names, where the password is enough, and their own addresses: these three times.
            names = [(0..9).map(stolen).collect(), names].concat();
        }
        let (kind, value) = pick(&names, a).unwrap();
        let known = self.of(who).known.last().cloned().filter(|_| b & 1 == 0);
        let mut body = json!({ kind: value });
        if let Some(known) = known {
            body["known_device"] = known.into();
        }
        let password = self.of(who).passwords.last().cloned();
        let turns = if b & 12 == 0 { (b >> 4) % 2 } else { 6 };
        let answer = self.of(who).client.signin(body).await;
        self.go_on(who, answer, password.as_deref(), turns).await;
    }

    /// The thief recovers the account by an address of their own, all the way or a part of it.
    async fn recover(&mut self, a: u8, b: u8) {
        let (kind, value) = stolen(a);
        let answer = self.thief.client.recovery(json!({ kind: value })).await;
        let turns = if b & 3 == 0 { (b >> 4) % 2 } else { 6 };
        let new = password(b);
        let since = self.stands().await.into_iter().find(|row| row.address.as_deref() == Some(value));
        if self.go_on(Who::Thief, answer, Some(&new), turns).await.0 {
            self.thief.passwords.push(new);
            if since.is_none_or(|row| row.since + DAY > self.app.clock.now()) {
                self.broken.push(format!("{value} recovers before its day is over"));
            }
        }
    }

    async fn robot(&mut self) {
        let before = self.stands().await;
        for key in self.owner.mail.iter().filter_map(|mail| mail.key.clone()) {
            self.owner.client.raw("POST", &format!("/confirm/{key}"), None).await;
            self.owner.client.post("/v1/confirm", json!({ "key": key })).await;
        }
        if self.stands().await != before {
            self.broken.push("a robot changed devices".to_owned());
        }
    }

    async fn reauth(&mut self, a: u8) {
        let password = self.thief.passwords.last().cloned();
        let answer = self.thief.inside().reauth(json!({})).await;
        let turns = if a & 7 == 0 { (a >> 4) % 2 } else { 6 };
        self.go_on(Who::Thief, answer, password.as_deref(), turns).await;
    }

    /// The links that came to the thief, each with the code beside it where there is one.
    pub fn links(&self) -> Vec<(String, Option<String>)> {
        let own = |mail: &crate::support::mailbox::Mail| Some((mail.key.clone()?, mail.code.clone()));
        let recent = self.thief.mail.iter().flat_map(|mail| &mail.recent);
        let recent = recent.map(|(key, code)| (key.clone(), Some(code.clone())));
        self.thief.mail.iter().filter_map(own).chain(recent).collect()
    }

    /// Presses a link, as a robot does or as somebody who knows something.
    async fn press(&mut self, a: u8, b: u8) {
        self.deliver().await;
        let mut links = self.links();
        // What came last is what there is to do.
        links.reverse();
        let Some((key, code)) = pick(&links, a % 6) else { return };
        let before = self.stands().await;
        if b & 7 == 0 {
            self.thief.client.raw("POST", &format!("/confirm/{key}"), None).await;
            if self.stands().await != before {
                self.broken.push(format!("a bare press at {key} changed devices"));
            }
            return;
        }
        let mut body = json!({ "key": key });
        if let Some(code) = code.filter(|_| b & 8 == 0) {
            body["passcode"] = code.into();
        }
        if b & 16 != 0 {
            body["password"] = self.thief.passwords.last().cloned().into();
        }
        if let Some(attempt) = self.thief.attempts.last().filter(|_| b & 32 != 0) {
            body["attempt"] = attempt.as_str().into();
        }
        let client = if b & 64 == 0 { self.thief.inside() } else { self.thief.client.clone() };
        let bare = body.as_object().is_some_and(|body| body.len() == 1) && b & 64 != 0;
        let answer = client.post("/v1/confirm", body).await;
        if bare && self.stands().await != before {
            self.broken.push(format!("a press alone at {key} changed devices"));
        }
        if answer.status == 200 && answer.json()["attempt"].is_object() {
            let new = password(b);
            let next = Answer { text: answer.json()["attempt"].to_string(), ..answer };
            if self.go_on(Who::Thief, next, Some(&new), 6).await.0 {
                self.thief.passwords.push(new);
            }
        }
    }
}
