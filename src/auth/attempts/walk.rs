//! The corridor: one way through every attempt at an account, whichever door it began at.
//!
//! [`Walk::run`] asks the flow engine what is next, checks what was given, and goes on until something is
//! asked that was not given, or all is passed. Slow things (hashes, rendering) happen between
//! transactions, never inside one.

use super::progress::Progress;
use super::withheld::Withheld;
use crate::app::App;
use crate::auth::account::proof::Proof;
use crate::auth::account::{self, Account};
use crate::auth::ask::{Ask, Asking};
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses;
use crate::auth::input::Client;
use crate::base::clock::seconds_until;
use crate::base::seal::sha256_hex;
use crate::base::{Millis, Purpose, Sensitive, UserId, ids};
use crate::events::NewEvent;
use crate::flows::{self, Door, Equipment, Flow, Flows, Holding, Passed, Secret, Step};
use crate::secrets::hasher::Hasher;
use crate::store::attempts::{self, Attempt};
use crate::store::challenges::{self, Challenge};
use crate::store::devices::Device;
use crate::store::{Tx, users};
use crate::telemetry;
use std::collections::BTreeMap;

/// The target of a code that is sent before anything is proven: whatever device the identifier leads to.
pub const IDENTIFIER_TARGET: &str = "own";

/// One attempt on its way.
pub struct Walk<'a> {
    pub(in crate::auth) app: &'a App,
    pub(in crate::auth) client: &'a Client,
    /// The row, stored or about to be.
    pub(in crate::auth) attempt: Attempt,
    pub(in crate::auth) purpose: Purpose,
    /// The handle that the client carries.
    pub(in crate::auth) handle: Sensitive,
    /// Whether the row is stored.
    pub(in crate::auth) stored: bool,
    /// Whom it is about; none where nobody has the identifier.
    pub(in crate::auth) account: Option<Account>,
    /// What that account holds.
    pub(in crate::auth) holding: Holding,
    pub(in crate::auth) proofs: Vec<Proof>,
    /// The kind and text of a secret that was passed by a hash whose parameters are out of date.
    pub(in crate::auth) stale: Option<(&'static str, Sensitive)>,
    /// Failures in a row before what was passed in this request.
    pub(super) failures: i64,
    /// Whether a recovery code stood in for a passcode.
    pub(in crate::auth) by_recovery_code: bool,
    /// By which factor its guesses are counted apart from everybody's, and under which name.
    pub(in crate::auth) apart: Apart,
    /// A transaction that is open because a code was spent in it.
    pub(in crate::auth) tx: Option<Tx>,
    /// What hooks took away.
    pub(in crate::auth) withheld: Withheld,
    /// The events of that transaction, to be written before it ends.
    pub(in crate::auth) noted: Vec<NewEvent>,
}

impl<'a> Walk<'a> {
    /// A new attempt at `account` by `identifier` (kind and canonical form); nothing is stored yet.
    pub fn begin(
        app: &'a App,
        client: &'a Client,
        purpose: Purpose,
        identifier: (&str, &str),
        account: Option<Account>,
    ) -> Self {
        let handle = Sensitive::new(ids::handle(&app.random, ids::ATTEMPT));
        let now = app.now();
        // Thought out for somebody too (R16).
        let subject = Some(guesses::typed(app, identifier));
        let id = sha256_hex(handle.expose().as_bytes()).into();
        let attempt = Attempt {
            kind: identifier.0.to_owned(),
            canonical: identifier.1.to_owned(),
            user_id: account.as_ref().map(|a| a.user.id.clone()),
            subject: subject.filter(|_| account.is_none()),
            credentials: account.as_ref().map(|a| a.user.credentials),
            ..Attempt::new(id, purpose, (now, now + app.settings.attempt.lifetime.millis()))
        };
        let proofs = Vec::new();
        let holding = account.as_ref().map(|account| account.holding(app)).unwrap_or_default();
        Self {
            app,
            client,
            attempt,
            purpose,
            handle,
            stored: false,
            account,
            holding,
            proofs,
            stale: None,
            failures: 0,
            by_recovery_code: false,
            apart: Apart::new(),
            tx: None,
            withheld: Withheld::default(),
            noted: Vec::new(),
        }
    }

    /// A stored attempt, taken up again. An attempt whose account changed meanwhile is over (R7).
    pub async fn resume(
        app: &'a App,
        client: &'a Client,
        attempt: Attempt,
        handle: Sensitive,
    ) -> Result<Self> {
        let purpose = attempt.purpose;
        let mut db = app.store.read().await?;
        let account = account::of_attempt(app, &mut db, &attempt).await?;
        drop(db);
        if account.as_ref().map(|a| a.user.credentials) != attempt.credentials {
            return Err(AuthError::AttemptGone);
        }
        let proofs: Vec<Proof> = serde_json::from_str(&attempt.passed).map_err(|_| AuthError::AttemptGone)?;
        let withheld = Withheld::read(attempt.ways.as_deref())?;
        let apart = read_apart(attempt.apart.as_deref())?;
        let by_recovery_code = account.is_some() && proofs.iter().any(Proof::is_recovery_code);
        let holding = account.as_ref().map(|account| account.holding(app)).unwrap_or_default();
        let walk = Self {
            app,
            client,
            attempt,
            purpose,
            handle,
            stored: true,
            account,
            holding,
            proofs,
            stale: None,
            failures: 0,
            by_recovery_code,
            apart,
            tx: None,
            withheld,
            noted: Vec::new(),
        };
        walk.name_user();
        Ok(walk)
    }

    /// Lets the log say whose attempt it is, once something is proven.
    pub(super) fn name_user(&self) {
        if let (false, Some(account)) = (self.proofs.is_empty(), &self.account) {
            telemetry::user(&account.user.id);
        }
    }

    pub(in crate::auth) fn flows(&self) -> &'a Flows {
        if self.purpose == Purpose::Recovery { &self.app.plan.recovery } else { &self.app.plan.signin }
    }

    /// Whether something has been proven, so that the account's devices may be spoken of. Who is
    /// re-authenticated is known from the session.
    pub(in crate::auth) fn proven(&self) -> bool {
        !self.proofs.is_empty() || self.purpose == Purpose::Reauth
    }

    /// Whether somebody vouched for whoever holds the attempt, so that nothing is left to be proven.
    pub(in crate::auth) fn vouched(&self) -> bool {
        self.purpose == Purpose::Recovery && self.proofs.iter().any(Proof::is_vouched)
    }

    pub(in crate::auth) fn passed(&self) -> Vec<Passed> {
        self.proofs.iter().map(Proof::passed).collect()
    }

    /// What was sent in this attempt.
    pub(in crate::auth) async fn sent(&self) -> Result<Vec<Challenge>> {
        Ok(challenges::in_scope(&mut self.app.store.read().await?, &self.attempt.scope()).await?)
    }

    /// When it ends; one that is not stored yet begins when it is.
    pub(in crate::auth) fn ends(&self) -> Millis {
        let lifetime = self.attempt.expires_at - self.attempt.created_at;
        if self.stored { self.attempt.expires_at } else { self.app.now() + lifetime }
    }

    /// What the flow engine says.
    pub(in crate::auth) fn step(&self) -> Step {
        if self.vouched() {
            return Step::Done(0);
        }
        let known: Option<&dyn Equipment> = if self.proven() { Some(self) } else { None };
        let left = |flow: &Flow| self.withheld.leaves_flow(&flow.name);
        match flows::step_among(self.flows(), &self.attempt.kind, &self.passed(), known, &left) {
            Step::Ask(mut asked) => {
                asked.retain(|secret| self.can_come(secret));
                if asked.is_empty() { Step::Refuse } else { Step::Ask(asked) }
            }
            other => other,
        }
    }

    /// Devices that can carry what `secret` asks for and have not done so in this attempt.
    pub(in crate::auth) fn carriers(&self, secret: &Secret) -> Vec<&Device> {
        let Some(account) = &self.account else { return Vec::new() };
        let named = (self.attempt.kind.as_str(), self.own().map(|device| device.id.as_str()));
        let answering = self.holding.answering(secret, named, &self.passed(), self.door());
        let left = |device: &&Device| {
            self.withheld.leaves_channels() || self.withheld.leaves_device(self.app, device)
        };
        answering.into_iter().filter_map(|carrier| account.device(&carrier.id)).filter(left).collect()
    }

    /// The very device that the identifier names.
    pub(in crate::auth) fn own(&self) -> Option<&Device> {
        let named = |d: &&Device| d.canonical.as_deref() == Some(self.attempt.canonical.as_str());
        self.account.as_ref()?.of_kind(&self.attempt.kind).find(named)
    }

    fn door(&self) -> Door {
        match self.purpose {
            Purpose::Recovery => Door::Recovery,
            Purpose::Reauth => Door::Reauth,
            _ => Door::Signin,
        }
    }

    /// Hashes for whoever holds the attempt: who has proven something, or is known, has places in the line that no
    /// stranger takes.
    pub(in crate::auth) fn hasher(&self) -> Hasher {
        self.app.hasher.kept_for(self.proven() || self.attempt.known_device.is_some())
    }

    /// Notes what was passed in the attempt's row, in the transaction that spent a code.
    pub(in crate::auth) async fn save_proofs(&mut self, tx: &mut Tx) -> Result<()> {
        let passed = serde_json::to_string(&self.proofs).map_err(|e| AuthError::Internal(e.to_string()))?;
        self.move_on(tx, &passed).await?;
        self.attempt.passed = passed;
        Ok(())
    }

    async fn move_on(&self, tx: &mut Tx, passed: &str) -> Result<()> {
        if self.stored && attempts::pass(tx, &self.attempt.id, &self.attempt.passed, passed).await?.is_no() {
            return Err(AuthError::AttemptGone);
        }
        Ok(())
    }

    /// Keeps attempt and user to this transaction before it spends a secret of theirs: whoever changes those waits here,
    /// and not for what is spent.
    pub(in crate::auth) async fn hold(&self, tx: &mut Tx) -> Result<()> {
        self.move_on(tx, &self.attempt.passed).await?;
        if let Some(account) = &self.account {
            users::hold(tx, &account.user.id, self.app.now()).await?.either_way();
        }
        Ok(())
    }

    /// Stores where the attempt stands.
    pub(in crate::auth) async fn keep(&mut self, tx: &mut Tx) -> Result<()> {
        self.save_proofs(tx).await?;
        if !self.stored {
            // What was waited for since it was thought of, hooks and hashes, is no part of its life.
            (self.attempt.expires_at, self.attempt.created_at) = (self.ends(), self.app.now());
            attempts::insert(tx, &self.attempt).await?;
            self.stored = true;
        }
        Ok(())
    }

    /// Commits what is open, before anything slow.
    pub(super) async fn flush(&mut self) -> Result<()> {
        match self.tx.take() {
            Some(tx) => self.commit(tx).await,
            None => Ok(()),
        }
    }

    /// Writes the events of a transaction, and commits it.
    pub(in crate::auth) async fn commit(&mut self, mut tx: Tx) -> Result<()> {
        let noted = std::mem::take(&mut self.noted);
        self.app.events.write(&mut tx, self.app.now(), &self.client.source(), &noted).await?;
        Ok(tx.commit().await?)
    }

    /// The open transaction, or a new one.
    pub(super) async fn transaction(&mut self) -> Result<Tx> {
        match self.tx.take() {
            Some(tx) => Ok(tx),
            None => Ok(self.app.store.begin().await?),
        }
    }

    pub(in crate::auth) fn asking(self, ask: Vec<Ask>) -> Progress {
        let expires_in = seconds_until(self.app.now(), self.attempt.expires_at);
        Progress::Ask(Asking { attempt: self.handle, purpose: self.purpose, expires_in, ask })
    }

    /// Drops what only this attempt needed.
    pub(super) async fn close(&self, tx: &mut Tx) -> Result<()> {
        if !self.stored {
            return Ok(());
        }
        if attempts::finish(tx, &self.attempt.id, &self.attempt.passed).await?.is_no() {
            return Err(AuthError::AttemptGone);
        }
        challenges::drop_scope(tx, &self.attempt.scope()).await?;
        Ok(())
    }

    /// Drops what was sent in the attempt.
    pub(in crate::auth) async fn drop_sent(&self, tx: &mut Tx) -> Result<()> {
        if self.stored {
            challenges::drop_scope(tx, &self.attempt.scope()).await?;
        }
        Ok(())
    }

    /// Ends the attempt with all others of the user, in one statement: two that held one of their own each, and then
    /// went for all, would wait for each other.
    pub(in crate::auth) async fn end_all(&self, tx: &mut Tx, user: &UserId) -> Result<()> {
        let ended = attempts::finish_all(tx, user, &self.attempt.id, &self.attempt.passed).await?;
        if ended.is_yes() || !self.stored { Ok(()) } else { Err(AuthError::AttemptGone) }
    }
}

/// What the account of the attempt holds; nobody holds anything.
impl Equipment for Walk<'_> {
    fn has(&self, flow: &Flow) -> bool {
        self.account.is_some() && self.holding.has(flow)
    }

    /// In a recovery nothing is owed: it is the identifier's own device, and lifts no further factor (R14).
    fn owes(&self, passed: &[Passed]) -> bool {
        self.purpose != Purpose::Recovery && self.holding.owes(passed)
    }

    fn owes_beside(&self, flow: &Flow, passed: &[Passed], is_asked: &dyn Fn(&str) -> bool) -> Option<Secret> {
        let owed = self.holding.owes_beside(flow, passed, is_asked);
        owed.filter(|_| self.purpose != Purpose::Recovery)
    }

    fn is_open(&self, secret: &Secret) -> bool {
        self.holding.is_open(secret)
    }
}

/// By which factor the guesses of an attempt are counted apart, and under which name.
pub type Apart = BTreeMap<String, String>;

/// What an attempt's row says of it.
pub fn read_apart(apart: Option<&str>) -> Result<Apart> {
    let read = apart.map(serde_json::from_str).transpose();
    Ok(read.map_err(|_| AuthError::AttemptGone)?.unwrap_or_default())
}

/// The refusal of what is not among what is asked.
pub(in crate::auth) fn not_asked(asked: &[Secret]) -> AuthError {
    AuthError::NotAsked(asked.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(" or "))
}
