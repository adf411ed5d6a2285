//! A secret that its owner chose, changed by them: the password, or a kind of an own program.

use crate::app::App;
use crate::auth::account::ending::end_others;
use crate::auth::account::{Account, events, secrets, standing};
use crate::auth::codes::look;
use crate::auth::error::{AuthError, Result};
use crate::auth::guesses::{self, Bound, Subject, known, network};
use crate::auth::input::Client;
use crate::auth::sending::notices;
use crate::auth::sessions::basis::Caller;
use crate::auth::sessions::trusted::{account, trusted};
use crate::base::{Fault, Purpose, Sensitive, Wrong};
use crate::events::{By, Event};
use crate::messages::Kind;
use crate::secrets::SecretKind;
use crate::secrets::password::Password;
use crate::store::known_devices::{self, KnownDevice};
use crate::store::{
    attempts as attempt_rows, devices, guesses as guess_rows, secrets as secret_rows, sessions, users,
};
use crate::throttle::Keys;

/// What a change was given, and the request fields that faults are of.
struct Change<'a> {
    kind: &'a dyn SecretKind,
    current: (&'a str, Option<&'a Sensitive>),
    chosen: (&'a str, &'a Sensitive),
}

/// Whose secret it is, and the session and known device that it is changed in.
type Who<'a> = (&'a Account, &'a Caller, Option<&'a KnownDevice>);

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
    if !account.has_password() {
        drop(trusted(app, caller).await?);
    }
    let change = Change { kind: &Password, current: ("password", current), chosen: ("new_password", chosen) };
    carry_out(app, client, caller, &account, &change).await
}

/// Sets or changes a secret of an own kind. It takes a fresh authentication and, where there is one already, the
/// current one; it ends what a change of the password ends.
///
/// # Errors
/// [`AuthError::NotFound`] where this program has no such kind.
pub async fn change_own(
    app: &App,
    client: &Client,
    caller: &Caller,
    name: &str,
    current: Option<&Sensitive>,
    chosen: &Sensitive,
) -> Result<()> {
    let kind = app.plan.secrets.own().find(|kind| kind.name() == name).ok_or(AuthError::NotFound)?;
    let account = trusted(app, caller).await?;
    let change = Change { kind, current: ("current", current), chosen: ("new", chosen) };
    carry_out(app, client, caller, &account, &change).await
}

async fn carry_out(
    app: &App,
    client: &Client,
    caller: &Caller,
    account: &Account,
    change: &Change<'_>,
) -> Result<()> {
    let name = change.kind.name();
    // Each session apart: one that somebody else holds does not keep its owner from a change.
    let session = Some(caller.session.id.as_str());
    let keys = Keys { account: Some(&account.user.id), ..client.keys_of(session) };
    app.throttle.peek("password", app.now(), &keys).await?;
    // A form that is wrong is no change: it is told before the change is counted, and before the current one is tried.
    let (field, typed) = change.chosen;
    let ready = secrets::checked(app, account, change.kind, typed, field)?;
    let current = match (account.hashes.get(name), change.current) {
        (Some(stored), (_, Some(typed))) => Some((stored.as_str(), typed)),
        (Some(_), (field, None)) => {
            return Err(Fault::new(field, Wrong::MissingCurrent { secret: name.to_owned() }).into());
        }
        (None, _) => None,
    };
    app.throttle.check("password", app.now(), &keys).await?;
    let device = known_devices::of_session(&mut app.store.read().await?, &caller.session.id).await?;
    if let Some(current) = current {
        let right = check_current(app, client, (account, caller, device.as_ref()), change.kind, current);
        network::bounded(app, &client.keys_of(session), right).await?;
    }
    let hash = app.hasher.kept_for(true).hash(ready, app.random.bytes()).await?;
    write(app, client, (account, caller, device.as_ref()), name, &hash).await
}

async fn write(
    app: &App,
    client: &Client,
    (account, caller, device): Who<'_>,
    name: &str,
    hash: &str,
) -> Result<()> {
    let user = &account.user.id;
    let (notice, event, reason) = told(name);
    let told = notices::about(app, client, account, notice, None)?;
    let mut tx = app.store.begin().await?;
    let now = app.now();
    // Guesses at the old one are none at the new one (R38). Guesses before attempts, and attempts before the user, as a
    // sign-in takes them: otherwise the two could wait for each other.
    let mut guessed = guesses::rows(app, account, name);
    let apart =
        [Some(caller.session.id.as_str()), device.map(|device| device.id.as_str())].into_iter().flatten();
    guessed.extend(apart.map(|apart| (format!("{user}/{apart}"), name.to_owned())));
    guess_rows::clear(&mut tx, guessed, Vec::new()).await?;
    attempt_rows::drop_of_user(&mut tx, user).await?;
    if users::touch_from(&mut tx, user, account.user.credentials, now).await?.is_no() {
        // Recovered or disabled meanwhile: whoever knew the old secret must not win over that.
        return Err(AuthError::InvalidToken);
    }
    let personal = events::named(account);
    let mut noted = vec![event.of(user).naming(personal.clone())];
    if account.confirmed().any(|d| d.canonical.is_some()) {
        let gone = devices::drop_unconfirmed(&mut tx, user).await?;
        noted.extend(events::dropped(By::User, gone).map(|gone| gone.naming(personal.clone())));
    }
    secret_rows::change(&mut tx, &app.random.uuid(), user, name, hash, now).await?;
    let ended = end_others(&mut tx, user, &caller.session.id).await?;
    noted.extend(events::ended(user, reason, ended));
    notices::queue(app, &mut tx, &told).await?;
    app.events.write(&mut tx, now, &client.source(), &noted).await?;
    tx.commit().await?;
    app.wake.notify_one();
    Ok(())
}

/// What is told of the change: to the owner, and to the audit trail, why sessions ended too.
fn told(name: &str) -> (Kind, Event, &'static str) {
    let by = By::User;
    match name {
        secret_rows::PASSWORD => (Kind::PasswordChanged, Event::PasswordChanged { by }, "password_changed"),
        own => (Kind::SecretChanged, Event::SecretChanged { by, secret: own.to_owned() }, "secret_changed"),
    }
}

/// Guesses are counted by session where the secret was shown in it, by its device where it was shown there: whoever
/// fails elsewhere does not bar the owner from a change. Those of all other sessions of the account are counted
/// together, for each new one would bring new guesses (R33).
async fn check_current(
    app: &App,
    client: &Client,
    (account, caller, device): Who<'_>,
    kind: &dyn SecretKind,
    (stored, typed): (&str, &Sensitive),
) -> Result<()> {
    let session = &caller.session.id;
    let shown = sessions::proofs(&mut app.store.read().await?, session, &account.user.id).await?;
    let apart = match device.filter(|device| known::is_among(&device.shown, kind.name())) {
        _ if standing::has_shown(shown.as_deref(), kind.name()) => session.as_str(),
        Some(device) => device.id.as_str(),
        None => guesses::INSIDE,
    };
    let subject =
        Subject::new(app, (client, Purpose::Reauth), Some(account), Some(apart), ("", ""), kind.name());
    let _turn = subject.turn(app).await?;
    let so_far = subject.judge_alone(app, Bound::Fixed).await?;
    let typed = kind.prepare(typed.expose());
    let right = app.hasher.kept_for(true).verify(typed, stored.to_owned()).await?.ok;
    let mut tx = app.store.begin().await?;
    if right {
        subject.succeed(&mut tx, &so_far).await?;
    } else {
        subject.fail(app, &mut tx, "").await?;
    }
    tx.commit().await?;
    if right { Ok(()) } else { Err(look::wrong(kind.name(), None)) }
}
