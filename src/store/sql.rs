//! One statement text, two native drivers.
//!
//! Every statement is written once with `$1..$n` and sent through [`Exec`], which owns the only
//! two matches on the backend. Parameters and rows keep their native types.

use std::pin::Pin;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Decode, Encode, FromRow, PgConnection, Postgres, Sqlite, SqliteConnection, Type};

use tokio::time::{Instant, timeout_at};

use super::{StoreError, patience};

/// What a statement gives.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A value that both drivers can bind.
pub trait Param<'p>:
    Send + Encode<'p, Sqlite> + Type<Sqlite> + Encode<'p, Postgres> + Type<Postgres>
{
}
impl<'p, T> Param<'p> for T where
    T: Send + Encode<'p, Sqlite> + Type<Sqlite> + Encode<'p, Postgres> + Type<Postgres>
{
}

/// A row that both drivers can decode; `#[derive(FromRow)]` makes one.
pub trait Row: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}
impl<T> Row for T where T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}

/// A single column that both drivers can decode.
pub trait Scalar:
    Send + Unpin + for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}
impl<T> Scalar for T where
    T: Send
        + Unpin
        + for<'r> Decode<'r, Sqlite>
        + Type<Sqlite>
        + for<'r> Decode<'r, Postgres>
        + Type<Postgres>
{
}

/// Positional parameters: `()`, `(a,)`, `(a, b)`, …
pub trait Params<'p>: Send {
    /// As SQLite's arguments.
    fn sqlite(self) -> Result<SqliteArguments>;
    /// As PostgreSQL's arguments.
    fn postgres(self) -> Result<PgArguments>;
}

macro_rules! params {
    ($($t:ident)*) => {
        impl<'p, $($t: Param<'p>),*> Params<'p> for ($($t,)*) {
            #[allow(non_snake_case, unused_mut, unused_imports)]
            fn sqlite(self) -> Result<SqliteArguments> {
                use sqlx::Arguments as _;
                let ($($t,)*) = self;
                let mut args = SqliteArguments::default();
                $(args.add($t).map_err(sqlx::Error::Encode)?;)*
                Ok(args)
            }
            #[allow(non_snake_case, unused_mut, unused_imports)]
            fn postgres(self) -> Result<PgArguments> {
                use sqlx::Arguments as _;
                let ($($t,)*) = self;
                let mut args = PgArguments::default();
                $(args.add($t).map_err(sqlx::Error::Encode)?;)*
                Ok(args)
            }
        }
    };
}
params!();
params!(A);
params!(A B);
params!(A B C);
params!(A B C D);
params!(A B C D E);
params!(A B C D E F);
params!(A B C D E F G);
params!(A B C D E F G H);
params!(A B C D E F G H I);
params!(A B C D E F G H I J);
params!(A B C D E F G H I J K);
params!(A B C D E F G H I J K L);
params!(A B C D E F G H I J K L M);
params!(A B C D E F G H I J K L M N);
params!(A B C D E F G H I J K L M N O);
params!(A B C D E F G H I J K L M N O P);
params!(A B C D E F G H I J K L M N O P Q);

/// A borrowed connection or open transaction that statements run on.
pub enum Exec<'c> {
    /// SQLite's.
    Sqlite(&'c mut SqliteConnection),
    /// PostgreSQL's.
    Postgres(&'c mut PgConnection),
}

/// Anything that statements run on: [`super::Reader`] and [`super::Tx`].
pub trait Db: Send {
    /// Whether what failed with its connection may be tried again on another one: nothing was changed by it.
    fn again(&self) -> bool {
        false
    }

    /// The connection behind it.
    fn exec(&mut self) -> Exec<'_>;

    /// A statement begins; gives until when it has to be answered.
    fn begins(&mut self) -> Instant {
        Instant::now() + super::TIMEOUT
    }

    /// It ended; where this is not called, it is under way for as long as there is this.
    fn ended(&mut self, _error: Option<&StoreError>) {}

    /// Goes on with another connection, where [`Db::again`].
    fn another(&mut self) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Ok(()))
    }
}

/// What a statement is to give; on the heap, so that a request that waits for one is no larger for it.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// What a statement gives until its deadline.
async fn until<T>(deadline: Instant, answer: Answer<'_, T>) -> Result<T> {
    let began = Instant::now();
    let outcome = timeout_at(patience::until(began, deadline), answer).await;
    patience::answered(began);
    outcome.unwrap_or(Err(StoreError::Silent))
}

/// Runs one expression on whichever driver is behind `$db`, until the deadline; where a connection was lost by what
/// only reads, once more on another. The statement is logged at the finest level, without what is bound to it.
macro_rules! dispatch {
    ($db:expr, ($sql:expr, $params:expr), |$args:ident, $conn:ident| $body:expr) => {{
        tracing::trace!(statement = $sql);
        let (deadline, again) = ($db.begins(), $db.again());
        let (answer, spare): (Answer<'_, _>, _) = match $db.exec() {
            Exec::Sqlite($conn) => {
                let $args = $params.sqlite();
                let answer = Box::pin(async move {
                    let $args = $args?;
                    $body
                });
                (answer, None)
            }
            Exec::Postgres($conn) => {
                let $args = $params.postgres();
                let spare = $args.as_ref().ok().filter(|_| again).cloned();
                let answer = Box::pin(async move {
                    let $args = $args?;
                    $body
                });
                (answer, spare)
            }
        };
        let outcome = until(deadline, answer).await;
        $db.ended(outcome.as_ref().err());
        match (outcome, spare) {
            (Err(StoreError::Lost(_)), Some($args)) => {
                $db.another().await?;
                let deadline = $db.begins();
                let answer: Answer<'_, _> = match $db.exec() {
                    Exec::Postgres($conn) => Box::pin(async move { $body }),
                    Exec::Sqlite(_) => Box::pin(async { Err(StoreError::Busy(super::MET)) }),
                };
                let outcome = until(deadline, answer).await;
                $db.ended(outcome.as_ref().err());
                outcome
            }
            (outcome, _) => outcome,
        }
    }};
}

/// Runs a statement; gives the number of rows it touched.
pub async fn run<'p>(db: &mut impl Db, sql: &'static str, params: impl Params<'p>) -> Result<u64> {
    dispatch!(db, (sql, params), |args, conn| Ok(sqlx::query_with(sql, args)
        .execute(&mut *conn)
        .await?
        .rows_affected()))
}

/// Whether a statement found the row that it was meant for, as it was meant to be.
#[must_use = "a row that was not there is an answer too"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It did: one row, or more.
    Yes,
    /// Nothing was there to change.
    No,
}

impl Changed {
    /// Whether there was something to change.
    pub fn is_yes(self) -> bool {
        self == Self::Yes
    }

    /// Whether there was nothing to change.
    pub fn is_no(self) -> bool {
        self == Self::No
    }

    /// For what goes on either way.
    pub fn either_way(self) {}
}

impl From<bool> for Changed {
    fn from(changed: bool) -> Self {
        if changed { Self::Yes } else { Self::No }
    }
}

/// Runs a statement that changes what is there, or finds nothing to change.
pub async fn change<'p>(db: &mut impl Db, sql: &'static str, params: impl Params<'p>) -> Result<Changed> {
    Ok((run(db, sql, params).await? > 0).into())
}

/// The first row, where there is one.
pub async fn first<'p, T: Row>(
    db: &mut impl Db,
    sql: &'static str,
    params: impl Params<'p>,
) -> Result<Option<T>> {
    dispatch!(db, (sql, params), |args, conn| Ok(sqlx::query_as_with(sql, args)
        .fetch_optional(&mut *conn)
        .await?))
}

/// All rows.
pub async fn all<'p, T: Row>(db: &mut impl Db, sql: &'static str, params: impl Params<'p>) -> Result<Vec<T>> {
    dispatch!(db, (sql, params), |args, conn| Ok(sqlx::query_as_with(sql, args)
        .fetch_all(&mut *conn)
        .await?))
}

/// The first column of the first row, where there is one.
pub async fn scalar<'p, T: Scalar>(
    db: &mut impl Db,
    sql: &'static str,
    params: impl Params<'p>,
) -> Result<Option<T>> {
    dispatch!(db, (sql, params), |args, conn| Ok(sqlx::query_scalar_with(sql, args)
        .fetch_optional(&mut *conn)
        .await?))
}

/// A text as a part of a pattern of `LIKE … ESCAPE '!'` that stands for itself.
pub fn literal(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// Runs a script of several statements without parameters.
pub async fn script(db: &mut impl Db, sql: &'static str) -> Result<()> {
    let deadline = db.begins();
    let answer: Answer<'_, _> = match db.exec() {
        Exec::Sqlite(conn) => Box::pin(async { Ok(sqlx::raw_sql(sql).execute(conn).await.map(drop)?) }),
        Exec::Postgres(conn) => Box::pin(async { Ok(sqlx::raw_sql(sql).execute(conn).await.map(drop)?) }),
    };
    let outcome = until(deadline, answer).await;
    db.ended(outcome.as_ref().err());
    outcome
}
