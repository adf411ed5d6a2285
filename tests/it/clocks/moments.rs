//! Every moment that is stored is judged as `src/base/moments.rs` says, which names each.

use multauth::store::{self, Exec};

use crate::support::databases;

const SAID: &str = include_str!("../../../src/base/moments.rs");

/// Whether a column is a moment, by its name.
fn is_moment(column: &str) -> bool {
    let ends = ["_at", "_until", "_ends", "_start", "_since", "_step", "_time"];
    ends.iter().any(|end| column.ends_with(end)) || ["at", "since", "day", "position"].contains(&column)
}

#[tokio::test]
async fn every_moment_of_the_schema_is_named() {
    let db = databases::sqlite().await;
    store::migrate(&db.store).await.unwrap();
    let mut tx = db.store.begin().await.unwrap();
    let Exec::Sqlite(conn) = store::Db::exec(&mut tx) else { panic!("no SQLite") };
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND c.type = 'BIGINT'",
    )
    .fetch_all(conn)
    .await
    .unwrap();
    let moments: Vec<_> = columns.iter().filter(|(_, column)| is_moment(column)).collect();
    assert!(moments.len() > 50, "{moments:?}");
    let unsaid: Vec<_> = moments
        .into_iter()
        .filter(|(table, column)| !SAID.contains(&format!("`{table}.{column}`")))
        .collect();
    assert!(unsaid.is_empty(), "say how these are judged: {unsaid:?}");
}
