//! `multauth keys`

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::print::{Table, moment, moment_or_none, time};
use super::{Failure, Outcome, Setup, instance, print};
use crate::app::App;
use crate::base::Random;
use crate::keys::{self, OVERLAP};
use crate::startup::algorithm;

/// The keys that sign access tokens, and the master key that seals what the database keeps.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth keys list
  multauth keys rotate
  multauth keys rotate --now
  multauth keys revoke n4bQgYhMfWWaL-qgxVrQFaO_TxsrC0Is0V1sFbDwCgg
  multauth keys master /etc/multauth/master.key")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the signing keys that are published.
    #[command(after_help = "Examples:\n  multauth keys list\n  multauth keys list --json")]
    List {
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Make a new signing key; the older ones stay published until their last token ends.
    ///
    /// It is published for ten minutes before it signs, so that everybody who verifies tokens has seen it.
    #[command(after_help = "Examples:\n  multauth keys rotate\n  multauth keys rotate --now")]
    Rotate {
        /// Sign with it at once: who has cached the old list of keys refuses its tokens for some minutes.
        #[arg(long)]
        now: bool,
    },
    /// Remove a signing key at once.
    ///
    /// Every token that it signed is refused from then on, and a new key takes over.
    #[command(after_help = "Examples:\n  multauth keys revoke n4bQgYhMfWWaL-qgxVrQFaO_TxsrC0Is0V1sFbDwCgg")]
    Revoke {
        /// The key, as `keys list` names it.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
    /// Make a master key in a new file that only its owner can read.
    ///
    /// Keep a copy in another place: without it, what the database keeps sealed is lost.
    #[command(after_help = "Examples:\n  multauth keys master /etc/multauth/master.key")]
    Master {
        /// The file; it must not be there yet.
        file: PathBuf,
    },
}

pub async fn run(args: Args, setup: Setup<'_>) -> Outcome {
    match args.action {
        Action::Master { file } => master(&file),
        Action::List { json } => list(&*instance::open(setup).await?, json),
        Action::Rotate { now } => rotate(&*instance::open(setup).await?, now).await,
        Action::Revoke { kid } => revoke(&*instance::open(setup).await?, &kid).await,
    }
}

fn master(file: &Path) -> Outcome {
    if file.exists() {
        let message = format!("{} is there already, and is left as it is", file.display());
        return Err(Failure::Failed(message));
    }
    keys::make_master_key(file, &Random::System)?;
    print::out(&format!("{}\n", file.display()))?;
    eprintln!("made; keep a copy in another place, and name it in the settings: [keys] file = …");
    Ok(())
}

fn list(app: &App, json: bool) -> Outcome {
    let (now, signer) = (app.now(), app.keys.signer().map(|key| key.kid));
    let mut table = Table::new(&["KID", "ALGORITHM", "STATE", "MADE", "SIGNS FROM", "PUBLISHED UNTIL"]);
    let mut values = Vec::new();
    for key in app.keys.keys().iter() {
        let state = match (Some(&key.kid) == signer.as_ref(), key.active_at > now) {
            (true, _) => "signs",
            (false, true) => "announced",
            (false, false) => "verifies",
        };
        table.row([
            key.kid.clone(),
            format!("{:?}", key.algorithm),
            state.to_owned(),
            moment(key.created_at),
            moment(key.active_at),
            moment_or_none(key.retired_at),
        ]);
        values.push(json!({
            "kid": key.kid, "algorithm": format!("{:?}", key.algorithm), "state": state,
            "created_at": time(Some(key.created_at)), "active_at": time(Some(key.active_at)),
            "retired_at": time(key.retired_at),
        }));
    }
    print::list(json, &table, &values.into())
}

async fn rotate(app: &App, at_once: bool) -> Outcome {
    let kid = app.keys.rotate(algorithm(&app.settings), at_once).await?;
    print::out(&format!("{kid}\n"))?;
    let signs = app.now() + if at_once { 0 } else { app.settings.keys.announce.millis() };
    eprintln!(
        "made; it signs from {} UTC, the older keys are published until {}",
        moment(signs),
        moment(signs + OVERLAP)
    );
    Ok(())
}

async fn revoke(app: &App, kid: &str) -> Outcome {
    if !app.keys.revoke(kid, algorithm(&app.settings)).await? {
        return Err(Failure::Failed(format!(
            "there is no signing key {kid}; `multauth keys list` names them"
        )));
    }
    eprintln!("revoked; a running instance drops it when it next reads its keys");
    Ok(())
}
