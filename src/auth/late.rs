//! A refresh whose commit was not answered in time: whether it counts is not known yet, and its client is told to come
//! again. From when that is known the grace of its token begins, not from when it was written.

use std::time::Duration;

use crate::app::App;
use crate::store::{StoreError, sessions};

/// How long it is looked whether it counts: as long as a commit goes on by itself.
const TRIES: usize = 300;
const PAUSE: Duration = Duration::from_millis(200);

/// Looks after the rotation of a session to the token of that hash, where `error` says that its commit goes on.
pub fn mind(app: &App, error: &StoreError, id: &str, to: &str) {
    if !matches!(error, StoreError::Unanswered) {
        return;
    }
    let (store, clock) = (app.store.clone(), app.clock.clone());
    let (id, to) = (id.to_owned(), to.to_owned());
    tokio::spawn(async move {
        for _ in 0..TRIES {
            let noted = async {
                let mut tx = store.begin().await?;
                // It waits for the commit, which holds the row.
                sessions::note_rotated(&mut tx, &id, &to, clock.now()).await?;
                tx.commit().await
            };
            if noted.await.is_ok() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
}
