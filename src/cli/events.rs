//! `multauth events`

use std::io::{ErrorKind, Write};
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};

use super::print::{Table, time};
use super::{Failure, Outcome, Setup, instance, print};
use crate::app::App;
use crate::base::{Millis, UserId, clock};
use crate::events::{self, Follower, NAMES, means};
use crate::settings::Span;
use crate::store::events::Row;
use crate::store::trail::{self, Wanted};
use crate::telemetry::text::{self, plain};

/// What happened: sign-ins, codes, devices, sessions, messages; by whom and from where, the newest last.
///
/// A user is an id here: names and addresses are never shown.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  multauth events
  multauth events --user 5f0c7a8e-9f43-4c1e-8a57-0d6c1f0b9a11 --since 30d
  multauth events --name signin.failed --since 2h
  multauth events --name user.* --since 2026-03-01 --until 2026-04-01T12:00:00Z --json > march.jsonl
  multauth events --since 30d --after 0b7c5e1a-54fd-4f6e-9d3e-1f6f2f0d7c55    the next page
  multauth events follow
  multauth events names

Events are kept for as long as events.keep in the settings says. Times are UTC."
)]
pub struct Args {
    #[command(flatten)]
    list: List,

    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    which: Which,
    /// Only those since then: a span back such as 2h or 30d, a day, or a moment (RFC 3339).
    #[arg(long, value_name = "WHEN", value_parser = when)]
    since: Option<When>,
    /// Only those before then.
    #[arg(long, value_name = "WHEN", value_parser = when)]
    until: Option<When>,
    /// Only those behind this event: the last one of the page before.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// How many at most: the last ones, or with --since or --after the first ones.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    limit: u16,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Only those about this user.
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Only those of this name, such as signin.failed, or of a family, such as user.*
    #[arg(long, value_parser = name)]
    name: Option<String>,
    /// For machines: one JSON object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print events as they come, until Ctrl-C.
    #[command(after_help = "\
Examples:
  multauth events follow
  multauth events follow --name signin.failed --json")]
    Follow(Which),
    /// List every event there is, with what its payload holds.
    #[command(after_help = "Examples:\n  multauth events names\n  multauth events names --json")]
    Names {
        /// For machines.
        #[arg(long)]
        json: bool,
    },
}

/// A moment as it is typed.
#[derive(Clone, Copy, Debug)]
enum When {
    Ago(Span),
    At(Millis),
}

fn when(text: &str) -> Result<When, String> {
    let at = |text: &str| text.parse::<jiff::Timestamp>().ok().map(|at| When::At(at.as_millisecond()));
    let found =
        Span::parse(text).map(When::Ago).or_else(|| at(text)).or_else(|| at(&format!("{text}T00:00:00Z")));
    found.ok_or_else(|| {
        "a span back such as 2h or 30d, a day such as 2026-03-01, or a moment (RFC 3339)".to_owned()
    })
}

impl When {
    fn moment(self, now: Millis) -> Millis {
        match self {
            Self::Ago(span) => now - span.millis(),
            Self::At(at) => at,
        }
    }
}

fn name(text: &str) -> Result<String, String> {
    if NAMES.iter().any(|event| means(text, event.name)) {
        return Ok(text.to_owned());
    }
    Err("no event has that name; `multauth events names` lists them".to_owned())
}

pub async fn run(args: Args, setup: Setup<'_>) -> Outcome {
    match args.action {
        None => list(&*instance::open(setup).await?, args.list).await,
        Some(Action::Follow(which)) => follow(&*instance::open(setup).await?, which).await,
        Some(Action::Names { json: false }) => print::out(&events::reference()),
        Some(Action::Names { json: true }) => {
            print::json(&NAMES.iter().map(described).collect::<Vec<_>>().into())
        }
    }
}

impl Which {
    fn wanted(&self, since: Millis, until: Millis) -> Wanted {
        let name = self.name.as_deref().unwrap_or("*").replace('*', "%");
        Wanted { user: self.user.as_deref().map(UserId::from), name, since, until }
    }
}

async fn list(app: &App, args: List) -> Outcome {
    let now = app.now();
    let of = |when: Option<When>, else_: Millis| when.map_or(else_, |when| when.moment(now).max(0));
    let wanted = args.which.wanted(of(args.since, 0), of(args.until, Millis::MAX));
    let (mut db, limit) = (app.store.read().await?, i64::from(args.limit));
    let onward = args.since.is_some() || args.after.is_some();
    let found = if onward {
        let after = match &args.after {
            Some(id) => trail::by_id(&mut db, id).await?.ok_or_else(|| missing(id))?,
            None => Row { position: -1, ..Row::default() },
        };
        trail::after(&mut db, &wanted, (after.position, &after.id), limit).await?
    } else {
        trail::latest(&mut db, &wanted, limit).await?
    };
    print::out(&shown(&found, args.which.json))?;
    if let Some(last) = found.last().filter(|_| found.len() == usize::from(args.limit)) {
        match onward {
            true => eprintln!("there may be more: --after {}", last.id),
            false => eprintln!("there may be earlier ones: --since 30d, or a higher --limit"),
        }
    }
    Ok(())
}

fn missing(id: &str) -> Failure {
    Failure::failed(format!("there is no event {}", plain(id)))
}

async fn follow(app: &App, which: Which) -> Outcome {
    let wanted = which.wanted(0, Millis::MAX);
    let mut follower = Follower::new(&mut app.store.read().await?, wanted, app.now()).await?;
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let stop = tokio::signal::ctrl_c();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            _ = &mut stop => return Ok(()),
            _ = second.tick() => {}
        }
        let new = follower.poll(&mut app.store.read().await?, app.now()).await?;
        if !told(&new, which.json)? {
            return Ok(());
        }
    }
}

/// Prints events as they come; whether somebody still reads them.
fn told(new: &[Row], json: bool) -> Result<bool, Failure> {
    let line = |row: &Row| if json { machine(row) } else { person(row) };
    let lines: String = new.iter().map(line).collect();
    let mut out = std::io::stdout().lock();
    match out.write_all(lines.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::failed(error)),
        Ok(()) => Ok(true),
    }
}

/// Events for people as a table, for machines a line each.
fn shown(rows: &[Row], json: bool) -> String {
    if json {
        return rows.iter().map(machine).collect();
    }
    let mut table = Table::new(&["TIME", "EVENT", "USER", "NETWORK", "REQUEST", "WHAT"]);
    rows.iter().for_each(|row| table.row(cells(row)));
    table.to_string()
}

/// An event as a line for people, its columns as wide as most of what stands in them.
fn person(row: &Row) -> String {
    let [time, event, user, network, request, what] = cells(row).map(|cell| plain(&cell));
    let line = format!("{time}  {event:<27}  {user:<36}  {network:<18}  {request:<36}  {what}");
    format!("{}\n", line.trim_end())
}

fn cells(row: &Row) -> [String; 6] {
    let at: String = clock::rfc3339(row.at).chars().take(19).collect();
    let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let user = or_none(row.user_id.as_deref().unwrap_or_default());
    [at.replace('T', " "), row.name.clone(), user, or_none(&row.network), or_none(&row.request), what(row)]
}

/// The payload shortly: `purpose=signin secret=password`, without what is empty.
fn what(row: &Row) -> String {
    let Value::Object(fields) = serde_json::from_str(&row.data).unwrap_or_default() else {
        return row.data.clone();
    };
    let short = |value: Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Array(all) => all
            .iter()
            .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join("+"),
        other => other.to_string(),
    };
    let session = row.session_id.iter().map(|id| ("session".to_owned(), id.to_string()));
    let all = fields.into_iter().map(|(name, value)| (name, short(value))).chain(session);
    all.filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// An event for machines, a line; what names a person is not in it.
fn machine(row: &Row) -> String {
    let none = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let value = json!({
        "id": row.id, "at": time(Some(row.at)), "event": row.name, "user": row.user_id, "session": row.session_id,
        "network": none(&row.network), "request": none(&row.request),
        "data": serde_json::from_str::<Value>(&row.data).unwrap_or_default(),
    });
    format!("{}\n", text::json(&value.to_string()))
}

fn described(event: &events::Described) -> Value {
    let fields: Vec<Value> =
        event.fields.iter().map(|field| json!({ "name": field.name, "about": field.about })).collect();
    json!({ "name": event.name, "about": event.about, "fields": fields })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            id: "e".into(),
            at: 1_772_359_200_000,
            name: "signin.failed".into(),
            data: r#"{"purpose":"signin","identifier":"","amr":["pwd","otp"],"groups":null,"n":2}"#.into(),
            ..Row::default()
        }
    }

    #[test]
    fn a_line_is_short_and_cannot_be_forged() {
        let forged = Row { network: "x\n\u{1b}[31m\u{202e}".into(), session_id: Some("s".into()), ..row() };
        let line = person(&forged);
        assert!(line.starts_with("2026-03-01 10:00:00  signin.failed"), "{line}");
        assert!(line.ends_with("purpose=signin amr=pwd+otp n=2 session=s\n"), "{line}");
        for text in [line, machine(&forged), shown(&[forged], false)] {
            assert!(!text.trim_end_matches('\n').replace('\n', "").chars().any(text::acts), "{text}");
        }
        assert_eq!(shown(&[row(), row()], true).lines().count(), 2);
    }

    #[test]
    fn a_machine_reads_what_there_is_and_null_where_there_is_nothing() {
        let value: Value = serde_json::from_str(&machine(&row())).unwrap();
        assert_eq!((&value["at"], &value["user"]), (&json!("2026-03-01T10:00:00Z"), &Value::Null));
        assert_eq!((&value["network"], &value["data"]["n"]), (&Value::Null, &json!(2)));
    }

    #[test]
    fn moments_are_spans_back_days_or_moments() {
        let at = |text: &str| when(text).map(|when| when.moment(1_772_359_200_000));
        assert_eq!(at("2h"), Ok(1_772_352_000_000));
        assert_eq!(at("2026-03-01"), Ok(1_772_323_200_000));
        assert_eq!(at("2026-03-01T11:00:00+01:00"), Ok(1_772_359_200_000));
        for wrong in ["", "2", "yesterday", "2026-13-01"] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_of_events_and_of_families() {
        for right in ["user.created", "user.*", "*", "session.*"] {
            assert!(name(right).is_ok(), "{right}");
        }
        for wrong in ["", "user", "user.create", "users.*", "*.created"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }
}
