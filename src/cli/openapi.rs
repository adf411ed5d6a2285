//! `multauth openapi`

use std::path::PathBuf;

use super::{Failure, Outcome, Setup, api, instance, print};

/// Print the API document (OpenAPI, JSON) that an instance with these settings serves.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth openapi > openapi.json
  multauth openapi --write openapi/multauth.json
  multauth openapi --config multauth.toml | jq '.paths | keys'")]
pub struct Args {
    /// Write it to a file instead.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

pub fn run(args: Args, setup: Setup<'_>) -> Outcome {
    let document = api::document(&instance::settings(setup)?, setup.extensions);
    match args.write {
        None => print::json(&document),
        Some(path) => std::fs::write(&path, format!("{document:#}\n"))
            .map_err(|error| Failure::Failed(format!("{} cannot be written: {error}", path.display()))),
    }
}
