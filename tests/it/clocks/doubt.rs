//! While a clock is in doubt nothing is taken away by it, and nobody is told anything: all clocks of a machine may have been
//! set together, for a moment, and turns go on meanwhile.

use multauth::base::clock::{DAY, HOUR, Jumps, MINUTE, SECOND, Steady};
use multauth::base::{Clock, Millis};
use multauth::server::Upkeep;
use multauth::settings::Settings;
use serde_json::json;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::PASSWORD;
use crate::support::receiver::{Manner, Receiver};

const EMAIL: &str = "maria@example.org";

fn two_steps(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password", "passcode"]]);
    unlimited(settings, &["send", "signin"]);
}

/// An instance on one machine with its database, both of whose clocks are moved by hand.
struct Machine {
    app: TestApp,
    steady: Steady,
    theirs: Clock,
    upkeep: Upkeep,
}

impl Machine {
    async fn each(change: impl Fn(&mut Settings)) -> Vec<Self> {
        let made = TestApp::each_beside(change).await.into_iter();
        let machine = |(app, steady, theirs): (TestApp, Steady, Clock)| {
            let upkeep = Upkeep::new(app.app.clone(), steady.clone());
            Self { app, steady, theirs, upkeep }
        };
        made.map(machine).collect()
    }

    fn set(&self, jump: Millis) {
        self.app.pass(jump);
        self.theirs.advance(jump);
    }

    fn pass(&self, span: Millis) {
        self.set(span);
        self.steady.advance(span);
    }

    async fn turns(&mut self, turns: usize) {
        for _ in 0..turns {
            self.pass(30 * SECOND);
            self.upkeep.turn().await.unwrap();
        }
    }
}

/// A sign-in between its two secrets, the mail of which is not sent yet.
#[tokio::test]
async fn a_sign_in_goes_on_where_the_clocks_dipped_or_leapt_together() {
    for mut machine in Machine::each(two_steps).await {
        let right = json!({ "email": EMAIL, "password": PASSWORD });
        machine.app.signup(right.clone()).await;
        machine.turns(2).await;
        for jump in [-DAY, -20 * MINUTE, HOUR, DAY] {
            let client = machine.app.client();
            let asked = client.signin(right.clone()).await.asks();
            let code = machine.app.code().await;
            machine.set(jump);
            machine.turns(3).await;
            machine.set(-jump);
            machine.turns(1).await;
            TestApp::assert_silent(&machine.app.mail().await);
            let said = client.passcode(&asked.attempt, code.code()).await;
            assert!(said.status == 200, "{}: {jump}: {said:?}", machine.app.database());
        }
    }
}

#[tokio::test]
async fn a_message_that_waits_is_good_for_as_long_as_before_a_dip() {
    for mut machine in Machine::each(two_steps).await {
        machine.turns(2).await;
        machine
            .app
            .client()
            .post("/v1/signup", json!({ "email": EMAIL, "password": PASSWORD }))
            .await
            .is(200);
        machine.set(-4 * DAY);
        machine.turns(3).await;
        machine.set(4 * DAY);
        machine.turns(1).await;
        let mut worker = machine.app.worker();
        worker.jumps = Jumps::new(machine.app.app.clock.clone(), machine.steady.clone());
        worker.drain().await.unwrap();
        assert_eq!(machine.app.mail().await.len(), 1, "{}", machine.app.database());
    }
}

#[tokio::test]
async fn no_event_is_given_up_for_a_webhook_that_only_others_know() {
    let receiver = Receiver::start(Manner::Answers(500)).await;
    for (app, steady) in
        TestApp::each_steadied(|settings| receiver.listens(settings, "crm", &["user.created"])).await
    {
        app.named("ada").await;
        let without = app.again_with(|settings| settings.webhooks.clear()).await;
        app.pass(2 * HOUR);
        without.webhook_worker.drain().await.unwrap();
        const FAILED: &str = "SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'failed'";
        assert_eq!(app.rows().number(FAILED).await, 0, "{}", app.database());
        app.pass(-2 * HOUR);
        for span in [HOUR, MINUTE] {
            app.pass(span);
            steady.advance(span);
            without.webhook_worker.drain().await.unwrap();
        }
        assert_eq!(app.rows().number(FAILED).await, 1, "{}: it has waited for an hour", app.database());
    }
}

/// The instances are right and the database's clock is wrong for good, or the other way round.
#[tokio::test]
async fn keys_are_rotated_where_two_clocks_disagree_for_good() {
    for apart in [MINUTE, -HOUR] {
        for mut machine in Machine::each(two_steps).await {
            machine.turns(2).await;
            let keys = "SELECT COUNT(*) FROM signing_keys";
            let before = machine.app.rows().number(keys).await;
            machine.theirs.advance(apart);
            machine.turns(2).await;
            machine.pass(91 * DAY);
            machine.turns(2).await;
            let made = machine.app.rows().number(keys).await - before;
            assert_eq!(made, 1, "{}: {apart}", machine.app.database());
        }
    }
}
