//! The corridor: one way through every attempt at an account, whichever door it began at.
//!
//! [`Walk::run`] asks the flow engine what is next, checks what was given, and goes on until something is
//! asked that was not given, or all is passed. Slow things (hashes, rendering) happen between
//! transactions, never inside one.

use super::account::{self, Account};
use super::challenge;
use super::error::{AuthError, Result};
use super::guard::{Bound, Subject};
use super::input::{Client, Given};
use super::progress::{Ask, Asking, Progress, Proof};
use super::purpose::Purpose;
use super::{asks, cards};
use crate::app::App;
use crate::base::clock::seconds_until;
use crate::base::seal::sha256_hex;
use crate::base::{Sensitive, ids};
use crate::flows::{self, Flow, Flows, Passed, Secret, Step};
use crate::secrets::recovery;
use crate::store::attempts::{self, Attempt};
use crate::store::devices::{self, Device};
use crate::store::{Tx, challenges, secrets};

/// The target of a code that is sent before anything is proven: whatever device the identifier leads to.
pub const OWN: &str = "own";

/// One attempt on its way.
pub struct Walk<'a> {
    pub(super) app: &'a App,
    pub(super) client: &'a Client,
    /// The row, stored or about to be.
    pub(super) attempt: Attempt,
    pub(super) purpose: Purpose,
    /// The handle that the client carries.
    pub(super) handle: Sensitive,
    /// Whether the row is stored.
    pub(super) stored: bool,
    /// Whom it is about; none where nobody has the identifier.
    pub(super) account: Option<Account>,
    pub(super) proofs: Vec<Proof>,
    /// The password's hash, where it was passed with parameters that are out of date.
    pub(super) stale: Option<Sensitive>,
    /// A transaction that is open because a code was spent in it.
    tx: Option<Tx>,
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
        let attempt = Attempt {
            id: sha256_hex(handle.expose().as_bytes()),
            purpose: purpose.name().to_owned(),
            kind: identifier.0.to_owned(),
            canonical: identifier.1.to_owned(),
            user_id: account.as_ref().map(|a| a.user.id.clone()),
            credentials: account.as_ref().map(|a| a.user.credentials),
            session_id: None,
            known_device: None,
            passed: "[]".to_owned(),
            draft: None,
            created_at: now,
            expires_at: now + app.settings.attempt.lifetime.millis(),
        };
        let proofs = Vec::new();
        Self { app, client, attempt, purpose, handle, stored: false, account, proofs, stale: None, tx: None }
    }

    /// A stored attempt, taken up again. An attempt whose account changed meanwhile is over (R7).
    pub async fn resume(
        app: &'a App,
        client: &'a Client,
        attempt: Attempt,
        handle: Sensitive,
    ) -> Result<Self> {
        let purpose = Purpose::named(&attempt.purpose).ok_or(AuthError::AttemptGone)?;
        let account = match &attempt.user_id {
            Some(user_id) => account::by_id(&mut app.store.read().await?, user_id).await?,
            None => None,
        };
        if account.as_ref().map(|a| a.user.credentials) != attempt.credentials {
            return Err(AuthError::AttemptGone);
        }
        let proofs = serde_json::from_str(&attempt.passed).map_err(|_| AuthError::AttemptGone)?;
        Ok(Self {
            app,
            client,
            attempt,
            purpose,
            handle,
            stored: true,
            account,
            proofs,
            stale: None,
            tx: None,
        })
    }

    /// Goes on with what was given, as far as it leads.
    pub async fn run(mut self, given: &Given) -> Result<Progress> {
        let mut given = given.clone();
        let mut moved = false;
        loop {
            let asked = match self.step() {
                Step::Done(flow) => return self.finish(flow, &given).await,
                Step::Refuse => return Err(AuthError::NoFlow),
                Step::Ask(asked) => asked,
            };
            match asked.iter().find(|secret| self.has(&given, secret)) {
                Some(secret) => self.check(&secret.clone(), &mut given).await?,
                None if moved || !self.stored => return self.ask(&asked).await,
                None => return Err(not_asked(&asked)),
            }
            moved = true;
        }
    }

    /// What is asked now, without anything given; sends nothing.
    pub async fn look(self) -> Result<Progress> {
        match self.step() {
            Step::Ask(asked) => {
                let ask = asks::entries(&self, &asked).await?;
                Ok(self.asking(ask))
            }
            Step::Done(_) | Step::Refuse => Err(AuthError::NoFlow),
        }
    }

    pub(super) fn flows(&self) -> &'a Flows {
        if self.purpose == Purpose::Recovery { &self.app.recovery } else { &self.app.signin }
    }

    /// Whether something has been proven, so that the account's devices may be spoken of. Who is
    /// re-authenticated is known from the session.
    pub(super) fn proven(&self) -> bool {
        !self.proofs.is_empty() || self.purpose == Purpose::Reauth
    }

    pub(super) fn passed(&self) -> Vec<Passed> {
        let of = |proof: &Proof| Passed { secret: proof.secret.clone(), device: proof.kind.clone() };
        self.proofs.iter().map(of).collect()
    }

    pub(super) fn scope(&self) -> String {
        format!("attempt/{}", self.attempt.id)
    }

    /// What the flow engine says.
    pub(super) fn step(&self) -> Step {
        let has = |flow: &Flow| self.account.as_ref().is_some_and(|a| a.equipped(self.app, flow));
        let equipped: Option<&dyn Fn(&Flow) -> bool> = if self.proven() { Some(&has) } else { None };
        flows::step(self.flows(), &self.attempt.kind, &self.passed(), equipped)
    }

    /// Devices that can carry what `secret` asks for and have not done so in this attempt.
    pub(super) fn carriers(&self, secret: &Secret) -> Vec<&Device> {
        let Some(account) = &self.account else { return Vec::new() };
        let used = |device: &&Device| self.proofs.iter().any(|p| p.device.as_ref() == Some(&device.id));
        let mut all = account.carriers(self.app, secret, &self.attempt.kind);
        // The very device that the identifier names comes before its owner's others of that kind.
        let own = |d: &Device| {
            d.kind == self.attempt.kind && d.canonical.as_deref() == Some(&self.attempt.canonical)
        };
        all.sort_by_key(|device| !own(device));
        all.into_iter().filter(|device| !used(device)).collect()
    }

    /// Whose guesses are counted for a factor.
    pub(super) fn subject(&self, factor: &'static str) -> Subject {
        let identifier = (self.attempt.kind.as_str(), self.attempt.canonical.as_str());
        let known = self.attempt.known_device.as_deref();
        Subject::new(self.app, self.account.as_ref(), known, identifier, factor)
    }

    fn has(&self, given: &Given, secret: &Secret) -> bool {
        let recovery = secret.name == "passcode" && self.proven() && given.recovery_code.is_some();
        given.secrets.contains_key(secret.name.as_str()) || recovery
    }

    /// Checks one secret; a right one is noted, a wrong one ends the request.
    async fn check(&mut self, secret: &Secret, given: &mut Given) -> Result<()> {
        let typed = given.secrets.remove(secret.name.as_str());
        match (secret.name.as_str(), typed, given.recovery_code.take()) {
            ("password", Some(typed), _) => self.check_password(typed).await,
            ("hardcode", Some(typed), _) => self.check_hardcode(typed).await,
            ("passcode", Some(typed), _) => self.check_passcode(secret, &typed, given.device.take()).await,
            ("passcode", None, Some(typed)) => self.check_recovery(secret, &typed).await,
            (other, ..) => Err(AuthError::Internal(format!("the secret {other} is not checked anywhere"))),
        }
    }

    async fn check_password(&mut self, typed: Sensitive) -> Result<()> {
        self.flush().await?;
        let subject = self.subject("password");
        let _turn = subject.turn(self.app).await;
        let so_far = subject.judge(self.app, &mut self.app.store.read().await?, Bound::Fixed).await?;
        let typed = crate::secrets::password::prepare(typed.expose());
        let right = match self.account.as_ref().and_then(|a| a.password.clone()) {
            Some(stored) => {
                let verified = self.app.hasher.verify(typed.clone(), stored).await?;
                self.stale = (verified.ok && verified.stale).then_some(typed);
                verified.ok
            }
            None => {
                self.app.hasher.verify_nobody(typed).await?;
                false
            }
        };
        self.settle(&subject, &so_far, right, "password").await?;
        self.proofs.push(Proof { secret: "password".into(), kind: None, device: None });
        Ok(())
    }

    async fn check_hardcode(&mut self, typed: Sensitive) -> Result<()> {
        self.flush().await?;
        let subject = self.subject("hardcode");
        let _turn = subject.turn(self.app).await;
        let so_far = subject.judge(self.app, &mut self.app.store.read().await?, Bound::Fixed).await?;
        let card = self.find_card(typed).await?;
        self.settle(&subject, &so_far, card.is_some(), "hardcode").await?;
        self.proofs.push(Proof { secret: "hardcode".into(), kind: None, device: card });
        Ok(())
    }

    /// The card with that hardcode. A keyed hint picks the one to hash, so that several cards cost what
    /// one does, and no card too.
    async fn find_card(&self, typed: Sensitive) -> Result<Option<String>> {
        let typed = crate::devices::card::prepare(typed.expose());
        for device in self.account.iter().flat_map(|a| a.of_kind("card")) {
            let stored = device.secret.as_deref().unwrap_or_default();
            if let Some(phc) = cards::hinted(&self.app.sealer, &device.user_id, &typed, stored) {
                let right = self.app.hasher.verify(typed, phc.to_owned()).await?.ok;
                return Ok(right.then(|| device.id.clone()));
            }
        }
        self.app.hasher.verify_nobody(typed).await?;
        Ok(None)
    }

    /// Counts a failure, or ends a row of failures.
    async fn settle(
        &self,
        subject: &Subject,
        so_far: &crate::store::guesses::Guesses,
        right: bool,
        secret: &str,
    ) -> Result<()> {
        if right && so_far.streak == 0 {
            return Ok(());
        }
        let mut tx = self.app.store.begin().await?;
        if right {
            subject.succeed(&mut tx, so_far).await?;
        } else {
            subject.fail(self.app, &mut tx).await?;
        }
        tx.commit().await?;
        if right { Ok(()) } else { Err(challenge::wrong(secret, None)) }
    }

    /// A passcode is looked at for the device it was asked of: the named one, else the one that a code was
    /// last sent to, else an authenticator.
    async fn check_passcode(
        &mut self,
        secret: &Secret,
        typed: &Sensitive,
        named: Option<String>,
    ) -> Result<()> {
        self.flush().await?;
        let subject = self.subject("passcode");
        let _turn = subject.turn(self.app).await;
        let carriers: Vec<Device> = self.carriers(secret).into_iter().cloned().collect();
        let named = named.filter(|id| carriers.iter().any(|d| d.id == *id));
        let mut tx = self.app.store.begin().await?;
        let target = if self.proven() { named.as_deref() } else { Some(OWN) };
        let sent = challenge::latest(&mut tx, &self.scope(), target, self.app.now()).await?;
        let fits = |id: &str| carriers.iter().find(|d| d.id == id);
        let own = carriers.first().filter(|d| d.kind != "authenticator" || self.proven());
        let sent = sent.filter(|c| c.target == OWN || fits(&c.target).is_some());
        let app_device = carriers.iter().find(|d| {
            d.kind == "authenticator" && named.as_ref().is_none_or(|id| *id == d.id) && sent.is_none()
        });
        let checked = match app_device {
            Some(device) => self.check_authenticator(&mut tx, device, typed, &subject).await,
            None => challenge::look(self.app, &mut tx, sent.as_ref(), typed, &subject).await,
        };
        if let Err(error) = checked {
            tx.commit().await?;
            return Err(error);
        }
        let device = app_device.or(sent.as_ref().and_then(|c| fits(&c.target).or(own)));
        let device = device.ok_or_else(|| challenge::wrong("passcode", None))?;
        self.proofs.push(Proof {
            secret: "passcode".into(),
            kind: Some(device.kind.clone()),
            device: Some(device.id.clone()),
        });
        self.note(&mut tx).await?;
        self.tx = Some(tx);
        Ok(())
    }

    async fn check_authenticator(
        &self,
        tx: &mut Tx,
        device: &Device,
        typed: &Sensitive,
        subject: &Subject,
    ) -> Result<()> {
        let so_far = subject.judge(self.app, tx, Bound::Fixed).await?;
        let now = self.app.now();
        let step = super::totp::step(self.app, device, typed, now);
        let right = match step {
            Some(step) => devices::take_step(tx, &device.id, step, now).await? == 1,
            None => false,
        };
        if right {
            return subject.succeed(tx, &so_far).await;
        }
        subject.fail(self.app, tx).await?;
        Err(challenge::wrong("passcode", None))
    }

    /// A recovery code stands in for a passcode once something else is proven (R72).
    async fn check_recovery(&mut self, secret: &Secret, typed: &Sensitive) -> Result<()> {
        self.flush().await?;
        let subject = self.subject("recovery_code");
        let user = self.account.as_ref().map(|a| a.user.id.clone()).unwrap_or_default();
        let mut tx = self.app.store.begin().await?;
        let hash = recovery::stored(&self.app.sealer, &user, typed.expose()).unwrap_or_default();
        if secrets::spend_recovery(&mut tx, &user, &hash).await? != 1 {
            subject.fail(self.app, &mut tx).await?;
            tx.commit().await?;
            return Err(challenge::wrong("recovery_code", None));
        }
        let kind = secret.device.clone().or_else(|| self.carriers(secret).first().map(|d| d.kind.clone()));
        self.proofs.push(Proof { secret: "passcode".into(), kind, device: None });
        self.note(&mut tx).await?;
        self.tx = Some(tx);
        Ok(())
    }

    /// Notes what was passed in the attempt's row, in the transaction that spent a code.
    async fn note(&mut self, tx: &mut Tx) -> Result<()> {
        let passed = serde_json::to_string(&self.proofs).map_err(|e| AuthError::Internal(e.to_string()))?;
        if self.stored && attempts::pass(tx, &self.attempt.id, &self.attempt.passed, &passed).await? != 1 {
            return Err(AuthError::AttemptGone);
        }
        self.attempt.passed = passed;
        Ok(())
    }

    /// Commits what is open, before anything slow.
    pub(super) async fn flush(&mut self) -> Result<()> {
        if let Some(tx) = self.tx.take() {
            tx.commit().await?;
        }
        Ok(())
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
        let order = asks::automatic(&self, asked).await?;
        let ready = match &order {
            // A full window costs the automatic message, not the attempt: it may be sent later.
            Some(order) => challenge::prepare(self.app, self.client, order).await.ok(),
            None => None,
        };
        let mut tx = self.app.store.begin().await?;
        if self.stored {
            self.note(&mut tx).await?;
        } else {
            self.attempt.passed =
                serde_json::to_string(&self.proofs).map_err(|e| AuthError::Internal(e.to_string()))?;
            attempts::insert(&mut tx, &self.attempt).await?;
            self.stored = true;
        }
        if let Some(ready) = &ready {
            challenge::write(self.app, &mut tx, ready).await?;
        }
        tx.commit().await?;
        self.app.wake.notify_one();
        let ask = asks::entries(&self, asked).await?;
        Ok(self.asking(ask))
    }

    pub(super) fn asking(self, ask: Vec<Ask>) -> Progress {
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
}

fn not_asked(asked: &[Secret]) -> AuthError {
    AuthError::NotAsked(asked.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(" or "))
}
