//! What the removal or replacement of a factor asks for beside the account's level: that it was shown, or what vouches
//! for it; where a session showed neither, its code in the request itself (R67).

use crate::app::App;
use crate::auth::account::recovery_codes;
use crate::auth::account::standing::{self, Shown};
use crate::auth::account::{Account, card, seed};
use crate::auth::codes::vendor::{self, Hearer};
use crate::auth::codes::{challenge, look, shape};
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::{self, Bound, Subject, known, network};
use crate::auth::input::{Client, Given};
use crate::auth::sending::order::{Counted, Order};
use crate::auth::sending::reach::reaching;
use crate::auth::sending::recipient::Recipient;
use crate::auth::sending::{language, notices};
use crate::base::{Millis, Purpose, Scope, Sensitive};
use crate::devices::authenticator::Seen;
use crate::messages::{Channel, Kind};
use crate::store::challenges;
use crate::store::devices::Device;

/// Lets a change of `device` go on where the caller vouches for it: it is no factor, what the session showed lately
/// is enough, or the request brings its code or a recovery code, which counts as a guess. What is asked for by it
/// alone, and would protect nothing any more once it is `gone`, has to be vouched for as well.
///
/// # Errors
/// [`AuthError::ProofNeeded`], [`AuthError::WrongSecret`].
pub async fn of_factor(
    app: &App,
    client: &Client,
    (session, shown): (&str, &Shown),
    account: &Account,
    (device, gone): (&Device, bool),
    given: &Given,
) -> Result<()> {
    let factors = weighed(app, account, device, gone);
    let unproven: Vec<&Device> =
        factors.into_iter().filter(|factor| !shown.vouches_for(app, account, factor)).collect();
    if unproven.is_empty() {
        return Ok(());
    }
    let alone = unproven.iter().all(|factor| factor.id == device.id);
    let hardcode = given.secrets.get("hardcode").filter(|_| device.kind == "card");
    let typed = given.secrets.get("passcode").or(hardcode).filter(|_| alone);
    let keys = client.keys_of(Some(session));
    match (typed, &given.recovery_code) {
        (Some(typed), _) => {
            network::bounded(app, &keys, by_itself(app, client, account, device, typed)).await
        }
        (None, Some(typed)) => {
            network::bounded(app, &keys, by_recovery_code(app, client, account, typed)).await
        }
        (None, None) => Err(AuthError::ProofNeeded),
    }
}

/// The factors that a change of `device` is weighed by: itself, and where it is `gone`, those that no flow asks for any
/// more without it.
fn weighed<'a>(app: &App, account: &'a Account, device: &'a Device, gone: bool) -> Vec<&'a Device> {
    if device.confirmed_at.is_none() {
        return Vec::new();
    }
    let factors = standing::reach(app, &account.holding(app)).factors;
    let left = gone.then(|| {
        let devices = account.devices.iter().filter(|other| other.id != device.id).cloned().collect();
        standing::reach(app, &Account { devices, ..account.clone() }.holding(app)).factors
    });
    let goes = |id: &str| device.id == id || left.as_ref().is_some_and(|left| !left.contains(id));
    account.devices.iter().filter(|factor| factors.contains(&*factor.id) && goes(&factor.id)).collect()
}

/// Where the code of a confirmed device goes that its own removal asks for.
pub fn order(app: &App, account: &Account, device: &Device, channel: Option<Channel>) -> Order {
    let address = device.delivery.as_deref().unwrap_or_default();
    let usual = reaching(app, &device.kind, address).first().copied();
    let channel = channel.or(usual).unwrap_or(Channel::Email);
    let to = Recipient::of(app, channel, device);
    Order {
        user: Some(account.user.id.clone()),
        subject: account.user.id.to_string(),
        language: language::wished(&account.user.profile),
        counted: Counted::Openly(account.user.id.to_string()),
        rests_by: Some(guesses::inside(&account.user.id)),
        ..Order::new(Purpose::Reauth, (scope(device), device.id.to_string()), Millis::MAX, to)
    }
}

fn scope(device: &Device) -> Scope {
    Scope::Proof(device.id.clone())
}

/// Forgets a code that proves nothing any more, spent or guessed at too often, so that another one may be sent at once:
/// the change that it was for may have failed. Guesses stay counted by account.
pub async fn forget_spent(app: &App, device: &Device) -> Result<()> {
    let sent = challenges::in_scope(&mut app.store.read().await?, &scope(device)).await?;
    if sent.iter().any(|sent| sent.spent_at.is_some() || sent.guesses >= sent.max_guesses) {
        let mut tx = app.store.begin().await?;
        challenges::drop_scope(&mut tx, &scope(device)).await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn by_itself(
    app: &App,
    client: &Client,
    account: &Account,
    device: &Device,
    typed: &Sensitive,
) -> Result<()> {
    // One count for all sessions: each new one would bring new guesses (R33). Strangers have another, so that they do
    // not bar whoever is inside, and a known device has its own, where the factor was shown at it before (R35).
    let known = known::find(&mut app.store.read().await?, client, &account.user.id).await?;
    let factor = if device.kind == "card" { "hardcode" } else { "passcode" };
    let known = known.filter(|known| known::is_among(&known.shown, &device.id));
    let apart = Some(known.as_ref().map_or(guesses::INSIDE, |known| &known.id));
    let subject = Subject::new(app, (client, Purpose::Reauth), Some(account), apart, ("", ""), factor);
    let _turn = subject.turn(app).await?;
    if device.kind != "card" {
        shape::of_scope(app, &scope(device), device.delivery.is_none(), typed).await?;
    }
    if device.delivery.is_some() {
        vendor::settle_latest(app, &scope(device), None, typed, &subject, Hearer::Owner).await?;
        let mut tx = app.store.begin().await?;
        let sent = challenge::latest(&mut tx, &scope(device), None, app.now()).await?;
        let looked = look::look(app, &mut tx, sent.as_ref(), typed, &subject).await;
        tx.commit().await?;
        return looked;
    }
    let so_far = subject.judge_alone(app, Bound::Fixed).await?;
    let card = device.kind == "card";
    let now = app.now();
    let right =
        card && card::find(app, &app.hasher.kept_for(true), std::iter::once(device), typed).await?.is_some();
    let seen = if card { Seen::Wrong } else { seed::look(app, device, typed, now) };
    let mut tx = app.store.begin().await?;
    let taken = seed::take(&mut tx, device, seen, now).await?;
    if right || taken {
        subject.succeed(&mut tx, &so_far).await?;
    } else {
        subject.fail(app, &mut tx, "authenticator").await?;
    }
    tx.commit().await?;
    if right || taken { Ok(()) } else { Err(look::wrong(factor, None)) }
}

async fn by_recovery_code(app: &App, client: &Client, account: &Account, typed: &Sensitive) -> Result<()> {
    let apart = Some(guesses::INSIDE);
    let subject =
        Subject::new(app, (client, Purpose::Reauth), Some(account), apart, ("", ""), "recovery_code");
    let user = &account.user.id;
    let told = notices::about(app, client, account, Kind::RecoveryCodeUsed, None)?;
    let mut tx = app.store.begin().await?;
    let right = recovery_codes::spend(app, &mut tx, user, typed).await?;
    if right {
        notices::queue(app, &mut tx, &told).await?;
    } else {
        subject.fail(app, &mut tx, "").await?;
    }
    tx.commit().await?;
    if right { Ok(()) } else { Err(look::wrong("recovery_code", None)) }
}
