//! Sessions kept alive: a refresh token is used once, and one that comes again within its grace is answered again.

use crate::app::App;
use crate::auth::account;
use crate::auth::account::claims::Holder;
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::auth::sessions::basis::{Basis, Tokens, amr};
use crate::auth::sessions::tokens::access_only;
use crate::auth::sessions::{hooks, late};
use crate::base::{Millis, Sensitive, SessionId, UserId};
use crate::hooks::Point;
use crate::store::sessions::{self, Session, Turn};
use crate::store::users;
use crate::telemetry;
use crate::throttle::Keys;
use crate::tokens::refresh::Refresh;
use serde_json::Map;
use serde_json::Value;

/// Gives a new pair for a refresh token. The same token shown again within the grace gets the same
/// successor (R80); later, or a token from further back, ends the session (R79).
///
/// # Errors
/// [`AuthError::InvalidToken`], whatever is wrong with it.
pub async fn refresh(app: &App, client: &Client, text: &str) -> Result<(UserId, Tokens)> {
    let shown = Refresh::parse(text).ok_or(AuthError::InvalidToken)?;
    let id = SessionId::from(shown.session());
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
    telemetry::user(&session.user_id);
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
    let live = sessions::live(&mut app.store.read().await?, &shown.session().into(), now).await?;
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
    let whose = (&session.user_id, &session.id);
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
        telemetry::user(&session.user_id);
        crate::auth::sending::notices::reuse(app, client, &session).await?;
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
pub async fn bury(app: &App, id: &SessionId, now: Millis, idle_since: Millis) -> Result<()> {
    let mut tx = app.store.begin().await?;
    sessions::over(&mut tx, id, now, idle_since).await?;
    Ok(tx.commit().await?)
}
