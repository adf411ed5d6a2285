//! Notices: what happened to an account, told to every address that reaches its owner (R128).

use super::account::{self, Account};
use super::asks::channels;
use super::error::{AuthError, Result};
use super::input::Client;
use crate::app::App;
use crate::messages::{Channel, Context, Kind, Message};
use crate::outbox;
use crate::store::Tx;
use crate::store::sessions::{self, Session};

/// Queues a notice of `kind` to every confirmed address, or to one channel alone where that is cheaper:
/// phones are told only where no email is.
pub async fn tell(
    app: &App,
    client: &Client,
    tx: &mut Tx,
    account: &Account,
    kind: Kind,
    device: Option<String>,
) -> Result<()> {
    let about = Context { place: Some(client.place()), device, ..at(app) };
    send(app, tx, account, kind, &about).await
}

/// As [`tell`], for what the operator did: there is no client to speak of.
pub async fn tell_of_operator(
    app: &App,
    tx: &mut Tx,
    account: &Account,
    kind: Kind,
    device: Option<String>,
) -> Result<()> {
    send(app, tx, account, kind, &Context { device, ..at(app) }).await
}

fn at(app: &App) -> Context {
    Context { at: app.now(), ..Context::default() }
}

async fn send(app: &App, tx: &mut Tx, account: &Account, kind: Kind, about: &Context) -> Result<()> {
    for (channel, address) in addresses(app, account) {
        let rendered = app.catalogue.render(kind, channel, about);
        let rendered = rendered.map_err(|error| AuthError::Internal(error.to_string()))?;
        let message = Message::new(app.random.uuid(), app.now(), channel, address, kind, rendered);
        outbox::write(tx, &app.sealer, &message, None).await?;
    }
    Ok(())
}

/// Where notices go: every confirmed email address and, where there is none, every phone.
fn addresses<'a>(app: &App, account: &'a Account) -> Vec<(Channel, &'a str)> {
    let reached = |device: &'a crate::store::devices::Device| {
        let channel = channels(app, &device.kind).first().copied()?;
        Some((channel, device.delivery.as_deref()?))
    };
    let all: Vec<_> = account.confirmed().filter_map(reached).collect();
    let mails: Vec<_> = all.iter().filter(|(channel, _)| *channel == Channel::Email).copied().collect();
    if mails.is_empty() { all } else { mails }
}

/// A refresh token came back: the session ends and its owner is told (R79).
pub async fn reuse(app: &App, session: &Session) -> Result<()> {
    let account = account::by_id(&mut app.store.read().await?, &session.user_id).await?;
    let mut tx = app.store.begin().await?;
    let ended = sessions::end(&mut tx, &session.id, &session.user_id).await?;
    if let (1, Some(account)) = (ended, account) {
        send(app, &mut tx, &account, Kind::RefreshReused, &at(app)).await?;
    }
    tx.commit().await?;
    app.wake.notify_one();
    tracing::warn!(session = session.id, "a refresh token was used twice; its session is ended");
    Ok(())
}
