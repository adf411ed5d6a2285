//! Devices that were added to an account within three days, named to whoever recovered it, each with what takes it
//! back.

use super::progress::Recent;
use crate::app::App;
use crate::auth::account::Account;
use crate::auth::devices::undo;
use crate::auth::error::Result;
use crate::auth::input::Client;
use crate::auth::sending::notices::{self, Notice};
use crate::messages::{Context, Kind, Recent as Named};
use crate::store::Tx;
use crate::store::challenges::{self, Challenge};
use crate::store::changes::{self, Change};
use crate::store::devices::Device;
use crate::store::sweep::UNDO;

/// What is told of a recovery, and what its answer names.
pub struct Told {
    /// The devices, for the answer.
    pub recent: Vec<Recent>,
    challenges: Vec<Challenge>,
    notices: Vec<Notice>,
}

/// Thinks out what every address is told of a recovery by the device `by`; `codes_gone` where the recovery codes were
/// dropped with it.
pub async fn tell(
    app: &App,
    client: &Client,
    account: &Account,
    by: Option<&str>,
    codes_gone: bool,
) -> Result<Told> {
    let mut changes = changes::of_user(&mut app.store.read().await?, &account.user.id).await?;
    changes.retain(|change| change.at > app.now() - UNDO);
    let found = undo::confirmed_by(account, &changes);
    let answer = |(_, device): &(&Change, &Device)| Recent {
        device: (*device).clone(),
        to: undo::shown(app, device),
        undo: None,
    };
    let mut told =
        Told { recent: found.iter().map(answer).collect(), challenges: Vec::new(), notices: Vec::new() };
    let recovered = by.and_then(|by| account.device(by));
    for (to, address) in notices::addresses(app, account) {
        let mut named = Vec::new();
        for (n, (change, device)) in found.iter().enumerate() {
            // Whoever has that address alone is not to take its own addition back, nor what came before it; nor
            // anything, where an older one has just recovered the account.
            let takes = undo::may_take_back(app, account, address, change)
                && recovered.is_none_or(|by| !undo::is_younger(address, by));
            let undo = takes.then(|| undo::code(app, change, &to));
            let (challenge, code) = undo.unzip();
            if let (Some(code), true) = (&code, by == Some(address.id.as_str())) {
                told.recent[n].undo = code.key.clone();
            }
            told.challenges.extend(challenge);
            let kind = app.plan.devices.kind(&device.kind).map(|kind| kind.name());
            named.push(Named {
                device: undo::shown(app, device),
                device_kind: kind,
                since: device.confirmed_at.unwrap_or(change.at),
                undo: code,
            });
        }
        let about = Context {
            at: app.now(),
            place: Some(client.place()),
            recent: named,
            codes_gone,
            ..Context::default()
        };
        told.notices.push(notices::saying(app, client, account, &to, Kind::RecoveryDone, &about)?);
    }
    Ok(told)
}

impl Told {
    /// Writes what takes devices back, and queues what is told.
    pub async fn write(&self, app: &App, tx: &mut Tx) -> Result<()> {
        for challenge in &self.challenges {
            challenges::put(tx, challenge, 0).await?.either_way();
        }
        notices::queue(app, tx, &self.notices).await
    }
}
