//! `multauth serve`

use std::net::SocketAddr;
use std::sync::Arc;

use super::{Failure, Outcome, Setup, instance, server};
use crate::app::App;
use crate::flows::level_of_flow;
use crate::settings::{LogFormat, Mode};
use crate::startup;
use crate::telemetry;
use crate::throttle::DEVELOPMENT;

/// Serve until it is told to stop (ctrl-c or SIGTERM). This is also what happens without a command.
///
/// The database is made and brought up to date first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth serve
  multauth serve --config /etc/multauth/multauth.toml
  MULTAUTH__SERVER__LISTEN=127.0.0.1:9000 multauth serve")]
pub struct Args {}

pub async fn run(_: Args, setup: Setup<'_>) -> Outcome {
    let (settings, plan) = instance::understood(setup)?;
    let format = match settings.log.format {
        LogFormat::Pretty => "pretty",
        LogFormat::Json => "json",
    };
    telemetry::init(format, &settings.log.level).map_err(Failure::failed)?;
    let started = startup::start_with(settings, plan, setup.world()).await?;
    let app = started.app.clone();
    server::serve(started, move |at| ready(&app, at)).await.map_err(Failure::failed)
}

fn ready(app: &Arc<App>, at: SocketAddr) {
    if app.settings.mode == Mode::Development {
        eprint!("{}", welcome(app, at));
    } else {
        tracing::info!(listen = %at, "serving");
    }
}

/// What somebody who tries multauth wants to know first.
pub fn welcome(app: &App, at: SocketAddr) -> String {
    let mut text = format!("\nmultauth {} serves on http://{at}\n\n", env!("CARGO_PKG_VERSION"));
    if app.settings.serves_docs() {
        text += &format!("  the API, to read and to try:     http://{at}/docs\n");
    }
    if app.inbox.is_some() {
        text += &format!("  messages that would have left:   http://{at}/dev/inbox\n");
    }
    text += "\n  flows:\n";
    for flow in app.plan.signin.iter() {
        text += &format!("    {}  (level {})\n", flow.name, level_of_flow(flow, &app.plan.words));
    }
    text += &format!(
        "\n  limits of [throttle] that you do not set: {DEVELOPMENT} times as wide as in production\n"
    );
    text + "\n  `multauth simulate` shows every request of a flow. Stop with ctrl-c.\n\n"
}
