//! The end of an attempt at an account: a session, or a session raised. What a recovery ends in: `recover.rs`.

use serde_json::{Map, Value};

use super::account::Account;
use super::claims::Holder;
use super::error::{AuthError, Result};
use super::hooked;
use super::input::Given;
use super::notices::Notice;
use super::progress::{Done, Progress, Proof, Tokens};
use super::purpose::Purpose;
use super::session::{self, Basis};
use super::walk::Walk;
use super::{fields, language, notices};
use crate::base::Sensitive;
use crate::events::By;
use crate::flows::{self, Flow, Passed};
use crate::hooks::Point;
use crate::messages::Kind;
use crate::secrets::recovery;
use crate::store::{Tx, attempts, devices, guesses, known_devices, secrets, sessions, users};
use crate::users::profile;
use crate::users::rules::Moment;

impl Walk<'_> {
    /// All secrets of `flow` are passed.
    pub(super) async fn finish(self, flow: usize, given: &Given) -> Result<Progress> {
        let flow = self.flows().get(flow).cloned();
        let flow = flow.ok_or_else(|| AuthError::Internal("the flow that was passed is gone".into()))?;
        // A code guessed for an identifier that nobody has proves nothing.
        let account = self.account.clone().ok_or(AuthError::AttemptGone)?;
        match self.purpose {
            Purpose::Recovery => self.recovered(account, given).await,
            Purpose::Reauth => self.raised(account, &flow).await,
            _ => self.enter(account, &flow, given).await,
        }
    }

    /// What was proven, for the session and its tokens.
    fn basis(&self, flow: &Flow) -> Basis {
        // A recovery code opens the flow, and is not rated as the device that it stands in for (R11).
        let rated = |proof: &Proof| Passed {
            secret: proof.secret.clone(),
            device: proof.kind.clone().filter(|_| proof.device.is_some()),
        };
        let passed: Vec<Passed> = self.proofs.iter().map(rated).collect();
        let level = flows::level_of_passed(&passed, &self.app.words);
        let amr: Vec<String> = flows::amr(&passed, &self.app.words).into_iter().map(str::to_owned).collect();
        Basis { flow: flow.name.clone(), acr: level.acr().to_owned(), amr }
    }

    /// All secrets are passed: somebody who lacks a required field is asked for it before the session is opened.
    async fn enter(mut self, account: Account, flow: &Flow, given: &Given) -> Result<Progress> {
        let app = self.app;
        let mut profile = profile::stored(&account.user.profile);
        let lacking = app.profile.lacking(&profile, Moment::Signin);
        if lacking.is_empty() {
            return self.signed_in(account, flow, &Map::new()).await;
        }
        // What was proven stays so, whatever the profile says; failures before it are told now or never.
        let told = if self.by_recovery_code { Vec::new() } else { self.told(&account)? };
        self.failures = 0;
        let mut tx = self.transaction().await?;
        self.keep(&mut tx).await?;
        notices::queue(app, &mut tx, &told).await?;
        self.commit(tx).await?;
        app.wake.notify_one();
        let Some(given) = &given.profile else {
            let wished = language::wished(&account.user.profile);
            let ask = fields::ask(app, self.client, wished.as_deref(), &lacking);
            return Ok(self.asking(vec![ask]));
        };
        let changed = fields::complete(app, &mut profile, given, Moment::Signin)?;
        let taken =
            fields::first_taken(app, &mut app.store.read().await?, &account.user.id, &changed).await?;
        if let Some(taken) = taken {
            return fields::tell_taken(app, self.client, taken).await;
        }
        self.signed_in(account, flow, &changed).await
    }

    async fn signed_in(
        mut self,
        account: Account,
        flow: &Flow,
        changed: &Map<String, Value>,
    ) -> Result<Progress> {
        let (app, now, basis) = (self.app, self.app.now(), self.basis(flow));
        let opened = session::open(app, self.client, &account.user.id, &basis)?;
        let mut holder = self.ask_tokens(&account, &opened.session.id, &basis).await?;
        let known = session::known_device(app, self.attempt.known_device.as_deref());
        let told = self.told(&account)?;
        let mut tx = self.transaction().await?;
        self.close(&mut tx).await?;
        if users::sign_in(&mut tx, &account.user.id, account.user.credentials, now).await? != 1 {
            return Err(AuthError::AttemptGone);
        }
        if !changed.is_empty() {
            let written = fields::write(app, &mut tx, &account.user.id, changed).await?;
            self.noted.extend(written.event(By::User, &account));
            holder.profile = written.after;
        }
        sessions::insert(&mut tx, &opened.session).await?;
        session::remember(&mut tx, &known, &account.user.id, now).await?;
        self.used(&mut tx).await?;
        let recovery_code = self.replace_recovery_code(&mut tx, &account).await?;
        notices::queue(app, &mut tx, &told).await?;
        self.noted.push(session::succeeded(self.purpose, &opened.session, self.rescued()));
        self.commit(tx).await?;
        if !told.is_empty() {
            app.wake.notify_one();
        }
        self.rehash(&account);
        let tokens = Tokens { recovery_code, ..session::tokens(app, &opened, known, &holder)? };
        Ok(Progress::Done(Done { purpose: self.purpose, user: account.user.id, tokens: Some(tokens) }))
    }

    /// Whom the token is for that all this leads to, after the hooks were asked. Where they refuse, what was proven
    /// stays so: the attempt can be answered again.
    async fn ask_tokens(&mut self, account: &Account, session: &str, basis: &Basis) -> Result<Holder> {
        let holder = Holder::from(account);
        if !self.app.hooks.listen(Point::BeforeTokens) {
            return Ok(holder);
        }
        self.flush().await?;
        let whose = (account.user.id.as_str(), session);
        let purpose = self.purpose.name();
        let more = hooked::before_tokens(self.app, purpose, whose, basis, account.into()).await?;
        Ok(Holder { more, ..holder })
    }

    /// Whether a recovery code stood in for a passcode, in this request or an earlier one.
    fn rescued(&self) -> bool {
        self.proofs.iter().any(|proof| proof.secret == "passcode" && proof.device.is_none())
    }

    /// What the owner is told of a sign-in: that it came after failures, or by a recovery code (R72, R128).
    fn told(&self, account: &Account) -> Result<Vec<Notice>> {
        let kind = if self.by_recovery_code {
            Kind::RecoveryCodeUsed
        } else if self.failures >= i64::from(self.app.settings.guesses.free) {
            Kind::SigninAfterFailures
        } else {
            return Ok(Vec::new());
        };
        notices::about(self.app, self.client, account, kind, None)
    }

    /// A recovery code that was used gets a successor (R72).
    async fn replace_recovery_code(&self, tx: &mut Tx, account: &Account) -> Result<Option<Sensitive>> {
        if !self.by_recovery_code {
            return Ok(None);
        }
        let (user, code) = (&account.user.id, recovery::code(&self.app.random));
        let hash = recovery::stored(&self.app.sealer, user, code.expose()).unwrap_or_default();
        let id = self.app.random.uuid();
        secrets::insert(tx, &id, user, secrets::RECOVERY, &hash, self.app.now()).await?;
        Ok(Some(code))
    }

    async fn raised(mut self, account: Account, flow: &Flow) -> Result<Progress> {
        let (app, now, basis) = (self.app, self.app.now(), self.basis(flow));
        let session = self.attempt.session_id.clone().ok_or(AuthError::AttemptGone)?;
        let holder = self.ask_tokens(&account, &session, &basis).await?;
        let mut tx = self.transaction().await?;
        self.close(&mut tx).await?;
        let amr = basis.amr.join(" ");
        if sessions::raise(&mut tx, &session, &account.user.id, &basis.acr, &amr, now).await? != 1 {
            return Err(AuthError::AttemptGone);
        }
        self.used(&mut tx).await?;
        let raised = sessions::live(&mut tx, &session, now).await?.ok_or(AuthError::AttemptGone)?;
        self.noted.push(session::succeeded(self.purpose, &raised, self.rescued()));
        self.commit(tx).await?;
        let tokens = session::access_only(app, &raised, &holder)?;
        Ok(Progress::Done(Done { purpose: self.purpose, user: account.user.id, tokens: Some(tokens) }))
    }

    async fn used(&self, tx: &mut Tx) -> Result<()> {
        for device in self.proofs.iter().filter_map(|p| p.device.as_deref()) {
            devices::used(tx, device, self.app.now()).await?;
        }
        Ok(())
    }

    /// Hashes a secret again with today's parameters, behind the answer (R63).
    fn rehash(&self, account: &Account) {
        let Some((kind, typed)) = self.stale.clone() else { return };
        let Some(old) = account.hashes.get(kind).cloned() else { return };
        let (hasher, store) = (self.app.hasher.clone(), self.app.store.clone());
        let (user_id, salt) = (account.user.id.clone(), self.app.random.bytes());
        tokio::spawn(async move {
            let Ok(new) = hasher.hash(typed, salt).await else { return };
            if let Ok(mut tx) = store.begin().await {
                let _ = secrets::rehash(&mut tx, &user_id, kind, &old, &new).await;
                let _ = tx.commit().await;
            }
        });
    }
}

/// Ends sessions, known devices, attempts under way and counted guesses of a user; gives how many sessions there were.
pub async fn end_everything(tx: &mut Tx, user_id: &str) -> Result<u64> {
    // Attempts before sessions, as an attempt that raises one takes them: otherwise the two could wait for each other.
    attempts::drop_of_user(tx, user_id).await?;
    let ended = sessions::end_all(tx, user_id).await?;
    known_devices::forget(tx, user_id).await?;
    guesses::forget(tx, user_id).await?;
    Ok(ended)
}
