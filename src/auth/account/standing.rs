//! What an account can reach, and what was shown of it lately: what a sensitive change is weighed by (R67).

use std::collections::BTreeSet;

use super::Account;
use crate::app::App;
use crate::auth::account::proof::Proof;
use crate::auth::error::Result;
use crate::base::clock::MINUTE;
use crate::base::{DeviceId, Fault, Millis, Wrong};
use crate::devices::DeviceKind;
use crate::flows::{Class, Flow, Holding, Level, Passed, Secret, Walks, level_of_passed};
use crate::store::devices::Device;
use crate::store::sessions::{self, Session};
use crate::store::sweep::UNDO;

/// What an account reaches through the flows of sign-in, walked on paper.
pub struct Reach {
    /// The highest level, and a flow that gives it; none where no flow leads in.
    pub highest: Option<(Level, String)>,
    /// The devices that are asked for on some way: its factors.
    pub factors: BTreeSet<String>,
    /// The factors that a recovery code can stand in for.
    pub replaceable: BTreeSet<String>,
}

/// What an account reaches that holds `holding`.
pub fn reach(app: &App, holding: &Holding) -> Reach {
    let walks = Walks::of(&app.plan.signin, holding);
    let level = |passed: &[Passed]| level_of_passed(&holding.rated(passed), &app.plan.words);
    let levels = walks.ends.iter().map(|end| (level(&end.passed), end.flow.name.clone()));
    let highest = levels.reduce(|best, next| if next.0 > best.0 { next } else { best });
    Reach { highest, factors: walks.asked, replaceable: walks.replaceable }
}

/// What was shown in a session within `reauth.fresh`.
pub struct Shown(Vec<Proof>);

impl Shown {
    /// What a session showed lately.
    pub async fn lately(app: &App, session: &Session) -> Result<Self> {
        let stored = sessions::proofs(&mut app.store.read().await?, &session.id, &session.user_id).await?;
        let now = app.now();
        let mut proofs = read(stored.as_deref());
        proofs.retain(|proof| is_lately(app, proof, now));
        Ok(Self(proofs))
    }

    /// Whether it is as much as the account reaches. A recovery code counts as what it stood in for here, though not in
    /// `acr` and `amr` (R11).
    ///
    /// # Errors
    /// The flow to re-authenticate by, where there is one.
    pub fn is_enough(&self, app: &App, account: &Account) -> std::result::Result<(), Option<String>> {
        let holding = account.holding(app);
        let passed: Vec<Passed> = self.0.iter().map(Proof::passed).collect();
        let shown = level_of_passed(&holding.rated(&passed), &app.plan.words);
        match reach(app, &holding).highest {
            Some((needed, flow)) if self.0.is_empty() || shown < needed => Err(Some(flow)),
            // Where nothing leads in yet, whoever made the account has nothing but the session.
            None if self.0.is_empty() && !is_blank(account) => Err(None),
            _ => Ok(()),
        }
    }

    /// Whether it is the highest class of what a recovery code can stand in for, or a recovery code: otherwise codes
    /// would be made by less than they are good for.
    ///
    /// # Errors
    /// A flow that asks for that class, where there is one.
    pub fn is_worth_codes(&self, app: &App, account: &Account) -> std::result::Result<(), Option<String>> {
        let holding = account.holding(app);
        let class = |id: &str| holding.carrier(id).map(|carrier| carrier.class);
        let walks = Walks::of(&app.plan.signin, &holding);
        let highest = walks.replaceable.iter().filter_map(|id| class(id)).filter(|c| *c > Class::Reach).max();
        let of_highest =
            |device: &&Device| class(&device.id) == highest && walks.replaceable.contains(&*device.id);
        let mut all = account.confirmed().filter(of_highest);
        let rescued = self.0.iter().any(Proof::is_recovery_code);
        if rescued || highest.is_none() || all.all(|device| self.vouches_for(app, account, device)) {
            return Ok(());
        }
        let gives = |passed: &[Passed]| holding.shown(passed) >= highest;
        Err(walks.ends.iter().find(|end| gives(&end.passed)).map(|end| end.flow.name.clone()))
    }

    /// Whether it vouches for the removal or replacement of `device`: that device itself was shown, one of the same
    /// class or a higher one that is not younger than three days beside it, or a recovery code.
    pub fn vouches_for(&self, app: &App, account: &Account, device: &Device) -> bool {
        self.0.iter().any(|proof| proof.is_recovery_code() || vouches(app, account, proof, device))
    }
}

/// Whether nothing names an account yet: it has but claims, and nobody comes in to it again before one is proven.
fn is_blank(account: &Account) -> bool {
    !account.confirmed().chain(&account.hidden).any(|device| device.canonical.is_some())
}

fn vouches(app: &App, account: &Account, proof: &Proof, device: &Device) -> bool {
    let Some(shown) = proof.device.as_deref().and_then(|id| account.device(id)) else { return false };
    let class = |device: &Device| app.plan.words.class(&device.kind);
    let since = |device: &Device| device.confirmed_at.unwrap_or(Millis::MAX);
    let young = since(shown) > app.now() - UNDO && since(device) < since(shown);
    shown.id == device.id || (class(shown) >= class(device) && class(shown).is_some() && !young)
}

/// What a session's row says was shown; nothing where it cannot be read.
fn read(stored: Option<&str>) -> Vec<Proof> {
    stored.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The devices that a session's row says were shown, however long ago.
pub fn devices(stored: Option<&str>) -> Vec<DeviceId> {
    read(stored).into_iter().filter_map(|proof| proof.device).collect()
}

/// Whether a session's row says that a fixed secret was shown, however long ago.
pub fn has_shown(stored: Option<&str>, secret: &str) -> bool {
    read(stored).iter().any(|proof| proof.shows() == Some(secret))
}

/// Whether a proof was passed within `reauth.fresh`. What was passed by a clock that was ahead is not of then: it would
/// count until that day.
fn is_lately(app: &App, proof: &Proof, now: Millis) -> bool {
    let since = now - app.settings.reauth.fresh.millis();
    proof.at.is_some_and(|at| (since..=now + MINUTE).contains(&at))
}

/// What a session keeps of proofs passed at `now`, beside those of `before` that are still of use.
pub fn kept(app: &App, proofs: &[Proof], before: Option<&str>) -> String {
    let now = app.now();
    let mut all = read(before);
    all.retain(|proof| is_lately(app, proof, now));
    all.extend(proofs.iter().cloned().map(|proof| Proof { at: Some(now), ..proof }));
    serde_json::to_string(&all).unwrap_or_else(|_| "[]".to_owned())
}

/// Why a device that only proves is not taken: no flow that the account is set up for, with it, would ask for it.
pub fn never_asked(app: &App, account: &Account, kind: &dyn DeviceKind) -> Option<Fault> {
    let proves_only = !kind.names_owner() && kind.channels().is_empty() && kind.carries_passcode();
    let mut holding = account.holding(app);
    let class = app.plan.words.class(kind.name()).filter(|_| proves_only)?;
    let new =
        crate::flows::Carried { id: NEW.to_owned(), kind: kind.name().to_owned(), class, since: app.now() };
    holding.carriers.push(new);
    if Walks::of(&app.plan.signin, &holding).asked.contains(NEW) {
        return None;
    }
    Some(Fault::new("kind", why_not(app, &holding, kind.name())))
}

/// The id of a device that is not there yet.
const NEW: &str = "new";

fn why_not(app: &App, holding: &Holding, kind: &str) -> Wrong {
    let asks = |secret: &Secret| {
        holding.carried.contains(&secret.name) && secret.device.as_deref().is_none_or(|d| d == kind)
    };
    let flows = app.plan.signin.iter().filter(|flow| flow.secrets.iter().any(asks));
    let nearest = flows.map(|flow| (missing(holding, flow), flow)).min_by_key(|(missing, _)| missing.len());
    match nearest {
        None => Wrong::AskedNowhere { kind: kind.to_owned() },
        Some((missing, flow)) if missing.is_empty() => {
            let walks = Walks::of(&app.plan.signin, holding);
            let before = walks.ends.iter().map(|end| &end.flow.name).find(|name| **name != flow.name);
            let before = before.unwrap_or(&flow.name).clone();
            Wrong::LetInBefore { before, flow: flow.name.clone() }
        }
        Some((missing, flow)) => {
            Wrong::AskedWithMore { flow: flow.name.clone(), missing: missing.join(", ") }
        }
    }
}

/// What an account lacks for a flow.
fn missing(holding: &Holding, flow: &Flow) -> Vec<String> {
    let named = holding.names.contains(&flow.identifier);
    let has = |secret: &&Secret| {
        if holding.carried.contains(&secret.name) {
            return holding
                .carriers
                .iter()
                .any(|c| secret.device.as_ref().is_none_or(|device| *device == c.kind));
        }
        holding.fixed.iter().any(|fixed| fixed.name == secret.name)
    };
    let secrets = flow.secrets.iter().filter(|secret| !has(secret));
    let secrets = secrets.map(|s| s.device.clone().unwrap_or_else(|| s.name.clone()));
    (!named).then(|| flow.identifier.clone()).into_iter().chain(secrets).collect()
}

/// Whether a recovery code can stand in for a device above reach, so that codes are worth making.
pub fn is_replaceable(app: &App, holding: &Holding) -> bool {
    let above = |id: &String| holding.carrier(id).is_some_and(|carrier| carrier.class > Class::Reach);
    holding.top() > Some(Class::Reach) && reach(app, holding).replaceable.iter().any(above)
}
