//! Recovery codes: ten that are shown once, each in place of a lost device (R72).

use crate::app::App;
use crate::auth::account::recovery_codes;
use crate::auth::account::{Account, standing};
use crate::auth::devices::undo::{self, Told};
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::auth::sessions::basis::Caller;
use crate::auth::sessions::trusted::shown;
use crate::base::{Sensitive, UserId};
use crate::events::{By, Event, NewEvent};
use crate::flows::Holding;
use crate::messages::Kind;
use crate::secrets::recovery;
use crate::store::{Tx, secrets, users};
use crate::throttle::Keys;

/// Makes ten new codes for the caller; the earlier ones are dead. They are shown this once, and every address is told.
pub async fn make(app: &App, client: &Client, caller: &Caller) -> Result<Vec<Sensitive>> {
    let (account, shown) = shown(app, caller).await?;
    shown.is_worth_codes(app, &account).map_err(|flow| AuthError::ReauthNeeded { flow })?;
    let keys = Keys { ip: Some(client.ip), account: Some(&account.user.id), ..Keys::default() };
    app.throttle.check("devices", app.now(), &keys).await?;
    let told = undo::tell(app, client, &account, Kind::RecoveryCodesMade, None)?;
    let mut tx = app.store.begin().await?;
    if users::still(&mut tx, &account.user.id, account.user.credentials, app.now()).await?.is_no() {
        return Err(AuthError::InvalidToken);
    }
    let (codes, made) = write(app, &mut tx, &account.user.id, By::User).await?;
    let mut noted = vec![made];
    noted.extend(told.write(app, &mut tx).await?);
    app.events.write(&mut tx, app.now(), &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(codes)
}

/// Ten codes in the place of whatever there was, and the event that tells of it.
pub async fn write(app: &App, tx: &mut Tx, user: &UserId, by: By) -> Result<(Vec<Sensitive>, NewEvent)> {
    let codes = recovery::list(&app.random);
    secrets::drop_kind(tx, user, secrets::RECOVERY).await?;
    for code in &codes {
        recovery_codes::keep(app, tx, user, code).await?;
    }
    let count = codes.len() as u64;
    Ok((codes, Event::RecoveryCodesMade { by, count }.of(user)))
}

/// Whether codes are to be made with an answer that can show them: the account has none, and holds a device above reach
/// that one could stand in for.
pub fn are_due(app: &App, left: usize, holding: &Holding) -> bool {
    left == 0 && standing::is_replaceable(app, holding)
}

/// What is told where codes are made beside a sign-in; nothing where none are.
pub fn tell(app: &App, client: &Client, account: &Account, due: bool) -> Result<Option<Told>> {
    due.then(|| undo::tell(app, client, account, Kind::RecoveryCodesMade, None)).transpose()
}
