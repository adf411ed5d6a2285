//! An owner's account of some age, a thief inside of it for five minutes, and how both come there.

use multauth::base::clock::{DAY, MINUTE};
use multauth::base::tuple::TupleSpec;
use multauth::settings::Settings;
use proptest::prelude::*;
use serde_json::{Map, json};

use super::thief_holder::{Holder, Who};
use super::thief_steps::{Step, some_steps};
use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::{CARD, PASSWORD, Person};
use crate::support::token::totp;

pub const NAME: &str = "victoria";
pub const OWN: [&str; 2] = ["first@owner.example", "second@owner.example"];
pub const OWN_PHONE: &str = "+12124567890";
pub const STOLEN: [&str; 3] = ["eve@thief.example", "mallory@thief.example", "trudy@thief.example"];
pub const STOLEN_CARD: &str = "0815-4711-9999";
pub const STOLEN_PHONE: &str = "+12125550123";

/// One case: an installation, an account of it, and what happens to that.
#[derive(Clone, Debug)]
pub struct Case {
    pub flows: Vec<TupleSpec>,
    pub second: bool,
    pub phone: bool,
    pub enrolled: bool,
    pub codes: bool,
    pub steps: Vec<Step>,
    /// Which of the owner's addresses takes the change back.
    pub by: u8,
}

fn lists() -> Vec<Vec<TupleSpec>> {
    vec![
        Settings::built_in().flows,
        flows(&[&["email", "password"]]),
        flows(&[&["email", "password", "passcode"]]),
        flows(&[&["username", "password"], &["email", "password"]]),
        flows(&[&["username", "password"], &["username", "password", "passcode"]]),
    ]
}

/// A second address, a phone, an app, recovery codes. Many have one address alone.
fn some_things() -> impl Strategy<Value = [bool; 4]> {
    let seldom = || proptest::bool::weighted(0.3);
    (seldom(), seldom(), any::<bool>(), any::<bool>())
        .prop_map(|(second, phone, app, codes)| [second, phone, app, codes])
}

pub fn a_case() -> impl Strategy<Value = Case> {
    (prop::sample::select(lists()), some_things(), some_steps(), any::<u8>()).prop_map(
        |(flows, [second, phone, enrolled, codes], steps, by)| Case {
            flows,
            second,
            phone,
            enrolled,
            codes,
            steps,
            by,
        },
    )
}

pub struct World {
    pub app: TestApp,
    pub user: String,
    pub owner: Holder,
    pub thief: Holder,
    /// What should not have worked on the way.
    pub broken: Vec<String>,
    /// Cards that the owner set at the end of a recovery.
    pub cards: Vec<String>,
    /// What the owner gets in by, and whether their app was asked on the way.
    pub ways: Vec<(&'static str, &'static str, bool)>,
}

impl Case {
    fn uses(&self, word: &str) -> bool {
        self.flows.iter().any(|flow| flow.words().iter().any(|found| found == word))
    }

    pub async fn app(&self) -> TestApp {
        let flows = self.flows.clone();
        TestApp::new(move |settings| {
            settings.flows = flows.clone();
            let actions =
                ["signin", "signup", "send", "send_phone", "attempt", "recovery", "reauth", "devices"];
            unlimited(settings, &actions);
            unlimited(
                settings,
                &["failures", "username_lookup", "confirm", "password", "me", "notice", "token"],
            );
            settings.guesses.per_day = 10_000;
            settings.guesses.per_month = 10_000;
            settings.guesses.free = 10_000;
            settings.guesses.stop_after = 10_000;
        })
        .await
    }

    /// The world in which the account is four days old, its owner has just signed in, and the thief has what that gave.
    pub async fn world(&self) -> World {
        let app = self.app().await;
        let mut addresses = vec![OWN[0]];
        addresses.extend(self.second.then_some(OWN[1]));
        // The last list names its owner alone, and has both.
        let phone = self.phone || !self.uses("email");
        addresses.extend(phone.then_some(OWN_PHONE));
        let person = self.signed_up(&app).await;
        let thief = Holder::new(&app, STOLEN.into_iter().chain([STOLEN_PHONE]).collect());
        let thief = Holder { card: STOLEN_CARD, ..thief };
        let mut owner = Holder::new(&app, addresses.clone());
        owner.access.push(person.done.access);
        let mut world = World {
            app,
            user: person.done.user,
            owner,
            thief,
            broken: Vec::new(),
            cards: Vec::new(),
            ways: Vec::new(),
        };
        for address in addresses {
            world.carries(address).await;
        }
        if self.uses("hardcode") && phone {
            world.fresh().await;
            world.owner.inside().add(json!({ "kind": "card", "hardcode": CARD })).await.is(201);
        }
        if self.enrolled {
            world.enrol().await;
        }
        if self.codes && world.owner.inside().post("/v1/me/recovery-codes", json!({})).await.status == 200 {
            world.owner.recovery_codes.clear();
        }
        world.app.pass(4 * DAY);
        world.stolen().await;
        world
    }

    async fn signed_up(&self, app: &TestApp) -> Person {
        let mut body = Map::from_iter([("password".to_owned(), PASSWORD.into())]);
        if self.uses("username") {
            body.insert("username".into(), NAME.into());
        }
        if self.uses("email") {
            body.insert("email".into(), OWN[0].into());
        }
        app.signup(body.into()).await
    }
}

impl World {
    /// Signs the owner in by the first name that leads anywhere, so that what they do next is trusted.
    async fn fresh(&mut self) {
        self.app.pass(MINUTE);
        for name in self.names() {
            if self.sign_in(Who::Owner, name, PASSWORD).await.0 {
                return;
            }
        }
    }

    /// Sees to it that the owner has an address, confirmed.
    async fn carries(&mut self, address: &'static str) {
        let kind = if address.contains('@') { "email" } else { "phone" };
        let devices = self.owner.inside().get("/v1/me/devices").await.is(200).json();
        if devices.as_array().unwrap().iter().any(|device| device["address"] == address) {
            return;
        }
        self.fresh().await;
        let added = self.owner.inside().add(json!({ "kind": kind, kind: address })).await.is(201).json();
        self.deliver().await;
        let code = self.owner.mail.last().filter(|mail| mail.to == address).unwrap().code().to_owned();
        self.owner.inside().confirm(added["id"].as_str().unwrap(), &code).await.is(200);
        self.deliver().await;
    }

    /// The owner's app, where some flow asks for one.
    async fn enrol(&mut self) {
        self.fresh().await;
        let added = self.owner.inside().add(json!({ "kind": "authenticator" })).await;
        if added.status == 201 {
            let (id, seed) = (added.json()["id"].clone(), added.json()["secret"].clone());
            let (id, seed) = (id.as_str().unwrap().to_owned(), seed.as_str().unwrap().to_owned());
            let answer = self.owner.inside().confirm(&id, &totp(&seed, self.app.clock.now())).await.is(200);
            self.owner.keep(&answer.json());
            self.owner.seeds.insert(id, seed);
        }
        self.fresh().await;
    }

    /// The owner tries every way in; the thief has what the last one gave.
    async fn stolen(&mut self) {
        let mut ways = Vec::new();
        for (kind, value) in self.names() {
            let (done, by_app) = self.sign_in(Who::Owner, (kind, value), PASSWORD).await;
            if done {
                ways.push((kind, value, by_app));
            }
        }
        self.ways = ways;
        assert!(!self.ways.is_empty(), "the owner gets in by some way");
        let owner = &self.owner;
        self.thief.access.extend(owner.access.last().cloned());
        self.thief.refresh.extend(owner.refresh.last().cloned());
        self.thief.known.extend(owner.known.last().cloned());
        self.deliver().await;
        self.owner.mail.clear();
    }
}
