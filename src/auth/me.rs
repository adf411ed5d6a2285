//! What signed-in users do with their own account.

use super::account::Account;
use super::error::{AuthError, Result};
use super::guard::{Bound, Subject};
use super::input::Client;
use super::owned::{account, trusted};
use super::purpose::Purpose;
use super::session::Caller;
use super::{challenge, deletion, doors, fields, notices, noting, rules};
use crate::app::App;
use crate::base::{Fault, Sensitive};
use crate::events::{By, Event};
use crate::messages::Kind;
use crate::secrets::{password, recovery};
use crate::settings::Who;
use crate::store::{attempts, devices, known_devices, secrets, sessions, users};
use crate::throttle::Keys;

/// The caller's account.
pub async fn get(app: &App, caller: &Caller) -> Result<Account> {
    account(app, caller).await
}

/// Changes fields of the profile; `null` takes one away.
pub async fn change_profile(
    app: &App,
    client: &Client,
    caller: &Caller,
    changed: &serde_json::Map<String, serde_json::Value>,
) -> Result<Account> {
    let account = account(app, caller).await?;
    let changed = app.profile.check(Who::User, changed).map_err(AuthError::Faults)?;
    let user = &account.user.id;
    let taken = fields::first_taken(app, &mut app.store.read().await?, user, &changed).await?;
    if let Some(taken) = taken {
        return fields::tell_taken(app, client, taken).await;
    }
    let mut tx = app.store.begin().await?;
    let written = fields::write(app, &mut tx, user, &changed).await;
    let written = written.map_err(|error| {
        if matches!(error, AuthError::NotFound) { AuthError::InvalidToken } else { error }
    })?;
    let happened: Vec<_> = written.event(By::User, &account).into_iter().collect();
    app.events.write(&mut tx, app.now(), &client.source(), &happened).await?;
    tx.commit().await?;
    super::owned::account(app, caller).await
}

/// Deletes the caller's account; the operator can bring it back until its grace period is over.
pub async fn delete(app: &App, client: &Client, caller: &Caller) -> Result<()> {
    let account = trusted(app, caller).await?;
    let told = notices::about(app, client, &account, Kind::AccountDeleted, None)?;
    deletion::delete(app, &account, By::User, &client.source(), &told).await
}

/// Changes the password. The current one is needed where there is one (R62); where there is none, a fresh
/// authentication. Every other session ends (R83), and so do pending changes of addresses (R123).
pub async fn change_password(
    app: &App,
    client: &Client,
    caller: &Caller,
    current: Option<&Sensitive>,
    chosen: &Sensitive,
) -> Result<()> {
    let account = account(app, caller).await?;
    let keys = Keys { ip: Some(client.ip), account: Some(&account.user.id), ..Keys::default() };
    app.throttle.check("password", app.now(), &keys).await?;
    match (&account.password, current) {
        (Some(stored), Some(typed)) => {
            doors::bounded(
                app,
                client,
                check_current(app, client, &account, &caller.session.id, (stored, typed)),
            )
            .await?;
        }
        (Some(_), None) => {
            return Err(Fault::new("password", "missing", "the current password is needed").into());
        }
        (None, _) => drop(trusted(app, caller).await?),
    }
    let names = rules::names(&account);
    let alone = rules::password_alone(app, &account);
    let context = rules::context(app, &names);
    let chosen = app.policy.check(chosen.expose(), alone, &context, "new_password")?;
    let hash = app.hasher.hash(chosen, app.random.bytes()).await?;
    let (user, now) = (&account.user.id, app.now());
    let told = notices::about(app, client, &account, Kind::PasswordChanged, None)?;
    let mut tx = app.store.begin().await?;
    // Attempts before the user, as a sign-in takes them: otherwise the two could wait for each other.
    attempts::drop_of_user(&mut tx, user).await?;
    if users::touch_from(&mut tx, user, account.user.credentials, now).await? != 1 {
        // Recovered or disabled meanwhile: whoever knew the old password must not win over that.
        return Err(AuthError::InvalidToken);
    }
    let personal = noting::named(&account);
    let mut noted = vec![Event::PasswordChanged { by: By::User }.of(user).naming(personal.clone())];
    if account.confirmed().any(|d| d.canonical.is_some()) {
        let gone = devices::drop_unconfirmed(&mut tx, user).await?;
        noted.extend(noting::dropped(By::User, gone).map(|gone| gone.naming(personal.clone())));
    }
    secrets::set_password(&mut tx, &app.random.uuid(), user, &hash, now).await?;
    let ended = sessions::end_others(&mut tx, user, &caller.session.id).await?;
    noted.extend(noting::ended(user, "password_changed", ended));
    known_devices::forget(&mut tx, user).await?;
    notices::queue(app, &mut tx, &told).await?;
    app.events.write(&mut tx, now, &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(())
}

/// Guesses are counted by session: whoever fails elsewhere does not bar the owner from a change.
async fn check_current(
    app: &App,
    client: &Client,
    account: &Account,
    session: &str,
    (stored, typed): (&str, &Sensitive),
) -> Result<()> {
    let who = (client, Purpose::Reauth);
    let subject = Subject::new(app, who, Some(account), Some(session), ("", ""), "password");
    let _turn = subject.turn(app).await;
    let so_far = subject.judge(app, &mut app.store.read().await?, Bound::Fixed).await?;
    let typed = password::prepare(typed.expose());
    let right = app.hasher.verify(typed, stored.to_owned()).await?.ok;
    let mut tx = app.store.begin().await?;
    if right {
        subject.succeed(&mut tx, &so_far).await?;
    } else {
        subject.fail(app, &mut tx, "").await?;
    }
    tx.commit().await?;
    if right { Ok(()) } else { Err(challenge::wrong("password", None)) }
}

/// Makes ten new recovery codes; the earlier ones are dead. They are shown this once (R72).
pub async fn recovery_codes(app: &App, caller: &Caller) -> Result<Vec<Sensitive>> {
    let account = trusted(app, caller).await?;
    let (user, now) = (&account.user.id, app.now());
    let codes = recovery::list(&app.random);
    let mut tx = app.store.begin().await?;
    if users::still(&mut tx, user, account.user.credentials, now).await? != 1 {
        return Err(AuthError::InvalidToken);
    }
    secrets::drop_kind(&mut tx, user, secrets::RECOVERY).await?;
    for code in &codes {
        let hash = recovery::stored(&app.sealer, user, code.expose());
        let hash = hash.ok_or_else(|| AuthError::Internal("a recovery code has no hash".into()))?;
        secrets::insert(&mut tx, &app.random.uuid(), user, secrets::RECOVERY, &hash, now).await?;
    }
    tx.commit().await?;
    Ok(codes)
}
