//! Codes on their way to a person: made, sent, sent again, looked at.
//!
//! A challenge belongs to a scope (an attempt, a device, a verification) and a target within it. Sending
//! again replaces the code and keeps the count of guesses (R28). Where nobody has the identifier, the same
//! is done and the message goes to nobody (R15).

pub(super) mod budget;
pub(super) mod conversion;
pub(super) mod language;
pub(super) mod limits;
pub(super) mod line_type;
pub(super) mod mutes;
pub(super) mod notices;
pub(super) mod reach;
pub(super) mod rest;
pub(super) mod shape;
pub(super) mod vendor;

use super::attempts::reader::{self, Begin};
use super::error::{AuthError, Result};
use super::guesses::{Bound, Subject};
use super::input::Client;
use super::purpose::Purpose;
use crate::app::App;
use crate::base::clock::seconds_until;
use crate::base::seal::sha256_hex;
use crate::base::{Millis, Sensitive};
use crate::devices::phone;
use crate::events::{Event, Noted};
use crate::messages::{Channel, Code, Context, Kind, Message};
use crate::outbox::About;
use crate::secrets::passcode::{self, Shape};
use crate::settings;
use crate::store::challenges::{self, Challenge};
use crate::store::guesses::{self, Guesses};
use crate::store::{self, Db, Tx};

use budget::{Parcel, Part, Terms};
use limits::{Counted, Leave, counted, limit, terms};

/// A code longer than any that a person is asked to guess at.
const LONG: i64 = 13;
/// Longer codes for everybody while the whole installation is being guessed at (R39).
const ALARMED: u32 = 8;

/// What is to be sent, and where.
#[derive(Clone, Debug)]
pub struct Order {
    /// What the code is for.
    pub purpose: Purpose,
    /// The scope: `attempt/…`, `device/…` or `verification/…`.
    pub scope: String,
    /// When what it belongs to ends: no code is promised for longer.
    pub ends: Millis,
    /// Whether its code is shaped alike on every channel: whoever asks must not learn by which one it goes (R15).
    pub plain: bool,
    /// The target within the scope.
    pub target: String,
    /// How it leaves.
    pub channel: Channel,
    /// Where it goes: the stored address, never one that was only submitted (R10).
    pub address: String,
    /// The device that has that address, where there is one.
    pub device: Option<String>,
    /// Whether a code leaves, a notice instead, or nothing at all.
    pub parcel: Parcel,
    /// Whether a notice leaves in place of a code where the address is taken, at most one a day (R17): whatever is due, both
    /// are rendered and its limit is asked for, so that how long it takes does not tell which it is (R16).
    pub or_notice: bool,
    /// Whether only a long code is safe now (R37).
    pub long: bool,
    /// Whose account it is about, or is to be.
    pub user: Option<String>,
    /// By what the guesses at its code are counted; what is about nobody is noted under that.
    pub subject: String,
    /// What the account or the caller is called in the message.
    pub account: Option<String>,
    /// The language that the profile of who reads the message wishes for.
    pub language: Option<String>,
    /// Whose window a client is told of.
    pub counted: Counted,
    /// The known device of the account that asks: it is counted apart from everybody.
    pub known: Option<String>,
    /// Whether a code that went to that address was shown at that device before.
    pub has_shown: bool,
    /// The session that asks, or that its device is added in.
    pub session: Option<String>,
    /// By what a rest after a dead code is counted; none where there is none.
    pub rests_by: Option<String>,
    /// What its mail opens to whoever reads it, beside the attempt; none where the code is good for that alone.
    pub way: Option<Begin>,
}

/// An order that is ready to be written.
pub struct Ready {
    challenge: Challenge,
    message: Message,
    about: About,
    parcel: Parcel,
    terms: Terms,
    part: Part,
    /// How long nothing was sent there before it.
    resend: Millis,
    /// When what it belongs to ends.
    ends: Millis,
    purpose: Purpose,
    user: Option<String>,
    subject: String,
}

/// Thinks: limits, code, message. Nothing is written yet.
///
/// # Errors
/// [`AuthError::TooMany`] where the address, the network or the installation had enough messages.
pub async fn prepare(app: &App, client: &Client, order: &Order) -> Result<Ready> {
    rest::check(app, order).await?;
    let Leave { parcel, part } = limit(app, client, order).await.inspect_err(|error| {
        let (purpose, channel) = (order.purpose.name(), order.channel.name());
        tracing::info!(purpose, channel, %error, "a code is not sent: whoever asked had enough");
    })?;
    let now = app.now();
    let shape = shape(app, order);
    let lifetime = shape.lifetime.millis().min(order.ends - now);
    let length = length(app, order, shape.length).await?;
    let key = passcode::key(&app.random);
    let fixed = app.sandbox.code(&counted(app, order.channel, &order.address), now);
    let terms = if fixed.is_some() { Terms::Free } else { terms(order) };
    // Where a notice or nothing was to leave, nobody has the code: the fixed one neither.
    let (fixed, parcel) = match fixed {
        // Everybody may know a fixed code: it sets nobody apart from whoever guesses.
        Some(code) => {
            let typed = parcel == Parcel::Code && order.purpose != Purpose::Unlock;
            (Some(code).filter(|_| typed), Parcel::Nothing)
        }
        None => (None, parcel),
    };
    let code = fixed.unwrap_or_else(|| passcode::code_for(&app.sealer, &key, length));
    let way_lifetime = way_lifetime(app, order);
    // The reader of a way has as long as it lives.
    let shown = if order.way.is_some() { way_lifetime } else { lifetime };
    let message = message(app, client, (order, parcel), &code, &key, shown)?;
    let kept = passcode::stored(&app.sealer, &place(&order.scope, &order.target), code.expose());
    // What is held back leaves the way of an earlier mail open.
    let begin = order.way.as_ref().filter(|_| parcel != Parcel::Held);
    let way = begin.map(|begin| reader::written(begin, &key)).transpose()?;
    let challenge = Challenge {
        id: app.random.uuid(),
        scope: order.scope.clone(),
        target: order.target.clone(),
        purpose: order.purpose.name().to_owned(),
        channel: order.channel.name().to_owned(),
        address: order.address.clone(),
        // A notice and a message to nobody leave a code behind that nobody has.
        code: kept.clone(),
        code_length: i64::try_from(code.expose().len()).unwrap_or(LONG),
        // A way has its own key.
        key_hash: if order.way.is_some() { reader::beside(&key) } else { sha256_hex(key.as_bytes()) },
        guesses: 0,
        max_guesses: i64::from(shape.attempts),
        sends: 1,
        sent_at: now,
        expires_at: now + lifetime,
        way_code: way.as_ref().map(|_| kept),
        way_ends: way.as_ref().map(|_| now + way_lifetime),
        way_key: way.as_ref().map(|(key, _)| key.clone()),
        way_from: way.map(|(_, begin)| begin),
        ..Challenge::default()
    };
    let (resend, ends) = (shape.resend.millis(), order.ends);
    let about = about(order, &challenge, parcel);
    let (purpose, user, subject) = (order.purpose, order.user.clone(), order.subject.clone());
    Ok(Ready { challenge, message, about, parcel, terms, part, resend, ends, purpose, user, subject })
}

/// What takes a change back: a challenge of that scope, and what the message to `address` shows of it. Each has a
/// target of its own, so that a later message leaves an earlier one good.
pub fn undo(app: &App, (scope, ends): (&str, Millis), channel: Channel, address: &str) -> (Challenge, Code) {
    let (now, target, key) = (app.now(), app.random.uuid(), passcode::key(&app.random));
    let shape = app.settings.passcode.for_channel(channel.name(), Purpose::Undo.shape());
    let digits = Shape::Digits(u8::try_from(shape.length).unwrap_or(10));
    let code = passcode::code_for(&app.sealer, &key, digits);
    let challenge = Challenge {
        id: app.random.uuid(),
        scope: scope.to_owned(),
        purpose: Purpose::Undo.name().to_owned(),
        channel: channel.name().to_owned(),
        address: address.to_owned(),
        code: passcode::stored(&app.sealer, &place(scope, &target), code.expose()),
        target,
        code_length: i64::try_from(code.expose().len()).unwrap_or(LONG),
        key_hash: sha256_hex(key.as_bytes()),
        guesses: 0,
        max_guesses: i64::from(shape.attempts),
        sends: 1,
        sent_at: now,
        expires_at: ends,
        ..Challenge::default()
    };
    (challenge, Code { code, key: Some(Sensitive::new(key)), lifetime: ends - now, leads_on: false })
}

/// Writes a prepared order: the challenge, and the message in the same transaction. Gives the event that tells it, for
/// the caller to write there too: one for nobody's message as for every other (R16).
///
/// # Errors
/// [`AuthError::NoCode`] where the challenge is dead, spent, or was sent a moment ago; [`AuthError::TooMany`] where
/// others took the last message meanwhile: the challenge stands then, and the message goes to nobody.
pub async fn write(app: &App, tx: &mut Tx, ready: &Ready) -> Result<Noted> {
    let (challenge, about) = ready.now(app);
    let not_after = challenge.sent_at - ready.resend;
    // What is held back is sent to nobody: a code that is there already stays as it is.
    let held = ready.parcel == Parcel::Held;
    let is_there = held && challenges::hold(tx, &challenge, not_after).await? == 1;
    if !is_there && challenges::put(tx, &challenge, not_after).await? == 0 {
        return Err(AuthError::NoCode);
    }
    let leaves = budget::settle(app, tx, &ready.message, ready.parcel, (ready.terms, ready.part)).await?;
    match leaves {
        Parcel::Code | Parcel::Taken => app.outbox.write(tx, &ready.message, &about).await?,
        Parcel::Nothing | Parcel::Held => app.outbox.write_to_nobody(tx, &ready.message, &about).await?,
    }
    Ok(ready.sent(leaves))
}

impl Ready {
    /// What is written, as sent now: what was waited for since it was thought out is no part of its life.
    fn now(&self, app: &App) -> (Challenge, About) {
        let (now, before) = (app.now(), &self.challenge);
        let later = |ends: Millis| ends + (now - before.sent_at);
        let challenge = Challenge {
            sent_at: now,
            expires_at: later(before.expires_at).min(self.ends),
            way_ends: before.way_ends.map(later),
            ..before.clone()
        };
        let expires_at = self.about.expires_at.map(|_| challenge.way_ends.unwrap_or(challenge.expires_at));
        (challenge, About { expires_at, ..self.about.clone() })
    }

    fn sent(&self, leaves: Parcel) -> Noted {
        let event = Event::VerificationSent {
            purpose: self.purpose.name(),
            sent: match leaves {
                Parcel::Code => "code",
                Parcel::Taken => "notice",
                Parcel::Nothing | Parcel::Held => "nothing",
            },
            channel: self.message.channel.name(),
            message: self.message.id.clone(),
            country: self.about.country.clone(),
        };
        match &self.user {
            Some(user) => event.of(user),
            None => event.of_identifier(&self.subject),
        }
    }
}

/// The event that a code or link was right; `user` where an account is concerned.
pub fn succeeded(purpose: Purpose, channel: impl Into<String>, user: Option<&str>) -> Noted {
    let event = Event::VerificationSucceeded { purpose: purpose.name(), channel: channel.into() };
    match user {
        Some(user) => event.of(user),
        None => event.of_nobody(),
    }
}

/// What the outbox keeps of a message beside itself. A vendor may put its own code in the place of ours where ours
/// is a short one; a long one is there because a short one is not safe now (R37).
fn about(order: &Order, challenge: &Challenge, parcel: Parcel) -> About {
    let code = parcel != Parcel::Taken;
    let by_phone = order.channel != Channel::Email;
    About {
        expires_at: code.then(|| challenge.way_ends.unwrap_or(challenge.expires_at)),
        challenge: code.then(|| challenge.way_key.clone().unwrap_or_else(|| challenge.key_hash.clone())),
        verifiable: code && challenge.code_length < LONG,
        device: order.device.clone(),
        country: if by_phone { phone::country(&order.address) } else { String::new() },
    }
}

/// Looks at a code for the challenge: one guess is taken first, so that of parallel guesses only as many are
/// looked at as there are (R25). A right code is spent in the caller's transaction (R24).
///
/// # Errors
/// [`AuthError::WrongSecret`] after counting the failure; the caller must commit then too. [`AuthError::CodeUsed`],
/// [`AuthError::CodeDead`] and [`AuthError::CodeOver`], which count nothing.
pub async fn look(
    app: &App,
    tx: &mut Tx,
    challenge: Option<&Challenge>,
    typed: &Sensitive,
    subject: &Subject,
) -> Result<()> {
    if let Some(gone) = challenge.and_then(|challenge| gone(app, challenge, subject)) {
        bury(app, tx, challenge).await?;
        return Err(gone);
    }
    let (so_far, stored) = take(app, tx, challenge, subject).await?;
    let right = match (challenge, stored) {
        (Some(challenge), Some(stored)) => {
            let place = place(&challenge.scope, &challenge.target);
            passcode::matches(&app.sealer, &place, typed.expose(), &stored)
                && challenges::spend(tx, &challenge.id, app.now()).await? == 1
                && converted(app, tx, challenge).await?
        }
        _ => false,
    };
    if right { subject.succeed(tx, &so_far).await } else { missed(app, tx, challenge, subject).await }
}

/// What has become of a code that can be typed no more. That it was used is told to nobody who has proven nothing: it
/// would tell that somebody has the identifier (R15).
pub fn gone(app: &App, challenge: &Challenge, subject: &Subject) -> Option<AuthError> {
    if challenge.spent_at.is_some() {
        return Some(if subject.knows_nothing() { AuthError::CodeOver } else { AuthError::CodeUsed });
    }
    if challenge.guesses >= challenge.max_guesses {
        return Some(AuthError::CodeDead);
    }
    (challenge.expires_at <= app.now()).then_some(AuthError::CodeOver)
}

/// Marks a challenge that is over for good, where it is refused for that: it is dead when the clock goes back. Once is
/// enough.
pub async fn bury(app: &App, tx: &mut Tx, challenge: Option<&Challenge>) -> Result<()> {
    let now = app.now();
    if let Some(challenge) = challenge.filter(|challenge| is_over(challenge, now)) {
        challenges::over(tx, &challenge.id, now).await?;
    }
    Ok(())
}

/// [`bury`] outside of any transaction.
pub async fn bury_alone(app: &App, challenge: &Challenge) -> Result<()> {
    if !is_over(challenge, app.now()) {
        return Ok(());
    }
    let mut tx = app.store.begin().await?;
    bury(app, &mut tx, Some(challenge)).await?;
    Ok(tx.commit().await?)
}

/// Whether the code or the way of a challenge is over and not marked so yet.
fn is_over(challenge: &Challenge, now: Millis) -> bool {
    let over = |ends: Millis| ends > 0 && ends <= now;
    over(challenge.expires_at) || challenge.way_ends.is_some_and(over)
}

/// Counts a typed code for the conversion of its prefix; phones alone cost money (R47).
pub async fn converted(app: &App, tx: &mut Tx, challenge: &Challenge) -> Result<bool> {
    if challenge.channel != Channel::Email.name() {
        store::outbox::confirm(tx, &challenge.key_hash, app.now()).await?;
    }
    Ok(true)
}

/// How guesses at a challenge are bounded. A long code is what is sent once short ones are not safe: whatever was
/// guessed before, it is looked at (R37).
pub fn bound(challenge: Option<&Challenge>) -> Bound {
    match challenge {
        Some(challenge) if challenge.code_length >= LONG => Bound::Long,
        // It has a number of guesses of its own, for who has the link.
        Some(challenge) if challenge.scope.starts_with(reader::MUTED) => Bound::Long,
        Some(challenge) if challenge.purpose == Purpose::Verification.name() => Bound::Asked,
        _ => Bound::Sent,
    }
}

/// Takes a guess at the challenge; gives the code's hash where one was left.
pub async fn take(
    app: &App,
    tx: &mut Tx,
    challenge: Option<&Challenge>,
    subject: &Subject,
) -> Result<(Guesses, Option<String>)> {
    let so_far = subject.judge(app, tx, bound(challenge)).await?;
    let stored = match challenge {
        Some(challenge) => challenges::guess(tx, &challenge.id, app.now()).await?,
        None => None,
    };
    if stored.is_none() {
        bury(app, tx, challenge).await?;
    }
    Ok((so_far, stored))
}

/// Counts a wrong code, and says so.
pub async fn missed(app: &App, tx: &mut Tx, challenge: Option<&Challenge>, subject: &Subject) -> Result<()> {
    let left = challenge.map(|c| (c.max_guesses - c.guesses - 1).max(0));
    if left == Some(0) {
        rest::begin(app, tx, subject).await?;
    }
    subject.fail(app, tx, challenge.map_or("", |c| c.channel.as_str())).await?;
    Err(wrong("passcode", left))
}

/// The answer to a wrong secret.
pub fn wrong(secret: &str, attempts_left: Option<i64>) -> AuthError {
    AuthError::WrongSecret { secret: secret.to_owned(), attempts_left }
}

/// The scope of the code that confirms a device.
pub fn of_device(id: &str) -> String {
    format!("device/{id}")
}

/// What a stored code is bound to (R5): its scope and target.
pub fn place(scope: &str, target: &str) -> String {
    format!("{scope}\n{target}")
}

/// Whether a challenge can still be answered.
pub fn alive(challenge: &Challenge, now: Millis) -> bool {
    challenge.spent_at.is_none() && challenge.expires_at > now && challenge.guesses < challenge.max_guesses
}

/// Seconds until a challenge may be sent again; `plain` where the channel is told to nobody, and so no wait of its own.
pub fn resend_in(app: &App, challenge: &Challenge, plain: bool) -> u64 {
    let purpose = Purpose::named(&challenge.purpose).map_or("", Purpose::shape);
    let channel = if plain { "" } else { challenge.channel.as_str() };
    let resend = app.settings.passcode.for_channel(channel, purpose).resend.millis();
    let now = app.now();
    seconds_until(now, challenge.sent_at.min(now) + resend)
}

fn shape(app: &App, order: &Order) -> settings::Shape {
    if order.purpose == Purpose::Verification {
        let v = &app.settings.verification;
        return settings::Shape {
            length: v.length,
            lifetime: v.lifetime,
            attempts: v.attempts,
            resend: v.resend,
        };
    }
    let (passcode, purpose) = (&app.settings.passcode, order.purpose.shape());
    // Where the channel is not told, the shape of the code must not tell it.
    if order.plain { passcode.untold(purpose) } else { passcode.for_channel(order.channel.name(), purpose) }
}

/// How long the way lives that a mail opens: as long as a code by email, however soon the attempt ends in which it was
/// asked for.
fn way_lifetime(app: &App, order: &Order) -> Millis {
    app.settings.passcode.for_channel(Channel::Email.name(), order.purpose.shape()).lifetime.millis()
}

async fn length(app: &App, order: &Order, digits: u32) -> Result<Shape> {
    if order.long {
        return Ok(Shape::Long);
    }
    let wrong = guesses::day_count(&mut app.store.read().await?, app.shared_now()).await?;
    let alarmed = wrong >= i64::from(app.settings.guesses.global_per_day);
    let digits = if alarmed { digits.max(ALARMED) } else { digits };
    Ok(Shape::Digits(u8::try_from(digits).unwrap_or(10)))
}

fn message(
    app: &App,
    client: &Client,
    (order, parcel): (&Order, Parcel),
    code: &Sensitive,
    key: &str,
    lifetime: Millis,
) -> Result<Message> {
    let leads_on = order.way.is_some();
    let code = Code { code: code.clone(), key: Some(Sensitive::new(key)), lifetime, leads_on };
    let taken = parcel == Parcel::Taken;
    // The owner of a taken address is somebody else than the client.
    let language = language::of(app, order.language.as_deref(), Some(client).filter(|_| !taken));
    let render = |kind, about: &Context| {
        let rendered = app.catalogue.render(kind, order.channel, &language, about);
        rendered.map_err(|error| AuthError::Internal(error.to_string()))
    };
    let (at, place) = (app.now(), Some(client.place()));
    let told = Context { at, place, ..Context::default() };
    let about = Context { account: order.account.clone(), code: Some(code), ..told.clone() };
    let kind = order.purpose.message();
    let coded = render(kind, &about)?;
    let notice = (order.or_notice || taken).then(|| render(Kind::SignupTaken, &told)).transpose()?;
    let (kind, about, rendered) = match notice {
        Some(notice) if taken => (Kind::SignupTaken, told, notice),
        _ => (kind, about, coded),
    };
    // The code of an undo is good for nothing without its link: no service may put it into a text of its own.
    let shown = about.code.filter(|_| kind.carries_code()).map(|code| code.code);
    let to = order.address.as_str();
    Ok(Message::new(app.random.uuid(), app.now(), order.channel, to, kind, rendered).with_code(shown))
}

/// [`latest`] of the challenges of a scope that were read already.
pub fn last<'c>(all: &'c [Challenge], target: Option<&str>, now: Millis) -> Option<&'c Challenge> {
    let any = |c: &Challenge| c.purpose != Purpose::Unlock.name();
    let named = || all.iter().filter(|c| target.map_or(any(c), |target| target == c.target));
    named().find(|c| alive(c, now)).or_else(|| named().next())
}

/// The challenge of a scope that was sent last, for the target that was named or for any; one that can still be
/// answered before any other.
pub async fn latest(
    db: &mut impl Db,
    scope: &str,
    target: Option<&str>,
    now: Millis,
) -> Result<Option<Challenge>> {
    Ok(last(&challenges::in_scope(db, scope).await?, target, now).cloned())
}
