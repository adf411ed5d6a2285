//! Notices: what happened to an account, told to every address that reaches its owner (R128).

use super::account::{self, Account};
use super::asks::reaching;
use super::challenge::Parcel;
use super::error::{AuthError, Result};
use super::input::Client;
use super::language;
use super::spend::{self, Terms};
use crate::app::App;
use crate::devices::phone;
use crate::events::Event;
use crate::messages::{Channel, Context, Kind, Message};
use crate::outbox::About;
use crate::store::Tx;
use crate::store::devices::Device;
use crate::store::sessions::{self, Session};

/// A notice, rendered and not yet queued.
pub struct Notice {
    message: Message,
    about: About,
}

impl Notice {
    /// A notice to an email address that no device of the account is spoken of with.
    pub fn to_email(message: Message) -> Self {
        Self { message, about: About::default() }
    }
}

/// A notice of `kind` to every confirmed address, rendered and not yet queued. Phones are told only where no
/// email is.
pub fn about(
    app: &App,
    client: &Client,
    account: &Account,
    kind: Kind,
    device: Option<&Device>,
) -> Result<Vec<Notice>> {
    let about = Context { place: Some(client.place()), ..concerning(app, device) };
    // Who only guesses at an account is not asked which language its owner reads.
    let chooser = Some(client).filter(|_| kind != Kind::FactorLocked);
    render(app, account, chooser, kind, &about)
}

/// Queues notices in the transaction of what they tell. One to a phone costs money, and is dropped where there is
/// none left.
pub async fn queue(app: &App, tx: &mut Tx, notices: &[Notice]) -> Result<()> {
    for Notice { message, about } in notices {
        if spend::settle(app, tx, message, Parcel::Taken, Terms::Owed).await? != Parcel::Nothing {
            app.outbox.write(tx, message, about).await?;
        }
    }
    Ok(())
}

/// As [`about`], for what the operator did: there is no client to speak of.
pub fn by_operator(app: &App, account: &Account, kind: Kind, device: Option<&Device>) -> Result<Vec<Notice>> {
    render(app, account, None, kind, &concerning(app, device))
}

/// Now, and the device concerned: its masked address, or its kind.
fn concerning(app: &App, device: Option<&Device>) -> Context {
    let kind = device.and_then(|device| app.devices.kind(&device.kind));
    let address = device.and_then(|device| device.delivery.as_deref());
    Context {
        at: app.now(),
        device: address.zip(kind).map(|(to, kind)| kind.mask(to)),
        device_kind: kind.map(|kind| kind.name()),
        ..Context::default()
    }
}

fn render(
    app: &App,
    account: &Account,
    client: Option<&Client>,
    kind: Kind,
    about: &Context,
) -> Result<Vec<Notice>> {
    let language = language::of(app, language::wished(&account.user.profile).as_deref(), client);
    let one = |(channel, device, address): (Channel, &str, &str)| {
        let rendered = app.catalogue.render(kind, channel, &language, about);
        let rendered = rendered.map_err(|error| AuthError::Internal(error.to_string()))?;
        let message = Message::new(app.random.uuid(), app.now(), channel, address, kind, rendered);
        let country = if channel == Channel::Email { String::new() } else { phone::country(address) };
        Ok(Notice { message, about: About { device: Some(device.to_owned()), country, ..About::default() } })
    };
    addresses(app, account).into_iter().map(one).collect()
}

/// Where notices go: every confirmed email address and, where there is none, every phone that is texted at all; none
/// of the sandbox. Each with the device that has it.
fn addresses<'a>(app: &App, account: &'a Account) -> Vec<(Channel, &'a str, &'a str)> {
    let reached = |device: &'a Device| {
        let to = device.delivery.as_deref()?;
        let channel = reaching(app, &device.kind, to).first().copied()?;
        let real = app.sandbox.code(device.canonical.as_deref()?, app.now()).is_none();
        let texted = channel == Channel::Email || phone::sendable(to, &app.rules).is_ok();
        (real && texted).then_some((channel, device.id.as_str(), to))
    };
    let all: Vec<_> = account.confirmed().filter_map(reached).collect();
    let mails: Vec<_> = all.iter().filter(|(channel, ..)| *channel == Channel::Email).copied().collect();
    if mails.is_empty() { all } else { mails }
}

/// A refresh token came back: the session ends and its owner is told (R79).
pub async fn reuse(app: &App, client: &Client, session: &Session) -> Result<()> {
    let account = account::by_id(&mut app.store.read().await?, &session.user_id).await?;
    let about = concerning(app, None);
    let told = account.map(|account| render(app, &account, None, Kind::RefreshReused, &about)).transpose()?;
    let mut tx = app.store.begin().await?;
    if sessions::end(&mut tx, &session.id, &session.user_id).await? == 1 {
        queue(app, &mut tx, &told.unwrap_or_default()).await?;
        let ended = Event::SessionEnded { reason: "reused", count: 1 };
        let ended = ended.of(&session.user_id).in_session(&session.id);
        app.events.write(&mut tx, app.now(), &client.source(), &[ended]).await?;
    }
    tx.commit().await?;
    app.wake.notify_one();
    tracing::warn!(session = session.id, "a refresh token was used twice; its session is ended");
    Ok(())
}
