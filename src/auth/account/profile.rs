//! The profile on its way into the database: unique values are claimed in the transaction that writes them, and
//! what is required and absent is asked for.

use serde_json::{Map, Value};

use super::{Account, events};
use crate::app::App;
use crate::auth::ask::{Ask, AskedField};
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::base::{UserId, Wrong};
use crate::events::{By, Event, NewEvent};
use crate::settings::{Who, Words};
use crate::store::{Db, StoreError, Tx, profile_values, users};
use crate::throttle::Keys;
use crate::users::faults::fault;
use crate::users::profile;
use crate::users::rules::{Moment, Rule};

/// The entry of `ask` that asks for these fields, in the language of whoever is asked.
pub fn ask(app: &App, client: &Client, wished: Option<&str>, rules: &[&Rule]) -> Ask {
    let own = app.settings.messages.language.as_str();
    let wishes = || wished.into_iter().chain(client.languages.iter().map(String::as_str)).chain([own]);
    let words = |words: &Option<Words>| words.as_ref().map(|words| words.in_language(wishes()).to_owned());
    let one = |rule: &&Rule| AskedField {
        name: rule.name.clone(),
        label: words(&rule.field.label),
        help: words(&rule.field.help),
        required: true,
        schema: rule.schema.clone(),
    };
    Ask { fields: rules.iter().map(one).collect(), ..Ask::plain("profile") }
}

/// What was given, laid over `stored` in the form that is kept; every field that is asked must be there then.
///
/// # Errors
/// Every wrong or missing field at once.
pub fn complete(
    app: &App,
    stored: &mut Map<String, Value>,
    given: &Map<String, Value>,
    moment: Moment,
) -> Result<Map<String, Value>> {
    let (checked, mut found) = match app.plan.profile.check(Who::User, given) {
        Ok(checked) => (checked, Vec::new()),
        Err(found) => (Map::new(), found),
    };
    let merged = profile::merge(stored, &checked);
    found.extend(merged.err());
    let missing =
        app.plan.profile.lacking(stored, moment).into_iter().filter(|rule| !given.contains_key(&rule.name));
    found.extend(missing.map(Rule::missing));
    if found.is_empty() { Ok(checked) } else { Err(AuthError::Faults(found)) }
}

/// A profile that was changed, before and after.
pub struct Written {
    /// What was stored, a JSON object.
    pub before: String,
    /// What is stored now, a JSON object.
    pub after: String,
}

impl Written {
    /// What happened; nothing where every field is as it was.
    pub fn event(&self, by: By, account: &Account) -> Option<NewEvent> {
        let fields = events::changed_fields(&self.before, &self.after);
        let user = (&account.user.id, self.after.as_str(), account.user.group_names.as_str());
        let updated = || Event::UserUpdated { by, fields: fields.clone(), groups: None }.of(user.0);
        (!fields.is_empty()).then(|| updated().naming(events::naming(user, account.confirmed())))
    }
}

/// Changes fields of a stored profile. The row is held first, so that of two changes at once each is laid over the
/// other, and none is lost.
///
/// # Errors
/// [`AuthError::ValueTaken`]; [`AuthError::NotFound`] where the user is gone.
pub async fn write(
    app: &App,
    tx: &mut Tx,
    user_id: &UserId,
    changed: &Map<String, Value>,
) -> Result<Written> {
    let now = app.now();
    if users::hold(tx, user_id, now).await?.is_no() {
        return Err(AuthError::NotFound);
    }
    let user = users::by_id(tx, user_id).await?.ok_or(AuthError::NotFound)?;
    let mut stored = profile::stored(&user.profile);
    profile::merge(&mut stored, changed)?;
    claim(app, tx, user_id, changed).await?;
    let text = profile::text(&stored);
    users::set_profile(tx, user_id, &text, now).await?;
    Ok(Written { before: user.profile, after: text })
}

/// Makes the unique values among `values` this user's alone; `null` gives one up.
///
/// # Errors
/// [`AuthError::ValueTaken`]
pub async fn claim(app: &App, tx: &mut Tx, user_id: &UserId, values: &Map<String, Value>) -> Result<()> {
    for (field, value) in app.plan.profile.unique(values) {
        profile_values::release(tx, field, user_id).await?;
        let Some(value) = value else { continue };
        match profile_values::claim(tx, field, &hash(app, field, &value), user_id).await {
            Err(StoreError::Taken) => return Err(taken(field)),
            other => other?,
        }
    }
    Ok(())
}

/// The first unique value of a profile that somebody but `user_id` has.
pub async fn first_taken(
    app: &App,
    db: &mut impl Db,
    user_id: &UserId,
    values: &Map<String, Value>,
) -> Result<Option<AuthError>> {
    for (field, value) in app.plan.profile.unique(values) {
        let Some(value) = value else { continue };
        let owner = profile_values::owner(db, field, &hash(app, field, &value)).await?;
        if owner.is_some_and(|owner| *user_id != owner) {
            return Ok(Some(taken(field)));
        }
    }
    Ok(None)
}

/// Tells that something is taken, no faster than names may be looked up.
pub async fn tell_taken<T>(app: &App, client: &Client, taken: AuthError) -> Result<T> {
    let keys = Keys { ip: Some(client.ip), ..Keys::default() };
    app.throttle.check("username_lookup", app.now(), &keys).await?;
    Err(taken)
}

fn hash(app: &App, field: &str, value: &str) -> String {
    app.subject(&["profile", field, value])
}

fn taken(field: &str) -> AuthError {
    AuthError::ValueTaken(fault(field, Wrong::Taken))
}
