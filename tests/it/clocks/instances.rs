//! Several instances on one database, whose own clock is set.

use multauth::base::Millis;
use multauth::base::clock::{DAY, HOUR, SECOND};
use multauth::base::lease::{LEASE, RENEW, Wake};
use multauth::server::Upkeep;
use multauth::store::{ahead, outbox};
use serde_json::json;

use super::FAR;
use super::guessing::{by_password, four, guess, wait_of};
use crate::support::app::{TestApp, flows};
use crate::support::person::PASSWORD;

/// An instance that was started meanwhile believes a clock that the others doubt: what it counted is not brought back, or
/// each would free by turns what another counted.
#[tokio::test]
async fn what_lies_ahead_stays_there_while_the_databases_clock_is_in_doubt() {
    for (app, steady, theirs) in TestApp::each_beside(by_password).await {
        app.named("ada").await;
        let mut upkeep = Upkeep::new(app.app.clone(), steady.clone());
        theirs.advance(DAY);
        let late = app.again().await;
        four(&late, "ada").await;
        upkeep.turn().await.unwrap();
        let latest = async || app.rows().number("SELECT MAX(last_at) FROM guesses").await;
        for (right, lies) in [(false, app.clock.now() + DAY), (true, app.clock.now())] {
            if right {
                theirs.advance(-DAY);
                upkeep.turn().await.unwrap();
            }
            assert_eq!(wait_of(guess(&app, "ada", PASSWORD).await), 30, "{}", app.database());
            assert_eq!(latest().await, lies, "{}", app.database());
        }
        app.pass(30 * SECOND);
        theirs.advance(30 * SECOND);
        steady.advance(30 * SECOND);
        guess(&app, "ada", PASSWORD).await.done();
    }
}

/// All believe what the database's clock says, and it is set right: what one counts before another knows it frees nothing.
#[tokio::test]
async fn nothing_is_freed_by_turns_where_a_clock_that_was_believed_is_set_right() {
    for (app, steady, theirs) in TestApp::each_beside(by_password).await {
        app.named("ada").await;
        let other = app.again().await;
        let mut upkeeps = [&app, &other].map(|one| Upkeep::new(one.app.clone(), steady.clone()));
        theirs.advance(DAY);
        for _ in 0..122 {
            for clock in [&app.clock, &theirs] {
                clock.advance(30 * SECOND);
            }
            steady.advance(30 * SECOND);
            for upkeep in &mut upkeeps {
                upkeep.turn().await.unwrap();
            }
        }
        let line = |app: &TestApp| app.app.shared_now() - app.clock.now();
        assert_eq!([line(&app), line(&other)], [DAY; 2], "{}", app.database());
        theirs.advance(-DAY);
        upkeeps[0].turn().await.unwrap();
        let late = app.again().await;
        assert_eq!([line(&app), line(&other), line(&late)], [DAY; 3], "{}", app.database());
        four(&app, "ada").await;
        for one in [&late, &other, &app, &other, &late] {
            assert_eq!(wait_of(guess(one, "ada", PASSWORD).await), 30, "{}", app.database());
        }
    }
}

/// What is measured is off by up to a second, to and fro: that is no clock that was set back.
#[tokio::test]
async fn leases_stand_no_longer_for_what_a_clock_is_measured_to_be_off_by() {
    for (app, steady, theirs) in TestApp::each_beside(by_password).await {
        let (agreement, store) = (&app.app.agreement, &app.app.store);
        let longer = || {
            [agreement.leased_until(), agreement.last_lease()].map(|until| until - agreement.theirs() - LEASE)
        };
        theirs.advance(-DAY);
        agreement.look(store).await.unwrap();
        assert_eq!(longer(), [DAY; 2], "{}", app.database());
        for look in 0..20 {
            let noise = if look % 2 == 0 { 900 } else { -900 };
            theirs.advance(15 * SECOND + noise);
            steady.advance(15 * SECOND);
            agreement.look(store).await.unwrap();
        }
        assert_eq!(longer(), [0; 2], "{}", app.database());
    }
}

/// How the clock of the database is set while a message is under way.
const SET: [Millis; 10] =
    [2 * SECOND, -2 * SECOND, 20 * SECOND, -20 * SECOND, HOUR, -HOUR, DAY, -DAY, FAR, -FAR];
/// How often an instance looks at it.
const LOOKS: Millis = 30;

/// Whoever holds a lease looks half a minute later than who would take it over, or as much sooner.
#[tokio::test]
async fn what_is_under_way_is_taken_over_by_nobody_however_the_databases_clock_is_set() {
    for (app, steady, theirs) in
        TestApp::each_beside(|settings| settings.flows = flows(&[&["email", "passcode"]])).await
    {
        app.client().post("/v1/signup", json!({ "email": "a@example.org" })).await.is(200);
        let (holder, other, store) = (&app.app.agreement, app.again().await, &app.app.store);
        let taker = &other.app.agreement;
        let lane = &outbox::lanes(&mut store.read().await.unwrap()).await.unwrap()[0];
        let mut tx = store.begin().await.unwrap();
        let now = app.clock.now();
        let held = outbox::lease(&mut tx, lane, (now, now), holder.leased_until(), 1).await.unwrap();
        let renewed = async || {
            let (mut tx, until) = (store.begin().await.unwrap(), holder.leased_until());
            let rows = outbox::renew(&mut tx, (&held[0].id, held[0].tries), until).await.unwrap();
            tx.commit().await.unwrap();
            rows
        };
        tx.commit().await.unwrap();
        let mut wake = Wake::new(steady.clone());
        let mut is_over = async || {
            steady.advance(SECOND);
            theirs.advance(SECOND);
            let over = wake.begins(taker.theirs());
            let due = outbox::next_due(&mut store.read().await.unwrap(), lane, over).await.unwrap();
            wake.ended(true);
            due.is_some()
        };
        let sets = SET.into_iter().flat_map(|set| [(set, (LOOKS - 1, 0)), (set, (0, LOOKS - 1))]);
        for (set, (one, another)) in sets.chain([(0, (0, 0))]) {
            for second in 0..3 * LOOKS {
                if second == LOOKS {
                    theirs.advance(set);
                }
                for (agreement, turn) in [(holder, one), (taker, another)] {
                    if second % LOOKS == turn {
                        agreement.look(store).await.unwrap();
                        let freed = ahead::leased(store, agreement.last_lease()).await.unwrap();
                        assert_eq!(freed, 0, "{}: {set} {one} {second}", app.database());
                    }
                }
                if second * SECOND % Millis::try_from(RENEW.as_millis()).unwrap() == 0 {
                    assert_eq!(renewed().await, 1);
                }
                assert!(!is_over().await, "{}: {set} {one} {second}", app.database());
            }
        }
        let mut seconds = 0;
        while !is_over().await {
            seconds += 1;
        }
        assert!(seconds <= LEASE / SECOND, "{}: who is dead is followed after {seconds} s", app.database());

        // Who dies just after the clock was set back, having leased by what it was.
        assert_eq!(renewed().await, 1);
        theirs.advance(-DAY);
        let mut seconds = 0;
        while !is_over().await {
            seconds += 1;
            if seconds % LOOKS == 0 {
                taker.look(store).await.unwrap();
                ahead::leased(store, taker.last_lease()).await.unwrap();
            }
        }
        assert!(seconds <= 150, "{}: it is followed after {seconds} s", app.database());
    }
}
