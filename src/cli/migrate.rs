//! `multauth migrate`

use super::{Outcome, Setup, instance, print};
use crate::store::{self, Store};

/// Make the database, or bring it up to date. `serve` does it too.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth migrate
  MULTAUTH__DATABASE__URL=postgres://multauth@db/multauth multauth migrate")]
pub struct Args {}

pub async fn run(_: Args, setup: Setup<'_>) -> Outcome {
    let settings = instance::settings(setup)?;
    eprintln!("opening the database …");
    let store = Store::open(settings.database.url.expose(), 1).await?;
    let applied =
        store::migrate_telling(&store, || eprintln!("another instance migrates; waiting for it …")).await?;
    if applied.is_empty() {
        return print::out("the database is up to date\n");
    }
    print::out(&applied.iter().map(|name| format!("applied {name}\n")).collect::<String>())
}
