//! What a sign-up was given: understood, checked, hashed; sealed while it waits for a proof.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::App;
use crate::auth::account::secrets::{self, Chosen};
use crate::auth::account::{self, events, profile};
use crate::auth::attempts::progress::Proof;
use crate::auth::codes::budget::Parcel;
use crate::auth::codes::{self, language, line_type};
use crate::auth::devices::card;
use crate::auth::error::{AuthError, Result};
use crate::auth::input::{Given, understand as understand_identifier};
use crate::auth::purpose::Purpose;
use crate::base::{Fault, Millis};
use crate::devices::{is_dialled, phone};
use crate::events::{By, Event, Noted};
use crate::flows::{Flow, Holding};
use crate::hooks::Identifier;
use crate::secrets::Kept;
use crate::settings::{Confirm, Who};
use crate::store::devices::{self as rows, Device, Gone};
use crate::store::{Tx, secrets as secret_rows, users};
use crate::users::profile as values;
use crate::users::rules::{Moment as Asked, Rule};

/// A sign-up that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Draft {
    /// The identifiers and addresses.
    pub devices: Vec<DraftDevice>,
    /// Hashes of the secrets that were chosen, by their kind.
    pub hashes: BTreeMap<String, String>,
    /// The hash of the card's hardcode.
    pub hardcode: Option<String>,
    /// The user's id to be; the card's hash is bound to it.
    pub user: String,
    /// The profile, checked.
    pub profile: String,
    /// The groups that it begins in.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// One identifier or address of a sign-up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DraftDevice {
    /// Its kind.
    pub kind: String,
    /// Its unique form.
    pub canonical: String,
    /// The form to deliver to.
    pub delivery: String,
    /// When it counts as confirmed.
    pub confirm: Moment,
    /// Whether somebody else owns it. Told to nobody.
    pub taken: bool,
    /// Whether somebody else can have it back, who would not get it while another has it. Told to nobody.
    #[serde(default)]
    pub kept: bool,
    /// The language that its owner's profile wishes for. Told to nobody.
    #[serde(default)]
    pub language: Option<String>,
}

impl DraftDevice {
    /// Whether it counts though nobody proved it. What somebody else has stays a claim, which signs nobody in.
    fn is_taken_as_it_is(&self, app: &App) -> bool {
        self.confirm == Moment::Never && (!(self.taken || self.kept) || app.devices.is_silent(&self.kind))
    }

    /// Whether it became that device.
    pub fn is(&self, device: &Device) -> bool {
        self.kind == device.kind && device.canonical.as_ref() == Some(&self.canonical)
    }

    /// What is sent there: the code, or to its owner a notice.
    pub fn parcel(&self) -> Parcel {
        if self.taken { Parcel::Taken } else { Parcel::Code }
    }

    /// The language that whoever reads there wishes for: its owner's, or else that of the sign-up's profile.
    pub fn reads(&self, profile: &str) -> Option<String> {
        if self.taken { self.language.clone() } else { language::wished(profile) }
    }
}

/// When a device counts as confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moment {
    /// Before the account is made.
    Before,
    /// Some time after.
    After,
    /// At once, unproven.
    Never,
}

/// When devices of a kind are confirmed; what cannot be sent a message is taken as it is.
pub fn moment(app: &App, kind: &str) -> Moment {
    let set = match kind {
        "email" => app.settings.email.confirm,
        "phone" => app.settings.phone.confirm,
        // Anybody may write down an address of an own kind.
        other if !app.devices.is_silent(other) => Confirm::Before,
        _ => Confirm::Never,
    };
    match set {
        Confirm::Before => Moment::Before,
        Confirm::After => Moment::After,
        Confirm::Never => Moment::Never,
    }
}

/// A sign-up whose form is right; nothing was looked up, hashed or paid for yet.
pub struct Understood {
    devices: Vec<DraftDevice>,
    profile: String,
    chosen: Vec<Chosen>,
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
        user: app.random.uuid(),
        profile,
        groups: app.settings.user.groups.clone(),
    };
    draft.hash(app, chosen).await?;
    draft.look_up(app).await?;
    Ok(draft)
}

/// The profile of a sign-up as it is stored, defaults included; what is required and absent is asked for later.
fn profile_of(app: &App, given: &Given) -> std::result::Result<String, Vec<Fault>> {
    let nothing = Map::new();
    let checked = app.profile.check(Who::User, given.profile.as_ref().unwrap_or(&nothing))?;
    let mut profile = Map::new();
    values::merge(&mut profile, &checked).map_err(|fault| vec![fault])?;
    app.profile.fill(&mut profile);
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
        taken: false,
        kept: false,
        language: None,
    })
}

/// Whether messages to that address go to a telephone.
fn costs(app: &App, kind: &str, canonical: &str) -> bool {
    app.devices.kind(kind).is_some_and(|kind| is_dialled(kind, canonical))
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
    let open: Vec<&Flow> = app.signin.iter().filter(|flow| app.devices.by_user(&flow.identifier)).collect();
    let mut flows: Vec<&Flow> = open.iter().copied().filter(own).collect();
    if flows.is_empty() {
        flows = open;
    }
    let best = flows.into_iter().map(|flow| (lacks(flow), flow)).min_by_key(|(lacks, _)| lacks.len())?;
    let first = best.0.first()?.clone();
    let message = format!("to sign in by {} there must also be: {}", best.1.name, best.0.join(", "));
    Some(Fault::new(first, "missing", message))
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
    for (kind, text) in given.identifiers.iter().filter(|(kind, _)| app.devices.is_silent(kind)) {
        let renamed = identifier(app, kind, text)?;
        draft.devices.retain(|d| d.kind != *kind);
        draft.devices.push(renamed);
        changed = true;
    }
    Ok(changed)
}

impl Draft {
    /// What somebody wants to be called by and reached at.
    pub fn identifiers(&self) -> Vec<Identifier> {
        self.devices.iter().map(|d| Identifier::new(&d.kind, &d.canonical)).collect()
    }

    /// The identifiers that name the account as soon as it is made; `proven` is the address that was.
    pub fn counting(&self, app: &App, proven: Option<&DraftDevice>) -> Vec<Identifier> {
        let proven = |d: &DraftDevice| proven.is_some_and(|proven| proven.kind == d.kind);
        let counting = self.devices.iter().filter(|d| proven(d) || d.is_taken_as_it_is(app));
        counting.map(|d| Identifier::new(&d.kind, &d.canonical)).collect()
    }

    /// The devices that must be proven before the account is made.
    pub fn to_prove(&self) -> impl Iterator<Item = &DraftDevice> {
        self.devices.iter().filter(|d| d.confirm == Moment::Before)
    }

    /// The profile, checked.
    pub fn fields(&self) -> Map<String, Value> {
        values::stored(&self.profile)
    }

    /// What the profile lacks.
    pub fn lacking<'a>(&self, app: &'a App) -> Vec<&'a Rule> {
        app.profile.lacking(&self.fields(), Asked::Signup)
    }

    /// Lays what was given over the profile, which lacks nothing then.
    pub fn complete(&mut self, app: &App, given: &Map<String, Value>) -> Result<()> {
        let mut profile = self.fields();
        profile::complete(app, &mut profile, given, Asked::Signup)?;
        self.profile = values::text(&profile);
        Ok(())
    }

    async fn hash(&mut self, app: &App, chosen: Vec<Chosen>) -> Result<()> {
        for Chosen { kind, ready } in chosen {
            let phc = app.hasher.hash(ready.clone(), app.random.bytes()).await?;
            if kind.kept() == Kept::InDevice {
                self.hardcode = Some(card::stored(&app.sealer, &self.user, &ready, &phc));
            } else {
                self.hashes.insert(kind.name().to_owned(), phc);
            }
        }
        Ok(())
    }

    /// Looks whose the addresses are by now.
    pub async fn look_up(&mut self, app: &App) -> Result<()> {
        let mut db = app.store.read().await?;
        for device in &mut self.devices {
            // Somebody is read for nobody too, so that a taken address costs no more than a free one (R16).
            let (owner, taken) = account::whose(app, &mut db, &device.kind, &device.canonical).await?;
            device.taken = taken;
            device.kept = device.confirm == Moment::Never
                && rows::is_kept(&mut db, &device.kind, &device.canonical, &self.user).await?;
            let profile = users::by_id(&mut db, &owner).await?.map(|user| user.profile);
            device.language = profile.as_deref().and_then(language::wished).filter(|_| taken);
        }
        Ok(())
    }

    /// Seals the draft for the attempt with that id.
    pub fn seal(&self, app: &App, attempt: &str) -> Result<String> {
        let plain = serde_json::to_vec(self).map_err(|error| AuthError::Internal(error.to_string()))?;
        Ok(app.sealer.seal(&place(attempt), &plain))
    }

    /// Opens the draft of an attempt.
    pub fn open(app: &App, attempt: &crate::store::attempts::Attempt) -> Result<Self> {
        let sealed = attempt.draft.as_deref().ok_or(AuthError::AttemptGone)?;
        let plain = app.sealer.open(&place(&attempt.id), sealed).map_err(|_| AuthError::AttemptGone)?;
        serde_json::from_slice(&plain).map_err(|_| AuthError::AttemptGone)
    }

    /// Writes the account. An address that was proven drops everybody else's unproven claim to it (R120).
    /// `session` is the one that is opened with it.
    pub async fn write(
        &self,
        app: &App,
        tx: &mut Tx,
        proven: Option<&DraftDevice>,
        session: Option<&str>,
    ) -> Result<Written> {
        let now = app.now();
        let (mut devices, mut claims) = (Vec::new(), Vec::new());
        let new = users::New {
            id: &self.user,
            profile: &self.profile,
            group_names: &self.group_names(),
            active: app.settings.user.active,
        };
        users::insert(tx, &new, now).await?;
        profile::claim(app, tx, &self.user, &self.fields()).await?;
        for device in &self.devices {
            let is_proven = proven.is_some_and(|p| p.kind == device.kind);
            let row = self.row(app, device, is_proven, session, now);
            let taken = |error| match error {
                crate::store::StoreError::Taken => {
                    AuthError::Taken(app.devices.kind(&device.kind).map_or("identifier", |kind| kind.name()))
                }
                other => other.into(),
            };
            rows::insert(tx, &row).await.map_err(taken)?;
            if is_proven {
                claims = rows::drop_claims(tx, &device.kind, &device.canonical, &row.id).await?;
            }
            devices.push(row);
        }
        for (kind, hash) in &self.hashes {
            secret_rows::set(tx, &app.random.uuid(), &self.user, kind, hash, now, None).await?;
        }
        if let Some(card) = &self.hardcode {
            let card = card::first(app.random.uuid(), &self.user, card.clone(), now);
            rows::insert(tx, &card).await?;
            devices.push(card);
        }
        Ok(Written { devices, claims, active: app.settings.user.active })
    }

    /// The groups as they are stored.
    pub fn group_names(&self) -> String {
        Value::from(self.groups.clone()).to_string()
    }

    fn row(
        &self,
        app: &App,
        device: &DraftDevice,
        proven: bool,
        session: Option<&str>,
        now: Millis,
    ) -> Device {
        Device {
            id: app.random.uuid(),
            user_id: self.user.clone(),
            kind: device.kind.clone(),
            canonical: Some(device.canonical.clone()),
            delivery: Some(device.delivery.clone()),
            label: String::new(),
            is_primary: true,
            secret: None,
            last_step: None,
            created_at: now,
            confirmed_at: (proven || device.is_taken_as_it_is(app)).then_some(now),
            proven_at: proven.then_some(now),
            last_used_at: None,
            replaces: None,
            own: proven.then(|| rows::PROVEN.to_owned()),
            added_in: session.map(str::to_owned),
            hidden_at: None,
            failing_since: None,
        }
    }
}

/// What was written of a draft.
pub struct Written {
    /// The devices of the new account.
    pub devices: Vec<Device>,
    /// Claims of others to the address that was proven, which are gone.
    claims: Vec<Gone>,
    /// Whether the account may be used at once.
    active: bool,
}

impl Written {
    /// What was shown to make the account.
    pub fn proofs(&self, draft: &Draft) -> Vec<Proof> {
        let mut proofs: Vec<Proof> = draft.hashes.keys().map(|kind| Proof::fixed(kind, None)).collect();
        let proven = self.devices.iter().filter(|device| device.proven_at.is_some());
        proofs.extend(proven.map(|device| match device.canonical {
            Some(_) => Proof::passcode(&device.kind, &device.id),
            None => Proof::fixed("hardcode", Some(device.id.clone())),
        }));
        proofs
    }

    /// The addresses that wait for their proof, by the ids of their devices.
    pub fn waiting(&self, app: &App) -> Vec<String> {
        let waits = |device: &&Device| device.confirmed_at.is_none() && !app.devices.is_silent(&device.kind);
        self.devices.iter().filter(waits).map(|device| device.id.clone()).collect()
    }

    /// What the account holds.
    pub fn holding(&self, app: &App, draft: &Draft) -> Holding {
        let confirmed: Vec<&Device> = self.devices.iter().filter(|d| d.confirmed_at.is_some()).collect();
        account::holding(app, &confirmed, &draft.hashes, &BTreeMap::new())
    }

    /// The events of it; `channel` is how the code of the proven address came.
    pub fn noted(self, draft: &Draft, by: By, channel: Option<&str>) -> Vec<Noted> {
        let counting = self.devices.iter().filter(|device| device.confirmed_at.is_some());
        let personal = events::naming((&draft.user, &draft.profile, &draft.group_names()), counting);
        let (active, groups) = (self.active, draft.groups.clone());
        let created = Event::UserCreated { by, active, groups }.of(&draft.user);
        let mut noted = vec![created.naming(personal.clone())];
        noted.extend(channel.map(|by| codes::succeeded(Purpose::Signup, by, Some(&draft.user))));
        noted.extend(self.devices.iter().map(|device| events::added(by, device).naming(personal.clone())));
        noted.extend(events::dropped(By::Server, self.claims));
        noted
    }
}

fn place(attempt: &str) -> String {
    format!("attempts/{attempt}/draft")
}
