//! Random jumps between random calls: nothing that was counted is freed but by a clock that goes forward, nothing that
//! was refused as over comes back, nobody waits longer than the ladder says once the clock is right, keys are rotated.

use multauth::base::Millis;
use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND, Steady};
use multauth::server::Upkeep;
use multauth::settings::{Settings, Span};
use multauth::store::agreement::FAR;
use proptest::prelude::*;
use serde_json::json;

use crate::support::app::{BEGINNING, TestApp, flows};
use crate::support::client::Answer;
use crate::support::person::{OTHER, PASSWORD};

const EMAIL: &str = "bob@example.org";
/// The rungs of the ladder, after two guesses that are free.
const LADDER: [Millis; 3] = [10 * SECOND, 30 * SECOND, 60 * SECOND];
const FREE: usize = 2;
const PER_DAY: usize = 8;

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The wall clock is set that far from what is true.
    Set(Millis),
    /// Time goes by.
    Pass(Millis),
    Wrong,
    Right,
    /// A code is sent.
    Send,
    /// One of the codes that were sent is typed.
    Type(usize),
    Refresh(usize),
    /// What was refused as over is tried again.
    Retry,
    Upkeep,
}

fn jump() -> impl Strategy<Value = Millis> {
    let far = prop_oneof![
        1..90 * SECOND,
        MINUTE..20 * MINUTE,
        HOUR..3 * DAY,
        10 * DAY..100 * DAY,
        Just(3_650 * DAY),
    ];
    prop_oneof![2 => Just(0), 3 => far.clone(), 3 => far.prop_map(|far| -far)]
}

fn step() -> impl Strategy<Value = Step> {
    let passes = prop_oneof![4 => SECOND..70 * SECOND, 2 => MINUTE..20 * MINUTE, 1 => HOUR..2 * DAY];
    prop_oneof![
        4 => jump().prop_map(Step::Set),
        4 => passes.prop_map(Step::Pass),
        6 => Just(Step::Wrong),
        1 => Just(Step::Right),
        2 => Just(Step::Send),
        3 => (0..4_usize).prop_map(Step::Type),
        2 => (0..2_usize).prop_map(Step::Refresh),
        2 => Just(Step::Retry),
        2 => Just(Step::Upkeep),
    ]
}

fn change(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"], &["email", "passcode"]]);
    settings.guesses.free = u32::try_from(FREE).unwrap() + 1;
    settings.guesses.ladder = LADDER.map(Span).to_vec();
    settings.guesses.per_day = u32::try_from(PER_DAY).unwrap();
    for rate in settings.throttle.values_mut() {
        *rate = "off".to_owned();
    }
}

struct World {
    app: TestApp,
    steady: Steady,
    upkeep: Upkeep,
    /// How far the wall clock is from what is true, and since when.
    off: Millis,
    since: Millis,
    /// How far the moment by which guesses are counted has gone forward in all, and where it is.
    forward: Millis,
    shared: Millis,
    /// How far it is from what is true.
    apart: Millis,
    /// How far it had gone at each wrong guess that was looked at.
    looked: Vec<Millis>,
    /// Of those, how many in a row.
    streak: usize,
    codes: Vec<(String, String)>,
    tokens: Vec<String>,
    /// Codes and tokens that were refused as over.
    over: (Vec<(String, String)>, Vec<String>),
}

impl World {
    async fn new() -> Self {
        let (app, steady) = TestApp::each_steadied(change).await.remove(0);
        let ada = app.named("ada").await;
        let bob = app.signup(json!({ "email": EMAIL })).await;
        let shared = app.app.shared_now();
        let upkeep = Upkeep::new(app.app.clone(), steady.clone());
        Self {
            app,
            steady,
            upkeep,
            off: 0,
            since: 0,
            forward: 0,
            shared,
            apart: 0,
            looked: Vec::new(),
            streak: 0,
            codes: Vec::new(),
            tokens: vec![ada.done.refresh, bob.done.refresh],
            over: Default::default(),
        }
    }

    fn pass(&mut self, span: Millis) {
        self.app.pass(span);
        self.steady.advance(span);
        self.went();
    }

    /// A clock that is set moves it only once it is believed.
    fn went(&mut self) {
        let now = self.app.app.shared_now();
        let truth = BEGINNING + self.steady.now();
        let believed = self.app.app.agreement.believed();
        let moved = (believed - truth - self.apart).abs();
        let stood = self.steady.now() - self.since;
        assert!(moved <= FAR || stood >= HOUR, "a clock is believed after {stood} ms");
        self.apart = believed - truth;
        self.forward += (now - self.shared).max(0);
        self.shared = now;
    }

    fn set(&mut self, off: Millis) {
        self.app.pass(off - self.off);
        if (off - self.off).abs() > FAR {
            self.since = self.steady.now();
        }
        self.off = off;
        self.went();
    }

    async fn turn(&mut self) {
        self.pass(30 * SECOND);
        self.upkeep.turn().await.unwrap();
        self.went();
    }

    async fn password(&self, password: &str) -> Answer {
        self.app.client().signin(json!({ "username": "ada", "password": password })).await
    }

    async fn guess(&mut self) -> Result<(), TestCaseError> {
        if self.password(OTHER).await.status == 429 {
            return Ok(());
        }
        // A month after the last one they are forgotten.
        if self.looked.last().is_some_and(|last| self.forward - last >= 31 * DAY) {
            self.streak = 0;
        }
        let rung = self.streak.checked_sub(FREE + 1).map_or(0, |n| LADDER[n.min(LADDER.len() - 1)]);
        if let Some(last) = self.looked.last() {
            let went = self.forward - last;
            prop_assert!(went >= rung, "guess {} after {went} ms, not {rung}", self.streak);
        }
        self.looked.push(self.forward);
        self.streak += 1;
        // Days are counted from their first guess on: one ends and the next begins within any such span.
        let lately = self.looked.iter().filter(|at| **at > self.forward - DAY).count();
        prop_assert!(lately <= 2 * PER_DAY, "{lately} guesses within a day");
        Ok(())
    }

    async fn send(&mut self) {
        let asked = self.app.client().signin(json!({ "email": EMAIL })).await;
        let mails = self.app.mail().await;
        if let (200, Some(code)) = (asked.status, mails.last().and_then(|mail| mail.code.clone())) {
            self.codes.push((asked.asks().attempt, code));
        }
    }

    async fn typed(&mut self, n: usize) {
        if n >= self.codes.len() {
            return;
        }
        let (attempt, code) = self.codes[n].clone();
        match self.app.client().passcode(&attempt, &code).await.status {
            410 | 404 => self.over.0.push(self.codes.remove(n)),
            200 => drop(self.codes.remove(n)),
            _ => {}
        }
    }

    async fn refresh(&mut self, n: usize) {
        if n >= self.tokens.len() {
            return;
        }
        let answer = self.app.client().refresh(&self.tokens[n]).await;
        match answer.status {
            200 => answer.json()["refresh_token"].as_str().unwrap().clone_into(&mut self.tokens[n]),
            _ => self.over.1.push(self.tokens.remove(n)),
        }
    }

    async fn retry(&self) -> Result<(), TestCaseError> {
        for (attempt, code) in &self.over.0 {
            let answer = self.app.client().passcode(attempt, code).await;
            prop_assert!(answer.status != 200, "a code that was over: {answer:?}");
        }
        for token in &self.over.1 {
            let answer = self.app.client().refresh(token).await;
            prop_assert!(answer.status != 200, "a session that was over: {answer:?}");
        }
        Ok(())
    }

    async fn go(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Set(off) => self.set(off),
            Step::Pass(span) => self.pass(span),
            Step::Wrong => self.guess().await?,
            Step::Right => {
                if self.password(PASSWORD).await.status == 200 {
                    self.streak = 0;
                }
            }
            Step::Send => self.send().await,
            Step::Type(n) => self.typed(n).await,
            Step::Refresh(n) => self.refresh(n).await,
            Step::Retry => self.retry().await?,
            Step::Upkeep => self.turn().await,
        }
        Ok(())
    }

    /// The clock is right from now on: the owner waits as long as they are told, and comes in.
    async fn end(mut self) -> Result<(), TestCaseError> {
        self.set(0);
        self.retry().await?;
        let full = self.app.rows().number("SELECT COALESCE(MAX(day_count), 0) FROM guesses").await;
        let first = self.password(PASSWORD).await;
        if first.status != 200 {
            let day = usize::try_from(full).unwrap() >= PER_DAY;
            self.pass(if day { DAY } else { *LADDER.last().unwrap() });
            let second = self.password(PASSWORD).await;
            prop_assert_eq!(second.status, 200, "waited, and waits again: {:?}", second);
        }
        for _ in 0..3 {
            self.turn().await;
        }
        let before: Vec<_> = self.app.app.keys.keys().iter().map(|key| key.kid.clone()).collect();
        self.pass(91 * DAY);
        self.turn().await;
        self.pass(10 * MINUTE);
        self.turn().await;
        let (keys, now) = (self.app.app.keys.keys(), self.app.clock.now());
        let new = keys.iter().filter(|key| !before.contains(&key.kid)).count();
        let made = self.app.app.keys.signer().unwrap().created_at;
        // None is new where one that was made ahead has come to its time.
        prop_assert!(new <= 1 && now - made <= 2 * DAY, "{new} new keys, one of {made} signs at {now}");
        Ok(())
    }
}

/// How many cases are tried; `MULTAUTH_TEST_JUMPS` says another number.
const CASES: u32 = 12;

fn config() -> ProptestConfig {
    let cases = std::env::var("MULTAUTH_TEST_JUMPS").ok().and_then(|n| n.parse().ok()).unwrap_or(CASES);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_jump_frees_revives_bars_or_stops(steps in prop::collection::vec(step(), 10..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.go(step).await?;
            }
            world.end().await
        })?;
    }
}
