//! `multauth messages`

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::print::{Table, moment, moment_or_none, time};
use super::{Failure, Outcome, Setup, instance, print};
use crate::app::App;
use crate::base::clock::DAY;
use crate::outbox::dead::{self, Again};
use crate::store::deliveries::{self, Conversion, Delivery};

/// Messages on their way and what became of them. What they say and whom they go to is never shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth messages list --state failed
  multauth messages resend 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11
  multauth messages stats --days 7

Messages that ended are kept for 7 days.")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

/// How far a message came.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    /// It waits, or is under way.
    Queued,
    /// A provider took it.
    Sent,
    /// Its code ended before a provider took it.
    Expired,
    /// It was given up.
    Failed,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List messages, the newest first.
    #[command(after_help = "\
Examples:
  multauth messages list
  multauth messages list --state failed --json")]
    List {
        /// Only those.
        #[arg(long)]
        state: Option<State>,
        /// How many at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
        limit: u16,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Send messages again that were given up. One whose code has ended cannot be: its user asks for another.
    #[command(after_help = "\
Examples:
  multauth messages resend 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11
  multauth messages resend --all")]
    Resend {
        /// The message's id.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// All that failed.
        #[arg(long)]
        all: bool,
    },
    /// Codes sent, reported as delivered and, of those to phones, typed; by provider and country.
    #[command(after_help = "Examples:\n  multauth messages stats\n  multauth messages stats --days 7 --json")]
    Stats {
        /// How many days back, at most 7.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=7))]
        days: u16,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(args: Args, setup: Setup<'_>) -> Outcome {
    let app = instance::open(setup).await?;
    match args.action {
        Action::List { state, limit, json } => list(&app, state, limit, json).await,
        Action::Resend { id: Some(id), .. } => resend(&app, &id).await,
        Action::Resend { id: None, .. } => resend_all(&app).await,
        Action::Stats { days, json } => stats(&app, days, json).await,
    }
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }
}

async fn list(app: &App, state: Option<State>, limit: u16, json: bool) -> Outcome {
    let mut db = app.store.read().await?;
    let found = deliveries::list(&mut db, state.map_or("", State::name), i64::from(limit)).await?;
    let mut table = Table::new(&[
        "ID", "KIND", "CHANNEL", "STATE", "TRIES", "WRITTEN", "ENDED", "PROVIDER", "RECEIPT", "PROBLEM",
    ]);
    for d in &found {
        let (provider, receipt) =
            (d.provider.clone().unwrap_or_default(), d.receipt.clone().unwrap_or_default());
        let (written, ended) = (moment(d.created_at), moment_or_none(d.finished_at));
        let (tries, problem) = (d.tries.to_string(), d.problem.clone().unwrap_or_default());
        let head = [d.id.clone(), d.kind.clone(), d.channel.clone(), d.state.clone(), tries];
        let [id, kind, channel, state, tries] = head;
        table.row([id, kind, channel, state, tries, written, ended, provider, receipt, problem]);
    }
    print::list(json, &table, &found.iter().map(value).collect::<Vec<_>>().into())
}

fn value(d: &Delivery) -> Value {
    json!({
        "id": d.id, "kind": d.kind, "channel": d.channel, "state": d.state, "tries": d.tries,
        "created_at": time(Some(d.created_at)), "due_at": time(Some(d.due_at)), "finished_at": time(d.finished_at),
        "device": d.device_id, "country": d.country, "provider": d.provider, "reference": d.reference,
        "receipt": d.receipt, "problem": d.problem,
    })
}

async fn resend(app: &App, id: &str) -> Outcome {
    match dead::again(&app.store, id, app.now()).await? {
        Again::Queued => {
            eprintln!("it waits to be sent");
            Ok(())
        }
        Again::Unknown => Err(Failure::failed(format!("there is no message {id}"))),
        Again::NotFailed => Err(Failure::failed("it did not fail; `multauth messages list` shows its state")),
        Again::CodeEnded => Err(Failure::failed("the code in it has ended; its user asks for another one")),
    }
}

async fn resend_all(app: &App) -> Outcome {
    let (mut queued, mut ended) = (0, 0);
    for letter in dead::all(&app.store, u16::MAX).await? {
        match dead::again(&app.store, &letter.id, app.now()).await? {
            Again::Queued => queued += 1,
            Again::CodeEnded => ended += 1,
            Again::Unknown | Again::NotFailed => {}
        }
    }
    eprintln!("{queued} wait to be sent; {ended} carry a code that has ended");
    Ok(())
}

async fn stats(app: &App, days: u16, json: bool) -> Outcome {
    let since = app.now() - i64::from(days) * DAY;
    let found = deliveries::conversions(&mut app.store.read().await?, since).await?;
    let mut table = Table::new(&["PROVIDER", "CHANNEL", "COUNTRY", "SENT", "DELIVERED", "TYPED"]);
    for c in &found {
        let counts = [c.sent, c.delivered, c.confirmed].map(|n| n.to_string());
        let [sent, delivered, typed] = counts;
        table.row([c.provider.clone(), c.channel.clone(), c.country.clone(), sent, delivered, typed]);
    }
    print::list(json, &table, &found.iter().map(counted).collect::<Vec<_>>().into())
}

fn counted(c: &Conversion) -> Value {
    json!({
        "provider": c.provider, "channel": c.channel, "country": c.country,
        "sent": c.sent, "delivered": c.delivered, "confirmed": c.confirmed,
    })
}
