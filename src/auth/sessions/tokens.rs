//! The tokens of a session.

use crate::app::App;
use crate::auth::account::claims::{self, Holder};
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::known::Known;
use crate::auth::sessions::basis::{Caller, Tokens, amr};
use crate::auth::sessions::open::Opened;
use crate::base::Sensitive;
use crate::store::sessions::{self, Session};
use crate::tokens::jwt::{self, Access};

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
        sub: session.user_id.to_string(),
        // A token never outlives its session.
        exp: ends.min(session.expires_at.div_euclid(1_000)),
        iat: now,
        jti: app.random.uuid(),
        sid: session.id.to_string(),
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

/// The live session of a token whose claims were checked; otherwise as [`super::caller`].
///
/// # Errors
/// [`AuthError::InvalidToken`].
pub async fn holder(app: &App, claims: &Access) -> Result<Caller> {
    let mut db = app.store.read().await?;
    let session = sessions::live(&mut db, &claims.sid.as_str().into(), app.now()).await?;
    // Whoever disables an account ends its sessions in the same transaction, and no sign-in slips behind it
    // (`users::sign_in`): a live session is one of an account in use.
    let session = session.filter(|s| s.user_id == claims.sub).ok_or(AuthError::InvalidToken)?;
    Ok(Caller { session })
}
