//! What somebody else has of what a sign-up gives: a name that nobody can prove, or a value that is unique.

use super::draft::Draft;
use crate::app::App;
use crate::auth::account::profile;
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::devices as kinds;
use crate::store::{Db, devices as rows};

/// Where nothing has to be proven, what is taken is told at once, no faster than names may be looked up.
pub(super) async fn free(app: &App, client: &Client, draft: &Draft) -> Result<()> {
    match owned_by_another(app, &mut app.store.read().await?, draft).await? {
        Some(taken) => profile::tell_taken(app, client, taken).await,
        None => Ok(()),
    }
}

/// The name or the unique value of a sign-up that somebody has.
pub(super) async fn owned_by_another(
    app: &App,
    db: &mut impl Db,
    draft: &Draft,
) -> Result<Option<AuthError>> {
    for device in &draft.devices {
        let Some(kind) = app.plan.devices.kind(&device.kind).filter(|kind| kinds::is_silent(*kind)) else {
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
