//! The rates that hold unless the settings say otherwise, at the doors.

use multauth::base::clock::{DAY, HOUR, MINUTE};
use multauth::settings::Settings;
use serde_json::json;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::{Answer, Client};
use crate::support::person::{OTHER, PASSWORD};

/// Somebody at the `n`-th address of a network; `%` stands for its number.
fn neighbour(app: &TestApp, network: &str, n: usize) -> Client {
    Client::new(&app.base, network.replace('%', &format!("{n:x}")))
}

async fn signin(client: &Client, username: &str, password: &str) -> Answer {
    client.signin(json!({ "username": username, "password": password })).await
}

#[tokio::test]
async fn two_hundred_wrong_secrets_come_from_one_network_in_ten_minutes() {
    let by_name = |settings: &mut Settings| settings.flows = flows(&[&["username", "password"]]);
    for app in TestApp::each(by_name).await {
        app.named("ada").await;
        for (network, next) in [("10.200.0.%", "10.200.1.1"), ("2001:db8:7:%::1", "2001:db8:8::1")] {
            for n in 0..200 {
                // As many from one address as it may.
                let client = neighbour(&app, network, n / 20);
                signin(&client, &format!("somebody{n}"), OTHER).await.wrong();
            }
            let stranger = neighbour(&app, network, 99);
            signin(&stranger, "ada", PASSWORD).await.fails(429, "too_many");
            signin(&Client::new(&app.base, next.into()), "ada", PASSWORD).await.done();
            app.pass(11 * MINUTE);
            signin(&stranger, "ada", PASSWORD).await.done();
        }
    }
}

/// Every ten minutes somebody else, at an address of their own, has a code sent to `name`; gives in which of the
/// `hours` how many came.
async fn nag(app: &TestApp, kind: &str, name: &str, hours: usize) -> Vec<usize> {
    let mut came = Vec::new();
    for _ in 0..hours {
        let mut here = 0;
        for _ in 0..6 {
            let answer = app.client().signin(json!({ kind: name })).await;
            if answer.status != 429 {
                answer.asks();
            }
            here += app.mail().await.len();
            app.pass(10 * MINUTE);
        }
        came.push(here);
    }
    came
}

#[tokio::test]
async fn one_number_and_one_mailbox_are_sent_five_codes_an_hour_and_ten_a_day() {
    let by_code = |settings: &mut Settings| {
        settings.flows = flows(&[&["phone", "passcode"], &["email", "passcode"]]);
    };
    for app in TestApp::each(by_code).await {
        for (kind, name) in [("phone", "+12124567890"), ("email", "ada@example.org")] {
            app.signup(json!({ kind: name })).await;
            app.pass(DAY);
            let came = nag(&app, kind, name, 24).await;
            let all: usize = came.iter().sum();
            assert!(came.iter().all(|&hour| hour <= 5), "{} {came:?}", app.database());
            assert_eq!((all, came[0]), (10, 5), "{} {kind} {came:?}", app.database());
            let next = nag(&app, kind, name, 1).await;
            assert_eq!(next, [5], "{} {kind}: the next day", app.database());
            app.pass(DAY);
        }
    }
}

#[tokio::test]
async fn one_client_has_twenty_codes_sent_an_hour() {
    for app in TestApp::each(|settings| unlimited(settings, &["signup"])).await {
        let client = app.client();
        let signup = async |n: usize| {
            client.signup(json!({ "email": format!("person{n}@example.org"), "password": PASSWORD })).await
        };
        for n in 0..25 {
            signup(n).await.asks();
        }
        assert_eq!(app.mail().await.len(), 20, "{}", app.database());
        let body = json!({ "email": "other@example.org", "password": PASSWORD });
        app.client().signup(body).await.asks();
        assert_eq!(app.mail().await.len(), 1, "{}: another client is not held up", app.database());
        app.pass(HOUR - 1);
        signup(25).await.asks();
        TestApp::assert_silent(&app.mail().await);
        app.pass(1);
        signup(26).await.asks();
        assert_eq!(app.mail().await.len(), 1, "{}", app.database());
    }
}
