//! Random flows, random accounts, and somebody who has a part of what an account has.

use multauth::base::clock::DAY;
use multauth::base::tuple::{Detailed, TupleSpec};
use multauth::extensions::Extensions;
use multauth::flows::{Class, Factor, Level, level_of};
use multauth::plan;
use multauth::settings::Settings;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::json;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::{CARD, PASSWORD};

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

/// Lists that a server starts with; two of three are such as people really have.
fn some_flows() -> impl Strategy<Value = Vec<TupleSpec>> {
    let usual: Vec<Vec<TupleSpec>> = vec![
        Settings::built_in().flows,
        flows(&[&["email", "passcode"]]),
        flows(&[&["email", "password", "passcode"]]),
        flows(&[&["phone", "passcode"]]),
        flows(&[&["username", "password"], &["username", "password", "passcode"]]),
        flows(&[&["email", "password"], &["phone", "passcode"]]),
        flows(&[&["email", "password"], &["phone", "hardcode", "passcode"]]),
        flows(&[&["email", "password", "passcode"], &["phone", "password"]]),
        flows(&[&["email", "password"], &["username", "password", "hardcode", "passcode"]]),
    ];
    let random = proptest::collection::vec(a_tuple(), 1..=4).prop_filter_map("not accepted", |tuples| {
        let mut kept: Vec<TupleSpec> = Vec::new();
        for tuple in tuples {
            let with: Vec<TupleSpec> = kept.iter().cloned().chain([tuple]).collect();
            if plan::read(&settings(&with), &Extensions::default()).is_ok() {
                kept = with;
            }
        }
        (!kept.is_empty()).then_some(kept)
    });
    prop_oneof![2 => prop::sample::select(usual), 1 => random]
}

fn settings(flows: &[TupleSpec]) -> Settings {
    Settings { flows: flows.to_vec(), ..Settings::built_in() }
}

/// Mostly of an account that has more than one thing, of which one, often the least, is in somebody else's hands.
pub fn a_case() -> impl Strategy<Value = Case> {
    let carriers = prop_oneof![
        1 => subsequence(Carrier::ALL.to_vec(), 1..=1),
        5 => subsequence(Carrier::ALL.to_vec(), 2..=4),
    ];
    let held = carriers.prop_flat_map(|carriers| {
        let some = subsequence(carriers.clone(), 0..=carriers.len());
        let one = prop::sample::select(carriers.clone()).prop_map(|one| vec![one]);
        let lowest = carriers.iter().copied().min_by_key(|carrier| carrier.class());
        let lowest = Just(lowest.into_iter().collect::<Vec<_>>());
        (Just(carriers), prop_oneof![2 => lowest, 2 => one, 1 => some])
    });
    let case = (some_flows(), held, any::<bool>(), any::<bool>());
    let case = case.prop_map(|(flows, (carriers, held), knows_password, knows_card)| Case {
        flows,
        carriers,
        held,
        knows_password,
        knows_card,
    });
    case.prop_filter("nobody comes in", |case| case.flows.iter().any(|flow| case.is_equipped(flow.words())))
}

/// The account of a case, four days old, with the seed of its app.
pub struct Account {
    pub seed: Option<String>,
}

impl Case {
    /// An instance with these flows, and the account. That was made under others, which ask for little and for
    /// everything: what becomes of a rule says nothing of who can be tried.
    pub async fn begin(&self) -> (TestApp, Account) {
        let making = TestApp::new(|settings| {
            without_limits(settings);
            settings.flows = flows(&[
                &["username", "password", "hardcode"],
                &["email", "passcode:email"],
                &["phone", "passcode:phone"],
                &["username", "password", "hardcode", "passcode:authenticator"],
            ]);
        });
        let making = making.await;
        let account = self.account(&making).await;
        let app = making.again_with(|settings| settings.flows = self.flows.clone()).await;
        app.mail().await;
        (app, account)
    }

    pub fn has(&self, carrier: Carrier) -> bool {
        self.carriers.contains(&carrier)
    }

    async fn account(&self, app: &TestApp) -> Account {
        let secrets = json!({ "username": "victoria", "password": PASSWORD, "hardcode": CARD });
        let person = app.signup(secrets).await;
        for carrier in self.carriers.iter().filter(|carrier| **carrier != Carrier::App) {
            person.add(app, carrier.kind(), carrier.address()).await;
        }
        let seed = if self.has(Carrier::App) { Some(person.enrol(app).await.1) } else { None };
        app.pass(4 * DAY);
        Account { seed }
    }

    /// Whether the account has everything that a flow with these words takes.
    pub fn is_equipped(&self, words: &[String]) -> bool {
        let kind = |kind: &str| self.carriers.iter().any(|carrier| carrier.kind() == kind);
        words.iter().all(|word| match word.as_str() {
            "email" | "phone" => kind(word),
            "passcode" => !self.carriers.is_empty(),
            narrowed => narrowed.strip_prefix("passcode:").is_none_or(kind),
        })
    }

    /// The highest class that the adversary has.
    pub fn class(&self) -> Option<Class> {
        self.held.iter().map(|carrier| carrier.class()).max()
    }

    /// The level of what the adversary has. Who recovers by one device and then shows another sets a password that is
    /// as good as known.
    pub fn level(&self) -> Level {
        let mut factors: Vec<Factor> = self.held.iter().map(|carrier| carrier.factor()).collect();
        let sets = self.held.len() > 1 && self.held.iter().any(|carrier| *carrier != Carrier::App);
        factors.extend((self.knows_password || sets).then_some(Factor::Known));
        factors.extend(self.knows_card.then_some(Factor::Weak));
        level_of(&factors)
    }
}

fn without_limits(settings: &mut Settings) {
    let actions = ["signin", "signup", "send", "send_phone", "attempt", "recovery", "reauth", "devices"];
    unlimited(settings, &actions);
    unlimited(settings, &["failures", "username_lookup", "confirm", "password", "me", "notice"]);
    settings.guesses.per_day = 10_000;
    settings.guesses.per_month = 10_000;
    settings.guesses.free = 10_000;
    settings.guesses.stop_after = 10_000;
}
