//! Refreshes whose commit went through, and whose answer was lost on its way.

use std::time::Duration;

use multauth::base::clock::{MINUTE, SECOND};

use crate::support::app::TestApp;
use crate::support::proxy::Proxy;

const SHORT: Duration = Duration::from_millis(50);

/// An instance on PostgreSQL, and one beside it that reaches the database through a proxy.
async fn two() -> Option<(TestApp, TestApp, Proxy)> {
    let mut apps = TestApp::each(|_| ()).await;
    let app = apps.pop().filter(|app| app.database() == "postgres")?;
    let (proxy, through) = Proxy::before(&app.rows().url).await;
    let beside = app.again_with(|settings| settings.database.url = through.as_str().into()).await;
    Some((app, beside, proxy))
}

/// Its client was given nothing, and comes again later than a token may be shown twice.
#[tokio::test]
async fn a_session_lives_on_where_the_word_of_its_refresh_was_lost() {
    let Some((app, beside, proxy)) = two().await else { return };
    let shown = app.named("ada").await.done.refresh;
    proxy.swallow_commits(true);
    beside.client().refresh(&shown).await.fails(503, "busy");
    proxy.swallow_commits(false);
    assert_eq!(app.rows().number("SELECT generation FROM sessions").await, 1, "it counts");
    app.pass(MINUTE);
    beside.client().refresh(&shown).await.is(200);
    for _ in 0..200 {
        if app.rows().number("SELECT rotated_at FROM sessions").await == app.clock.now() {
            break;
        }
        tokio::time::sleep(SHORT).await;
    }
    let next = app.client().refresh(&shown).await.is(200).json();
    app.client().refresh(next["refresh_token"].as_str().unwrap()).await.is(200);
}

/// Another instance is about to note that a refresh counts when its client comes to this one.
#[tokio::test]
async fn what_another_instance_is_about_to_note_is_waited_for() {
    let Some((app, ..)) = two().await else { return };
    let shown = app.named("ada").await.done.refresh;
    app.client().refresh(&shown).await.is(200);
    app.pass(MINUTE);
    let client = app.client();
    let (answer, ()) = tokio::join!(client.refresh(&shown), async {
        tokio::time::sleep(4 * SHORT).await;
        let noted = format!("UPDATE sessions SET rotated_at = {}", app.clock.now());
        app.rows().execute(noted.leak()).await;
    });
    answer.is(200);
}

/// A token that was turned long ago comes back, from a thief or to one: that nobody heard of a commit which turned nothing
/// gives them nothing.
#[tokio::test]
async fn a_token_that_turns_nothing_is_reuse_though_the_word_of_its_commit_was_lost() {
    let Some((app, beside, proxy)) = two().await else { return };
    let shown = app.named("ada").await.done.refresh;
    let next = app.client().refresh(&shown).await.is(200).json();
    app.pass(app.app.settings.tokens.grace.millis() + SECOND);
    proxy.swallow_commits(true);
    beside.client().refresh(&shown).await.fails(503, "busy");
    proxy.swallow_commits(false);
    beside.client().refresh(&shown).await.fails(401, "invalid_token");
    app.client().refresh(next["refresh_token"].as_str().unwrap()).await.fails(401, "invalid_token");
}
