//! Somebody who has a part of what an account has, and no session: what they reach by any sequence of doors.

use std::collections::BTreeSet;

use multauth::base::clock::{MINUTE, SECOND};
use multauth::base::tuple::TupleSpec;
use multauth::flows::Level;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::adversary_world::{Account, Carrier, Case, a_case};
use crate::support::app::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::mailbox::Mail;
use crate::support::person::{CARD, OTHER, PASSWORD};
use crate::support::token::{claims, totp};

/// An address of the adversary's own.
const EVIL: &str = "evil@attacker.example";
/// Cases of an ordinary run; MULTAUTH_TEST_ADVERSARIES=1000 tries more.
const CASES: u32 = 60;
/// Cases that are tried beside each other.
const AT_ONCE: usize = 4;

#[test]
fn nobody_gets_further_than_what_they_hold() {
    let cases = std::env::var("MULTAUTH_TEST_ADVERSARIES").ok().and_then(|n| n.parse().ok()).unwrap_or(CASES);
    let seed = std::env::var("MULTAUTH_TEST_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(9_u8);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut all: Vec<Case> = (0..cases).map(|_| a_case().new_tree(&mut runner).unwrap().current()).collect();
    let mut let_in = Vec::new();
    while !all.is_empty() {
        let some = all.split_off(all.len().saturating_sub(AT_ONCE));
        let mut tried = JoinSet::new();
        for case in some {
            tried.spawn_on(async move { hold(&case).await }, runtime.handle());
        }
        let_in.extend(runtime.block_on(tried.join_all()).into_iter().filter_map(Result::err));
    }
    assert!(let_in.is_empty(), "{} of {cases} got further, the first: {}", let_in.len(), let_in[0]);
}

/// What an adversary came to.
#[derive(Debug, Default)]
struct Reached {
    levels: BTreeSet<Level>,
    changes: Vec<String>,
    /// Kinds of devices that were removed.
    removed: Vec<String>,
}

/// What they reached that they should not.
async fn hold(case: &Case) -> Result<(), String> {
    let (app, account) = case.begin().await;
    let mut adversary = Adversary::new(&app, case, &account);
    adversary.run().await;
    let reached = adversary.reached;
    let further = |what: &str| Err(format!("{what}: {reached:?}\n{case:#?}"));
    let nothing = reached.levels.is_empty() && reached.changes.is_empty();
    if case.is_guarded() && !nothing {
        return further("a device of a higher class is asked for");
    }
    if case.removes_too_much(&app, &reached.removed) {
        return further("a factor went by less than itself");
    }
    let owner_like = case.highest(&app, None) <= case.level();
    if owner_like || case.carriers == case.held {
        return Ok(());
    }
    if reached.levels.iter().any(|level| *level > case.level()) {
        return further(&format!("above {}", case.level()));
    }
    // A recovery takes what it sets out of what the account reaches, until another device was shown.
    let recovered = case.held.iter().any(|device| case.highest(&app, Some(*device)) <= case.level());
    if recovered || reached.changes.is_empty() {
        return Ok(());
    }
    further("changed by less than the account reaches")
}

impl Case {
    /// Whether the account has a device of a higher class than the adversary, and every flow that it could be entered
    /// by asks for it: by an open passcode, its own or of one that it gives way to; or, where it has no passcode,
    /// beside a password that only a recovery could give them.
    fn is_guarded(&self) -> bool {
        let higher = self.carriers.iter().any(|carrier| Some(carrier.class()) > self.class());
        let open = |flow: &TupleSpec| flow.words().iter().any(|word| word == "passcode");
        let secrets = |flow: &TupleSpec| flow.words()[1..].to_vec();
        let usable = |flow: &&TupleSpec| self.is_equipped(flow.words());
        let guarded = |flow: &TupleSpec| {
            let above = self.flows.iter().filter(usable).filter(|other| open(other));
            let mut above = above.filter(|other| secrets(flow).iter().all(|s| secrets(other).contains(s)));
            !is_downgraded(flow) && (open(flow) || above.next().is_some() || self.is_guarded_beside(flow))
        };
        higher && self.flows.iter().filter(usable).all(guarded)
    }

    fn is_guarded_beside(&self, flow: &TupleSpec) -> bool {
        let sets = !self.knows_password && flow.words().iter().any(|word| word == "password");
        let passcode = |flow: &TupleSpec| flow.words().iter().any(|word| word.starts_with("passcode"));
        let asks = |flow: &TupleSpec| flow.words().iter().any(|word| self.takes_more(word));
        let usable = |flow: &&TupleSpec| self.is_equipped(flow.words()) && !is_downgraded(flow);
        sets && !passcode(flow) && self.flows.iter().filter(usable).any(asks)
    }

    /// Whether a word of a flow may ask for a device of a higher class than any that is held.
    fn takes_more(&self, word: &str) -> bool {
        let fits = |kind: &str| word == "passcode" || word.strip_prefix("passcode:") == Some(kind);
        let mut more = self.carriers.iter().filter(|carrier| Some(carrier.class()) > self.class());
        more.any(|carrier| fits(carrier.kind()))
    }

    /// Whether a device was removed that flows ask for and that is of a higher class than any that is held.
    fn removes_too_much(&self, app: &TestApp, removed: &[String]) -> bool {
        let asked = multauth::flows::Walks::of(&app.app.plan.signin, &self.holding(&app.app, None)).asked;
        let factors = self.carriers.iter().filter(|carrier| asked.contains(carrier.address()));
        let mut above = factors.filter(|carrier| Some(carrier.class()) > self.class());
        above.any(|carrier| removed.iter().any(|kind| kind == carrier.kind()))
    }

    /// The highest level that the account reaches, walked on paper with everything that it has; where a device alone
    /// has `recovered` it, with a password that leans on that.
    fn highest(&self, app: &TestApp, recovered: Option<Carrier>) -> Level {
        let app = &app.app;
        let holding = self.holding(app, recovered);
        let walks = multauth::flows::Walks::of(&app.plan.signin, &holding);
        let level = |passed: &[_]| multauth::flows::level_of_passed(&holding.rated(passed), &app.plan.words);
        walks.ends.iter().map(|end| level(&end.passed)).max().unwrap_or(Level::Single)
    }

    fn holding(&self, app: &multauth::app::App, recovered: Option<Carrier>) -> multauth::flows::Holding {
        use multauth::flows::{Carried, Fixed, Holding};
        let words: Vec<&str> = self.flows.iter().flat_map(|flow| flow.words()).map(String::as_str).collect();
        let fixed = ["password", "hardcode"].into_iter().filter(|name| words.contains(name));
        let set_by = |name: &str| {
            let by = recovered.filter(|_| name == "password");
            by.map(|device| (device.address().to_owned(), 1))
        };
        let carried = |carrier: &Carrier| Carried {
            id: carrier.address().to_owned(),
            kind: carrier.kind().to_owned(),
            class: carrier.class(),
            since: 0,
        };
        let named = self.carriers.iter().filter(|carrier| **carrier != Carrier::App);
        Holding {
            names: named.map(|c| c.kind().to_owned()).chain(["username".to_owned()]).collect(),
            fixed: fixed
                .map(|name| Fixed { name: name.to_owned(), devices: Vec::new(), set_by: set_by(name) })
                .collect(),
            carriers: self.carriers.iter().map(carried).collect(),
            carried: app
                .plan
                .secrets
                .iter()
                .filter(|kind| kind.carried())
                .map(|k| k.name().to_owned())
                .collect(),
            aside: Vec::new(),
        }
    }
}

struct Adversary<'a> {
    app: &'a TestApp,
    case: &'a Case,
    account: &'a Account,
    client: Client,
    /// Passwords that they know.
    passwords: Vec<String>,
    /// What came to the mailboxes and phones that they hold.
    mail: Vec<Mail>,
    reached: Reached,
}

impl<'a> Adversary<'a> {
    fn new(app: &'a TestApp, case: &'a Case, account: &'a Account) -> Self {
        let passwords = case.knows_password.then(|| PASSWORD.to_owned()).into_iter().collect();
        let client = app.client();
        let (mail, reached) = (Vec::new(), Reached::default());
        Self { app, case, account, client, passwords, mail, reached }
    }

    /// Every door, twice: what one round gives may open another.
    async fn run(&mut self) {
        for _ in 0..2 {
            let identifiers = self.identifiers();
            for (kind, value) in &identifiers {
                self.recover(kind, value).await;
            }
            for (kind, value) in &identifiers {
                self.sign_in(kind, value).await;
            }
            self.press().await;
            self.app.pass(40 * MINUTE);
        }
    }

    fn identifiers(&self) -> Vec<(&'static str, &'static str)> {
        let carried = self.case.carriers.iter().filter(|carrier| **carrier != Carrier::App);
        carried.map(|c| (c.kind(), c.address())).chain([("username", "victoria")]).collect()
    }

    fn reads(&self, address: &str) -> bool {
        self.case.held.iter().any(|carrier| carrier.address() == address && *carrier != Carrier::App)
    }

    async fn fetch(&mut self) {
        let new = self.app.mail().await;
        let read: Vec<Mail> = new.into_iter().filter(|mail| self.reads(&mail.to)).collect();
        self.mail.extend(read);
    }

    /// What was sent last may not be sent again at once, and is not what is asked for next.
    async fn wait(&mut self) {
        self.app.pass(MINUTE + SECOND);
        self.fetch().await;
    }

    /// The newest code that came for an address that they read.
    fn code(&self) -> Option<String> {
        self.mail.iter().rev().find_map(|mail| mail.code.clone())
    }

    async fn recover(&mut self, kind: &str, value: &str) {
        if !self.reads(value) {
            return;
        }
        self.wait().await;
        let answer = self.client.recovery(json!({ kind: value })).await;
        if answer.status != 200 {
            return;
        }
        self.fetch().await;
        let Some(code) = self.code() else { return };
        let next = self.client.passcode(&answer.asks().attempt, &code).await;
        if next.status != 200 {
            return;
        }
        let asked = next.asks();
        let mut body = serde_json::Map::new();
        for secret in asked.secrets() {
            let new = if secret == "new_password" { OTHER } else { "0815-4711-9999" };
            body.insert(secret.to_owned(), new.into());
        }
        if self.client.answer(&asked.attempt, body.into()).await.status == 200 {
            self.passwords.push(OTHER.to_owned());
        }
        self.fetch().await;
    }

    async fn sign_in(&mut self, kind: &str, value: &str) {
        for password in self.passwords.clone().into_iter().map(Some).chain([None]) {
            self.wait().await;
            let answer = self.client.signin(json!({ kind: value })).await;
            if let Some(done) = self.goes_on(&self.client.clone(), answer, password.as_deref()).await {
                self.inside(&done, password.as_deref()).await;
            }
        }
    }

    /// Answers whatever is asked with whatever they have; gives what it is done with.
    async fn goes_on(
        &mut self,
        client: &Client,
        mut answer: Answer,
        password: Option<&str>,
    ) -> Option<Answer> {
        for _ in 0..6 {
            if answer.status != 200 {
                return None;
            }
            if answer.json()["state"] == "done" {
                return Some(answer);
            }
            let asked = answer.asks();
            let body = self.reply(&asked.attempt, &asked.ask, password).await?;
            answer = client.answer(&asked.attempt, body).await;
            assert_ne!(answer.status, 400, "they do not even know the words: {answer:?}");
        }
        None
    }

    async fn reply(&mut self, attempt: &str, ask: &[Value], password: Option<&str>) -> Option<Value> {
        for entry in ask {
            match entry["secret"].as_str()? {
                "password" => return Some(json!({ "password": password? })),
                "hardcode" if self.case.knows_card => return Some(json!({ "hardcode": CARD })),
                "passcode" if entry["channel"] == "authenticator" => {
                    let held = self.case.held.contains(&Carrier::App);
                    let Some(seed) = self.account.seed.as_deref().filter(|_| held) else { continue };
                    self.app.pass(MINUTE);
                    return Some(of(entry, &totp(seed, self.app.clock.now())));
                }
                "passcode" => {
                    let before = self.mail.len();
                    self.fetch().await;
                    let body = match entry["device"].as_str() {
                        Some(device) => json!({ "device": device }),
                        None => json!({}),
                    };
                    if self.mail.len() == before {
                        self.client.send(attempt, body).await;
                        self.fetch().await;
                    }
                    let fresh = self.mail.get(before..)?.iter().rev().find_map(|mail| mail.code.clone());
                    let Some(code) = fresh else { continue };
                    return Some(of(entry, &code));
                }
                _ => {}
            }
        }
        None
    }

    /// Signed in: what the token says, and what can be changed; at once, and after proving again by every flow.
    async fn inside(&mut self, answer: &Answer, password: Option<&str>) {
        let mut client = self.rated(answer).await;
        self.changes(&client).await;
        for flow in &self.case.flows {
            self.wait().await;
            let again = client.reauth(json!({ "flow": flow.words().join("+") })).await;
            if let Some(done) = self.goes_on(&client, again, password).await {
                client = self.rated(&done).await;
                self.changes(&client).await;
            }
        }
    }

    /// Notes the level of a token; gives whoever bears it.
    async fn rated(&mut self, answer: &Answer) -> Client {
        let access = answer.done().access;
        let acr = claims(self.app, &access).await["acr"].as_str().unwrap().to_owned();
        let level = Level::ALL.into_iter().find(|level| level.acr() == acr).unwrap();
        self.reached.levels.insert(level);
        self.client.bearing(&access)
    }

    async fn changes(&mut self, client: &Client) {
        self.adds(client, json!({ "kind": "email", "email": EVIL })).await;
        self.adds(client, json!({ "kind": "authenticator" })).await;
        let devices = client.get("/v1/me/devices").await;
        if devices.status != 200 {
            return;
        }
        for device in devices.json().as_array().unwrap().iter().filter(|device| device["confirmed"] == true) {
            self.removes(client, device).await;
        }
    }

    async fn adds(&mut self, client: &Client, body: Value) {
        let added = client.add(body.clone()).await;
        if added.status != 201 {
            return;
        }
        self.reached.changes.push(format!("{body} was added"));
        let (added, now) = (added.json(), self.app.clock.now());
        let code = match added["secret"].as_str() {
            Some(seed) => Some(totp(seed, now)),
            None => self.app.mail().await.into_iter().find(|mail| mail.to == EVIL).and_then(|mail| mail.code),
        };
        client.confirm(added["id"].as_str().unwrap(), &code.unwrap_or_default()).await;
    }

    /// Removes a device, by its own code in the request where that is asked and they have it.
    async fn removes(&mut self, client: &Client, device: &Value) {
        let path = format!("/v1/me/devices/{}", device["id"].as_str().unwrap());
        let mut gone = client.delete(&path).await;
        if gone.status == 403 && gone.json()["code"] == "proof_required" {
            let address = device["address"].as_str().unwrap_or_default();
            let held = self.case.held.contains(&Carrier::App);
            let code = match &self.account.seed {
                Some(seed) if held && device["kind"] == "authenticator" => {
                    self.app.pass(MINUTE);
                    Some(totp(seed, self.app.clock.now()))
                }
                _ if self.reads(address) => {
                    self.wait().await;
                    client.post(&format!("{path}/send"), json!({})).await;
                    self.fetch().await;
                    self.code()
                }
                _ => None,
            };
            if let Some(code) = code {
                let body = json!({ "passcode": code }).to_string();
                gone = client.raw("DELETE", &path, Some(&body)).await;
            }
        }
        if gone.status == 204 {
            let kind = device["kind"].as_str().unwrap().to_owned();
            self.reached.changes.push(format!("{kind} was removed"));
            self.reached.removed.push(kind);
        }
    }

    /// Presses every link that came, as a robot does, and with the code beside it.
    async fn press(&mut self) {
        self.fetch().await;
        for mail in std::mem::take(&mut self.mail) {
            let Some(key) = &mail.key else { continue };
            self.client.raw("POST", &format!("/confirm/{key}"), None).await;
            let mut body = json!({ "key": key });
            if let Some(code) = &mail.code {
                body["passcode"] = code.as_str().into();
            }
            let answer = self.client.post("/v1/confirm", body).await;
            if answer.status == 200 && answer.json()["confirmed"] == true {
                self.reached.changes.push(format!("{} was spent", mail.kind));
            }
        }
    }
}

/// A passcode for the device of an entry, where it names one.
fn of(entry: &Value, code: &str) -> Value {
    match entry["device"].as_str() {
        Some(device) => json!({ "passcode": code, "device": device }),
        None => json!({ "passcode": code }),
    }
}

fn is_downgraded(flow: &TupleSpec) -> bool {
    flow.detailed().is_some_and(|options| options.allow_downgrade)
}
