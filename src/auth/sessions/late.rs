//! A refresh whose commit was not answered in time: whether it counts is not known yet, and its client is told to come
//! again. From when that is known the grace of its token begins, not from when it was written.

use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::Instrument;

use crate::app::App;
use crate::base::{Millis, SessionId};
use crate::store::{self, StoreError, sessions};

/// For how long it is looked whether it counts: a commit goes on by itself for a minute.
const LOOKED: Duration = Duration::from_secs(75);
const PAUSE: Duration = Duration::from_millis(500);
/// How long another instance has to note it.
const NOTED: Duration = Duration::from_millis(500);

/// One looks at a time: the connections are for requests.
static TURN: Semaphore = Semaphore::const_new(1);

/// Looks after the rotation of a session to the token of that hash, where `error` leaves open whether it counts: until it is
/// noted for all instances.
pub fn mind(app: &App, error: &StoreError, id: &SessionId, to: &str) {
    let later = match error {
        StoreError::Unanswered(later) => Some(later.clone()),
        // Its connection is gone: nobody will say.
        StoreError::Lost(_) => None,
        _ => return,
    };
    let (store, clock) = (app.store.clone(), app.clock.clone());
    let (id, to, entry) = (id.to_owned(), to.to_owned(), app.ungiven.enter(to));
    let look = async move {
        let _entry = entry;
        let note = async || -> store::Result<()> {
            // The commit holds the row for as long as it goes on.
            let mut tx = store.begin_giving_way().await?;
            sessions::note_rotated(&mut tx, &id, &to, clock.now()).await?;
            tx.commit().await
        };
        let kept = async {
            match later {
                Some(later) => later.is_kept().await,
                None => false,
            }
        };
        let (until, mut kept) = (Instant::now() + LOOKED, pin!(kept.fuse()));
        while Instant::now() < until {
            let known = tokio::select! {
                known = &mut kept, if !kept.is_terminated() => known,
                () = sleep(PAUSE) => false,
            };
            // Where it is known to count its client may stand before another instance already. Otherwise it is looked: the
            // answer may have been lost.
            let turn = if known { None } else { timeout_at(until, TURN.acquire()).await.ok() };
            let noted = note().await;
            drop(turn);
            if noted.is_ok() {
                return;
            }
        }
    };
    tokio::spawn(look.in_current_span());
}

/// Whether another instance may be about to note a rotation of `rotated_at`: it was begun no longer ago than one is looked
/// after, before a token that `came` now.
pub fn may_be_noted(app: &App, rotated_at: Millis, came: Millis) -> bool {
    let since = came - rotated_at - app.settings.tokens.grace.millis();
    let looked = Millis::try_from(LOOKED.as_millis()).unwrap_or(Millis::MAX);
    app.store.name() != "sqlite" && (0..=looked).contains(&since)
}

/// Waits until another instance had the time to note it.
pub async fn give_time() {
    sleep(NOTED).await;
}
