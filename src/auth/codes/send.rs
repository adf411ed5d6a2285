//! A code on its way out: prepared outside of a transaction, written in one.

use super::rest;
use crate::app::App;
use crate::auth::codes::challenge::{LONG, place};
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::auth::sending::budget::{self, Part};
use crate::auth::sending::limits::{Leave, limit, when_full};
use crate::auth::sending::order::{Order, Parcel, WhenFull};
use crate::auth::sending::recipient::Recipient;
use crate::auth::sending::{language, way};
use crate::base::seal::sha256_hex;
use crate::base::{Millis, Purpose, Scope, Sensitive, UserId};
use crate::events::{Event, NewEvent};
use crate::messages::{Channel, Code, Context, Kind, Message};
use crate::outbox::About;
use crate::secrets::passcode::{self, Shape};
use crate::settings;
use crate::store::challenges::{self, Challenge};
use crate::store::{Tx, guesses};

/// Longer codes for everybody while the whole installation is being guessed at (R39).
const ALARMED: u32 = 8;

/// An order that is ready to be written.
pub struct Ready {
    challenge: Challenge,
    message: Message,
    about: About,
    parcel: Parcel,
    when_full: WhenFull,
    part: Part,
    /// How long nothing was sent there before it.
    resend: Millis,
    /// When what it belongs to ends.
    ends: Millis,
    purpose: Purpose,
    user: Option<UserId>,
    subject: String,
}

/// Thinks: limits, code, message. Nothing is written yet.
///
/// # Errors
/// [`AuthError::TooMany`] where the address, the network or the installation had enough messages.
pub async fn prepare(app: &App, client: &Client, order: &Order) -> Result<Ready> {
    rest::check(app, order).await?;
    let Leave { parcel, part } = limit(app, client, order).await.inspect_err(|error| {
        let (purpose, channel) = (order.purpose.name(), order.to.channel.name());
        tracing::info!(purpose, channel, %error, "a code is not sent: whoever asked had enough");
    })?;
    let now = app.now();
    let shape = shape(app, order);
    let lifetime = shape.lifetime.millis().min(order.ends - now);
    let length = length(app, order, shape.length).await?;
    let key = passcode::key(&app.random);
    let fixed = order.to.fixed_code(app);
    let when_full = if fixed.is_some() { WhenFull::NotCounted } else { when_full(order) };
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
    let way = begin.map(|begin| way::written(begin, &key)).transpose()?;
    let challenge = Challenge {
        // A notice and a message to nobody leave a code behind that nobody has.
        code: kept.clone(),
        code_length: i64::try_from(code.expose().len()).unwrap_or(LONG),
        // A way has its own key.
        key_hash: if order.way.is_some() { way::beside(&key) } else { sha256_hex(key.as_bytes()) },
        max_guesses: i64::from(shape.attempts),
        sent_at: now,
        expires_at: now + lifetime,
        way_code: way.as_ref().map(|_| kept),
        way_ends: way.as_ref().map(|_| now + way_lifetime),
        way_key: way.as_ref().map(|(key, _)| key.clone()),
        way_from: way.map(|(_, begin)| begin),
        ..Challenge::new(
            app.random.uuid(),
            (order.scope.clone(), order.target.clone()),
            order.purpose,
            (order.to.channel, order.to.address.clone()),
        )
    };
    let (resend, ends) = (shape.resend.millis(), order.ends);
    let about = about(order, &challenge, parcel);
    let (purpose, user, subject) = (order.purpose, order.user.clone(), order.subject.clone());
    Ok(Ready { challenge, message, about, parcel, when_full, part, resend, ends, purpose, user, subject })
}

/// What takes a change back: a challenge of that scope, and what the message to `to` shows of it. Each has a
/// target of its own, so that a later message leaves an earlier one good.
pub fn undo(app: &App, (scope, ends): (Scope, Millis), to: &Recipient) -> (Challenge, Code) {
    let (now, target, key) = (app.now(), app.random.uuid(), passcode::key(&app.random));
    let shape = app.settings.passcode.for_channel(to.channel.name(), Purpose::Undo.shape());
    let digits = Shape::Digits(u8::try_from(shape.length).unwrap_or(10));
    let code = passcode::code_for(&app.sealer, &key, digits);
    let challenge = Challenge {
        code: passcode::stored(&app.sealer, &place(&scope, &target), code.expose()),
        code_length: i64::try_from(code.expose().len()).unwrap_or(LONG),
        key_hash: sha256_hex(key.as_bytes()),
        max_guesses: i64::from(shape.attempts),
        sent_at: now,
        expires_at: ends,
        ..Challenge::new(app.random.uuid(), (scope, target), Purpose::Undo, (to.channel, to.address.clone()))
    };
    (challenge, Code { code, key: Some(Sensitive::new(key)), lifetime: ends - now, leads_on: false })
}

/// Writes a prepared order: the challenge, and the message in the same transaction. Gives the event that tells it, for
/// the caller to write there too: one for nobody's message as for every other (R16).
///
/// # Errors
/// [`AuthError::NoCode`] where the challenge is dead, spent, or was sent a moment ago; [`AuthError::TooMany`] where
/// others took the last message meanwhile: the challenge stands then, and the message goes to nobody.
pub async fn write(app: &App, tx: &mut Tx, ready: &Ready) -> Result<NewEvent> {
    let (challenge, about) = ready.now(app);
    let not_after = challenge.sent_at - ready.resend;
    // What is held back is sent to nobody: a code that is there already stays as it is.
    let held = ready.parcel == Parcel::Held;
    let is_there = held && challenges::hold(tx, &challenge, not_after).await?.is_yes();
    if !is_there && challenges::put(tx, &challenge, not_after).await?.is_no() {
        return Err(AuthError::NoCode);
    }
    let leaves = budget::settle(
        app,
        tx,
        (&ready.message, &about.country),
        ready.parcel,
        (ready.when_full, ready.part),
    )
    .await?;
    match leaves {
        Parcel::Code | Parcel::Notice => app.outbox.write(tx, &ready.message, &about).await?,
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

    fn sent(&self, leaves: Parcel) -> NewEvent {
        let event = Event::VerificationSent {
            purpose: self.purpose.name(),
            sent: match leaves {
                Parcel::Code => "code",
                Parcel::Notice => "notice",
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

/// What the outbox keeps of a message beside itself. A vendor may put its own code in the place of ours where ours
/// is a short one; a long one is there because a short one is not safe now (R37).
fn about(order: &Order, challenge: &Challenge, parcel: Parcel) -> About {
    let code = parcel != Parcel::Notice;
    About {
        expires_at: code.then(|| challenge.way_ends.unwrap_or(challenge.expires_at)),
        challenge: code.then(|| challenge.way_key.clone().unwrap_or_else(|| challenge.key_hash.clone())),
        verifiable: code && challenge.code_length < LONG,
        device: order.to.device.clone(),
        country: order.to.country().to_owned(),
    }
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
    if order.plain {
        passcode.untold(purpose)
    } else {
        passcode.for_channel(order.to.channel.name(), purpose)
    }
}

/// The message that carries a code of that purpose.
fn carrier(purpose: Purpose) -> Kind {
    match purpose {
        Purpose::Signin => Kind::SigninCode,
        Purpose::Signup => Kind::SignupCode,
        Purpose::Recovery => Kind::RecoveryCode,
        Purpose::Reauth => Kind::ReauthCode,
        Purpose::Device => Kind::DeviceCode,
        Purpose::Undo => Kind::DeviceReplaced,
        Purpose::Verification => Kind::VerificationCode,
        Purpose::Unlock => Kind::UnlockCode,
    }
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
    let taken = parcel == Parcel::Notice;
    // The owner of a taken address is somebody else than the client.
    let language = language::of(app, order.language.as_deref(), Some(client).filter(|_| !taken));
    let render = |kind, about: &Context| {
        let rendered = app.plan.catalogue.render(kind, order.to.channel, &language, about);
        rendered.map_err(|error| AuthError::Internal(error.to_string()))
    };
    let (at, place) = (app.now(), Some(client.place()));
    let told = Context { at, place, ..Context::default() };
    let about = Context { account: order.account.clone(), code: Some(code), ..told.clone() };
    let kind = carrier(order.purpose);
    let coded = render(kind, &about)?;
    let notice = (order.or_notice || taken).then(|| render(Kind::SignupTaken, &told)).transpose()?;
    let (kind, about, rendered) = match notice {
        Some(notice) if taken => (Kind::SignupTaken, told, notice),
        _ => (kind, about, coded),
    };
    // The code of an undo is good for nothing without its link: no service may put it into a text of its own.
    let shown = about.code.filter(|_| kind.carries_code()).map(|code| code.code);
    let to = &order.to;
    Ok(Message::new(app.random.uuid(), app.now(), to.channel, &to.address, kind, rendered).with_code(shown))
}
