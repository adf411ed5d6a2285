//! One statement text, two native drivers.
//!
//! Every statement is written once with `$1..$n` and sent through [`Exec`], which owns the only
//! two matches on the backend. Parameters and rows keep their native types.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Decode, Encode, FromRow, PgConnection, Postgres, Sqlite, SqliteConnection, Type};

use super::StoreError;

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
    /// The connection behind it.
    fn exec(&mut self) -> Exec<'_>;
}

/// Runs one expression on whichever driver is behind `$db`. The statement is logged at the finest level, without what
/// is bound to it.
macro_rules! dispatch {
    ($db:expr, ($sql:expr, $params:expr), |$args:ident, $conn:ident| $body:expr) => {{
        tracing::trace!(statement = $sql);
        match $db.exec() {
            Exec::Sqlite($conn) => {
                let $args = $params.sqlite()?;
                $body
            }
            Exec::Postgres($conn) => {
                let $args = $params.postgres()?;
                $body
            }
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
    match db.exec() {
        Exec::Sqlite(conn) => sqlx::raw_sql(sql).execute(conn).await.map(drop)?,
        Exec::Postgres(conn) => sqlx::raw_sql(sql).execute(conn).await.map(drop)?,
    }
    Ok(())
}
