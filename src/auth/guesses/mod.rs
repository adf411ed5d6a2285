//! The guess budget: failures by account and factor, over all flows and doors, as rows (R33–R38).
//!
//! A known device is counted apart, so that an attacker elsewhere cannot slow the owner (R35); an
//! identifier that nobody has is counted like one that somebody has (R18).

pub(super) mod known;
pub(super) mod network;
pub(super) mod so_far;

use tokio::sync::OwnedMutexGuard;

use super::account::{self, Account};
use super::error::{AuthError, Result};
use super::input::Client;
use super::sending::notices;
use crate::app::App;
use crate::base::clock::{DAY, HOUR, coarse, seconds_until};
use crate::base::{Millis, Purpose, UserId};
use crate::events::{Event, NewEvent, Source};
use crate::secrets::Kept;
use crate::settings;
use crate::store::Tx;
use crate::store::guesses::{self, Guesses, Row};

/// Who is guessed at, by which factor.
#[derive(Clone, Debug)]
pub struct Subject {
    name: String,
    /// By what its guesses are counted: the secret, or what stands for it before anything is proven.
    factor: &'static str,
    secret: &'static str,
    /// What is told of a failure: who guesses, for what, by which kind of identifier, at whom.
    source: Source,
    purpose: Purpose,
    identifier: String,
    user: Option<UserId>,
    /// How many devices one failure was a guess at.
    devices: i64,
}

/// What guesses are counted by at a code that was sent before anything was proven.
pub const BEFORE_PROOF: &str = "sent code";

/// Under what the guesses of whoever is inside of an account are counted: strangers do not bar a session from proving
/// again who it is.
pub const INSIDE: &str = "inside";
/// By what guesses of whoever is inside of that user's account are counted.
pub fn inside(user_id: &UserId) -> String {
    format!("{user_id}/{INSIDE}")
}

/// Under what those at the page behind a link are counted: only who has the link comes there.
pub const LINK: &str = "link";
/// Under what those are counted that a recovery code was shown before.
pub const RECOVERY_CODE: &str = "recovery code";

/// Under what those are counted that the long code was shown before which went to `address`.
pub fn at(app: &App, address: &str) -> String {
    format!("at/{}", app.subject(&["guesses at", address]))
}

/// What is counted by a factor of an account: by everybody, and by those who are counted apart, but for known devices.
pub fn rows(app: &App, account: &Account, factor: &str) -> Vec<Row> {
    let user = &account.user.id;
    let reached = account.confirmed().filter_map(|device| device.delivery.as_deref());
    let addresses: Vec<String> = reached.map(|address| at(app, address)).collect();
    let apart = [INSIDE, LINK, RECOVERY_CODE].into_iter().chain(addresses.iter().map(String::as_str));
    let all = apart.map(|apart| format!("{user}/{apart}")).chain([user.to_string()]);
    all.map(|subject| (subject, factor.to_owned())).collect()
}

/// Forgets what was counted by a factor of an account, as [`rows`] has it.
pub async fn forget(app: &App, tx: &mut Tx, account: &Account, factor: &str) -> Result<()> {
    Ok(guesses::clear(tx, rows(app, account, factor), Vec::new()).await?)
}

/// Ends the rows of failures at the passcodes of a user: everybody's, those of whoever is inside, and those of a `known`
/// device.
pub async fn lift(tx: &mut Tx, user: &UserId, known: Option<&str>) -> Result<()> {
    let apart = [Some(INSIDE), known].into_iter().flatten().map(|apart| format!("{user}/{apart}"));
    let all = apart.chain([user.to_string()]).map(|subject| (subject, "passcode".to_owned()));
    Ok(guesses::clear(tx, Vec::new(), all.collect()).await?)
}

/// How a factor is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A fixed or computed secret: waits rise with the failures, and days are counted.
    Fixed,
    /// A code that dies by itself after a few guesses: days are counted.
    Sent,
    /// Such a code that a backend asked for. It is told when an address had enough, so that there are few of them, and
    /// only long ones once days are full: those that left before are looked at for five times as long.
    Asked,
    /// A secret of 64 bits or more: nothing to guess (R37).
    Long,
}

impl Subject {
    /// The budget of `account`, or of the identifier that nobody has, for a guess that `client` makes for `purpose`;
    /// `apart` is what an account's guesses are counted by in the place of everybody's: a known device, or
    /// what else sets them apart, such as [`INSIDE`].
    pub fn new(
        app: &App,
        (client, purpose): (&Client, Purpose),
        account: Option<&Account>,
        apart: Option<&str>,
        identifier: (&str, &str),
        factor: &'static str,
    ) -> Self {
        let name = match account {
            Some(account) => match apart {
                Some(apart) => format!("{}/{apart}", account.user.id),
                None => account.user.id.to_string(),
            },
            None => typed(app, identifier),
        };
        Self {
            name,
            factor,
            secret: factor,
            source: client.source(),
            purpose,
            identifier: identifier.0.to_owned(),
            user: account.map(|account| account.user.id.clone()),
            devices: 1,
        }
    }

    /// The same for a guess that is compared with so many devices at once.
    #[must_use]
    pub fn at_once(&self, devices: usize) -> Self {
        Self { devices: i64::try_from(devices.max(1)).unwrap_or(1), ..self.clone() }
    }

    /// The same for a code that was sent before anything is proven. Whoever guesses at it knows nothing of the account,
    /// and what they do is not counted against the factors of who does.
    #[must_use]
    pub fn before_proof(&self, app: &App, canonical: &str) -> Self {
        // By what was typed, for somebody as for nobody: two identifiers of one account are not told to be that. A
        // known device has its own count.
        let apart = self.name.contains('/');
        let name = if apart { self.name.clone() } else { typed(app, (&self.identifier, canonical)) };
        Self { name, factor: BEFORE_PROOF, devices: 1, ..self.clone() }
    }

    /// Tells failures as about `user`, whose account is only being made.
    #[must_use]
    pub fn about(self, user: &UserId) -> Self {
        Self { user: Some(user.to_owned()), ..self }
    }

    /// Tells failures as at an identifier of that kind.
    pub fn called(self, kind: &str) -> Self {
        Self { identifier: kind.to_owned(), ..self }
    }

    /// Whether whoever guesses has proven nothing of an account, so that an answer must not tell that there is one.
    pub fn knows_nothing(&self) -> bool {
        self.factor == BEFORE_PROOF || self.purpose == Purpose::Signup
    }

    /// Whether its guesses are counted by the known device of that id alone.
    pub fn is_counted_by(&self, apart: &str) -> bool {
        self.name.split_once('/').is_some_and(|(_, own)| own == apart)
    }

    /// By what its guesses are counted.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// By what a rest after a dead code is counted, as guesses are: a known device and whoever is inside apart from
    /// strangers. None where nothing of an account was proven before the code.
    pub fn rests_by(&self) -> Option<&str> {
        let proven = self.factor == "passcode" && self.purpose.is_at_account() && self.user.is_some();
        proven.then_some(self.name.as_str())
    }

    /// Waits for this subject's turn: guesses at it are looked at one after the other. It is waited for as long as
    /// hashing is, and whoever waits for longer is told the same, whether there is such an account or not.
    pub async fn turn(&self, app: &App) -> Result<OwnedMutexGuard<()>> {
        let turn = app.locks.hold(&self.name, app.hasher.wait()).await;
        turn.ok_or_else(|| app.hasher.busy().into())
    }

    /// Whether another guess may be looked at; the transaction is to be committed in either case.
    pub async fn judge(&self, app: &App, tx: &mut Tx, bound: Bound) -> Result<Guesses> {
        judged(app, self.so_far(app, tx).await?, bound)
    }

    /// The same outside of any transaction.
    pub async fn judge_alone(&self, app: &App, bound: Bound) -> Result<Guesses> {
        judged(app, so_far::alone(app, &self.name, self.factor).await?, bound)
    }

    /// Seconds until another guess at a fixed or computed secret may be looked at; none: now.
    pub async fn wait(&self, app: &App) -> Result<Option<u64>> {
        let so_far = so_far::alone(app, &self.name, self.factor).await?;
        // Before a proof only day and month are counted: such a code dies by itself.
        let bound = if self.factor == BEFORE_PROOF { Bound::Sent } else { Bound::Fixed };
        let wait = wait(&app.settings.guesses, &so_far, bound, app.shared_now());
        Ok((wait > 0).then(|| told(wait)))
    }

    /// The failures so far.
    pub async fn so_far(&self, app: &App, tx: &mut Tx) -> Result<Guesses> {
        so_far::within(app, tx, &self.name, self.factor).await
    }

    /// Whether the day, the month or the row of failures is full, which is told to nobody: for where an answer must
    /// not say whose account it is (R15). The waits between guesses do not count.
    pub async fn rests(&self, app: &App, tx: &mut Tx) -> Result<bool> {
        let (settings, so_far) = (&app.settings.guesses, self.so_far(app, tx).await?);
        Ok(by_count(settings, &so_far, 1) > app.shared_now()
            || so_far.streak >= i64::from(settings.stop_after))
    }

    /// Whether only long secrets are issued for this subject now (R37).
    pub async fn exhausted(&self, app: &App) -> Result<bool> {
        let so_far = so_far::alone(app, &self.name, self.factor).await?;
        Ok(wait(&app.settings.guesses, &so_far, Bound::Sent, app.shared_now()) > 0)
    }

    /// Counts a failure, for the subject and for the whole installation (R39), and tells it. `channel` is how the
    /// code came. It costs the same whether or not there is an account (R16).
    pub async fn fail(&self, app: &App, tx: &mut Tx, channel: &str) -> Result<()> {
        self.count(app, tx).await?;
        guesses::count_day(tx, app.shared_now()).await?;
        Ok(app.events.write(tx, app.now(), &self.source, &self.failed(channel)).await?)
    }

    /// Counts a failure of this subject alone, where it is told by another name. The one that lets the factor rest is
    /// told to its owner (R38).
    pub async fn count(&self, app: &App, tx: &mut Tx) -> Result<()> {
        let streak = guesses::fail(tx, &self.name, self.factor, app.shared_now(), self.devices).await?;
        let Some(user) = self.user.as_ref().filter(|_| streak == i64::from(app.settings.guesses.stop_after))
        else {
            return Ok(());
        };
        let account = account::by_id(tx, user).await?.filter(|account| self.may_rest(app, account));
        let Some(account) = account else { return Ok(()) };
        let told = notices::of_rest(app, &account, &self.source.network)?;
        notices::queue(app, tx, &told).await
    }

    /// Whether a row of failures ever closes this factor: a fixed secret, or what an authenticator computes. What is
    /// sent dies by itself, and a recovery code is too long to be guessed.
    fn may_rest(&self, app: &App, account: &Account) -> bool {
        let computes = |kind: &str| {
            app.plan
                .devices
                .kind(kind)
                .is_some_and(|kind| kind.carries_passcode() && kind.channels().is_empty())
        };
        app.plan.secrets.kind(self.factor).is_some_and(|kind| match kind.kept() {
            Kept::Hashed | Kept::InDevice => true,
            Kept::Carried => account.confirmed().any(|device| computes(&device.kind)),
            Kept::Listed => false,
        })
    }

    fn failed(&self, channel: &str) -> Vec<NewEvent> {
        let (purpose, identifier, secret) = (self.purpose.name(), self.identifier.clone(), self.secret);
        let entering = self.purpose.is_at_account() || self.purpose == Purpose::Recovery;
        let by_code = secret == "passcode" || !entering;
        let refused = entering.then_some(Event::SigninFailed { purpose, identifier, secret });
        let wrong = by_code.then(|| Event::VerificationFailed { purpose, channel: channel.to_owned() });
        let about = |event: Event| match &self.user {
            Some(user) => event.of(user),
            None => event.of_identifier(&self.name),
        };
        refused.into_iter().chain(wrong).map(about).collect()
    }

    /// Ends a row of failures, where there is one.
    pub async fn succeed(&self, tx: &mut Tx, so_far: &Guesses) -> Result<()> {
        if so_far.streak > 0 {
            guesses::succeed(tx, &self.name, self.factor).await?;
        }
        Ok(())
    }
}

/// By what guesses are counted where it is not known, or not to be told, whose an identifier (kind and canonical
/// form) is: a keyed hash.
pub fn typed(app: &App, (kind, canonical): (&str, &str)) -> String {
    app.subject(&["nobody", kind, canonical])
}

/// What was guessed so far, where another guess may be looked at.
fn judged(app: &App, so_far: Guesses, bound: Bound) -> Result<Guesses> {
    match wait(&app.settings.guesses, &so_far, bound, app.shared_now()) {
        0 => Ok(so_far),
        wait => Err(AuthError::Rests { retry_after: told(wait), asking: None }),
    }
}

/// How long the next guess has to wait; 0: not at all.
fn wait(settings: &settings::Guesses, so_far: &Guesses, bound: Bound, now: Millis) -> Millis {
    let until = match bound {
        Bound::Long => 0,
        Bound::Sent => by_count(settings, so_far, 1),
        Bound::Asked => by_count(settings, so_far, 5),
        Bound::Fixed => by_count(settings, so_far, 1).max(by_ladder(settings, so_far)),
    };
    (until - now).max(0)
}

/// Until when so many `times` the failures of the day or the month bar another guess (R36).
fn by_count(settings: &settings::Guesses, so_far: &Guesses, times: i64) -> Millis {
    let reached = |count: i64, most: u32| count >= i64::from(most) * times;
    let day = if reached(so_far.day_count, settings.per_day) { so_far.day_start + DAY } else { 0 };
    let full = reached(so_far.month_count, settings.per_month);
    day.max(if full { so_far.month_start + 30 * DAY } else { 0 })
}

/// Until when the failures in a row bar another guess (R34, R38).
fn by_ladder(settings: &settings::Guesses, so_far: &Guesses) -> Millis {
    if so_far.streak >= i64::from(settings.stop_after) {
        return Millis::MAX;
    }
    let over = so_far.streak - i64::from(settings.free);
    let rung = usize::try_from(over).ok().and_then(|n| settings.ladder.get(n).or(settings.ladder.last()));
    rung.map_or(0, |rung| so_far.last_at + rung.millis())
}

/// A wait as it is told: as an hour at most.
fn told(wait: Millis) -> u64 {
    coarse(seconds_until(0, wait.min(HOUR)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::SECOND;
    use crate::settings::Span;

    fn settings() -> settings::Guesses {
        let ladder = [30, 60, 300, 900, 3600].map(|s| Span(s * SECOND)).to_vec();
        settings::Guesses {
            free: 3,
            ladder,
            per_day: 20,
            per_month: 100,
            stop_after: 100,
            global_per_day: 10_000,
        }
    }

    fn after(streak: i64, day: i64) -> Guesses {
        Guesses { streak, last_at: 0, day_count: day, day_start: 0, month_count: day, month_start: 0 }
    }

    #[test]
    fn the_ladder_rises_and_ends() {
        let waits =
            [0, 1, 2, 3, 4, 5, 6, 7, 8].map(|n| wait(&settings(), &after(n, 0), Bound::Fixed, 0) / SECOND);
        assert_eq!(waits, [0, 0, 0, 30, 60, 300, 900, 3600, 3600]);
        assert!(
            wait(&settings(), &after(100, 0), Bound::Fixed, 400 * DAY) > 0,
            "a hundred in a row is the end"
        );
    }

    #[test]
    fn a_day_and_a_month_are_counted() {
        assert_eq!(wait(&settings(), &after(0, 19), Bound::Sent, 0), 0);
        assert_eq!(wait(&settings(), &after(0, 20), Bound::Sent, 0), DAY);
        assert_eq!(wait(&settings(), &after(0, 100), Bound::Sent, 2 * DAY), 28 * DAY);
        assert_eq!(wait(&settings(), &after(0, 100), Bound::Long, 0), 0);
        assert_eq!([99, 100].map(|n| wait(&settings(), &after(0, n), Bound::Asked, 0)), [0, DAY]);
    }

    #[test]
    fn waits_are_told_coarsely() {
        assert_eq!([1, 30_000, 30_001, DAY].map(told), [30, 30, 60, 3600]);
    }
}
