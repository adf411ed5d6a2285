//! What an instance does by itself where the wall clock jumps: nothing by that clock, until it is steady.

use multauth::auth::operator;
use multauth::base::Millis;
use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND, Steady};
use multauth::server::Upkeep;
use multauth::settings::{Settings, Span};
use multauth::telemetry::metrics;
use serde_json::json;
use tracing::Level;

use super::FAR;
use crate::support::app::{TestApp, flows, unlimited};
use crate::support::log::Log;
use crate::support::person::{OTHER, PASSWORD};

/// An instance whose two clocks are moved by hand.
struct Instance<'a> {
    app: &'a TestApp,
    steady: Steady,
    upkeep: Upkeep,
}

impl<'a> Instance<'a> {
    fn of(app: &'a TestApp, steady: Steady) -> Self {
        Self { app, upkeep: Upkeep::new(app.app.clone(), steady.clone()), steady }
    }

    /// Time that goes by for both.
    fn pass(&self, span: Millis) {
        self.app.pass(span);
        self.steady.advance(span);
    }

    /// A turn half a minute after the last one; gives how far the clock jumped before it.
    async fn turn(&mut self) -> Option<Millis> {
        self.pass(30 * SECOND);
        self.upkeep.turn().await.unwrap()
    }
}

fn change(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"], &["email", "passcode"]]);
    unlimited(settings, &["signin", "failures"]);
}

async fn rows(app: &TestApp) -> [i64; 5] {
    let rows = app.rows();
    [
        rows.number("SELECT COUNT(*) FROM sessions").await,
        rows.number("SELECT COUNT(*) FROM events").await,
        rows.number("SELECT COUNT(*) FROM guesses").await,
        rows.number("SELECT COUNT(*) FROM users").await,
        rows.number("SELECT COUNT(*) FROM signing_keys").await,
    ]
}

#[tokio::test]
async fn a_clock_that_just_jumped_deletes_nothing_and_makes_no_key() {
    for (app, steady) in TestApp::each_steadied(change).await {
        let (ada, bob) = (app.named("ada").await, app.named("bob").await);
        operator::delete(&app.app, &bob.done.user.as_str().into()).await.unwrap();
        app.client().signin(json!({ "username": "ada", "password": OTHER })).await.wrong();
        let mut instance = Instance::of(&app, steady);
        instance.turn().await;
        let before = rows(&app).await;
        for jump in [FAR, DAY, -DAY, -FAR] {
            app.pass(jump);
            let (log, _guard) = Log::listen(Level::WARN);
            assert_eq!(instance.turn().await, Some(jump), "{}", app.database());
            assert_eq!(rows(&app).await, before, "{}: {jump}", app.database());
            let told = format!("the clock jumped by {} s", jump / SECOND);
            assert_eq!(log.text().matches(&told).count(), 1, "{}: {}", app.database(), log.text());
            if let Some(metrics) = metrics::shared() {
                assert!(metrics.render().contains("multauth_clock_jumps_total"));
            }
        }
        // Back where it was: it goes on.
        assert_eq!(instance.turn().await, None);
        assert_eq!(rows(&app).await, before, "{}", app.database());
        app.client().refresh(&ada.done.refresh).await.is(200);
    }
}

#[tokio::test]
async fn a_jump_in_a_turn_that_fails_is_told_all_the_same() {
    for (app, steady) in TestApp::each_steadied(change).await {
        let mut instance = Instance::of(&app, steady);
        instance.turn().await;
        app.rows().execute("ALTER TABLE signing_keys RENAME TO elsewhere").await;
        app.pass(DAY);
        let (log, _guard) = Log::listen(Level::WARN);
        assert!(instance.upkeep.turn().await.is_err(), "{}", app.database());
        app.rows().execute("ALTER TABLE elsewhere RENAME TO signing_keys").await;
        assert_eq!(log.text().matches("the clock jumped by 86400 s").count(), 1, "{}", app.database());
    }
}

/// What was set ahead for an hour at most deletes nothing, however many turns there are.
#[tokio::test]
async fn nothing_is_deleted_by_a_clock_that_is_not_believed_yet() {
    for (app, steady) in TestApp::each_steadied(change).await {
        app.named("ada").await;
        let bob = app.named("bob").await;
        operator::delete(&app.app, &bob.done.user.as_str().into()).await.unwrap();
        app.client().signin(json!({ "username": "ada", "password": OTHER })).await.wrong();
        let mut instance = Instance::of(&app, steady);
        instance.turn().await;
        let before = rows(&app).await;
        app.pass(FAR);
        for _ in 0..119 {
            instance.turn().await;
        }
        assert_eq!(rows(&app).await[..4], before[..4], "{}", app.database());
        for _ in 0..3 {
            instance.turn().await;
        }
        assert_ne!(rows(&app).await[..4], before[..4], "{}: it is the time by now", app.database());
    }
}

#[tokio::test]
async fn a_clock_that_stays_where_it_jumped_to_has_keys_made_in_the_next_turn() {
    for (app, steady) in TestApp::each_steadied(change).await {
        app.named("ada").await;
        let mut instance = Instance::of(&app, steady);
        instance.turn().await;
        let [.., keys] = rows(&app).await;
        app.pass(FAR);
        assert!(instance.turn().await.is_some());
        assert_eq!(instance.turn().await, None);
        let [sessions, .., made] = rows(&app).await;
        assert_eq!((sessions, made), (1, keys + 1), "{}", app.database());
    }
}

#[tokio::test]
async fn one_thing_that_fails_holds_up_no_other() {
    for (app, steady) in TestApp::each_steadied(change).await {
        app.named("ada").await;
        let mut instance = Instance::of(&app, steady);
        instance.turn().await;
        app.rows().execute("ALTER TABLE signing_keys RENAME TO elsewhere").await;
        instance.pass(app.app.settings.tokens.session_lifetime.millis());
        let failed = instance.upkeep.turn().await;
        assert!(failed.is_err_and(|why| why.contains("; ")), "{}: the keys, read and made", app.database());
        app.rows().execute("ALTER TABLE elsewhere RENAME TO signing_keys").await;
        assert_eq!(rows(&app).await[0], 0, "{}: the session is over and gone", app.database());
    }
}

#[tokio::test]
async fn what_drifts_is_no_jump() {
    let (app, steady) = TestApp::each_steadied(change).await.remove(0);
    let mut instance = Instance::of(&app, steady);
    for drift in [0, 20 * SECOND, -20 * SECOND, 30 * SECOND] {
        app.pass(drift);
        assert_eq!(instance.turn().await, None, "{drift}");
    }
    app.pass(31 * SECOND);
    assert_eq!(instance.turn().await, Some(31 * SECOND));
}

/// What waits to leave is brought back at once, all else once the clock has been steady for an hour: it may be the one that
/// is wrong.
#[tokio::test]
async fn what_was_written_ahead_is_brought_back() {
    for (app, steady) in TestApp::each_steadied(change).await {
        app.named("ada").await;
        app.signup(json!({ "email": "bob@example.org" })).await;
        let mut instance = Instance::of(&app, steady);
        instance.turn().await;
        app.pass(FAR);
        app.client().signin(json!({ "username": "ada", "password": PASSWORD })).await.done();
        app.client().signin(json!({ "email": "bob@example.org" })).await.asks();
        let carla = app.named("carla").await;
        operator::delete(&app.app, &carla.done.user.as_str().into()).await.unwrap();
        app.pass(-FAR);
        let latest = async || {
            let rows = app.rows();
            [
                rows.number("SELECT COALESCE(MAX(expires_at), 0) FROM attempts").await,
                rows.number("SELECT COALESCE(MAX(due_at), 0) FROM outbox WHERE state = 'queued'").await,
                rows.number("SELECT MAX(expires_at) FROM sessions").await,
                rows.number("SELECT MAX(deleted_at) FROM users").await,
            ]
            .map(|at| at > app.clock.now() + 40 * DAY)
        };
        assert_eq!(latest().await, [true; 4], "{}", app.database());
        // Seen from the turn before the clock is where it should be.
        assert_eq!(instance.turn().await, None);
        assert_eq!(latest().await, [true, false, true, true], "{}", app.database());
        app.code().await;
        for _ in 0..119 {
            instance.turn().await;
        }
        assert_eq!(latest().await, [false; 4], "{}", app.database());
        app.client().signin(json!({ "username": "carla", "password": PASSWORD })).await.wrong();
        instance.pass(app.app.settings.user.deletion_grace.millis() + MINUTE);
        instance.turn().await;
        assert!(
            operator::show(&app.app, &carla.done.user.as_str().into()).await.is_err(),
            "{}: purged in time",
            app.database()
        );
    }
}

/// A machine that starts at the wrong time, as one without a battery does, finds everything ahead: nothing that lasts is
/// touched until its clock has been steady for long.
#[tokio::test]
async fn a_clock_that_is_behind_at_the_start_takes_nothing_away() {
    for (app, steady) in TestApp::each_steadied(|settings| {
        change(settings);
        settings.tokens.idle_lifetime = Span(30 * DAY);
    })
    .await
    {
        let ada = app.named("ada").await;
        app.pass(-FAR);
        let mut instance = Instance::of(&app, steady);
        for _ in 0..100 {
            instance.turn().await;
        }
        app.pass(FAR);
        assert!(instance.turn().await.is_some());
        assert_eq!(instance.turn().await, None);
        app.client().refresh(&ada.done.refresh).await.is(200);
        assert!(app.clock.now() < super::super::support::app::BEGINNING + HOUR);
    }
}
