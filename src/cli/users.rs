//! `multauth users`

use clap::Subcommand;
use serde_json::{Value, json};

use super::print::{Table, moment, moment_or_none, time};
use super::{Failure, Outcome, Setup, instance, people, print};
use crate::app::App;
use crate::auth::account::Account;
use crate::auth::{claims, deletion, operate};
use crate::base::Millis;
use crate::devices::Kinds;
use crate::events::By;
use crate::store::sessions::Session;
use crate::store::users::User;
use crate::telemetry::text::plain;

/// Users: list, look at, put into groups, disable, delete, sign out everywhere. Addresses are shown masked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth users list
  multauth users show 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11
  multauth users groups 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --set staff,editors
  multauth users disable 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11
  multauth users end-sessions 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List users, a page at a time, in the order of their ids.
    #[command(after_help = "\
Examples:
  multauth users list
  multauth users list --limit 1000 --json
  multauth users list --after 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11    the next page")]
    List {
        /// How many at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
        limit: u16,
        /// Only those after this id: the last one of the page before.
        #[arg(long, default_value = "", hide_default_value = true, value_name = "ID")]
        after: String,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Show a user: profile, devices, live sessions.
    #[command(after_help = "Examples:\n  multauth users show 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11")]
    Show {
        /// The user's id.
        id: String,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Disable a user: they cannot sign in, and their sessions end at once.
    #[command(after_help = "Examples:\n  multauth users disable 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11")]
    Disable {
        /// The user's id.
        id: String,
    },
    /// Enable a disabled user again.
    #[command(after_help = "Examples:\n  multauth users enable 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11")]
    Enable {
        /// The user's id.
        id: String,
    },
    /// Delete a user: their sessions end, nobody signs in to the account any more, and after the grace period
    /// (user.deletion_grace) nothing personal is left of it.
    #[command(after_help = "\
Examples:
  multauth users delete 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11
  multauth users delete --now 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11    cannot be undone")]
    Delete {
        /// The user's id.
        id: String,
        /// Without the grace period: purge the account, deleted before or not.
        #[arg(long)]
        now: bool,
    },
    /// Bring a deleted user back, as long as the grace period is not over.
    #[command(after_help = "Examples:\n  multauth users restore 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11")]
    Restore {
        /// The user's id.
        id: String,
    },
    /// Show the groups of a user, or set them. Tokens say so from the next refresh on.
    #[command(after_help = "\
Examples:
  multauth users groups 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11
  multauth users groups 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --set staff,editors
  multauth users groups 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --set ''    none")]
    Groups {
        /// The user's id.
        id: String,
        /// The groups from now on, with commas between; all others are left.
        #[arg(long, value_name = "GROUPS")]
        set: Option<String>,
    },
    /// End every session of a user, and forget their known devices.
    #[command(after_help = "Examples:\n  multauth users end-sessions 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11")]
    EndSessions {
        /// The user's id.
        id: String,
    },
}

pub async fn run(args: Args, setup: Setup<'_>) -> Outcome {
    let app = instance::open(setup).await?;
    match args.action {
        Action::List { limit, after, json } => list(&app, &after, limit, json).await,
        Action::Show { id, json } => {
            let found = operate::show(&app, &id).await.map_err(|e| missing(&id, e))?;
            if json {
                print::json(&value(&app.devices, &found))
            } else {
                print::out(&text(&app.devices, &found))
            }
        }
        Action::Disable { id } => told(&id, "disabled", operate::set_disabled(&app, &id, true).await),
        Action::Enable { id } => told(&id, "enabled", operate::set_disabled(&app, &id, false).await),
        Action::Delete { id, now: false } => told(&id, "deleted", operate::delete(&app, &id).await),
        Action::Delete { id, now: true } => {
            told(&id, "purged", deletion::purge(&app, &id, By::Operator).await)
        }
        Action::Restore { id } => {
            let done = deletion::restore(&app, &id).await;
            done.map_err(|error| Failure::of(&format!("deleted user {id}"), error))?;
            eprintln!("brought back");
            Ok(())
        }
        Action::Groups { id, set: None } => {
            let found = operate::show(&app, &id).await.map_err(|e| missing(&id, e))?;
            let groups = claims::groups(&found.0.user.group_names);
            print::out(&groups.iter().map(|group| format!("{group}\n")).collect::<String>())
        }
        Action::Groups { id, set: Some(groups) } => {
            let groups: Vec<String> =
                groups.split(',').map(str::trim).filter(|g| !g.is_empty()).map(str::to_owned).collect();
            told(&id, "set", operate::set_groups(&app, &id, &groups).await)
        }
        Action::EndSessions { id } => {
            let ended = operate::end_sessions(&app, &id).await.map_err(|e| missing(&id, e))?;
            eprintln!("ended {ended} sessions");
            Ok(())
        }
    }
}

fn missing(id: &str, error: crate::auth::AuthError) -> Failure {
    Failure::of(&format!("user {id}"), error)
}

fn told(id: &str, what: &str, done: crate::auth::Result<()>) -> Outcome {
    done.map_err(|error| missing(id, error))?;
    eprintln!("{what}");
    Ok(())
}

async fn list(app: &App, after: &str, limit: u16, json: bool) -> Outcome {
    let found = operate::list(app, after, i64::from(limit)).await.map_err(|e| Failure::of("user", e))?;
    let mut table = Table::new(&["ID", "CALLED", "STATE", "MADE", "LAST SIGN-IN"]);
    let mut values = Vec::new();
    for listed in &found {
        let (user, names) = (&listed.user, people::names(&app.devices, &listed.devices));
        values.push(json!({
            "id": user.id, "called": names, "disabled_at": time(user.disabled_at), "deleted_at": time(user.deleted_at),
            "created_at": time(Some(user.created_at)), "signed_in_at": time(user.signed_in_at),
        }));
        let state = state(user);
        let signed_in = moment_or_none(user.signed_in_at);
        table.row([user.id.clone(), names, state.into(), moment(user.created_at), signed_in]);
    }
    print::list(json, &table, &values.into())?;
    if let Some(last) = found.last().filter(|_| found.len() == usize::from(limit)) {
        eprintln!("there may be more: --after {}", last.user.id);
    }
    Ok(())
}

fn state(user: &User) -> &'static str {
    match (user.deleted_at, user.disabled_at) {
        (Some(_), _) => "deleted",
        (None, Some(_)) => "disabled",
        (None, None) => "active",
    }
}

/// A user for people.
fn text(kinds: &Kinds, (account, sessions): &(Account, Vec<Session>)) -> String {
    let user = &account.user;
    let since = |at: Option<Millis>| at.map_or("no".to_owned(), |at| format!("since {}", moment(at)));
    let (disabled, deleted) = (since(user.disabled_at), since(user.deleted_at));
    let groups = claims::groups(&user.group_names).join(", ");
    let mut table = Table::new(&["ID", "FLOW", "LEVEL", "NETWORK", "AGENT", "MADE", "ENDS"]);
    for s in sessions {
        let level = s.acr.rsplit(':').next().unwrap_or_default().to_owned();
        let (made, ends) = (moment(s.created_at), moment(s.expires_at));
        table.row([s.id.clone(), s.flow.clone(), level, s.ip.clone(), s.agent.clone(), made, ends]);
    }
    format!(
        "user            {}\nmade            {}\nlast sign-in    {}\ndisabled        {disabled}\n\
         deleted         {deleted}\ngroups          {groups}\n\
         password        {}\nrecovery codes  {}\nprofile         {}\n\nDEVICES\n{}\nSESSIONS\n{table}",
        user.id,
        moment(user.created_at),
        moment_or_none(user.signed_in_at),
        if account.has_password() { "yes" } else { "no" },
        account.recovery.len(),
        plain(&user.profile),
        people::table(kinds, &account.devices),
    )
}

/// A user for machines.
fn value(kinds: &Kinds, (account, sessions): &(Account, Vec<Session>)) -> Value {
    let user = &account.user;
    let session = |s: &Session| {
        json!({
            "id": s.id, "flow": s.flow, "acr": s.acr, "network": s.ip, "agent": s.agent,
            "created_at": time(Some(s.created_at)), "expires_at": time(Some(s.expires_at)),
        })
    };
    json!({
        "id": user.id, "created_at": time(Some(user.created_at)), "signed_in_at": time(user.signed_in_at),
        "disabled_at": time(user.disabled_at), "deleted_at": time(user.deleted_at),
        "groups": claims::groups(&user.group_names), "password": account.has_password(),
        "secrets": account.hashes.keys().collect::<Vec<_>>(),
        "recovery_codes": account.recovery.len(),
        "profile": serde_json::from_str::<Value>(&user.profile).unwrap_or_default(),
        "devices": account.devices.iter().map(|device| people::value(kinds, device)).collect::<Vec<_>>(),
        "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
    })
}
