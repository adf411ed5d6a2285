//! The right code for an attempt: the sign-in is done.

use std::sync::{Arc, Mutex, PoisonError};

use super::{GOAL, Place, STATEMENTS};
use crate::bare::{Bare, Plan, Value};
use crate::http::Http;
use crate::load::{AT_ONCE, Result, Work, compare};
use crate::people::{self, CODE, Person, Waiting};
use crate::row::Row;

/// Attempts laid ready.
type Ready = Arc<Mutex<Vec<Waiting>>>;

fn take(ready: &Ready) -> Option<Waiting> {
    ready.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

struct Answer {
    http: Http,
    ready: Ready,
}

impl Work for Answer {
    async fn once(&mut self) -> Result<bool> {
        let Some(next) = take(&self.ready) else { return Ok(false) };
        let body = format!(r#"{{"passcode":"{CODE}"}}"#);
        let answer = self.http.post(&format!("/v1/attempts/{}", next.handle), None, &body).await?;
        if answer.contains(r#""state":"done""#) { Ok(true) } else { Err(answer.to_owned().into()) }
    }
}

/// The statements of an answer.
const KNOWN: [&str; 17] = [
    "FROM attempts a LEFT JOIN known_devices",
    "FROM users",
    "FROM devices",
    "FROM secrets",
    "FROM challenges WHERE scope = $1 ORDER",
    "FROM guesses",
    "SET guesses = guesses + 1",
    "UPDATE challenges SET spent_at",
    "UPDATE attempts SET passed",
    "DELETE FROM attempts",
    "DELETE FROM challenges",
    "UPDATE users SET signed_in_at",
    "INSERT INTO sessions",
    "INSERT INTO known_devices",
    "DELETE FROM known_devices",
    "UPDATE devices SET failing_since",
    "INSERT INTO events",
];

struct Statements {
    bare: Bare,
    plan: Arc<Plan>,
    ready: Ready,
    people: Arc<Vec<Person>>,
    now: i64,
}

impl Work for Statements {
    async fn once(&mut self) -> Result<bool> {
        let Some(next) = take(&self.ready) else { return Ok(false) };
        let Person { user, device, .. } = &self.people[next.person];
        let (attempt, challenge) = (next.attempt.as_str(), next.challenge.as_str());
        let scope = format!("attempt/{attempt}");
        let passed = format!(r#"[{{"secret":"passcode","kind":"email","device":"{device}"}}]"#);
        let shown = format!("{device} ");
        let now = self.now;
        // The ids of what is made: 36 characters that nothing else has, and a hash of 64.
        let (id, hash) = (challenge, attempt);
        let values = [
            vec![attempt.into(), now.into()],
            vec![user.as_str().into()],
            vec![user.as_str().into()],
            vec![user.as_str().into()],
            vec![scope.as_str().into()],
            vec![user.as_str().into(), "passcode".into()],
            vec![challenge.into(), now.into()],
            vec![challenge.into(), now.into()],
            vec![attempt.into(), "[]".into(), passed.as_str().into()],
            vec![attempt.into(), passed.as_str().into()],
            vec![scope.as_str().into()],
            vec![user.as_str().into(), 1.into(), now.into()],
            vec![
                id.into(),
                user.as_str().into(),
                hash.into(),
                now.into(),
                "email+passcode".into(),
                "single".into(),
                "otp".into(),
                "127.0.0.0/24".into(),
                "".into(),
                (now + 1_000_000).into(),
                "[]".into(),
                id.into(),
            ],
            vec![id.into(), user.as_str().into(), hash.into(), shown.as_str().into(), now.into()],
            vec![user.as_str().into(), id.into(), 49.into()],
            vec![device.as_str().into(), now.into()],
            [("verification.succeeded", "a"), ("signin.succeeded", "b")]
                .into_iter()
                .flat_map(|(name, which)| event(user, &format!("{id}{which}"), name, now))
                .collect(),
        ];
        self.bare.run(&self.plan, values).await?;
        Ok(true)
    }
}

/// The parameters of an event.
fn event(user: &str, id: &str, name: &str, now: i64) -> [Value; 11] {
    let data = r#"{"purpose":"signin","flow":"email+passcode","acr":"single","amr":["otp"]}"#;
    let [session, network, request] = [id, "127.0.0.0/24", id];
    [
        id.into(),
        (now * 1_000).into(),
        now.into(),
        name.into(),
        user.into(),
        session.into(),
        network.into(),
        request.into(),
        data.into(),
        "null".into(),
        "null".into(),
    ]
}

/// Measures it.
pub async fn run(place: Place<'_>) -> Result<Row> {
    let app = &place.instance.app;
    let (ready, theirs) = (Ready::default(), Ready::default());
    let connections = place.connections().await?.into_iter();
    let mut ours: Vec<_> = connections.map(|http| Answer { http, ready: ready.clone() }).collect();
    let lay = async |ready: &Ready, count: usize| {
        let more = people::waiting(app, place.people, count).await?;
        *ready.lock().unwrap_or_else(PoisonError::into_inner) = more;
        Ok(())
    };
    lay(&ready, 1).await?;
    let recorded = place.recorder.record(ours[0].once()).await?;
    let (plan, bare) = (Plan::of(recorded, &KNOWN)?, Bare::open(&app.settings).await?);
    let statements = |_| Statements {
        bare: bare.clone(),
        plan: plan.clone(),
        ready: theirs.clone(),
        people: place.people.clone(),
        now: app.now(),
    };
    let mut alone: Vec<_> = (0..AT_ONCE).map(statements).collect();
    let refill = async || {
        lay(&ready, place.options.prepared()).await?;
        lay(&theirs, place.options.prepared()).await
    };
    let pair = compare(place.options, &mut ours, &mut alone, refill).await?;
    Ok(Row::rate(place.title, &pair, STATEMENTS, GOAL))
}
