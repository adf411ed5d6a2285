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

/// So many at once, each at an address of their own, have a code sent to `name`; gives how many came.
async fn nag(app: &TestApp, kind: &str, name: &str, many: usize) -> usize {
    for _ in 0..many {
        let answer = app.client().signin(json!({ kind: name })).await;
        if answer.status != 429 {
            answer.asks();
        }
    }
    app.mail().await.len()
}

#[tokio::test]
async fn one_number_and_one_mailbox_are_sent_a_few_codes_at_once_and_then_one_after_the_other() {
    let by_code = |settings: &mut Settings| {
        settings.flows = flows(&[&["phone", "passcode"], &["email", "passcode"]]);
    };
    for app in TestApp::each(by_code).await {
        // How long after the one before they ask, how many, and how many come.
        let mailbox = [(0, 7, 5), (11, 2, 0), (1, 2, 1), (12, 2, 1), (60, 7, 5)];
        // Beyond what it may be sent a number is sent one each two hours, each time to a network that had none.
        let number = [(0, 7, 6), (60, 7, 5), (83, 2, 1), (1, 2, 1), (143, 2, 1), (1, 2, 1)];
        for (kind, name, times) in
            [("phone", "+12124567890", &number[..]), ("email", "ada@example.org", &mailbox[..])]
        {
            app.signup(json!({ kind: name })).await;
            app.pass(2 * DAY);
            for (minutes, many, come) in times {
                app.pass(minutes * MINUTE);
                let came = nag(&app, kind, name, *many).await;
                assert_eq!(came, *come, "{} {kind}, {minutes} minutes later", app.database());
            }
            app.pass(2 * DAY);
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
