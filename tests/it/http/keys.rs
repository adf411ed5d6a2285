//! The keys that sign, the keys of applications, and the key above them: how they change, and where they are refused.

use std::sync::Arc;

use multauth::auth::operator::api_keys;
use multauth::auth::{AuthError, sessions};
use multauth::base::clock::{DAY, HOUR, MINUTE};
use multauth::keys::KeyError;
use multauth::settings::Span;
use multauth::startup::{self, StartError, Started, World};
use multauth::store::guesses;
use serde_json::json;
use tokio::sync::Notify;

use crate::support::app::TestApp;
use crate::support::raw::Call;
use crate::support::server::Server;
use crate::support::until;

/// What is published, the oldest first.
async fn published(server: &Server) -> Vec<String> {
    let answer = server.get("/.well-known/jwks.json").await.json();
    let keys = answer["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Another instance, whose upkeep has had a first turn; what it deletes it deletes behind the change of keys.
async fn turn(server: &Server) -> Server {
    let old = server.app.now() - 40 * DAY;
    let left = async || guesses::day_count(&mut server.app.store.read().await.unwrap(), old).await.unwrap();
    let mut tx = server.app.store.begin().await.unwrap();
    guesses::count_day(&mut tx, old).await.unwrap();
    tx.commit().await.unwrap();
    let another = server.again().await;
    until("a turn of the upkeep", 40, async || left().await == 0).await;
    another
}

#[tokio::test]
async fn the_signing_key_changes_by_itself_after_ninety_days_and_the_old_one_stays_sixty_one_minutes() {
    for server in Server::on_each(|settings| settings.tokens.access_lifetime = Span(HOUR)).await {
        let first = published(&server).await;
        server.user("keeper").await;
        server.clock.advance(90 * DAY);
        assert_eq!(published(&turn(&server).await).await, first, "{}: not before", server.name());
        server.clock.advance(1);
        let later = turn(&server).await;
        let both = published(&later).await;
        assert_eq!((both.len(), &both[..1]), (2, &first[..]), "{}: a new one is announced", server.name());
        server.clock.advance(10 * MINUTE - 1);
        let last = later.signin("keeper").await;
        assert_eq!(later.app.keys.signer().unwrap().kid, both[0], "ten minutes before it signs");
        server.clock.advance(1);
        assert_eq!(later.app.keys.signer().unwrap().kid, both[1]);
        server.clock.advance(HOUR - 1_000);
        let me = later.call(Call::new("GET", "/v1/me").bearer(&last.access)).await;
        assert_eq!(me.status, 200, "{}: the longest token is known to its end", server.name());
        server.clock.advance(MINUTE + 999);
        assert_eq!(published(&turn(&server).await).await, both, "{}: for 61 minutes", server.name());
        server.clock.advance(1);
        assert_eq!(published(&turn(&server).await).await, both[1..], "{}: not longer", server.name());
    }
}

#[tokio::test]
async fn a_signing_key_that_one_instance_revokes_is_refused_by_another_from_its_next_turn_on() {
    for server in Server::on_each(|_| {}).await {
        let user = server.user("keeper").await;
        let kid = server.app.keys.signer().unwrap().kid;
        let world = World { clock: server.clock.clone(), ..World::default() };
        let started = startup::start(server.app.settings.clone(), world).await.unwrap();
        let Started { app: other, outbox_worker, webhook_worker } = started;
        let wanted = startup::algorithm(&server.app.settings);
        assert!(server.app.keys.revoke(&kid, wanted).await.unwrap());
        assert!(sessions::caller(&other, &user.access).await.is_ok(), "it has read the keys before");
        let (stop, app) = (Arc::new(Notify::new()), other.clone());
        let bell = stop.clone();
        let serving = tokio::spawn(async move {
            let started = Started { app, outbox_worker, webhook_worker };
            multauth::server::serve_until(started, |_| {}, async move { bell.notified().await }).await
        });
        until("its first turn", 40, async || other.keys.find(&kid).is_none()).await;
        let refused = sessions::caller(&other, &user.access).await;
        assert!(matches!(refused, Err(AuthError::InvalidToken)), "{}", server.name());
        stop.notify_one();
        serving.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_api_key_that_one_instance_ends_is_refused_by_another_at_once() {
    for server in Server::on_each(|_| {}).await {
        let (id, key) = server.api_key(&["introspect"]).await;
        let user = server.user("keeper").await;
        let other = server.again().await;
        let ask = async || {
            let call = Call::new("POST", "/v1/introspect").bearer(&key);
            other.call(call.json(json!({ "token": user.access }).to_string())).await.status
        };
        assert_eq!(ask().await, 200);
        api_keys::end(&server.app, &id).await.unwrap();
        assert_eq!(ask().await, 401, "{}", server.name());
    }
}

#[tokio::test]
async fn with_another_master_key_no_instance_starts() {
    for app in TestApp::each(|_| {}).await {
        let mut settings = app.app.settings.clone();
        let folder = tempfile::tempdir().unwrap();
        settings.keys.file = folder.path().join("other.key");
        let start = async || {
            let world = World { clock: app.clock.clone(), ..World::default() };
            match startup::start(settings.clone(), world).await {
                Err(StartError::Keys(KeyError::OtherMaster(_))) => {}
                Err(other) => panic!("{}: {other}", app.database()),
                Ok(_) => panic!("{}: it starts", app.database()),
            }
        };
        start().await;
        // Nor where nothing else is sealed yet.
        app.rows().execute("DELETE FROM signing_keys").await;
        start().await;
        assert_eq!(app.rows().number("SELECT COUNT(*) FROM signing_keys").await, 0, "{}", app.database());
        app.again().await;
    }
}
