//! API keys of backends: made and ended by the operator, hashed, with scopes.

use crate::app::App;
use crate::auth::error::{AuthError, Result};
use crate::base::seal::sha256_hex;
use crate::base::{Fault, Sensitive, Wrong, ids};
use crate::store::api_keys::{self, ApiKey};

/// What a key may do; to add a scope: a line here.
pub const SCOPES: &[(&str, &str)] = &[
    ("verify", "start and check verifications of numbers and addresses"),
    ("introspect", "ask whether a token is still good"),
];

/// Makes a key; its secret is shown this once.
pub async fn make(app: &App, name: &str, scopes: &[String]) -> Result<(String, Sensitive)> {
    let known: Vec<&str> = SCOPES.iter().map(|scope| scope.0).collect();
    if let Some(unknown) = scopes.iter().find(|scope| !known.contains(&scope.as_str())) {
        let (scope, names) = (format!("{unknown:?}"), known.join(", "));
        return Err(Fault::new("scope", Wrong::UnknownScope { scope, names }).into());
    }
    let secret = Sensitive::new(ids::handle(&app.random, ids::API_KEY));
    let id = app.random.uuid();
    let hash = sha256_hex(secret.expose().as_bytes());
    let mut tx = app.store.begin().await?;
    api_keys::insert(&mut tx, &id, name, &hash, &scopes.join(" "), app.now()).await?;
    tx.commit().await?;
    Ok((id, secret))
}

/// The live key with that secret, if it has the scope.
///
/// # Errors
/// [`AuthError::InvalidToken`] where there is no such key or it lacks the scope.
pub async fn check(app: &App, secret: &str, scope: &str) -> Result<ApiKey> {
    let hash = ids::stored(secret, ids::API_KEY).ok_or(AuthError::InvalidToken)?;
    let key = api_keys::live(&mut app.store.read().await?, &hash).await?;
    let allowed = |key: &ApiKey| key.scopes.split(' ').any(|has| has == scope);
    key.filter(allowed).ok_or(AuthError::InvalidToken)
}

/// All keys, ended ones too.
pub async fn list(app: &App) -> Result<Vec<ApiKey>> {
    Ok(api_keys::all(&mut app.store.read().await?).await?)
}

/// Ends a key at once.
///
/// # Errors
/// [`AuthError::NotFound`] where there is no such live key.
pub async fn end(app: &App, id: &str) -> Result<()> {
    let mut tx = app.store.begin().await?;
    let ended = api_keys::end(&mut tx, id, app.now()).await?;
    tx.commit().await?;
    if ended.is_yes() { Ok(()) } else { Err(AuthError::NotFound) }
}
