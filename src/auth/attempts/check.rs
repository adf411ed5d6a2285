//! How each secret is checked. A failure is counted and committed, whatever becomes of the request; a hash
//! is computed between transactions; a code is spent in the one that notes it.

use super::walk::{IDENTIFIER_TARGET, Walk};
use crate::auth::account::proof::Proof;
use crate::auth::account::recovery_codes;
use crate::auth::account::{card, seed};
use crate::auth::codes::vendor::{self, Hearer};
use crate::auth::codes::{challenge, look, shape};
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::{self, Bound, Subject};
use crate::base::Sensitive;
use crate::devices::authenticator::Seen;
use crate::flows::Secret;
use crate::secrets::SecretKind;
use crate::store::Tx;
use crate::store::challenges::{self, Challenge};
use crate::store::devices::Device;
use crate::store::guesses::Guesses;

/// How the code of an authenticator comes, in events.
const AUTHENTICATOR: &str = "authenticator";

impl Walk<'_> {
    /// The devices that carry any of the passcodes that are asked.
    fn all_carriers(&self, asked: &[Secret]) -> Vec<Device> {
        let mut all: Vec<Device> = Vec::new();
        for device in asked.iter().filter(|s| s.name == "passcode").flat_map(|s| self.carriers(s)) {
            if all.iter().all(|d| d.id != device.id) {
                all.push(device.clone());
            }
        }
        all
    }

    /// A secret that a person chose and keeps: the password, or an own kind. Whoever has none, and nobody at all,
    /// costs one hash as well (R16).
    pub(super) async fn check_hashed(&mut self, kind: &dyn SecretKind, typed: &Sensitive) -> Result<()> {
        self.flush().await?;
        let subject = self.subject(kind.name());
        let _turn = subject.turn(self.app).await?;
        let so_far = subject.judge_alone(self.app, Bound::Fixed).await?;
        let typed = kind.prepare(typed.expose());
        let right = match self.account.as_ref().and_then(|a| a.hashes.get(kind.name()).cloned()) {
            Some(stored) => {
                let verified = self.hasher().verify(typed.clone(), stored).await?;
                if verified.ok && verified.stale {
                    self.stale = Some((kind.name(), typed));
                }
                verified.ok
            }
            None => {
                self.hasher().verify_nobody(typed).await?;
                false
            }
        };
        self.settle(&subject, &so_far, right, kind.name()).await?;
        self.failures = self.failures.max(so_far.streak);
        self.proofs.push(Proof::fixed(kind.name(), None));
        Ok(())
    }

    /// A secret that a device holds: the number of a card.
    pub(super) async fn check_in_device(&mut self, kind: &dyn SecretKind, typed: &Sensitive) -> Result<()> {
        self.flush().await?;
        let subject = self.subject(kind.name());
        let _turn = subject.turn(self.app).await?;
        let so_far = subject.judge_alone(self.app, Bound::Fixed).await?;
        let cards = self.account.iter().flat_map(|account| account.of_kind("card"));
        let card = card::find(self.app, &self.hasher(), cards, typed).await?.map(|card| card.id.clone());
        self.settle(&subject, &so_far, card.is_some(), kind.name()).await?;
        self.failures = self.failures.max(so_far.streak);
        self.proofs.push(Proof::fixed(kind.name(), card));
        Ok(())
    }

    /// Counts a failure, or ends a row of failures.
    async fn settle(&self, subject: &Subject, so_far: &Guesses, right: bool, secret: &str) -> Result<()> {
        if right && so_far.streak == 0 {
            return Ok(());
        }
        let mut tx = self.app.store.begin().await?;
        if right {
            subject.succeed(&mut tx, so_far).await?;
        } else {
            subject.fail(self.app, &mut tx, "").await?;
        }
        tx.commit().await?;
        if right { Ok(()) } else { Err(look::wrong(secret, None)) }
    }

    /// A passcode is looked at for the device it was asked of. A failure is committed, whatever it is.
    pub(super) async fn check_passcode(
        &mut self,
        asked: &[Secret],
        typed: &Sensitive,
        named: Option<String>,
    ) -> Result<()> {
        self.flush().await?;
        let carriers = self.all_carriers(asked);
        let named = named.filter(|id| self.proven() && carriers.iter().any(|device| device.id == *id));
        let meant = |d: &&Device| named.as_ref().is_none_or(|id| d.id == *id);
        let apps: Vec<&Device> = carriers.iter().filter(|d| d.kind == AUTHENTICATOR).filter(meant).collect();
        let subject = self.subject_at(apps.iter().copied());
        let turn = if apps.is_empty() { self.subject_at(&carriers) } else { subject.clone() };
        let _turn = turn.turn(self.app).await?;
        let all = self.sent().await?;
        shape::of(self.app, &all, self.takes_apps(asked, &carriers), typed)?;
        if self.proven() {
            let sent = challenge::last(&all, named.as_deref(), self.app.now());
            let sent = sent.and_then(|c| sent_to(&carriers, c).map(|device| (c, device)));
            let by_code = self.subject_at(sent.map(|(_, device)| device));
            return self.check_known(&apps, sent, typed, (&subject, &by_code)).await;
        }
        let sent = challenge::last(&all, Some(IDENTIFIER_TARGET), self.app.now());
        let by_code = self.subject_at(sent.and_then(|sent| sent_to(&carriers, sent)));
        let by_code = by_code.before_proof(self.app, &self.attempt.canonical);
        vendor::settle(self.app, sent, typed, &by_code, Hearer::Anybody).await?;
        let mut tx = self.app.store.begin().await?;
        match self.check_own(&mut tx, (&carriers, sent), typed, (&subject, &by_code)).await {
            Ok((device, channel)) => self.passed_code(tx, device, channel).await,
            Err(error) => {
                tx.commit().await?;
                Err(error)
            }
        }
    }

    /// Whether what an app shows may be typed: before a proof by what is asked, which nobody's identifier has too.
    fn takes_apps(&self, asked: &[Secret], carriers: &[Device]) -> bool {
        if self.proven() {
            return carriers.iter().any(|carrier| carrier.kind == AUTHENTICATOR);
        }
        let app = |secret: &Secret| secret.device.as_deref().is_none_or(|device| device == AUTHENTICATOR);
        asked.iter().any(|secret| secret.name == "passcode" && app(secret))
    }

    /// Notes a right passcode, in the transaction that spent it.
    async fn passed_code(&mut self, mut tx: Tx, device: &Device, channel: &'static str) -> Result<()> {
        self.proofs.push(Proof::passcode(&device.kind, &device.id));
        self.save_proofs(&mut tx).await?;
        self.noted.push(look::succeeded(self.purpose, channel, Some(&device.user_id)));
        self.tx = Some(tx);
        Ok(())
    }

    /// Once something is proven: the device that is named, alone; where none is, each authenticator that is asked, and
    /// the code that was sent last. If one fits, the others' counters stay as they are. If none does, each of them was
    /// guessed at: that many count towards the day and the month, and the waits rise by one step in all. A known device
    /// may be counted by itself at one of both and not at the other.
    async fn check_known(
        &mut self,
        authenticators: &[&Device],
        sent: Option<(&Challenge, &Device)>,
        typed: &Sensitive,
        (subject, by_code): (&Subject, &Subject),
    ) -> Result<()> {
        let judged = subject.judge_alone(self.app, Bound::Fixed).await;
        // The waits are for what is computed: a sent code dies by itself, and goes on while an authenticator rests.
        let compared = match judged {
            Ok(_) => authenticators,
            Err(error) if sent.is_none() && !authenticators.is_empty() => return Err(error),
            Err(_) => &[],
        };
        if let Some((tx, device)) = self.by_authenticator(compared, typed, subject).await? {
            return self.passed_code(tx, device, AUTHENTICATOR).await;
        }
        self.check_sent(sent, compared.len(), typed, (subject, by_code)).await
    }

    /// The authenticator whose code it is, and the transaction that took its step.
    async fn by_authenticator<'d>(
        &self,
        compared: &[&'d Device],
        typed: &Sensitive,
        subject: &Subject,
    ) -> Result<Option<(Tx, &'d Device)>> {
        // Judged by when it was typed, however long the database takes: its step is taken once all the same.
        let now = self.app.now();
        let seen = compared.iter().map(|d| (*d, seed::look(self.app, d, typed, now)));
        for (device, seen) in seen.filter(|(_, seen)| *seen != Seen::Wrong) {
            let mut tx = self.app.store.begin().await?;
            let so_far = subject.judge(self.app, &mut tx, Bound::Fixed).await?;
            if seed::take(&mut tx, device, seen, now).await? {
                subject.succeed(&mut tx, &so_far).await?;
                return Ok(Some((tx, device)));
            }
            tx.commit().await?;
        }
        Ok(None)
    }

    /// The code that was sent, after `compared` authenticators did not fit.
    async fn check_sent(
        &mut self,
        sent: Option<(&Challenge, &Device)>,
        compared: usize,
        typed: &Sensitive,
        (by_app, by_code): (&Subject, &Subject),
    ) -> Result<()> {
        // Where an app was asked too, a code that can be typed no more is none, and what was typed a guess at the app.
        let gone = sent.and_then(|(sent, _)| look::gone(self.app, sent, by_code));
        let sent = match gone {
            Some(gone) => {
                if let Some((over, _)) = sent {
                    look::bury_alone(self.app, over).await?;
                }
                if compared == 0 {
                    return Err(gone);
                }
                None
            }
            None => sent,
        };
        if let (None, 1..) = (&sent, compared) {
            let mut tx = self.app.store.begin().await?;
            by_app.at_once(compared).fail(self.app, &mut tx, AUTHENTICATOR).await?;
            tx.commit().await?;
            return Err(look::wrong("passcode", None));
        }
        let apart = by_app.name() != by_code.name();
        let subject = &by_code.at_once(usize::from(sent.is_some()) + if apart { 0 } else { compared });
        let found = sent.map(|(sent, _)| sent);
        if let Err(error) = vendor::settle(self.app, found, typed, subject, Hearer::Owner).await {
            return Err(self.missed_apps(compared, (by_app, apart), error).await?);
        }
        let mut tx = self.app.store.begin().await?;
        let looked = look::look(self.app, &mut tx, found, typed, subject).await;
        match (looked, sent) {
            (Ok(()), Some((sent, device))) => self.passed_code(tx, device, sent.channel.name()).await,
            (looked, _) => {
                tx.commit().await?;
                let error = looked.err().unwrap_or_else(|| look::wrong("passcode", None));
                Err(self.missed_apps(compared, (by_app, apart), error).await?)
            }
        }
    }

    /// Counts a guess at so many apps that was none of their codes, and at a sent code beside them, of which `error`
    /// tells. Whatever became of that one, this was a guess at each app; in a transaction of its own, as rows of guesses
    /// are taken before the installation's day. Gives what is answered: that a sent code has had its guesses closes no
    /// app which has a count `apart`.
    async fn missed_apps(
        &self,
        compared: usize,
        (by_app, apart): (&Subject, bool),
        error: AuthError,
    ) -> Result<AuthError> {
        let is_counted = matches!(error, AuthError::WrongSecret { .. });
        if compared == 0 || (is_counted && !apart) {
            return Ok(error);
        }
        let by_app = by_app.at_once(compared);
        let mut tx = self.app.store.begin().await?;
        if is_counted {
            by_app.count(self.app, &mut tx).await?;
        } else {
            by_app.fail(self.app, &mut tx, AUTHENTICATOR).await?;
        }
        tx.commit().await?;
        let closes_it = matches!(error, AuthError::Rests { .. }) && apart;
        Ok(if closes_it { look::wrong("passcode", None) } else { error })
    }

    /// While nothing is proven: the code that was sent for the identifier. Where no message reaches its owner
    /// their authenticator counts, and every guess at it is one at the code that nobody has, so that an answer
    /// tells nothing (R15).
    async fn check_own<'d>(
        &self,
        tx: &mut Tx,
        (carriers, sent): (&'d [Device], Option<&Challenge>),
        typed: &Sensitive,
        (subject, by_code): (&Subject, &Subject),
    ) -> Result<(&'d Device, &'static str)> {
        let reached = sent.and_then(|c| sent_to(carriers, c));
        let authenticators: Vec<&Device> = carriers.iter().filter(|d| d.kind == AUTHENTICATOR).collect();
        // A message that was not sent now, because its window is full, makes no authenticator the first proof.
        let by_message = carriers.iter().any(|device| device.delivery.is_some());
        if reached.is_some() || by_message || authenticators.is_empty() {
            look::look(self.app, tx, sent, typed, by_code).await?;
            let channel = sent.map_or("", |sent| sent.channel.name());
            return reached.map(|device| (device, channel)).ok_or_else(|| look::wrong("passcode", None));
        }
        if let Some(gone) = sent.and_then(|sent| look::gone(self.app, sent, by_code)) {
            look::bury(self.app, tx, sent).await?;
            return Err(gone);
        }
        let subject = &subject.at_once(authenticators.len());
        let (_, left) = look::take(self.app, tx, sent, by_code).await?;
        // Six digits of an app are bounded as such, however long the code is that was sent (R36). One that rests is
        // as wrong as the code that nobody has.
        let rests = subject.rests(self.app, tx).await?;
        let now = self.app.now();
        let open = !rests && (sent.is_none() || left.is_some());
        for device in authenticators.into_iter().filter(|_| open) {
            if !seed::take(tx, device, seed::look(self.app, device, typed, now), now).await? {
                continue;
            }
            if let Some(sent) = sent {
                challenges::spend(tx, &sent.id, now).await?.either_way();
            }
            let so_far = subject.so_far(self.app, tx).await?;
            subject.succeed(tx, &so_far).await?;
            return Ok((device, AUTHENTICATOR));
        }
        if !rests {
            subject.count(self.app, tx).await?;
        }
        look::missed(self.app, tx, sent, by_code).await?;
        Err(look::wrong("passcode", None))
    }

    /// A recovery code stands in for a passcode once something else is proven (R72).
    pub(super) async fn check_recovery(&mut self, secret: &Secret, typed: &Sensitive) -> Result<()> {
        self.flush().await?;
        let subject = self.subject("recovery_code");
        let user = self.account.as_ref().map(|a| a.user.id.clone()).unwrap_or_default();
        let mut tx = self.app.store.begin().await?;
        // Guesses, the attempt and the user before secrets, as a recovery takes them: otherwise the two could wait for
        // each other. Whoever has it waits no longer for what it stands in for, so that a device that was lost and
        // guessed at is replaced (R38); what was counted for day and month stays.
        guesses::lift(&mut tx, &user, self.attempt.known_device.as_deref()).await?;
        self.hold(&mut tx).await?;
        if !recovery_codes::spend(self.app, &mut tx, &user, typed).await? {
            drop(tx);
            return Err(self.wrong_recovery(&subject).await?);
        }
        // Only now: an attempt that is kept after a failure has passed nothing.
        self.by_recovery_code = true;
        let kind = secret.device.clone().or_else(|| self.carriers(secret).first().map(|d| d.kind.clone()));
        self.proofs.push(Proof::stood_in(kind));
        self.save_proofs(&mut tx).await?;
        self.tx = Some(tx);
        Ok(())
    }

    /// Counts a wrong recovery code, and says so.
    pub(super) async fn wrong_recovery(&self, subject: &Subject) -> Result<AuthError> {
        let mut tx = self.app.store.begin().await?;
        subject.fail(self.app, &mut tx, "").await?;
        tx.commit().await?;
        Ok(look::wrong("recovery_code", None))
    }
}

/// The device that a challenge was sent to: its target, or whose address it went to before anything was proven.
fn sent_to<'d>(carriers: &'d [Device], sent: &Challenge) -> Option<&'d Device> {
    let by_address =
        |d: &&Device| sent.target == IDENTIFIER_TARGET && d.delivery.as_deref() == Some(&sent.address);
    carriers.iter().find(|d| d.id == sent.target || by_address(d))
}
