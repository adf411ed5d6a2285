//! `multauth users`

mod list;
mod reset;
mod show;

use clap::Subcommand;

use super::{Failure, Outcome, Setup, instance, people, print};
use crate::auth::account::claims;
use crate::auth::deletion;
use crate::auth::operator::{self, reset as resetting};
use crate::base::UserId;
use crate::events::By;

/// Users: list, find, look at, put into groups, unlock, reset, disable, delete, sign out everywhere. Addresses are
/// shown masked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth users list
  multauth users find ada@example.org
  multauth users show 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11
  multauth users groups 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --set staff,editors
  multauth users reset 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --remove authenticator
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
    /// Find users by an address, a number or a name, whole or in part, or by what their profile says.
    ///
    /// Disabled and deleted users are found too. That a user was looked up is in the trail (`multauth events`), and
    /// whether with --unmasked.
    #[command(after_help = "\
Examples:
  multauth users find ada@example.org
  multauth users find +493012345678
  multauth users find lovelace --unmasked --json")]
    Find {
        /// What to look for; a number in any way in which it is written, a part as it stands.
        text: String,
        /// Show addresses whole.
        #[arg(long)]
        unmasked: bool,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Show a user: profile, devices, live sessions.
    #[command(after_help = "Examples:\n  multauth users show 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11")]
    Show {
        /// The user's id.
        id: UserId,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Forget the wrong guesses at a user's secrets: waits are over, and a factor that rests works again.
    #[command(after_help = "Examples:\n  multauth users unlock 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11")]
    Unlock {
        /// The user's id.
        id: UserId,
    },
    /// Take away whatever lets anybody in as this user, and let them set it anew: for a taken or a lost account.
    ///
    /// Sessions, known devices, attempts and pending changes end; password, secrets and recovery codes are gone;
    /// wrong guesses are forgotten; no earlier message takes anything back any more; every address is told, those too that
    /// were removed or replaced within three days. See to it that those that stay are theirs. Then a key is printed, good once within 24 hours: whoever
    /// opens its link sets a new password and what else their flows need. See to it that it is them. Or you set the
    /// password yourself, and no key is made.
    ///
    /// Addresses, authenticator apps and cards stay, unless they are removed by name; a card that a recovery by one
    /// device alone has made goes with the password beside it. Who lost a mailbox or a number needs another (`multauth
    /// devices add`) and the lost one removed, which a sign-in would go on asking for.
    #[command(after_help = "\
Examples:
  multauth users reset 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11
  multauth users reset 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --remove authenticator --remove card
  multauth users reset 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --remove 7d0b3c52-1a5f-4f0e-8c3f-2b9d6a1e4c55
  printf %s \"$PASSWORD\" | multauth users reset ID --password-stdin")]
    Reset {
        /// The user's id.
        id: UserId,
        /// Read the new password from standard input, one line: never from the command line, which others can see.
        #[arg(long)]
        password_stdin: bool,
        /// A device to remove for good, by its id or its kind (all of that kind); may be repeated.
        #[arg(long, value_name = "DEVICE")]
        remove: Vec<String>,
    },
    /// Disable a user: they cannot sign in, and their sessions end at once.
    #[command(after_help = "Examples:\n  multauth users disable 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11")]
    Disable {
        /// The user's id.
        id: UserId,
    },
    /// Enable a disabled user again.
    #[command(after_help = "Examples:\n  multauth users enable 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11")]
    Enable {
        /// The user's id.
        id: UserId,
    },
    /// Delete a user: their sessions end, nobody signs in to the account any more, and after the grace period
    /// (user.deletion_grace) nothing personal is left of it.
    #[command(after_help = "\
Examples:
  multauth users delete 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11
  multauth users delete --now 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11    cannot be undone")]
    Delete {
        /// The user's id.
        id: UserId,
        /// Without the grace period: purge the account, deleted before or not.
        #[arg(long)]
        now: bool,
    },
    /// Bring a deleted user back, as long as the grace period is not over.
    #[command(after_help = "Examples:\n  multauth users restore 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11")]
    Restore {
        /// The user's id.
        id: UserId,
    },
    /// Show the groups of a user, or set them. Tokens say so from the next refresh on.
    #[command(after_help = "\
Examples:
  multauth users groups 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11
  multauth users groups 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --set staff,editors
  multauth users groups 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --set ''    none")]
    Groups {
        /// The user's id.
        id: UserId,
        /// The groups from now on, with commas between; all others are left.
        #[arg(long, value_name = "GROUPS")]
        set: Option<String>,
    },
    /// End every session of a user, and forget their known devices.
    #[command(after_help = "Examples:\n  multauth users end-sessions 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11")]
    EndSessions {
        /// The user's id.
        id: UserId,
    },
}

pub async fn run(args: Args, setup: Setup<'_>) -> Outcome {
    let app = instance::open(setup).await?;
    match args.action {
        Action::List { limit, after, json } => list::page(&app, &after, limit, json).await,
        Action::Find { text, unmasked, json } => list::find(&app, &text, unmasked, json).await,
        Action::Show { id, json } => {
            let found = operator::show(&app, &id).await.map_err(|e| missing(&id, e))?;
            if json {
                print::json(&show::value(&app.plan.devices, &found))
            } else {
                print::out(&show::text(&app.plan.devices, &found))
            }
        }
        Action::Unlock { id } => told(&id, "unlocked", resetting::unlock(&app, &id).await),
        Action::Reset { id, password_stdin, remove } => reset::run(&app, &id, password_stdin, &remove).await,
        Action::Disable { id } => told(&id, "disabled", operator::set_disabled(&app, &id, true).await),
        Action::Enable { id } => told(&id, "enabled", operator::set_disabled(&app, &id, false).await),
        Action::Delete { id, now: false } => told(&id, "deleted", operator::delete(&app, &id).await),
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
            let found = operator::show(&app, &id).await.map_err(|e| missing(&id, e))?;
            let groups = claims::groups(&found.0.user.group_names);
            print::out(&groups.iter().map(|group| format!("{group}\n")).collect::<String>())
        }
        Action::Groups { id, set: Some(groups) } => {
            let groups: Vec<String> =
                groups.split(',').map(str::trim).filter(|g| !g.is_empty()).map(str::to_owned).collect();
            told(&id, "set", operator::set_groups(&app, &id, &groups).await)
        }
        Action::EndSessions { id } => {
            let ended = operator::end_sessions(&app, &id).await.map_err(|e| missing(&id, e))?;
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
