//! What a sign-up was given, understood: identifiers, secrets and profile, with every fault at once.

use crate::app::App;
use crate::auth::account;
use crate::auth::account::confirmation::{Moment, moment};
use crate::auth::account::secrets::Chosen;
use crate::auth::error::{AuthError, Result};
use crate::auth::input::{Given, understand as understand_identifier};
use crate::auth::sending::line_type;
use crate::auth::signup::draft::{Draft, DraftDevice};
use crate::auth::signup::secrets;
use crate::base::{Fault, Wrong};
use crate::devices::{is_dialled, phone};
use crate::flows::Flow;
use crate::settings::Who;
use crate::users::profile as values;
use serde_json::Map;
use std::collections::BTreeMap;

/// A sign-up whose form is right; nothing was looked up, hashed or paid for yet.
pub struct Understood {
    pub(super) devices: Vec<DraftDevice>,
    pub(super) profile: String,
    pub(super) chosen: Vec<Chosen>,
}

/// Understands a sign-up, or says what is missing for at least one flow. Every fault is told at once.
pub fn understand(app: &App, given: &Given) -> Result<Understood> {
    let mut faults = Vec::new();
    let mut found = Vec::new();
    for (kind, text) in &given.identifiers {
        match identifier(app, kind, text) {
            Ok(device) => found.push(device),
            Err(AuthError::Faults(more)) => faults.extend(more),
            Err(other) => return Err(other),
        }
    }
    faults.extend(missing(app, given));
    let profile = profile_of(app, given).map_err(|more| faults.extend(more)).unwrap_or_default();
    let (chosen, wrong) = secrets::at_signup(app, given, &found);
    faults.extend(wrong);
    if !faults.is_empty() {
        return Err(AuthError::Faults(faults));
    }
    Ok(Understood { devices: found, profile, chosen })
}

/// The profile of a sign-up as it is stored, defaults included; what is required and absent is asked for later.
fn profile_of(app: &App, given: &Given) -> std::result::Result<String, Vec<Fault>> {
    let nothing = Map::new();
    let checked = app.plan.profile.check(Who::User, given.profile.as_ref().unwrap_or(&nothing))?;
    let mut profile = Map::new();
    values::merge(&mut profile, &checked).map_err(|fault| vec![fault])?;
    app.plan.profile.fill(&mut profile);
    Ok(values::text(&profile))
}

fn identifier(app: &App, kind: &str, text: &str) -> Result<DraftDevice> {
    let found = understand_identifier(app, kind, text)?;
    if moment(app, kind) != Moment::Never && costs(app, kind, &found.address.canonical) {
        phone::sendable(&found.address.canonical, &app.rules)?;
    }
    Ok(DraftDevice {
        kind: kind.to_owned(),
        canonical: found.address.canonical,
        delivery: found.address.delivery,
        confirm: moment(app, kind),
        owned_by_another: false,
        kept: false,
        language: None,
    })
}

/// Whether messages to that address go to a telephone.
pub(super) fn costs(app: &App, kind: &str, canonical: &str) -> bool {
    app.plan.devices.kind(kind).is_some_and(|kind| is_dialled(kind, canonical))
}

/// What lacks for every flow: nothing where one could be walked with what was given (rule 8). A flow that begins
/// with what the operator gives is nobody's at sign-up.
fn missing(app: &App, given: &Given) -> Option<Fault> {
    let lacks = |flow: &Flow| -> Vec<String> {
        let named = given.identifiers.contains_key(flow.identifier.as_str());
        let identifier = (!named).then(|| flow.identifier.clone());
        identifier.into_iter().chain(flow.secrets.iter().filter_map(|s| lack(app, given, s))).collect()
    };
    let own = |flow: &&Flow| given.identifiers.contains_key(flow.identifier.as_str());
    let open: Vec<&Flow> =
        app.plan.signin.iter().filter(|flow| app.plan.devices.by_user(&flow.identifier)).collect();
    let mut flows: Vec<&Flow> = open.iter().copied().filter(own).collect();
    if flows.is_empty() {
        flows = open;
    }
    let best = flows.into_iter().map(|flow| (lacks(flow), flow)).min_by_key(|(lacks, _)| lacks.len())?;
    let first = best.0.first()?.clone();
    let (flow, missing) = (best.1.name.clone(), best.0.join(", "));
    Some(Fault::new(first, Wrong::MissingForFlow { flow, missing }))
}

fn lack(app: &App, given: &Given, secret: &crate::flows::Secret) -> Option<String> {
    if secret.name != "passcode" {
        let named = given.secrets.contains_key(secret.name.as_str());
        return (!named).then(|| secret.name.clone());
    }
    let reached = |kind: &&&'static str| {
        secret.device.as_ref().is_none_or(|narrowed| narrowed == **kind) && account::carries(app, kind)
    };
    let has = given.identifiers.keys().find(|kind| reached(kind)).is_some();
    let wanted = secret.device.clone().unwrap_or_else(|| "email or phone".to_owned());
    (!has).then_some(wanted)
}

/// Other names for a sign-up whose first choice is taken: identifiers that no channel reaches. Whether there is a
/// change.
pub async fn rename(app: &App, draft: &mut Draft, given: &Given) -> Result<bool> {
    let mut changed = false;
    for (kind, text) in given.identifiers.iter().filter(|(kind, _)| app.plan.devices.is_silent(kind)) {
        let renamed = identifier(app, kind, text)?;
        draft.devices.retain(|d| d.kind != *kind);
        draft.devices.push(renamed);
        changed = true;
    }
    Ok(changed)
}

/// What a sign-up that was understood would make.
pub async fn prepare(app: &App, understood: Understood) -> Result<Draft> {
    let Understood { devices, profile, chosen } = understood;
    for device in devices.iter().filter(|d| d.confirm != Moment::Never && costs(app, &d.kind, &d.canonical)) {
        line_type::check(app, &device.canonical, "").await?;
    }
    let mut draft = Draft {
        devices,
        hashes: BTreeMap::new(),
        hardcode: None,
        user: app.random.uuid().into(),
        profile,
        groups: app.settings.user.groups.clone(),
    };
    draft.hash(app, chosen).await?;
    draft.look_up(app).await?;
    Ok(draft)
}
