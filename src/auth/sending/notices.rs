//! Notices: what happened to an account, told to every address that reaches its owner (R128).

use super::budget::{self, Part};
use super::language;
use super::order::{Parcel, WhenFull};
use super::reach::reaching;
use crate::app::App;
use crate::auth::account::{self, Account};
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::auth::sending::recipient::Recipient;
use crate::base::{Millis, Purpose, UserId};
use crate::events::{Event, NewEvent};
use crate::messages::{Channel, Code, Context, Kind, Message};
use crate::outbox::About;
use crate::store::devices::Device;
use crate::store::sessions::{self, Session};
use crate::store::{Tx, spend as rows};

/// A notice, rendered and not yet queued.
pub struct Notice {
    message: Message,
    about: About,
}

impl Notice {
    /// The event that its code was sent for `purpose`; nothing where it carries none.
    pub fn sent(&self, purpose: Purpose, user: Option<&UserId>) -> Option<NewEvent> {
        self.about.expires_at?;
        let event = Event::VerificationSent {
            purpose: purpose.name(),
            sent: "code",
            channel: self.message.channel.name(),
            message: self.message.id.clone(),
            country: self.about.country.clone(),
        };
        Some(match user {
            Some(user) => event.of(user),
            None => event.of_nobody(),
        })
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
    render(app, account, Some(client), kind, &about)
}

/// How many texts of one kind a number is told in a day: more happens to nobody, but by somebody who wants them sent.
/// The first says what the others would; of changes that can be taken back it takes back all.
const TEXTS: i64 = 5;
/// How many mails of one kind an address is told in a day.
const MAILS: i64 = 20;
/// How often in a day a number is told anew.
const ANEW: i64 = 3;

/// Queues notices in the transaction of what they tell, as [`queue_one`] does each.
pub async fn queue(app: &App, tx: &mut Tx, notices: &[Notice]) -> Result<()> {
    for notice in notices {
        queue_one(app, tx, notice).await?;
    }
    Ok(())
}

/// Queues a notice; gives whether it was. Of each kind an address is told some a day. One to a phone costs money, and is
/// dropped where there is none left.
pub async fn queue_one(app: &App, tx: &mut Tx, Notice { message, about }: &Notice) -> Result<bool> {
    let (kind, channel) = (message.kind.name(), message.channel.name());
    let most = most(message.channel != Channel::Email);
    let told = told(app, message.kind, &message.to);
    let since = budget::day(app.now());
    if !rows::count(tx, &told, since, most).await? {
        tracing::warn!(often = true, kind, channel, "a notice is dropped: its address had enough");
        return Ok(false);
    }
    let when_full = (WhenFull::DropNotice, Part::Whole);
    let goes = budget::settle(app, tx, (message, &about.country), Parcel::Notice, when_full).await?
        != Parcel::Nothing;
    if goes {
        app.outbox.write(tx, message, about).await?;
    } else {
        // It was told nobody: the next one may be.
        rows::uncount(tx, &told, since).await?;
    }
    Ok(goes)
}

/// As [`tell_anew`], every confirmed address of an account.
pub async fn tell_all_anew(app: &App, tx: &mut Tx, account: &Account) -> Result<()> {
    for address in account.confirmed().filter_map(|device| device.delivery.as_deref()) {
        tell_anew(app, tx, address).await?;
    }
    Ok(())
}

/// Has an address that an account has confirmed, and so no other, told again of changes that can be taken back, where
/// it had enough today: what takes back those that it was told of is gone. A number a few times a day, for whoever wants
/// texts sent recovers their own account as often.
pub async fn tell_anew(app: &App, tx: &mut Tx, address: &str) -> Result<()> {
    let anew = format!("told/{}", app.subject(&["told anew", address]));
    let since = budget::day(app.now());
    let is_number = !address.contains('@');
    if is_number && !rows::count(tx, &anew, since, ANEW).await? {
        return Ok(());
    }
    let most = most(is_number);
    let mut forgotten = 0;
    for kind in Kind::ALL.iter().filter(|kind| kind.may_be_undone()) {
        forgotten += rows::forget_full(tx, &told(app, *kind, address), since, most).await?;
    }
    if is_number && forgotten == 0 {
        rows::uncount(tx, &anew, since).await?;
    }
    Ok(())
}

/// How many notices of one kind an address is told in a day.
fn most(is_number: bool) -> i64 {
    if is_number { TEXTS } else { MAILS }
}

/// By what notices of a kind to an address are counted.
fn told(app: &App, kind: Kind, address: &str) -> String {
    format!("told/{}", app.subject(&["told", kind.name(), address]))
}

/// As [`about`], for what the operator did: there is no client to speak of.
pub fn by_operator(app: &App, account: &Account, kind: Kind, device: Option<&Device>) -> Result<Vec<Notice>> {
    render(app, account, None, kind, &concerning(app, device))
}

/// That a factor rests after too many wrong guesses, the last of which came from `place`. Who guesses is not asked
/// which language its owner reads.
pub fn of_rest(app: &App, account: &Account, place: &str) -> Result<Vec<Notice>> {
    let about = Context { place: Some(place.to_owned()), ..concerning(app, None) };
    render(app, account, None, Kind::FactorLocked, &about)
}

/// As [`about`], for what is found out later: it happened at `at`, and nobody is there who called.
pub fn afterwards(app: &App, account: &Account, kind: Kind, at: Millis) -> Result<Vec<Notice>> {
    render(app, account, None, kind, &Context { at, ..concerning(app, None) })
}

/// Now, and the device concerned: its masked address, or its kind.
fn concerning(app: &App, device: Option<&Device>) -> Context {
    let kind = device.and_then(|device| app.plan.devices.kind(&device.kind));
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
    let one = |(to, _): (Recipient, &Device)| rendered(app, account, client, &to, (kind, about), None);
    addresses(app, account).into_iter().map(one).collect()
}

fn rendered(
    app: &App,
    account: &Account,
    client: Option<&Client>,
    to: &Recipient,
    (kind, about): (Kind, &Context),
    expires_at: Option<Millis>,
) -> Result<Notice> {
    let language = language::of(app, language::wished(&account.user.profile).as_deref(), client);
    let rendered = app.plan.catalogue.render(kind, to.channel, &language, about);
    let rendered = rendered.map_err(|error| AuthError::Internal(error.to_string()))?;
    let message = Message::new(app.random.uuid(), app.now(), to.channel, &to.address, kind, rendered);
    let country = to.country().to_owned();
    let about = About { device: to.device.clone(), country, expires_at, ..About::default() };
    Ok(Notice { message, about })
}

/// One notice of `kind`, about a device and with what takes the change back where there is that; good until `ends`.
pub fn one(
    app: &App,
    client: &Client,
    account: &Account,
    to: &Recipient,
    kind: Kind,
    (device, code): (Option<&Device>, Option<Code>),
    ends: Option<Millis>,
) -> Result<Notice> {
    let about = Context { place: Some(client.place()), code, ..concerning(app, device) };
    rendered(app, account, Some(client), to, (kind, &about), ends)
}

/// One notice of `kind` that says what `about` has.
pub fn saying(
    app: &App,
    client: &Client,
    account: &Account,
    to: &Recipient,
    kind: Kind,
    about: &Context,
) -> Result<Notice> {
    rendered(app, account, Some(client), to, (kind, about), None)
}

/// What every address is told of a change that was taken back; `lost` are the masked addresses that did not come back.
pub fn of_undo(app: &App, client: &Client, account: &Account, lost: &[String]) -> Result<Vec<Notice>> {
    let about = Context { place: Some(client.place()), lost: lost.to_vec(), ..concerning(app, None) };
    render(app, account, Some(client), Kind::ChangeUndone, &about)
}

/// Where notices go: every confirmed email address and, where there is none, every phone that is texted at all.
pub fn addresses<'a>(app: &App, account: &'a Account) -> Vec<(Recipient, &'a Device)> {
    let all = every_address(app, account);
    let (mails, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(to, _)| to.channel == Channel::Email);
    if mails.is_empty() { others } else { mails }
}

/// Every confirmed address that is written or texted to at all, of the sandbox none, and how it is
/// reached: where what is told of a change of devices goes.
pub fn every_address<'a>(app: &App, account: &'a Account) -> Vec<(Recipient, &'a Device)> {
    let reached = |device: &'a Device| {
        let to = device.delivery.as_deref()?;
        let channel = reaching(app, &device.kind, to).first().copied()?;
        let to = Recipient::of(app, channel, device);
        let texted = channel == Channel::Email || to.is_texted(app);
        (to.fixed_code(app).is_none() && texted).then_some((to, device))
    };
    account.confirmed().filter_map(reached).collect()
}

/// A refresh token came back: the session ends and its owner is told (R79).
pub async fn reuse(app: &App, client: &Client, session: &Session) -> Result<()> {
    let account = account::by_id(&mut app.store.read().await?, &session.user_id).await?;
    let about = concerning(app, None);
    let told = account.map(|account| render(app, &account, None, Kind::RefreshReused, &about)).transpose()?;
    let mut tx = app.store.begin().await?;
    if sessions::end(&mut tx, &session.id, &session.user_id).await?.is_some() {
        queue(app, &mut tx, &told.unwrap_or_default()).await?;
        let ended = Event::SessionEnded { reason: "reused", count: 1 };
        let ended = ended.of(&session.user_id).in_session(&session.id);
        app.events.write(&mut tx, app.now(), &client.source(), &[ended]).await?;
    }
    tx.commit().await?;
    app.wake.notify_one();
    tracing::warn!(session = session.id.as_str(), "a refresh token was used twice; its session is ended");
    Ok(())
}
