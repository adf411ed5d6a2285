//! Whom an attempt is about: a user with all that belongs to them, as one reading found it.

pub(super) mod card;
pub mod claims;
pub(super) mod confirmation;
pub(super) mod ending;
pub(super) mod events;
pub mod flows;
pub(super) mod gone;
pub mod profile;
pub(super) mod proof;
pub(super) mod recovery_codes;
pub(super) mod secrets;
pub(super) mod seed;
pub mod standing;
pub(super) mod vouched;

use std::collections::BTreeMap;

use super::error::Result;
use crate::app::App;
use crate::base::seal::sha256_hex;
use crate::base::{Millis, UserId};
use crate::devices::{is_dialled, phone};
use crate::flows::{Carried, Equipment, Fixed, Flow, Holding};
use crate::secrets::{Kept, SecretKind};
use crate::store::attempts::Attempt;
use crate::store::devices::{self as device_rows, Device};
use crate::store::users::{self, User};
use crate::store::{Db, secrets as secret_rows};

/// A user, their devices and their secrets.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user.
    pub user: User,
    /// All devices, unconfirmed ones too.
    pub devices: Vec<Device>,
    /// Devices that were removed or replaced and can come back. They answer nothing.
    pub hidden: Vec<Device>,
    /// PHC strings of the secrets that the user chose, by their kind.
    pub hashes: BTreeMap<String, String>,
    /// By their kind those that a recovery set after one device alone was shown: that device's id, and when.
    pub set_by: BTreeMap<String, (String, Millis)>,
    /// By their kind when they were first set, or by a recovery.
    pub set_at: BTreeMap<String, Millis>,
    /// Hashes of the recovery codes that are left.
    pub recovery: Vec<String>,
}

/// The account that a confirmed identifier names; disabled accounts are as good as none (R15).
pub async fn by_identifier(
    app: &App,
    db: &mut impl Db,
    kind: &str,
    canonical: &str,
) -> Result<Option<Account>> {
    let (owner, named) = whose(app, db, kind, canonical).await?;
    let user = users::by_id(db, &owner).await?;
    let parts = gathered(db, &owner).await?;
    let user = user.filter(|user| named && user.disabled_at.is_none());
    let Some(user) = user else {
        parts.forget(app, kind, canonical);
        return Ok(None);
    };
    Ok(Some(parts.of(user)))
}

/// The account that an attempt is about, and none where it is disabled or nobody's. Somebody is read then all the same,
/// by the same statements, and forgotten (R16).
pub async fn of_attempt(app: &App, db: &mut impl Db, attempt: &Attempt) -> Result<Option<Account>> {
    let (kind, canonical) = (&attempt.kind, &attempt.canonical);
    // Thought out for somebody too (R16).
    let from = attempt.user_id.clone().unwrap_or(another(app, kind, canonical).into());
    let user = users::first_from(db, &from).await?;
    let owner = user.as_ref().map_or(from, |user| user.id.clone());
    let parts = gathered(db, &owner).await?;
    let user = user.filter(|user| attempt.user_id.as_ref() == Some(&user.id) && user.disabled_at.is_none());
    let Some(user) = user else {
        parts.forget(app, kind, canonical);
        return Ok(None);
    };
    Ok(Some(parts.of(user)))
}

/// Whose an identifier is, and true; where it is nobody's, who is read in their place, always the same for an
/// identifier, and false.
pub(in crate::auth) async fn whose(
    app: &App,
    db: &mut impl Db,
    kind: &str,
    canonical: &str,
) -> Result<(UserId, bool)> {
    let found = device_rows::whose(db, kind, canonical, &another(app, kind, canonical)).await?;
    Ok(found.map(|whose| (whose.user_id, whose.named == 1)).unwrap_or_default())
}

/// From which id on somebody is read in the place of nobody: as evenly as ids are.
fn another(app: &App, kind: &str, canonical: &str) -> String {
    sha256_hex(app.subject(&["another", kind, canonical]).as_bytes())
}

/// The account of a user; disabled accounts are as good as none.
pub async fn by_id(db: &mut impl Db, user_id: &UserId) -> Result<Option<Account>> {
    Ok(even_disabled(db, user_id).await?.filter(|account| account.user.disabled_at.is_none()))
}

/// The account of a user, disabled or not: for operators alone.
pub async fn even_disabled(db: &mut impl Db, user_id: &UserId) -> Result<Option<Account>> {
    let user = users::by_id(db, user_id).await?;
    let parts = gathered(db, user_id).await?;
    Ok(user.map(|user| parts.of(user)))
}

/// What belongs to a user, as [`Account`] has it.
struct Parts {
    devices: Vec<Device>,
    hidden: Vec<Device>,
    hashes: BTreeMap<String, String>,
    set_by: BTreeMap<String, (String, Millis)>,
    set_at: BTreeMap<String, Millis>,
    recovery: Vec<String>,
}

impl Parts {
    fn of(self, user: User) -> Account {
        let Self { devices, hidden, hashes, set_by, set_at, recovery } = self;
        Account { user, devices, hidden, hashes, set_by, set_at, recovery }
    }

    /// What follows for somebody is thought out for nobody too, as if the identifier were theirs, so that time tells
    /// nothing (R16).
    fn forget(mut self, app: &App, kind: &str, canonical: &str) {
        if let Some(first) = self.devices.first_mut() {
            let named = || Some(canonical.to_owned());
            (first.kind, first.canonical, first.delivery) = (kind.to_owned(), named(), named());
        }
        let confirmed: Vec<&Device> = self.devices.iter().collect();
        std::hint::black_box(holding(app, &confirmed, &self.hashes, &self.set_by));
    }
}

/// What belongs to a user, or would where there is none.
async fn gathered(db: &mut impl Db, user_id: &UserId) -> Result<Parts> {
    let devices = device_rows::of_user(db, user_id).await?;
    let secrets = secret_rows::of_user(db, user_id).await?;
    let (listed, kept): (Vec<_>, Vec<_>) = secrets.into_iter().partition(|s| s.kind == secret_rows::RECOVERY);
    let leaning = |s: &secret_rows::Secret| Some((s.kind.clone(), (s.set_by.clone()?, s.created_at)));
    let set_by = kept.iter().filter_map(leaning).collect();
    let set_at = kept.iter().map(|secret| (secret.kind.clone(), secret.created_at)).collect();
    let hashes = kept.into_iter().map(|secret| (secret.kind, secret.hash)).collect();
    let recovery = listed.into_iter().map(|secret| secret.hash).collect();
    let (devices, hidden) = devices.into_iter().partition(|device| device.hidden_at.is_none());
    Ok(Parts { devices, hidden, hashes, set_by, set_at, recovery })
}

impl Account {
    /// Whether the user has chosen a secret of that kind.
    pub fn has_secret(&self, kind: &str) -> bool {
        self.hashes.contains_key(kind)
    }

    /// Whether the user has a fixed secret of that kind: a hash, or a device that holds it.
    pub fn has_fixed(&self, app: &App, kind: &dyn SecretKind) -> bool {
        match kind.kept() {
            Kept::Hashed => self.has_secret(kind.name()),
            Kept::InDevice => self.confirmed().any(|d| holds_secret(app, &d.kind)),
            Kept::Carried | Kept::Listed => false,
        }
    }

    /// Whether there is a password.
    pub fn has_password(&self) -> bool {
        self.has_secret(secret_rows::PASSWORD)
    }

    /// Confirmed devices that are in use.
    pub fn confirmed(&self) -> impl Iterator<Item = &Device> {
        self.devices.iter().filter(|device| device.confirmed_at.is_some())
    }

    /// Confirmed devices of a kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Device> {
        self.confirmed().filter(move |device| device.kind == kind)
    }

    /// The device of that id, unless it is hidden: then it cannot be touched, so that it can come back (R125).
    pub fn device(&self, id: &str) -> Option<&Device> {
        self.devices.iter().find(|device| device.id == id)
    }

    /// What the account holds, as far as flows ask for it: confirmed devices that the settings can use, primary ones
    /// first, and secrets.
    pub fn holding(&self, app: &App) -> Holding {
        let confirmed: Vec<&Device> = self.confirmed().collect();
        let held = holding(app, &confirmed, &self.hashes, &self.set_by);
        let Some(recovered) = self.set_by.values().map(|(_, at)| *at).min() else { return held };
        let since = |device: &Device| device.confirmed_at.is_some() && device.hidden_at >= Some(recovered);
        let aside = self.hidden.iter().filter(|device| since(device) && usable(app, device));
        Holding { aside: aside.filter_map(|device| carried(app, device)).collect(), ..held }
    }

    /// The devices that hold a secret which a recovery made and that leans on one device still. Whatever drops the
    /// password that was set with it drops them too: alone they would lean on nothing.
    pub fn leaning(&self, app: &App) -> Vec<&Device> {
        let leaning: Vec<Fixed> =
            self.holding(app).fixed.into_iter().filter(|fixed| fixed.set_by.is_some()).collect();
        self.confirmed()
            .filter(|device| leaning.iter().any(|f| f.devices.iter().any(|id| device.id == *id)))
            .collect()
    }

    /// Whether the user has what a flow takes: its identifier, devices and secrets.
    pub fn equipped(&self, app: &App, flow: &Flow) -> bool {
        self.holding(app).has(flow)
    }
}

/// What these confirmed devices and chosen secrets are to the flows.
pub fn holding(
    app: &App,
    confirmed: &[&Device],
    hashes: &BTreeMap<String, String>,
    set_by: &BTreeMap<String, (String, Millis)>,
) -> Holding {
    let mut usable: Vec<&Device> = confirmed.iter().copied().filter(|device| usable(app, device)).collect();
    usable.sort_by_key(|device| !device.is_primary);
    let holders = confirmed.iter().filter(|device| holds_secret(app, &device.kind));
    // A recovery that finds no holder makes one beside the password that it sets: the two lean on the same device.
    let made = |(_, at): &&(String, Millis)| holders.clone().all(|holder| holder.confirmed_at == Some(*at));
    let made = set_by.values().find(made).cloned();
    let holders: Vec<String> = holders.map(|device| device.id.clone().into()).collect();
    let fixed = |kind: &'static dyn SecretKind| {
        let name = kind.name().to_owned();
        match kind.kept() {
            Kept::Hashed if hashes.contains_key(&name) => {
                let set_by = set_by.get(&name).cloned();
                Some(Fixed { name, devices: Vec::new(), set_by })
            }
            Kept::InDevice if !holders.is_empty() => {
                Some(Fixed { name, devices: holders.clone(), set_by: made.clone() })
            }
            _ => None,
        }
    };
    Holding {
        names: confirmed.iter().filter(|d| d.canonical.is_some()).map(|d| d.kind.clone()).collect(),
        fixed: app.plan.secrets.iter().filter_map(fixed).collect(),
        carriers: usable.iter().filter_map(|device| carried(app, device)).collect(),
        aside: Vec::new(),
        carried: app.plan.secrets.iter().filter(|kind| kind.carried()).map(|k| k.name().to_owned()).collect(),
    }
}

/// A device as what carries passcodes.
fn carried(app: &App, device: &Device) -> Option<Carried> {
    let class = app.plan.words.class(&device.kind)?;
    let since = device.confirmed_at.unwrap_or(device.created_at);
    Some(Carried { id: device.id.clone().into(), kind: device.kind.clone(), class, since })
}

/// Whether passcodes can come by a device here and now: its kind carries them, some provider delivers on one of its
/// channels, and its country is served. Whether that provider answers at the moment is another question.
pub fn usable(app: &App, device: &Device) -> bool {
    let served = || {
        let to = device.delivery.as_deref().unwrap_or_default();
        let fixed =
            device.canonical.as_deref().is_some_and(|to| app.plan.sandbox.code(to, app.now()).is_some());
        let dialled = app.plan.devices.kind(&device.kind).is_some_and(|kind| is_dialled(kind, to));
        !dialled || fixed || phone::sendable(to, &app.rules).is_ok()
    };
    carries(app, &device.kind) && served()
}

/// Whether a device of that kind can carry a passcode here and now.
pub fn carries(app: &App, kind: &str) -> bool {
    app.plan.devices.kind(kind).is_some_and(|kind| {
        let channels = kind.channels();
        kind.carries_passcode() && (channels.is_empty() || channels.iter().any(|c| app.delivers(c)))
    })
}

fn holds_secret(app: &App, kind: &str) -> bool {
    app.plan.devices.kind(kind).is_some_and(|kind| kind.holds_secret())
}
