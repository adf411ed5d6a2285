//! Whom an operator looks for: by an address, a number or a name, whole or in part, or by what the profile says.

use serde_json::Value;

use super::Listed;
use crate::app::App;
use crate::auth::account::events;
use crate::auth::error::Result;
use crate::auth::input::understand;
use crate::base::{Fault, UserId, Wrong, typed};
use crate::devices::{email, phone};
use crate::events::{By, Event, NewEvent, Source};
use crate::store::{Db, devices, users};
use crate::users::profile;

/// How many users are found at most.
pub const MOST: usize = 50;

/// How many profiles are read at once.
const AT_ONCE: i64 = 500;

/// Who was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The users, those first who are called so exactly.
    pub users: Vec<Listed>,
    /// Whether there are more than [`MOST`].
    pub more: bool,
}

/// Users whom `text` names, disabled and deleted ones too: it is one of their addresses in any way in which people
/// write it, a part of one, or a part of what their profile says. The trail keeps of each that they were looked up,
/// and whether whole addresses are shown (`unmasked`).
///
/// # Errors
/// A fault of `text` where it is empty: everybody would fit.
pub async fn find(app: &App, text: &str, unmasked: bool) -> Result<Found> {
    let text = typed::trimmed(text);
    if text.is_empty() {
        return Err(Fault::new("text", Wrong::EmptySearch).into());
    }
    let mut db = app.store.read().await?;
    let mut ids = called(app, &mut db, text).await?;
    by_profile(&mut db, text, &mut ids).await?;
    let more = ids.len() > MOST;
    ids.truncate(MOST);
    let mut found = Vec::new();
    for id in ids {
        let Some(user) = users::by_id(&mut db, &id).await? else { continue };
        let mut devices = devices::of_user(&mut db, &id).await?;
        devices.retain(|device| device.hidden_at.is_none());
        found.push(Listed { devices, user });
    }
    drop(db);
    let noted: Vec<NewEvent> = found.iter().map(|listed| looked_up(listed, unmasked)).collect();
    let mut tx = app.store.begin().await?;
    app.events.write(&mut tx, app.now(), &Source::default(), &noted).await?;
    tx.commit().await?;
    Ok(Found { users: found, more })
}

fn looked_up(listed: &Listed, unmasked: bool) -> NewEvent {
    let user = &listed.user;
    let counting = listed.devices.iter().filter(|device| device.confirmed_at.is_some());
    let personal = events::naming((&user.id, &user.profile, &user.group_names), counting);
    Event::UserLookedUp { by: By::Operator, unmasked }.of(&user.id).naming(personal)
}

/// Who is called so, and then in whose addresses it stands; one more than [`MOST`] at most, each once.
async fn called(app: &App, db: &mut impl Db, text: &str) -> Result<Vec<UserId>> {
    let limit = limit();
    let mut ids = Vec::new();
    for kind in app.plan.devices.iter().filter(|kind| kind.names_owner()) {
        let Ok(understood) = understand(app, kind.name(), text) else { continue };
        add(&mut ids, devices::named(db, kind.name(), &understood.address.canonical, limit).await?);
    }
    for part in parts(text) {
        add(&mut ids, devices::containing(db, &part, limit).await?);
    }
    Ok(ids)
}

/// What a part of an address may be kept as: as it was typed, as what would be dialled, and with a domain in ASCII.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![text.to_owned()];
    let others = [phone::dialled(text).ok(), email::stored_part(text)];
    for part in others.into_iter().flatten() {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

/// Adds those whose profile says it, until there is one more than [`MOST`].
async fn by_profile(db: &mut impl Db, text: &str, ids: &mut Vec<UserId>) -> Result<()> {
    let lower = text.to_lowercase();
    // As it stands in JSON, without the quotes.
    let written = Value::from(text).to_string();
    let written = written.get(1..written.len() - 1).unwrap_or_default();
    let mut after = UserId::default();
    while ids.len() <= MOST {
        let page = users::containing(db, &after, written, AT_ONCE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.id);
        // More fits than is meant, names of fields too: what the profile says is looked at here.
        let says =
            |user: &users::User| profile::stored(&user.profile).values().any(|value| says(value, &lower));
        add(ids, page.into_iter().filter(says).map(|user| user.id).collect());
    }
    Ok(())
}

fn says(value: &Value, lower: &str) -> bool {
    match value {
        Value::String(text) => text.to_lowercase().contains(lower),
        Value::Array(items) => items.iter().any(|item| says(item, lower)),
        Value::Object(fields) => fields.values().any(|field| says(field, lower)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn add(ids: &mut Vec<UserId>, more: Vec<UserId>) {
    for id in more {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
}

fn limit() -> i64 {
    i64::try_from(MOST).unwrap_or(i64::MAX).saturating_add(1)
}
