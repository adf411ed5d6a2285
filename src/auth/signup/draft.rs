//! What a sign-up was given: understood, checked, hashed; sealed while it waits for a proof.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::App;
use crate::auth::account::confirmation::Moment;
use crate::auth::account::proof::Proof;
use crate::auth::account::secrets::Chosen;
use crate::auth::account::{self, card, events, profile};
use crate::auth::codes::look;
use crate::auth::error::{AuthError, Result};
use crate::auth::sending::language;
use crate::auth::sending::order::Parcel;
use crate::base::{AttemptId, DeviceId, Millis, Purpose, SessionId, UserId};
use crate::events::{By, Event, NewEvent};
use crate::flows::Holding;
use crate::hooks::Identifier;
use crate::secrets::Kept;
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
    pub user: UserId,
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
    pub owned_by_another: bool,
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
        self.confirm == Moment::Never
            && (!(self.owned_by_another || self.kept) || app.plan.devices.is_silent(&self.kind))
    }

    /// Whether it became that device.
    pub fn is(&self, device: &Device) -> bool {
        self.kind == device.kind && device.canonical.as_ref() == Some(&self.canonical)
    }

    /// What is sent there: the code, or to its owner a notice.
    pub fn parcel(&self) -> Parcel {
        if self.owned_by_another { Parcel::Notice } else { Parcel::Code }
    }

    /// The language that whoever reads there wishes for: its owner's, or else that of the sign-up's profile.
    pub fn reads(&self, profile: &str) -> Option<String> {
        if self.owned_by_another { self.language.clone() } else { language::wished(profile) }
    }
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
        app.plan.profile.lacking(&self.fields(), Asked::Signup)
    }

    /// Lays what was given over the profile, which lacks nothing then.
    pub fn complete(&mut self, app: &App, given: &Map<String, Value>) -> Result<()> {
        let mut profile = self.fields();
        profile::complete(app, &mut profile, given, Asked::Signup)?;
        self.profile = values::text(&profile);
        Ok(())
    }

    pub(super) async fn hash(&mut self, app: &App, chosen: Vec<Chosen>) -> Result<()> {
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
            device.owned_by_another = taken;
            device.kept = device.confirm == Moment::Never
                && rows::is_kept(&mut db, &device.kind, &device.canonical, &self.user).await?;
            let profile = users::by_id(&mut db, &owner).await?.map(|user| user.profile);
            device.language = profile.as_deref().and_then(language::wished).filter(|_| taken);
        }
        Ok(())
    }

    /// Seals the draft for the attempt with that id.
    pub fn seal(&self, app: &App, attempt: &AttemptId) -> Result<String> {
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
        session: Option<&SessionId>,
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
                crate::store::StoreError::Taken => AuthError::Taken(
                    app.plan.devices.kind(&device.kind).map_or("identifier", |kind| kind.name()),
                ),
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
            let card = card::first(app.random.uuid().into(), &self.user, card.clone(), now);
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
        session: Option<&SessionId>,
        now: Millis,
    ) -> Device {
        Device {
            canonical: Some(device.canonical.clone()),
            delivery: Some(device.delivery.clone()),
            confirmed_at: (proven || device.is_taken_as_it_is(app)).then_some(now),
            proven_at: proven.then_some(now),
            own: proven.then(|| rows::PROVEN.to_owned()),
            added_in: session.cloned(),
            ..Device::new(app.random.uuid().into(), self.user.clone(), &device.kind, now)
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
    pub fn waiting(&self, app: &App) -> Vec<DeviceId> {
        let waits =
            |device: &&Device| device.confirmed_at.is_none() && !app.plan.devices.is_silent(&device.kind);
        self.devices.iter().filter(waits).map(|device| device.id.clone()).collect()
    }

    /// What the account holds.
    pub fn holding(&self, app: &App, draft: &Draft) -> Holding {
        let confirmed: Vec<&Device> = self.devices.iter().filter(|d| d.confirmed_at.is_some()).collect();
        account::holding(app, &confirmed, &draft.hashes, &BTreeMap::new())
    }

    /// The events of it; `channel` is how the code of the proven address came.
    pub fn noted(self, draft: &Draft, by: By, channel: Option<&str>) -> Vec<NewEvent> {
        let counting = self.devices.iter().filter(|device| device.confirmed_at.is_some());
        let personal = events::naming((&draft.user, &draft.profile, &draft.group_names()), counting);
        let (active, groups) = (self.active, draft.groups.clone());
        let created = Event::UserCreated { by, active, groups }.of(&draft.user);
        let mut noted = vec![created.naming(personal.clone())];
        noted.extend(channel.map(|by| look::succeeded(Purpose::Signup, by, Some(&draft.user))));
        noted.extend(self.devices.iter().map(|device| events::added(by, device).naming(personal.clone())));
        noted.extend(events::dropped(By::Server, self.claims));
        noted
    }
}

fn place(attempt: &AttemptId) -> String {
    format!("attempts/{attempt}/draft")
}
