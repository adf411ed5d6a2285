//! Verifications: proof that somebody holds a number or an address, with no user involved.

use super::codes::vendor::{self, Hearer};
use super::error::{AuthError, Result};
use super::guesses::Subject;
use super::input::{Client, understand};
use super::sending::counted::{counted, of_key};
use super::sending::line_type;
use super::sending::order::{Counted, Order};
use super::sending::reach::reaching;
use crate::app::App;
use crate::auth::ask::Ask;
use crate::auth::codes::shown::with_challenge;
use crate::auth::codes::{challenge, look, send, shape};
use crate::auth::sending::recipient::Recipient;
use crate::base::seal::sha256_hex;
use crate::base::{Fault, Millis, Purpose, Scope, Sensitive, Wrong, ids};
use crate::devices::{self, phone};
use crate::messages::Channel;
use crate::secrets::passcode;
use crate::store::api_keys::ApiKey;
use crate::store::challenges::{self, Challenge};
use crate::throttle::Keys;
use crate::tokens::jwt::{self, Proof};

/// The one target of a verification's scope.
const TARGET: &str = "to";

/// A verification under way.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The handle to check it by.
    pub handle: Sensitive,
    /// What was sent and where.
    pub ask: Ask,
}

/// A verification that was passed.
#[derive(Clone, Debug)]
pub struct Passed {
    /// The number or address in its canonical form.
    pub to: String,
    /// How it was reached.
    pub channel: String,
    /// When, in seconds since the epoch.
    pub verified_at: i64,
    /// A JWT that says so, checkable by the JWKS.
    pub proof: Sensitive,
}

/// Sends a code to a number or an address.
pub async fn start(
    app: &App,
    client: &Client,
    key: &ApiKey,
    to: &str,
    channel: Option<Channel>,
) -> Result<Pending> {
    let kind = kind(to, channel)?;
    let address = understand(app, kind, to).map_err(called_to)?.address;
    let usual = || reaching(app, kind, &address.delivery).first().copied();
    let wanted = channel.or_else(usual);
    let channel = wanted.unwrap_or(if kind == "email" { Channel::Email } else { Channel::Sms });
    if !app.channels.contains(&channel) {
        let able: Vec<_> = app.channels.iter().map(|c| c.name()).collect();
        let wrong = Wrong::NotAvailable { channel: channel.to_string(), names: able.join(", ") };
        return Err(Fault::new("channel", wrong).into());
    }
    if kind == "phone" {
        phone::sendable(&address.canonical, &app.rules).map_err(|fault| called_to(fault.into()))?;
    }
    let keys = Keys { key: Some(&key.id), ip: Some(client.ip), ..Keys::default() };
    app.throttle.check("verification", app.now(), &keys).await?;
    if kind == "phone" {
        line_type::check(app, &address.canonical, &of_key(&key.id)).await.map_err(called_to)?;
    }
    let handle = Sensitive::new(ids::handle(&app.random, ids::VERIFICATION));
    let guessed = subject(app, client, &address.canonical);
    let to = Recipient::new(app, channel, kind, (&address.canonical, &address.delivery));
    let order = Order {
        long: guessed.exhausted(app).await?,
        subject: guessed.name().to_owned(),
        counted: Counted::Openly(key.id.clone()),
        ..Order::new(Purpose::Verification, (scope(key, &handle), TARGET.to_owned()), Millis::MAX, to)
    };
    let ready = send::prepare(app, client, &order).await?;
    let mut tx = app.store.begin().await?;
    let sent = send::write(app, &mut tx, &ready).await?;
    app.events.write(&mut tx, app.now(), &client.source(), &[sent]).await?;
    tx.commit().await?;
    app.wake.notify_one();
    pending(app, key, handle).await
}

/// A fault of the address is a fault of the field `to`.
fn called_to(error: AuthError) -> AuthError {
    match error {
        AuthError::Faults(faults) => {
            AuthError::Faults(faults.into_iter().map(|f| Fault { field: "to".into(), ..f }).collect())
        }
        other => other,
    }
}

fn kind(to: &str, channel: Option<Channel>) -> Result<&'static str> {
    if !to.contains('@') && !to.chars().any(char::is_numeric) {
        return Err(Fault::new("to", Wrong::InvalidTo).into());
    }
    let kind = if to.contains('@') { "email" } else { "phone" };
    let fits = channel.is_none_or(|channel| (channel == Channel::Email) == (kind == "email"));
    if fits { Ok(kind) } else { Err(Fault::new("channel", Wrong::DoesNotFit).into()) }
}

async fn pending(app: &App, key: &ApiKey, handle: Sensitive) -> Result<Pending> {
    let sent = find(app, key, &handle).await?;
    let kind = if sent.channel == Channel::Email { "email" } else { "phone" };
    let ask = Ask {
        channel: Some(sent.channel.name().to_owned()),
        to: app.plan.devices.kind(kind).map(|kind| devices::shown(kind, &sent.address, &app.rules)),
        channels: vec![sent.channel.name().to_owned()],
        ..Ask::plain("passcode")
    };
    let mut ask = with_challenge(app, ask, Some(&sent));
    let now = app.now();
    let wait = sent.sent_at.min(now) + app.settings.verification.resend.millis();
    ask.resend_in = Some(crate::base::clock::seconds_until(now, wait));
    Ok(Pending { handle, ask })
}

/// Looks at a code. A right one gives a signed proof; by setting it stays good until it expires.
pub async fn check(
    app: &App,
    client: &Client,
    key: &ApiKey,
    handle: &Sensitive,
    typed: &Sensitive,
) -> Result<Passed> {
    let sent = find(app, key, handle).await?;
    let keys = Keys { key: Some(&key.id), ip: Some(client.ip), ..Keys::default() };
    app.throttle.check("check", app.now(), &keys).await?;
    let channel = if sent.channel == Channel::Email { Channel::Email } else { Channel::Sms };
    let canonical = counted(app, channel, &sent.address);
    let looked = look(app, client, &sent, &canonical, typed).await;
    if let Err(AuthError::WrongSecret { .. }) = looked {
        // Once it was looked at: whoever types wrong codes for an address has no right one of its owner refused.
        let address = app.subject(&["address", &canonical]);
        let keys = Keys { address: Some(&address), from: Some(client.ip), again: true, ..Keys::default() };
        app.throttle.check("check", app.now(), &keys).await?;
    }
    looked?;
    prove(app, &sent)
}

async fn look(
    app: &App,
    client: &Client,
    sent: &Challenge,
    canonical: &str,
    typed: &Sensitive,
) -> Result<()> {
    let subject = subject(app, client, canonical);
    let _turn = subject.turn(app).await?;
    shape::of(app, std::slice::from_ref(sent), false, typed)?;
    vendor::settle(app, Some(sent), typed, &subject, Hearer::Owner).await?;
    let mut tx = app.store.begin().await?;
    let looked = if app.settings.verification.reuse {
        look_again(app, &mut tx, sent, typed, &subject).await
    } else {
        look::look(app, &mut tx, Some(sent), typed, &subject).await
    };
    if looked.is_ok() {
        let right = look::succeeded(Purpose::Verification, sent.channel.name(), None);
        app.events.write(&mut tx, app.now(), &client.source(), &[right]).await?;
    }
    tx.commit().await?;
    looked
}

/// Whose guesses are counted: those at an address, whoever asks for its codes and however it is spelled.
fn subject(app: &App, client: &Client, canonical: &str) -> Subject {
    Subject::new(app, (client, Purpose::Verification), None, None, ("verification", canonical), "passcode")
}

/// A code that stays good until it expires.
async fn look_again(
    app: &App,
    tx: &mut crate::store::Tx,
    sent: &Challenge,
    typed: &Sensitive,
    subject: &Subject,
) -> Result<()> {
    if let Some(gone) = look::gone(app, &Challenge { spent_at: None, ..sent.clone() }, subject) {
        look::bury(app, tx, Some(sent)).await?;
        return Err(gone);
    }
    let so_far = subject.judge(app, tx, challenge::bound(Some(sent))).await?;
    let stored = challenges::guess_again(tx, &sent.id, app.now()).await?;
    let place = challenge::place(&sent.scope, &sent.target);
    if stored.is_some_and(|stored| passcode::matches(&app.sealer, &place, typed.expose(), &stored)) {
        challenges::prove(tx, &sent.id, app.now()).await?;
        look::note_conversion(app, tx, sent).await?;
        return subject.succeed(tx, &so_far).await;
    }
    subject.fail(app, tx, sent.channel.name()).await?;
    Err(look::wrong("passcode", Some((sent.max_guesses - sent.guesses - 1).max(0))))
}

fn prove(app: &App, sent: &Challenge) -> Result<Passed> {
    let now = app.now().div_euclid(1_000);
    let lifetime = i64::try_from(app.settings.verification.proof_lifetime.seconds()).unwrap_or(0);
    let claims = Proof {
        iss: app.settings.issuer().to_owned(),
        exp: now + lifetime,
        iat: now,
        jti: app.random.uuid(),
        to: sent.address.clone(),
        channel: sent.channel.name().to_owned(),
        verified_at: now,
    };
    let proof = jwt::sign(&app.keys, jwt::PROOF, &claims);
    let proof = proof.map_err(|_| AuthError::Internal("there is no signing key".into()))?;
    Ok(Passed { to: claims.to, channel: claims.channel, verified_at: now, proof: Sensitive::new(proof) })
}

/// Gives a verification up.
pub async fn cancel(app: &App, key: &ApiKey, handle: &Sensitive) -> Result<()> {
    let sent = find(app, key, handle).await?;
    let mut tx = app.store.begin().await?;
    challenges::drop_scope(&mut tx, &scope(key, handle)).await?;
    tx.commit().await?;
    vendor::cancel(app, &sent).await;
    Ok(())
}

async fn find(app: &App, key: &ApiKey, handle: &Sensitive) -> Result<Challenge> {
    ids::stored(handle.expose(), ids::VERIFICATION).ok_or(AuthError::NotFound)?;
    let sent = challenges::in_scope(&mut app.store.read().await?, &scope(key, handle)).await?;
    sent.into_iter().next().ok_or(AuthError::NotFound)
}

/// A verification belongs to the API key that began it.
fn scope(key: &ApiKey, handle: &Sensitive) -> Scope {
    Scope::Verification(format!("{}/{}", key.id, sha256_hex(handle.expose().as_bytes())))
}
