//! Which statements an operation sends: read from the driver's own log, so that the bare driver sends the
//! very same ones whatever the code becomes.
//!
//! The log of this process is the server's own (a JSON line a request), written to nowhere.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use multauth::telemetry::{Format, Lines};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::load::Result;

/// The driver's log.
#[derive(Clone)]
pub struct Recorder {
    level: reload::Handle<EnvFilter, Registry>,
    seen: Arc<Mutex<Vec<String>>>,
}

struct Ear(Arc<Mutex<Vec<String>>>);

/// Starts the log of this process.
pub fn install() -> Result<Recorder> {
    let (filter, level) = reload::Layer::new(EnvFilter::try_new("info")?);
    let seen = Arc::<Mutex<Vec<String>>>::default();
    tracing_subscriber::registry()
        .with(filter)
        .with(Ear(seen.clone()))
        .with(Lines::new(Format::Json, io::sink))
        .try_init()?;
    Ok(Recorder { level, seen })
}

impl Recorder {
    /// What `operation` sends, in order; what the server does by itself meanwhile left out.
    pub async fn record(&self, operation: impl Future<Output = Result<bool>>) -> Result<Vec<String>> {
        let all = self.everything(operation).await?;
        // The worker of the outbox, and connections that are opened.
        let ours = |sql: &String| !sql.contains("outbox") && !sql.starts_with("PRAGMA");
        Ok(all.into_iter().filter(ours).collect())
    }

    /// What this process sends, in order, until `operation` is done.
    pub async fn everything(&self, operation: impl Future<Output = Result<bool>>) -> Result<Vec<String>> {
        // What the last request left to do is over by then.
        tokio::time::sleep(Duration::from_millis(200)).await;
        // A statement that was slow before is in the log, whatever its level.
        self.seen.lock().map_err(|_| "the recorder broke")?.clear();
        self.level.reload(EnvFilter::try_new("info,sqlx::query=debug")?)?;
        let done = operation.await;
        self.level.reload(EnvFilter::try_new("info")?)?;
        done?;
        Ok(std::mem::take(&mut *self.seen.lock().map_err(|_| "the recorder broke")?))
    }
}

impl<S: Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "sqlx::query" {
            return;
        }
        let mut sql = Sql::default();
        event.record(&mut sql);
        let text = if sql.whole.is_empty() { sql.summary } else { sql.whole };
        if let Ok(mut seen) = self.0.lock() {
            seen.push(text.trim().to_owned());
        }
    }
}

/// A short statement is its own summary.
#[derive(Default)]
struct Sql {
    summary: String,
    whole: String,
}

impl Visit for Sql {
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.summary),
            "db.statement" => value.clone_into(&mut self.whole),
            _ => {}
        }
    }
}
