//! Guesses that a clock counted which was wrong: they bar as long as the ladder says from when the clock is right.

use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use multauth::server::Upkeep;
use multauth::settings::{Settings, Span};
use serde_json::json;

use super::FAR;
use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::Answer;
use crate::support::person::{OTHER, PASSWORD};

pub fn by_password(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"]]);
    unlimited(settings, &["signin", "failures"]);
}

/// A guess from somewhere else each time.
pub async fn guess(app: &TestApp, name: &str, password: &str) -> Answer {
    app.client().signin(json!({ "username": name, "password": password })).await
}

pub fn wait_of(answer: Answer) -> u64 {
    answer.fails(429, "too_many").header("retry-after").unwrap().parse().unwrap()
}

/// Four in a row, of which the last is not looked at any more.
pub async fn four(app: &TestApp, name: &str) {
    for _ in 0..3 {
        guess(app, name, OTHER).await.wrong();
    }
    assert_eq!(wait_of(guess(app, name, OTHER).await), 30);
}

#[tokio::test]
async fn what_was_guessed_ahead_waits_for_its_rung_and_no_longer() {
    for app in TestApp::each(by_password).await {
        app.named("ada").await;
        for ahead in [HOUR, DAY, FAR] {
            app.pass(ahead);
            four(&app, "ada").await;
            app.pass(-ahead);
            assert_eq!(wait_of(guess(&app, "ada", PASSWORD).await), 30, "{}: {ahead}", app.database());
            app.pass(30 * SECOND - 1);
            assert_eq!(
                wait_of(guess(&app, "ada", PASSWORD).await),
                30,
                "{}: nothing is freed",
                app.database()
            );
            app.pass(1);
            guess(&app, "ada", PASSWORD).await.done();
        }
    }
}

/// The clock is set for a moment, while somebody signs in, and set back: it is as if it had not been.
#[tokio::test]
async fn a_clock_that_dips_for_a_moment_frees_nothing_and_bars_nobody_longer() {
    for (app, steady) in TestApp::each_steadied(by_password).await {
        let mut upkeep = Upkeep::new(app.app.clone(), steady.clone());
        for (n, off) in [-FAR, -40 * DAY, -DAY, -HOUR].into_iter().enumerate() {
            let name = format!("user-{n}");
            app.named(&name).await;
            upkeep.turn().await.unwrap();
            four(&app, &name).await;
            app.pass(off);
            assert_eq!(wait_of(guess(&app, &name, PASSWORD).await), 30, "{}: {off}", app.database());
            upkeep.turn().await.unwrap();
            app.pass(-off);
            assert_eq!(wait_of(guess(&app, &name, PASSWORD).await), 30, "{}: {off}", app.database());
            app.pass(30 * SECOND);
            steady.advance(30 * SECOND);
            for _ in 0..2 {
                upkeep.turn().await.unwrap();
            }
            guess(&app, &name, PASSWORD).await.done();
        }
    }
}

/// A wait that was begun ahead, and one from before, while the clock stays where it was set.
#[tokio::test]
async fn a_clock_that_stays_where_it_was_set_is_gone_by_in_time() {
    for (app, steady) in TestApp::each_steadied(by_password).await {
        app.named("ada").await;
        let mut upkeep = Upkeep::new(app.app.clone(), steady.clone());
        for off in [DAY, -DAY] {
            app.pass(off);
            four(&app, "ada").await;
            for span in [30 * SECOND, HOUR, MINUTE] {
                upkeep.turn().await.unwrap();
                app.pass(span);
                steady.advance(span);
            }
            upkeep.turn().await.unwrap();
            assert_eq!(app.app.shared_now(), app.clock.now(), "{}", app.database());
            guess(&app, "ada", PASSWORD).await.done();
        }
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_adds_nothing_to_a_wait_and_frees_nothing() {
    for app in TestApp::each(by_password).await {
        app.named("ada").await;
        four(&app, "ada").await;
        for back in [MINUTE, HOUR, DAY, FAR] {
            app.pass(-back);
            assert_eq!(wait_of(guess(&app, "ada", PASSWORD).await), 30, "{}: {back}", app.database());
        }
        app.pass(30 * SECOND);
        guess(&app, "ada", OTHER).await.wrong();
        assert_eq!(wait_of(guess(&app, "ada", PASSWORD).await), 60, "{}: the count stays", app.database());
        app.pass(MINUTE);
        guess(&app, "ada", PASSWORD).await.done();
    }
}

/// Time and answers tell nobody whether there is such an account.
#[tokio::test]
async fn nobody_waits_as_somebody_does() {
    for app in TestApp::each(by_password).await {
        app.named("ada").await;
        let mut seen = Vec::new();
        for name in ["ada", "nobody"] {
            let mut told = Vec::new();
            for jump in [FAR, -FAR, 29 * SECOND, -HOUR, DAY] {
                app.pass(jump);
                for _ in 0..4 {
                    let answer = guess(&app, name, OTHER).await;
                    told.push((answer.status, answer.header("retry-after").map(str::to_owned)));
                }
            }
            app.pass(-DAY + HOUR - 29 * SECOND);
            seen.push(told);
        }
        assert_eq!(seen[0], seen[1], "{}", app.database());
    }
}

#[tokio::test]
async fn a_day_that_was_filled_ahead_is_over_after_a_day() {
    let change = |settings: &mut Settings| {
        by_password(settings);
        settings.guesses.ladder = vec![Span(SECOND)];
    };
    for app in TestApp::each(change).await {
        app.named("ada").await;
        app.pass(FAR);
        for _ in 0..20 {
            guess(&app, "ada", OTHER).await.wrong();
            app.pass(SECOND);
        }
        app.pass(-FAR);
        assert_eq!(wait_of(guess(&app, "ada", PASSWORD).await), 3_600, "{}", app.database());
        app.pass(DAY - SECOND);
        assert_eq!(wait_of(guess(&app, "ada", PASSWORD).await), 30, "{}: not sooner", app.database());
        app.pass(SECOND);
        guess(&app, "ada", PASSWORD).await.done();
    }
}

#[tokio::test]
async fn codes_rest_no_longer_for_a_clock_that_was_ahead() {
    let change = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "password", "passcode"]]);
        settings.passcode.rest = Span(MINUTE);
        unlimited(settings, &["signin", "failures", "attempt", "send"]);
    };
    for app in TestApp::each(change).await {
        let name = json!({ "email": "ada@example.org", "password": PASSWORD });
        app.signup(name.clone()).await;
        app.pass(FAR);
        let asked = app.client().signin(name.clone()).await.asks();
        app.code().await;
        for _ in 0..5 {
            app.client().passcode(&asked.attempt, "000000").await.wrong();
        }
        app.pass(-FAR);
        app.client().signin(name.clone()).await.asks();
        TestApp::assert_silent(&app.mail().await);
        app.pass(MINUTE);
        app.client().signin(name).await.asks();
        app.code().await;
    }
}
