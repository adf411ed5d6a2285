//! What either of them holds, and how they answer what is asked of them.

use std::collections::BTreeMap;

use multauth::auth::operator;
use multauth::base::clock::SECOND;
use serde_json::{Map, Value, json};

use super::thief_world::{NAME, World};
use crate::support::app::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::mailbox::Mail;
use crate::support::person::{CARD, PASSWORD};
use crate::support::token::totp;

/// What somebody has: where they call from, what they were given, and what came to them.
pub struct Holder {
    pub client: Client,
    pub addresses: Vec<&'static str>,
    /// Seeds of apps, by the device.
    pub seeds: BTreeMap<String, String>,
    pub passwords: Vec<String>,
    pub card: &'static str,
    pub recovery_codes: Vec<String>,
    pub access: Vec<String>,
    pub refresh: Vec<String>,
    pub known: Vec<String>,
    pub attempts: Vec<String>,
    pub mail: Vec<Mail>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Owner,
    Thief,
}

/// A confirmed device as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub id: String,
    pub kind: String,
    pub address: Option<String>,
    pub label: String,
    pub primary: bool,
    pub since: i64,
}

impl Holder {
    pub fn new(app: &TestApp, addresses: Vec<&'static str>) -> Self {
        Self {
            client: app.client(),
            addresses,
            seeds: BTreeMap::new(),
            passwords: vec![PASSWORD.to_owned()],
            card: CARD,
            recovery_codes: Vec::new(),
            access: Vec::new(),
            refresh: Vec::new(),
            known: Vec::new(),
            attempts: Vec::new(),
            mail: Vec::new(),
        }
    }

    /// The client with the latest access token.
    pub fn inside(&self) -> Client {
        self.access.last().map_or_else(|| self.client.clone(), |token| self.client.bearing(token))
    }

    /// Keeps whatever an answer gave.
    pub fn keep(&mut self, answer: &Value) {
        let text = |name: &str, to: &mut Vec<String>| {
            to.extend(answer[name].as_str().map(str::to_owned));
        };
        text("access_token", &mut self.access);
        text("refresh_token", &mut self.refresh);
        text("known_device", &mut self.known);
        text("attempt", &mut self.attempts);
        text("recovery_code", &mut self.recovery_codes);
        let codes = answer["recovery_codes"].as_array().or(answer["codes"].as_array());
        self.recovery_codes
            .extend(codes.into_iter().flatten().filter_map(|code| Some(code.as_str()?.to_owned())));
    }
}

impl World {
    pub fn names(&self) -> Vec<(&'static str, &'static str)> {
        let kind = |address: &&'static str| (if address.contains('@') { "email" } else { "phone" }, *address);
        let mut names: Vec<_> = self.owner.addresses.iter().map(kind).collect();
        names.push(("username", NAME));
        names
    }

    pub fn of(&mut self, who: Who) -> &mut Holder {
        match who {
            Who::Owner => &mut self.owner,
            Who::Thief => &mut self.thief,
        }
    }

    /// Gives out what was sent.
    pub async fn deliver(&mut self) {
        for mail in self.app.mail().await {
            let thief = self.thief.addresses.contains(&mail.to.as_str());
            self.of(if thief { Who::Thief } else { Who::Owner }).mail.push(mail);
        }
    }

    /// The confirmed devices that are in use.
    pub async fn stands(&self) -> Vec<Row> {
        let (account, _) = operator::show(&self.app.app, &self.user.as_str().into()).await.unwrap();
        let row = |d: &multauth::store::devices::Device| Row {
            id: d.id.clone().into(),
            kind: d.kind.clone(),
            address: d.delivery.clone(),
            label: d.label.clone(),
            primary: d.is_primary,
            since: d.confirmed_at.unwrap(),
        };
        let mut rows: Vec<Row> = account.confirmed().map(row).collect();
        rows.sort();
        rows
    }

    /// Whether somebody gets in by that name and password, and whether their app was asked on the way.
    pub async fn sign_in(&mut self, who: Who, (kind, value): (&str, &str), password: &str) -> (bool, bool) {
        let known = self.of(who).known.last().cloned();
        let mut body = Map::from_iter([(kind.to_owned(), value.into())]);
        body.extend(known.map(|known| ("known_device".to_owned(), known.into())));
        let answer = self.of(who).client.signin(body.into()).await;
        self.go_on(who, answer, Some(password), 6).await
    }

    /// Answers whatever is asked with whatever they have, so many times; keeps what that gives.
    pub async fn go_on(
        &mut self,
        who: Who,
        answer: Answer,
        password: Option<&str>,
        turns: u8,
    ) -> (bool, bool) {
        let (mut answer, mut by_app) = (answer, false);
        for turn in 0..=turns {
            if answer.status != 200 {
                return (false, by_app);
            }
            let body = answer.json();
            self.of(who).keep(&body);
            if body["state"] == "done" {
                return (true, by_app);
            }
            if turn == turns {
                break;
            }
            let asked = answer.asks();
            let Some(body) = self.reply(who, &asked.attempt, &asked.ask, password).await else { break };
            by_app |= body["device"].as_str().is_some_and(|id| self.of(who).seeds.contains_key(id));
            answer = self.of(who).client.answer(&asked.attempt, body).await;
        }
        (false, by_app)
    }

    async fn reply(
        &mut self,
        who: Who,
        attempt: &str,
        ask: &[Value],
        password: Option<&str>,
    ) -> Option<Value> {
        for entry in ask {
            match entry["secret"].as_str()? {
                "password" => return Some(json!({ "password": password? })),
                "new_password" => return Some(json!({ "new_password": password? })),
                "hardcode" => return Some(json!({ "hardcode": self.of(who).card })),
                "passcode" if entry["channel"] == "authenticator" => {
                    let device = entry["device"].as_str().unwrap_or_default().to_owned();
                    let Some(seed) = self.of(who).seeds.get(&device).cloned() else { continue };
                    self.app.pass(30 * SECOND);
                    let code = totp(&seed, self.app.clock.now());
                    return Some(json!({ "passcode": code, "device": device }));
                }
                "passcode" => {
                    if let Some(code) = self.sent(who, attempt, entry).await {
                        let mut body = json!({ "passcode": code });
                        if entry["device"].is_string() {
                            body["device"] = entry["device"].clone();
                        }
                        return Some(body);
                    }
                }
                _ => {}
            }
        }
        let code = self.of(who).recovery_codes.pop();
        code.map(|code| json!({ "recovery_code": code }))
    }

    /// The code that an attempt sends, where it comes to them.
    async fn sent(&mut self, who: Who, attempt: &str, entry: &Value) -> Option<String> {
        let before = self.of(who).mail.len();
        self.deliver().await;
        if entry["device"].is_string() && self.of(who).mail.len() == before {
            let body = json!({ "device": entry["device"] });
            self.of(who).client.send(attempt, body).await;
            self.deliver().await;
        }
        let fresh = self.of(who).mail.get(before..)?.iter().rev();
        fresh.filter(|mail| mail.kind.carries_code()).find_map(|mail| mail.code.clone())
    }
}
