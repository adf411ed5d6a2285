//! A refresh whose commit was not answered in time: whether it counts is not known yet, and its client is told to come
//! again. From when that is known the grace of its token begins, not from when it was written.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use crate::app::App;
use crate::store::{self, StoreError, sessions};

/// For how long it is looked whether it counts: a commit goes on by itself for a minute.
const LOOKED: Duration = Duration::from_secs(75);
const PAUSE: Duration = Duration::from_millis(200);

/// One looks at a time: the connections are for requests.
static TURN: Semaphore = Semaphore::const_new(1);

/// Looks after the rotation of a session to the token of that hash, where `error` says that its commit goes on.
pub fn mind(app: &App, error: &StoreError, id: &str, to: &str) {
    if !matches!(error, StoreError::Unanswered) {
        return;
    }
    let (store, clock) = (app.store.clone(), app.clock.clone());
    let (id, to) = (id.to_owned(), to.to_owned());
    tokio::spawn(async move {
        let until = Instant::now() + LOOKED;
        while let Ok(turn) = timeout_at(until, TURN.acquire()).await {
            let noted = async {
                // The commit holds the row for as long as it goes on.
                let mut tx = store.begin_giving_way().await?;
                sessions::note_rotated(&mut tx, &id, &to, clock.now()).await?;
                tx.commit().await
            };
            let noted: store::Result<()> = noted.await;
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
