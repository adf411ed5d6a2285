//! Readiness: whether a request would find now what it needs, a write that is kept (R144).
//!
//! Who asks is told within a second. The database is asked once a second at most, however many ask.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use poem::http::StatusCode;
use poem::web::Data;
use poem::{Response, handler};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use crate::app::App;
use crate::base::Random;
use crate::base::clock::rfc3339;
use crate::store::{self, StoreError, facts, patience};

/// How long an answer may take, and for how long what was found is told again.
const SECOND: Duration = Duration::from_secs(1);

/// How long a connection is waited for: the answer is to say that there was none.
const PATIENCE: Duration = Duration::from_millis(800);

/// What was found last, and when.
pub(super) struct Readiness {
    last: Mutex<Option<(Instant, Verdict)>>,
    /// The row that is kept, one of few: two instances seldom have the same, and none that hangs holds up another.
    name: String,
}

/// Nothing, or what is wrong in words for whoever may ask.
type Verdict = Result<(), &'static str>;

/// 200, or 503 and why.
#[handler]
pub(super) async fn ready(app: Data<&Arc<App>>, readiness: Data<&Arc<Readiness>>) -> Response {
    let verdict = if app.stopping.load(Ordering::Relaxed) {
        Err("stopping")
    } else {
        // A task of its own: what it has begun on a connection is not broken off when the second is over.
        let verdict = Readiness::verdict(Arc::clone(&readiness), Arc::clone(&app));
        let asked = tokio::spawn(verdict.in_current_span());
        timeout(SECOND, asked).await.ok().and_then(Result::ok).unwrap_or(Err(words(&StoreError::Silent)))
    };
    let (status, text) = match verdict {
        Ok(()) => (StatusCode::OK, "ready"),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
    };
    Response::builder().status(status).content_type("text/plain; charset=utf-8").body(format!("{text}\n"))
}

impl Readiness {
    pub(super) fn new(random: &Random) -> Self {
        let [chance] = random.bytes::<1>();
        Self { last: Mutex::default(), name: format!("ready {chance}") }
    }

    async fn verdict(this: Arc<Self>, app: Arc<App>) -> Verdict {
        let Ok(mut last) = timeout(SECOND, this.last.lock()).await else {
            return Err(words(&StoreError::Silent));
        };
        if let Some((_, verdict)) = last.as_ref().filter(|(at, _)| at.elapsed() < SECOND) {
            return *verdict;
        }
        let verdict =
            patience::within(PATIENCE, 2 * SECOND, tried(&app, &this.name)).await.map_err(|error| {
                tracing::warn!(%error, "not ready");
                words(&error)
            });
        *last = Some((Instant::now(), verdict));
        verdict
    }
}

/// Reads what every request relies on, and keeps a row.
async fn tried(app: &App, name: &str) -> store::Result<()> {
    store::check_version(&app.store).await?;
    let mut tx = app.store.begin().await?;
    facts::put(&mut tx, name, &rfc3339(app.now())).await?;
    tx.commit().await
}

fn words(error: &StoreError) -> &'static str {
    match error {
        StoreError::ReadOnly(_) => "the database takes no writes",
        StoreError::NoConnection(_) => "the database allows no more connections",
        StoreError::Version { .. } => "the database is of another version",
        StoreError::Driver(_) | StoreError::Commit(_) => "the database keeps nothing",
        StoreError::Busy(_) => "the database is busy",
        _ => "the database does not answer",
    }
}
