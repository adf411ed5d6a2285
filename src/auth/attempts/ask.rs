//! What an attempt asks, told to its client, and what is sent without being asked to.

use super::walk::{IDENTIFIER_TARGET, Walk};
use crate::auth::ask::Ask;
use crate::auth::codes::shown::with_challenge;
use crate::auth::error::{AuthError, Result};
use crate::auth::sending::language;
use crate::auth::sending::order::{Counted, Order, Parcel};
use crate::auth::sending::recipient::Recipient;
use crate::devices::{self, DeviceKind};
use crate::flows::Secret;
use crate::messages::Channel;
use crate::store::challenges::Challenge;
use crate::store::devices::Device;

const AUTHENTICATOR: &str = "authenticator";

/// One entry for everything that moves the attempt on.
pub async fn entries(walk: &Walk<'_>, asked: &[Secret]) -> Result<Vec<Ask>> {
    let sent = if asked.iter().any(|s| s.name == "passcode") { walk.sent().await? } else { Vec::new() };
    let rests = walk.resting(asked).await?;
    let wait = |name: &str| rests.iter().find(|(factor, _)| *factor == name).map(|(_, wait)| *wait);
    let sent = if rests.is_empty() || !sent.is_empty() { sent } else { walk.sent().await? };
    let mut entries = Vec::new();
    for secret in asked {
        match (secret.name.as_str(), walk.proven()) {
            ("passcode", true) => {
                let computed = |ask: &Ask| ask.channel.as_deref() == Some(AUTHENTICATOR);
                let entry = |device| of_device(walk, device, &sent);
                let entry = |device| match entry(device) {
                    ask if computed(&ask) => Ask { retry_after: wait("passcode"), ..ask },
                    ask => ask,
                };
                entries.extend(walk.carriers(secret).into_iter().map(entry));
            }
            ("passcode", false) => entries.push(of_identifier(walk, secret, &sent)),
            (name, _) => entries.push(Ask { retry_after: wait(name), ..Ask::plain(name) }),
        }
    }
    entries.extend(walk.unlocking(&rests, &sent));
    entries.dedup();
    Ok(entries)
}

/// A passcode of one of the user's devices.
fn of_device(walk: &Walk<'_>, device: &Device, sent: &[Challenge]) -> Ask {
    let app = walk.app;
    let channels = walk.reaching(&device.kind, device.delivery.as_deref().unwrap_or_default());
    let kind = app.plan.devices.kind(&device.kind);
    let to = device.delivery.as_deref().unwrap_or_default();
    let ask = Ask {
        delayed: channels.first().is_some_and(|channel| app.routes.rest(*channel, to, app.now())),
        device: Some(device.id.to_string()),
        label: Some(device.label.clone()).filter(|label| !label.is_empty()),
        channel: Some(channels.first().map_or(AUTHENTICATOR.to_owned(), |c| c.name().to_owned())),
        to: device.delivery.as_deref().zip(kind).map(|(to, kind)| devices::shown(kind, to, &app.rules)),
        channels: channels.iter().map(|c| c.name().to_owned()).collect(),
        ..Ask::plain("passcode")
    };
    with_challenge(app, ask, sent.iter().find(|c| device.id == c.target))
}

/// A passcode before anything is proven: the same whether or not somebody has the identifier.
fn of_identifier(walk: &Walk<'_>, secret: &Secret, sent: &[Challenge]) -> Ask {
    let mut ask = Ask::plain("passcode");
    if let Some(kind) = own_kind(walk, secret) {
        let channels = walk.reaching(kind.name(), &walk.attempt.canonical);
        ask.channel = channels.first().map(|c| c.name().to_owned());
        // What was typed, even unmasked.
        ask.to = Some(devices::shown(kind, &walk.attempt.canonical, &walk.app.rules));
        ask.channels = channels.iter().map(|c| c.name().to_owned()).collect();
    } else if secret.device.as_deref() == Some(AUTHENTICATOR) {
        ask.channel = Some(AUTHENTICATOR.to_owned());
        return ask;
    }
    with_challenge(walk.app, ask, sent.iter().find(|c| c.target == IDENTIFIER_TARGET))
}

/// The identifier's own kind, where it can carry what `secret` asks for.
fn own_kind(walk: &Walk<'_>, secret: &Secret) -> Option<&'static dyn DeviceKind> {
    let kind = walk.app.plan.devices.kind(&walk.attempt.kind)?;
    let fits = secret.device.as_ref().is_none_or(|narrowed| narrowed == kind.name());
    (fits && !walk.reaching(kind.name(), &walk.attempt.canonical).is_empty()).then_some(kind)
}

/// What is sent by itself when the attempt comes to this point: a code, where a passcode is the only thing
/// asked, none was sent yet, and no authenticator makes a message needless.
pub async fn automatic(walk: &Walk<'_>, asked: &[Secret]) -> Result<Option<Order>> {
    let [secret] = asked else { return Ok(None) };
    if secret.name != "passcode" {
        return Ok(None);
    }
    if walk.proven() {
        let carriers = walk.carriers(secret);
        if carriers.iter().any(|device| device.kind == AUTHENTICATOR) {
            return Ok(None);
        }
        let Some(device) = carriers.first() else { return Ok(None) };
        return to_device(walk, device, None).await.map(Some);
    }
    before_proof(walk, secret, None).await
}

/// A code to one of the user's devices.
pub async fn to_device(walk: &Walk<'_>, device: &Device, channel: Option<Channel>) -> Result<Order> {
    let address = device.delivery.as_deref().unwrap_or_default();
    let usual = walk.reaching(&device.kind, address).first().copied().unwrap_or(Channel::Email);
    let to = Recipient::of(walk.app, channel.unwrap_or(usual), device);
    order(walk, Some(device), device.id.to_string(), to).await
}

/// A code before anything is proven: to the identifier's own device, or to the first device of whom it
/// names; to nobody where there is none.
pub async fn before_proof(
    walk: &Walk<'_>,
    secret: &Secret,
    channel: Option<Channel>,
) -> Result<Option<Order>> {
    if secret.device.as_deref() == Some(AUTHENTICATOR) {
        return Ok(None);
    }
    // Of several that a name leads to, one that does not have to wait.
    let able = walk.carriers(secret).into_iter().filter(|device| device.delivery.is_some());
    let reached = able.min_by_key(|device| walk.barred(Some(device)));
    let own = own_kind(walk, secret);
    let kind = own.map(|kind| kind.name()).or_else(|| reached.map(|d| d.kind.as_str())).unwrap_or("email");
    let address = reached.and_then(|device| device.delivery.as_deref()).unwrap_or(&walk.attempt.canonical);
    let able = walk.reaching(kind, address);
    let usual = able.first().copied().unwrap_or(Channel::Email);
    // Where the identifier is no address, which channels there are is told to nobody.
    let channel = if own.is_some() { channel } else { None };
    if channel.is_some_and(|wanted| !able.contains(&wanted)) {
        return Err(AuthError::NotFound);
    }
    let channel = channel.unwrap_or(usual);
    let to = match reached {
        Some(device) => Recipient::of(walk.app, channel, device),
        // Each identifier that leads nowhere has a window of its own, as each address has.
        None => Recipient::new(walk.app, channel, kind, (address, address)),
    };
    let parcel = if reached.is_some() && !walk.barred(reached) { Parcel::Code } else { Parcel::Nothing };
    Ok(Some(Order {
        plain: own.is_none(),
        parcel,
        way: (channel == Channel::Email).then(|| walk.begin_again(None)),
        ..order(walk, reached, IDENTIFIER_TARGET.to_owned(), to).await?
    }))
}

async fn order(walk: &Walk<'_>, device: Option<&Device>, target: String, to: Recipient) -> Result<Order> {
    let subject = walk.subject_at(device);
    let subject =
        if walk.proven() { subject } else { subject.before_proof(walk.app, &walk.attempt.canonical) };
    let long = subject.exhausted(walk.app).await?;
    Ok(Order {
        long,
        user: walk.account.as_ref().map(|account| account.user.id.clone()),
        subject: subject.name().to_owned(),
        language: walk.account.as_ref().and_then(|account| language::wished(&account.user.profile)),
        counted: match walk.account.as_ref().filter(|_| walk.proven()) {
            Some(account) => Counted::Openly(account.user.id.to_string()),
            None => Counted::Silently,
        },
        known: walk.attempt.known_device.clone(),
        has_shown: device.is_some_and(|device| walk.was_shown(&device.id)),
        session: walk.attempt.session_id.clone(),
        rests_by: subject.rests_by().map(str::to_owned),
        ..Order::new(walk.purpose, (walk.attempt.scope(), target), walk.ends(), to)
    })
}
