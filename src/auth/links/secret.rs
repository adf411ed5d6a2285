//! A fixed secret typed on the page behind a link: it shows that the account is theirs who opened it there.

use crate::app::App;
use crate::auth::account::{Account, card};
use crate::auth::codes::look;
use crate::auth::error::Result;
use crate::auth::guesses::{self, Bound, Subject, network};
use crate::auth::input::{Client, Given};
use crate::base::{Purpose, Sensitive};
use crate::secrets::{Kept, SecretKind};

/// Whether a fixed secret was given.
pub fn is_given(app: &App, given: &Given) -> bool {
    app.plan.secrets.iter().any(|kind| is_fixed(kind) && given.secrets.contains_key(kind.name()))
}

fn is_fixed(kind: &'static dyn SecretKind) -> bool {
    matches!(kind.kept(), Kept::Hashed | Kept::InDevice)
}

/// Whether one of the fixed secrets that were given is the account's; false where none was given.
///
/// # Errors
/// [`AuthError::WrongSecret`](crate::auth::AuthError) after counting the guess.
pub async fn by_secret(app: &App, client: &Client, account: &Account, given: &Given) -> Result<bool> {
    for kind in app.plan.secrets.iter().filter(|kind| is_fixed(*kind)) {
        if let Some(typed) = given.secrets.get(kind.name()) {
            network::bounded(app, &client.keys(), check(app, client, account, kind, typed)).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

async fn check(
    app: &App,
    client: &Client,
    account: &Account,
    kind: &'static dyn SecretKind,
    typed: &Sensitive,
) -> Result<()> {
    let subject = Subject::new(
        app,
        (client, Purpose::Device),
        Some(account),
        Some(guesses::LINK),
        ("", ""),
        kind.name(),
    );
    let _turn = subject.turn(app).await?;
    let so_far = subject.judge_alone(app, Bound::Fixed).await?;
    let right = is_right(app, account, kind, typed).await?;
    let mut tx = app.store.begin().await?;
    if right {
        subject.succeed(&mut tx, &so_far).await?;
    } else {
        subject.fail(app, &mut tx, "").await?;
    }
    tx.commit().await?;
    if right { Ok(()) } else { Err(look::wrong(kind.name(), None)) }
}

async fn is_right(
    app: &App,
    account: &Account,
    kind: &'static dyn SecretKind,
    typed: &Sensitive,
) -> Result<bool> {
    if kind.kept() == Kept::InDevice {
        return Ok(card::find(app, &app.hasher, account.of_kind("card"), typed).await?.is_some());
    }
    let prepared = kind.prepare(typed.expose());
    match account.hashes.get(kind.name()) {
        Some(stored) => Ok(app.hasher.verify(prepared, stored.clone()).await?.ok),
        None => {
            app.hasher.verify_nobody(prepared).await?;
            Ok(false)
        }
    }
}
