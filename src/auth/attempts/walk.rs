//! The corridor: one way through every attempt at an account, whichever door it began at.
//!
//! [`Walk::run`] asks the flow engine what is next, checks what was given, and goes on until something is
//! asked that was not given, or all is passed. Slow things (hashes, rendering) happen between
//! transactions, never inside one.

use super::apart::{self, Apart};
use super::ask;
use super::progress::{Ask, Asking, Progress, Proof};
use super::withheld::Taken;
use crate::app::App;
use crate::auth::account::{self, Account};
use crate::auth::error::{AuthError, Result};
use crate::auth::input::{Client, Given};
use crate::auth::purpose::Purpose;
use crate::auth::{codes, guesses};
use crate::base::clock::seconds_until;
use crate::base::seal::sha256_hex;
use crate::base::{Millis, Sensitive, ids};
use crate::events::Noted;
use crate::flows::{self, Door, Equipment, Flow, Flows, Holding, Passed, Secret, Step};
use crate::secrets::Kept;
use crate::secrets::hasher::Hasher;
use crate::store::attempts::{self, Attempt};
use crate::store::challenges::{self, Challenge};
use crate::store::devices::Device;
use crate::store::{Tx, users};

/// The target of a code that is sent before anything is proven: whatever device the identifier leads to.
pub const OWN: &str = "own";

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
    pub(in crate::auth) taken: Taken,
    /// The events of that transaction, to be written before it ends.
    pub(in crate::auth) noted: Vec<Noted>,
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
        let attempt = Attempt {
            id: sha256_hex(handle.expose().as_bytes()),
            purpose: purpose.name().to_owned(),
            kind: identifier.0.to_owned(),
            canonical: identifier.1.to_owned(),
            user_id: account.as_ref().map(|a| a.user.id.clone()),
            subject: subject.filter(|_| account.is_none()),
            credentials: account.as_ref().map(|a| a.user.credentials),
            session_id: None,
            known_device: None,
            known_shown: None,
            passed: "[]".to_owned(),
            draft: None,
            ways: None,
            apart: None,
            created_at: now,
            expires_at: now + app.settings.attempt.lifetime.millis(),
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
            taken: Taken::default(),
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
        let purpose = Purpose::named(&attempt.purpose).ok_or(AuthError::AttemptGone)?;
        let mut db = app.store.read().await?;
        let account = account::of_attempt(app, &mut db, &attempt).await?;
        drop(db);
        if account.as_ref().map(|a| a.user.credentials) != attempt.credentials {
            return Err(AuthError::AttemptGone);
        }
        let proofs: Vec<Proof> = serde_json::from_str(&attempt.passed).map_err(|_| AuthError::AttemptGone)?;
        let taken = Taken::read(attempt.ways.as_deref())?;
        let apart = apart::read(attempt.apart.as_deref())?;
        let by_recovery_code = account.is_some() && proofs.iter().any(Proof::is_recovery_code);
        let holding = account.as_ref().map(|account| account.holding(app)).unwrap_or_default();
        Ok(Self {
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
            taken,
            noted: Vec::new(),
        })
    }

    /// Goes on with what was given, as far as it leads.
    pub async fn run(mut self, given: &Given) -> Result<Progress> {
        let mut given = given.clone();
        let mut moved = false;
        loop {
            self.ask_ways().await?;
            let asked = match self.step() {
                Step::Done(flow) => return self.finish(flow, &given).await,
                Step::Refuse => return Err(AuthError::NoFlow),
                Step::Ask(asked) => asked,
            };
            moved |= self.unlock(&asked, &mut given).await?;
            match asked.iter().find(|secret| self.has(&given, secret)) {
                Some(secret) => match self.check(secret, &asked, &mut given).await {
                    Ok(()) => {}
                    Err(AuthError::Rests { retry_after, .. }) => {
                        return Err(self.rest(&asked, retry_after).await?);
                    }
                    Err(error) => {
                        self.leave_trace().await?;
                        return Err(error);
                    }
                },
                None if moved || !self.stored => return self.ask(&asked).await,
                None => return Err(not_asked(&asked)),
            }
            moved = true;
        }
    }

    /// A factor rests: the attempt is kept, and says what may be shown first.
    async fn rest(mut self, asked: &[Secret], retry_after: u64) -> Result<AuthError> {
        let inside = self.purpose == Purpose::Reauth;
        if inside || (self.attempt.known_device.is_some() && self.resting(asked).await?.is_empty()) {
            self.leave_trace().await?;
            return Ok(AuthError::Rests { retry_after, asking: None });
        }
        let mut tx = self.transaction().await?;
        self.keep(&mut tx).await?;
        self.commit(tx).await?;
        let ask = ask::entries(&self, asked).await?;
        let Progress::Ask(asking) = self.asking(ask) else { return Ok(AuthError::AttemptGone) };
        Ok(AuthError::Rests { retry_after, asking: Some(Box::new(asking)) })
    }

    /// Whether something is given that is asked now.
    pub fn is_answered_by(&self, given: &Given) -> bool {
        let Step::Ask(asked) = self.step() else { return false };
        asked.iter().any(|secret| given.secrets.contains_key(secret.name.as_str()))
    }

    /// Goes on from where the attempt stands, with nothing given.
    pub async fn go_on(mut self) -> Result<Progress> {
        self.ask_ways().await?;
        match self.step() {
            Step::Done(flow) => self.finish(flow, &Given::default()).await,
            Step::Refuse => Err(AuthError::NoFlow),
            Step::Ask(asked) => self.ask(&asked).await,
        }
    }

    /// What is asked now, without anything given; sends nothing.
    pub async fn look(self) -> Result<Progress> {
        match self.step() {
            Step::Ask(asked) => {
                let ask = ask::entries(&self, &asked).await?;
                Ok(self.asking(ask))
            }
            Step::Done(_) | Step::Refuse => Err(AuthError::NoFlow),
        }
    }

    pub(in crate::auth) fn flows(&self) -> &'a Flows {
        if self.purpose == Purpose::Recovery { &self.app.recovery } else { &self.app.signin }
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
        Ok(challenges::in_scope(&mut self.app.store.read().await?, &self.scope()).await?)
    }

    /// When it ends; one that is not stored yet begins when it is.
    pub(in crate::auth) fn ends(&self) -> Millis {
        let lifetime = self.attempt.expires_at - self.attempt.created_at;
        if self.stored { self.attempt.expires_at } else { self.app.now() + lifetime }
    }

    pub(in crate::auth) fn scope(&self) -> String {
        format!("attempt/{}", self.attempt.id)
    }

    /// What the flow engine says.
    pub(in crate::auth) fn step(&self) -> Step {
        if self.vouched() {
            return Step::Done(0);
        }
        let known: Option<&dyn Equipment> = if self.proven() { Some(self) } else { None };
        let left = |flow: &Flow| self.taken.leaves_flow(&flow.name);
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
        let left =
            |device: &&Device| self.taken.leaves_channels() || self.taken.leaves_device(self.app, device);
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

    fn has(&self, given: &Given, secret: &Secret) -> bool {
        given.secrets.contains_key(secret.name.as_str())
            || (secret.name == "passcode" && given.recovery_code.is_some() && self.takes_recovery_code())
    }

    /// A recovery code stands in for one passcode of an attempt, once something else is proven (R72).
    fn takes_recovery_code(&self) -> bool {
        self.proven() && !self.proofs.iter().any(Proof::is_recovery_code)
    }

    /// Checks one of the secrets that are asked; a right one is noted, a wrong one ends the request.
    async fn check(&mut self, secret: &Secret, asked: &[Secret], given: &mut Given) -> Result<()> {
        let kind = self.app.secrets.kind(&secret.name);
        let kind = kind.ok_or_else(|| AuthError::Internal(format!("no secret kind {}", secret.name)))?;
        match (kind.kept(), given.secrets.remove(kind.name())) {
            (Kept::Hashed, Some(typed)) => self.check_hashed(kind, &typed).await,
            (Kept::InDevice, Some(typed)) => self.check_in_device(kind, &typed).await,
            (Kept::Carried, Some(typed)) => self.check_passcode(asked, &typed, given.device.take()).await,
            (Kept::Carried, None) => {
                let typed = given.recovery_code.take().unwrap_or_default();
                self.check_recovery(secret, &typed).await
            }
            _ => Err(AuthError::Internal(format!("the secret {} is not checked anywhere", kind.name()))),
        }
    }

    /// Notes what was passed in the attempt's row, in the transaction that spent a code.
    pub(in crate::auth) async fn note(&mut self, tx: &mut Tx) -> Result<()> {
        let passed = serde_json::to_string(&self.proofs).map_err(|e| AuthError::Internal(e.to_string()))?;
        self.move_on(tx, &passed).await?;
        self.attempt.passed = passed;
        Ok(())
    }

    async fn move_on(&self, tx: &mut Tx, passed: &str) -> Result<()> {
        if self.stored && attempts::pass(tx, &self.attempt.id, &self.attempt.passed, passed).await? != 1 {
            return Err(AuthError::AttemptGone);
        }
        Ok(())
    }

    /// Keeps attempt and user to this transaction before it spends a secret of theirs: whoever changes those waits here,
    /// and not for what is spent.
    pub(in crate::auth) async fn hold(&self, tx: &mut Tx) -> Result<()> {
        self.move_on(tx, &self.attempt.passed).await?;
        if let Some(account) = &self.account {
            users::hold(tx, &account.user.id, self.app.now()).await?;
        }
        Ok(())
    }

    /// Stores where the attempt stands.
    pub(in crate::auth) async fn keep(&mut self, tx: &mut Tx) -> Result<()> {
        self.note(tx).await?;
        if !self.stored {
            // What was waited for since it was thought of, hooks and hashes, is no part of its life.
            (self.attempt.expires_at, self.attempt.created_at) = (self.ends(), self.app.now());
            attempts::insert(tx, &self.attempt).await?;
            self.stored = true;
        }
        Ok(())
    }

    /// Stores a sign-in that has proven something in the request that ends it, so that its owner is told of it as of
    /// any other that was never finished (R128).
    async fn leave_trace(&mut self) -> Result<()> {
        if self.stored || self.purpose != Purpose::Signin || self.account.is_none() || self.proofs.is_empty()
        {
            return Ok(());
        }
        let mut tx = self.app.store.begin().await?;
        self.keep(&mut tx).await?;
        self.commit(tx).await
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

    /// Stores where the attempt stands, sends what is to be sent by itself, and says what is asked.
    async fn ask(mut self, asked: &[Secret]) -> Result<Progress> {
        self.flush().await?;
        let order = ask::automatic(&self, asked).await?;
        // A full window costs the automatic message, not the attempt: it may be sent later. It does not lower what is
        // asked either, so who may know is told when.
        let mut full = None;
        let ready = match &order {
            Some(order) => match codes::prepare(self.app, self.client, order).await {
                Ok(ready) => Some(ready),
                Err(AuthError::TooMany { retry_after }) => {
                    full = Some((order.target.clone(), retry_after));
                    None
                }
                Err(_) => None,
            },
            None => None,
        };
        let mut tx = self.app.store.begin().await?;
        self.keep(&mut tx).await?;
        if let Some(ready) = &ready {
            match codes::write(self.app, &mut tx, ready).await {
                Ok(sent) => self.noted.push(sent),
                // A code was sent there already, by hand, or the last message went to somebody else meanwhile:
                // what was proven counts all the same.
                Err(AuthError::TooMany { retry_after }) => {
                    full = order.map(|order| (order.target, retry_after));
                }
                Err(AuthError::NoCode) => {}
                Err(error) => return Err(error),
            }
        }
        self.commit(tx).await?;
        self.app.wake.notify_one();
        let mut ask = ask::entries(&self, asked).await?;
        if let Some((target, retry_after)) = full.filter(|_| self.proven()) {
            let refused = ask.iter_mut().filter(|ask| ask.device.as_ref() == Some(&target));
            refused.for_each(|ask| ask.resend_in = Some(retry_after));
        }
        Ok(self.asking(ask))
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
        if attempts::finish(tx, &self.attempt.id, &self.attempt.passed).await? != 1 {
            return Err(AuthError::AttemptGone);
        }
        challenges::drop_scope(tx, &self.scope()).await?;
        Ok(())
    }

    /// Drops what was sent in the attempt.
    pub(in crate::auth) async fn drop_sent(&self, tx: &mut Tx) -> Result<()> {
        if self.stored {
            challenges::drop_scope(tx, &self.scope()).await?;
        }
        Ok(())
    }

    /// Ends the attempt with all others of the user, in one statement: two that held one of their own each, and then
    /// went for all, would wait for each other.
    pub(in crate::auth) async fn end_all(&self, tx: &mut Tx, user: &str) -> Result<()> {
        let ended = attempts::finish_all(tx, user, &self.attempt.id, &self.attempt.passed).await?;
        if ended == 1 || !self.stored { Ok(()) } else { Err(AuthError::AttemptGone) }
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

fn not_asked(asked: &[Secret]) -> AuthError {
    AuthError::NotAsked(asked.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(" or "))
}
