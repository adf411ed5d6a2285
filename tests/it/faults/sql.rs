//! Statements past the program, on its database.

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

/// The first column of all rows, text.
pub async fn strings(url: &str, sql: &str) -> Vec<String> {
    let sql = AssertSqlSafe(sql.to_owned());
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
    } else {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
    }
}

/// The first column of the first row, a number.
pub async fn number(url: &str, sql: &str) -> i64 {
    let sql = AssertSqlSafe(sql.to_owned());
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
    } else {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
    }
}

/// Runs statements on PostgreSQL.
pub async fn run(url: &str, sql: &str) {
    run_each(url, &[sql]).await;
}

/// Runs statements on PostgreSQL, each in a transaction of its own, over one connection.
pub async fn run_each(url: &str, all: &[&str]) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    for sql in all {
        sqlx::raw_sql(AssertSqlSafe((*sql).to_owned())).execute(&mut connection).await.unwrap();
    }
}

/// Ends every connection of the program to this database; gives how many there were.
pub async fn terminate_all(url: &str) -> i64 {
    const ITS: &str = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'multauth'";
    number(url, ITS).await
}
