//! The end of an attempt at an account: a session, or a session raised. What a recovery ends in: `recover.rs`.

use serde_json::{Map, Value};
use tracing::Instrument;

use super::clearing;
use super::progress::{Done, Progress};
use super::walk::Walk;
use crate::auth::account::claims::Holder;
use crate::auth::account::recovery_codes as codes_at_rest;
use crate::auth::account::{Account, profile, standing};
use crate::auth::devices::recovery_codes;
use crate::auth::devices::undo::Told;
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::{self, known};
use crate::auth::input::Given;
use crate::auth::sending::language;
use crate::auth::sending::notices::{self, Notice};
use crate::auth::sessions::basis::{Basis, Tokens};
use crate::auth::sessions::{hooks, open, tokens};
use crate::base::{Purpose, Sensitive, SessionId};
use crate::events::By;
use crate::flows::{self, Flow, Holding, Level};
use crate::hooks::Point;
use crate::messages::Kind;
use crate::secrets::recovery;
use crate::store::devices::{self, Device};
use crate::store::sessions::{self as session_rows, Session};
use crate::store::{Tx, attempts, guesses as guess_rows, known_devices, secrets, users};
use crate::users::profile as values;
use crate::users::rules::Moment;

impl Walk<'_> {
    /// All secrets of `flow` are passed.
    pub(in crate::auth) async fn finish(self, flow: usize, given: &Given) -> Result<Progress> {
        // A code guessed for an identifier that nobody has proves nothing.
        let account = self.account.clone().ok_or(AuthError::AttemptGone)?;
        if self.purpose == Purpose::Recovery {
            return self.recovered(account, given).await;
        }
        let flow = self.flows().get(flow).cloned();
        let flow = flow.ok_or_else(|| AuthError::Internal("the flow that was passed is gone".into()))?;
        match self.purpose {
            Purpose::Reauth => self.raised(account, &flow).await,
            _ => self.enter(account, &flow, given).await,
        }
    }

    /// What was proven, for the session and its tokens. A recovery code opens the flow, and is not rated as the device
    /// that it stands in for (R11).
    fn basis(&self, flow: &Flow) -> Basis {
        let mut passed = self.passed();
        for item in passed.iter_mut().filter(|item| item.stood_in) {
            item.device = None;
        }
        let level = flows::level_of_passed(&self.holding.rated(&passed), &self.app.plan.words);
        let mut amr = flows::amr(&passed, &self.app.plan.words);
        amr.retain(|method| *method != "mfa" || level == Level::MultiFactor);
        let amr = amr.into_iter().map(str::to_owned).collect();
        Basis { flow: flow.name.clone(), acr: level.acr().to_owned(), amr }
    }

    /// All secrets are passed: somebody who lacks a required field is asked for it before the session is opened.
    async fn enter(mut self, account: Account, flow: &Flow, given: &Given) -> Result<Progress> {
        let app = self.app;
        let mut profile = values::stored(&account.user.profile);
        let lacking = app.plan.profile.lacking(&profile, Moment::Signin);
        if lacking.is_empty() {
            return self.signed_in(account, flow, &Map::new()).await;
        }
        // What was proven stays so, whatever the profile says; failures before it are told now or never.
        let told = if self.spent_recovery_code() { Vec::new() } else { self.told(&account)? };
        self.failures = 0;
        let mut tx = self.transaction().await?;
        self.keep(&mut tx).await?;
        notices::queue(app, &mut tx, &told).await?;
        self.commit(tx).await?;
        app.wake.notify_one();
        let Some(given) = &given.profile else {
            let wished = language::wished(&account.user.profile);
            let ask = profile::ask(app, self.client, wished.as_deref(), &lacking);
            return Ok(self.asking(vec![ask]));
        };
        let changed = profile::complete(app, &mut profile, given, Moment::Signin)?;
        let taken =
            profile::first_taken(app, &mut app.store.read().await?, &account.user.id, &changed).await?;
        if let Some(taken) = taken {
            return profile::tell_taken(app, self.client, taken).await;
        }
        self.signed_in(account, flow, &changed).await
    }

    async fn signed_in(
        mut self,
        account: Account,
        flow: &Flow,
        changed: &Map<String, Value>,
    ) -> Result<Progress> {
        let (app, basis) = (self.app, self.basis(flow));
        let opened = open::open(app, self.client, &account.user.id, &basis)?;
        let mut holder = self.ask_tokens(&account, &opened.session.id, &basis).await?;
        let cleared = self.cleared(&account);
        // Nothing is left of an account that is cleared, its known devices neither.
        let known = self.attempt.known_device.clone().filter(|_| cleared.is_none());
        let before = self.attempt.known_shown.as_deref().filter(|_| cleared.is_none());
        let shown = known::shown(before, &self.proofs, &account);
        let left = cleared.as_ref().unwrap_or(&account);
        let mut told = self.told(left)?;
        if cleared.is_some() {
            told.extend(clearing::tell(app, &account, &|device| left.device(&device.id).is_some())?);
        }
        let due = match &cleared {
            Some(left) => self.codes_are_due(left, &left.holding(app)),
            None => self.codes_are_due(&account, &self.holding),
        };
        let told_codes = recovery_codes::tell(app, self.client, left, due)?;
        let mut tx = self.transaction().await?;
        let (opened, now) = (opened.now(app), app.now());
        if cleared.is_some() {
            // Guesses before attempts, and both before the user, as everywhere: otherwise two of these could wait for
            // each other.
            let guessed = guess_rows::of_subject(&mut tx, &account.user.id).await?;
            guess_rows::clear(&mut tx, guessed, Vec::new()).await?;
        }
        self.close(&mut tx).await?;
        if cleared.is_some() {
            attempts::drop_of_user(&mut tx, &account.user.id).await?;
        }
        if users::sign_in(&mut tx, &account.user.id, account.user.credentials, now).await?.is_no() {
            return Err(AuthError::AttemptGone);
        }
        if !changed.is_empty() {
            let written = profile::write(app, &mut tx, &account.user.id, changed).await?;
            self.noted.extend(written.event(By::User, &account));
            holder.profile = written.after;
        }
        self.owned(&mut tx, &account).await?;
        let proofs = standing::kept(app, &self.proofs, None);
        let known = known::remember(app, &mut tx, known.as_ref(), (&account.user.id, &shown), now).await?;
        session_rows::insert(&mut tx, &opened.session, &proofs, known.id()).await?;
        self.used(&mut tx).await?;
        let recovery_code = self.replace_recovery_code(&mut tx, &account).await?;
        // Before what takes a change back, whose texts are in fewer windows: otherwise two of these could wait for each
        // other.
        notices::queue(app, &mut tx, &told).await?;
        let recovery_codes = self.make_codes(&mut tx, &account, told_codes.as_ref()).await?;
        self.noted.push(open::succeeded(self.purpose, &opened.session, self.rescued()));
        self.commit(tx).await?;
        if !told.is_empty() || due {
            app.wake.notify_one();
        }
        self.rehash(&account);
        let tokens = tokens::tokens(app, &opened, known, &holder)?;
        let tokens = Tokens { recovery_code, recovery_codes, ..tokens };
        Ok(Progress::Done(Done { tokens: Some(tokens), ..Done::of(self.purpose, account.user.id) }))
    }

    /// Whom the token is for that all this leads to, after the hooks were asked. Where they refuse, what was proven
    /// stays so: the attempt can be answered again.
    async fn ask_tokens(&mut self, account: &Account, session: &SessionId, basis: &Basis) -> Result<Holder> {
        let holder = Holder::from(account);
        if !self.app.hooks.listen(Point::BeforeTokens) {
            return Ok(holder);
        }
        self.flush().await?;
        let whose = (&account.user.id, session);
        let purpose = self.purpose.name();
        let more = hooks::before_tokens(self.app, purpose, whose, basis, account.into()).await?;
        Ok(Holder { more, ..holder })
    }

    /// Whether a recovery code was spent, in the place of a passcode or to be counted apart.
    fn spent_recovery_code(&self) -> bool {
        self.by_recovery_code || self.apart.values().any(|name| name == guesses::RECOVERY_CODE)
    }

    /// Whether a recovery code stood in for a passcode, in this request or an earlier one.
    fn rescued(&self) -> bool {
        self.proofs.iter().any(|proof| proof.secret == "passcode" && proof.device.is_none())
    }

    /// What the owner is told of a sign-in: that it came after failures, or by a recovery code (R72, R128).
    fn told(&self, account: &Account) -> Result<Vec<Notice>> {
        let kind = if self.spent_recovery_code() {
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
        if !self.spent_recovery_code() {
            return Ok(None);
        }
        let (user, code) = (&account.user.id, recovery::code(&self.app.random));
        codes_at_rest::keep(self.app, tx, user, &code).await?;
        Ok(Some(code))
    }

    /// A session raised to what was proven again. What was less than it has changes nothing of it but what was shown
    /// lately: it is never rated above, nor newer than, the authentication that made it (R11).
    async fn raised(mut self, account: Account, flow: &Flow) -> Result<Progress> {
        let (app, basis) = (self.app, self.basis(flow));
        let user = account.user.id.clone();
        let session = self.attempt.session_id.clone().ok_or(AuthError::AttemptGone)?;
        let holder = self.ask_tokens(&account, &session, &basis).await?;
        let due = self.codes_are_due(&account, &self.holding);
        let told_codes = recovery_codes::tell(app, self.client, &account, due)?;
        let mut tx = self.transaction().await?;
        let now = app.now();
        self.close(&mut tx).await?;
        self.owned(&mut tx, &account).await?;
        let before =
            session_rows::live(&mut tx, &session, now).await?.filter(|before| before.user_id == user);
        let before = before.ok_or(AuthError::AttemptGone)?;
        let shown = session_rows::proofs(&mut tx, &session, &user).await?;
        let proofs = standing::kept(app, &self.proofs, shown.as_deref());
        if session_rows::set_proofs(&mut tx, &session, &proofs, &user).await?.is_no() {
            return Err(AuthError::AttemptGone);
        }
        if Level::of_acr(&basis.acr) >= Level::of_acr(&before.acr) {
            session_rows::raise(&mut tx, &session, &user, &basis.acr, &basis.amr.join(" "), now).await?;
        }
        self.used(&mut tx).await?;
        if due && users::still(&mut tx, &user, account.user.credentials, now).await?.is_no() {
            return Err(AuthError::AttemptGone);
        }
        // Users before known devices, as a sign-in takes them: otherwise the two could wait for each other.
        self.shown_again(&mut tx, &account).await?;
        let recovery_code = self.replace_recovery_code(&mut tx, &account).await?;
        let recovery_codes = self.make_codes(&mut tx, &account, told_codes.as_ref()).await?;
        let raised = session_rows::live(&mut tx, &session, now).await?.ok_or(AuthError::AttemptGone)?;
        // What was proven this time, whatever the session was worth before.
        let (acr, amr) = (basis.acr.clone(), basis.amr.join(" "));
        let proven = Session { flow: basis.flow.clone(), acr, amr, ..raised.clone() };
        self.noted.push(open::succeeded(self.purpose, &proven, self.rescued()));
        self.commit(tx).await?;
        app.wake.notify_one();
        let tokens = tokens::access_only(app, &raised, &holder)?;
        let tokens = Tokens { recovery_code, recovery_codes, ..tokens };
        Ok(Progress::Done(Done { tokens: Some(tokens), ..Done::of(self.purpose, user) }))
    }

    /// Notes what was shown at a known device for the first time.
    async fn shown_again(&self, tx: &mut Tx, account: &Account) -> Result<()> {
        let (id, before) = (self.attempt.known_device.as_ref(), self.attempt.known_shown.as_deref());
        let shown = known::shown(before, &self.proofs, account);
        if let Some(id) = id.filter(|_| before != Some(&shown)) {
            known_devices::note(tx, id, &shown).await?;
        }
        Ok(())
    }

    /// Whether recovery codes are to be made with this answer: the highest class was shown, and there are none (R72).
    fn codes_are_due(&self, account: &Account, holding: &Holding) -> bool {
        let highest = holding.shown(&self.passed()) == holding.top();
        !self.spent_recovery_code()
            && highest
            && recovery_codes::are_due(self.app, account.recovery.len(), holding)
    }

    async fn make_codes(
        &mut self,
        tx: &mut Tx,
        account: &Account,
        told: Option<&Told>,
    ) -> Result<Vec<Sensitive>> {
        let Some(told) = told else { return Ok(Vec::new()) };
        // Of two that were thought out at once only the first makes them: the other list would be dead before it is
        // read.
        if secrets::count(tx, &account.user.id, secrets::RECOVERY).await? > 0 {
            return Ok(Vec::new());
        }
        let (codes, made) = recovery_codes::write(self.app, tx, &account.user.id, By::Server).await?;
        self.noted.push(made);
        self.noted.extend(told.write(self.app, tx).await?);
        Ok(codes)
    }

    /// The devices that were shown and are nobody's own yet.
    fn strange<'a>(&self, account: &'a Account) -> Vec<&'a Device> {
        let shown = self.proofs.iter().filter_map(|proof| account.device(proof.device.as_deref()?));
        shown.filter(|device| device.own.is_none() && carried(device)).collect()
    }

    /// Whether anything but strange devices stands behind this: a right fixed secret, a device that is the owner's
    /// own, a recovery code, or a session of the account, from inside of which it is proven.
    fn is_vouched_for(&self, account: &Account) -> bool {
        let own = |id: &str| account.device(id).is_some_and(|device| device.own.is_some());
        self.by_recovery_code
            || self.purpose == Purpose::Reauth
            || self.proofs.iter().any(|p| p.secret != "passcode" || p.device.as_deref().is_some_and(own))
    }

    /// What is left of the account where nothing vouches for whoever signs in; none where something does.
    fn cleared(&self, account: &Account) -> Option<Account> {
        let strange: Vec<&str> = self.strange(account).iter().map(|device| device.id.as_str()).collect();
        let clears = !strange.is_empty() && !self.is_vouched_for(account);
        clears.then(|| clearing::left(account, &strange))
    }

    /// What this makes of the devices that were shown, and of the secrets. Behind a right fixed secret, or beside a
    /// device that is the owner's own, a device becomes their own too. Where neither stands behind it, whoever holds it
    /// is the owner, and nothing that was there before is left (R122). Secrets that leaned on the one device that had
    /// recovered the account lean on it no more once another one was shown.
    async fn owned(&mut self, tx: &mut Tx, account: &Account) -> Result<()> {
        let strange = self.strange(account);
        if !strange.is_empty() && !self.is_vouched_for(account) {
            let kept: Vec<&str> = strange.iter().map(|device| device.id.as_str()).collect();
            let (gone, ended) = clearing::all_but(self.app, tx, account, &kept).await?;
            // Whoever is about to finish by what is gone now does not.
            users::touch(tx, &account.user.id, self.app.now()).await?.either_way();
            self.noted.extend(clearing::noted(account, By::Server, gone, ended));
        }
        for device in strange {
            devices::confirm(tx, &device.id, self.app.now(), Some(devices::PROVEN)).await?.either_way();
        }
        let used = || self.proofs.iter().any(|proof| account.set_by.contains_key(&proof.secret));
        if !account.set_by.is_empty() && used() && self.holding.is_free(&self.passed()) {
            secrets::trust(tx, &account.user.id).await?;
        }
        Ok(())
    }

    async fn used(&self, tx: &mut Tx) -> Result<()> {
        for device in self.proofs.iter().filter_map(|p| p.device.as_ref()) {
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
        let work = async move {
            let Ok(new) = hasher.hash(typed, salt).await else { return };
            if let Ok(mut tx) = store.begin().await {
                let _ = secrets::rehash(&mut tx, &user_id, kind, &old, &new).await;
                let _ = tx.commit().await;
            }
        };
        tokio::spawn(work.in_current_span());
    }
}

/// Whether a device can be shown to be somebody's: a card's number is known, not held.
fn carried(device: &Device) -> bool {
    device.secret.is_none() || device.kind == "authenticator"
}
