//! What profile and events cost a sign-up: by email and code, with a profile of twelve fields, so that there is no hash
//! for the cost to hide behind.
//!
//! The profile: what is done with it from the request to the account. The events: a transaction that writes them,
//! against the same one without. Both in turn with whole sign-ups, one at a time, over one connection.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use multauth::app::App;
use multauth::events::{By, Event, NewEvent, Source};
use multauth::settings::{Field, Who};
use multauth::store::events::Row as Written;
use multauth::store::trail::{self, Wanted};
use multauth::store::{outbox, users};
use multauth::users::profile;
use multauth::users::rules::Moment;
use serde_json::{Map, Value};

use crate::http::{Http, field};
use crate::instance::{Instance, Kind};
use crate::load::{Options, Result, median};
use crate::providers;
use crate::row::Row;

/// The figure.
pub const NAME: &str = "profile and events of a sign-up";
/// What they may take of it.
const GOAL: f64 = 0.05;
/// How often a sign-up looks whether its profile lacks something.
const LOOKS: usize = 4;
/// Events of the first of the two requests.
const FIRST: usize = 1;

const FIELDS: &str = r#"
first_name = { type = "string", min_length = 1, max_length = 30, required = true }
last_name = { type = "string", min_length = 1, max_length = 150, required = true }
language = { type = "string", max_length = 35 }
birthday = { type = "date", minimum = "1900-01-01", maximum = "2026-01-01", required = true }
size = { type = "enum", values = ["s", "m", "l"], required = true }
newsletter = { type = "boolean", default = false }
children = { type = "integer", minimum = 0, maximum = 30 }
height = { type = "number", minimum = 0.3, maximum = 2.8 }
plate = { type = "string", pattern = "[A-Z]{1,3}-[A-Z]{1,2}-[0-9]{1,4}" }
website = { type = "string", pattern = "https://[a-z0-9.-]+(/.*)?" }
tags = { type = "list", items = { type = "string", max_length = 20 }, max_items = 10 }
[address]
type = "object"
[address.schema]
required = ["street", "city"]
additionalProperties = false
[address.schema.properties]
street = { type = "string", maxLength = 100 }
city = { type = "string", maxLength = 100 }
postcode = { type = "string", pattern = "^[0-9]{5}$" }
"#;
const PROFILE: &str = r#"{"first_name":"Ada","last_name":"Lovelace","language":"en","birthday":"1985-12-10","size":"m",
"newsletter":true,"children":3,"height":1.68,"plate":"HH-AL-1815","website":"https://ada.example.org/notes",
"tags":["mathematics","engines"],"address":{"street":"12 St James's Square","city":"London","postcode":"10115"}}"#;

/// Measures it on every database.
pub async fn run(options: &Options) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for kind in Kind::available() {
        let title = kind.title(NAME);
        if options.wants(&title) {
            eprintln!("{title}");
            rows.push(on(options, kind, &title).await?);
        }
    }
    Ok(rows)
}

async fn on(options: &Options, kind: Kind, title: &str) -> Result<Row> {
    let fields: BTreeMap<String, Field> = toml::from_str(FIELDS)?;
    let given: Map<String, Value> = serde_json::from_str(PROFILE)?;
    if (fields.len(), given.len()) != (12, 12) {
        return Err("twelve fields".into());
    }
    let instance =
        Instance::start_with(kind, providers::KEPT, |settings| settings.user.fields = fields).await?;
    let (app, mut http) = (&instance.app, Http::open(instance.address).await?);
    let (_, user) = sign_up(app, &mut http, usize::MAX).await?;
    let written = {
        let wanted = Wanted { user: Some(user.clone().into()), name: "%".into(), since: 0, until: i64::MAX };
        trail::after(&mut app.store.read().await?, &wanted, (0, ""), 100).await?
    };
    let (first, rest) = written.split_at(FIRST);
    let (mut whole, mut checks, mut writes) = (Vec::new(), Vec::new(), Vec::new());
    let warm = options.prepared() / 10;
    for n in 0..warm + options.prepared() {
        let took = sign_up(app, &mut http, n).await?.0;
        let check = check(app, &given)?;
        let [none, one, others] =
            [transaction(app, &[]).await?, transaction(app, first).await?, transaction(app, rest).await?];
        if n >= warm {
            whole.push(took);
            checks.push(check);
            writes.push(one + others - 2.0 * none);
        }
    }
    let (whole, checks, writes) = (median(&mut whole), median(&mut checks), median(&mut writes));
    eprintln!("    {whole:.0} µs, the profile {checks:.0} µs, {} events {writes:.0} µs", written.len());
    instance.stop().await?;
    Ok(Row::beside(title, (checks + writes, whole), "µs", "(all of it, by email and code)", GOAL))
}

fn microseconds(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e6
}

/// A whole sign-up, two requests; gives how long they took, and the id of the user. What the worker does between is
/// not counted.
async fn sign_up(app: &App, http: &mut Http, n: usize) -> Result<(f64, String)> {
    let address = format!("new{n}@example.org");
    let body = format!(r#"{{"email":"{address}","profile":{PROFILE}}}"#);
    let began = Instant::now();
    let attempt = field(http.post("/v1/signup", None, &body).await?, "attempt")?.to_owned();
    let first = microseconds(began);
    let code = providers::code_to(&address).await?;
    let waiting = Instant::now();
    while outbox::waiting(&mut app.store.read().await?).await? > 0 {
        if waiting.elapsed() > Duration::from_secs(10) {
            return Err("the worker does not get on".into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let body = format!(r#"{{"passcode":"{code}"}}"#);
    let began = Instant::now();
    let answer = http.post(&format!("/v1/attempts/{attempt}"), None, &body).await?;
    let second = microseconds(began);
    let (_, user) = answer.split_once(r#""user":"#).ok_or_else(|| answer.to_owned())?;
    Ok((first + second, field(user, "id")?.to_owned()))
}

/// What a sign-up does with its profile; gives how long that took.
fn check(app: &App, given: &Map<String, Value>) -> Result<f64> {
    let wrong = || "the profile does not fit";
    let began = Instant::now();
    let checked = app.plan.profile.check(Who::User, given).map_err(|_| wrong())?;
    let mut merged = Map::new();
    profile::merge(&mut merged, &checked).map_err(|_| wrong())?;
    app.plan.profile.fill(&mut merged);
    let stored = profile::text(&merged);
    for _ in 0..LOOKS {
        if !app.plan.profile.lacking(&profile::stored(&stored), Moment::Signup).is_empty() {
            return Err(wrong().into());
        }
    }
    Ok(microseconds(began))
}

/// A transaction that writes events like these for a new user; gives how long it took.
async fn transaction(app: &App, like: &[Written]) -> Result<f64> {
    let user = app.random.uuid();
    let source =
        like.first().map(|row| Source { network: row.network.clone(), request: row.request.clone() });
    let began = Instant::now();
    let mut tx = app.store.begin().await?;
    users::insert(&mut tx, &users::New::active(&user.as_str().into(), PROFILE), app.now()).await?;
    let noted = like.iter().map(|row| noted(&user, row)).collect::<Result<Vec<_>>>()?;
    app.events.write(&mut tx, app.now(), &source.unwrap_or_default(), &noted).await?;
    tx.commit().await?;
    Ok(microseconds(began))
}

/// The event of a row that a sign-up wrote.
fn noted(user: &str, row: &Written) -> Result<NewEvent> {
    let (purpose, channel) = ("signup", "email");
    let event = match row.name.as_str() {
        "verification.sent" => {
            let (message, country) = (row.id.clone(), String::new());
            Event::VerificationSent { purpose, sent: "code", channel, message, country }
        }
        "verification.succeeded" => Event::VerificationSucceeded { purpose, channel: channel.into() },
        "user.created" => Event::UserCreated { by: By::User, active: true, groups: Vec::new() },
        "device.added" => Event::DeviceAdded {
            by: By::User,
            device: row.id.clone().into(),
            kind: channel.into(),
            confirmed: true,
        },
        "signin.succeeded" => {
            let (flow, acr, amr) = ("email+passcode".into(), "single".into(), vec!["otp".into()]);
            Event::SigninSucceeded { purpose, flow, acr, amr, recovery_code: false }
        }
        other => return Err(format!("an event that the bench does not know: {other}").into()),
    };
    let personal = row.personal.as_deref().map(serde_json::from_str).transpose()?;
    Ok(NewEvent {
        event,
        user: Some(user.to_owned().into()),
        session: row.session_id.clone(),
        personal,
        subject: None,
    })
}
