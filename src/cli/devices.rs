//! `multauth devices`

use clap::Subcommand;
use serde_json::Value;

use super::{Failure, Outcome, Setup, instance, people, print};
use crate::auth::operator;
use crate::base::{DeviceId, UserId};

/// Devices of a user: addresses, numbers, authenticator apps, cards.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth devices list 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11
  multauth devices add 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --kind employee_no --value E1234
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
        user: UserId,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Give a user an identifier, confirmed at once: you vouch that it is theirs. The owner is told at every address.
    ///
    /// Of a kind that a person has one of, such as a username, it takes the place of the one before.
    #[command(after_help = "\
Examples:
  multauth devices add 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --kind employee_no --value E-1234
  multauth devices add 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --kind email --value ada@example.org")]
    Add {
        /// The user's id, as `users list` names it.
        user: UserId,
        /// The kind of identifier: username, email, phone, or one of your own.
        #[arg(long)]
        kind: String,
        /// The identifier, as people write it.
        #[arg(long)]
        value: String,
    },
    /// Remove devices, such as a lost phone: the owner is told at every address, and their sessions end.
    #[command(after_help = "\
Examples:
  multauth devices remove 7d0b3c52-1a5f-4f0e-8c3f-2b9d6a1e4c55
  multauth devices remove --force 7d0b3c52-1a5f-4f0e-8c3f-2b9d6a1e4c55    although it is the last way in")]
    Remove {
        /// The devices, as `devices list` names them.
        #[arg(required = true)]
        id: Vec<DeviceId>,
        /// Also where the owner could not sign in any more.
        #[arg(long)]
        force: bool,
    },
}

pub async fn run(args: Args, setup: Setup<'_>) -> Outcome {
    let app = instance::open(setup).await?;
    match args.action {
        Action::List { user, json } => {
            let found = operator::show(&app, &user).await;
            let devices = found.map_err(|e| Failure::of(&format!("user {user}"), e))?.0.devices;
            let values: Vec<Value> =
                devices.iter().map(|device| people::value(&app.plan.devices, device)).collect();
            print::list(json, &people::table(&app.plan.devices, &devices), &values.into())
        }
        Action::Add { user, kind, value } => {
            let added = operator::add_identifier(&app, &user, &kind, &value).await;
            let device = added.map_err(|e| Failure::of(&format!("user {user}"), e))?;
            print::out(&format!("{}\n", device.id))?;
            eprintln!("added {kind} {}", people::masked(&app.plan.devices, &device));
            Ok(())
        }
        Action::Remove { id, force } => {
            for id in id {
                let removed = operator::remove_device(&app, &id, force).await;
                removed.map_err(|e| Failure::of(&format!("device {id}"), e))?;
                eprintln!("removed {id}");
            }
            Ok(())
        }
    }
}
