//! Known devices: a credential that a client is given when it signs in, so that strangers cannot slow it (R35, R66).
//! Anybody who passes a flow gets one, as often as they do. So a device is counted by itself only where it was shown
//! already what is guessed at, or where a code goes to; at everything else all who are inside of an account are counted
//! together, and each of them brings no guesses and no messages of its own (R33).

use std::collections::BTreeSet;

use crate::app::App;
use crate::auth::account::Account;
use crate::auth::account::proof::Proof;
use crate::auth::error::Result;
use crate::auth::input::Client;
use crate::base::seal::sha256_hex;
use crate::base::{KnownDeviceId, Millis, Sensitive, UserId, ids};
use crate::store::known_devices::{self, KnownDevice};
use crate::store::{Db, Tx};

/// The device that signs in: known already, or to be remembered.
pub enum Known {
    /// It is the known device with that id.
    Already(KnownDeviceId),
    /// It gets this credential.
    New {
        /// The row's id.
        id: KnownDeviceId,
        /// The credential.
        credential: Sensitive,
    },
}

impl Known {
    /// A device that was not known before.
    pub fn new(app: &App) -> Self {
        let credential = Sensitive::new(ids::handle(&app.random, ids::KNOWN_DEVICE));
        Self::New { id: app.random.uuid().into(), credential }
    }

    /// The id of the device's row.
    pub fn id(&self) -> &KnownDeviceId {
        match self {
            Self::Already(id) | Self::New { id, .. } => id,
        }
    }

    /// What the client is to keep, where it has none yet.
    pub fn credential(self) -> Option<Sensitive> {
        match self {
            Self::Already(_) => None,
            Self::New { credential, .. } => Some(credential),
        }
    }
}

/// The known device of `user_id` that the client is, if it is one of theirs.
pub async fn find(db: &mut impl Db, client: &Client, user_id: &UserId) -> Result<Option<KnownDevice>> {
    let hash = client.known_device.as_deref().and_then(|text| ids::stored(text, ids::KNOWN_DEVICE));
    match hash {
        Some(hash) => Ok(known_devices::find(db, &hash, user_id).await?),
        None => Ok(None),
    }
}

/// Remembers the device at which `user_id` signs in, and what was `shown` at it; one that was forgotten a moment ago is
/// a new one.
pub async fn remember(
    app: &App,
    tx: &mut Tx,
    known: Option<&KnownDeviceId>,
    (user_id, shown): (&UserId, &str),
    now: Millis,
) -> Result<Known> {
    if let Some(id) = known
        && known_devices::used(tx, id, shown, now).await?.is_yes()
    {
        return Ok(Known::Already(id.to_owned()));
    }
    let new = Known::new(app);
    if let Known::New { id, credential } = &new {
        let hash = sha256_hex(credential.expose().as_bytes());
        known_devices::insert(tx, id, user_id, &hash, shown, now).await?;
    }
    Ok(new)
}

/// What `proofs` show, for the row of the device at which they were passed.
pub fn of(proofs: &[Proof]) -> String {
    listed(proofs.iter().filter_map(Proof::shows))
}

/// The same beside what was shown there `before`, as far as `account` has it still.
pub fn shown(before: Option<&str>, proofs: &[Proof], account: &Account) -> String {
    let has = |item: &&str| account.hashes.contains_key(*item) || account.device(item).is_some();
    let before = before.unwrap_or_default().split_whitespace().filter(has);
    listed(before.chain(proofs.iter().filter_map(Proof::shows)))
}

fn listed<'i>(items: impl Iterator<Item = &'i str>) -> String {
    let items: BTreeSet<&str> = items.collect();
    items.into_iter().map(|item| format!("{item} ")).collect()
}

/// Whether `item`, a secret that a person chose by its name or a device by its id, is among what was `shown`.
pub fn is_among(shown: &str, item: &str) -> bool {
    shown.split_whitespace().any(|one| one == item)
}
