//! `multauth users list` and `find`: a row a user.

use serde_json::{Value, json};

use super::{Failure, Outcome, people, print};
use crate::app::App;
use crate::auth::operator::{self, Listed, find};
use crate::cli::print::{Table, moment, moment_or_none, time};
use crate::store::users::User;

pub async fn page(app: &App, after: &str, limit: u16, json: bool) -> Outcome {
    let found = operator::list(app, after, i64::from(limit)).await.map_err(|e| Failure::of("user", e))?;
    rows(app, &found, false, json)?;
    if let Some(last) = found.last().filter(|_| found.len() == usize::from(limit)) {
        eprintln!("there may be more: --after {}", last.user.id);
    }
    Ok(())
}

pub async fn find(app: &App, text: &str, unmasked: bool, json: bool) -> Outcome {
    let found = find::find(app, text, unmasked).await.map_err(|e| Failure::of("user", e))?;
    rows(app, &found.users, unmasked, json)?;
    if found.more {
        eprintln!("there are more than {}: say more of what you look for", find::MOST);
    }
    Ok(())
}

fn rows(app: &App, found: &[Listed], unmasked: bool, json: bool) -> Outcome {
    let mut table = Table::new(&["ID", "CALLED", "STATE", "MADE", "LAST SIGN-IN"]);
    let mut values = Vec::new();
    for listed in found {
        let names = called(app, listed, unmasked);
        values.push(value(&listed.user, &names));
        let (user, state) = (&listed.user, state(&listed.user));
        let signed_in = moment_or_none(user.signed_in_at);
        table.row([user.id.to_string(), names, state.into(), moment(user.created_at), signed_in]);
    }
    print::list(json, &table, &values.into())
}

fn called(app: &App, listed: &Listed, unmasked: bool) -> String {
    if unmasked {
        people::whole_names(&app.plan.devices, &listed.devices)
    } else {
        people::names(&app.plan.devices, &listed.devices)
    }
}

fn value(user: &User, names: &str) -> Value {
    json!({
        "id": user.id, "called": names, "disabled_at": time(user.disabled_at), "deleted_at": time(user.deleted_at),
        "created_at": time(Some(user.created_at)), "signed_in_at": time(user.signed_in_at),
    })
}

fn state(user: &User) -> &'static str {
    match (user.deleted_at, user.disabled_at) {
        (Some(_), _) => "deleted",
        (None, Some(_)) => "disabled",
        (None, None) => "active",
    }
}
