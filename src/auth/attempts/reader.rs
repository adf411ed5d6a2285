//! The way that a mail opens to whoever reads it. Where nothing can be shown before a code, in a recovery and in
//! flows that begin with one, strangers may use up what an address is sent; so every such mail is its reader's way
//! on, whoever caused it. Its link opens a page where the code beside it is typed, and from there goes an attempt of
//! the reader's own. The attempt that asked gains nothing by it, and its code is spent. A robot opens and presses,
//! and types no code (R52–R54).

use super::progress::Progress;
use super::walk::Walk;
use crate::app::App;
use crate::auth::account::proof::Proof;
use crate::auth::account::{self, Account};
use crate::auth::codes::{challenge, look, shape};
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::{self, Subject};
use crate::auth::input::Client;
use crate::auth::sending::mutes;
use crate::auth::sending::way::{Begin, muted};
use crate::base::seal::sha256_hex;
use crate::base::{Millis, Purpose, Scope, Sensitive, UserId};
use crate::secrets::passcode;
use crate::store::challenges::{self, Challenge};
use crate::store::devices::Device;
use crate::store::{Changed, Tx};

/// Codes that may be typed at the link of somebody who muted strangers.
const MUTED_GUESSES: i64 = 100;

const PASSCODE: &str = "passcode";

/// What the reader of a mail wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// To go on.
    #[default]
    GoOn,
    /// To go on where they began: one code more goes to whoever asks for it from here.
    Wait,
    /// To be sent nothing that strangers ask for, for a day.
    Mute,
}

impl Wish {
    /// The names, as a client says them.
    pub const NAMES: [&str; 3] = ["go_on", "wait", "mute"];

    /// The wish of that name; to go on where there is none.
    pub fn named(name: Option<&str>) -> Self {
        match name {
            Some("wait") => Self::Wait,
            Some("mute") => Self::Mute,
            _ => Self::GoOn,
        }
    }
}

/// What became of it.
pub enum Outcome {
    /// The attempt of the reader's own.
    Went(Box<Progress>),
    /// A code that is asked for from the reader's network is sent.
    Awaited,
    /// Strangers are muted until then.
    Muted(Millis),
}

impl Walk<'_> {
    /// What an attempt of whoever reads the mail begins by; `factor` where the code only sets that one's guesses apart.
    pub(super) fn begin_again(&self, factor: Option<&str>) -> Begin {
        Begin {
            purpose: self.purpose.name().to_owned(),
            kind: self.attempt.kind.clone(),
            canonical: self.attempt.canonical.clone(),
            user: self.attempt.user_id.clone(),
            credentials: self.attempt.credentials,
            factor: factor.map(str::to_owned),
        }
    }
}

/// Goes on by the code that stands beside the link.
///
/// # Errors
/// [`AuthError::WrongSecret`] after counting the guess; [`AuthError::LinkDead`]; and whatever an attempt gives.
pub async fn take(
    app: &App,
    client: &Client,
    (way, key): (&Challenge, &str),
    typed: &Sensitive,
    wish: Wish,
) -> Result<Outcome> {
    shape::of_one(way, PASSCODE, typed)?;
    let begin: Begin = read(way)?;
    let purpose = way.purpose;
    let (account, device) = reader(app, way, &begin).await?;
    let mut tx = app.store.begin().await?;
    if let Err(error) =
        right(app, &mut tx, client, (way, key), (&begin, purpose, &account.user.id), typed).await
    {
        tx.commit().await?;
        return Err(error);
    }
    match wish {
        Wish::GoOn => {}
        Wish::Wait => {
            mutes::wait_for(app, &mut tx, client, &way.address).await?;
            tx.commit().await?;
            return Ok(Outcome::Awaited);
        }
        Wish::Mute => {
            let until = mutes::mute(app, &mut tx, &way.address).await?;
            keep(app, &mut tx, (way, key), typed, until).await?;
            tx.commit().await?;
            return Ok(Outcome::Muted(until));
        }
    }
    let goes_on = Purpose::named(&begin.purpose).ok_or(AuthError::LinkDead)?;
    let mut walk = Walk::begin(app, client, goes_on, (&begin.kind, &begin.canonical), Some(account));
    match &begin.factor {
        Some(factor) => walk.count_apart(factor, &guesses::at(app, &way.address))?,
        None => walk.proofs.push(Proof::passcode(&device.kind, &device.id)),
    }
    // Kept where the way is spent: whatever comes after, the reader has an attempt to go on in.
    walk.noted.push(look::succeeded(purpose, way.channel.name(), begin.user.as_ref()));
    walk.keep(&mut tx).await?;
    walk.commit(tx).await?;
    Ok(Outcome::Went(Box::new(Box::pin(walk.go_on()).await?)))
}

/// Lets strangers ask for codes again, by the code that muted them.
///
/// # Errors
/// [`AuthError::WrongSecret`] after counting the guess.
pub async fn unmute(app: &App, client: &Client, muted: &Challenge, typed: &Sensitive) -> Result<()> {
    shape::of_one(muted, PASSCODE, typed)?;
    let subject = Subject::new(
        app,
        (client, Purpose::Unlock),
        None,
        None,
        ("muted", &muted.scope.to_string()),
        PASSCODE,
    );
    let mut tx = app.store.begin().await?;
    let looked = look::look(app, &mut tx, Some(muted), typed, &subject).await;
    if let (Ok(_), Scope::Muted(name)) = (&looked, &muted.scope) {
        mutes::unmute(&mut tx, name).await?;
    }
    tx.commit().await?;
    looked
}

fn read(way: &Challenge) -> Result<Begin> {
    let begin = way.way_from.as_deref().ok_or(AuthError::LinkDead)?;
    serde_json::from_str(begin).map_err(|error| AuthError::Internal(error.to_string()))
}

/// Whose account it is, as it was when the mail left, and the device that the mail went to.
async fn reader(app: &App, way: &Challenge, begin: &Begin) -> Result<(Account, Device)> {
    let user = begin.user.as_ref().ok_or(AuthError::LinkDead)?;
    let account = account::by_id(&mut app.store.read().await?, user).await?;
    let account = account.filter(|account| Some(account.user.credentials) == begin.credentials);
    let account = account.ok_or(AuthError::LinkDead)?;
    let device = account.confirmed().find(|d| d.delivery.as_deref() == Some(&way.address)).cloned();
    Ok((account, device.ok_or(AuthError::LinkDead)?))
}

/// Looks at the code, and spends the way. Only who has the key can guess at all, so each mail has a few guesses of its
/// own, and no stranger uses them up.
async fn right(
    app: &App,
    tx: &mut Tx,
    client: &Client,
    (way, key): (&Challenge, &str),
    (begin, purpose, user): (&Begin, Purpose, &UserId),
    typed: &Sensitive,
) -> Result<()> {
    let hash = sha256_hex(key.as_bytes());
    let stored = challenges::guess_way(tx, &way.id, &hash, app.now()).await?.ok_or(AuthError::LinkDead)?;
    let place = challenge::place(&way.scope, &way.target);
    if !passcode::matches(&app.sealer, &place, typed.expose(), &stored) {
        let subject = Subject::new(app, (client, purpose), None, None, ("way", &way.address), PASSCODE);
        let subject = subject.called(&begin.kind).about(user);
        subject.fail(app, tx, way.channel.name()).await?;
        return Err(look::wrong(PASSCODE, Some((way.max_guesses - way.way_guesses - 1).max(0))));
    }
    match challenges::spend_way(tx, &way.id, &hash).await? {
        Changed::Yes => Ok(()),
        Changed::No => Err(AuthError::LinkDead),
    }
}

/// Keeps the link and its code for as long as strangers are muted.
async fn keep(
    app: &App,
    tx: &mut Tx,
    (way, key): (&Challenge, &str),
    typed: &Sensitive,
    until: Millis,
) -> Result<()> {
    let (scope, target) = (muted(app, &way.address), app.random.uuid());
    let code = passcode::normal(typed.expose()).unwrap_or_default();
    let kept = Challenge {
        id: app.random.uuid(),
        code: passcode::stored(&app.sealer, &challenge::place(&scope, &target), code.expose()),
        key_hash: sha256_hex(key.as_bytes()),
        scope,
        target,
        guesses: 0,
        // Who has the link, and no code, shall not take away that strangers are let in again.
        max_guesses: MUTED_GUESSES,
        sent_at: app.now(),
        expires_at: until,
        spent_at: None,
        way_key: None,
        way_code: None,
        way_ends: None,
        way_from: None,
        ..way.clone()
    };
    challenges::put(tx, &kept, app.now()).await?.either_way();
    Ok(())
}
