//! Random flows, random accounts, and somebody who has a part of what an account has.

use multauth::base::clock::DAY;
use multauth::base::tuple::{Detailed, TupleSpec};
use multauth::flows::{Class, Factor, Level, level_of};
use multauth::plan;
use multauth::settings::Settings;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Map, Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::{CARD, PASSWORD, Person};

/// What an account may have beside its username.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    First,
    Second,
    Phone,
    App,
}

impl Carrier {
    pub const ALL: [Self; 4] = [Self::First, Self::Second, Self::Phone, Self::App];

    pub const fn address(self) -> &'static str {
        match self {
            Self::First => "first@example.org",
            Self::Second => "second@example.org",
            Self::Phone => "+12124567890",
            Self::App => "",
        }
    }

    pub const fn kind(self) -> &'static str {
        match self {
            Self::First | Self::Second => "email",
            Self::Phone => "phone",
            Self::App => "authenticator",
        }
    }

    pub const fn class(self) -> Class {
        match self {
            Self::First | Self::Second => Class::Reach,
            Self::Phone => Class::Restricted,
            Self::App => Class::Held,
        }
    }

    const fn factor(self) -> Factor {
        match self {
            Self::First | Self::Second => Factor::Reach,
            Self::Phone => Factor::Restricted,
            Self::App => Factor::Held,
        }
    }
}

/// One case: an installation, an account of it, and what of that is in somebody else's hands.
#[derive(Clone, Debug)]
pub struct Case {
    pub flows: Vec<TupleSpec>,
    pub carriers: Vec<Carrier>,
    pub held: Vec<Carrier>,
    pub knows_password: bool,
    pub knows_card: bool,
}

const SECRETS: [&str; 6] =
    ["password", "hardcode", "passcode", "passcode:email", "passcode:phone", "passcode:authenticator"];

fn a_tuple() -> impl Strategy<Value = TupleSpec> {
    let secrets = subsequence(SECRETS.to_vec(), 1..=3).prop_shuffle();
    let identifier = prop::sample::select(vec!["username", "email", "phone"]);
    (identifier, secrets, proptest::bool::weighted(0.1)).prop_map(|(identifier, secrets, allow_downgrade)| {
        let words = [&[identifier][..], &secrets].concat().into_iter().map(str::to_owned).collect();
        TupleSpec::Detailed(Detailed { words, name: None, allow_downgrade })
    })
}

/// Lists that a server starts with; every third is one that people really have.
fn some_flows() -> impl Strategy<Value = Vec<TupleSpec>> {
    let usual: Vec<Vec<TupleSpec>> = vec![
        Settings::built_in().flows,
        flows(&[&["email", "passcode"]]),
        flows(&[&["email", "password", "passcode"]]),
        flows(&[&["phone", "passcode"]]),
        flows(&[&["username", "password"], &["username", "password", "passcode"]]),
    ];
    // Nobody signs up by what only an app, which comes later, can answer.
    let first = a_tuple().prop_filter("an app first", |tuple| {
        !tuple.words().iter().any(|word| word == "passcode:authenticator")
    });
    let random = (first, proptest::collection::vec(a_tuple(), 0..=3)).prop_map(|(first, mut more)| {
        more.insert(0, first);
        more
    });
    let random = random.prop_filter_map("not accepted", |tuples| {
        let mut kept: Vec<TupleSpec> = Vec::new();
        for tuple in tuples {
            let with: Vec<TupleSpec> = kept.iter().cloned().chain([tuple]).collect();
            if plan::read(&settings(&with), &plan::Own::default()).is_ok() {
                kept = with;
            }
        }
        (!kept.is_empty()).then_some(kept)
    });
    prop_oneof![1 => prop::sample::select(usual), 2 => random]
}

fn settings(flows: &[TupleSpec]) -> Settings {
    Settings { flows: flows.to_vec(), ..Settings::built_in() }
}

pub fn a_case() -> impl Strategy<Value = Case> {
    let carriers = subsequence(Carrier::ALL.to_vec(), 1..=4);
    (some_flows(), carriers, any::<[bool; 4]>(), any::<bool>(), any::<bool>()).prop_map(
        |(flows, mut carriers, held, knows_password, knows_card)| {
            // Whoever could not even sign up is no case.
            let words: Vec<&String> = flows[0].words().iter().collect();
            let named = |word: &str| words.iter().any(|found| *found == word);
            for (carrier, wanted) in [
                (Carrier::App, named("passcode:authenticator")),
                (Carrier::Phone, named("phone") || named("passcode:phone")),
                (Carrier::First, named("email") || named("passcode:email") || named("passcode")),
            ] {
                if wanted && !carriers.contains(&carrier) {
                    carriers.insert(0, carrier);
                }
            }
            carriers.sort_by_key(|carrier| Carrier::ALL.iter().position(|c| c == carrier));
            let held = carriers.iter().zip(held).filter(|(_, held)| *held).map(|(c, _)| *c).collect();
            Case { flows, carriers, held, knows_password, knows_card }
        },
    )
}

/// The account of a case, four days old, with the seed of its app.
pub struct Account {
    pub seed: Option<String>,
}

impl Case {
    pub async fn app(&self) -> TestApp {
        let flows = self.flows.clone();
        TestApp::new(move |settings| {
            settings.flows = flows.clone();
            unlimited(
                settings,
                &[
                    "signin",
                    "signup",
                    "send",
                    "send_phone",
                    "attempt",
                    "recovery",
                    "reauth",
                    "devices",
                    "failures",
                ],
            );
            unlimited(settings, &["username_lookup", "confirm", "password", "me", "notice"]);
            settings.guesses.per_day = 10_000;
            settings.guesses.per_month = 10_000;
            settings.guesses.free = 10_000;
            settings.guesses.stop_after = 10_000;
        })
        .await
    }

    pub fn has(&self, carrier: Carrier) -> bool {
        self.carriers.contains(&carrier)
    }

    /// Makes the account; nothing where its flows let nobody sign up with what it has.
    pub async fn account(&self, app: &TestApp) -> Option<Account> {
        let person = self.signed_up(app).await?;
        for carrier in [Carrier::First, Carrier::Second, Carrier::Phone].into_iter().filter(|c| self.has(*c))
        {
            person.has(app, carrier).await?;
        }
        let seed = if self.has(Carrier::App) { Some(person.enrolled(app).await?) } else { None };
        app.pass(4 * DAY);
        app.mail().await;
        Some(Account { seed })
    }

    async fn signed_up(&self, app: &TestApp) -> Option<Person> {
        let words: Vec<&str> = self.flows.iter().flat_map(|flow| flow.words()).map(String::as_str).collect();
        let uses = |word: &str| words.contains(&word);
        let mut body = Map::new();
        if uses("username") {
            body.insert("username".into(), "victoria".into());
        }
        for carrier in [Carrier::First, Carrier::Phone] {
            if uses(carrier.kind()) && self.has(carrier) {
                body.insert(carrier.kind().into(), carrier.address().into());
            }
        }
        if uses("password") {
            body.insert("password".into(), PASSWORD.into());
        }
        if uses("hardcode") {
            body.insert("hardcode".into(), CARD.into());
        }
        let client = app.client();
        let mut answer = client.signup(body.into()).await;
        if answer.status == 200 && answer.json()["state"] == "ask" {
            let mail = app.mail().await;
            let code = mail.iter().find_map(|mail| mail.code.clone())?;
            answer = client.passcode(&answer.asks().attempt, &code).await;
        }
        let done = answer.status == 200 && answer.json()["state"] == "done";
        done.then(|| Person::with(&client, answer.done()))
    }

    /// The highest class that the adversary has.
    pub fn class(&self) -> Option<Class> {
        self.held.iter().map(|carrier| carrier.class()).max()
    }

    /// The level of what the adversary has.
    pub fn level(&self) -> Level {
        let mut factors: Vec<Factor> = self.held.iter().map(|carrier| carrier.factor()).collect();
        factors.extend(self.knows_password.then_some(Factor::Known));
        factors.extend(self.knows_card.then_some(Factor::Weak));
        level_of(&factors)
    }
}

impl Person {
    /// Sees to it that an address is there and confirmed.
    async fn has(&self, app: &TestApp, carrier: Carrier) -> Option<()> {
        let devices = self.client.get("/v1/me/devices").await.is(200).json();
        let same = |device: &&Value| device["address"] == carrier.address();
        let found = devices.as_array()?.iter().find(same).cloned();
        if found.as_ref().is_some_and(|device| device["confirmed"] == true) {
            return Some(());
        }
        let id = match found {
            Some(device) => device["id"].as_str()?.to_owned(),
            None => {
                let body = json!({ "kind": carrier.kind(), carrier.kind(): carrier.address() });
                let added = self.client.add(body).await;
                (added.status == 201).then(|| added.json()["id"].as_str().map(str::to_owned))??
            }
        };
        let mail = app.mail().await;
        let code =
            mail.iter().rev().find(|mail| mail.to == carrier.address()).and_then(|m| m.code.clone())?;
        (self.client.confirm(&id, &code).await.status == 200).then_some(())
    }

    async fn enrolled(&self, app: &TestApp) -> Option<String> {
        let added = self.client.add(json!({ "kind": "authenticator" })).await;
        if added.status != 201 {
            return None;
        }
        let added = added.json();
        let (id, seed) = (added["id"].as_str()?, added["secret"].as_str()?);
        let code = crate::support::token::totp(seed, app.clock.now());
        (self.client.confirm(id, &code).await.status == 200).then(|| seed.to_owned())
    }
}
