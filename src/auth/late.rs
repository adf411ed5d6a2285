//! A refresh whose commit was not answered in time: whether it counts is not known yet, and its client is told to come
//! again. From when that is known the grace of its token begins, not from when it was written.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use crate::app::App;
use crate::base::Millis;
use crate::store::{self, StoreError, sessions};

/// For how long it is looked whether it counts: a commit goes on by itself for a minute.
const LOOKED: Duration = Duration::from_secs(75);
const PAUSE: Duration = Duration::from_millis(200);

/// How long another instance has to note it.
const NOTED: Duration = Duration::from_millis(500);

/// One looks at a time: the connections are for requests.
static TURN: Semaphore = Semaphore::const_new(1);

/// Looks after the rotation of a session to the token of that hash, where `error` says that its commit goes on.
pub fn mind(app: &App, error: &StoreError, id: &str, to: &str) {
    let StoreError::Unanswered(later) = error else { return };
    let (store, clock) = (app.store.clone(), app.clock.clone());
    let (id, to, later) = (id.to_owned(), to.to_owned(), later.clone());
    // Until it is noted for all instances.
    let entry = app.ungiven.enter(&to);
    tokio::spawn(async move {
        let _entry = entry;
        let until = Instant::now() + LOOKED;
        let note = async || -> store::Result<()> {
            // The commit holds the row for as long as it goes on.
            let mut tx = store.begin_giving_way().await?;
            sessions::note_rotated(&mut tx, &id, &to, clock.now()).await?;
            tx.commit().await
        };
        let kept = timeout_at(until, later.is_kept()).await;
        // Its client may stand before another instance already.
        if kept == Ok(true) && note().await.is_ok() {
            return;
        }
        // Where its connection was lost nobody says; then it is looked until it can be seen.
        while let Ok(turn) = timeout_at(until, TURN.acquire()).await {
            let noted = note().await;
            drop(turn);
            if noted.is_ok() {
                return;
            }
            sleep(PAUSE).await;
            if Instant::now() > until {
                return;
            }
        }
    });
}

/// Whether another instance may be about to note a rotation of `rotated_at`: it was begun no longer ago than a commit goes
/// on, before a token that `came` now.
pub fn may_be_noted(app: &App, rotated_at: Millis, came: Millis) -> bool {
    let since = came - rotated_at - app.settings.tokens.grace.millis();
    let looked = Millis::try_from(LOOKED.as_millis()).unwrap_or(Millis::MAX);
    app.store.name() != "sqlite" && (0..=looked).contains(&since)
}

/// Waits until another instance had the time to note it.
pub async fn give_time() {
    sleep(NOTED).await;
}
