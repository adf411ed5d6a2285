//! What happens once happens once, however many ask at the same moment and at whichever instance (R24,
//! R25, R101).

use std::collections::BTreeMap;

use futures_util::future::join_all;
use multauth::settings::Settings;
use serde_json::json;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::{Answer, Client};
use crate::support::mailbox::wrong;
use crate::support::person::PASSWORD;

const EMAIL: &str = "maria@example.org";
const AT_ONCE: u32 = 100;

fn open(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "passcode"], &["username", "password"]]);
    let all = ["signin", "signup", "attempt", "failures", "send", "username_lookup"];
    unlimited(settings, &all);
}

/// Two instances on every database: what one of them remembers is not enough.
async fn pairs() -> Vec<(TestApp, TestApp)> {
    let mut pairs = Vec::new();
    for app in TestApp::each(open).await {
        let other = app.again().await;
        pairs.push((app, other));
    }
    pairs
}

/// As many calls as there are bodies, at the same moment, at both instances by turns.
async fn at_once<F>(apps: &(TestApp, TestApp), call: impl Fn(Client, u32) -> F) -> Vec<Answer>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let (one, other) = (apps.0.client(), apps.0.client().at(&apps.1.base));
    let client = |n: u32| if n.is_multiple_of(2) { one.clone() } else { other.clone() };
    let calls: Vec<_> = (0..AT_ONCE).map(|n| tokio::spawn(call(client(n), n))).collect();
    join_all(calls).await.into_iter().map(Result::unwrap).collect()
}

/// How often each status came; none of them is a fault of ours.
fn statuses(answers: &[Answer]) -> BTreeMap<u16, usize> {
    let mut counted = BTreeMap::new();
    for answer in answers {
        assert!(answer.status < 500, "{answer:?}");
        *counted.entry(answer.status).or_default() += 1;
    }
    counted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_right_codes_one_passes() {
    for apps in pairs().await {
        apps.0.signup(json!({ "email": EMAIL })).await;
        for round in 0..3 {
            let asked = apps.0.client().signin(json!({ "email": EMAIL })).await.asks();
            let code = apps.0.code().await;
            let answers = at_once(&apps, |client, _| {
                let (attempt, code) = (asked.attempt.clone(), code.code().to_owned());
                async move { client.passcode(&attempt, &code).await }
            })
            .await;
            let passed = statuses(&answers).get(&200).copied();
            assert_eq!(passed, Some(1), "round {round} on {}: {:?}", apps.0.database(), statuses(&answers));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_wrong_codes_five_are_looked_at() {
    for apps in pairs().await {
        apps.0.signup(json!({ "email": EMAIL })).await;
        let asked = apps.0.client().signin(json!({ "email": EMAIL })).await.asks();
        let code = apps.0.code().await;
        let answers = at_once(&apps, |client, n| {
            let (attempt, code) = (asked.attempt.clone(), wrong(code.code(), n));
            async move { client.passcode(&attempt, &code).await }
        })
        .await;
        assert_eq!(statuses(&answers).get(&200), None);
        let looked_at = apps.0.rows().number("SELECT MAX(guesses) FROM challenges").await;
        assert_eq!(looked_at, 5, "on {}", apps.0.database());
        let late = apps.0.client().passcode(&asked.attempt, code.code()).await;
        assert!([410, 429].contains(&late.status), "the code is dead: {late:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_sign_ups_with_one_name_one_makes_an_account() {
    for apps in pairs().await {
        for round in 0..3 {
            let answers = at_once(&apps, |client, _| async move {
                client.signup(json!({ "username": format!("ada{round}"), "password": PASSWORD })).await
            })
            .await;
            let expected = BTreeMap::from([(200, 1), (409, AT_ONCE as usize - 1)]);
            assert_eq!(statuses(&answers), expected, "on {}", apps.0.database());
        }
        assert_eq!(apps.0.rows().number("SELECT COUNT(*) FROM users").await, 3);
        assert_eq!(apps.0.rows().number("SELECT COUNT(*) FROM devices").await, 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_proofs_of_one_address_one_makes_an_account() {
    for apps in pairs().await {
        let mut waiting = Vec::new();
        for _ in 0..AT_ONCE {
            let asked = apps.0.client().signup(json!({ "email": EMAIL })).await.asks();
            waiting.push((asked.attempt, apps.0.code().await.code().to_owned()));
        }
        let answers = at_once(&apps, |client, n| {
            let (attempt, code) = waiting[n as usize].clone();
            async move { client.passcode(&attempt, &code).await }
        })
        .await;
        assert_eq!(statuses(&answers).get(&200), Some(&1), "{:?}", statuses(&answers));
        assert_eq!(apps.0.rows().number("SELECT COUNT(*) FROM users").await, 1);
        assert_eq!(apps.0.rows().number("SELECT COUNT(*) FROM sessions").await, 1);
    }
}
