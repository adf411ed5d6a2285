//! Refreshes.

use std::sync::Arc;

use super::{GOAL, Place, STATEMENTS};
use crate::bare::{Bare, Plan};
use crate::http::{Http, field};
use crate::load::{AT_ONCE, Result, Work, compare};
use crate::people::{self, Held};
use crate::row::Row;

struct Refresh {
    http: Http,
    token: String,
}

impl Work for Refresh {
    async fn once(&mut self) -> Result<bool> {
        let body = format!(r#"{{"refresh_token":"{}"}}"#, self.token);
        self.token = field(self.http.post("/v1/token", None, &body).await?, "refresh_token")?.to_owned();
        Ok(true)
    }
}

/// The statements of a refresh.
const KNOWN: [&str; 1] = ["UPDATE sessions SET refresh_hash"];

struct Rotation {
    bare: Bare,
    plan: Arc<Plan>,
    held: Held,
    generation: i64,
    now: i64,
}

impl Work for Rotation {
    async fn once(&mut self) -> Result<bool> {
        let next = format!("{:064x}", self.generation + 1);
        let values = [vec![
            self.held.session.as_str().into(),
            self.held.hash.as_str().into(),
            next.as_str().into(),
            self.generation.into(),
            self.now.into(),
            (self.now - 1_000_000).into(),
        ]];
        self.bare.run(&self.plan, values).await?;
        self.held.hash = next;
        self.generation += 1;
        Ok(true)
    }
}

/// Measures it.
pub async fn run(place: Place<'_>) -> Result<Row> {
    let app = &place.instance.app;
    let mut held = people::sessions(app, place.people, 2 * AT_ONCE).await?;
    let tokens = held.split_off(AT_ONCE);
    let connections = place.connections().await?;
    let mut ours: Vec<_> =
        connections.into_iter().zip(tokens).map(|(http, h)| Refresh { http, token: h.refresh }).collect();
    let recorded = place.recorder.record(ours[0].once()).await?;
    let (plan, bare) = (Plan::of(recorded, &KNOWN)?, Bare::open(&app.settings).await?);
    let rotation =
        |held| Rotation { bare: bare.clone(), plan: plan.clone(), held, generation: 0, now: app.now() };
    let mut alone: Vec<_> = held.into_iter().map(rotation).collect();
    let pair = compare(place.options, &mut ours, &mut alone, async || Ok(())).await?;
    Ok(Row::rate(place.title, &pair, STATEMENTS, GOAL))
}
