//! Sign-up. Where an address must be proven before the account is made, there is only an attempt until
//! then, so that nobody can squat on somebody else's (R119, R120).
//!
//! A taken address is answered like a free one; its owner is told instead of being sent a code (R17).

pub(super) mod draft;
pub(super) mod first_session;
pub(super) mod hooks;
pub(super) mod offer;
pub(super) mod secrets;
pub(super) mod understand;

use super::account::{self, profile, standing};
use super::attempts::progress::{Done, Progress};
use super::attempts::withheld::Withheld;
use super::codes::vendor::{self, Hearer};
use super::devices::{self, recovery_codes};
use super::error::{AuthError, Result};
use super::guesses::Subject;
use super::guesses::known::{self, Known};
use super::input::{Client, Given};
use super::sending::language;
use super::sending::order::Order;
use crate::app::App;
use crate::auth::ask::{Ask, Asking};
use crate::auth::codes::dispatch::dispatch;
use crate::auth::codes::shown::with_challenge;
use crate::auth::codes::{challenge, look, send, shape};
use crate::auth::sending::recipient::Recipient;
use crate::auth::sessions::basis::{Basis, Tokens};
use crate::auth::sessions::{open, tokens};
use crate::auth::signup::offer::left;
use crate::base::Purpose;
use crate::base::clock::seconds_until;
use crate::base::seal::sha256_hex;
use crate::base::{DeviceId, Scope, Sensitive, UserId, ids};
use crate::devices as kinds;
use crate::events::By;
use crate::flows::{self, Passed};
use crate::hooks::Point;
use crate::messages::Channel;
use crate::store::attempts::{self, Attempt};
use crate::store::{Db, Tx, challenges, devices as rows, sessions as session_rows};
use crate::telemetry;
use crate::throttle::Keys;
use draft::{Draft, DraftDevice};
use first_session::{FirstSession, Proven};

/// Begins a sign-up; makes the account at once where nothing has to be proven before.
pub async fn begin(app: &App, client: &Client, given: &Given) -> Result<Progress> {
    let keys = Keys { ip: Some(client.ip), ..Keys::default() };
    // Whoever may not sign up now costs nothing; a form that is wrong is no sign-up.
    app.throttle.peek("signup", app.now(), &keys).await?;
    let understood = understand::understand(app, given)?;
    app.throttle.check("signup", app.now(), &keys).await?;
    let mut draft = understand::prepare(app, understood).await?;
    let whole = draft.lacking(app).is_empty();
    if whole {
        hooks::before_signup(app, client, &mut draft).await?;
    }
    let at_once = draft.to_prove().next().is_none();
    if at_once {
        free(app, client, &draft).await?;
        if whole {
            return create(app, client, &draft).await;
        }
    }
    let handle = Sensitive::new(ids::handle(&app.random, ids::ATTEMPT));
    let withheld = offer::of_signup(app, client, draft.identifiers()).await?;
    if !at_once && left(app, &withheld, &draft).next().is_none() {
        return Err(AuthError::NoFlow);
    }
    let attempt = Attempt { ways: withheld.stored(), ..attempt(app, &handle, &draft)? };
    let ready = first_code(app, client, &attempt, &draft).await?;
    let mut tx = app.store.begin().await?;
    let attempt = begun_now(app, attempt);
    attempts::insert(&mut tx, &attempt).await?;
    queue(app, client, &mut tx, ready.as_ref()).await?;
    tx.commit().await?;
    app.wake.notify_one();
    asking(app, client, &attempt, &handle, &draft).await
}

/// The code to the first address that has to be proven; none while the profile is asked for, so that nothing but the
/// account stands behind a code.
async fn first_code(
    app: &App,
    client: &Client,
    attempt: &Attempt,
    draft: &Draft,
) -> Result<Option<send::Ready>> {
    let lacking = !draft.lacking(app).is_empty();
    let withheld = Withheld::read(attempt.ways.as_deref())?;
    let Some(device) = left(app, &withheld, draft).next().filter(|_| !lacking) else { return Ok(None) };
    let order = order(app, client, attempt, draft, device, None).await?;
    Ok(send::prepare(app, client, &order).await.ok())
}

async fn queue(app: &App, client: &Client, tx: &mut Tx, ready: Option<&send::Ready>) -> Result<()> {
    let Some(ready) = ready else { return Ok(()) };
    match send::write(app, tx, ready).await {
        Ok(sent) => Ok(app.events.write(tx, app.now(), &client.source(), &[sent]).await?),
        // The last message went to somebody else meanwhile, or the code is there already: this one may be asked
        // for later.
        Err(AuthError::NoCode | AuthError::TooMany { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Where nothing has to be proven, what is taken is told at once, no faster than names may be looked up.
async fn free(app: &App, client: &Client, draft: &Draft) -> Result<()> {
    match owned_by_another(app, &mut app.store.read().await?, draft).await? {
        Some(taken) => profile::tell_taken(app, client, taken).await,
        None => Ok(()),
    }
}

/// The name or the unique value of a sign-up that somebody has.
async fn owned_by_another(app: &App, db: &mut impl Db, draft: &Draft) -> Result<Option<AuthError>> {
    for device in &draft.devices {
        let Some(kind) = app.devices.kind(&device.kind).filter(|kind| kinds::is_silent(*kind)) else {
            continue;
        };
        // Nobody can prove such a name, so that it is nobody else's for as long as it can come back.
        if rows::owner(db, kind.name(), &device.canonical).await?.is_some()
            || rows::is_kept(db, kind.name(), &device.canonical, &draft.user).await?
        {
            return Ok(Some(AuthError::Taken(kind.name())));
        }
    }
    profile::first_taken(app, db, &draft.user, &draft.fields()).await
}

/// The attempt as begun now, for it is only just stored.
fn begun_now(app: &App, attempt: Attempt) -> Attempt {
    let now = app.now();
    Attempt { created_at: now, expires_at: now + app.settings.attempt.lifetime.millis(), ..attempt }
}

fn attempt(app: &App, handle: &Sensitive, draft: &Draft) -> Result<Attempt> {
    let id = sha256_hex(handle.expose().as_bytes()).into();
    let now = app.now();
    let sealed = draft.seal(app, &id)?;
    let attempt = Attempt::new(id, Purpose::Signup, (now, now + app.settings.attempt.lifetime.millis()));
    Ok(Attempt { draft: Some(sealed), ..attempt })
}

/// Sends the code of a sign-up, again or to the other address.
pub async fn send(
    app: &App,
    client: &Client,
    attempt: Attempt,
    handle: &Sensitive,
    device: Option<&str>,
    channel: Option<Channel>,
) -> Result<Progress> {
    let draft = Draft::open(app, &attempt)?;
    if !draft.lacking(app).is_empty() {
        return Err(AuthError::NotAsked("profile".into()));
    }
    let withheld = Withheld::read(attempt.ways.as_deref())?;
    let fits = |d: &&DraftDevice| {
        let able = withheld.reaching(app, &d.kind, &d.delivery);
        let by_channel = channel.is_none_or(|wanted| able.contains(&wanted));
        device.is_none_or(|kind| kind == d.kind) && by_channel
    };
    let target = left(app, &withheld, &draft).find(fits).ok_or(AuthError::NotFound)?;
    dispatch(app, client, &order(app, client, &attempt, &draft, target, channel).await?).await?;
    asking(app, client, &attempt, handle, &draft).await
}

/// Answers a sign-up: the first proven address makes the account. Another name that no channel reaches, such as a
/// username, or another profile may come along, where what was chosen turned out to be taken.
pub async fn answer(
    app: &App,
    client: &Client,
    mut attempt: Attempt,
    handle: &Sensitive,
    given: &Given,
) -> Result<Progress> {
    let mut draft = Draft::open(app, &attempt)?;
    let lacked = !draft.lacking(app).is_empty();
    if lacked && given.profile.is_none() && given.identifiers.is_empty() {
        return Err(AuthError::NotAsked("profile".into()));
    }
    let renamed = understand::rename(app, &mut draft, given).await?;
    if let Some(profile) = &given.profile {
        draft.complete(app, profile)?;
    }
    let changed = renamed || given.profile.is_some();
    if changed && draft.lacking(app).is_empty() {
        hooks::before_signup(app, client, &mut draft).await?;
    }
    let ready = if lacked { first_code(app, client, &attempt, &draft).await? } else { None };
    if changed {
        let mut tx = app.store.begin().await?;
        attempts::set_draft(&mut tx, &attempt.id, &draft.seal(app, &attempt.id)?).await?;
        queue(app, client, &mut tx, ready.as_ref()).await?;
        tx.commit().await?;
        app.wake.notify_one();
    }
    if draft.to_prove().next().is_none() && draft.lacking(app).is_empty() {
        return without_proof(app, client, &attempt, &mut draft).await;
    }
    if let Some(proven) = first_session::noted(&attempt, &draft) {
        return enter(app, client, &attempt, &draft, &proven).await;
    }
    let Some(typed) = given.secrets.get("passcode").filter(|_| !lacked) else {
        return if given.identifiers.is_empty() && given.profile.is_none() {
            Err(AuthError::NotAsked("passcode".into()))
        } else {
            asking(app, client, &attempt, handle, &draft).await
        };
    };
    let scope = scope(&attempt);
    let all = challenges::in_scope(&mut app.store.read().await?, &scope).await?;
    shape::of(app, &all, false, typed)?;
    let sent = challenge::last(&all, given.device.as_deref(), app.now()).cloned();
    let device = draft.to_prove().find(|d| sent.as_ref().is_some_and(|s| s.target == d.kind)).cloned();
    let named = device.as_ref().or_else(|| draft.devices.first());
    let identifier = named.map_or(("", ""), |d| (d.kind.as_str(), d.canonical.as_str()));
    let subject = Subject::new(app, (client, Purpose::Signup), None, None, identifier, "passcode");
    let subject = subject.about(&draft.user);
    vendor::settle(app, sent.as_ref(), typed, &subject, Hearer::Anybody).await?;
    let mut tx = app.store.begin().await?;
    if let Err(error) = look::look(app, &mut tx, sent.as_ref(), typed, &subject).await {
        tx.commit().await?;
        return Err(error);
    }
    let (Some(device), Some(sent)) = (device, sent) else { return Err(AuthError::AttemptGone) };
    // Whether a name or a value is free is told only behind a proven address.
    if let Some(taken) = owned_by_another(app, &mut tx, &draft).await? {
        // The code is not spent: it comes again with another name.
        drop(tx);
        return profile::tell_taken(app, client, taken).await;
    }
    let proven = Proven { device, channel: sent.channel };
    if app.hooks.listen(Point::BeforeTokens) {
        // Nobody is asked within a transaction: what was proven is noted first.
        attempt.passed = first_session::note(&mut tx, &attempt, &proven).await?;
        tx.commit().await?;
        return enter(app, client, &attempt, &draft, &proven).await;
    }
    let entry = begun(app, client, &draft, Some(&proven.device)).await?;
    finish(app, client, tx, &attempt, &draft, &proven, entry).await
}

/// Goes on from an address that was proven: hooks are asked, and then the account is made.
async fn enter(
    app: &App,
    client: &Client,
    attempt: &Attempt,
    draft: &Draft,
    proven: &Proven,
) -> Result<Progress> {
    let entry = begun(app, client, draft, Some(&proven.device)).await?;
    let mut tx = app.store.begin().await?;
    if let Some(taken) = owned_by_another(app, &mut tx, draft).await? {
        drop(tx);
        return profile::tell_taken(app, client, taken).await;
    }
    finish(app, client, tx, attempt, draft, proven, entry).await
}

/// Makes the account of a sign-up whose profile was asked for and that has nothing to prove.
async fn without_proof(app: &App, client: &Client, attempt: &Attempt, draft: &mut Draft) -> Result<Progress> {
    free(app, client, draft).await?;
    // Somebody may have come to own an address since the sign-up began.
    draft.look_up(app).await?;
    let entry = begun(app, client, draft, None).await?;
    let mut tx = app.store.begin().await?;
    if attempts::finish(&mut tx, &attempt.id, &attempt.passed).await?.is_no() {
        return Err(AuthError::AttemptGone);
    }
    write(app, client, draft, tx, entry).await
}

async fn finish(
    app: &App,
    client: &Client,
    mut tx: Tx,
    attempt: &Attempt,
    draft: &Draft,
    proven: &Proven,
    entry: Option<FirstSession>,
) -> Result<Progress> {
    if attempts::finish(&mut tx, &attempt.id, &attempt.passed).await?.is_no() {
        return Err(AuthError::AttemptGone);
    }
    challenges::drop_scope(&mut tx, &scope(attempt)).await?;
    let made = made(app, client, draft, Some(proven), entry, &mut tx).await?;
    tx.commit().await?;
    confirm_others(app, client, draft, &made).await;
    Ok(Progress::Done(made.done(app)?))
}

/// Makes the account at once.
async fn create(app: &App, client: &Client, draft: &Draft) -> Result<Progress> {
    let entry = begun(app, client, draft, None).await?;
    let tx = app.store.begin().await?;
    write(app, client, draft, tx, entry).await
}

async fn write(
    app: &App,
    client: &Client,
    draft: &Draft,
    mut tx: Tx,
    entry: Option<FirstSession>,
) -> Result<Progress> {
    let made = made(app, client, draft, None, entry, &mut tx).await?;
    tx.commit().await?;
    confirm_others(app, client, draft, &made).await;
    Ok(Progress::Done(made.done(app)?))
}

/// Sends the codes of the addresses of a new account that count only once they are proven; the owner of a taken one is
/// told instead. Whatever keeps one back, the account is made: it may be asked for again.
async fn confirm_others(app: &App, client: &Client, draft: &Draft, made: &Made) {
    if made.waiting.is_empty() {
        return;
    }
    let account = match app.store.read().await {
        Ok(mut db) => account::even_disabled(&mut db, &made.user).await.ok().flatten(),
        Err(_) => None,
    };
    let Some(account) = account else { return };
    for id in &made.waiting {
        let Some(device) = account.device(id) else { continue };
        let Some(claim) = draft.devices.iter().find(|claim| claim.is(device)) else { continue };
        let (parcel, language) = (claim.parcel(), claim.reads(&draft.profile));
        let order = devices::order(app, &account, device, claim.owned_by_another, None);
        if let Err(error) = dispatch(app, client, &Order { parcel, or_notice: true, language, ..order }).await
        {
            tracing::debug!(%error, "the code of a new account's address is not sent now");
        }
    }
}

/// A new account, written and not yet committed.
struct Made {
    user: UserId,
    /// The addresses that wait for their proof, by the ids of their devices.
    waiting: Vec<DeviceId>,
    recovery_codes: Vec<Sensitive>,
    /// The first session; none where accounts wait for the operator.
    entered: Option<(FirstSession, Known)>,
}

impl Made {
    fn done(self, app: &App) -> Result<Done> {
        let tokens = |(FirstSession { opened, holder }, known)| tokens::tokens(app, &opened, known, &holder);
        let tokens = self.entered.map(tokens).transpose()?;
        let recovery_codes = self.recovery_codes;
        let tokens = tokens.map(|tokens| Tokens { recovery_codes, ..tokens });
        Ok(Done { tokens, ..Done::of(Purpose::Signup, self.user) })
    }
}

/// Writes the account with its first session; `proven` is the address that was, and how its code came.
async fn made(
    app: &App,
    client: &Client,
    draft: &Draft,
    proven: Option<&Proven>,
    entry: Option<FirstSession>,
    tx: &mut Tx,
) -> Result<Made> {
    telemetry::user(&draft.user);
    let entry = entry.map(|entry| FirstSession { opened: entry.opened.now(app), ..entry });
    let channel = proven.map(|proven| proven.channel.name());
    let session = entry.as_ref().map(|entry| &entry.opened.session.id);
    let written = draft.write(app, tx, proven.map(|proven| &proven.device), session).await?;
    let user = draft.user.clone();
    let (proofs, waiting) = (written.proofs(draft), written.waiting(app));
    let due = recovery_codes::are_due(app, 0, &written.holding(app, draft));
    let mut noted = written.noted(draft, By::User, channel);
    let (mut entered, mut recovery_codes) = (None, Vec::new());
    if let Some(entry) = entry {
        if due {
            let (made, event) = recovery_codes::write(app, tx, &user, By::Server).await?;
            recovery_codes = made;
            noted.push(event);
        }
        let shown = known::of(&proofs);
        let known = known::remember(app, tx, None, (&user, &shown), app.now()).await?;
        let proofs = standing::kept(app, &proofs, None);
        session_rows::insert(tx, &entry.opened.session, &proofs, known.id()).await?;
        noted.push(open::succeeded(Purpose::Signup, &entry.opened.session, false));
        entered = Some((entry, known));
    }
    app.events.write(tx, app.now(), &client.source(), &noted).await?;
    Ok(Made { user, waiting, recovery_codes, entered })
}

/// What a sign-up leads to, `proven` being the address that was.
async fn begun(
    app: &App,
    client: &Client,
    draft: &Draft,
    proven: Option<&DraftDevice>,
) -> Result<Option<FirstSession>> {
    first_session::ask(app, client, draft, proven, &basis(app, draft, proven)).await
}

/// What a sign-up has shown: the secrets that were set, and the address that was proven (R11).
fn basis(app: &App, draft: &Draft, proven: Option<&DraftDevice>) -> Basis {
    let mut passed = Vec::new();
    passed.extend(draft.hashes.keys().map(Passed::fixed));
    passed.extend(draft.hardcode.as_ref().map(|_| Passed::fixed("hardcode")));
    passed.extend(proven.map(|device| Passed::carried("passcode", device.kind.as_str())));
    let whole = |flow: &&flows::Flow| {
        flow.next(&passed).is_none() && draft.devices.iter().any(|d| d.kind == flow.identifier)
    };
    let flow = app.signin.iter().find(whole).map_or("signup", |flow| flow.name.as_str());
    Basis {
        flow: flow.to_owned(),
        acr: flows::level_of_passed(&passed, &app.words).acr().to_owned(),
        amr: flows::amr(&passed, &app.words).into_iter().map(str::to_owned).collect(),
    }
}

async fn order(
    app: &App,
    client: &Client,
    attempt: &Attempt,
    draft: &Draft,
    device: &DraftDevice,
    channel: Option<Channel>,
) -> Result<Order> {
    let withheld = Withheld::read(attempt.ways.as_deref())?;
    let usual = withheld.reaching(app, &device.kind, &device.delivery).first().copied();
    let subject = Subject::new(
        app,
        (client, Purpose::Signup),
        None,
        None,
        (&device.kind, &device.canonical),
        "passcode",
    );
    let channel = channel.or(usual).unwrap_or(Channel::Email);
    let to = Recipient::new(app, channel, &device.kind, (&device.canonical, &device.delivery));
    Ok(Order {
        parcel: device.parcel(),
        or_notice: true,
        long: subject.exhausted(app).await?,
        // The id of the account to be: whoever purges it finds all that led to it.
        user: Some(draft.user.clone()),
        subject: subject.name().to_owned(),
        language: device.reads(&draft.profile),
        ..Order::new(Purpose::Signup, (scope(attempt), device.kind.clone()), attempt.expires_at, to)
    })
}

/// What a sign-up asks: what its profile lacks, then the code of any address that has to be proven.
async fn asking(
    app: &App,
    client: &Client,
    attempt: &Attempt,
    handle: &Sensitive,
    draft: &Draft,
) -> Result<Progress> {
    let lacking = draft.lacking(app);
    let sent = challenges::in_scope(&mut app.store.read().await?, &scope(attempt)).await?;
    let withheld = Withheld::read(attempt.ways.as_deref())?;
    let entry = |device: &DraftDevice| {
        let channels = withheld.reaching(app, &device.kind, &device.delivery);
        let ask = Ask {
            device: Some(device.kind.clone()),
            channel: channels.first().map(|c| c.name().to_owned()),
            to: app.devices.kind(&device.kind).map(|kind| kinds::shown(kind, &device.delivery, &app.rules)),
            channels: channels.iter().map(|c| c.name().to_owned()).collect(),
            ..Ask::plain("passcode")
        };
        with_challenge(app, ask, sent.iter().find(|c| c.target == device.kind))
    };
    let ask = if lacking.is_empty() {
        left(app, &withheld, draft).map(entry).collect()
    } else {
        vec![profile::ask(app, client, language::wished(&draft.profile).as_deref(), &lacking)]
    };
    Ok(Progress::Ask(Asking {
        attempt: handle.clone(),
        purpose: Purpose::Signup,
        expires_in: seconds_until(app.now(), attempt.expires_at),
        ask,
    }))
}

fn scope(attempt: &Attempt) -> Scope {
    Scope::Attempt(attempt.id.clone())
}
