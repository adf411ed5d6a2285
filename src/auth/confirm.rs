//! Links. A link carries the key that its code is derived from, so spending a link is answering with the
//! code. Opening it changes nothing (R52). A link of an attempt finishes only for whoever holds the
//! attempt; anybody else is shown the code to type there (R53). Confirming a device again is no error (R54).

use super::error::{AuthError, Result};
use super::input::{Client, Given};
use super::progress::Progress;
use super::proving;
use super::{doors, purpose::Purpose};
use crate::app::App;
use crate::base::Sensitive;
use crate::base::seal::sha256_hex;
use crate::devices;
use crate::devices::DeviceKind;
use crate::secrets::passcode::{self, Shape};
use crate::store::challenges::{self, Challenge};
use crate::throttle::Keys;

/// What a link leads to.
#[derive(Clone, Debug)]
pub struct Link {
    /// What its code is for.
    pub purpose: Purpose,
    /// How it was sent.
    pub channel: String,
    /// Where it was sent, masked.
    pub to: String,
    /// What spending it does, or did.
    pub effect: Effect,
}

/// What spending a link does, or did.
#[derive(Clone, Debug)]
pub enum Effect {
    /// A device, or a change that is to be taken back, waits for it.
    WillConfirm,
    /// The device is confirmed; `already` where it was before.
    Confirmed {
        /// Whether it was confirmed before.
        already: bool,
    },
    /// This code is to be typed where it was asked for.
    TypeCode(Sensitive),
    /// The attempt moved on.
    Moved(Box<Progress>),
}

/// Looks at a link and changes nothing.
///
/// # Errors
/// [`AuthError::LinkDead`].
pub async fn look(app: &App, client: &Client, key: &str) -> Result<Link> {
    let challenge = find(app, client, key).await?;
    let effect = effect(app, key, &challenge)?;
    Ok(link(&challenge, effect))
}

fn effect(app: &App, key: &str, challenge: &Challenge) -> Result<Effect> {
    if undo(challenge).is_some() {
        return Ok(Effect::WillConfirm);
    }
    match (device(challenge), challenge.spent_at) {
        (Some(_), Some(_)) => Ok(Effect::Confirmed { already: true }),
        (Some(_), None) => Ok(Effect::WillConfirm),
        (None, Some(_)) => Err(AuthError::LinkDead),
        (None, None) => Ok(Effect::TypeCode(code(app, key, challenge))),
    }
}

/// Spends a link: confirms a device; moves an attempt on for whoever holds it; else shows the code to type.
///
/// # Errors
/// [`AuthError::LinkDead`], and whatever answering the attempt gives.
pub async fn spend(app: &App, client: &Client, key: &str, attempt: Option<&Sensitive>) -> Result<Link> {
    let challenge = find(app, client, key).await?;
    let code = code(app, key, &challenge);
    if let Some(new) = undo(&challenge) {
        proving::undo(app, client, new, &challenge.target, &challenge.channel).await?;
        return Ok(link(&challenge, Effect::Confirmed { already: false }));
    }
    let effect = match (effect(app, key, &challenge)?, attempt) {
        (Effect::WillConfirm, _) => {
            let device = device(&challenge).ok_or(AuthError::LinkDead)?;
            proving::confirm_by_link(app, client, device, &code).await?;
            Effect::Confirmed { already: false }
        }
        (Effect::TypeCode(_), Some(handle)) if holds(handle, &challenge) => {
            let named = Some(challenge.target.clone());
            let given = Given { device: named, secrets: [("passcode", code)].into(), ..Given::default() };
            Effect::Moved(Box::new(doors::answer(app, client, handle, &given).await?))
        }
        (other, _) => other,
    };
    Ok(link(&challenge, effect))
}

async fn find(app: &App, client: &Client, key: &str) -> Result<Challenge> {
    let keys = Keys { ip: Some(client.ip), ..Keys::default() };
    app.throttle.check("confirm", app.now(), &keys).await?;
    let hash = sha256_hex(key.as_bytes());
    let found = challenges::by_key(&mut app.store.read().await?, &hash).await?;
    let alive =
        |c: &Challenge| c.expires_at > app.now() && (c.spent_at.is_some() || c.guesses < c.max_guesses);
    found.filter(alive).ok_or(AuthError::LinkDead)
}

/// The code that belongs to a link.
fn code(app: &App, key: &str, challenge: &Challenge) -> Sensitive {
    let length = usize::try_from(challenge.code_length).unwrap_or(0);
    let shape = match u8::try_from(length) {
        Ok(digits) if length < Shape::Long.length() => Shape::Digits(digits),
        _ => Shape::Long,
    };
    passcode::code_for(&app.sealer, key, shape)
}

fn device(challenge: &Challenge) -> Option<&str> {
    challenge.scope.strip_prefix("device/")
}

/// The new device, where the link takes the change to it back.
fn undo(challenge: &Challenge) -> Option<&str> {
    challenge.scope.strip_prefix("undo/")
}

fn holds(handle: &Sensitive, challenge: &Challenge) -> bool {
    challenge.scope == format!("attempt/{}", sha256_hex(handle.expose().as_bytes()))
}

fn link(challenge: &Challenge, effect: Effect) -> Link {
    let kind: &dyn DeviceKind =
        if challenge.channel == "email" { &devices::email::Email } else { &devices::phone::Phone };
    Link {
        purpose: Purpose::named(&challenge.purpose).unwrap_or(Purpose::Device),
        channel: challenge.channel.clone(),
        to: kind.mask(&challenge.address),
        effect,
    }
}
