//! Access tokens looked at by a backend.

use std::sync::Arc;

use multauth::auth::operator::api_keys;
use multauth::base::ids;

use super::{GOAL, Place, STATEMENTS};
use crate::bare::{Bare, Plan};
use crate::http::Http;
use crate::load::{AT_ONCE, Result, Work, compare};
use crate::people::{self, Held};
use crate::row::Row;

struct Look {
    http: Http,
    key: String,
    token: String,
}

impl Work for Look {
    async fn once(&mut self) -> Result<bool> {
        let body = format!(r#"{{"token":"{}"}}"#, self.token);
        let answer = self.http.post("/v1/introspect", Some(&self.key), &body).await?;
        if answer.contains(r#""active":true"#) { Ok(true) } else { Err(answer.to_owned().into()) }
    }
}

/// The statements of a look.
const KNOWN: [&str; 2] = ["FROM api_keys", "FROM sessions"];

struct Reading {
    bare: Bare,
    plan: Arc<Plan>,
    held: Held,
    key: String,
    now: i64,
}

impl Work for Reading {
    async fn once(&mut self) -> Result<bool> {
        let values =
            [vec![self.key.as_str().into()], vec![self.held.session.as_str().into(), self.now.into()]];
        self.bare.run(&self.plan, values).await?;
        Ok(true)
    }
}

/// Measures it.
pub async fn run(place: Place<'_>) -> Result<Row> {
    let app = &place.instance.app;
    let key = api_keys::make(app, "bench", &["introspect".to_owned()]).await?.1.expose().to_owned();
    let stored = ids::stored(&key, ids::API_KEY).ok_or("the key is none")?;
    let held = people::sessions(app, place.people, AT_ONCE).await?;
    let connections = place.connections().await?.into_iter().zip(&held);
    let mut ours: Vec<_> =
        connections.map(|(http, h)| Look { http, key: key.clone(), token: h.access.clone() }).collect();
    let recorded = place.recorder.record(ours[0].once()).await?;
    let (plan, bare) = (Plan::of(recorded, &KNOWN)?, Bare::open(&app.settings).await?);
    let reading =
        |held| Reading { bare: bare.clone(), plan: plan.clone(), held, key: stored.clone(), now: app.now() };
    let mut alone: Vec<_> = held.into_iter().map(reading).collect();
    let pair = compare(place.options, &mut ours, &mut alone, async || Ok(())).await?;
    Ok(Row::rate(place.title, &pair, STATEMENTS, GOAL))
}
