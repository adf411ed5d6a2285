//! Events: what happened, and the webhooks that are still to be told.

use std::sync::LazyLock;

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, FromRow};

use super::sql::{self, Db, Params, Result};
use crate::base::{Millis, SessionId, UserId};

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromRow)]
pub struct Row {
    /// A random UUID.
    pub id: String,
    /// Rises with time. What two calls wrote of one user at the same moment may have the same; then the id decides.
    pub position: i64,
    /// When it happened.
    pub at: Millis,
    /// Its name, such as `user.created`.
    pub name: String,
    /// Whom it is about.
    pub user_id: Option<UserId>,
    /// The session concerned.
    pub session_id: Option<SessionId>,
    /// The network it came from; empty where nobody called.
    pub network: String,
    /// The request that did it; empty where nobody called.
    pub request: String,
    /// The payload, a JSON object without anything personal.
    pub data: String,
    /// What names the user, a JSON object; none from the purge on.
    pub personal: Option<String>,
    /// By what one about nobody is found, with others about the same identifier; written, and not read.
    #[sqlx(default)]
    pub subject: Option<String>,
}

/// How many rows one statement writes at most.
const AT_ONCE: usize = 8;
/// Parameters of a row.
const WIDTH: usize = 11;

/// The statements that insert 1, 2, … [`AT_ONCE`] rows. A row never stands before what its user has already, whatever
/// the clock of another instance said. One about nobody is looked up too, by its subject or id (R16).
static INSERT: LazyLock<[String; AT_ONCE]> = LazyLock::new(|| std::array::from_fn(|n| insert_text(n + 1)));

fn insert_text(rows: usize) -> String {
    let row = |n: usize| {
        let p = |column: usize| n * WIDTH + column;
        let latest = format!(
            "(SELECT MAX(position) + 1 + {n} FROM events \
             WHERE COALESCE(user_id, subject, id) \
             = COALESCE(CAST(${} AS TEXT), CAST(${} AS TEXT), CAST(${} AS TEXT)))",
            p(5),
            p(11),
            p(1)
        );
        format!(
            "(${}, CASE WHEN {latest} > CAST(${} AS BIGINT) THEN {latest} ELSE CAST(${} AS BIGINT) END, \
             ${}, ${}, ${}, ${}, ${}, ${}, ${}, ${}, ${})",
            p(1),
            p(2),
            p(2),
            p(3),
            p(4),
            p(5),
            p(6),
            p(7),
            p(8),
            p(9),
            p(10),
            p(11)
        )
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO events (id, position, at, name, user_id, session_id, network, request, data, personal, \
         subject) \
         VALUES {}",
        rows.join(", ")
    )
}

/// It is due when the one before it of its user is; one about nobody waits for no other (see [`super::webhooks`]).
const QUEUE: &str = "INSERT INTO webhook_deliveries (id, webhook, event_id, subject, position, state, tries,
    created_at, due_at, leased_until)
    SELECT $1, $2, id, COALESCE(user_id, id), position, 'queued', 0, at,
        COALESCE((SELECT d.due_at FROM webhook_deliveries d WHERE d.state = 'queued' AND d.webhook = $2
            AND d.subject = COALESCE(events.user_id, events.id) ORDER BY d.position DESC LIMIT 1), at), 0
    FROM events WHERE id = $3";

/// Some rows as the parameters of one statement.
struct Rows<'p>(&'p [Row]);

macro_rules! bind {
    ($rows:expr, $args:ty) => {{
        let mut args = <$args>::default();
        for row in $rows {
            args.add(row.id.as_str()).map_err(sqlx::Error::Encode)?;
            args.add(row.position).map_err(sqlx::Error::Encode)?;
            args.add(row.at).map_err(sqlx::Error::Encode)?;
            args.add(row.name.as_str()).map_err(sqlx::Error::Encode)?;
            args.add(row.user_id.as_deref()).map_err(sqlx::Error::Encode)?;
            args.add(row.session_id.as_deref()).map_err(sqlx::Error::Encode)?;
            args.add(row.network.as_str()).map_err(sqlx::Error::Encode)?;
            args.add(row.request.as_str()).map_err(sqlx::Error::Encode)?;
            args.add(row.data.as_str()).map_err(sqlx::Error::Encode)?;
            args.add(row.personal.as_deref()).map_err(sqlx::Error::Encode)?;
            args.add(row.subject.as_deref()).map_err(sqlx::Error::Encode)?;
        }
        Ok(args)
    }};
}

impl<'p> Params<'p> for Rows<'p> {
    fn sqlite(self) -> Result<SqliteArguments> {
        bind!(self.0, SqliteArguments)
    }

    fn postgres(self) -> Result<PgArguments> {
        bind!(self.0, PgArguments)
    }
}

/// Writes events, in the order of `rows`.
pub async fn insert(db: &mut impl Db, rows: &[Row]) -> Result<()> {
    for some in rows.chunks(AT_ONCE) {
        // A chunk has one row at least and `AT_ONCE` at most.
        let text: &'static str = &INSERT[some.len() - 1];
        sql::run(db, text, Rows(some)).await?;
    }
    Ok(())
}

/// Queues an event that was just written for a webhook.
pub async fn queue(db: &mut impl Db, id: &str, webhook: &str, event: &str) -> Result<()> {
    sql::run(db, QUEUE, (id, webhook, event)).await.map(drop)
}

const FORGET: &str = "UPDATE events SET personal = NULL, network = '', request = '', session_id = NULL
    WHERE COALESCE(user_id, subject, id) = $1";

/// Takes away what could lead from a user's events to a person; what happened, and when, stays (R146, R150).
pub async fn forget(db: &mut impl Db, user_id: &UserId) -> Result<u64> {
    sql::run(db, FORGET, (user_id,)).await
}
