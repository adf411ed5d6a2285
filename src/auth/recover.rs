//! The end of a recovery: the right to set a new password, and what is dropped by it (R14, R58, R121–R123).

use super::account::Account;
use super::error::{AuthError, Result};
use super::finish::end_everything;
use super::input::Given;
use super::progress::{Ask, Done, Progress};
use super::purpose::Purpose;
use super::walk::Walk;
use super::{notices, noting};
use crate::base::Sensitive;
use crate::base::clock::DAY;
use crate::events::{By, Event, Noted};
use crate::messages::Kind;
use crate::secrets::password::Password;
use crate::store::devices::Gone;
use crate::store::{Tx, devices, secrets, users};

impl Walk<'_> {
    /// Recovery gives the right to set a new password and nothing else: it signs nobody in, lifts no further
    /// factor, ends every session, and drops whatever its owner never proved (R14, R58, R121–R123).
    pub(super) async fn recovered(mut self, account: Account, given: &Given) -> Result<Progress> {
        self.flush().await?;
        let Some(chosen) = &given.new_password else {
            return self.ask_new_password().await;
        };
        let user_id = account.user.id.clone();
        let chosen = match self.checked_password(&account, chosen) {
            Ok(chosen) => chosen,
            Err(fault) => {
                // What was proven stays so: another password may come alone.
                if self.stored {
                    let mut tx = self.transaction().await?;
                    self.keep(&mut tx).await?;
                    self.commit(tx).await?;
                }
                return Err(fault);
            }
        };
        let hash = self.app.hasher.hash(chosen, self.app.random.bytes()).await?;
        let now = self.app.now();
        let told = notices::about(self.app, self.client, &account, Kind::RecoveryDone, None)?;
        let mut tx = self.transaction().await?;
        self.close(&mut tx).await?;
        secrets::set(&mut tx, &self.app.random.uuid(), &user_id, secrets::PASSWORD, &hash, now).await?;
        let gone = self.purge(&mut tx, &account).await?;
        let ended = end_everything(&mut tx, &user_id).await?;
        if users::touch_from(&mut tx, &user_id, account.user.credentials, now).await? != 1 {
            return Err(AuthError::AttemptGone);
        }
        notices::queue(self.app, &mut tx, &told).await?;
        self.note_recovery(&account, gone, ended);
        self.commit(tx).await?;
        self.app.wake.notify_one();
        Ok(Progress::Done(Done { purpose: self.purpose, user: user_id, tokens: None }))
    }

    fn note_recovery(&mut self, account: &Account, gone: Vec<Gone>, ended: u64) {
        let ids: Vec<&str> = gone.iter().map(|gone| gone.id.as_str()).collect();
        let personal = noting::named_with(account, &ids, None);
        let user = &account.user.id;
        let about = |noted: Noted| noted.naming(personal.clone());
        let identifier = self.attempt.kind.clone();
        self.noted.push(Event::RecoveryCompleted { identifier }.of(user));
        self.noted.push(about(Event::PasswordChanged { by: By::Recovery }.of(user)));
        self.noted.extend(noting::dropped(By::Recovery, gone).map(about));
        self.noted.extend(noting::ended(user, "recovered", ended));
    }

    async fn ask_new_password(mut self) -> Result<Progress> {
        let mut tx = self.transaction().await?;
        self.keep(&mut tx).await?;
        self.commit(tx).await?;
        Ok(self.asking(vec![Ask::plain("new_password")]))
    }

    fn checked_password(&self, account: &Account, chosen: &Sensitive) -> Result<Sensitive> {
        super::chosen::checked(self.app, account, &Password, chosen, "new_password")
    }

    /// The first proof of an address whose account was made without one wipes what stood there before; any
    /// recovery drops unconfirmed claims. Gives what is gone.
    async fn purge(&self, tx: &mut Tx, account: &Account) -> Result<Vec<Gone>> {
        let mut gone = devices::drop_unconfirmed(tx, &account.user.id).await?;
        for device in self.proofs.iter().filter_map(|p| p.device.as_deref()) {
            let unproven = account.device(device).is_some_and(|d| d.proven_at.is_none());
            if unproven {
                gone.extend(devices::drop_others(tx, &account.user.id, device).await?);
            }
            devices::confirm(tx, device, self.app.now()).await?;
        }
        Ok(gone)
    }

    /// Whether recovery by this identifier has to wait: an address added lately cannot recover an account
    /// that others name (R125).
    pub(super) fn barred(&self) -> bool {
        if self.purpose != Purpose::Recovery {
            return false;
        }
        let Some(account) = &self.account else { return false };
        let now = self.app.now();
        let own = account.of_kind(&self.attempt.kind);
        let own = own.into_iter().find(|d| d.canonical.as_deref() == Some(&self.attempt.canonical));
        own.and_then(|d| d.confirmed_at).is_some_and(|since| {
            let older = account.confirmed().any(|d| d.canonical.is_some() && d.confirmed_at < Some(since));
            older && since + DAY > now
        })
    }
}
