//! One way through every attempt at an account: asks the flow engine what is next, checks what was given, and goes on until something is asked that was not given, or all is passed.

use crate::auth::account::proof::Proof;
use crate::auth::attempts::ask;
use crate::auth::attempts::progress::Progress;
use crate::auth::attempts::walk::{self, Walk};
use crate::auth::codes::send;
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Given;
use crate::base::Purpose;
use crate::flows::{Secret, Step};
use crate::secrets::Kept;

impl<'a> Walk<'a> {
    /// Goes on with what was given, as far as it leads.
    pub async fn run(mut self, given: &Given) -> Result<Progress> {
        let mut given = given.clone();
        let mut moved = false;
        loop {
            self.name_user();
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
                None => return Err(walk::not_asked(&asked)),
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
        let kind = self.app.plan.secrets.kind(&secret.name);
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

    /// Stores where the attempt stands, sends what is to be sent by itself, and says what is asked.
    async fn ask(mut self, asked: &[Secret]) -> Result<Progress> {
        self.flush().await?;
        let order = ask::automatic(&self, asked).await?;
        // A full window costs the automatic message, not the attempt: it may be sent later. It does not lower what is
        // asked either, so who may know is told when.
        let mut full = None;
        let ready = match &order {
            Some(order) => match send::prepare(self.app, self.client, order).await {
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
            match send::write(self.app, &mut tx, ready).await {
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
}
