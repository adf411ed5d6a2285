//! What sets somebody apart from whoever guesses (R34, R38). While a factor rests for unknown devices, a long code
//! that was sent to a confirmed address of the account, an email address before a phone, may be shown first; or a
//! recovery code, which is spent. From then on the guesses of the attempt at that factor are counted under the name
//! of that address, or of the recovery codes: one an account and address, never one an attempt. It proves nothing
//! else: it is no passcode of a flow, raises no level and opens nothing.

use super::walk::Walk;
use crate::auth::account::recovery_codes;
use crate::auth::ask::Ask;
use crate::auth::attempts::walk::Apart;
use crate::auth::codes::{look, shape, shown};
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::{self, Subject};
use crate::auth::input::Given;
use crate::auth::sending::language;
use crate::auth::sending::order::{Order, Parcel};
use crate::auth::sending::recipient::Recipient;
use crate::base::{Purpose, Sensitive};
use crate::flows::Secret;
use crate::messages::Channel;
use crate::secrets::Kept;
use crate::store::challenges::Challenge;
use crate::store::devices::Device;
use crate::store::{Tx, attempts};

/// The field that the long code comes in.
pub const UNLOCK_CODE: &str = "unlock_code";
/// The field of a recovery code.
const RECOVERY_CODE: &str = "recovery_code";

impl Walk<'_> {
    /// The factors of what is asked that rest for whoever comes from a device that is not known, with the seconds that
    /// they rest.
    pub(super) async fn resting(&self, asked: &[Secret]) -> Result<Vec<(&'static str, u64)>> {
        if self.purpose == Purpose::Reauth {
            return Ok(Vec::new());
        }
        let mut found: Vec<(&'static str, u64)> = Vec::new();
        for kind in asked.iter().filter_map(|secret| self.app.plan.secrets.kind(&secret.name)) {
            let subject = match kind.kept() {
                Kept::Hashed | Kept::InDevice => self.subject(kind.name()),
                Kept::Carried if !asked.iter().any(|secret| self.is_computed(secret)) => continue,
                Kept::Carried if self.proven() => self.subject_at(self.computing(asked)),
                Kept::Carried => {
                    self.subject_at(self.computing(asked)).before_proof(self.app, &self.attempt.canonical)
                }
                Kept::Listed => continue,
            };
            if self.is_by_itself(&subject) || found.iter().any(|(name, _)| *name == kind.name()) {
                continue;
            }
            if let Some(wait) = subject.wait(self.app).await? {
                found.push((kind.name(), wait));
            }
        }
        Ok(found)
    }

    /// Whether an app answers what is asked: of the account, or while nothing is proven by what is asked alone, so that
    /// nobody's identifier is answered alike.
    fn is_computed(&self, secret: &Secret) -> bool {
        if !self.proven() {
            let narrowed = secret.device.as_deref().and_then(|kind| self.app.plan.devices.kind(kind));
            return narrowed.is_some_and(|kind| kind.channels().is_empty());
        }
        !self.computing(std::slice::from_ref(secret)).is_empty()
    }

    /// The apps among what carries the passcodes that are asked.
    fn computing(&self, asked: &[Secret]) -> Vec<&Device> {
        let kind = |device: &Device| self.app.plan.devices.kind(&device.kind);
        let computes = |device: &&Device| kind(device).is_some_and(|kind| kind.channels().is_empty());
        let passcodes = asked.iter().filter(|secret| secret.name == "passcode");
        passcodes.flat_map(|secret| self.carriers(secret)).filter(computes).collect()
    }

    /// Whether a known device is counted by itself there: nobody else makes it wait.
    fn is_by_itself(&self, subject: &Subject) -> bool {
        self.attempt.known_device.as_deref().is_some_and(|id| subject.is_counted_by(id))
    }

    /// What may be shown first, for identifiers of nobody too.
    pub(super) fn unlocking(&self, rests: &[(&'static str, u64)], sent: &[Challenge]) -> Vec<Ask> {
        let Some((factor, _)) = rests.first() else { return Vec::new() };
        let sent = sent.iter().find(|challenge| challenge.target == target(factor));
        let code = Ask { channel: None, ..shown::with_challenge(self.app, Ask::plain(UNLOCK_CODE), sent) };
        vec![code, Ask::plain(RECOVERY_CODE)]
    }

    /// The order of the long code, for the first factor that rests.
    ///
    /// # Errors
    /// [`AuthError::NotAsked`] where none does.
    pub(in crate::auth) async fn unlock_order(&self, asked: &[Secret]) -> Result<Order> {
        let rests = self.resting(asked).await?;
        let (factor, _) = rests.first().ok_or_else(|| AuthError::NotAsked("nothing that rests".into()))?;
        let device = self.account.as_ref().and_then(|account| {
            let reached = account.confirmed().filter(|d| d.delivery.is_some() && d.canonical.is_some());
            let reached =
                reached.filter(|d| !self.reaching(&d.kind, d.delivery.as_deref().unwrap_or("")).is_empty());
            reached.min_by_key(|d| (d.kind != "email", !d.is_primary))
        });
        let address = device.and_then(|device| device.delivery.as_deref());
        let channel = device.zip(address).and_then(|(d, to)| self.reaching(&d.kind, to).first().copied());
        let channel = channel.unwrap_or(Channel::Email);
        let (to, parcel) = match device {
            Some(device) => (Recipient::of(self.app, channel, device), Parcel::Code),
            None => (Recipient::nobody(channel, &self.attempt.canonical), Parcel::Nothing),
        };
        Ok(Order {
            // By which channel it goes is told to nobody.
            plain: true,
            parcel,
            long: true,
            user: self.account.as_ref().map(|account| account.user.id.clone()),
            subject: self.subject(UNLOCK_CODE).name().to_owned(),
            language: self.account.as_ref().and_then(|account| language::wished(&account.user.profile)),
            way: (channel == Channel::Email).then(|| self.begin_again(Some(factor))),
            ..Order::new(Purpose::Unlock, (self.attempt.scope(), target(factor)), self.ends(), to)
        })
    }

    /// Takes what was shown first out of what was given; true where something was.
    pub(in crate::auth) async fn unlock(&mut self, asked: &[Secret], given: &mut Given) -> Result<bool> {
        if let Some(typed) = given.unlock_code.take() {
            self.by_long_code(&typed).await?;
            return Ok(true);
        }
        if given.recovery_code.is_none() || self.is_taken_as_passcode(asked) {
            return Ok(false);
        }
        let rests = self.resting(asked).await?;
        let Some((factor, _)) = rests.first() else { return Ok(false) };
        let typed = given.recovery_code.take().unwrap_or_default();
        self.by_recovery_code(factor, &typed).await?;
        Ok(true)
    }

    /// Whether a recovery code stands in for a passcode here.
    fn is_taken_as_passcode(&self, asked: &[Secret]) -> bool {
        self.proven() && asked.iter().any(|secret| secret.name == "passcode")
    }

    async fn by_long_code(&mut self, typed: &Sensitive) -> Result<()> {
        self.flush().await?;
        let subject = self.subject(UNLOCK_CODE);
        let scope = self.attempt.scope();
        let mut tx = self.app.store.begin().await?;
        let all = crate::store::challenges::in_scope(&mut tx, &scope).await?;
        let sent = all.iter().find(|challenge| challenge.purpose == Purpose::Unlock);
        let Some(sent) = sent else { return Err(AuthError::NotAsked("nothing that was sent".into())) };
        shape::of_one(sent, UNLOCK_CODE, typed)?;
        if let Err(error) = look::look(self.app, &mut tx, Some(sent), typed, &subject).await {
            tx.commit().await?;
            return Err(match error {
                AuthError::WrongSecret { attempts_left, .. } => look::wrong(UNLOCK_CODE, attempts_left),
                other => other,
            });
        }
        let factor = sent.target.strip_prefix(TARGET).unwrap_or_default();
        let apart = self.apart_also(factor, &guesses::at(self.app, &sent.address))?;
        let user = self.account.as_ref().map(|account| account.user.id.clone());
        self.noted.push(look::succeeded(Purpose::Unlock, sent.channel.name(), user.as_ref()));
        self.write_apart(&mut tx, &apart.1).await?;
        self.is_apart(apart);
        self.commit(tx).await
    }

    async fn by_recovery_code(&mut self, factor: &str, typed: &Sensitive) -> Result<()> {
        self.flush().await?;
        let subject = self.subject(RECOVERY_CODE);
        let user = self.account.as_ref().map(|account| account.user.id.clone()).unwrap_or_default();
        let mut tx = self.app.store.begin().await?;
        // Attempts before secrets, as a recovery takes them: otherwise the two could wait for each other.
        let apart = self.apart_also(factor, guesses::RECOVERY_CODE)?;
        self.write_apart(&mut tx, &apart.1).await?;
        if !recovery_codes::spend(self.app, &mut tx, &user, typed).await? {
            drop(tx);
            return Err(self.wrong_recovery(&subject).await?);
        }
        self.is_apart(apart);
        self.commit(tx).await
    }

    /// Counts the guesses at a factor under another name from now on, in an attempt that is not stored yet.
    pub(super) fn count_apart(&mut self, factor: &str, name: &str) -> Result<()> {
        let apart = self.apart_also(factor, name)?;
        self.is_apart(apart);
        Ok(())
    }

    /// By what guesses are counted once those at `factor` are as well, and what the attempt's row says of that.
    fn apart_also(&self, factor: &str, name: &str) -> Result<(Apart, String)> {
        let mut apart = self.apart.clone();
        apart.insert(factor.to_owned(), name.to_owned());
        let text = serde_json::to_string(&apart).map_err(|e| AuthError::Internal(e.to_string()))?;
        Ok((apart, text))
    }

    fn is_apart(&mut self, (apart, text): (Apart, String)) {
        (self.apart, self.attempt.apart) = (apart, Some(text));
    }

    /// Writes it into the attempt's row, where that is stored. One that is over spends nothing.
    async fn write_apart(&self, tx: &mut Tx, text: &str) -> Result<()> {
        if self.stored && attempts::set_apart(tx, &self.attempt.id, text).await?.is_no() {
            return Err(AuthError::AttemptGone);
        }
        Ok(())
    }
}

const TARGET: &str = "unlock/";

fn target(factor: &str) -> String {
    format!("{TARGET}{factor}")
}
