//! Hooks asked before a sign-up goes on. Never within a transaction.

use crate::app::App;
use crate::auth::error::{AuthError, Result};
use crate::auth::input::Client;
use crate::auth::signup::draft::Draft;
use crate::base::Fault;
use crate::hooks::{Amend, Point, Signup};
use crate::settings::{GROUP, Who, is_group};
use crate::users::profile;
use crate::users::rules::{Moment, Rule};
use serde_json::Map;
use serde_json::Value;

/// The most groups that a hook may put an account into.
const GROUPS: usize = 64;

/// Asks about a sign-up. What is amended stands in the draft then.
///
/// # Errors
/// [`AuthError::Refused`].
pub async fn before_signup(app: &App, client: &Client, draft: &mut Draft) -> Result<()> {
    if !app.hooks.listen(Point::BeforeSignup) {
        return Ok(());
    }
    let given = given(app, draft);
    let mut asked = Signup {
        identifiers: draft.identifiers(),
        profile: given.clone(),
        groups: app.settings.user.groups.clone(),
        network: client.place(),
        user_agent: client.agent.clone(),
        languages: client.languages.clone(),
    };
    app.hooks.before_signup(&mut asked, |amend| fit(app, &given, amend)).await?;
    draft.profile = profile::text(&amended(app, &given, &asked.profile).map_err(AuthError::Faults)?);
    draft.groups = asked.groups;
    Ok(())
}

/// The profile as its owner gave it. What a hook granted was granted to the sign-up as it was then, and goes where that
/// is asked about again.
fn given(app: &App, draft: &Draft) -> Map<String, Value> {
    let mut profile = draft.fields();
    profile.retain(|name, _| app.plan.profile.get(name).is_some_and(|rule| rule.field.writes(Who::User)));
    app.plan.profile.fill(&mut profile);
    profile
}

/// A whole profile as it is kept, where it lacks nothing. A hook may write what the operator may; what was `given`
/// stays whoever writes it.
fn amended(
    app: &App,
    given: &Map<String, Value>,
    profile: &Map<String, Value>,
) -> std::result::Result<Map<String, Value>, Vec<Fault>> {
    let as_given = |(name, value): &(String, Value)| given.get(name) == Some(value);
    let (mut kept, changed): (Map<_, _>, Map<_, _>) = profile.clone().into_iter().partition(as_given);
    let checked = app.plan.profile.check(Who::Admin, &changed)?;
    profile::merge(&mut kept, &checked).map_err(|fault| vec![fault])?;
    let missing: Vec<Fault> =
        app.plan.profile.lacking(&kept, Moment::Signup).into_iter().map(Rule::missing).collect();
    if missing.is_empty() { Ok(kept) } else { Err(missing) }
}

/// Whether an amendment can be taken; the words are for the log.
fn fit(app: &App, given: &Map<String, Value>, amend: &Amend) -> std::result::Result<(), String> {
    if let Some(profile) = &amend.profile {
        amended(app, given, profile).map_err(|faults| {
            let fields: Vec<_> = faults.iter().map(|f| format!("{} {}", f.field, f.code)).collect();
            format!("amends the profile to what it cannot be: {}", fields.join(", "))
        })?;
    }
    let groups = amend.groups.as_deref().unwrap_or_default();
    let sound = |(n, name): (usize, &String)| is_group(name) && !groups[..n].contains(name);
    if groups.len() > GROUPS || !groups.iter().enumerate().all(sound) {
        return Err(format!("sets groups that cannot be: at most {GROUPS}, and each name {GROUP}"));
    }
    Ok(())
}
