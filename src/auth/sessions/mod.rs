//! Sessions: opened by a finished sign-in, kept alive by refresh tokens, listed, ended.

pub(super) mod hooks;
pub mod introspect;
pub(super) mod late;
pub mod trusted;

use serde_json::{Map, Value};

use super::account::claims::{self, Holder};
use super::account::{self, events};
use super::attempts::progress::Tokens;
use super::error::{AuthError, Result};
use super::guesses::known::Known;
use super::input::Client;
use super::purpose::Purpose;
use crate::app::App;
use crate::base::clock::MINUTE;
use crate::base::{Millis, Sensitive};
use crate::events::{Event, Noted};
use crate::hooks::Point;
use crate::store::sessions::{self, Session, Turn};
use crate::store::{attempts, known_devices, users};
use crate::throttle::Keys;
use crate::tokens::jwt::{self, Access};
use crate::tokens::refresh::Refresh;

/// What was proven.
#[derive(Clone, Debug)]
pub struct Basis {
    /// The flow's name.
    pub flow: String,
    /// The level.
    pub acr: String,
    /// The factors (RFC 8176).
    pub amr: Vec<String>,
}

/// A session about to be stored, with its first refresh token.
pub struct Opened {
    /// The row.
    pub session: Session,
    /// The token.
    pub refresh: Refresh,
}

/// Makes a session; always a new id (R85).
pub fn open(app: &App, client: &Client, user_id: &str, basis: &Basis) -> Result<Opened> {
    let now = app.now();
    let id = app.random.uuid();
    let refresh = Refresh::first(&id, &app.random, &app.sealer);
    let refresh = refresh.ok_or_else(|| AuthError::Internal("a session id is no UUID".into()))?;
    let session = Session {
        refresh_hash: refresh.hash(),
        id,
        user_id: user_id.to_owned(),
        generation: 0,
        rotated_at: now,
        flow: basis.flow.clone(),
        acr: basis.acr.clone(),
        amr: basis.amr.join(" "),
        auth_time: now,
        ip: client.place(),
        agent: client.agent.clone(),
        created_at: now,
        expires_at: now + app.settings.tokens.session_lifetime.millis(),
    };
    Ok(Opened { session, refresh })
}

impl Opened {
    /// The same as opened now: what was waited for since, hooks above all, is no part of its life.
    #[must_use]
    pub fn now(self, app: &App) -> Self {
        let now = app.now();
        let expires_at = now + app.settings.tokens.session_lifetime.millis();
        let session =
            Session { rotated_at: now, auth_time: now, created_at: now, expires_at, ..self.session };
        Self { session, ..self }
    }
}

/// The event that a session was opened or raised; `recovery_code` where one stood in for a passcode.
pub fn succeeded(purpose: Purpose, session: &Session, recovery_code: bool) -> Noted {
    let event = Event::SigninSucceeded {
        purpose: purpose.name(),
        flow: session.flow.clone(),
        acr: session.acr.clone(),
        amr: amr(session),
        recovery_code,
    };
    event.of(&session.user_id).in_session(&session.id)
}

/// The factors that a session is of.
fn amr(session: &Session) -> Vec<String> {
    session.amr.split(' ').filter(|m| !m.is_empty()).map(str::to_owned).collect()
}

/// What the client carries after a session was opened.
pub fn tokens(app: &App, opened: &Opened, known: Known, holder: &Holder) -> Result<Tokens> {
    let known_device = known.credential();
    let refresh_token = Some(Sensitive::new(opened.refresh.text()));
    Ok(Tokens { refresh_token, known_device, ..access_only(app, &opened.session, holder)? })
}

/// An access token of a session, alone.
pub fn access_only(app: &App, session: &Session, holder: &Holder) -> Result<Tokens> {
    let now = app.now().div_euclid(1_000);
    let expires_in = app.settings.tokens.access_lifetime.seconds();
    let ends = now + i64::try_from(expires_in).unwrap_or(0);
    let claims = Access {
        iss: app.settings.issuer().to_owned(),
        aud: app.settings.audience().to_owned(),
        sub: session.user_id.clone(),
        // A token never outlives its session.
        exp: ends.min(session.expires_at.div_euclid(1_000)),
        iat: now,
        jti: app.random.uuid(),
        sid: session.id.clone(),
        acr: session.acr.clone(),
        amr: amr(session),
        auth_time: session.auth_time.div_euclid(1_000),
        nbf: None,
        more: claims::of(app, holder),
    };
    let token = jwt::sign(&app.keys, jwt::ACCESS, &claims);
    let token = token.map_err(|_| AuthError::Internal("there is no signing key".into()))?;
    Ok(Tokens {
        access_token: Sensitive::new(token),
        expires_in: u64::try_from(claims.exp - now).unwrap_or(0),
        refresh_token: None,
        known_device: None,
        recovery_code: None,
        recovery_codes: Vec::new(),
    })
}

/// Gives a new pair for a refresh token. The same token shown again within the grace gets the same
/// successor (R80); later, or a token from further back, ends the session (R79).
///
/// # Errors
/// [`AuthError::InvalidToken`], whatever is wrong with it.
pub async fn refresh(app: &App, client: &Client, text: &str) -> Result<(String, Tokens)> {
    let shown = Refresh::parse(text).ok_or(AuthError::InvalidToken)?;
    let id = shown.session();
    // Whether it rests for too long, or was shown again too late, is judged by when the call came: what it waits for
    // here ends no session.
    let came = app.now();
    bound(app, client, &shown).await?;
    let next = shown.successor(&app.sealer);
    let turn = Turn {
        id: &id,
        from: &shown.hash(),
        to: &next.hash(),
        generation: i64::from(shown.generation()),
        idle_since: idle_since(app, came),
    };
    let more = ask(app, client, &shown, &turn, came).await?;
    let mut tx = app.store.begin().await?;
    let rotated = sessions::rotate(&mut tx, &turn, app.now()).await?;
    if let Err(error) = tx.commit().await {
        if rotated.is_some() {
            late::mind(app, &error, &id, turn.to);
        }
        return Err(error.into());
    }
    let (session, holder) = match rotated {
        Some(rotated) => {
            let (groups, profile) = (rotated.group_names, rotated.profile);
            (rotated.session, Holder { groups, profile, more })
        }
        None => {
            let (session, holder) = again(app, client, &shown, &turn, came).await?;
            (session, Holder { more, ..holder })
        }
    };
    let tokens =
        Tokens { refresh_token: Some(Sensitive::new(next.text())), ..access_only(app, &session, &holder)? };
    Ok((session.user_id, tokens))
}

/// Where the network asks too often, the tokens of live sessions go on, a few a minute for each account. The id of a
/// session is no secret: whoever merely knows it uses nothing of them up.
async fn bound(app: &App, client: &Client, shown: &Refresh) -> Result<()> {
    let now = app.now();
    let Err(full) = app.throttle.check("token", now, &client.keys()).await else { return Ok(()) };
    if !shown.is_genuine(&app.sealer) {
        return Err(full.into());
    }
    let live = sessions::live(&mut app.store.read().await?, &shown.session(), now).await?;
    let account = live.ok_or(full)?.user_id;
    let keys = Keys { account: Some(&account), apart: true, ..Keys::default() };
    Ok(app.throttle.check("token_beyond", now, &keys).await?)
}

/// Asks the hooks about a refresh, before anything of it is written: where they refuse, the token that was shown stays
/// good. Nobody is asked of a token that gives nothing.
async fn ask(
    app: &App,
    client: &Client,
    shown: &Refresh,
    turn: &Turn<'_>,
    came: Millis,
) -> Result<Map<String, Value>> {
    if !app.hooks.listen(Point::BeforeTokens) {
        return Ok(Map::new());
    }
    let live = sessions::live(&mut app.store.read().await?, turn.id, app.now()).await?;
    let turns = |s: &Session| {
        s.refresh_hash == turn.from && s.generation == turn.generation && s.rotated_at > turn.idle_since
    };
    let session = match live.filter(turns) {
        Some(session) => session,
        None => again(app, client, shown, turn, came).await?.0,
    };
    let account = account::by_id(&mut app.store.read().await?, &session.user_id).await?;
    let account = account.ok_or(AuthError::InvalidToken)?;
    let basis = Basis { flow: session.flow.clone(), acr: session.acr.clone(), amr: amr(&session) };
    let whose = (session.user_id.as_str(), session.id.as_str());
    hooks::before_tokens(app, "refresh", whose, &basis, (&account).into()).await
}

/// Sessions that were not refreshed since then are over at `now`.
pub fn idle_since(app: &App, now: Millis) -> Millis {
    now - app.settings.tokens.idle_lifetime.millis()
}

/// A token that is not the live one: retried a moment ago, or stolen, or over. `came` is when it was shown.
async fn again(
    app: &App,
    client: &Client,
    shown: &Refresh,
    turn: &Turn<'_>,
    came: Millis,
) -> Result<(Session, Holder)> {
    let (session, retried) = as_shown(app, turn, came).await?;
    let now = app.now();
    let rests = session.refresh_hash == turn.from && session.rotated_at <= turn.idle_since;
    if session.expires_at <= now || rests {
        bury(app, turn.id, now, turn.idle_since).await?;
        return Err(AuthError::InvalidToken);
    }
    let ahead = session.rotated_at > now;
    if retried {
        let user = users::by_id(&mut app.store.read().await?, &session.user_id).await?;
        let user = user.ok_or(AuthError::InvalidToken)?;
        if ahead {
            let mut tx = app.store.begin().await?;
            sessions::bring_back(&mut tx, turn.id, now).await?;
            tx.commit().await?;
        }
        return Ok((session, Holder::of(&user)));
    }
    let generation = u32::try_from(session.generation).unwrap_or(u32::MAX);
    if shown.was_live_before(generation, &app.sealer) {
        super::codes::notices::reuse(app, client, &session).await?;
    }
    Err(AuthError::InvalidToken)
}

/// The session of a token that is not the live one, and whether the one that took its place may be asked for again: that is
/// within the grace, or nobody was given it yet. What another instance is about to note of that is waited for.
async fn as_shown(app: &App, turn: &Turn<'_>, came: Millis) -> Result<(Session, bool)> {
    let by_id =
        async || sessions::by_id(&mut app.store.read().await?, turn.id).await?.ok_or(AuthError::InvalidToken);
    // Where the one that took its place is no more the live one, it was used: it was given.
    let within =
        |s: &Session| s.refresh_hash == turn.to && s.rotated_at + app.settings.tokens.grace.millis() >= came;
    let session = by_id().await?;
    let ungiven = session.refresh_hash == turn.to && app.ungiven.has(turn.to);
    if ungiven || within(&session) {
        return Ok((session, true));
    }
    if session.refresh_hash != turn.to || !late::may_be_noted(app, session.rotated_at, came) {
        return Ok((session, false));
    }
    late::give_time().await;
    let session = by_id().await?;
    let retried = within(&session);
    Ok((session, retried))
}

/// Deletes a session that was refused because it was over: no clock that goes back makes it good again.
pub async fn bury(app: &App, id: &str, now: Millis, idle_since: Millis) -> Result<()> {
    let mut tx = app.store.begin().await?;
    sessions::over(&mut tx, id, now, idle_since).await?;
    Ok(tx.commit().await?)
}

/// Who calls with an access token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The live session.
    pub session: Session,
}

/// The live session of an access token. The token is checked, and then the session: an ended one is
/// refused at once (R83).
///
/// # Errors
/// [`AuthError::InvalidToken`].
pub async fn caller(app: &App, token: &str) -> Result<Caller> {
    holder(app, &verified(app, token)?).await
}

/// The live session of a token whose claims were checked; otherwise as [`caller`].
///
/// # Errors
/// [`AuthError::InvalidToken`].
pub async fn holder(app: &App, claims: &Access) -> Result<Caller> {
    let mut db = app.store.read().await?;
    let session = sessions::live(&mut db, &claims.sid, app.now()).await?;
    // Whoever disables an account ends its sessions in the same transaction, and no sign-in slips behind it
    // (`users::sign_in`): a live session is one of an account in use.
    let session = session.filter(|s| s.user_id == claims.sub).ok_or(AuthError::InvalidToken)?;
    Ok(Caller { session })
}

/// The claims of an access token that is signed by us, for us, and not over.
pub fn verified(app: &App, token: &str) -> Result<Access> {
    jwt::verify(&app.keys, token, app.settings.issuer(), app.settings.audience(), app.now())
        .map_err(|_| AuthError::InvalidToken)
}

/// The live sessions of the caller.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Session>> {
    Ok(sessions::of_user(&mut app.store.read().await?, &caller.session.user_id, app.now()).await?)
}

/// Ends the caller's own session.
pub async fn end_own(app: &App, client: &Client, caller: &Caller) -> Result<()> {
    end(app, client, caller, &caller.session.id).await
}

/// Ends one of the caller's sessions; the device that another one was opened at is known no more where the caller has
/// proven lately who they are.
///
/// # Errors
/// [`AuthError::NotFound`] where it is none of theirs.
pub async fn end(app: &App, client: &Client, caller: &Caller, id: &str) -> Result<()> {
    let user = &caller.session.user_id;
    // Whoever only found a session open leaves its owner known elsewhere.
    let (now, shown) = (app.now(), caller.session.auth_time);
    let proven = (now - app.settings.reauth.fresh.millis()..=now + MINUTE).contains(&shown);
    let mut tx = app.store.begin().await?;
    // Sessions before known devices, as everywhere: otherwise two of these could wait for each other.
    let ended = sessions::end(&mut tx, id, user).await?.ok_or(AuthError::NotFound)?;
    if let Some(known) = ended.known_device.filter(|_| proven && id != caller.session.id) {
        known_devices::forget_one(&mut tx, user, &known, &caller.session.id).await?;
    }
    let ended = Event::SessionEnded { reason: "signed_out", count: 1 }.of(user).in_session(id);
    app.events.write(&mut tx, app.now(), &client.source(), &[ended]).await?;
    Ok(tx.commit().await?)
}

/// Ends all of the caller's sessions, this one too, and forgets their known devices.
pub async fn end_all(app: &App, client: &Client, caller: &Caller) -> Result<()> {
    let user = &caller.session.user_id;
    let mut tx = app.store.begin().await?;
    // Whoever stands in the middle of a sign-in is none of those that are meant to stay.
    attempts::drop_of_user(&mut tx, user).await?;
    let ended = sessions::end_all(&mut tx, user).await?;
    known_devices::forget(&mut tx, user).await?;
    let noted: Vec<Noted> = events::ended(user, "signed_out", ended).into_iter().collect();
    app.events.write(&mut tx, app.now(), &client.source(), &noted).await?;
    Ok(tx.commit().await?)
}
