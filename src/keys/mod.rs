//! The keys that sign access tokens: made on first start, sealed in the database, rotated by age and
//! by command with an overlap, published as a JWKS.
//!
//! A new key is published before it signs (`keys.announce`), an old one stays published until the last
//! token that it signed has ended (R88).

mod master;
mod signing;

use std::sync::{Arc, RwLock};

use serde_json::json;

pub use master::{MasterKeyError, make as make_master_key, master_key, read as master_key_of};
pub use signing::{Algorithm, LoadedKey};

use crate::base::clock::{HOUR, MINUTE};
use crate::base::seal::{CannotOpen, Sealer};
use crate::base::{Clock, Millis};
use crate::store::{Store, StoreError, facts, signing_keys};

/// How long verifiers may keep the JWKS, in seconds.
pub const JWKS_MAX_AGE: u64 = 300;
/// How long a replaced key stays published: the longest life of an access token, and a minute.
pub const OVERLAP: Millis = HOUR + MINUTE;

/// Why the keys could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database holds keys that were sealed with another master key.
    #[error(
        "the database was sealed with another master key: put back the file named by keys.file, or start with an empty database"
    )]
    OtherMaster(#[from] CannotOpen),
    /// A key in the database is damaged.
    #[error("signing key {0} is damaged")]
    Damaged(String),
    /// The cryptographic library refused to make a key.
    #[error("no signing key could be made")]
    NotMade,
    /// The database could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The keys of this instance, as last read from the database.
#[derive(Clone)]
pub struct KeyRing {
    store: Store,
    sealer: Arc<Sealer>,
    clock: Clock,
    announce: Millis,
    loaded: Arc<RwLock<Arc<Vec<LoadedKey>>>>,
}

impl KeyRing {
    /// A ring that is still empty; [`KeyRing::start`] fills it. New keys are published `announce` before they
    /// sign.
    pub fn new(store: Store, sealer: Arc<Sealer>, clock: Clock, announce: Millis) -> Self {
        Self { store, sealer, clock, announce, loaded: Arc::default() }
    }

    /// Checks the master key, makes the first signing key where there is none, and loads all.
    pub async fn start(&self, algorithm: Algorithm) -> Result<(), KeyError> {
        self.check_master().await?;
        self.reload().await?;
        if self.keys().is_empty() {
            let first = self.make(algorithm, self.clock.now())?;
            let mut tx = self.store.begin().await?;
            if signing_keys::all(&mut tx, self.clock.now()).await?.is_empty() {
                signing_keys::insert(&mut tx, &first).await?;
            }
            tx.commit().await?;
            self.reload().await?;
        }
        Ok(())
    }

    /// A sealed fact tells a wrong master key before anything is sealed with it.
    async fn check_master(&self) -> Result<(), KeyError> {
        const NAME: &str = "master key";
        let mut tx = self.store.begin().await?;
        facts::put_new(&mut tx, NAME, &self.sealer.seal(NAME, b"this one")).await?;
        let sealed = facts::get(&mut tx, NAME).await?.unwrap_or_default();
        self.sealer.open(NAME, &sealed)?;
        Ok(tx.commit().await?)
    }

    /// Reads the keys again: another instance, or the command line, may have changed them.
    pub async fn reload(&self) -> Result<(), KeyError> {
        let now = self.clock.now();
        let mut db = self.store.read().await?;
        let rows = signing_keys::all(&mut db, now).await?;
        let keys: Result<Vec<_>, _> = rows.iter().map(|row| LoadedKey::open(row, &self.sealer)).collect();
        let mut loaded = self.loaded.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *loaded = Arc::new(keys?);
        Ok(())
    }

    /// Makes a new key that signs after it has been published long enough; the older ones retire after
    /// their last token. `at_once` skips the announcement (R89).
    pub async fn rotate(&self, algorithm: Algorithm, at_once: bool) -> Result<String, KeyError> {
        let active = self.clock.now() + if at_once { 0 } else { self.announce };
        let key = self.make(algorithm, active)?;
        let mut tx = self.store.begin().await?;
        signing_keys::insert(&mut tx, &key).await?;
        signing_keys::retire_older(&mut tx, &key, active + OVERLAP).await?;
        tx.commit().await?;
        self.reload().await?;
        Ok(key.id)
    }

    /// Rotates where the key that signs is older than `age`, and none waits to take its place. One that was made by a
    /// clock that was ahead waits for a day that is not near, and counts for nothing.
    pub async fn rotate_by_age(&self, algorithm: Algorithm, age: Millis) -> Result<(), KeyError> {
        let now = self.clock.now();
        let waits = self.keys().iter().any(|k| k.created_at <= now && k.active_at > now);
        let signer = self.signer().map(|k| k.created_at);
        if !waits && signer.is_some_and(|made| made + age < now) {
            self.rotate(algorithm, false).await?;
        }
        Ok(())
    }

    /// Removes a key at once, a new one taking over: all of its tokens die (R89).
    pub async fn revoke(&self, kid: &str, algorithm: Algorithm) -> Result<bool, KeyError> {
        let replacement = self.make(algorithm, self.clock.now())?;
        let mut tx = self.store.begin().await?;
        let gone = signing_keys::delete(&mut tx, kid).await?;
        if gone.is_yes() {
            signing_keys::insert(&mut tx, &replacement).await?;
        }
        tx.commit().await?;
        self.reload().await?;
        Ok(gone.is_yes())
    }

    /// All published keys, the oldest first.
    pub fn keys(&self) -> Arc<Vec<LoadedKey>> {
        self.loaded.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// The key that signs now: the newest that is active.
    pub fn signer(&self) -> Option<LoadedKey> {
        let (keys, now) = (self.keys(), self.clock.now());
        keys.iter().rev().find(|k| k.active_at <= now).or_else(|| keys.first()).cloned()
    }

    /// The published key of that id.
    pub fn find(&self, kid: &str) -> Option<LoadedKey> {
        self.keys().iter().find(|k| k.kid == kid).cloned()
    }

    /// The public keys as a JWKS (RFC 7517, R87).
    pub fn jwks(&self) -> serde_json::Value {
        json!({ "keys": self.keys().iter().map(|k| k.jwk.clone()).collect::<Vec<_>>() })
    }

    fn make(&self, algorithm: Algorithm, active: Millis) -> Result<signing_keys::SigningKey, KeyError> {
        signing::make(algorithm, &self.sealer, self.clock.now(), active)
    }
}
