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

#[tokio::test]
async fn what_is_forgotten_leads_to_nobody() {
    for db in databases::migrated().await {
        let mut tx = db.store.begin().await.unwrap();
        let tx = &mut tx;
        let whole = |id: &str, user: &str| Row {
            session_id: Some("s".into()),
            request: "r".into(),
            personal: Some("{}".into()),
            ..event(id, 1, Some(user))
        };
        events::insert(tx, &[whole("a", "u"), whole("b", "v")]).await.unwrap();
        assert_eq!(events::forget(tx, "u").await.unwrap(), 1, "{}", db.name);
        let row = events::of_user(tx, "u", 0, 9).await.unwrap().remove(0);
        assert_eq!(
            (row.personal, row.session_id, row.network.as_str(), row.request.as_str()),
            (None, None, "", "")
        );
        assert_eq!((row.name.as_str(), row.at), ("user.updated", NOW));
        assert!(events::of_user(tx, "v", 0, 9).await.unwrap()[0].personal.is_some());
    }
}
