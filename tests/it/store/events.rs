//! Events, on both databases.

use multauth::store::events::{self, Row};

use super::rows::{NOW, user};
use crate::support::databases;

fn event(id: &str, position: i64, user: Option<&str>) -> Row {
    Row {
        id: id.into(),
        position,
        at: NOW,
        name: "user.updated".into(),
        user_id: user.map(str::to_owned),
        session_id: None,
        network: "203.0.113.0/24".into(),
        request: String::new(),
        data: "{}".into(),
        personal: None,
    }
}

#[tokio::test]
async fn events_of_one_user_stand_in_order_whatever_the_clocks_say() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        user(tx, "u").await;
        let many: Vec<Row> = (0..11).map(|n| event(&format!("a{n:02}"), 1_000 + n, Some("u"))).collect();
        events::insert(tx, &many).await.unwrap();
        // Another instance, whose clock is behind, and somebody else.
        let late = [event("b", 5, Some("u")), event("c", 6, Some("u")), event("d", 7, None)];
        events::insert(tx, &late).await.unwrap();
        events::insert(tx, &[]).await.unwrap();
        let found = events::of_user(tx, "u", 1_008, 10).await.unwrap();
        let ids: Vec<&str> = found.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["a09", "a10", "b", "c"], "{}", db.name);
        assert_eq!(found[1], many[10]);
        events::queue(tx, "q", "crm", "d").await.unwrap();
    }
}
