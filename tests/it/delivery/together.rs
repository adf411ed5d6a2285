//! Messages that were delivered at the same moment are written down together; one that cannot be takes no other
//! with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use multauth::base::clock::MINUTE;
use serde_json::json;
use tokio::sync::Notify;

use crate::support::app::TestApp;
use crate::support::until;

const PEOPLE: i64 = 6;
const SENT: &str = "SELECT COUNT(*) FROM outbox WHERE state = 'sent'";

/// Lets the worker run until `sent` messages are written down, and what is under way is done.
async fn deliver(app: &TestApp, sent: i64) {
    let stop = Arc::new(Notify::new());
    let running = tokio::spawn(app.worker().run(stop.clone()));
    until("they are written down", 10, async || app.rows().number(SENT).await == sent).await;
    stop.notify_one();
    running.await.unwrap();
}

#[tokio::test]
async fn a_message_that_cannot_be_written_down_takes_no_other_with_it_and_is_sent_again() {
    let console = toml::Table::from_iter([("kind".into(), "console".into())]);
    for app in TestApp::each(|settings| settings.email.providers = vec![console.clone()]).await {
        for n in 0..PEOPLE {
            let person = json!({ "email": format!("p{n}@example.org"), "password": "seventeen herons" });
            app.client().signup(person).await.asks();
        }
        // One may be sent, and no second.
        app.rows().execute("CREATE UNIQUE INDEX lonely ON outbox (state) WHERE state = 'sent'").await;
        deliver(&app, 1).await;
        app.rows().execute("DROP INDEX lonely").await;
        app.pass(2 * MINUTE);
        deliver(&app, PEOPLE).await;
        let mut times = BTreeMap::<_, usize>::new();
        for message in app.app.inbox.as_ref().unwrap().all() {
            *times.entry((message.to, message.id)).or_default() += 1;
        }
        let times: Vec<usize> = times.into_values().collect();
        assert_eq!(times.len(), 6, "each has one id for good: {times:?}");
        assert_eq!(times.iter().filter(|times| **times == 1).count(), 1, "{}: {times:?}", app.database());
        assert_eq!(times.iter().filter(|times| **times == 2).count(), 5, "{}: {times:?}", app.database());
    }
}
