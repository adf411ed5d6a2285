//! `multauth devices`

use std::path::Path;

use clap::Subcommand;
use serde_json::Value;

use super::{Failure, Outcome, instance, people, print};
use crate::auth::operate;

/// Devices of a user: addresses, numbers, authenticator apps, cards.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth devices list 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11
  multauth devices remove 7d0b3c52-1a5f-4f0e-8c3f-2b9d6a1e4c55")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the devices of a user.
    #[command(after_help = "Examples:\n  multauth devices list 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11")]
    List {
        /// The user's id, as `users list` names it.
        user: String,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Remove devices, such as a lost phone: the owner is told at every address, and their sessions end.
    #[command(after_help = "\
Examples:
  multauth devices remove 7d0b3c52-1a5f-4f0e-8c3f-2b9d6a1e4c55
  multauth devices remove --force 7d0b3c52-1a5f-4f0e-8c3f-2b9d6a1e4c55    although it is the last way in")]
    Remove {
        /// The devices, as `devices list` names them.
        #[arg(required = true)]
        id: Vec<String>,
        /// Also where the owner could not sign in any more.
        #[arg(long)]
        force: bool,
    },
}

pub async fn run(args: Args, file: Option<&Path>) -> Outcome {
    let app = instance::open(file).await?;
    match args.action {
        Action::List { user, json } => {
            let found = operate::show(&app, &user).await;
            let devices = found.map_err(|e| Failure::of(&format!("user {user}"), e))?.0.devices;
            let values: Vec<Value> =
                devices.iter().map(|device| people::value(&app.devices, device)).collect();
            print::list(json, &people::table(&app.devices, &devices), &values.into())
        }
        Action::Remove { id, force } => {
            for id in id {
                let removed = operate::remove_device(&app, &id, force).await;
                removed.map_err(|e| Failure::of(&format!("device {id}"), e))?;
                eprintln!("removed {id}");
            }
            Ok(())
        }
    }
}
