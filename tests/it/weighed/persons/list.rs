//! The five lists of flows that the persons live under, and how one signs up there.

use multauth::base::clock::SECOND;
use multauth::settings::Settings;
use serde_json::{Value, json};

use super::hand::{Hand, codes};
use crate::support::app::{TestApp, flows};
use crate::support::client::{Answer, Client};
use crate::support::person::{PASSWORD, Person};
use crate::support::token::totp;

pub const MAIL: &str = "ada@example.org";
pub const NEW_MAIL: &str = "ada@example.net";
pub const NUMBER: &str = "+12124567890";
pub const NEW_NUMBER: &str = "+12125550142";

/// A list of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// The built-in ones.
    BuiltIn,
    /// An address and its code.
    Mail,
    /// A name and a password, and a passcode for whoever has one.
    Name,
    /// A number and its code.
    Phone,
    /// An address and a password.
    MailPassword,
}

impl List {
    /// All five.
    pub const ALL: [Self; 5] = [Self::BuiltIn, Self::Mail, Self::Name, Self::Phone, Self::MailPassword];

    fn set(self, settings: &mut Settings) {
        let named: &[&[&str]] = &[&["username", "password"], &["username", "password", "passcode"]];
        match self {
            Self::BuiltIn => {}
            Self::Mail => settings.flows = flows(&[&["email", "passcode"]]),
            Self::Name => settings.flows = flows(named),
            Self::Phone => settings.flows = flows(&[&["phone", "passcode"]]),
            Self::MailPassword => settings.flows = flows(&[&["email", "password"]]),
        }
    }

    /// An instance with it.
    pub async fn app(self) -> TestApp {
        TestApp::new(|settings| self.set(settings)).await
    }

    /// An instance with it on each database.
    pub async fn each(self) -> Vec<TestApp> {
        TestApp::each(|settings| self.set(settings)).await
    }

    /// An instance with it, and whatever else is set.
    pub async fn app_with(self, change: impl Fn(&mut Settings)) -> TestApp {
        TestApp::new(|settings| self.with(settings, &change)).await
    }

    /// Sets it, and whatever else.
    pub fn with(self, settings: &mut Settings, change: impl Fn(&mut Settings)) {
        self.set(settings);
        change(settings);
    }

    /// Whether a flow begins with that kind, or a recovery does.
    pub fn names(self, kind: &str) -> bool {
        kind != "username" || matches!(self, Self::BuiltIn | Self::Name)
    }

    /// What the least there is is signed up with.
    pub fn least(self) -> Value {
        match self {
            Self::BuiltIn | Self::MailPassword => json!({ "email": MAIL, "password": PASSWORD }),
            Self::Mail => json!({ "email": MAIL }),
            Self::Name => json!({ "username": "ada", "password": PASSWORD }),
            Self::Phone => json!({ "phone": NUMBER }),
        }
    }

    /// What is asked of that person on a new device.
    pub const fn ways(self) -> &'static [&'static str] {
        match self {
            Self::BuiltIn => &["password", "email"],
            Self::Mail => &["email"],
            Self::Name | Self::MailPassword => &["password"],
            Self::Phone => &["sms"],
        }
    }

    /// What is asked where the best device that the account has comes by that channel.
    pub fn ways_with(self, channel: &'static str) -> Vec<&'static str> {
        match (self, channel) {
            (Self::MailPassword, _) => vec!["password"],
            (Self::Mail, "email") | (Self::Phone, "sms") => vec![channel],
            (Self::Mail, _) => vec!["email", channel],
            (Self::Phone, _) => vec!["sms", channel],
            (Self::BuiltIn | Self::Name, _) => vec!["password", channel],
        }
    }

    /// What that person has at hand.
    pub fn hand(self) -> Hand {
        match self {
            Self::BuiltIn | Self::MailPassword => Hand::by("email", MAIL).knows(PASSWORD).reads(MAIL),
            Self::Mail => Hand::by("email", MAIL).reads(MAIL),
            Self::Name => Hand::by("username", "ada").knows(PASSWORD),
            Self::Phone => Hand::by("phone", NUMBER).reads(NUMBER),
        }
    }

    /// Somebody who has just signed up with the least there is.
    pub async fn owner(self, app: &TestApp) -> Owner {
        let person = app.signup(self.least()).await;
        Owner { hand: self.hand(), person, codes: Vec::new() }
    }

    /// The same who has an address, whether or not it names them.
    pub async fn owner_with_mail(self, app: &TestApp) -> Owner {
        let mut owner = self.owner(app).await;
        if matches!(self, Self::Name | Self::Phone) {
            owner.adds(app, "email", MAIL).await;
            owner.returns(app).await;
        }
        owner
    }

    /// The same who has a phone.
    pub async fn owner_with_phone(self, app: &TestApp) -> Owner {
        let mut owner = self.owner(app).await;
        if self != Self::Phone {
            owner.adds(app, "phone", NUMBER).await;
            owner.returns(app).await;
        }
        owner
    }
}

/// Somebody with an account, signed in.
pub struct Owner {
    /// What they have at hand.
    pub hand: Hand,
    /// Their session.
    pub person: Person,
    /// The recovery codes that they were shown last.
    pub codes: Vec<String>,
}

impl Owner {
    /// Who they are signed in as.
    pub fn client(&self) -> &Client {
        &self.person.client
    }

    /// Adds an address and confirms it; keeps the recovery codes that come with it.
    pub async fn adds(&mut self, app: &TestApp, kind: &str, address: &str) -> String {
        let added = self.client().add(json!({ "kind": kind, kind: address })).await.is(201).json();
        let id = confirms(app, self.client(), &added, address).await;
        self.hand = self.hand.clone().reads(address);
        self.keep(&id.1);
        id.0
    }

    /// Enrols an app; keeps the recovery codes that come with it.
    pub async fn enrols(&mut self, app: &TestApp) -> (String, String) {
        let (id, seed, answer) = enrols(app, self.client()).await;
        self.hand = self.hand.clone().carries(&seed);
        self.keep(&answer);
        (id, seed)
    }

    fn keep(&mut self, answer: &Value) {
        let shown = codes(&answer["recovery_codes"]);
        if !shown.is_empty() {
            assert_eq!(shown.len(), 10);
            self.codes = shown;
        }
    }

    /// Signs in on another device, with whatever that takes.
    pub async fn returns(&mut self, app: &TestApp) {
        let came = self.hand.comes(app).await;
        let shown = came.codes();
        if !shown.is_empty() {
            self.codes = shown;
        }
        self.person = Person::with(&came.client, came.answer.done());
    }
}

/// Enrols an app in a session: its id, its seed, and the answer that confirmed it.
pub async fn enrols(app: &TestApp, client: &Client) -> (String, String, Value) {
    let added = client.add(json!({ "kind": "authenticator" })).await.is(201).json();
    let (id, seed) = (added["id"].as_str().unwrap().to_owned(), added["secret"].as_str().unwrap().to_owned());
    let answer = client.confirm(&id, &totp(&seed, app.clock.now())).await.is(200).json();
    app.pass(31 * SECOND);
    (id, seed, answer)
}

/// Confirms what was added or put in the place of another, by the code that came there: its id, and the answer.
pub async fn confirms(app: &TestApp, client: &Client, added: &Value, address: &str) -> (String, Value) {
    let id = added["id"].as_str().unwrap().to_owned();
    let mail = app.mail().await;
    let code = mail.iter().rev().find(|mail| mail.to == address && mail.kind.carries_code());
    let code = code.unwrap_or_else(|| panic!("no code for {address}: {mail:?}"));
    (id.clone(), client.confirm(&id, code.code()).await.is(200).json())
}

/// The id of the confirmed device of a kind, or with an address.
pub async fn device(client: &Client, called: &str) -> String {
    let all = client.get("/v1/me/devices").await.is(200).json();
    let fits = |d: &&Value| d["confirmed"] == true && (d["kind"] == called || d["address"] == called);
    let found = all.as_array().unwrap().iter().find(fits).map(|d| d["id"].as_str().unwrap().to_owned());
    found.unwrap_or_else(|| panic!("no {called}: {all}"))
}

/// The kinds and addresses of the confirmed devices.
pub async fn devices(client: &Client) -> Vec<String> {
    let all = client.get("/v1/me/devices").await.is(200).json();
    let confirmed = all.as_array().unwrap().iter().filter(|d| d["confirmed"] == true);
    confirmed.map(|d| d["address"].as_str().or(d["kind"].as_str()).unwrap().to_owned()).collect()
}

/// Asks to remove a device, with what vouches for that.
pub async fn removes(client: &Client, id: &str, with: Value) -> Answer {
    client.raw("DELETE", &format!("/v1/me/devices/{id}"), Some(&with.to_string())).await
}

/// Asks to put an address in the place of a device's.
pub async fn replaces(client: &Client, id: &str, with: Value) -> Answer {
    client.patch(&format!("/v1/me/devices/{id}"), with).await
}
