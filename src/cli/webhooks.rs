//! `multauth webhooks`

use std::time::Instant;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::print::{Table, moment, moment_or_none, time};
use super::{Failure, Outcome, Setup, instance, print};
use crate::app::App;
use crate::base::{Clock, Millis, Random};
use crate::settings::Span;
use crate::store::webhooks::{self as rows, Listed, Summary};
use crate::telemetry::text::plain;
use crate::webhooks::{Webhook, Webhooks, replay};

/// How much of an answer is shown, characters.
const SHOWN: usize = 500;

/// Events on their way to the webhooks of the settings, and what became of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  multauth webhooks list
  multauth webhooks ping crm
  multauth webhooks deliveries --webhook crm --state failed
  multauth webhooks replay --webhook crm --failed

An event that a webhook does not take is tried again for three days and then kept for 30 as failed; one that it took
is kept for 7.")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

/// How far a delivery came.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    /// It waits, or is under way.
    Queued,
    /// The webhook took it.
    Sent,
    /// It was given up.
    Failed,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the webhooks: what waits for each, what failed, and why the last one did.
    #[command(after_help = "Examples:\n  multauth webhooks list\n  multauth webhooks list --json")]
    List {
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// List deliveries, the newest event first.
    #[command(after_help = "\
Examples:
  multauth webhooks deliveries --webhook crm --state failed
  multauth webhooks deliveries --user 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --json")]
    Deliveries {
        /// Only of this webhook.
        #[arg(long, value_name = "NAME")]
        webhook: Option<String>,
        /// Only those.
        #[arg(long)]
        state: Option<State>,
        /// Only events about this user.
        #[arg(long, value_name = "ID")]
        user: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
        limit: u16,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Send events once more, in their order and with the same ids, so that a receiver can tell doubles.
    #[command(after_help = "\
Examples:
  multauth webhooks replay 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11
  multauth webhooks replay --webhook crm --failed
  multauth webhooks replay --webhook crm --since 2h
  multauth webhooks replay --webhook crm --since 2026-03-01T10:00:00Z

With --since a webhook is sent every event of that time that it wants, also one that it was never told of: this is how
a new webhook is filled from the audit trail. What happens meanwhile may arrive between them.")]
    Replay {
        /// Ids of deliveries.
        #[arg(required_unless_present = "webhook", conflicts_with = "webhook")]
        ids: Vec<String>,
        /// The webhook that is told again.
        #[arg(long, value_name = "NAME")]
        webhook: Option<String>,
        /// Whatever failed.
        #[arg(long, requires = "webhook", required_unless_present_any = ["ids", "since"], conflicts_with = "since")]
        failed: bool,
        /// All events since then: a span back from now such as 2h or 3d, or a moment (RFC 3339).
        #[arg(long, requires = "webhook", value_name = "WHEN")]
        since: Option<String>,
    },
    /// Send a webhook a signed test event (its type is ping) now, and show what came back.
    #[command(
        after_help = "Examples:\n  multauth webhooks ping crm\n  multauth webhooks ping crm --config multauth.toml"
    )]
    Ping {
        /// The webhook.
        name: String,
    },
}

pub async fn run(args: Args, setup: Setup<'_>) -> Outcome {
    if let Action::Ping { name } = args.action {
        let (_, plan) = instance::understood(setup)?;
        crate::startup::choose_cryptography();
        return ping(named(&plan.webhooks, &name)?).await;
    }
    let app = instance::open(setup).await?;
    match args.action {
        Action::List { json } => list(&app, json).await,
        Action::Deliveries { webhook, state, user, limit, json } => {
            let (webhook, user) = (webhook.unwrap_or_default(), user.unwrap_or_default());
            let state = state.map_or("", State::name);
            let mut db = app.store.read().await?;
            let found = rows::list(&mut db, &webhook, state, &user, i64::from(limit)).await?;
            deliveries(&found, json)
        }
        Action::Replay { ids, webhook: None, .. } => replay_ids(&app, &ids).await,
        Action::Replay { webhook: Some(name), since, .. } => replay_all(&app, &name, since.as_deref()).await,
        Action::Ping { .. } => Ok(()),
    }
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

/// Those of the settings, and those that something is kept of.
async fn list(app: &App, json: bool) -> Outcome {
    let mut found = rows::summary(&mut app.store.read().await?).await?;
    for webhook in app.plan.webhooks.iter() {
        if !found.iter().any(|summary| summary.webhook == webhook.name) {
            found.push(Summary { webhook: webhook.name.clone(), ..Summary::default() });
        }
    }
    let mut table = Table::new(&["WEBHOOK", "URL", "EVENTS", "QUEUED", "FAILED", "OLDEST", "PROBLEM"]);
    let mut values = Vec::new();
    for s in &found {
        let webhook = app.plan.webhooks.named(&s.webhook);
        let url = webhook.map(|webhook| webhook.service.origin());
        let events = webhook.map(|webhook| webhook.listener.wants.join(", "));
        values.push(json!({
            "webhook": s.webhook, "url": url, "events": webhook.map(|webhook| &webhook.listener.wants),
            "queued": s.queued, "failed": s.failed, "oldest": time(s.oldest), "problem": s.problem,
        }));
        let (url, events) = (url.unwrap_or("not in the settings".into()), events.unwrap_or_default());
        let (queued, failed) = (s.queued.to_string(), s.failed.to_string());
        let problem = s.problem.clone().unwrap_or_default();
        table.row([s.webhook.clone(), url, events, queued, failed, moment_or_none(s.oldest), problem]);
    }
    print::list(json, &table, &values.into())
}

fn deliveries(found: &[Listed], json: bool) -> Outcome {
    let mut table = Table::new(&[
        "ID", "WEBHOOK", "EVENT", "USER", "STATE", "TRIES", "HAPPENED", "DUE", "ENDED", "STATUS", "PROBLEM",
    ]);
    for d in found {
        let due = if d.state == "queued" { moment(d.due_at) } else { "-".into() };
        let (user, problem) =
            (d.user_id.clone().unwrap_or_default().to_string(), d.problem.clone().unwrap_or_default());
        let status = d.status.map_or("-".into(), |status| status.to_string());
        let [id, webhook, event, state] = [&d.id, &d.webhook, &d.event, &d.state].map(Clone::clone);
        let (tries, at, ended) = (d.tries.to_string(), moment(d.at), moment_or_none(d.finished_at));
        table.row([id, webhook, event, user, state, tries, at, due, ended, status, problem]);
    }
    print::list(json, &table, &found.iter().map(value).collect::<Vec<_>>().into())
}

fn value(d: &Listed) -> Value {
    json!({
        "id": d.id, "webhook": d.webhook, "event_id": d.event_id, "event": d.event, "user": d.user_id,
        "state": d.state, "tries": d.tries, "at": time(Some(d.at)), "due_at": time(Some(d.due_at)),
        "finished_at": time(d.finished_at), "status": d.status, "problem": d.problem,
    })
}

async fn replay_ids(app: &App, ids: &[String]) -> Outcome {
    let mut refused = Vec::new();
    for id in ids {
        if !replay::one(&app.store, id, app.now()).await? {
            refused.push(id.as_str());
        }
    }
    eprintln!("{} wait to be sent", ids.len() - refused.len());
    if refused.is_empty() {
        return Ok(());
    }
    let refused = refused.join(", ");
    Err(Failure::failed(format!("there is no delivery that ended with the id {refused}")))
}

async fn replay_all(app: &App, name: &str, since: Option<&str>) -> Outcome {
    let queued = match since {
        None => replay::failed(&app.store, name, app.now()).await?,
        Some(since) => {
            let since = moment_of(since, app.now())?;
            let webhook = named(&app.plan.webhooks, name)?;
            replay::since(&app.store, &app.random, webhook, since, app.now()).await?
        }
    };
    eprintln!("{queued} wait to be sent");
    Ok(())
}

/// `2h` back from `now`, or a moment.
fn moment_of(text: &str, now: Millis) -> Result<Millis, Failure> {
    let span = Span::parse(text).map(|span| now - span.millis());
    let moment = || text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond);
    span.or_else(moment).ok_or_else(|| {
        let form = "say how far back, such as 2h or 3d, or a moment such as 2026-03-01T10:00:00Z";
        Failure::Argument(format!("--since {text}: {form}"))
    })
}

fn named<'a>(webhooks: &'a Webhooks, name: &str) -> Result<&'a Webhook, Failure> {
    webhooks.named(name).ok_or_else(|| {
        let known: Vec<&str> = webhooks.iter().map(|webhook| webhook.name.as_str()).collect();
        let known = if known.is_empty() { "there are none".into() } else { known.join(", ") };
        Failure::Argument(format!("there is no [webhooks.{name}] in the settings; known here: {known}"))
    })
}

async fn ping(webhook: &Webhook) -> Outcome {
    let id = Random::System.uuid();
    eprintln!("posting a ping with the id {id} to {} …", webhook.service.origin());
    let began = Instant::now();
    let answer = match webhook.ping(&id, Clock::System.now()).await {
        Ok(answer) => answer,
        Err(outcome) => {
            let why = webhook.service.reach().await.err().unwrap_or_else(|| outcome.why().to_owned());
            return Err(Failure::failed(why));
        }
    };
    let took = began.elapsed().as_millis();
    let text: String = String::from_utf8_lossy(&answer.body).chars().take(SHOWN).collect();
    print::out(&format!("{} in {took} ms\n", answer.status))?;
    if !text.is_empty() {
        print::out(&format!("{}\n", plain(&text)))?;
    }
    if answer.is_success() {
        return Ok(());
    }
    Err(Failure::failed("only an answer with 2xx takes an event; this one would be tried again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_a_span_or_a_moment() {
        let now = 1_772_359_200_000;
        assert_eq!(moment_of("2h", now).unwrap(), now - 7_200_000);
        assert_eq!(moment_of("2026-03-01T10:00:00Z", 0).unwrap(), now);
        for wrong in ["", "yesterday", "2 h", "-2h"] {
            assert!(matches!(moment_of(wrong, now), Err(Failure::Argument(_))), "{wrong}");
        }
    }
}
