//! What the reader of a mailbox wants of codes that somebody asks for who has proven nothing: none for a day, or one
//! more where somebody waits for it. A known device of the account is sent its codes all the same.

use super::counted::counted;
use crate::app::App;
use crate::auth::error::Result;
use crate::auth::input::Client;
use crate::base::Millis;
use crate::base::clock::{DAY, MINUTE};
use crate::messages::Channel;
use crate::store::{Tx, wishes};

/// How long strangers are muted, in milliseconds.
pub const MUTED: Millis = DAY;
/// How long a network is awaited whose user has just shown that they read the mailbox, in milliseconds.
const AWAITED: Millis = 10 * MINUTE;

/// Whether the reader of `address` wants no codes that strangers ask for.
pub async fn is_muted(app: &App, address: &str) -> Result<bool> {
    Ok(wishes::holds(&mut app.store.read().await?, &name(app, address), app.now()).await?)
}

/// Whether the reader of `address` has just shown, from the network of `client`, that they wait for a code: true once.
pub async fn is_awaited(app: &App, client: &Client, address: &str) -> Result<bool> {
    let (name, now) = (awaited(app, client, address), app.now());
    // Looked at before it is taken: strangers come here without end, and nobody's writing is to wait for them.
    let Some(ends_at) = wishes::of(&mut app.store.read().await?, &name).await? else { return Ok(false) };
    let mut tx = app.store.begin().await?;
    let taken = if ends_at > now {
        wishes::take(&mut tx, &name, app.now()).await?.is_yes()
    } else {
        wishes::over(&mut tx, &name, now).await?;
        false
    };
    tx.commit().await?;
    Ok(taken)
}

/// Mutes strangers; gives until when.
pub async fn mute(app: &App, tx: &mut Tx, address: &str) -> Result<Millis> {
    let ends_at = app.now() + MUTED;
    wishes::make(tx, &name(app, address), ends_at).await?;
    Ok(ends_at)
}

/// Lets strangers ask for codes again, by the [`name`] of the mute.
pub async fn unmute(tx: &mut Tx, name: &str) -> Result<()> {
    wishes::end(tx, name).await?;
    Ok(())
}

/// Awaits a code to `address` that is asked for from the network of `client`.
pub async fn wait_for(app: &App, tx: &mut Tx, client: &Client, address: &str) -> Result<()> {
    wishes::make(tx, &awaited(app, client, address), app.now() + AWAITED).await?;
    Ok(())
}

/// What the mute of an address is called: a keyed hash.
pub fn name(app: &App, address: &str) -> String {
    app.subject(&["muted", &counted(app, Channel::Email, address)])
}

fn awaited(app: &App, client: &Client, address: &str) -> String {
    app.subject(&["awaited", &counted(app, Channel::Email, address), &client.place()])
}
