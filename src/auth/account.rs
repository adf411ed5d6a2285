//! Whom an attempt is about: a user with all that belongs to them, as one reading found it.

use std::collections::BTreeMap;

use super::error::Result;
use crate::app::App;
use crate::flows::{Flow, Secret};
use crate::secrets::Kept;
use crate::store::devices::Device;
use crate::store::users::User;
use crate::store::{Db, devices as device_rows, secrets, users};

/// A user that nobody is: reading them costs what reading a real one costs (R16).
pub(super) const NOBODY: &str = "nobody";

/// A user, their devices and their secrets.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user.
    pub user: User,
    /// All devices, unconfirmed ones too.
    pub devices: Vec<Device>,
    /// PHC strings of the secrets that the user chose, by their kind.
    pub hashes: BTreeMap<String, String>,
    /// Hashes of the recovery codes that are left.
    pub recovery: Vec<String>,
}

/// The account that a confirmed identifier names; disabled accounts are as good as none (R15).
pub async fn by_identifier(db: &mut impl Db, kind: &str, canonical: &str) -> Result<Option<Account>> {
    let owner = device_rows::owner(db, kind, canonical).await?.filter(|device| device.replaced_at.is_none());
    by_id(db, owner.as_ref().map_or(NOBODY, |device| device.user_id.as_str())).await
}

/// The account of a user; disabled accounts are as good as none.
pub async fn by_id(db: &mut impl Db, user_id: &str) -> Result<Option<Account>> {
    Ok(even_disabled(db, user_id).await?.filter(|account| account.user.disabled_at.is_none()))
}

/// The account of a user, disabled or not: for operators alone.
pub async fn even_disabled(db: &mut impl Db, user_id: &str) -> Result<Option<Account>> {
    let user = users::by_id(db, user_id).await?;
    let devices = device_rows::of_user(db, user_id).await?;
    let secrets = secrets::of_user(db, user_id).await?;
    let (listed, kept): (Vec<_>, Vec<_>) = secrets.into_iter().partition(|s| s.kind == secrets::RECOVERY);
    let hashes = kept.into_iter().map(|secret| (secret.kind, secret.hash)).collect();
    let recovery = listed.into_iter().map(|secret| secret.hash).collect();
    Ok(user.map(|user| Account { user, devices, hashes, recovery }))
}

impl Account {
    /// Whether the user has chosen a secret of that kind.
    pub fn has_secret(&self, kind: &str) -> bool {
        self.hashes.contains_key(kind)
    }

    /// Whether there is a password.
    pub fn has_password(&self) -> bool {
        self.has_secret(secrets::PASSWORD)
    }

    /// Confirmed devices that are in use.
    pub fn confirmed(&self) -> impl Iterator<Item = &Device> {
        self.devices.iter().filter(|device| device.confirmed_at.is_some() && device.replaced_at.is_none())
    }

    /// Confirmed devices of a kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Device> {
        self.confirmed().filter(move |device| device.kind == kind)
    }

    /// The device of that id, unless another one took its place: a replaced one cannot be touched, so that it
    /// can take the change back (R125).
    pub fn device(&self, id: &str) -> Option<&Device> {
        self.devices.iter().find(|device| device.id == id && device.replaced_at.is_none())
    }

    /// Confirmed devices that can carry the passcode `secret` asks for: those of the kind `first` before
    /// the others, primary ones first.
    pub fn carriers(&self, app: &App, secret: &Secret, first: &str) -> Vec<&Device> {
        let narrowed = |device: &&Device| secret.device.as_ref().is_none_or(|kind| *kind == device.kind);
        let mut found: Vec<_> = self.confirmed().filter(narrowed).filter(|d| carries(app, &d.kind)).collect();
        found.sort_by_key(|device| (device.kind != first, !device.is_primary));
        found
    }

    /// Whether the user has what a flow takes: its identifier, devices and secrets.
    pub fn equipped(&self, app: &App, flow: &Flow) -> bool {
        let named = self.of_kind(&flow.identifier).next().is_some();
        let mut taken: Vec<&str> = Vec::new();
        // Narrowed passcodes choose first: what they need cannot serve twice.
        let (narrow, wide): (Vec<&Secret>, Vec<&Secret>) =
            flow.secrets.iter().partition(|s| s.device.is_some());
        named
            && narrow.into_iter().chain(wide).all(|secret| match app.secrets.kept(&secret.name) {
                Some(Kept::Hashed) => self.has_secret(&secret.name),
                Some(Kept::InDevice) => self.confirmed().any(|d| holds_secret(app, &d.kind)),
                Some(Kept::Carried) => {
                    let carriers = self.carriers(app, secret, "");
                    let free = carriers.into_iter().find(|device| !taken.contains(&device.id.as_str()));
                    free.inspect(|device| taken.push(&device.id)).is_some()
                }
                Some(Kept::Listed) | None => false,
            })
    }
}

/// Whether a device of that kind can carry a passcode here and now.
pub fn carries(app: &App, kind: &str) -> bool {
    app.devices.kind(kind).is_some_and(|kind| {
        let channels = kind.channels();
        kind.carries_passcode() && (channels.is_empty() || channels.iter().any(|c| app.delivers(c)))
    })
}

fn holds_secret(app: &App, kind: &str) -> bool {
    app.devices.kind(kind).is_some_and(|kind| kind.holds_secret())
}
