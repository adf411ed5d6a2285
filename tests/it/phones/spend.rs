//! What messages to phones cost is bounded (R45–R47), and the bounds tell nobody who has an account.

use futures_util::future::join_all;
use multauth::base::clock::{DAY, HOUR, MINUTE};
use multauth::settings::Settings;
use serde_json::{Value, json};
use tracing::Level;

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::{Answer, Client};
use crate::support::log::Log;
use crate::support::person::CARD;

/// A number with that end; each is in a block of its own, and all are in one prefix.
fn number(n: usize) -> String {
    format!("+12124{:02}0{:03}", n % 90 + 10, n)
}

fn open(settings: &mut Settings) {
    settings.flows = flows(&[&["phone", "passcode"], &["username", "passcode"], &["email", "password"]]);
    unlimited(settings, &["send", "send_phone", "verification", "signup", "signin"]);
}

async fn verify(client: &Client, to: &str) -> Answer {
    client.post("/v1/verifications", json!({ "to": to })).await
}

fn wait(answer: &Answer) -> u64 {
    assert_eq!(answer.header("retry-after").unwrap(), answer.json()["retry_after"].to_string());
    answer.json()["retry_after"].as_u64().unwrap()
}

/// An answer without what is random by nature.
fn seen(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    if let Some(attempt) = body.get_mut("attempt") {
        *attempt = json!("…");
    }
    (answer.status, body)
}

#[tokio::test]
async fn of_two_hundred_adjacent_numbers_ten_are_written_to() {
    for app in TestApp::each(|_| {}).await {
        for n in 0..200 {
            let body = json!({ "phone": format!("+1212456{:04}", 7_700 + n), "hardcode": CARD });
            app.client().signup(body).await.asks();
        }
        assert_eq!(app.mail().await.len(), 10, "{}", app.database());
        for elsewhere in ["+4915112345678", "+12042345678", "+19002345678"] {
            let refused = app.client().signup(json!({ "phone": elsewhere, "hardcode": CARD })).await;
            let errors = refused.fails(400, "invalid_request").json()["errors"].clone();
            let code = if elsewhere.starts_with("+1900") { "not_texted" } else { "country_not_served" };
            assert_eq!(errors[0]["code"], code, "{errors}");
        }
        TestApp::assert_silent(&app.mail().await);
    }
}

/// Sends to one number after the other until it is refused; gives how many left and the refusal.
async fn exhaust(app: &TestApp, backend: &Client, from: usize) -> (usize, Answer) {
    for n in from..from + 40 {
        let answer = verify(backend, &number(n)).await;
        if answer.status != 201 {
            return (app.mail().await.len(), answer.fails(429, "too_many"));
        }
    }
    panic!("nothing bounds it");
}

#[tokio::test]
async fn each_bound_lets_through_what_it_says_and_opens_with_its_window() {
    /// A setting, and how long its window is.
    type Bound = (fn(&mut Settings), i64);
    let bounds: [Bound; 7] = [
        (|s| s.phone.spend.per_hour = 3, HOUR),
        (|s| s.phone.spend.per_day = 3, DAY),
        (|s| s.phone.spend.country_per_hour = 3, HOUR),
        (|s| s.phone.spend.country_per_day = 3, DAY),
        (|s| (s.phone.spend.price, s.phone.spend.money_per_hour) = (0.1, 0.36), HOUR),
        (|s| (s.phone.spend.price, s.phone.spend.money_per_day) = (0.1, 0.34), DAY),
        (|s| (s.phone.spend.price, s.phone.spend.country_money_per_day) = (0.1, 0.34), DAY),
    ];
    for (n, (bound, window)) in bounds.into_iter().enumerate() {
        let change = |settings: &mut Settings| {
            open(settings);
            bound(settings);
        };
        for app in TestApp::each(change).await {
            let backend = app.backend().await;
            let (left, refused) = exhaust(&app, &backend, 0).await;
            assert_eq!(left, 3, "bound {n} on {}", app.database());
            // Every test begins at ten.
            let most = if window == HOUR { 3_600 } else { 14 * 3_600 };
            assert_eq!(wait(&refused), most, "bound {n}");
            app.pass(i64::try_from(most).unwrap() * 1_000 - 1);
            verify(&backend, &number(50)).await.fails(429, "too_many");
            app.pass(1);
            verify(&backend, &number(51)).await.is(201);
            assert_eq!(app.mail().await.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_country_that_is_full_leaves_others_open() {
    let change = |settings: &mut Settings| {
        open(settings);
        settings.phone.countries = vec!["US".into(), "PL".into()];
        settings.phone.spend.country_per_day = 2;
        settings.phone.spend.prices = [("+48".to_owned(), 0.5)].into();
    };
    for app in TestApp::each(change).await {
        let backend = app.backend().await;
        assert_eq!(exhaust(&app, &backend, 0).await.0, 2);
        for to in ["+48600100267", "+48600100268"] {
            verify(&backend, to).await.is(201);
        }
        verify(&backend, "+48600100269").await.fails(429, "too_many");
        assert_eq!(app.mail().await.len(), 2);
        let sql = "SELECT cost FROM spend WHERE scope = 'day/PL'";
        assert_eq!(app.rows().number(sql).await, 1_000_000, "{}", app.database());
        assert_eq!(app.rows().number("SELECT messages FROM spend WHERE scope = 'day'").await, 4);
    }
}

#[tokio::test]
async fn a_full_window_tells_nothing_of_who_has_an_account() {
    let change = |settings: &mut Settings| {
        open(settings);
        settings.phone.spend.per_hour = 4;
    };
    for app in TestApp::each(change).await {
        app.signup(json!({ "username": "ada", "phone": number(0) })).await;
        exhaust(&app, &app.backend().await, 10).await;
        for (known, unknown) in [
            (json!({ "phone": number(0) }), json!({ "phone": number(90) })),
            (json!({ "username": "ada" }), json!({ "username": "bob" })),
        ] {
            let mut answers = Vec::new();
            for who in [known, unknown] {
                let client = app.client();
                let begun = client.signin(who).await;
                app.pass(MINUTE);
                let sent = client.send(&begun.asks().attempt, json!({})).await;
                let mut begun = seen(&begun).1;
                // A number is masked to its last digits.
                begun["ask"][0]["to"] = json!("…");
                answers.push((begun, seen(&sent).0));
            }
            assert_eq!(answers[0], answers[1], "{}", app.database());
        }
        let taken = app.client().signup(json!({ "username": "eve", "phone": number(0) })).await;
        let free = app.client().signup(json!({ "username": "eve", "phone": number(90) })).await;
        assert_eq!(taken.asks().ask.len(), free.asks().ask.len());
        TestApp::assert_silent(&app.mail().await);
    }
}

/// What goes to nobody costs nothing.
#[tokio::test]
async fn unknown_numbers_use_nothing_up() {
    let change = |settings: &mut Settings| {
        open(settings);
        settings.phone.spend.per_day = 1;
    };
    for app in TestApp::each(change).await {
        for n in 0..5 {
            app.client().signin(json!({ "phone": number(n) })).await.asks();
        }
        verify(&app.backend().await, &number(9)).await.is(201);
        assert_eq!(app.mail().await.len(), 1);
    }
}

#[tokio::test]
async fn a_bound_holds_over_two_instances_and_a_restart() {
    let change = |settings: &mut Settings| {
        open(settings);
        settings.phone.spend.per_day = 10;
    };
    for app in TestApp::each(change).await {
        let other = app.again().await;
        let backend = app.backend().await;
        let send = async |n: usize| {
            let client = if n.is_multiple_of(2) { backend.clone() } else { backend.at(&other.base) };
            loop {
                let answer = verify(&client, &number(n)).await;
                // Two processes on one SQLite file get into each other's way, and say so.
                if answer.status != 503 {
                    return answer.status;
                }
            }
        };
        let statuses = join_all((0..30).map(send)).await;
        let passed = statuses.iter().filter(|status| **status == 201).count();
        // A tenth is kept for who comes by a key once the rest is used up; at once none may have come so late.
        let late = usize::from(send(31).await == 201);
        assert_eq!(passed + late, 10, "{} {statuses:?}", app.database());
        assert!(statuses.iter().all(|status| [201, 429].contains(status)), "{statuses:?}");
        assert_eq!(app.mail().await.len(), 10);
        let restarted = app.again().await;
        verify(&backend.at(&restarted.base), &number(50)).await.fails(429, "too_many");
        let all = "SELECT messages FROM spend WHERE scope = 'day'";
        assert_eq!(app.rows().number(all).await, 10, "what was refused is not counted");
    }
}

/// Codes that nobody types, until the prefix is judged by them.
async fn pump(app: &TestApp, backend: &Client, from: usize, typed: usize) {
    for n in from..from + 5 {
        let started = verify(backend, &number(n)).await.is(201);
        let code = app.code().await;
        if n < from + typed {
            let handle = started.json()["verification"].as_str().unwrap().to_owned();
            let path = format!("/v1/verifications/{handle}/check");
            backend.post(&path, json!({ "passcode": code.code() })).await.is(200);
        }
    }
}

/// A key is left a little where a prefix rests: three an hour of each instance. Gives the refusal of the fourth.
async fn rests(backend: &Client) -> Answer {
    for n in 10..13 {
        verify(backend, &number(n)).await.is(201);
    }
    verify(backend, &number(13)).await.fails(429, "too_many")
}

#[tokio::test]
async fn a_prefix_whose_codes_nobody_types_rests_for_a_while() {
    let change = |settings: &mut Settings| {
        open(settings);
        settings.phone.spend.conversion.sends = 5;
    };
    for app in TestApp::each(change).await {
        let backend = app.backend().await;
        pump(&app, &backend, 0, 0).await;
        // They are still good: somebody may be typing.
        verify(&backend, &number(6)).await.is(201);
        app.pass(11 * MINUTE);
        assert_eq!(wait(&rests(&backend).await), 3_600, "{}", app.database());
        let restarted = app.again().await;
        rests(&backend.at(&restarted.base)).await;
        verify(&backend, "+13105550143").await.is(201);
        app.pass(HOUR);
        app.mail().await;
        pump(&app, &backend, 20, 1).await;
        app.pass(11 * MINUTE);
        verify(&backend, &number(30)).await.is(201);
    }
}

#[tokio::test]
async fn sign_ups_count_as_typed_by_their_codes() {
    let change = |settings: &mut Settings| {
        open(settings);
        settings.phone.spend.conversion.sends = 2;
        settings.phone.spend.conversion.percent = 100;
    };
    for app in TestApp::each(change).await {
        for n in 0..4 {
            app.signup(json!({ "username": format!("name{n}"), "phone": number(n) })).await;
            app.pass(11 * MINUTE);
        }
        let known = json!({ "phone": number(0) });
        app.client().signin(known.clone()).await.asks();
        app.code().await;
        app.pass(11 * MINUTE);
        app.client().signin(known).await.asks();
        TestApp::assert_silent(&app.mail().await);
    }
}

#[tokio::test]
async fn the_operator_is_warned_once_when_little_is_left() {
    let (log, _guard) = Log::listen(Level::INFO);
    let change = |settings: &mut Settings| {
        open(settings);
        settings.phone.spend.per_day = 10;
    };
    let app = TestApp::new(change).await;
    let backend = app.backend().await;
    let warnings = || log.text().matches("80 % of what may be sent to phones is used up").count();
    for n in 0..7 {
        verify(&backend, &number(n)).await.is(201);
    }
    assert_eq!(warnings(), 0);
    Log::hear();
    verify(&backend, &number(7)).await.is(201);
    assert_eq!(warnings(), 1);
    exhaust(&app, &backend, 8).await;
    assert_eq!(warnings(), 1);
}

/// What is dropped gives back what it was counted as, and no more.
#[tokio::test]
async fn dropped_notices_open_no_window_of_codes() {
    let change = |settings: &mut Settings| {
        open(settings);
        settings.flows = flows(&[&["phone", "passcode"], &["username", "hardcode", "passcode"]]);
        settings.phone.spend.per_day = 4;
        (settings.phone.spend.price, settings.phone.spend.money_per_hour) = (0.1, 0.35);
    };
    for app in TestApp::each(change).await {
        let ada = app.signup(json!({ "username": "ada", "phone": number(0) })).await;
        let devices = ada.client.get("/v1/me/devices").await.is(200).json();
        let backend = app.backend().await;
        verify(&backend, &number(1)).await.is(201);
        verify(&backend, &number(2)).await.is(201);
        app.mail().await;
        for n in 0..4 {
            let path = format!("/v1/me/devices/{}", devices[1]["id"].as_str().unwrap());
            ada.client.patch(&path, json!({ "label": format!("mine {n}") })).await.is(200);
        }
        TestApp::assert_silent(&app.mail().await);
        app.pass(HOUR);
        verify(&backend, &number(3)).await.is(201);
        verify(&backend, &number(4)).await.fails(429, "too_many");
    }
}

#[tokio::test]
async fn a_notice_to_a_phone_is_held_back_by_money_alone() {
    for (money, notices) in [(0.0, 1), (0.23, 0)] {
        let change = |settings: &mut Settings| {
            open(settings);
            settings.flows = flows(&[&["phone", "passcode"], &["username", "hardcode", "passcode"]]);
            settings.phone.spend.per_day = 2;
            (settings.phone.spend.price, settings.phone.spend.money_per_day) = (0.1, money);
        };
        for app in TestApp::each(change).await {
            let ada = app.signup(json!({ "username": "ada", "phone": number(0) })).await;
            verify(&app.backend().await, &number(1)).await.is(201);
            app.mail().await;
            verify(&app.backend().await, &number(2)).await.fails(429, "too_many");
            ada.client.add(json!({ "kind": "card", "hardcode": CARD })).await.is(201);
            assert_eq!(app.mail().await.len(), notices, "{} {money}", app.database());
        }
    }
}
