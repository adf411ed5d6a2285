//! A recovery that somebody vouched for: whoever holds its handle has nothing more to prove, and sets what the end of
//! a recovery asks for (`attempts/recover.rs`). It is good once, and dies with the next change of the account (R7).

use crate::app::App;
use crate::auth::account::proof::Proof;
use crate::auth::error::{AuthError, Result};
use crate::base::seal::sha256_hex;
use crate::base::{DeviceId, Millis, Purpose, Sensitive, UserId, ids};
use crate::store::attempts::{self, Attempt};
use crate::store::{Tx, users};

/// Makes such a recovery of a user, and gives its handle, which is shown once; `identifier` (kind and canonical form,
/// or both empty) is by what the user is recovered, `device` the one that stands behind it alone; `had` are the fixed
/// secrets that were there until now. To be called when the transaction has changed the account and dropped its
/// attempts: a change behind it would be its end.
///
/// # Errors
/// [`AuthError::NotFound`] where nobody has that id, or they are deleted.
pub(in crate::auth) async fn begin(
    app: &App,
    tx: &mut Tx,
    user_id: &UserId,
    identifier: (&str, &str),
    device: Option<&DeviceId>,
    had: &[String],
    lifetime: Millis,
) -> Result<Sensitive> {
    let user = users::by_id(tx, user_id).await?.filter(|user| user.deleted_at.is_none());
    let user = user.ok_or(AuthError::NotFound)?;
    let handle = Sensitive::new(ids::handle(&app.random, ids::ATTEMPT));
    let mut proofs = vec![Proof::vouched(device)];
    proofs.extend(had.iter().map(|name| Proof::lost(name)));
    let passed = serde_json::to_string(&proofs);
    let (id, now) = (sha256_hex(handle.expose().as_bytes()).into(), app.now());
    let attempt = Attempt {
        kind: identifier.0.to_owned(),
        canonical: identifier.1.to_owned(),
        user_id: Some(user.id),
        credentials: Some(user.credentials),
        passed: passed.map_err(|error| AuthError::Internal(error.to_string()))?,
        ..Attempt::new(id, Purpose::Recovery, (now, now + lifetime))
    };
    attempts::insert(tx, &attempt).await?;
    Ok(handle)
}

/// The page at which whoever holds the handle sets what is asked.
pub(in crate::auth) fn link(app: &App, handle: &Sensitive) -> Sensitive {
    let base = app.settings.public_url.as_str().trim_end_matches('/');
    Sensitive::new(format!("{base}/recover/{}", handle.expose()))
}
