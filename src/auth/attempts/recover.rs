//! The end of a recovery: the right to set a new password and whatever fixed secret is gone, and what is dropped by
//! it (R14, R58, R121–R123).

use super::progress::{Done, Progress};
use super::walk::Walk;
use super::{clearing, recent};
use crate::app::App;
use crate::auth::account::ending::end_everything;
use crate::auth::account::secrets::{self, Chosen};
use crate::auth::account::{Account, card, events, gone};
use crate::auth::ask::Ask;
use crate::auth::attempts::live;
use crate::auth::devices::undo;
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses;
use crate::auth::input::{Client, Given};
use crate::auth::sending::notices::{self, Notice};
use crate::base::seal::sha256_hex;
use crate::base::{DeviceId, Fault, Millis, Purpose, Sensitive, UserId, Wrong};
use crate::events::{By, Event, NewEvent};
use crate::flows::Step;
use crate::secrets::password::Password;
use crate::secrets::{Kept, SecretKind};
use crate::store::attempts::{self as attempt_rows, Attempt};
use crate::store::devices::{self, Device, Gone};
use crate::store::guesses::{self as guess_rows, Row};
use crate::store::sweep::UNDO;
use crate::store::{Tx, secrets as secret_rows, users};

/// The field of a new password.
pub const NEW_PASSWORD: &str = "new_password";

/// What the last step of a recovery asks, all of it together; changes nothing.
///
/// # Errors
/// [`AuthError::AttemptGone`] where it is no recovery, or something of it is still to be proven.
pub async fn look(app: &App, client: &Client, handle: &Sensitive) -> Result<Progress> {
    let attempt = live::live(app, client, handle).await?;
    left(app, client, handle, attempt).await
}

/// The same of a recovery that was only just begun, which no window refuses.
pub async fn begun(app: &App, client: &Client, handle: &Sensitive) -> Result<Progress> {
    let id = sha256_hex(handle.expose().as_bytes()).into();
    let attempt = attempt_rows::live(&mut app.store.read().await?, &id, app.now()).await?;
    left(app, client, handle, attempt.ok_or(AuthError::AttemptGone)?).await
}

async fn left(app: &App, client: &Client, handle: &Sensitive, attempt: Attempt) -> Result<Progress> {
    let walk = Walk::resume(app, client, attempt, handle.clone()).await?;
    let last = walk.purpose == Purpose::Recovery && matches!(walk.step(), Step::Done(_));
    let account = walk.account.clone().filter(|_| last).ok_or(AuthError::AttemptGone)?;
    let wanted = walk.wanted(&account);
    Ok(walk.asking(entries(&wanted)))
}

/// A secret that is to be set, and the field that it comes in.
struct Wanted {
    kind: &'static dyn SecretKind,
    field: &'static str,
}

impl Wanted {
    fn of<'g>(&self, given: &'g Given) -> Option<&'g Sensitive> {
        if self.field == NEW_PASSWORD {
            return given.new_password.as_ref();
        }
        given.secrets.get(self.kind.name())
    }
}

fn entries(wanted: &[Wanted]) -> Vec<Ask> {
    wanted.iter().map(|wanted| Ask::plain(wanted.field)).collect()
}

/// A secret in the form that is stored.
type Ready = (&'static dyn SecretKind, String);

impl Walk<'_> {
    /// Recovery gives the right to set a new password, and new ones of the fixed secrets that are gone, and nothing
    /// else: it signs nobody in, lifts no further factor, ends every session, and drops whatever its owner never
    /// proved (R14, R58, R121–R123).
    pub(in crate::auth) async fn recovered(mut self, account: Account, given: &Given) -> Result<Progress> {
        self.flush().await?;
        let wanted = self.wanted(&account);
        if wanted.iter().all(|wanted| wanted.of(given).is_none()) {
            self.stay().await?;
            return Ok(self.asking(entries(&wanted)));
        }
        let chosen = match checked(self.app, &account, &wanted, given) {
            Ok(chosen) => chosen,
            Err(faults) => {
                // What was proven stays so: other secrets may come alone.
                if self.stored {
                    self.stay().await?;
                }
                return Err(AuthError::Faults(faults));
            }
        };
        let ready = self.hashed(&account, chosen).await?;
        let user_id = account.user.id.clone();
        let set: Vec<&str> = ready.iter().map(|(kind, _)| kind.name()).collect();
        let codes_gone = !account.recovery.is_empty() && self.shows_highest();
        let by = self.proofs.iter().find_map(|proof| proof.device.clone());
        let by = by.as_deref();
        let told = recent::tell(self.app, self.client, &self.left(&account), by, codes_gone).await?;
        let thrown_out = self.thrown_out(&account)?;
        let mut tx = self.transaction().await?;
        let now = self.app.now();
        // What was sent before guesses, those before attempts, and these before the user, as a sign-in takes them:
        // otherwise the two could wait for each other.
        self.drop_sent(&mut tx).await?;
        self.forget_guesses(&mut tx, &account, &set).await?;
        self.end_all(&mut tx, &user_id).await?;
        // Raised before sessions end, so that a sign-in that is about to finish cannot leave one behind.
        if users::touch_from(&mut tx, &user_id, account.user.credentials, now).await?.is_no() {
            return Err(AuthError::AttemptGone);
        }
        let (gone, ended) = self.purge(&mut tx, &account).await?;
        let changes = self.set(&mut tx, &account, ready).await?;
        self.drop_codes(&mut tx, &user_id).await?;
        if let Some(by) = by.and_then(|by| account.device(by)) {
            undo::forget_younger(self.app, &mut tx, &account, by).await?;
        }
        told.write(self.app, &mut tx).await?;
        notices::queue(self.app, &mut tx, &thrown_out).await?;
        self.note_recovery(&account, changes, gone, ended);
        self.commit(tx).await?;
        self.app.wake.notify_one();
        let done = Done { recent: told.recent, codes_gone, ..Done::of(self.purpose, user_id) };
        Ok(Progress::Done(done))
    }

    /// Whether a device of the highest class that the account has was shown.
    fn shows_highest(&self) -> bool {
        let shown = self.holding.shown(&self.passed());
        shown.is_some() && shown == self.holding.top()
    }

    /// Ends the rows of wrong guesses at what is `set` anew, and at codes where one of the highest class was right: a
    /// recovery by the mailbox gives nobody another twenty guesses at an app (R36, R38). Whatever was counted goes where
    /// the account is cleared.
    async fn forget_guesses(&self, tx: &mut Tx, account: &Account, set: &[&str]) -> Result<()> {
        let user = &account.user.id;
        let codes = ["passcode"].into_iter().filter(|_| self.shows_highest());
        let anew = set.iter().copied().chain(codes);
        let mut forgotten: Vec<Row> =
            anew.flat_map(|factor| guesses::rows(self.app, account, factor)).collect();
        if self.first_proven(account).next().is_some() {
            forgotten.extend(guess_rows::of_subject(tx, user).await?);
        }
        // A card that rests would let nobody in any more but by the operator: its days and months stay counted.
        let cards = self.app.plan.secrets.iter().filter(|kind| kind.kept() == Kept::InDevice);
        let cards = cards.map(|kind| (user.to_string(), kind.name().to_owned())).collect();
        Ok(guess_rows::clear(tx, forgotten, cards).await?)
    }

    /// What the addresses are told that go with everything else, where nobody vouches for the one that recovers.
    fn thrown_out(&self, account: &Account) -> Result<Vec<Notice>> {
        let left = self.left(account);
        let stays = |device: &Device| left.device(&device.id).is_some();
        clearing::tell(self.app, account, &stays)
    }

    /// Of the recovery codes the young ones go, which whoever is thrown out may have made; all of them where a device
    /// of the highest class was shown, as its owner needs none to go on.
    async fn drop_codes(&self, tx: &mut Tx, user: &UserId) -> Result<()> {
        if self.shows_highest() {
            secret_rows::drop_kind(tx, user, secret_rows::RECOVERY).await?;
        } else {
            secret_rows::drop_young(tx, user, secret_rows::RECOVERY, self.app.now() - UNDO).await?;
        }
        Ok(())
    }

    /// The one device that stands behind what is set now; none where several were shown, or the operator vouches.
    fn set_by(&self) -> Option<&str> {
        let mut devices: Vec<&str> = self.proofs.iter().filter_map(|p| p.device.as_deref()).collect();
        devices.dedup();
        match devices[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    fn note_recovery(&mut self, account: &Account, changes: Vec<NewEvent>, gone: Vec<Gone>, ended: u64) {
        let ids: Vec<&DeviceId> = gone.iter().map(|gone| &gone.id).collect();
        let personal = events::named_with(account, &ids, None);
        let user = &account.user.id;
        let about = |noted: NewEvent| noted.naming(personal.clone());
        let identifier = self.attempt.kind.clone();
        self.noted.push(Event::RecoveryCompleted { identifier }.of(user));
        self.noted.extend(changes.into_iter().map(about));
        self.noted.extend(events::dropped(By::Recovery, gone).map(about));
        self.noted.extend(events::ended(user, "recovered", ended));
    }

    /// Stores where the attempt stands.
    async fn stay(&mut self) -> Result<()> {
        let mut tx = self.transaction().await?;
        self.keep(&mut tx).await?;
        self.commit(tx).await
    }

    /// The password, and what is gone once everything is dropped that a recovery drops.
    fn wanted(&self, account: &Account) -> Vec<Wanted> {
        let mut had: Vec<String> =
            self.proofs.iter().filter_map(|proof| proof.gone().map(str::to_owned)).collect();
        had.extend(gone::had(self.app, account));
        let gone = gone::gone(self.app, &self.left(account), &had);
        let password = Wanted { kind: &Password, field: NEW_PASSWORD };
        std::iter::once(password)
            .chain(gone.into_iter().map(|kind| Wanted { kind, field: kind.field() }))
            .collect()
    }

    async fn hashed(&self, account: &Account, chosen: Vec<Chosen>) -> Result<Vec<Ready>> {
        let (app, user) = (self.app, &account.user.id);
        let mut ready = Vec::new();
        for Chosen { kind, ready: text } in chosen {
            let hash = self.hasher().hash(text.clone(), app.random.bytes()).await?;
            let in_device = kind.kept() == Kept::InDevice;
            ready.push((kind, if in_device { card::stored(&app.sealer, user, &text, &hash) } else { hash }));
        }
        Ok(ready)
    }

    /// Writes the new secrets; gives the events of it.
    async fn set(&self, tx: &mut Tx, account: &Account, ready: Vec<Ready>) -> Result<Vec<NewEvent>> {
        let (app, user, now, by) = (self.app, &account.user.id, self.app.now(), By::Recovery);
        let mut noted = Vec::new();
        for (kind, stored) in ready {
            if kind.kept() == Kept::InDevice {
                let card: Device = card::first(app.random.uuid().into(), user, stored, now);
                devices::insert(tx, &card).await?;
                noted.push(events::added(by, &card));
                continue;
            }
            secret_rows::set(tx, &app.random.uuid(), user, kind.name(), &stored, now, self.set_by()).await?;
            noted.push(match kind.name() {
                secret_rows::PASSWORD => Event::PasswordChanged { by }.of(user),
                own => Event::SecretChanged { by, secret: own.to_owned() }.of(user),
            });
        }
        Ok(noted)
    }

    /// The devices that were shown, and not vouched for by an undo: that one has just put the account in order.
    fn shown_here(&self) -> impl Iterator<Item = &str> {
        self.proofs.iter().filter(|proof| !proof.is_vouched()).filter_map(|proof| proof.device.as_deref())
    }

    /// The devices that were shown and are not yet their owner's own: this recovery is the first that they prove.
    fn first_proven<'a>(&'a self, account: &'a Account) -> impl Iterator<Item = &'a str> {
        let strange = |id: &&str| account.device(id).is_some_and(|device| device.own.is_none());
        self.shown_here().filter(strange)
    }

    /// What an undo by an address that is nobody's own yet leaves to be thrown out: devices that could be sent a code
    /// and that nobody vouches for either. Whoever reads that address has just shown it; they have not (R122).
    fn strangers<'a>(&self, account: &'a Account) -> Vec<&'a Device> {
        let by =
            self.proofs.iter().filter(|proof| proof.is_vouched()).find_map(|proof| proof.device.as_deref());
        let by = by.and_then(|by| account.device(by)).filter(|by| by.own.is_none());
        let Some(by) = by else { return Vec::new() };
        let strange = |device: &&Device| {
            device.own.is_none() && device.id != by.id && !self.app.plan.devices.is_silent(&device.kind)
        };
        account.confirmed().filter(strange).collect()
    }

    /// The secrets of own kinds that were first set within three days, after the device that recovers was confirmed:
    /// whoever is thrown out may have set them, and nothing takes that back.
    fn young_secrets(&self, account: &Account) -> Vec<String> {
        let by = self.shown_here().filter_map(|id| account.device(id)?.confirmed_at).min();
        let young = |at: Millis| at > self.app.now() - UNDO && by.is_some_and(|by| at > by);
        let own =
            account.set_at.iter().filter(|(kind, at)| kind.as_str() != secret_rows::PASSWORD && young(**at));
        own.map(|(kind, _)| kind.clone()).collect()
    }

    /// Ends what was under way, and drops pending changes. Where the device that recovers is not the owner's own,
    /// nothing is left of what was there before it, secrets and recovery codes too (R122). Gives the devices that are
    /// gone, and how many sessions there were.
    async fn purge(&self, tx: &mut Tx, account: &Account) -> Result<(Vec<Gone>, u64)> {
        let kept: Vec<&str> = self.first_proven(account).collect();
        let (mut gone, ended) = if kept.is_empty() {
            let ended = end_everything(tx, &account.user.id).await?;
            (devices::drop_unconfirmed(tx, &account.user.id).await?, ended)
        } else {
            clearing::all_but(self.app, tx, account, &kept).await?
        };
        for device in account.leaning(self.app).into_iter().chain(self.strangers(account)) {
            if devices::delete(tx, &device.id, &account.user.id).await?.is_yes() {
                let (id, kind) = (device.id.clone(), device.kind.clone());
                gone.push(Gone { id, user_id: account.user.id.clone(), kind });
            }
        }
        for kind in self.young_secrets(account) {
            secret_rows::drop_kind(tx, &account.user.id, &kind).await?;
        }
        for device in self.proofs.iter().filter_map(|proof| proof.device.as_ref()) {
            devices::confirm(tx, device, self.app.now(), Some(devices::PROVEN)).await?.either_way();
        }
        Ok((gone, ended))
    }

    /// The account as [`purge`](Self::purge) leaves it.
    fn left(&self, account: &Account) -> Account {
        let mut left = account.clone();
        let gone = account.leaning(self.app).into_iter().chain(self.strangers(account));
        let gone: Vec<&str> = gone.map(|device| device.id.as_str()).collect();
        left.devices.retain(|device| device.confirmed_at.is_some() && !gone.contains(&device.id.as_str()));
        for kind in self.young_secrets(account) {
            left.hashes.remove(&kind);
        }
        let proven: Vec<&str> = self.first_proven(account).collect();
        if proven.is_empty() { left } else { clearing::left(&left, &proven) }
    }

    /// Whether a recovery by this device, to which its code goes, has to wait: an address that was added lately, or
    /// that took the place of another, cannot recover an account that an older one named (R125); one that is hidden
    /// by now counts too.
    pub(super) fn barred(&self, device: Option<&Device>) -> bool {
        let Some((account, device)) = self.account.as_ref().zip(device) else { return false };
        self.purpose == Purpose::Recovery && undo::is_late(self.app, account, device)
    }
}

/// What is wanted, in the form to hash; every fault of it at once.
fn checked(
    app: &App,
    account: &Account,
    wanted: &[Wanted],
    given: &Given,
) -> std::result::Result<Vec<Chosen>, Vec<Fault>> {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for wanted in wanted {
        let missing = || Fault::new(wanted.field, Wrong::MissingTogether);
        let typed = wanted.of(given).ok_or_else(missing);
        match typed.and_then(|typed| secrets::checked(app, account, wanted.kind, typed, wanted.field)) {
            Ok(ready) => found.push(Chosen { kind: wanted.kind, ready }),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}
