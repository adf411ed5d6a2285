//! The account of a sign-up: made in one transaction with its first session, once nothing is left to prove.

use super::draft::{Draft, DraftDevice};
use super::first_session::{self, FirstSession, Proven};
use super::taken::{free, owned_by_another};
use crate::app::App;
use crate::auth::account::{self, profile, standing};
use crate::auth::attempts::progress::{Done, Progress};
use crate::auth::codes::dispatch::dispatch;
use crate::auth::devices::{self, recovery_codes};
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::known::{self, Known};
use crate::auth::input::Client;
use crate::auth::sending::order::Order;
use crate::auth::sessions::basis::{Basis, Tokens};
use crate::auth::sessions::{open, tokens};
use crate::base::{DeviceId, Purpose, Sensitive, UserId};
use crate::events::By;
use crate::flows::{self, Passed};
use crate::store::attempts::{self, Attempt};
use crate::store::{Tx, challenges, sessions as session_rows};
use crate::telemetry;

/// A new account, written and not yet committed.
struct Made {
    user: UserId,
    /// The addresses that wait for their proof, by the ids of their devices.
    waiting: Vec<DeviceId>,
    recovery_codes: Vec<Sensitive>,
    /// The first session; none where accounts wait for the operator.
    entered: Option<(FirstSession, Known)>,
}

impl Made {
    fn done(self, app: &App) -> Result<Done> {
        let tokens = |(FirstSession { opened, holder }, known)| tokens::tokens(app, &opened, known, &holder);
        let tokens = self.entered.map(tokens).transpose()?;
        let recovery_codes = self.recovery_codes;
        let tokens = tokens.map(|tokens| Tokens { recovery_codes, ..tokens });
        Ok(Done { tokens, ..Done::of(Purpose::Signup, self.user) })
    }
}

/// Goes on from an address that was proven: hooks are asked, and then the account is made.
pub(super) async fn enter(
    app: &App,
    client: &Client,
    attempt: &Attempt,
    draft: &Draft,
    proven: &Proven,
) -> Result<Progress> {
    let entry = begun(app, client, draft, Some(&proven.device)).await?;
    let mut tx = app.store.begin().await?;
    if let Some(taken) = owned_by_another(app, &mut tx, draft).await? {
        drop(tx);
        return profile::tell_taken(app, client, taken).await;
    }
    finish(app, client, tx, attempt, draft, proven, entry).await
}

/// Makes the account of a sign-up whose profile was asked for and that has nothing to prove.
pub(super) async fn without_proof(
    app: &App,
    client: &Client,
    attempt: &Attempt,
    draft: &mut Draft,
) -> Result<Progress> {
    free(app, client, draft).await?;
    // Somebody may have come to own an address since the sign-up began.
    draft.look_up(app).await?;
    let entry = begun(app, client, draft, None).await?;
    let mut tx = app.store.begin().await?;
    if attempts::finish(&mut tx, &attempt.id, &attempt.passed).await?.is_no() {
        return Err(AuthError::AttemptGone);
    }
    write(app, client, draft, tx, entry).await
}

pub(super) async fn finish(
    app: &App,
    client: &Client,
    mut tx: Tx,
    attempt: &Attempt,
    draft: &Draft,
    proven: &Proven,
    entry: Option<FirstSession>,
) -> Result<Progress> {
    if attempts::finish(&mut tx, &attempt.id, &attempt.passed).await?.is_no() {
        return Err(AuthError::AttemptGone);
    }
    challenges::drop_scope(&mut tx, &attempt.scope()).await?;
    let made = made(app, client, draft, Some(proven), entry, &mut tx).await?;
    tx.commit().await?;
    confirm_others(app, client, draft, &made).await;
    Ok(Progress::Done(made.done(app)?))
}

/// Makes the account at once.
pub(super) async fn create(app: &App, client: &Client, draft: &Draft) -> Result<Progress> {
    let entry = begun(app, client, draft, None).await?;
    let tx = app.store.begin().await?;
    write(app, client, draft, tx, entry).await
}

async fn write(
    app: &App,
    client: &Client,
    draft: &Draft,
    mut tx: Tx,
    entry: Option<FirstSession>,
) -> Result<Progress> {
    let made = made(app, client, draft, None, entry, &mut tx).await?;
    tx.commit().await?;
    confirm_others(app, client, draft, &made).await;
    Ok(Progress::Done(made.done(app)?))
}

/// Sends the codes of the addresses of a new account that count only once they are proven; the owner of a taken one is
/// told instead. Whatever keeps one back, the account is made: it may be asked for again.
async fn confirm_others(app: &App, client: &Client, draft: &Draft, made: &Made) {
    if made.waiting.is_empty() {
        return;
    }
    let account = match app.store.read().await {
        Ok(mut db) => account::even_disabled(&mut db, &made.user).await.ok().flatten(),
        Err(_) => None,
    };
    let Some(account) = account else { return };
    for id in &made.waiting {
        let Some(device) = account.device(id) else { continue };
        let Some(claim) = draft.devices.iter().find(|claim| claim.is(device)) else { continue };
        let (parcel, language) = (claim.parcel(), claim.reads(&draft.profile));
        let order = devices::order(app, &account, device, claim.owned_by_another, None);
        if let Err(error) = dispatch(app, client, &Order { parcel, or_notice: true, language, ..order }).await
        {
            tracing::debug!(%error, "the code of a new account's address is not sent now");
        }
    }
}

/// Writes the account with its first session; `proven` is the address that was, and how its code came.
async fn made(
    app: &App,
    client: &Client,
    draft: &Draft,
    proven: Option<&Proven>,
    entry: Option<FirstSession>,
    tx: &mut Tx,
) -> Result<Made> {
    telemetry::user(&draft.user);
    let entry = entry.map(|entry| FirstSession { opened: entry.opened.now(app), ..entry });
    let channel = proven.map(|proven| proven.channel.name());
    let session = entry.as_ref().map(|entry| &entry.opened.session.id);
    let written = draft.write(app, tx, proven.map(|proven| &proven.device), session).await?;
    let user = draft.user.clone();
    let (proofs, waiting) = (written.proofs(draft), written.waiting(app));
    let due = recovery_codes::are_due(app, 0, &written.holding(app, draft));
    let mut noted = written.noted(draft, By::User, channel);
    let (mut entered, mut recovery_codes) = (None, Vec::new());
    if let Some(entry) = entry {
        if due {
            let (made, event) = recovery_codes::write(app, tx, &user, By::Server).await?;
            recovery_codes = made;
            noted.push(event);
        }
        let shown = known::of(&proofs);
        let known = known::remember(app, tx, None, (&user, &shown), app.now()).await?;
        let proofs = standing::kept(app, &proofs, None);
        session_rows::insert(tx, &entry.opened.session, &proofs, known.id()).await?;
        noted.push(open::succeeded(Purpose::Signup, &entry.opened.session, false));
        entered = Some((entry, known));
    }
    app.events.write(tx, app.now(), &client.source(), &noted).await?;
    Ok(Made { user, waiting, recovery_codes, entered })
}

/// What a sign-up leads to, `proven` being the address that was.
pub(super) async fn begun(
    app: &App,
    client: &Client,
    draft: &Draft,
    proven: Option<&DraftDevice>,
) -> Result<Option<FirstSession>> {
    first_session::ask(app, client, draft, proven, &basis(app, draft, proven)).await
}

/// What a sign-up has shown: the secrets that were set, and the address that was proven (R11).
fn basis(app: &App, draft: &Draft, proven: Option<&DraftDevice>) -> Basis {
    let mut passed = Vec::new();
    passed.extend(draft.hashes.keys().map(Passed::fixed));
    passed.extend(draft.hardcode.as_ref().map(|_| Passed::fixed("hardcode")));
    passed.extend(proven.map(|device| Passed::carried("passcode", device.kind.as_str())));
    let whole = |flow: &&flows::Flow| {
        flow.next(&passed).is_none() && draft.devices.iter().any(|d| d.kind == flow.identifier)
    };
    let flow = app.plan.signin.iter().find(whole).map_or("signup", |flow| flow.name.as_str());
    Basis {
        flow: flow.to_owned(),
        acr: flows::level_of_passed(&passed, &app.plan.words).acr().to_owned(),
        amr: flows::amr(&passed, &app.plan.words).into_iter().map(str::to_owned).collect(),
    }
}
