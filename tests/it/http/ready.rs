//! `/readyz` says within a second whether something can be kept.

use std::time::{Duration, Instant};

use sqlx::{Connection, SqliteConnection};

use crate::support::program::{Program, config};

#[tokio::test]
async fn it_is_not_ready_while_nothing_can_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (file, address) = config(folder.path(), "", "");
    let program = Program::start(&file, address).await;
    let url = format!("sqlite://{}/multauth.db", folder.path().display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let ask = async |path: &str| {
        let answer = http.get(format!("http://{}{path}", program.address)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(ask("/readyz").await, (200, "ready\n".to_owned()));
    // Another process writes, and does not end.
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let began = Instant::now();
    while ask("/readyz").await.0 == 200 {
        // What was found is told for a second.
        assert!(began.elapsed() < Duration::from_secs(2), "it says that it is ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let began = Instant::now();
    assert_eq!(ask("/readyz").await.0, 503);
    assert!(began.elapsed() < Duration::from_millis(1_300), "{:?}", began.elapsed());
    assert_eq!(ask("/healthz").await.0, 200);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    let began = Instant::now();
    while ask("/readyz").await.0 != 200 {
        assert!(began.elapsed() < Duration::from_secs(5), "it does not say that it is ready again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
