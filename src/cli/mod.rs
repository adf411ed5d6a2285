//! The command line: `multauth COMMAND`. A file a command; each has its arguments and a `run`.
//!
//! To add a command: a file with an `Args` whose help ends with examples, a line in [`Command`], one in
//! `dispatch`. What commands write for people or machines to use goes to standard output, everything else to
//! standard error. Exit codes: 0 fine, 1 failed, 2 wrong settings or arguments.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod apikeys;
mod check;
mod check_data;
mod devices;
mod doctor;
mod events;
mod failure;
mod flows;
mod instance;
mod keys;
mod library;
mod messages;
mod migrate;
mod openapi;
mod people;
mod print;
mod serve;
mod simulate;
mod users;
mod webhooks;

#[cfg(test)]
mod tests;

use crate::extensions::Extensions;
use crate::{api, server};
use failure::{Failure, Outcome};
use instance::Setup;

/// An identity server: sign-up, sign-in and recovery by the flows that you list.
///
/// A flow is one identifier, then the secrets that prove it: ["email", "password", "passcode"].
#[derive(Debug, Parser)]
#[command(name = "multauth", version, after_help = EXAMPLES)]
pub struct Args {
    /// The settings; without it ./multauth.toml where there is one, else the built-in settings.
    #[arg(long, global = true, env = "MULTAUTH_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  multauth                                   serve on http://localhost:8080, for development
  multauth --config multauth.toml            serve by your own settings
  multauth check                             are the settings right?
  multauth flows                             what do the flows ask for, what are they worth?
  multauth simulate email+password+passcode  see every request and answer of a flow
  multauth doctor                            does everything around it work?

Without a command it serves. Settings can also come from the environment:
  MULTAUTH__SERVER__LISTEN=127.0.0.1:9000 multauth
Exit codes: 0 fine, 1 failed, 2 wrong settings or arguments.";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Migrate(migrate::Args),
    Check(check::Args),
    Flows(flows::Args),
    Simulate(simulate::Args),
    Openapi(openapi::Args),
    Keys(keys::Args),
    Apikeys(apikeys::Args),
    Users(users::Args),
    Devices(devices::Args),
    Messages(messages::Args),
    Webhooks(webhooks::Args),
    Events(events::Args),
    Doctor(doctor::Args),
}

/// Does what `args` say; the exit code is 0 where all is fine, 1 for a failure, 2 for wrong settings.
pub async fn run(args: Args) -> ExitCode {
    run_with(args, &Extensions::default()).await
}

/// [`run`] in a program with kinds of its own; `Server::builder()…run()` is the usual way to it.
pub async fn run_with(args: Args, extensions: &Extensions) -> ExitCode {
    let file = instance::settings_file(args.config);
    let command = args.command.unwrap_or(Command::Serve(serve::Args {}));
    match dispatch(command, Setup { file: file.as_deref(), extensions }).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprint!("{failure}");
            failure.code()
        }
    }
}

async fn dispatch(command: Command, setup: Setup<'_>) -> Outcome {
    match command {
        Command::Serve(args) => serve::run(args, setup).await,
        Command::Migrate(args) => migrate::run(args, setup).await,
        Command::Check(args) => check::run(args, setup).await,
        Command::Flows(args) => flows::run(args, setup),
        Command::Simulate(args) => simulate::run(args, setup).await,
        Command::Openapi(args) => openapi::run(args, setup),
        Command::Keys(args) => keys::run(args, setup).await,
        Command::Apikeys(args) => apikeys::run(args, setup).await,
        Command::Users(args) => users::run(args, setup).await,
        Command::Devices(args) => devices::run(args, setup).await,
        Command::Messages(args) => messages::run(args, setup).await,
        Command::Webhooks(args) => webhooks::run(args, setup).await,
        Command::Events(args) => events::run(args, setup).await,
        Command::Doctor(args) => doctor::run(args, setup).await,
    }
}
