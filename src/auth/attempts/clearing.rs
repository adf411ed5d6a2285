//! What is left of an account once somebody is shown to be its owner whom nothing there vouches for: what they showed,
//! and nothing that was prepared before (R122).

use crate::app::App;
use crate::auth::account::ending::end_everything;
use crate::auth::account::{Account, events};
use crate::auth::error::Result;
use crate::auth::sending::notices::{self, Notice};
use crate::base::DeviceId;
use crate::events::{By, NewEvent};
use crate::messages::Kind;
use crate::store::devices::{self, Device, Gone};
use crate::store::{Tx, changes, secrets};

/// Whether a device stays where only those of `kept` do: what the operator vouches for was prepared by no stranger.
pub fn stays(device: &Device, kept: &[&str]) -> bool {
    kept.contains(&device.id.as_str()) || device.is_vouched()
}

/// The account of which only those devices [stay](stays).
pub fn left(account: &Account, kept: &[&str]) -> Account {
    let mut left = account.clone();
    left.devices.retain(|device| stays(device, kept));
    left.hidden.clear();
    left.hashes.clear();
    left.set_by.clear();
    left.recovery.clear();
    left
}

/// What each address that does not stay is told: that it was removed, and nothing of whoever did it.
pub fn tell(app: &App, account: &Account, stays: &dyn Fn(&Device) -> bool) -> Result<Vec<Notice>> {
    let mut told = Vec::new();
    for gone in account.confirmed().filter(|device| !stays(device)) {
        let alone = Account { devices: vec![gone.clone()], ..account.clone() };
        told.extend(notices::by_operator(app, &alone, Kind::DeviceRemoved, Some(gone))?);
    }
    Ok(told)
}

/// Drops every device of an account that does not [stay](stays) beside `kept`, hidden ones too, and every secret,
/// recovery code, session, known device and change that could be taken back. Gives the devices that are gone, and how
/// many sessions there were. Guesses are forgotten by its caller, before attempts.
pub async fn all_but(app: &App, tx: &mut Tx, account: &Account, kept: &[&str]) -> Result<(Vec<Gone>, u64)> {
    let user = &account.user.id;
    // Attempts and sessions before what they are of: otherwise two of these could wait for each other.
    let ended = end_everything(tx, user).await?;
    let mut gone = Vec::new();
    for device in account.devices.iter().filter(|device| !stays(device, kept)) {
        if devices::delete(tx, &device.id, user).await?.is_yes() {
            let (id, kind) = (device.id.clone(), device.kind.clone());
            gone.push(Gone { id, user_id: user.to_owned(), kind });
        }
    }
    for hidden in &account.hidden {
        devices::delete(tx, &hidden.id, user).await?.either_way();
    }
    secrets::drop_all(tx, user).await?;
    changes::drop_all(tx, user).await?;
    notices::tell_all_anew(app, tx, account).await?;
    Ok((gone, ended))
}

/// The events of it.
pub fn noted(account: &Account, by: By, gone: Vec<Gone>, ended: u64) -> Vec<NewEvent> {
    let ids: Vec<DeviceId> = gone.iter().map(|gone| gone.id.clone()).collect();
    let ids: Vec<&DeviceId> = ids.iter().collect();
    let personal = events::named_with(account, &ids, None);
    let mut noted: Vec<NewEvent> =
        events::dropped(by, gone).map(|gone| gone.naming(personal.clone())).collect();
    noted.extend(events::ended(&account.user.id, "proven", ended));
    noted
}
