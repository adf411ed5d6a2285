//! Somebody who had an owner's session for five minutes, and knows the password: the oldest undo takes back all that
//! they made of it, and a recovery alone leaves nothing but what it names.

use multauth::base::Millis;
use multauth::base::clock::{DAY, HOUR, SECOND};
use multauth::messages::Kind;
use multauth::store;
use multauth::store::sweep::UNDO;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::thief_holder::{Row, Who};
use super::thief_steps::pick;
use super::thief_world::{Case, STOLEN, STOLEN_PHONE, World, a_case};
use crate::support::client::Answer;
use crate::support::person::CARD;

/// Cases of an ordinary run; MULTAUTH_TEST_THIEVES=1000 tries more.
const CASES: u32 = 30;

/// What the owner sets when they are back.
const BACK: &str = "emerald heron gasket 19";

type Outcome = Result<bool, TestCaseError>;

/// Runs a model over random cases. Every other case at least must have something to take back.
fn run(salt: u8, model: impl AsyncFn(&Case) -> Outcome) {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u32>().ok());
    let cases = number("MULTAUTH_TEST_THIEVES").unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let seed = number("MULTAUTH_TEST_SEED").and_then(|n| u8::try_from(n).ok()).unwrap_or(5);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // With MULTAUTH_TEST_COUNT every case is tried, and how many fail is told.
    let count = number("MULTAUTH_TEST_COUNT").is_some();
    let (tried, failed) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[seed ^ salt; 32]));
    let outcome = runner.run(&a_case(), |case| {
        let held = runtime.block_on(model(&case));
        if let (true, Err(error)) = (count, &held) {
            failed.set(failed.get() + 1);
            eprintln!("{}", error.to_string().lines().next().unwrap_or_default());
            return Ok(());
        }
        tried.set(tried.get() + u32::from(held?));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let (tried, failed) = (tried.get(), failed.get());
    assert!(failed == 0, "{failed} of {cases} fail");
    assert!(tried * 2 > cases, "too few had anything to take back: {tried} of {cases}");
}

#[test]
fn the_oldest_undo_takes_back_all_that_a_thief_made() {
    run(0, async |case| {
        let mut world = case.world().await;
        let Some(theft) = world.robbed(case).await else { return Ok(false) };
        prop_assert!(world.broken.is_empty(), "{:?} {case:?}", world.broken);
        let (key, code) = pick(&theft.undo, case.by).unwrap();
        let spent = world.owner.client.post("/v1/confirm", json!({ "key": key, "passcode": code })).await;
        prop_assert_eq!(spent.status, 200, "{:?} {:?}", spent, case);
        let body = spent.json();
        prop_assert_eq!((&body["confirmed"], &body["lost"]), (&json!(true), &Value::Null));
        let next = Answer { text: body["attempt"].to_string(), ..spent };
        world.has_no_secret(case).await?;
        world.set_password(&next).await?;
        world.holds_nothing(&theft.before, case).await?;
        world.gets_in(&theft.before, case).await?;
        Ok(true)
    });
}

#[test]
fn a_recovery_leaves_a_thief_nothing_but_what_it_names() {
    run(128, async |case| {
        let mut world = case.world().await;
        let Some(theft) = world.robbed(case).await else { return Ok(false) };
        prop_assert!(world.broken.is_empty(), "{:?} {case:?}", world.broken);
        let stands = world.stands().await;
        let mine = |row: &&Row| row.kind == "email" && theft.before.iter().any(|old| old.id == row.id);
        let Some(by) = stands.iter().find(mine) else { return Ok(false) };
        let address = by.address.clone().unwrap();
        world.owner.mail.clear();
        let answer = world.owner.client.recovery(json!({ "email": address })).await;
        let next = world.prove(answer).await;
        let done = world.set_password(&next).await?;
        world.nothing_under_way(case).await?;
        let mut named = done;
        for _ in 0..8 {
            let fresh =
                |row: &Row| row.since > world.app.clock.now() - UNDO && !world.cards.contains(&row.id);
            let mut strange: Vec<Row> = world.stands().await.into_iter().filter(fresh).collect();
            strange.sort_by_key(|row| row.since);
            let recent = named["recent_devices"].as_array().cloned().unwrap_or_default();
            let mut ids: Vec<&str> = recent.iter().map(|device| device["id"].as_str().unwrap()).collect();
            let mut expected: Vec<&str> = strange.iter().map(|row| row.id.as_str()).collect();
            ids.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(ids, expected, "{:?}", case);
            let Some(oldest) = strange.first() else { break };
            let device = recent.iter().find(|device| device["id"] == oldest.id.as_str()).unwrap();
            let key = device["undo"].as_str().map(str::to_owned);
            prop_assert!(key.is_some(), "{device} has no undo {case:?}");
            world.deliver().await;
            let told =
                |mail: &&crate::support::mailbox::Mail| mail.kind == Kind::RecoveryDone && mail.to == address;
            let mail = world.owner.mail.iter().rev().find(told).expect("the owner is told");
            let found = mail.recent.iter().find(|(found, _)| Some(found) == key.as_ref());
            let (key, code) = found.cloned().expect("the mail has the code of what the answer names");
            let spent = world.owner.client.post("/v1/confirm", json!({ "key": key, "passcode": code })).await;
            prop_assert_eq!(spent.status, 200, "{:?} {:?}", spent, case);
            let next = Answer { text: spent.json()["attempt"].to_string(), ..spent };
            named = world.set_password(&next).await?;
        }
        let stands = world.stands().await;
        let fresh = |row: &&Row| row.since > world.app.clock.now() - UNDO && !world.cards.contains(&row.id);
        prop_assert_eq!(stands.iter().filter(fresh).count(), 0, "{:?} {:?}", stands, case);
        world.holds_nothing(&stands, case).await?;
        Ok(true)
    });
}

/// What a thief did.
struct Theft {
    /// The devices before the first change that was told with an undo.
    before: Vec<Row>,
    /// What takes that back, for each of the owner's addresses.
    undo: Vec<(String, String)>,
}

impl World {
    /// Lets everything happen; nothing where there was nothing to take back, or it is too late for that.
    async fn robbed(&mut self, case: &Case) -> Option<Theft> {
        let mut theft: Option<(Theft, Millis)> = None;
        for step in &case.steps {
            let (before, seen) = (self.stands().await, self.owner.mail.len());
            self.step(*step).await;
            if theft.is_none() {
                let told = self.owner.mail[seen..].iter().filter_map(|mail| mail.undo());
                let undo: Vec<_> = told.map(|(key, code)| (key.to_owned(), code.to_owned())).collect();
                if !undo.is_empty() {
                    theft = Some((Theft { before, undo }, self.app.clock.now()));
                }
            }
            // An undo is good for three days.
            if theft.as_ref().is_some_and(|(_, at)| self.app.clock.now() > at + 3 * DAY - 6 * HOUR) {
                break;
            }
        }
        let (theft, at) = theft?;
        assert!(self.app.clock.now() < at + 6 * DAY);
        (self.app.clock.now() < at + 3 * DAY).then_some(theft)
    }

    /// Proves the owner's address in a recovery.
    async fn prove(&mut self, answer: Answer) -> Answer {
        let asked = answer.is(200).asks();
        self.deliver().await;
        let code = self.owner.mail.iter().rev().find(|mail| mail.kind == Kind::RecoveryCode);
        let code = code.expect("the owner's address recovers").code().to_owned();
        self.owner.client.passcode(&asked.attempt, &code).await.is(200)
    }

    /// Ends a recovery.
    async fn set_password(&mut self, next: &Answer) -> Result<Value, TestCaseError> {
        let asked = next.asks();
        let mut body = json!({ "new_password": BACK });
        if asked.secrets() == ["new_password", "hardcode"] {
            body["hardcode"] = CARD.into();
        } else {
            prop_assert_eq!(asked.secrets(), ["new_password"]);
        }
        let before = self.stands().await;
        let answer = self.owner.client.answer(&asked.attempt, body).await;
        prop_assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("done")), "{:?}", answer);
        let new = self.stands().await.into_iter().filter(|row| !before.contains(row));
        self.cards.extend(new.map(|row| row.id));
        self.owner.known.clear();
        Ok(answer.json())
    }

    /// No secret is left while the recovery waits that an undo ends in: whoever knows the old one does not get in
    /// first.
    async fn has_no_secret(&mut self, case: &Case) -> Result<(), TestCaseError> {
        let secrets = self.app.rows().number("SELECT COUNT(*) FROM secrets").await;
        prop_assert_eq!(secrets, 0, "{:?}", case);
        for (kind, value) in self.names() {
            for password in self.thief.passwords.clone() {
                let (done, _) = self.sign_in(Who::Thief, (kind, value), &password).await;
                prop_assert!(!done, "{value} by {password} {case:?}");
            }
        }
        Ok(())
    }

    /// No session, known device, attempt, pending change, and no young recovery code is left.
    async fn nothing_under_way(&self, case: &Case) -> Result<(), TestCaseError> {
        let rows = self.app.rows();
        let counts = [
            ("sessions", rows.number("SELECT COUNT(*) FROM sessions").await),
            ("known", rows.number("SELECT COUNT(*) FROM known_devices").await),
            ("attempts", rows.number("SELECT COUNT(*) FROM attempts WHERE user_id IS NOT NULL").await),
            ("pending", rows.number("SELECT COUNT(*) FROM devices WHERE confirmed_at IS NULL").await),
        ];
        let left: Vec<_> = counts.iter().filter(|(_, count)| *count != 0).collect();
        prop_assert!(left.is_empty(), "{left:?} {case:?}");
        let mut db = self.app.app.store.read().await.unwrap();
        let secrets = store::secrets::of_user(&mut db, &self.user.as_str().into()).await.unwrap();
        let since = self.app.clock.now() - UNDO;
        let young = secrets.iter().filter(|s| s.kind == store::secrets::RECOVERY && s.created_at > since);
        prop_assert_eq!(young.count(), 0, "young recovery codes {:?}", case);
        Ok(())
    }

    /// The devices stand so, and nothing that the thief has or ever had is good for anything.
    async fn holds_nothing(&mut self, stands: &[Row], case: &Case) -> Result<(), TestCaseError> {
        prop_assert_eq!(&self.stands().await, stands, "{:?}", case);
        self.nothing_under_way(case).await?;
        self.deliver().await;
        let came = self.thief.mail.len();
        let client = self.thief.client.clone();
        for token in self.thief.access.clone() {
            prop_assert_eq!(client.bearing(&token).get("/v1/me").await.status, 401);
        }
        for token in self.thief.refresh.clone() {
            prop_assert_ne!(client.refresh(&token).await.status, 200);
        }
        for attempt in self.thief.attempts.clone() {
            // Not even for whoever knew what the owner has just chosen.
            for body in [json!({ "password": BACK }), json!({ "new_password": BACK })] {
                prop_assert_ne!(client.answer(&attempt, body).await.status, 200, "{:?}", case);
            }
            client.send(&attempt, json!({})).await;
        }
        self.presses_nothing(case).await?;
        self.enters_nowhere(case).await?;
        self.deliver().await;
        let codes: Vec<_> = self.thief.mail[came..].iter().filter(|mail| mail.kind.carries_code()).collect();
        prop_assert!(codes.is_empty(), "{codes:?} {case:?}");
        prop_assert_eq!(&self.stands().await, stands, "{:?}", case);
        Ok(())
    }

    /// No link does anything, whatever comes with it.
    async fn presses_nothing(&mut self, case: &Case) -> Result<(), TestCaseError> {
        let inside = self.thief.inside();
        for (key, code) in self.links() {
            let client = self.thief.client.clone();
            client.raw("POST", &format!("/confirm/{key}"), None).await;
            let mut bodies = vec![json!({ "key": key })];
            bodies.extend(code.map(|code| json!({ "key": key, "passcode": code })));
            let passwords = self.thief.passwords.iter();
            bodies.extend(passwords.map(|password| json!({ "key": key, "password": password })));
            bodies.extend(self.thief.attempts.iter().map(|a| json!({ "key": key, "attempt": a })));
            for body in bodies {
                for client in [&client, &inside] {
                    let answer = client.post("/v1/confirm", body.clone()).await;
                    let found = if answer.status == 200 { answer.json() } else { Value::Null };
                    let moved = found["confirmed"] == true && found["already"] == false;
                    prop_assert!(!moved, "{body} gives {found} {case:?}");
                }
            }
        }
        Ok(())
    }

    /// No password or recovery code of theirs, and no address, gets the thief in.
    async fn enters_nowhere(&mut self, case: &Case) -> Result<(), TestCaseError> {
        let stolen = STOLEN.map(|address| ("email", address)).into_iter().chain([("phone", STOLEN_PHONE)]);
        let names: Vec<_> = self.names().into_iter().chain(stolen).collect();
        for (kind, value) in names {
            for password in self.thief.passwords.clone() {
                let (done, _) = self.sign_in(Who::Thief, (kind, value), &password).await;
                prop_assert!(!done, "{value} by {password} {case:?}");
            }
            // Whoever knew the new password had no second factor.
            let before = self.thief.access.len();
            let answer = self.thief.client.signin(json!({ kind: value })).await;
            if answer.status == 200 && answer.json()["state"] == "ask" {
                let asked = answer.asks();
                let next = self.thief.client.answer(&asked.attempt, json!({ "password": BACK })).await;
                if next.status == 200 && next.json()["state"] == "ask" {
                    let asked = next.asks();
                    for code in self.thief.recovery_codes.clone() {
                        let body = json!({ "recovery_code": code });
                        let answer = self.thief.client.answer(&asked.attempt, body).await;
                        prop_assert_ne!(answer.status, 200, "a recovery code {:?}", case);
                    }
                    let (done, _) = self.go_on(Who::Thief, next, None, 6).await;
                    prop_assert!(!done, "a second factor at {value} {case:?}");
                }
            }
            prop_assert_eq!(self.thief.access.len(), before);
            let answer = self.thief.client.recovery(json!({ kind: value })).await;
            let (done, _) = self.go_on(Who::Thief, answer, Some("crimson badger thimble"), 6).await;
            prop_assert!(!done, "{value} recovers {case:?}");
        }
        Ok(())
    }

    /// The owner gets in by every way that there was, with their app where it was asked.
    async fn gets_in(&mut self, stands: &[Row], case: &Case) -> Result<(), TestCaseError> {
        for (kind, value, by_app) in self.ways.clone() {
            self.app.pass(SECOND);
            let (done, app) = self.sign_in(Who::Owner, (kind, value), BACK).await;
            prop_assert!(done && (app || !by_app), "{kind} {done} {app} {case:?}");
        }
        prop_assert_eq!(&self.stands().await, stands, "{:?}", case);
        Ok(())
    }
}
