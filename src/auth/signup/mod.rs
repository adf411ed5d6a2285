//! Sign-up. Where an address must be proven before the account is made, there is only an attempt until
//! then, so that nobody can squat on somebody else's (R119, R120).
//!
//! A taken address is answered like a free one; its owner is told instead of being sent a code (R17).

mod code;
pub(super) mod draft;
pub(super) mod first_session;
pub(super) mod hooks;
mod made;
pub(super) mod offer;
pub(super) mod secrets;
mod taken;
pub(super) mod understand;

pub use code::send;

use crate::app::App;
use crate::auth::account::profile;
use crate::auth::attempts::progress::Progress;
use crate::auth::codes::vendor::{self, Hearer};
use crate::auth::codes::{challenge, look, shape};
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::Subject;
use crate::auth::input::{Client, Given};
use crate::base::seal::sha256_hex;
use crate::base::{Purpose, Sensitive, ids};
use crate::hooks::Point;
use crate::store::attempts::{self, Attempt};
use crate::store::challenges;
use crate::throttle::Keys;
use code::{asking, first_code, queue};
use draft::Draft;
use first_session::Proven;
use made::{begun, create, enter, finish, without_proof};
use offer::left;
use taken::{free, owned_by_another};

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

/// Answers a sign-up: the first proven address makes the account. Another name that no channel reaches, such as a
/// username, or another profile may come along, where what was chosen turned out to be taken.
pub async fn answer(
    app: &App,
    client: &Client,
    attempt: Attempt,
    handle: &Sensitive,
    given: &Given,
) -> Result<Progress> {
    let mut draft = Draft::open(app, &attempt)?;
    let lacked = !draft.lacking(app).is_empty();
    if lacked && given.profile.is_none() && given.identifiers.is_empty() {
        return Err(AuthError::NotAsked("profile".into()));
    }
    change(app, client, &attempt, (&mut draft, lacked), given).await?;
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
    prove(app, client, attempt, &draft, given.device.as_deref(), typed).await
}

/// Takes another name or a profile into the draft, whose profile `lacked` something; the code that waited for them leaves with it.
async fn change(
    app: &App,
    client: &Client,
    attempt: &Attempt,
    (draft, lacked): (&mut Draft, bool),
    given: &Given,
) -> Result<()> {
    let renamed = understand::rename(app, draft, given).await?;
    if let Some(profile) = &given.profile {
        draft.complete(app, profile)?;
    }
    let changed = renamed || given.profile.is_some();
    if changed && draft.lacking(app).is_empty() {
        hooks::before_signup(app, client, draft).await?;
    }
    let ready = if lacked { first_code(app, client, attempt, draft).await? } else { None };
    if changed {
        let mut tx = app.store.begin().await?;
        attempts::set_draft(&mut tx, &attempt.id, &draft.seal(app, &attempt.id)?).await?;
        queue(app, client, &mut tx, ready.as_ref()).await?;
        tx.commit().await?;
        app.wake.notify_one();
    }
    Ok(())
}

/// Looks at the code of an address; the account is made where it is right.
async fn prove(
    app: &App,
    client: &Client,
    mut attempt: Attempt,
    draft: &Draft,
    kind: Option<&str>,
    typed: &Sensitive,
) -> Result<Progress> {
    let scope = attempt.scope();
    let all = challenges::in_scope(&mut app.store.read().await?, &scope).await?;
    shape::of(app, &all, false, typed)?;
    let sent = challenge::last(&all, kind, app.now()).cloned();
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
    if let Some(taken) = owned_by_another(app, &mut tx, draft).await? {
        // The code is not spent: it comes again with another name.
        drop(tx);
        return profile::tell_taken(app, client, taken).await;
    }
    let proven = Proven { device, channel: sent.channel };
    if app.hooks.listen(Point::BeforeTokens) {
        // Nobody is asked within a transaction: what was proven is noted first.
        attempt.passed = first_session::note(&mut tx, &attempt, &proven).await?;
        tx.commit().await?;
        return enter(app, client, &attempt, draft, &proven).await;
    }
    let entry = begun(app, client, draft, Some(&proven.device)).await?;
    finish(app, client, tx, &attempt, draft, &proven, entry).await
}
