//! Accounts laid ready, as a sign-up by email or phone leaves them.

use multauth::app::App;
use multauth::base::Sensitive;
use multauth::secrets::{HashSettings, Hasher};
use multauth::store::devices::{self, Device};
use multauth::store::{Tx, secrets, users};

use super::Class;
use super::doors::Door;
use crate::load::Result;
use crate::people::PASSWORD;

/// Makes the first `count` accounts of a class at a door; none where nobody has them.
pub async fn make(app: &App, door: &Door, class: Class, count: usize) -> Result<()> {
    if matches!(class, Class::Missing | Class::MissingToo) {
        return Ok(());
    }
    let hash = hasher(class)?.hash(Sensitive::new(PASSWORD), app.random.bytes()).await?;
    let mut tx = app.store.begin().await?;
    for n in 0..count {
        one(app, &mut tx, class, (door.kind, &class.address(door, n)), &hash).await?;
    }
    Ok(tx.commit().await?)
}

/// What their passwords were hashed with: what is built in, or half as much again.
fn hasher(class: Class) -> Result<Hasher> {
    let mut settings = HashSettings::default();
    if class == Class::Costly {
        settings.iterations += settings.iterations.div_ceil(2);
    }
    Ok(Hasher::new(settings)?)
}

async fn one(app: &App, tx: &mut Tx, class: Class, (kind, address): (&str, &str), hash: &str) -> Result<()> {
    let (now, user) = (app.now(), app.random.uuid());
    let confirmed = (class != Class::Unconfirmed).then_some(now);
    users::insert(tx, &users::New::active(&user.as_str().into(), "{}"), now).await?;
    secrets::set(tx, &app.random.uuid(), &user.as_str().into(), secrets::PASSWORD, hash, now, None).await?;
    let device = Device {
        id: app.random.uuid().into(),
        user_id: user.clone().into(),
        kind: kind.to_owned(),
        canonical: Some(address.to_owned()),
        delivery: Some(address.to_owned()),
        label: String::new(),
        is_primary: true,
        secret: None,
        last_step: None,
        created_at: now,
        confirmed_at: confirmed,
        proven_at: confirmed,
        last_used_at: None,
        replaces: None,
        own: confirmed.map(|_| devices::PROVEN.to_owned()),
        added_in: None,
        hidden_at: None,
        failing_since: None,
    };
    devices::insert(tx, &device).await?;
    if class == Class::Disabled {
        users::set_disabled(tx, &user.as_str().into(), Some(now + 1), now).await?.either_way();
    }
    Ok(())
}
