//! What the configured flows mean for one account: which password it needs, whether it could still sign in.

use super::Account;
use crate::app::App;
use crate::flows::Flow;
use crate::store::devices::Device;

/// Whether that secret is the only one of some flow that the user could come by (R59).
pub fn alone(app: &App, account: &Account, secret: &str) -> bool {
    let named = |flow: &&Flow| account.of_kind(&flow.identifier).next().is_some();
    app.plan.signin.iter().filter(named).any(|flow| asks_only(flow, secret))
}

/// Whether a flow asks for nothing but that secret.
pub fn asks_only(flow: &Flow, secret: &str) -> bool {
    matches!(flow.secrets.as_slice(), [only] if only.name == secret)
}

/// The names that a password must not be: what the account is called by.
pub fn names(account: &Account) -> Vec<String> {
    account.devices.iter().filter_map(|d| d.canonical.as_deref()).flat_map(name_and_local_part).collect()
}

/// An identifier, and the local part of an address.
pub fn name_and_local_part(identifier: &str) -> Vec<String> {
    let local = identifier.split_once('@').map(|(local, _)| local.to_owned());
    std::iter::once(identifier.to_owned()).chain(local).collect()
}

/// All words that a password must not be, the service's own name among them.
pub fn context<'a>(app: &'a App, names: &'a [String]) -> Vec<&'a str> {
    names.iter().map(String::as_str).chain([app.settings.name.as_str()]).collect()
}

/// Whether the account could still sign in without that device (R126).
pub fn could_do_without(app: &App, account: &Account, device: &Device) -> bool {
    let mut rest = account.clone();
    rest.devices.retain(|d| d.id != device.id);
    app.plan.signin.iter().any(|flow| rest.equipped(app, flow))
}

/// Whether the account can sign in at all.
pub fn can_sign_in(app: &App, account: &Account) -> bool {
    app.plan.signin.iter().any(|flow| account.equipped(app, flow))
}
