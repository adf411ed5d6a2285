//! Events told once more.

use multauth::base::clock::{HOUR, MINUTE};
use multauth::store::webhooks as rows;
use multauth::webhooks::replay;

use super::{WANTED, by_user};
use crate::support::app::{TestApp, unlimited};
use crate::support::receiver::{Manner, Receiver};

const UP: Manner = Manner::Answers(204);

#[tokio::test]
async fn what_failed_or_was_sent_comes_again_with_the_same_id() {
    let receiver = Receiver::start(Manner::Answers(410)).await;
    for app in TestApp::each(|settings| receiver.listens(settings, "crm", &["user.created"])).await {
        let before = receiver.calls().len();
        receiver.now(Manner::Answers(410));
        app.named("ada").await;
        app.webhook_worker.drain().await.unwrap();
        receiver.now(UP);
        let store = &app.app.store;
        assert_eq!(replay::failed(store, "crm", app.clock.now()).await.unwrap(), 1, "{}", app.database());
        assert_eq!(replay::failed(store, "crm", app.clock.now()).await.unwrap(), 0, "it waits");
        app.webhook_worker.drain().await.unwrap();
        let sent = rows::list(&mut store.read().await.unwrap(), "crm", "sent", "", 9).await.unwrap();
        assert_eq!((sent.len(), sent[0].tries), (1, 1));
        assert!(replay::one(store, &sent[0].id, app.clock.now()).await.unwrap());
        assert!(!replay::one(store, &sent[0].id, app.clock.now()).await.unwrap(), "it waits");
        assert!(!replay::one(store, "another", app.clock.now()).await.unwrap());
        app.webhook_worker.drain().await.unwrap();
        let calls = receiver.calls().split_off(before);
        assert_eq!(calls.len(), 3);
        assert!(calls.iter().all(|call| call.id() == calls[0].id() && call.body == calls[0].body));
    }
}

#[tokio::test]
async fn a_new_webhook_is_filled_from_the_trail_in_order() {
    let (old, new) = (Receiver::start(UP).await, Receiver::start(UP).await);
    for app in TestApp::each(|settings| {
        old.listens(settings, "old", WANTED);
        unlimited(settings, &["signup"]);
    })
    .await
    {
        let (told, before) = (old.taken().len(), new.taken().len());
        app.named("early").await;
        app.pass(HOUR);
        for n in 0..12 {
            app.named(&format!("person{n}")).await;
            app.pass(MINUTE);
        }
        app.webhook_worker.drain().await.unwrap();
        let both = app.again_with(|settings| new.listens(settings, "new", WANTED)).await;
        let (store, random) = (&both.app.store, &both.app.random);
        for (name, expected) in [("new", 24), ("old", 24)] {
            let webhook = both.app.plan.webhooks.named(name).unwrap();
            let (since, now) = (app.clock.now() - 30 * MINUTE, app.clock.now());
            let queued = replay::since(store, random, webhook, since, now).await.unwrap();
            assert_eq!(queued, expected, "{}: {name}", app.database());
            let again = replay::since(store, random, webhook, since, now).await.unwrap();
            assert_eq!(again, 0, "they wait already");
        }
        both.webhook_worker.drain().await.unwrap();
        let new = new.taken().split_off(before);
        assert_eq!(by_user(&new).len(), 12);
        for (user, names) in by_user(&new) {
            assert_eq!(names, ["user.created", "signin.succeeded"], "{}: {user}", app.database());
        }
        let all = old.taken().split_off(told);
        assert_eq!(all.len(), 26 + 24, "once, and once more");
        let ids = |from: &Receiver, taken: usize| {
            let calls = from.calls().split_off(taken);
            let mut ids: Vec<_> = calls.iter().map(|call| call.id().to_owned()).collect();
            ids.sort();
            ids.dedup();
            ids.len()
        };
        assert_eq!(ids(&old, told), 26, "with the same ids");
    }
}
