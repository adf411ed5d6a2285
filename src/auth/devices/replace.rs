//! Addresses replaced by others, and mended where nobody confirmed them yet.

use super::add::{address, blank, form, only_of, write_address};
use super::{factor, not_yours, order, unchanged, without};
use crate::app::App;
use crate::auth::account::Account;
use crate::auth::codes::send;
use crate::auth::error::{AuthError, Result};
use crate::auth::input::{Client, Given};
use crate::auth::sessions::basis::Caller;
use crate::auth::sessions::trusted::shown;
use crate::base::{DeviceId, Scope};
use crate::devices::DeviceKind;
use crate::settings::GivenBy;
use crate::store::devices::{self as rows, Device};
use crate::store::{challenges, users};
use crate::throttle::Keys;

/// Replaces the address of a device: the new one takes its place once it is confirmed; until then the old
/// one stays good, and for three days after it can take the change back (R125).
pub async fn replace(
    app: &App,
    client: &Client,
    caller: &Caller,
    id: &DeviceId,
    given: &Given,
) -> Result<Device> {
    let (account, shown) = shown(app, caller).await?;
    let old = account.device(id).ok_or(AuthError::NotFound)?;
    let kind = app.plan.devices.kind(&old.kind).ok_or(AuthError::NotFound)?;
    // What vouches for the change is of the old device, whatever its kind is.
    only_of(app, kind, &Given { identifiers: given.identifiers.clone(), ..Given::default() })?;
    if kind.given_by() == GivenBy::Operator {
        return Err(not_yours(kind.field()));
    }
    form(app, kind, given)?;
    let keys = Keys { ip: Some(client.ip), account: Some(&account.user.id), ..Keys::default() };
    app.throttle.check("devices", app.now(), &keys).await?;
    if old.confirmed_at.is_none() {
        // Where it is to take the place of a factor, another address takes what the first one took.
        if let Some(replaced) = old.replaces.as_deref().and_then(|id| account.device(id)) {
            factor::of_factor(app, client, (&caller.session.id, &shown), &account, (replaced, false), given)
                .await?;
        }
        // It waits in this session from now on.
        let old = Device { added_in: Some(caller.session.id.clone()), ..old.clone() };
        return mend(app, client, &account, kind, given, &old).await;
    }
    let new = Device {
        replaces: Some(old.id.clone()),
        added_in: Some(caller.session.id.clone()),
        ..blank(app, &account, kind.name(), &old.label)
    };
    let (new, taken) = address(app, client, &account, kind, given, new).await?;
    factor::of_factor(app, client, (&caller.session.id, &shown), &account, (old, false), given).await?;
    write_address(app, client, &account, &new, taken).await?;
    Ok(new)
}

/// Corrects an address that nobody confirmed yet, and sends its code to the right one.
async fn mend(
    app: &App,
    client: &Client,
    account: &Account,
    kind: &dyn DeviceKind,
    given: &Given,
    old: &Device,
) -> Result<Device> {
    let wrong = Account { devices: without(account, &old.id), ..account.clone() };
    let (mended, taken) =
        address(app, client, &wrong, kind, given, Device { confirmed_at: None, ..old.clone() }).await?;
    let mended = Device { confirmed_at: None, created_at: app.now(), ..mended };
    let ready = send::prepare(app, client, &order(app, account, &mended, taken, None)).await.ok();
    let to =
        (mended.canonical.as_deref().unwrap_or_default(), mended.delivery.as_deref().unwrap_or_default());
    let mut tx = app.store.begin().await?;
    unchanged(users::still(&mut tx, &account.user.id, account.user.credentials, app.now()).await?)?;
    // The code that went to the wrong address is good for nothing, and its guesses are not this one's.
    challenges::drop_scope(&mut tx, &Scope::Device(mended.id.clone())).await?;
    let session = mended.added_in.clone().unwrap_or_default();
    if rows::set_address(&mut tx, &mended.id, to.0, to.1, app.now(), &session).await?.is_no() {
        return Err(AuthError::NotFound);
    }
    let mut noted = Vec::new();
    if let Some(ready) = &ready {
        match send::write(app, &mut tx, ready).await {
            Ok(sent) => noted.push(sent),
            Err(AuthError::TooMany { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    app.events.write(&mut tx, app.now(), &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(mended)
}
