//! A migration is killed at some moment, again and again (F19): afterwards the schema is that of a clean start.

use std::process::Stdio;
use std::time::{Duration, Instant};

use multauth::base::Random;
use serde_json::json;

use super::cluster::Cluster;
use super::site::Site;
use super::sql;
use super::table::{Seen, seconds};
use crate::support::person::PASSWORD;

/// How often it is killed.
const KILLS: usize = 12;

const SQLITE: &str = "SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_master ORDER BY 1";
const POSTGRES: &str = "SELECT t FROM (
    SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
            || COALESCE(column_default, '') AS t
        FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public') all_of_it ORDER BY t";

pub async fn on_sqlite() -> Result<Seen, String> {
    Ok(play(SQLITE, async |_| Site::on_sqlite()).await)
}

pub async fn on_postgres() -> Result<Seen, String> {
    let cluster = Cluster::start()?;
    Ok(play(POSTGRES, async |n| Site::on(&cluster.database(&format!("m{n}")).await)).await)
}

async fn play(schema: &str, site: impl AsyncFn(usize) -> Site) -> Seen {
    let mut seen = Seen::default();
    let clean = site(0).await;
    let began = Instant::now();
    assert!(migrates(&clean).wait().unwrap().success());
    let takes = began.elapsed();
    seen.figure(format!("{KILLS} kills within the {} that it takes", seconds(takes)));
    let wanted = sql::strings(&clean.database, schema).await;
    let (mut half, mut unlike, mut unready) = (0, 0, 0);
    for n in 1..=KILLS {
        let site = site(n).await;
        let mut migrating = migrates(&site);
        let [chance] = Random::System.bytes::<1>();
        tokio::time::sleep(takes.mul_f64(f64::from(chance) / 255.0)).await;
        migrating.kill().unwrap();
        half += usize::from(!migrating.wait().unwrap().success());
        let program = site.start().await;
        let body = json!({ "username": "somebody", "password": PASSWORD });
        let said = site.caller(Duration::from_secs(10)).post("signup", "/v1/signup", body).await;
        unready += usize::from(!said.is(200));
        drop(program);
        unlike += usize::from(sql::strings(&site.database, schema).await != wanted);
        site.ends_well(&mut seen);
    }
    seen.figure(format!("{half} were killed before its end"));
    seen.must(half > 0, "none was killed before its end");
    seen.none("schemas unlike that of a clean start", unlike);
    seen.none("sign-ups that failed", unready);
    seen
}

fn migrates(site: &Site) -> std::process::Child {
    let mut command = site.command(&[], &["migrate"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}
