//! Fixed secrets that are gone: without them no flow that asks for one is open to the account, until a recovery asks
//! for new ones.

use super::{Account, card};
use crate::app::App;
use crate::base::DeviceId;
use crate::flows::Flow;
use crate::secrets::{Kept, SecretKind};
use crate::store::secrets::PASSWORD;

/// The kinds of `had` that the account has none of any more though a flow that would be open to it asks for one; where
/// none would be open without, all that one asks for. Never the password, which every recovery asks for.
pub(in crate::auth) fn gone(app: &App, account: &Account, had: &[String]) -> Vec<&'static dyn SecretKind> {
    let needed = needed(app, account);
    let mut with = account.clone();
    with.hashes.insert(PASSWORD.to_owned(), String::new());
    let (gone, never): (Vec<_>, Vec<_>) =
        needed.into_iter().partition(|kind| had.iter().any(|name| name == kind.name()));
    add(app, &mut with, gone.iter().copied());
    if app.plan.signin.iter().any(|flow| with.equipped(app, flow)) {
        return gone;
    }
    gone.into_iter().chain(never).collect()
}

/// The kinds of fixed secrets that an account has, or had until lately, beside the password.
pub(in crate::auth) fn had(app: &App, account: &Account) -> Vec<String> {
    let mut before = account.clone();
    before.devices.extend(account.hidden.iter().cloned());
    let kinds =
        app.plan.secrets.iter().filter(|kind| kind.name() != PASSWORD && before.has_fixed(app, *kind));
    kinds.map(|kind| kind.name().to_owned()).collect()
}

/// What a flow that would be open to the account asks for and it has none of.
fn needed(app: &App, account: &Account) -> Vec<&'static dyn SecretKind> {
    let whole = whole(app, account);
    let open: Vec<&Flow> = app.plan.signin.iter().filter(|flow| whole.equipped(app, flow)).collect();
    let needed = |kind: &&'static dyn SecretKind| {
        open.iter().any(|flow| flow.secrets.iter().any(|secret| secret.name == kind.name()))
    };
    lacking(app, account).filter(needed).collect()
}

/// Whether some flow is open to the account once it has what a recovery asks for.
pub(in crate::auth) fn open_again(app: &App, account: &Account) -> bool {
    let whole = whole(app, account);
    app.plan.signin.iter().any(|flow| whole.equipped(app, flow))
}

fn lacking(app: &App, account: &Account) -> impl Iterator<Item = &'static dyn SecretKind> {
    let fixed = |kind: &dyn SecretKind| matches!(kind.kept(), Kept::Hashed | Kept::InDevice);
    app.plan
        .secrets
        .iter()
        .filter(move |kind| kind.name() != PASSWORD && fixed(*kind) && !account.has_fixed(app, *kind))
}

/// The account as if it had a password and whatever fixed secret it lacks.
fn whole(app: &App, account: &Account) -> Account {
    let mut whole = account.clone();
    whole.hashes.insert(PASSWORD.to_owned(), String::new());
    add(app, &mut whole, lacking(app, account));
    whole
}

fn add(app: &App, account: &mut Account, kinds: impl Iterator<Item = &'static dyn SecretKind>) {
    for kind in kinds {
        if kind.kept() == Kept::InDevice {
            let (id, secret) = (DeviceId::default(), String::new());
            account.devices.push(card::first(id, &account.user.id, secret, app.now()));
        } else {
            account.hashes.insert(kind.name().to_owned(), String::new());
        }
    }
}
