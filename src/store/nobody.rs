//! Reading nobody is reading somebody: as many rows of the same columns come from the database, and are dropped.

use super::devices::{self, Device};
use super::secrets::{self, Secret};
use super::users::{self, NOBODY, New, User};
use super::{Db, Store, migrate, sql};

const AT: i64 = 1_772_359_200_000;
const ADDRESS: &str = "ada@example.org";

fn device(user: &str) -> Device {
    Device {
        id: "d".into(),
        user_id: user.into(),
        kind: "email".into(),
        canonical: Some(ADDRESS.into()),
        delivery: Some(ADDRESS.into()),
        label: String::new(),
        is_primary: true,
        secret: None,
        last_step: None,
        created_at: AT,
        confirmed_at: Some(AT),
        proven_at: Some(AT),
        last_used_at: None,
        replaces: None,
        own: None,
        added_in: None,
        hidden_at: None,
        failing_since: None,
    }
}

/// How many rows each statement gives for an address and a user.
async fn rows(db: &mut impl Db, address: &str, user: &str) -> [usize; 4] {
    let owner: Vec<Device> = sql::all(db, devices::OWNER, ("email", address)).await.unwrap();
    let users: Vec<User> = sql::all(db, users::BY_ID, (user,)).await.unwrap();
    let devices: Vec<Device> = sql::all(db, devices::OF_USER, (user,)).await.unwrap();
    let secrets: Vec<Secret> = sql::all(db, secrets::OF_USER, (user,)).await.unwrap();
    [owner.len(), users.len(), devices.len(), secrets.len()]
}

#[tokio::test]
async fn nobody_costs_as_many_rows_as_somebody_and_is_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}", folder.path().join("a.db").display()), 1).await.unwrap();
    migrate(&store).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    users::insert(&mut tx, &New::active("ada", "{}"), AT).await.unwrap();
    secrets::set(&mut tx, "s", "ada", secrets::PASSWORD, "$", AT, None).await.unwrap();
    devices::insert(&mut tx, &device("ada")).await.unwrap();
    assert_eq!(rows(&mut tx, ADDRESS, "ada").await, [1; 4]);
    assert_eq!(rows(&mut tx, "eve@example.org", NOBODY).await, [1; 4]);
    assert_eq!(rows(&mut tx, ADDRESS, "eve").await, [1, 0, 0, 0], "only who is asked for as nobody");

    assert_eq!(devices::owner(&mut tx, "email", ADDRESS).await.unwrap().unwrap().user_id, "ada");
    assert!(devices::owner(&mut tx, "email", "eve@example.org").await.unwrap().is_none());
    assert!(users::by_id(&mut tx, NOBODY).await.unwrap().is_none());
}
