//! Who is inside of an account by a part of what it asks for, with a stolen password alone or a mailbox alone: the
//! sessions and known devices that they get, as many as they like, bring no guesses and no messages of their own, and
//! take nothing from the owner's.

use multauth::base::clock::{DAY, HOUR, MINUTE, SECOND};
use multauth::base::tuple::{Detailed, TupleSpec};
use multauth::settings::Settings;
use serde_json::{Value, json};

use super::known::guessed_at;
use super::mails::gives_up;
use super::{EMAIL, by, goes_on, rests, shows_first};
use crate::support::app::{TestApp, unlimited};
use crate::support::client::{Answer, Client, Done};
use crate::support::mailbox::{Mail, wrong};
use crate::support::person::{CARD, OTHER, PASSWORD};
use crate::support::token::totp;

const PHONE: &str = "+12124567890";
/// Guesses a day, at an account and a factor (R36).
const A_DAY: usize = 20;

/// Those flows, and one for a name and a password that leads in beside them.
fn beside(settings: &mut Settings, list: &'static [&'static [&'static str]]) {
    by(list)(settings);
    let words = ["username", "password"].map(str::to_owned).to_vec();
    settings.flows.push(TupleSpec::Detailed(Detailed { words, name: None, allow_downgrade: true }));
    settings.phone.countries = vec!["US".into()];
}

/// Somebody with the password alone, from one address.
pub(super) struct Thief(pub Client);

impl Thief {
    pub(super) fn of(app: &TestApp) -> Self {
        Self(Client::new(&app.base, "10.250.1.7".into()))
    }

    /// A session and a known device that were not there before.
    async fn comes_in(&self, app: &TestApp) -> Done {
        app.pass(4 * SECOND);
        self.0.signin(json!({ "username": "ada", "password": PASSWORD })).await.done()
    }
}

/// The same body, from that known device.
pub(super) fn at(mut body: Value, known: &Done) -> Value {
    body["known_device"] = json!(known.known_device.as_deref().unwrap());
    body
}

fn is_looked_at(answer: &Answer) -> usize {
    usize::from(answer.json()["code"] == "wrong_secret")
}

/// Whether it has a code that somebody may guess. Where a day is used up they are long (R37).
fn is_short(mail: &Mail) -> bool {
    mail.code.as_ref().is_some_and(|code| code.len() < 9)
}

/// A wrong code of an app, another one for each `n`.
pub(super) fn wrong_totp(app: &TestApp, seed: &str, n: i64) -> String {
    let now = app.clock.now();
    let near: Vec<String> = (-3..=3).map(|k| totp(seed, now + k * 30 * SECOND)).collect();
    let guesses = (0..).map(|k| format!("{:06}", (123_456 + (n + k) * 7_919) % 1_000_000));
    guesses.into_iter().find(|guess| !near.contains(guess)).unwrap()
}

#[tokio::test]
async fn fresh_known_devices_bring_no_guesses_at_an_app() {
    const FLOWS: &[&[&str]] =
        &[&["email", "password", "passcode:authenticator"], &["email", "password", "passcode:email"]];
    for app in TestApp::each(|settings| beside(settings, FLOWS)).await {
        let ada = app.signup(json!({ "email": EMAIL, "username": "ada", "password": PASSWORD })).await;
        app.mail().await;
        let (_, seed) = ada.enrol(&app).await;
        app.pass(MINUTE);
        let whole = |code: String| json!({ "email": EMAIL, "password": PASSWORD, "passcode": code });
        app.client().signin(at(whole(totp(&seed, app.clock.now())), &ada.done)).await.done();
        app.pass(MINUTE);
        let second = app.client().signin(whole(totp(&seed, app.clock.now()))).await.done();
        let (thief, mut looked) = (Thief::of(&app), 0);
        for n in 0..30 {
            let done = thief.comes_in(&app).await;
            let guess = wrong_totp(&app, &seed, n);
            let again = json!({ "password": PASSWORD, "passcode": guess,
                "flow": "email+password+passcode:authenticator" });
            looked += is_looked_at(&thief.0.signin(at(whole(guess), &done)).await);
            looked += is_looked_at(&thief.0.bearing(&done.access).reauth(at(again, &done)).await);
            app.pass(15 * MINUTE);
        }
        assert!((3..=A_DAY).contains(&looked), "{}: {looked}", app.database());
        // One of the owner's at which only the password was shown may show the long code first, as an unknown one.
        let only = app.client().signin(json!({ "username": "ada", "password": PASSWORD })).await.done();
        let other = app.client();
        let (attempt, names) = rests(&other.signin(at(whole(totp(&seed, app.clock.now())), &only)).await);
        assert!(names.contains(&"unlock_code".to_owned()), "{names:?}");
        shows_first(&app, &other, &attempt, json!({ "passcode": totp(&seed, app.clock.now()) })).await.done();
        app.pass(MINUTE);
        // The owner's devices, at which the app was shown, are counted by themselves at it, whatever else is asked.
        let begun =
            app.client().signin(at(json!({ "email": EMAIL, "password": PASSWORD }), &second)).await.asks();
        let mail = begun.ask.iter().find(|ask| ask["channel"] == "email").unwrap()["device"].clone();
        app.client().send(&begun.attempt, json!({ "secret": "passcode", "device": mail })).await;
        app.client().passcode(&begun.attempt, &totp(&seed, app.clock.now())).await.done();
        app.pass(MINUTE);
        app.client().signin(at(whole(totp(&seed, app.clock.now())), &ada.done)).await.done();
    }
}

#[tokio::test]
async fn a_recovery_code_ends_the_rest_of_who_is_inside() {
    const FLOWS: &[&[&str]] = &[&["email", "password", "passcode:authenticator"]];
    let change = |settings: &mut Settings| {
        beside(settings, FLOWS);
        settings.guesses.stop_after = 4;
    };
    for app in TestApp::each(change).await {
        let ada = app.signup(json!({ "email": EMAIL, "username": "ada", "password": PASSWORD })).await;
        app.mail().await;
        let added = ada.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
        let seed = added["secret"].as_str().unwrap();
        let code = totp(seed, app.clock.now());
        let confirmed = ada.client.confirm(added["id"].as_str().unwrap(), &code).await.is(200).json();
        let thief = Thief::of(&app);
        let body = |guess: String| json!({ "email": EMAIL, "password": PASSWORD, "passcode": guess });
        for n in 0..4 {
            let done = thief.comes_in(&app).await;
            thief.0.signin(at(body(wrong_totp(&app, seed, n)), &done)).await.wrong();
            app.pass(HOUR);
        }
        let only = thief.comes_in(&app).await;
        let right = || at(body(totp(seed, app.clock.now())), &only);
        rests(&app.client().signin(right()).await);
        let given =
            json!({ "email": EMAIL, "password": PASSWORD, "recovery_code": confirmed["recovery_codes"][0] });
        app.client().signin(at(given, &only)).await.done();
        app.client().signin(right()).await.done();
    }
}

#[tokio::test]
async fn fresh_known_devices_bring_no_guesses_at_a_card_or_at_codes() {
    const FLOWS: &[&[&str]] = &[&["email", "password", "hardcode"], &["email", "password", "passcode:email"]];
    for app in TestApp::each(|settings| beside(settings, FLOWS)).await {
        let body = json!({ "email": EMAIL, "username": "ada", "password": PASSWORD, "hardcode": CARD });
        let ada = app.signup(body).await;
        app.mail().await;
        let (thief, mut cards, mut codes) = (Thief::of(&app), 0, 0);
        for n in 0..30 {
            let done = thief.comes_in(&app).await;
            let body = json!({ "email": EMAIL, "password": PASSWORD, "hardcode": format!("4711-0815-{:04}", 3000 + n) });
            cards += is_looked_at(&thief.0.signin(at(body, &done)).await);
            let asked = thief.0.signin(at(json!({ "email": EMAIL, "password": PASSWORD }), &done)).await;
            let attempt = asked.asks().attempt;
            thief.0.send(&attempt, json!({ "secret": "passcode" })).await;
            let Some(mail) = app.mail().await.pop().filter(is_short) else { continue };
            for k in 0..5 {
                codes += is_looked_at(&thief.0.passcode(&attempt, &wrong(mail.code(), k)).await);
            }
            app.pass(15 * MINUTE);
        }
        assert!((3..=A_DAY).contains(&cards), "{}: {cards} cards", app.database());
        assert!((3..=A_DAY).contains(&codes), "{}: {codes} codes", app.database());
        let body = json!({ "email": EMAIL, "password": PASSWORD, "hardcode": CARD });
        app.client().signin(at(body, &ada.done)).await.done();
    }
}

/// Whoever reads the mailbox, by a flow that asks for no more, guesses at the password: at the door, at the known
/// devices that they get, and at what a change of the password asks for.
#[tokio::test]
async fn a_mailbox_brings_few_guesses_at_the_password() {
    let change = |settings: &mut Settings| {
        by(&[&["email", "passcode"], &["username", "password"]])(settings);
        settings.reauth.fresh = multauth::settings::Span(MINUTE);
    };
    for app in TestApp::each(change).await {
        let ada = app.signup(json!({ "email": EMAIL, "username": "ada", "password": PASSWORD })).await;
        app.pass(HOUR);
        app.mail().await;
        let (mut looked, mut current, began) = (0, 0, app.clock.now());
        while app.clock.now() - began < 12 * HOUR {
            let one = app.client();
            let asked = one.signin(json!({ "email": EMAIL })).await.asks();
            if let Some(mail) = app.mail().await.pop().filter(|mail| mail.code.is_some()) {
                let done = one.passcode(&asked.attempt, mail.code()).await.done();
                for n in 0..2 {
                    let body = json!({ "username": "ada", "password": format!("{OTHER} {n}") });
                    looked += is_looked_at(&one.signin(at(body, &done)).await);
                    let body =
                        json!({ "password": format!("{OTHER} {n}"), "new_password": "quite another one 55" });
                    current += is_looked_at(&one.bearing(&done.access).put("/v1/me/password", body).await);
                }
            }
            app.pass(12 * MINUTE);
        }
        assert!((3..=A_DAY).contains(&(looked + current)), "{}: {looked} and {current}", app.database());
        // The owner's, at which the password was shown, goes in, and changes it.
        let body = json!({ "username": "ada", "password": PASSWORD });
        let own = app.client().signin(at(body, &ada.done)).await.done();
        let own = app.client().bearing(&own.access);
        app.pass(5 * MINUTE);
        app.mail().await;
        // What the session itself keeps of it is that of late.
        let asked = own.reauth(json!({ "flow": "email+passcode" })).await.asks();
        own.passcode(&asked.attempt, app.code().await.code()).await.is(200);
        let body = json!({ "password": PASSWORD, "new_password": OTHER });
        own.put("/v1/me/password", body).await.is(204);
    }
}

/// Whoever has the owner's device and mailbox, and not the password, guesses at it in sessions that the mailbox opens
/// there: they are all of the one device.
#[tokio::test]
async fn sessions_at_a_device_bring_no_guesses_of_their_own() {
    for app in TestApp::each(by(&[&["email", "passcode"], &["username", "password"]])).await {
        let ada = app.signup(json!({ "email": EMAIL, "username": "ada", "password": PASSWORD })).await;
        app.mail().await;
        let (thief, mut looked) = (app.client(), 0);
        for _ in 0..12 {
            app.pass(13 * MINUTE);
            let asked = thief.signin(at(json!({ "email": EMAIL }), &ada.done)).await.asks();
            let done = thief.passcode(&asked.attempt, app.code().await.code()).await.done();
            for n in 0..3 {
                let body =
                    json!({ "password": format!("{OTHER} {n}"), "new_password": "quite another one 55" });
                looked += is_looked_at(&thief.bearing(&done.access).put("/v1/me/password", body).await);
            }
        }
        assert!((3..=A_DAY).contains(&looked), "{}: {looked}", app.database());
    }
}

#[tokio::test]
async fn a_new_password_ends_the_guesses_of_the_device_it_is_set_at() {
    let change = |settings: &mut Settings| {
        by(&[&["username", "password"], &["email", "password"]])(settings);
        settings.guesses.stop_after = 4;
    };
    for app in TestApp::each(change).await {
        let ada = app.named("ada").await;
        let name = |password: &str| json!({ "username": "ada", "password": password });
        for n in 0..4 {
            app.client().signin(at(name(&format!("{OTHER} {n}")), &ada.done)).await.wrong();
            app.pass(HOUR);
        }
        assert_eq!(
            app.client().signin(at(name(PASSWORD), &ada.done)).await.status,
            429,
            "{}",
            app.database()
        );
        let done = app.client().refresh(&ada.done.refresh).await.is(200).json();
        let own = app.client().bearing(done["access_token"].as_str().unwrap());
        own.put("/v1/me/password", json!({ "password": PASSWORD, "new_password": OTHER })).await.is(204);
        app.client().signin(at(name(OTHER), &ada.done)).await.done();
    }
}

#[tokio::test]
async fn fresh_known_devices_bring_no_mails_and_take_none_from_the_owners() {
    for app in
        TestApp::each(by(&[&["email", "password"], &["username", "password"], &["email", "passcode"]])).await
    {
        let ada = app.signup(json!({ "email": EMAIL, "username": "ada", "password": PASSWORD })).await;
        app.mail().await;
        let (thief, mut mails) = (Thief::of(&app), 0);
        for _ in 0..30 {
            let done = thief.comes_in(&app).await;
            for _ in 0..3 {
                thief.0.recovery(at(json!({ "email": EMAIL }), &done)).await;
            }
            mails += app.mail().await.len();
        }
        assert!((3..=10).contains(&mails), "{}: {mails}", app.database());
        // A code that went there was shown at the owner's.
        app.client().recovery(at(json!({ "email": EMAIL }), &ada.done)).await.asks();
        app.code().await;
    }
}

#[tokio::test]
async fn fresh_known_devices_push_none_out_at_which_more_was_shown() {
    const FLOWS: &[&[&str]] = &[&["email", "password", "passcode"]];
    for app in TestApp::each(|settings| beside(settings, FLOWS)).await {
        let ada = app.signup(json!({ "email": EMAIL, "username": "ada", "password": PASSWORD })).await;
        let thief = Thief::of(&app);
        for _ in 0..55 {
            thief.comes_in(&app).await;
        }
        assert_eq!(app.rows().number("SELECT COUNT(*) FROM known_devices").await, 50, "{}", app.database());
        app.mail().await;
        guessed_at(&app, "ada").await;
        let body = json!({ "username": "ada", "password": PASSWORD });
        let again = app.client().signin(at(body, &ada.done)).await.done();
        assert_eq!(again.known_device, None, "{}: it is known still", app.database());
    }
}

/// What tells an owner of their account goes to one number and to one mailbox only so often, and takes no text from
/// anybody's codes.
#[tokio::test]
async fn what_is_told_without_end_is_told_a_few_times() {
    const FLOWS: &[&[&str]] =
        &[&["phone", "password"], &["phone", "hardcode", "passcode"], &["email", "password"]];
    let change = |settings: &mut Settings| {
        by(FLOWS)(settings);
        unlimited(settings, &["signin"]);
        settings.phone.countries = vec!["US".into()];
        settings.phone.spend.per_hour = 30;
    };
    for (name, most) in [(json!({ "phone": PHONE }), 5), (json!({ "email": EMAIL }), 20)] {
        for app in TestApp::each(change).await {
            let mut who = name.clone();
            who["password"] = json!(PASSWORD);
            app.signup(who.clone()).await;
            let eve = app.signup(json!({ "phone": "+12129990001", "hardcode": CARD })).await;
            app.pass(HOUR);
            app.mail().await;
            let mut told = 0;
            for _ in 0..40 {
                is_robbed(&app, &who).await;
                told += app.mail().await.len();
            }
            assert_eq!(told, most, "{} {name}", app.database());
            let body = json!({ "phone": "+12129990001", "hardcode": CARD });
            app.client().signin(at(body, &eve.done)).await.asks();
            app.code().await;
            app.pass(DAY);
            is_robbed(&app, &who).await;
            assert_eq!(app.mail().await.len(), 1, "another day");
        }
    }
}

/// A session of somebody that ended by an old refresh token.
async fn is_robbed(app: &TestApp, who: &Value) {
    let one = app.client();
    let done = one.signin(who.clone()).await.done();
    one.refresh(&done.refresh).await.is(200);
    app.pass(MINUTE);
    one.refresh(&done.refresh).await.is(401);
}

/// What others have told to themselves takes no undo from anybody, and what was told nobody uses up nothing.
#[tokio::test]
async fn what_takes_a_change_back_is_told_whatever_others_are_told() {
    let change = |settings: &mut Settings| {
        by(&[&["phone", "password"], &["username", "password", "hardcode"]])(settings);
        unlimited(settings, &["signin"]);
        settings.phone.countries = vec!["US".into()];
        settings.phone.spend.country_per_hour = 3;
    };
    for app in TestApp::each(change).await {
        let body = json!({ "phone": PHONE, "username": "ada", "password": PASSWORD });
        let ada = app.signup(body).await;
        let eve = json!({ "phone": "+12129990001", "password": PASSWORD });
        app.signup(eve.clone()).await;
        app.pass(HOUR);
        app.mail().await;
        for _ in 0..6 {
            is_robbed(&app, &eve).await;
        }
        assert_eq!(app.mail().await.len(), 3, "{}", app.database());
        let again = app.client().signin(json!({ "phone": PHONE, "password": PASSWORD })).await.done();
        let own = app.client().bearing(&again.access);
        own.add(json!({ "kind": "card", "hardcode": CARD })).await.is(201);
        assert_eq!(app.mail().await.len(), 1, "{}: with what takes it back", app.database());
        drop(ada);
        // Nor does it take a code from anybody.
        app.signup(json!({ "phone": "+12129990002", "password": PASSWORD })).await;
        app.pass(HOUR);
        for _ in 0..3 {
            is_robbed(&app, &eve).await;
        }
        assert_eq!(app.mail().await.len(), 2, "{}: five a day, and three are none of them", app.database());
    }
}

#[tokio::test]
async fn one_session_keeps_no_other_from_ending_it() {
    for app in TestApp::each(by(&[&["username", "password"], &["email", "password"]])).await {
        let ada = app.named("ada").await;
        let stolen = app.client().signin(json!({ "username": "ada", "password": PASSWORD })).await.done();
        let stolen = app.client().bearing(&stolen.access);
        for n in 0..11 {
            let body = json!({ "password": format!("{OTHER} {n}"), "new_password": "quite another one 55" });
            stolen.put("/v1/me/password", body).await;
        }
        for _ in 0..125 {
            stolen.get("/v1/me").await;
        }
        stolen.get("/v1/me").await.fails(429, "too_many");
        let body = json!({ "password": PASSWORD, "new_password": OTHER });
        ada.client.put("/v1/me/password", body).await.is(204);
        stolen.get("/v1/me").await.fails(401, "invalid_token");
        ada.client.delete("/v1/me/sessions").await.is(204);
    }
}

#[tokio::test]
async fn who_has_the_link_of_a_mute_and_no_code_does_not_keep_strangers_muted() {
    for app in TestApp::each(by(&[&["email", "passcode"], &["username", "password"]])).await {
        app.signup(json!({ "email": EMAIL })).await;
        app.client().signin(json!({ "email": EMAIL })).await.asks();
        let mail = app.code().await;
        goes_on(&app.client(), &mail, json!({ "wish": "mute" })).await.is(200);
        for n in 0..40 {
            let body = json!({ "key": mail.key(), "passcode": wrong(mail.code(), n) });
            app.client().post("/v1/confirm", body).await.wrong();
            app.pass(4 * SECOND);
        }
        goes_on(&app.client(), &mail, json!({})).await.is(200);
        app.client().signin(json!({ "email": EMAIL })).await.asks();
        app.code().await;
    }
}

/// An attempt that a known device began is a stranger's once the device is forgotten, and who ends it is given another.
#[tokio::test]
async fn a_device_that_is_forgotten_is_known_no_more_in_what_it_began() {
    for app in TestApp::each(by(&[&["username", "password"], &["email", "password"]])).await {
        let ada = app.named("ada").await;
        let other = app.client().signin(json!({ "username": "ada", "password": PASSWORD })).await.done();
        let begun = app.client().signin(at(json!({ "username": "ada" }), &other)).await.asks();
        let beside = app.client().signin(at(json!({ "username": "ada" }), &other)).await.asks();
        let all = ada.client.get("/v1/me/sessions").await.is(200).json();
        for session in all.as_array().unwrap().iter().filter(|session| session["current"] == false) {
            ada.client.delete(&format!("/v1/me/sessions/{}", session["id"].as_str().unwrap())).await.is(204);
        }
        let answer = app.client().answer(&begun.attempt, json!({ "password": PASSWORD })).await;
        assert!(answer.done().known_device.is_some(), "{}", app.database());
        guessed_at(&app, "ada").await;
        rests(&app.client().answer(&beside.attempt, json!({ "password": PASSWORD })).await);
    }
}

/// The address of somebody who muted strangers goes with the account, whether it was given up before.
#[tokio::test]
async fn a_muted_address_that_was_given_up_goes_with_the_account() {
    for app in TestApp::each(by(&[&["email", "passcode"], &["username", "password"]])).await {
        let ada = app.named("ada").await;
        let id = ada.add(&app, "email", EMAIL).await;
        app.client().signin(json!({ "email": EMAIL })).await.asks();
        let mail = app.code().await;
        goes_on(&app.client(), &mail, json!({ "wish": "mute" })).await.is(200);
        gives_up(&app, &ada, &id).await;
        app.pass(3 * HOUR);
        app.mail().await;
        app.sweep().await;
        multauth::auth::deletion::purge(
            &app.app,
            &ada.done.user.as_str().into(),
            multauth::events::By::Operator,
        )
        .await
        .unwrap();
        app.pass(2 * HOUR);
        app.sweep().await;
        let left = app.rows().dump().await;
        assert!(!left.contains(EMAIL), "{}: {left}", app.database());
        // It ends all the same.
        goes_on(&app.client(), &mail, json!({})).await.is(200);
    }
}
