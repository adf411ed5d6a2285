//! Messages from queued to sent by the real worker, to a provider that takes everything at once.
//!
//! Its limit is what the worker cannot do without: a lane has eight places, so one transaction after the other writes
//! down what became of eight messages and leases eight more.

use std::time::{Duration, Instant};

use multauth::app::App;
use multauth::base::{Millis, Purpose, Scope};
use multauth::messages::{Channel, Context, Kind, Message};
use multauth::outbox::About;
use multauth::store::challenges::{self, Challenge};
use multauth::store::{Tx, outbox};

use super::{GOAL, Place};
use crate::bare::{Bare, Plan, Value};
use crate::load::{Pair, Result, median};
use crate::providers;
use crate::row::Row;

/// Places of a lane.
const AT_ONCE: usize = 8;
/// The lane of the driver alone, which the worker does not know.
const ALONE: &str = "alone";
/// Where goes what the driver alone leased last.
const OVER: &str = "over";
const LEASE: &str = "UPDATE outbox SET leased_until";
const FINISH: &str = "UPDATE outbox SET state";

/// Measures it.
pub async fn run(place: Place<'_>) -> Result<Row> {
    let app = &place.instance.app;
    let recorded = place.recorder.everything(async { sent(app, 1).await.map(|_| true) }).await?;
    let statement = |part: &str| {
        let found = recorded.iter().find(|sql| sql.starts_with(part)).cloned();
        found.ok_or_else(|| format!("the worker did not send {part}"))
    };
    let (lease, finish) = (statement(LEASE)?, statement(FINISH)?);
    let first = Plan::transaction([lease.clone()]);
    let whole = Plan::transaction(std::iter::repeat_n(finish, AT_ONCE).chain([lease]));
    let bare = Bare::open(&app.settings).await?;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for round in 0..=place.options.rounds() {
        let count = place.options.prepared();
        let pair = (sent(app, count).await?, alone(app, &bare, &first, &whole, count).await?);
        eprintln!("    {:>10.1} /s  beside {:>10.1} /s", pair.0, pair.1);
        if round > 0 {
            a.push(pair.0);
            b.push(pair.1);
        }
    }
    let pair = Pair { ours: median(&mut a), limit: median(&mut b) };
    Ok(Row::rate(place.title, &pair, "(eight a transaction)", GOAL))
}

/// Queues `count` messages at once; how many a second are sent, until the last is written down.
async fn sent(app: &App, count: usize) -> Result<f64> {
    let taken = providers::taken();
    let mut tx = app.store.begin().await?;
    queue(app, &mut tx, count, app.now()).await?;
    let began = Instant::now();
    tx.commit().await?;
    app.wake.notify_one();
    let waits = async || {
        let mut db = app.store.read().await?;
        outbox::next_due(&mut db, providers::NULL, Millis::MAX).await
    };
    while providers::taken() < taken + count || waits().await?.is_some() {
        if began.elapsed() > Duration::from_secs(120) {
            return Err("the worker does not get on".into());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

/// The same by the driver alone.
async fn alone(app: &App, bare: &Bare, first: &Plan, whole: &Plan, count: usize) -> Result<f64> {
    let now = app.now();
    let mut tx = app.store.begin().await?;
    let ids = queue(app, &mut tx, count + AT_ONCE, now).await?;
    outbox::move_lane(&mut tx, providers::NULL, ALONE, i64::MAX).await?;
    tx.commit().await?;
    let (many, until) = (i64::try_from(AT_ONCE)?, now + 60_000);
    let lease = || vec![ALONE.into(), now.into(), until.into(), many.into(), now.into()];
    let finish = |id: &String| -> Vec<Value> {
        let (id, reference) = (id.as_str().into(), "".into());
        vec![id, "sent".into(), now.into(), "null".into(), "".into(), reference, 1.into()]
    };
    bare.run(first, [lease()]).await?;
    let began = Instant::now();
    for eight in ids[..count].chunks(AT_ONCE) {
        // In the order in which they are due, so that these are the ones that were leased.
        let [a, b, c, d, e, f, g, h] = eight else { return Err("eight at a time".into()) };
        let ended = [a, b, c, d, e, f, g, h].map(finish).into_iter().chain([lease()]);
        let values: [Vec<Value>; AT_ONCE + 1] = ended.collect::<Vec<_>>().try_into().map_err(|_| "nine")?;
        bare.run(whole, values).await?;
    }
    let rate = count as f64 / began.elapsed().as_secs_f64();
    let mut tx = app.store.begin().await?;
    outbox::move_lane(&mut tx, ALONE, OVER, i64::MAX).await?;
    tx.commit().await?;
    Ok(rate)
}

/// Queues messages that are all due; gives their ids in the order in which they are.
pub async fn queue(app: &App, tx: &mut Tx, count: usize, now: Millis) -> Result<Vec<String>> {
    let (kind, language) = (Kind::SigninCode, app.plan.catalogue.fallback());
    let (mut ids, oldest) = (Vec::new(), now - i64::try_from(count)?);
    for (n, at) in (0..count).zip(oldest..) {
        let said = app.plan.catalogue.render(kind, Channel::Email, language, &Context::sample(kind))?;
        let id = app.random.uuid();
        let message = Message::new(&id, at, Channel::Email, format!("person{n}@example.org"), kind, said);
        let about = About {
            expires_at: Some(now + 600_000),
            challenge: Some(id.replace('-', "")),
            verifiable: true,
            ..About::default()
        };
        app.outbox.write(tx, &message, &about).await?;
        // A message whose code nobody waits for is not sent.
        challenges::put(tx, &challenge(&id, now), now).await?.either_way();
        ids.push(id);
    }
    Ok(ids)
}

/// What asks for the code of the message with that id.
fn challenge(id: &str, now: Millis) -> Challenge {
    Challenge {
        code_length: 6,
        key_hash: id.replace('-', ""),
        max_guesses: 5,
        sent_at: now,
        expires_at: now + 600_000,
        ..Challenge::new(
            id.to_owned(),
            (Scope::Attempt(id.into()), "email".to_owned()),
            Purpose::Signin,
            (Channel::Email, "person@example.org".to_owned()),
        )
    }
}
