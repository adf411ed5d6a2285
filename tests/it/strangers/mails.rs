//! Codes that strangers have sent without end: every mail is its reader's way on.

use multauth::base::clock::{DAY, HOUR, MINUTE};
use serde_json::{Value, json};

use super::{EMAIL, MANY, by, come, goes_on};
use crate::support::app::TestApp;
use crate::support::mailbox::Mail;
use crate::support::person::{OTHER, PASSWORD, Person};

const BY_CODE: &[&[&str]] = &[&["email", "passcode"], &["username", "passcode"]];
const BY_BOTH: &[&[&str]] = &[&["email", "password", "passcode"]];

/// What strangers do so that nothing is left to be sent.
async fn used_up(app: &TestApp, door: &'static str, name: Value) -> Vec<Mail> {
    come(app, MANY, |stranger, _| {
        let name = name.clone();
        async move { stranger.post(door, name).await }
    })
    .await;
    app.mail().await
}

#[tokio::test]
async fn strangers_who_have_codes_sent_lead_the_owner_in() {
    for app in TestApp::each(by(BY_CODE)).await {
        let ada = app.signup(json!({ "email": EMAIL, "username": "ada" })).await;
        app.mail().await;
        for name in [json!({ "email": EMAIL }), json!({ "username": "ada" })] {
            let mails = used_up(&app, "/v1/signin", name.clone()).await;
            assert!(!mails.is_empty(), "{}", app.database());
            // A known device is sent its own.
            let mut body = name.clone();
            body["known_device"] = json!(ada.done.known_device.clone().unwrap());
            let known = app.client();
            let asked = known.signin(body).await.asks();
            known.passcode(&asked.attempt, app.code().await.code()).await.done();
            // A new one is sent nothing now, and is told what everybody is told.
            let new = app.client();
            let asked = new.signin(name.clone()).await.asks();
            assert_eq!(asked.ask[0]["length"], 6);
            TestApp::assert_silent(&app.mail().await);
            let last = mails.last().unwrap();
            let gone = goes_on(&new, last, json!({})).await.is(200).json();
            assert_eq!(gone["attempt"]["state"], "done", "{gone}");
            assert!(gone["attempt"]["access_token"].is_string());
            // Once, and whoever asked for it gains nothing.
            goes_on(&new, last, json!({})).await.fails(404, "link_dead");
            app.pass(HOUR);
        }
    }
}

#[tokio::test]
async fn strangers_who_recover_lead_the_owner_to_a_new_password() {
    for app in TestApp::each(by(BY_BOTH)).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.pass(2 * DAY);
        app.mail().await;
        let mails = used_up(&app, "/v1/recovery", json!({ "email": EMAIL })).await;
        let known = json!({ "email": EMAIL, "known_device": ada.done.known_device.clone().unwrap() });
        app.client().recovery(known).await.asks();
        app.code().await;
        let new = app.client();
        new.recovery(json!({ "email": EMAIL })).await.asks();
        TestApp::assert_silent(&app.mail().await);
        let gone = goes_on(&new, mails.last().unwrap(), json!({})).await.is(200).json();
        let attempt =
            gone["attempt"]["attempt"].as_str().unwrap_or_else(|| panic!("{gone} {}", app.database()));
        new.answer(attempt, json!({ "new_password": OTHER })).await.done();
        app.pass(MINUTE);
        app.mail().await;
        // The codes that follow the new password are counted apart.
        let asked = new.signin(json!({ "email": EMAIL, "password": OTHER })).await.asks();
        new.passcode(&asked.attempt, app.code().await.code()).await.done();
    }
}

/// A sign-up at a taken address takes nothing from its owner.
#[tokio::test]
async fn strangers_who_sign_up_with_the_address_take_nothing() {
    for app in TestApp::each(by(BY_BOTH)).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.pass(DAY);
        app.mail().await;
        come(&app, MANY, |stranger, _| async move {
            stranger.signup(json!({ "email": EMAIL, "password": OTHER })).await
        })
        .await;
        app.mail().await;
        let owner = app.client();
        let asked = owner.signin(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
        owner.passcode(&asked.attempt, app.code().await.code()).await.done();
        let asked = owner.recovery(json!({ "email": EMAIL })).await.asks();
        let code = app.code().await;
        let given = json!({ "passcode": code.code(), "new_password": OTHER });
        owner.answer(&asked.attempt, given).await.done();
    }
}

/// A stranger neither ends, nor replaces, nor guesses away what a mail opens.
#[tokio::test]
async fn whoever_asked_for_a_mail_closes_nothing_of_it() {
    for app in TestApp::each(by(BY_CODE)).await {
        app.signup(json!({ "email": EMAIL })).await;
        for how in ["gives up", "guesses", "asks again", "answers first"] {
            app.pass(2 * HOUR);
            app.mail().await;
            let stranger = app.client();
            let asked = stranger.signin(json!({ "email": EMAIL })).await.asks();
            let mail = app.code().await;
            match how {
                "gives up" => drop(stranger.delete(&format!("/v1/attempts/{}", asked.attempt)).await.is(204)),
                "guesses" => {
                    for n in 0..6 {
                        let wrong = crate::support::mailbox::wrong(mail.code(), n);
                        stranger.passcode(&asked.attempt, &wrong).await;
                    }
                }
                "asks again" => {
                    for _ in 0..20 {
                        app.client().signin(json!({ "email": EMAIL })).await;
                    }
                    app.mail().await;
                    app.pass(MINUTE);
                    stranger.send(&asked.attempt, json!({})).await;
                    app.mail().await;
                }
                _ => {}
            }
            let reader = app.client();
            let gone = goes_on(&reader, &mail, json!({})).await;
            assert_eq!(gone.status, 200, "{how}: {gone:?} {}", app.database());
            assert_eq!(gone.json()["attempt"]["state"], "done", "{how}");
            // Nothing is left of the code for whoever asked.
            if how == "answers first" {
                stranger.passcode(&asked.attempt, mail.code()).await.wrong();
                let again = stranger.passcode(&asked.attempt, mail.code()).await.wrong().json();
                assert_eq!(again["attempts_left"], 3, "as any that is wrong");
            }
        }
    }
}

/// A robot opens and presses, and types no code.
#[tokio::test]
async fn a_robot_that_opens_and_presses_comes_nowhere() {
    for app in TestApp::each(by(BY_CODE)).await {
        app.signup(json!({ "email": EMAIL })).await;
        let asker = app.client();
        let asked = asker.signin(json!({ "email": EMAIL })).await.asks();
        let mail = app.code().await;
        let robot = app.client();
        let page = format!("/confirm/{}", mail.key());
        for wish in ["", "wish=go_on", "wish=wait", "wish=mute"] {
            let shown = robot.get(&page).await.is(200);
            assert!(!shown.text.contains(mail.code()), "{}", shown.text);
            let pressed = robot.form(&page, wish).await;
            assert!(!pressed.text.contains(mail.code()) && pressed.status == 200, "{pressed:?}");
        }
        robot.post("/v1/confirm", json!({ "key": mail.key() })).await.is(200);
        assert_eq!(app.rows().number("SELECT COUNT(*) FROM wishes").await, 0);
        asker.passcode(&asked.attempt, mail.code()).await.done();
    }
}

/// Five wrong ones at the page, and the link is over; the asker's own code is not.
#[tokio::test]
async fn a_link_takes_five_guesses_of_its_own() {
    for app in TestApp::each(by(BY_CODE)).await {
        app.signup(json!({ "email": EMAIL })).await;
        let asker = app.client();
        let asked = asker.signin(json!({ "email": EMAIL })).await.asks();
        let mail = app.code().await;
        for n in 0..5 {
            let body =
                json!({ "key": mail.key(), "passcode": crate::support::mailbox::wrong(mail.code(), n) });
            let wrong = app.client().post("/v1/confirm", body).await.wrong().json();
            assert_eq!(wrong["attempts_left"], 4 - n);
        }
        goes_on(&app.client(), &mail, json!({})).await.fails(404, "link_dead");
        asker.passcode(&asked.attempt, mail.code()).await.done();
    }
}

/// Also where nobody is told that it goes by email: the link lives as the mail says, which is as long as by email.
#[tokio::test]
async fn a_link_lives_as_long_as_a_code_by_email() {
    for app in TestApp::each(by(BY_CODE)).await {
        app.signup(json!({ "email": EMAIL, "username": "ada" })).await;
        app.mail().await;
        let by_name = |name: &'static str| json!({ "username": name });
        let nobody = app.client().signin(by_name("nobody")).await.asks().ask[0]["expires_in"].clone();
        for (door, name, minutes) in [
            ("/v1/signin", by_name("ada"), 10),
            ("/v1/signin", json!({ "email": EMAIL }), 10),
            ("/v1/recovery", json!({ "email": EMAIL }), 30),
        ] {
            let asked = app.client().post(door, name).await.asks();
            let mail = app.code().await;
            assert!(mail.text.contains(&format!("for {minutes} minutes")), "{}", mail.text);
            if minutes == 10 {
                assert_eq!((&asked.ask[0]["expires_in"], &nobody), (&json!(600), &json!(600)), "alike");
            }
            app.pass((minutes - 1) * MINUTE);
            goes_on(&app.client(), &mail, json!({})).await.is(200);
        }
    }
}

/// With the next change of the account's secrets every way of before is closed (R121).
#[tokio::test]
async fn a_recovery_closes_every_way_of_before() {
    for app in TestApp::each(by(&[&["email", "password"]])).await {
        app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.mail().await;
        let (one, other) = (app.client(), app.client());
        one.recovery(json!({ "email": EMAIL })).await.asks();
        let early = app.code().await;
        let asked = other.recovery(json!({ "email": EMAIL })).await.asks();
        let code = app.code().await;
        let given = json!({ "passcode": code.code(), "new_password": OTHER });
        other.answer(&asked.attempt, given).await.done();
        goes_on(&one, &early, json!({})).await.fails(404, "link_dead");
        app.client().signin(json!({ "email": EMAIL, "password": OTHER })).await.done();
    }
}

#[tokio::test]
async fn its_reader_mutes_strangers_for_a_day_and_ends_it_at_once() {
    for app in TestApp::each(by(BY_CODE)).await {
        let ada = app.signup(json!({ "email": EMAIL })).await;
        let signs_in = async || app.client().signin(json!({ "email": EMAIL })).await.asks();
        signs_in().await;
        let mail = app.code().await;
        let muted = goes_on(&app.client(), &mail, json!({ "wish": "mute" })).await.is(200).json();
        assert!(muted["muted_until"].is_string() && muted["confirmed"] == false, "{muted}");
        app.pass(2 * HOUR);
        signs_in().await;
        TestApp::assert_silent(&app.mail().await);
        let known = json!({ "email": EMAIL, "known_device": ada.done.known_device.clone().unwrap() });
        app.client().signin(known).await.asks();
        app.code().await;
        // The same link and code end it.
        let page = format!("/confirm/{}", mail.key());
        let shown = app.client().get(&page).await.is(200);
        assert!(shown.text.contains("Send me codes again"), "{}", shown.text);
        app.client().form(&page, &format!("passcode={}", mail.code())).await.is(200);
        signs_in().await;
        app.code().await;
        app.client().get(&page).await.is(404);
    }
}

/// What mutes for a day is no trace of an account that is purged.
#[tokio::test]
async fn who_muted_strangers_is_forgotten_with_the_account() {
    for app in TestApp::each(by(BY_CODE)).await {
        let ada = app.signup(json!({ "email": EMAIL })).await;
        app.client().signin(json!({ "email": EMAIL })).await.asks();
        let mail = app.code().await;
        goes_on(&app.client(), &mail, json!({ "wish": "mute" })).await.is(200);
        app.pass(3 * HOUR);
        app.sweep().await;
        assert!(app.rows().dump().await.contains(EMAIL), "the test sees it");
        let user = &ada.done.user;
        multauth::auth::deletion::purge(&app.app, &user.as_str().into(), multauth::events::By::Operator)
            .await
            .unwrap();
        app.sweep().await;
        let left = app.rows().dump().await;
        assert!(!left.contains(EMAIL), "{}: {left}", app.database());
        // Nobody would be there to end it.
        app.client().signup(json!({ "email": EMAIL })).await.asks();
        app.code().await;
    }
}

/// An account that only waited for the address, or had it before, takes no link of its owner along.
#[tokio::test]
async fn a_strangers_account_takes_no_mute_along() {
    let change = |settings: &mut multauth::settings::Settings| {
        by(&[&["email", "passcode"], &["username", "password"]])(settings);
        settings.user.deletion_grace = multauth::settings::Span(0);
    };
    for app in TestApp::each(change).await {
        app.signup(json!({ "email": EMAIL })).await;
        let mallory = app.named("mallory").await;
        mallory.client.add(json!({ "kind": "email", "email": EMAIL })).await.is(201);
        app.mail().await;
        app.client().signin(json!({ "email": EMAIL })).await.asks();
        let mail = app.code().await;
        goes_on(&app.client(), &mail, json!({ "wish": "mute" })).await.is(200);
        mallory.client.delete("/v1/me").await.is(204);
        app.client().signin(json!({ "email": EMAIL })).await.asks();
        TestApp::assert_silent(&app.mail().await);
        goes_on(&app.client(), &mail, json!({})).await.is(200);
    }
}

/// Nor does one that was made with the address and that nobody proved: its maker could end it, and ask anew.
#[tokio::test]
async fn an_account_that_nobody_proved_takes_no_mute_along() {
    let change = |settings: &mut multauth::settings::Settings| {
        by(&[&["email", "password"], &["email", "passcode"]])(settings);
        settings.email.confirm = multauth::settings::Confirm::Never;
        settings.user.deletion_grace = multauth::settings::Span(0);
    };
    for app in TestApp::each(change).await {
        let mallory = app.signup(json!({ "email": EMAIL, "password": OTHER })).await;
        app.mail().await;
        let begun = app.client().signin(json!({ "email": EMAIL })).await.asks();
        app.client().send(&begun.attempt, json!({ "secret": "passcode" })).await.is(200);
        let mail = app.code().await;
        goes_on(&app.client(), &mail, json!({ "wish": "mute" })).await.is(200);
        mallory.client.delete("/v1/me").await.is(204);
        app.signup(json!({ "email": EMAIL, "password": OTHER })).await;
        app.mail().await;
        let begun = app.client().signin(json!({ "email": EMAIL })).await.asks();
        app.client().send(&begun.attempt, json!({ "secret": "passcode" })).await.is(200);
        TestApp::assert_silent(&app.mail().await);
        goes_on(&app.client(), &mail, json!({})).await.is(200);
    }
}

/// Removes an address by the code that goes there.
pub(super) async fn gives_up(app: &TestApp, ada: &Person, id: &str) {
    ada.client.post(&format!("/v1/me/devices/{id}/send"), json!({})).await.is(204);
    let body = json!({ "passcode": app.code().await.code() }).to_string();
    ada.client.raw("DELETE", &format!("/v1/me/devices/{id}"), Some(&body)).await.is(204);
}

/// Muted is muted for whoever adds the address to an account of theirs, too.
#[tokio::test]
async fn a_muted_address_that_is_given_up_is_sent_nothing_by_whoever_adds_it() {
    for app in TestApp::each(by(&[&["email", "passcode"], &["username", "password"]])).await {
        let ada = app.named("ada").await;
        let id = ada.add(&app, "email", EMAIL).await;
        app.mail().await;
        app.client().signin(json!({ "email": EMAIL })).await.asks();
        let mail = app.code().await;
        goes_on(&app.client(), &mail, json!({ "wish": "mute" })).await.is(200);
        gives_up(&app, &ada, &id).await;
        app.mail().await;
        let mallory = app.named("mallory").await;
        mallory.client.add(json!({ "kind": "email", "email": EMAIL })).await.is(201);
        TestApp::assert_silent(&app.mail().await);
    }
}

/// Muted, or with nothing left to be sent: who waits for a code in their own network shows it on the page.
#[tokio::test]
async fn a_code_comes_to_whoever_waits_for_it() {
    for app in TestApp::each(by(BY_CODE)).await {
        app.signup(json!({ "email": EMAIL })).await;
        let mails = used_up(&app, "/v1/signin", json!({ "email": EMAIL })).await;
        let owner = app.client();
        owner.signin(json!({ "email": EMAIL })).await.asks();
        TestApp::assert_silent(&app.mail().await);
        let page = format!("/confirm/{}", mails[0].key());
        let body = format!("passcode={}&wish=wait", mails[0].code());
        let shown = owner.form(&page, &body).await.is(200);
        assert!(shown.text.contains("ask for the code again"), "{}", shown.text);
        app.client().signin(json!({ "email": EMAIL })).await.asks();
        TestApp::assert_silent(&app.mail().await);
        let asked = owner.signin(json!({ "email": EMAIL })).await.asks();
        owner.passcode(&asked.attempt, app.code().await.code()).await.done();
        // One, and no more.
        owner.signin(json!({ "email": EMAIL })).await.asks();
        TestApp::assert_silent(&app.mail().await);
    }
}

/// Whatever was sent lately, to whomever: the answers are the same.
#[tokio::test]
async fn no_counter_tells_how_many_codes_an_address_was_sent() {
    for app in TestApp::each(by(BY_CODE)).await {
        app.signup(json!({ "email": EMAIL })).await;
        for _ in 0..3 {
            app.client().signin(json!({ "email": EMAIL })).await;
        }
        app.mail().await;
        for door in ["/v1/signin", "/v1/recovery", "/v1/signup"] {
            let mut seen = Vec::new();
            for email in [EMAIL, "nobody@example.org"] {
                let mut answers = Vec::new();
                for _ in 0..8 {
                    let stranger = app.client();
                    let begun = stranger.post(door, json!({ "email": email })).await;
                    let mut body = begun.json();
                    let attempt = body["attempt"].as_str().unwrap().to_owned();
                    body["attempt"] = Value::Null;
                    body["ask"][0]["to"] = Value::Null;
                    answers.push(body);
                    app.pass(MINUTE);
                    let mut again = stranger.send(&attempt, json!({})).await.json();
                    again["attempt"] = Value::Null;
                    again["ask"][0]["to"] = Value::Null;
                    answers.push(again);
                }
                seen.push(answers);
            }
            assert_eq!(seen[0], seen[1], "{door} {}", app.database());
        }
    }
}
