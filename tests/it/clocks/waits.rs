//! What a call waits for, such as a hook, is neither taken off what it gives nor held against it.

use std::sync::{Arc, Mutex};

use multauth::base::clock::{DAY, HOUR, SECOND};
use multauth::base::{Clock, Millis};
use multauth::extensions::Extensions;
use multauth::hooks::{Answer, Claims, Decision, Hook, Offer, Point, Tokens, Without};
use multauth::settings::Settings;
use serde_json::json;

use crate::support::app::{TestApp, flows};
use crate::support::person::PASSWORD;

/// A hook that takes its time: the clock goes on while it is asked.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<Option<(Clock, Millis)>>>);

impl Slow {
    fn takes(&self, app: &TestApp, span: Millis) {
        *self.0.lock().unwrap() = Some((app.clock.clone(), span));
    }

    fn is_asked(&self) {
        if let Some((clock, span)) = &*self.0.lock().unwrap() {
            clock.advance(*span);
        }
    }
}

#[async_trait::async_trait]
impl Hook for Slow {
    fn points(&self) -> &[Point] {
        &[Point::BeforeTokens, Point::Ways]
    }

    async fn before_tokens(&self, _: &Tokens) -> Answer<Claims> {
        self.is_asked();
        Ok(Decision::allow())
    }

    async fn ways(&self, _: &Offer) -> Answer<Without> {
        self.is_asked();
        Ok(Decision::allow())
    }
}

async fn each(change: impl Fn(&mut Settings)) -> (Vec<TestApp>, Slow) {
    let slow = Slow::default();
    let extensions =
        Extensions { hooks: vec![Arc::new(slow.clone()) as Arc<dyn Hook>], ..Extensions::default() };
    (TestApp::each_with(&extensions, change).await, slow)
}

fn by_both(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"], &["email", "passcode"]]);
}

#[tokio::test]
async fn a_refresh_that_waited_for_long_is_retried_and_not_taken_for_theft() {
    let (apps, slow) = each(by_both).await;
    for app in apps {
        *slow.0.lock().unwrap() = None;
        let ada = app.named("ada").await;
        slow.takes(&app, 12 * SECOND);
        let first = app.client().refresh(&ada.done.refresh).await.is(200).json();
        // The client gave up on that one and asks again.
        let again = app.client().refresh(&ada.done.refresh).await.is(200).json();
        assert_eq!(first["refresh_token"], again["refresh_token"], "{}", app.database());
        let next = first["refresh_token"].as_str().unwrap();
        app.client().refresh(next).await.is(200);
        // Long after: that is no retry.
        app.pass(HOUR);
        app.client().refresh(&ada.done.refresh).await.fails(401, "invalid_token");
    }
}

#[tokio::test]
async fn a_token_that_was_good_when_it_came_is_good_after_the_wait() {
    let (apps, slow) = each(|settings| {
        by_both(settings);
        settings.tokens.idle_lifetime = multauth::settings::Span(DAY);
    })
    .await;
    for app in apps {
        *slow.0.lock().unwrap() = None;
        let ada = app.named("ada").await;
        app.pass(DAY - SECOND);
        slow.takes(&app, 5 * SECOND);
        app.client().refresh(&ada.done.refresh).await.is(200);
    }
}

/// The life of a session and of an attempt begins when it is written.
#[tokio::test]
async fn nothing_that_begins_is_younger_than_its_life_for_what_was_waited_for() {
    let (apps, slow) = each(by_both).await;
    for app in apps {
        *slow.0.lock().unwrap() = None;
        app.named("ada").await;
        slow.takes(&app, HOUR);
        app.client().signin(json!({ "username": "ada", "password": PASSWORD })).await.done();
        let begun = app.rows().number("SELECT MAX(created_at) FROM sessions").await;
        assert_eq!(begun, app.clock.now(), "{}", app.database());
        let ends = app.rows().number("SELECT MAX(expires_at) FROM sessions").await;
        assert_eq!(ends, begun + app.app.settings.tokens.session_lifetime.millis());
        let used = app.rows().number("SELECT MAX(last_used_at) FROM known_devices").await;
        assert_eq!(used, begun, "{}", app.database());
        let asked = app.client().signin(json!({ "email": "ada@example.org" })).await.asks();
        assert_eq!(asked.ask[0]["expires_in"], 10 * 60, "{}", app.database());
        let ends = app.rows().number("SELECT MAX(expires_at) FROM attempts").await;
        assert_eq!(ends, app.clock.now() + app.app.settings.attempt.lifetime.millis(), "{}", app.database());
        let sent = app.rows().number("SELECT MAX(sent_at) FROM challenges").await;
        assert_eq!(sent, app.clock.now(), "{}", app.database());
    }
}

#[tokio::test]
async fn a_sign_up_opens_its_session_when_it_is_written() {
    let (apps, slow) = each(by_both).await;
    for app in apps {
        slow.takes(&app, HOUR);
        app.named("ada").await;
        let begun = app.rows().number("SELECT MAX(created_at) FROM sessions").await;
        assert_eq!(begun, app.clock.now(), "{}", app.database());
    }
}
