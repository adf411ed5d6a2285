//! Sign-ins that passed a secret and ended by their time: whoever began one may know that secret, and its owner is told
//! (R128).

use crate::app::App;
use crate::auth::account::{self, Account};
use crate::auth::error::Result;
use crate::auth::sending::notices;
use crate::base::clock::DAY;
use crate::base::{Millis, Purpose, UserId};
use crate::events::{Event, Source};
use crate::messages::Kind;
use crate::store::attempts::{self, Unfinished};
use crate::store::trail::{self, Wanted};
use crate::store::{self, Tx};

/// How many accounts one turn looks at; the others wait for the next.
const AT_ONCE: i64 = 200;

/// What is written of it.
const EVENT: Event = Event::SigninUnfinished { purpose: Purpose::Signin.name() };

/// Takes the sign-ins that are over unfinished away, and tells their owners; gives how many were told.
///
/// # Errors
/// Where the database cannot be read.
pub async fn tell(app: &App) -> Result<usize> {
    let now = app.settled_now();
    let all = attempts::unfinished(&mut app.store.read().await?, now, AT_ONCE).await?;
    let mut told = 0;
    for over in &all {
        match tell_one(app, over, now).await {
            Ok(one) => told += usize::from(one),
            // The others hear of theirs all the same, and this one is tried again.
            Err(error) => tracing::warn!(%error, "an unfinished sign-in could not be told of"),
        }
    }
    if told > 0 {
        app.wake.notify_one();
    }
    Ok(told)
}

/// Gives whether there was something to tell.
async fn tell_one(app: &App, over: &Unfinished, now: Millis) -> Result<bool> {
    let account = account::by_id(&mut app.store.read().await?, &over.user_id).await?;
    let owner = account.filter(|account| !entered(account, over));
    let told = owner.map(|owner| notices::afterwards(app, &owner, Kind::SigninUnfinished, over.began));
    let told = told.transpose()?;
    let mut tx = app.store.begin().await?;
    // Of several instances one takes them, and those behind it find its event.
    let taken = attempts::take_unfinished(&mut tx, &over.user_id, now).await? > 0;
    let told = told.filter(|_| taken);
    let due = told.is_some() && !lately(&mut tx, &over.user_id, now).await?;
    if let Some(told) = told.filter(|_| due) {
        notices::queue(app, &mut tx, &told).await?;
        app.events.write(&mut tx, app.now(), &Source::default(), &[EVENT.of(&over.user_id)]).await?;
    }
    tx.commit().await?;
    Ok(due)
}

/// Whether somebody came in since the last of them began: its owner, who gave up one attempt and took another.
fn entered(account: &Account, over: &Unfinished) -> bool {
    account.user.signed_in_at.is_some_and(|at| at >= over.began)
}

/// Whether the owner was told within a day: whoever has the secret must not fill their mailbox.
async fn lately(tx: &mut Tx, user_id: &UserId, now: Millis) -> store::Result<bool> {
    let (user, name) = (Some(user_id.to_owned()), EVENT.name().to_owned());
    let wanted = Wanted { user, name, since: now - DAY + 1, until: Millis::MAX };
    Ok(!trail::latest(tx, &wanted, 1).await?.is_empty())
}
