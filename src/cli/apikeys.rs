//! `multauth apikeys`

use clap::Subcommand;
use serde_json::json;

use super::print::{self, Table, moment, moment_or_none, time};
use super::{Failure, Outcome, Setup, instance};
use crate::app::App;
use crate::auth::operator::api_keys;

/// Keys by which your own backends call multauth.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth apikeys make --name shop --scope verify
  multauth apikeys list
  multauth apikeys end 0b9e3d66-6a5e-4b1c-9f6d-3f1c2a7d9e10

Scopes:
  verify      start and check verifications of numbers and addresses
  introspect  ask whether a token is still good")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key. Its secret is printed this once and is not kept.
    #[command(after_help = "\
Examples:
  multauth apikeys make --name shop --scope verify
  multauth apikeys make --name gateway --scope verify --scope introspect
  KEY=$(multauth apikeys make --name shop --scope verify)    only the secret goes to standard output")]
    Make {
        /// What you call it.
        #[arg(long)]
        name: String,
        /// What it may do; may be given several times.
        #[arg(long, required = true)]
        scope: Vec<String>,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// List all keys, ended ones too.
    #[command(after_help = "Examples:\n  multauth apikeys list\n  multauth apikeys list --json")]
    List {
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// End a key at once.
    #[command(after_help = "Examples:\n  multauth apikeys end 0b9e3d66-6a5e-4b1c-9f6d-3f1c2a7d9e10")]
    End {
        /// The key's id, as `apikeys list` names it.
        id: String,
    },
}

pub async fn run(args: Args, setup: Setup<'_>) -> Outcome {
    let app = instance::open(setup).await?;
    match args.action {
        Action::Make { name, scope, json } => make(&app, name.trim(), &scope, json).await,
        Action::List { json } => list(&app, json).await,
        Action::End { id } => {
            api_keys::end(&app, &id).await.map_err(|e| Failure::of(&format!("live API key {id}"), e))?;
            eprintln!("ended");
            Ok(())
        }
    }
}

async fn make(app: &App, name: &str, scopes: &[String], json: bool) -> Outcome {
    if name.is_empty() {
        return Err(Failure::Argument("--name must not be empty: it is how you tell keys apart".into()));
    }
    let made = api_keys::make(app, name, scopes).await;
    let (id, secret) = made.map_err(|e| Failure::of("such key", e))?;
    if json {
        return print::json(&json!({ "id": id, "secret": secret.expose() }));
    }
    eprintln!("API key {id}; its secret is shown this once:");
    print::out(&format!("{}\n", secret.expose()))
}

async fn list(app: &App, json: bool) -> Outcome {
    let mut table = Table::new(&["ID", "NAME", "SCOPES", "MADE", "ENDED"]);
    let mut values = Vec::new();
    for key in api_keys::list(app).await.map_err(|e| Failure::of("API key", e))? {
        values.push(json!({
            "id": key.id, "name": key.name, "scopes": key.scopes.split(' ').collect::<Vec<_>>(),
            "created_at": time(Some(key.created_at)), "ended_at": time(key.ended_at),
        }));
        table.row([key.id, key.name, key.scopes, moment(key.created_at), moment_or_none(key.ended_at)]);
    }
    print::list(json, &table, &values.into())
}
