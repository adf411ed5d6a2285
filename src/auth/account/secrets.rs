//! Secrets that a person chooses: whether one may be set, at sign-up, later, or by a recovery.

use super::{Account, flows};
use crate::app::App;
use crate::base::{Fault, Sensitive};
use crate::secrets::{Choice, SecretKind};

/// A secret that may be set, as it is hashed.
pub(in crate::auth) struct Chosen {
    pub(in crate::auth) kind: &'static dyn SecretKind,
    pub(in crate::auth) ready: Sensitive,
}

/// The form to hash of a secret that somebody who has an account chose; a fault is of `field`.
pub(in crate::auth) fn checked(
    app: &App,
    account: &Account,
    kind: &dyn SecretKind,
    typed: &Sensitive,
    field: &str,
) -> Result<Sensitive, Fault> {
    let names = flows::names(account);
    let names = &flows::context(app, &names);
    let alone = flows::alone(app, account, kind.name());
    kind.check(typed.expose(), &Choice { field, alone, names, passwords: &app.policy })
}
