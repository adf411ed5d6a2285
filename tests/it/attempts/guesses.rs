//! The guess budget (R33–R37): counted by account and factor, whoever guesses and by whichever name.

use multauth::auth::operator::reset;
use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::Answer;
use crate::support::mailbox::wrong;
use crate::support::person::{OTHER, PASSWORD};
use crate::support::token::totp;

const EMAIL: &str = "ada@example.org";

fn two_names(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"], &["email", "password"]]);
    settings.email.confirm = multauth::settings::Confirm::Never;
    unlimited(settings, &["signin"]);
}

async fn ada(app: &TestApp) -> String {
    let ada = app.signup(json!({ "username": "ada", "email": EMAIL, "password": PASSWORD })).await;
    ada.done.known_device.unwrap()
}

/// A guess from somewhere else each time, by the one name or the other.
async fn guess(app: &TestApp, n: usize, password: &str) -> Answer {
    let name = [("username", "ada"), ("email", EMAIL)][n % 2];
    app.client().signin(json!({ name.0: name.1, "password": password })).await
}

fn wait_of(answer: Answer) -> u64 {
    answer.fails(429, "too_many").header("retry-after").unwrap().parse().unwrap()
}

#[tokio::test]
async fn waits_rise_over_all_names_and_a_success_ends_them() {
    for app in TestApp::each(two_names).await {
        ada(&app).await;
        for n in 0..3 {
            guess(&app, n, OTHER).await.wrong();
        }
        for (n, rung) in [30, 60, 300, 900, 3600, 3600].into_iter().enumerate() {
            assert_eq!(wait_of(guess(&app, n, PASSWORD).await), rung, "the right one waits too");
            app.pass((i64::try_from(rung).unwrap() - 1) * SECOND);
            assert_eq!(wait_of(guess(&app, n + 1, PASSWORD).await), 30, "told coarsely");
            app.pass(SECOND);
            guess(&app, n, OTHER).await.wrong();
        }
        app.pass(HOUR);
        guess(&app, 0, PASSWORD).await.done();
        for n in 0..3 {
            guess(&app, n, OTHER).await.wrong();
        }
        assert_eq!(wait_of(guess(&app, 0, PASSWORD).await), 30, "the ladder begins again");
    }
}

#[tokio::test]
async fn guesses_at_a_running_attempt_are_counted_with_the_others() {
    let app = TestApp::new(two_names).await;
    ada(&app).await;
    let client = app.client();
    let asked = client.signin(json!({ "username": "ada" })).await.asks();
    for _ in 0..2 {
        client.answer(&asked.attempt, json!({ "password": OTHER })).await.wrong();
    }
    guess(&app, 1, OTHER).await.wrong();
    let waits = client.answer(&asked.attempt, json!({ "password": PASSWORD })).await;
    assert_eq!(wait_of(waits), 30);
}

#[tokio::test]
async fn a_known_device_is_not_slowed_by_others_and_has_its_own_count() {
    for app in TestApp::each(two_names).await {
        let known = ada(&app).await;
        for n in 0..3 {
            guess(&app, n, OTHER).await.wrong();
        }
        guess(&app, 0, PASSWORD).await.fails(429, "too_many");
        let at_home = app.client();
        let from_home = async |password: &str| {
            let body = json!({ "username": "ada", "password": password, "known_device": known });
            at_home.signin(body).await
        };
        from_home(PASSWORD).await.done();
        for _ in 0..3 {
            from_home(OTHER).await.wrong();
        }
        from_home(PASSWORD).await.fails(429, "too_many");
        let forged = format!("{}x", &known[..known.len() - 1]);
        let body = json!({ "username": "ada", "password": PASSWORD, "known_device": forged });
        app.client().signin(body).await.fails(429, "too_many");
        // What is known of one account is worth nothing at another.
        app.named("eve").await;
        for _ in 0..3 {
            app.client().signin(json!({ "username": "eve", "password": OTHER })).await.wrong();
        }
        let body = json!({ "username": "eve", "password": PASSWORD, "known_device": known });
        app.client().signin(body).await.fails(429, "too_many");
    }
}

#[tokio::test]
async fn what_was_guessed_survives_a_restart() {
    for app in TestApp::each(two_names).await {
        ada(&app).await;
        for n in 0..3 {
            guess(&app, n, OTHER).await.wrong();
        }
        let again = app.again().await;
        assert_eq!(wait_of(guess(&again, 0, PASSWORD).await), 30);
        again.pass(30 * SECOND);
        guess(&again, 1, OTHER).await.wrong();
        assert_eq!(wait_of(guess(&app, 1, PASSWORD).await), 60);
    }
}

#[tokio::test]
async fn twenty_wrong_passwords_are_a_day_of_rest() {
    let app = TestApp::new(two_names).await;
    let known = ada(&app).await;
    let began = app.clock.now();
    for n in 0..20 {
        guess(&app, n, OTHER).await.wrong();
        app.pass(HOUR);
    }
    assert_eq!(wait_of(guess(&app, 0, PASSWORD).await), 3600);
    let body = json!({ "username": "ada", "password": PASSWORD, "known_device": known });
    app.client().signin(body).await.done();
    guess(&app, 0, PASSWORD).await.fails(429, "too_many");
    app.pass(began + DAY - app.clock.now());
    guess(&app, 1, PASSWORD).await.done();
}

fn code_alone(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "passcode"]]);
    unlimited(settings, &["signin", "send"]);
}

/// Spends all guesses of one attempt.
async fn five_wrong(app: &TestApp, email: &Value) {
    let client = app.client();
    let asked = client.signin(email.clone()).await.asks();
    let code = app.code().await;
    assert_eq!(code.code().len(), 6);
    for n in 0..5 {
        client.passcode(&asked.attempt, &wrong(code.code(), n)).await.wrong();
    }
}

#[tokio::test]
async fn after_twenty_wrong_codes_only_long_ones_are_sent() {
    for app in TestApp::each(code_alone).await {
        let email = json!({ "email": EMAIL });
        let done = app.signup(email.clone()).await.done;
        let (user, known) = (done.user, done.known_device.unwrap());
        for _ in 0..4 {
            five_wrong(&app, &email).await;
            app.pass(MINUTE);
        }
        let stranger = app.client();
        let asked = stranger.signin(email.clone()).await.asks();
        let long = app.code().await;
        assert!(long.code().len() >= 13, "{long:?}");
        assert_eq!(asked.ask[0]["length"], long.code().len());
        stranger.passcode(&asked.attempt, "AAAAAAAAAAAAA").await.wrong();
        stranger.passcode(&asked.attempt, long.code()).await.done();
        // Nor has it elsewhere once the operator has unlocked the account.
        reset::unlock(&app.app, &user.as_str().into()).await.unwrap();
        app.pass(2 * MINUTE);
        app.client().signin(email.clone()).await.asks();
        assert_eq!(app.code().await.code().len(), 6, "{}", app.database());
        app.pass(2 * MINUTE);
        // At home nothing has changed.
        let asked = stranger.signin(json!({ "email": EMAIL, "known_device": known })).await.asks();
        let short = app.code().await;
        assert_eq!(short.code().len(), 6);
        stranger.passcode(&asked.attempt, short.code()).await.done();
    }
}

fn second_factor(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"], &["username", "password", "passcode"]]);
    unlimited(settings, &["signin", "send"]);
}

/// A sign-in by the name alone, answered with what the authenticator shows, or with something else.
async fn by_authenticator(app: &TestApp, seed: &str, right: bool) -> (Value, Answer) {
    let client = app.client();
    let asked = client.signin(json!({ "username": "ada" })).await.asks();
    let code = totp(seed, app.clock.now());
    let code = if right { code } else { wrong(&code, 0) };
    (asked.ask[0]["length"].clone(), client.passcode(&asked.attempt, &code).await)
}

#[tokio::test]
async fn a_long_code_beside_an_authenticator_does_not_lift_its_bound() {
    for app in TestApp::each(second_factor).await {
        let (_, seed) = app.named("ada").await.enrol(&app).await;
        let app = app.again_with(|settings| settings.flows = flows(&[&["username", "passcode"]])).await;
        let began = app.clock.now();
        for _ in 0..20 {
            by_authenticator(&app, &seed, false).await.1.wrong();
            app.pass(HOUR);
        }
        let (length, answer) = by_authenticator(&app, &seed, true).await;
        assert!(length.as_u64() >= Some(13), "only a long code is sent now: {length}");
        // Not even that it rests is told: nobody has nothing that could rest (R15).
        answer.wrong();
        app.pass(began + DAY - app.clock.now());
        by_authenticator(&app, &seed, true).await.1.done();
    }
}

#[tokio::test]
async fn one_network_may_not_guess_at_everybody() {
    let app = TestApp::new(two_names).await;
    ada(&app).await;
    let client = app.client();
    for n in 0..20 {
        client.signin(json!({ "username": format!("somebody{n}"), "password": OTHER })).await.wrong();
        if n % 9 == 0 {
            client.signin(json!({ "username": "ada", "password": PASSWORD })).await.done();
        }
    }
    client.signin(json!({ "username": "ada", "password": PASSWORD })).await.fails(429, "too_many");
    guess(&app, 0, PASSWORD).await.done();
}
