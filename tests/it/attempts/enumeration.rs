//! Nobody learns whether somebody has an account (R15, R17, R18, R21): the same calls give the same
//! statuses, headers and bytes, whoever has the identifier.

use multauth::auth::operator;
use multauth::base::clock::{DAY, MINUTE};
use multauth::messages::Kind;
use multauth::settings::{Confirm, Settings};
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows};
use crate::support::client::{Answer, Client};
use crate::support::person::{CARD, OTHER, PASSWORD, Person};

/// What a stranger sees of an answer: status, headers and body without what is random by nature.
fn seen(answer: &Answer) -> String {
    let shown = |(name, value): &(String, String)| match name.as_str() {
        "x-request-id" | "date" => format!("{name}: …"),
        _ => format!("{name}: {value}"),
    };
    let headers: Vec<String> = answer.headers.iter().map(shown).collect();
    format!("{}\n{}\n{}", answer.status, headers.join("\n"), masked(&answer.text))
}

/// The text with every handle masked.
fn masked(text: &str) -> String {
    let mut parts = text.split("at_");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |done, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "-_".contains(c));
        format!("{done}at_…({}){rest}", part.len() - rest.len())
    })
}

/// Everything a stranger can try at one identifier, as they see it.
struct Stranger<'a> {
    app: &'a TestApp,
    client: Client,
    transcript: Vec<String>,
}

impl Stranger<'_> {
    async fn sees(&mut self, what: &str, answer: Answer) -> Option<String> {
        self.transcript.push(format!("{what}\n{}", seen(&answer)));
        answer.json()["attempt"].as_str().map(str::to_owned)
    }

    /// A door, the code sent again too early and in time, and codes guessed until there is no guess left.
    async fn knock(&mut self, door: &str, body: &Value) {
        let answer = self.client.post(door, body.clone()).await;
        let Some(attempt) =
            self.sees(&format!("{door} {:?}", body.as_object().unwrap().keys()), answer).await
        else {
            return;
        };
        for wait in [0, MINUTE, 0] {
            self.app.pass(wait);
            let answer = self.client.send(&attempt, json!({})).await;
            self.sees("send", answer).await;
        }
        for _ in 0..6 {
            let answer = self.client.answer(&attempt, json!({ "passcode": "000000" })).await;
            self.sees("passcode", answer).await;
        }
        let answer = self.client.send(&attempt, json!({})).await;
        self.sees("send", answer).await;
    }

    /// One wrong secret more than costs nothing, so that the wait is seen too.
    async fn guess(&mut self, body: &Value) {
        for _ in 0..5 {
            let answer = self.client.signin(body.clone()).await;
            self.sees("guess", answer).await;
        }
    }
}

async fn stranger(app: &TestApp, kind: &str, identifier: &str) -> Vec<String> {
    let (client, transcript) = (app.client(), Vec::new());
    let mut stranger = Stranger { app, client, transcript };
    let named = json!({ kind: identifier });
    stranger.knock("/v1/signin", &named).await;
    if kind != "username" {
        stranger.knock("/v1/recovery", &named).await;
    }
    let secret = if kind == "phone" { "hardcode" } else { "password" };
    if app.app.plan.signin.iter().any(|flow| flow.identifier == kind && flow.secrets[0].name == secret) {
        stranger.guess(&json!({ kind: identifier, secret: "wrong wrong wrong" })).await;
    }
    stranger.transcript
}

/// Each transcript in a world of its own, so that none is coloured by the one before.
async fn compare(
    settings: impl Fn(&mut Settings) + Copy,
    kind: &str,
    identifiers: [&str; 4],
    people: impl AsyncFn(&TestApp),
) {
    for app in TestApp::each(settings).await {
        people(&app).await;
        app.pass(DAY);
        app.mail().await;
        let unknown = stranger(&app, kind, identifiers[0]).await;
        let mail = app.mail().await;
        assert!(mail.is_empty(), "nobody is written to: {mail:?}");
        assert!(unknown.len() > 9, "{unknown:?}");
        for identifier in &identifiers[1..] {
            app.pass(DAY);
            let other = stranger(&app, kind, identifier).await;
            for (ours, theirs) in unknown.iter().zip(&other) {
                assert_eq!(ours, theirs, "{identifier} on {}", app.database());
            }
            assert_eq!(unknown.len(), other.len());
            app.mail().await;
        }
    }
}

async fn confirmed(app: &TestApp, person: &Person, kind: &str) {
    let devices = person.client.get("/v1/me/devices").await.is(200).json();
    let device = devices.as_array().unwrap().iter().find(|device| device["kind"] == kind).unwrap();
    let id = device["id"].as_str().unwrap();
    let (address, mail) = (device["address"].as_str().unwrap(), app.mail().await);
    let code = mail.iter().find(|mail| mail.kind == Kind::DeviceCode && mail.to == address).unwrap();
    person.client.confirm(id, code.code()).await.is(200);
}

fn after(settings: &mut Settings) {
    settings.email.confirm = Confirm::After;
    settings.phone.confirm = Confirm::After;
}

/// The same, with names beside addresses.
fn later(settings: &mut Settings) {
    after(settings);
    settings.flows = flows(&[&["username", "password"], &["email", "password"], &["phone", "password"]]);
}

/// A confirmed, an unconfirmed and a disabled account, with the second, third and fourth identifier.
async fn three(app: &TestApp, kind: &str, identifiers: [&str; 4], secret: (&str, &str)) {
    for (n, identifier) in identifiers.iter().enumerate().skip(1) {
        let mut given = json!({ kind: identifier, secret.0: secret.1 });
        if kind != "phone" && app.app.plan.signin.iter().any(|flow| flow.identifier == "username") {
            given["username"] = json!(format!("name{n}"));
        }
        let person = app.signup(given).await;
        if n != 2 {
            confirmed(app, &person, kind).await;
        }
        if n == 3 {
            operator::set_disabled(&app.app, &person.done.user.as_str().into(), true).await.unwrap();
        }
    }
}

const EMAILS: [&str; 4] = ["m0@example.org", "m1@example.org", "m2@example.org", "m3@example.org"];
const PHONES: [&str; 4] = ["+12124060090", "+12124160090", "+12124260090", "+12124360090"];

#[tokio::test]
async fn an_email_address_tells_nothing_before_the_password() {
    compare(after, "email", EMAILS, async |app| three(app, "email", EMAILS, ("password", PASSWORD)).await)
        .await;
}

#[tokio::test]
async fn a_phone_number_tells_nothing_before_the_hardcode() {
    compare(after, "phone", PHONES, async |app| three(app, "phone", PHONES, ("hardcode", CARD)).await).await;
}

fn code_alone(settings: &mut Settings) {
    after(settings);
    settings.flows = flows(&[&["email", "passcode"], &["phone", "passcode"], &["username", "passcode"]]);
}

#[tokio::test]
async fn an_address_tells_nothing_where_a_code_is_asked_at_once() {
    let people = async |app: &TestApp, kind: &str, identifiers: [&str; 4]| {
        for (n, identifier) in identifiers.iter().enumerate().skip(1) {
            let person = app.signup(json!({ kind: identifier })).await;
            if n != 2 {
                confirmed(app, &person, kind).await;
            }
            if n == 3 {
                operator::set_disabled(&app.app, &person.done.user.as_str().into(), true).await.unwrap();
            }
        }
    };
    compare(code_alone, "email", EMAILS, async |app| people(app, "email", EMAILS).await).await;
    compare(code_alone, "phone", PHONES, async |app| people(app, "phone", PHONES).await).await;
}

/// A username leads to a device that nobody named: how it is reached must not show either.
#[tokio::test]
async fn a_username_tells_nothing_of_the_device_behind_it() {
    let names = ["name0", "name1", "name2", "name3"];
    let people = async |app: &TestApp| {
        let by_phone = app.signup(json!({ "username": names[1], "phone": PHONES[1] })).await;
        confirmed(app, &by_phone, "phone").await;
        let by_email = app.signup(json!({ "username": names[2], "email": EMAILS[2] })).await;
        confirmed(app, &by_email, "email").await;
        app.signup(json!({ "username": names[3], "email": EMAILS[3] })).await;
    };
    compare(code_alone, "username", names, people).await;
}

/// An identifier of the operator's making is as silent as a username.
#[tokio::test]
async fn a_custom_identifier_tells_nothing_before_the_password() {
    let numbered = |settings: &mut Settings| {
        crate::support::kinds::numbered(settings);
        settings.flows = flows(&[&["employee_no", "password"], &["email", "password"]]);
    };
    let numbers = ["E0000", "E0001", "e-00 02", "E0003"];
    let people = async |app: &TestApp| {
        for (n, number) in numbers.iter().enumerate().skip(1) {
            let person = app.signup(json!({ "employee_no": number, "password": PASSWORD })).await;
            if n == 3 {
                operator::set_disabled(&app.app, &person.done.user.as_str().into(), true).await.unwrap();
            }
        }
    };
    compare(numbered, "employee_no", numbers, people).await;
}

/// Strangers to each other share no window: what is asked at one unknown name costs another nothing.
#[tokio::test]
async fn unknown_names_do_not_use_up_each_others_messages() {
    let app = TestApp::new(code_alone).await;
    let mut seen_first = String::new();
    for n in 0..8 {
        let answer = app.client().signin(json!({ "username": format!("nobody{n}") })).await;
        let attempt = answer.asks().attempt;
        app.pass(MINUTE);
        let sent = app.client().send(&attempt, json!({})).await;
        let both = format!("{}\n{}", seen(&answer), seen(&sent));
        if n == 0 {
            seen_first = both;
        } else {
            assert_eq!(seen_first, both, "the {n}th");
        }
    }
}

/// What a stranger sees of a sign-up.
async fn sign_up(app: &TestApp, kind: &str, identifier: &str, secret: (&str, &str)) -> Vec<String> {
    let (client, transcript) = (app.client(), Vec::new());
    let mut stranger = Stranger { app, client, transcript };
    stranger.knock("/v1/signup", &json!({ kind: identifier, secret.0: secret.1 })).await;
    stranger.transcript
}

#[tokio::test]
async fn a_taken_address_signs_up_like_a_free_one() {
    for (kind, [free, owned, disabled, _], secret) in
        [("email", EMAILS, ("password", PASSWORD)), ("phone", PHONES, ("hardcode", CARD))]
    {
        for app in TestApp::each(|_| ()).await {
            app.signup(json!({ kind: owned, secret.0: secret.1 })).await;
            let gone = app.signup(json!({ kind: disabled, secret.0: secret.1 })).await;
            operator::set_disabled(&app.app, &gone.done.user.as_str().into(), true).await.unwrap();
            app.pass(DAY);
            app.mail().await;
            let unknown = sign_up(&app, kind, free, secret).await;
            assert!(unknown.len() > 9, "{unknown:?}");
            assert!(app.mail().await.iter().all(|mail| mail.kind == Kind::SignupCode && mail.to == free));
            for taken in [owned, disabled] {
                app.pass(DAY);
                assert_eq!(unknown, sign_up(&app, kind, taken, secret).await, "{taken}");
                let told: Vec<_> = app.mail().await.into_iter().map(|mail| (mail.kind, mail.to)).collect();
                assert_eq!(told, [(Kind::SignupTaken, taken.to_owned())]);
            }
        }
    }
}

#[tokio::test]
async fn an_owner_is_told_of_a_sign_up_once_a_day() {
    for app in TestApp::each(|_| ()).await {
        let taken = json!({ "email": EMAILS[1], "password": PASSWORD });
        app.signup(taken.clone()).await;
        app.pass(DAY);
        let mut told = Vec::new();
        for _ in 0..2 {
            for _ in 0..3 {
                app.client().signup(taken.clone()).await.asks();
                app.pass(MINUTE);
            }
            told.push(app.mail().await.into_iter().map(|mail| mail.kind).collect::<Vec<_>>());
            app.pass(DAY);
        }
        assert_eq!(told, [[Kind::SignupTaken], [Kind::SignupTaken]]);
    }
}

/// Whoever may send nothing takes nothing of what the owner is told in a day.
#[tokio::test]
async fn a_notice_that_may_not_leave_does_not_keep_back_the_next() {
    let few = |settings: &mut Settings| {
        later(settings);
        settings.throttle.insert("send".into(), "1/h/ip".into());
    };
    for app in TestApp::each(few).await {
        let named =
            |name: &str, address: &str| json!({ "username": name, "email": address, "password": PASSWORD });
        let owner = app.signup(named("somebody", EMAILS[1])).await;
        confirmed(&app, &owner, "email").await;
        app.mail().await;
        let (full, other) = (app.client(), app.client());
        full.signup(named("stranger-one", EMAILS[0])).await.is(200);
        full.signup(named("stranger-two", EMAILS[1])).await.is(200);
        let told = app.mail().await;
        assert!(told.iter().all(|mail| mail.kind == Kind::DeviceCode), "{told:?}");
        other.signup(named("stranger-three", EMAILS[1])).await.is(200);
        let told = app.mail().await;
        assert_eq!(told.iter().map(|mail| mail.kind).collect::<Vec<_>>(), [Kind::SignupTaken]);
    }
}

/// The money that is left pays for the code and not for the notice, which is longer in its owner's language: whoever asked
/// waits as long for the next.
#[tokio::test]
async fn a_notice_that_costs_more_than_is_left_is_answered_like_a_code() {
    let poor = |settings: &mut Settings| {
        later(settings);
        (settings.phone.spend.price, settings.phone.spend.money_per_hour) = (0.1, 0.2);
    };
    let [free, owned, ..] = PHONES;
    for (number, texts) in [(free, 1), (owned, 0)] {
        for app in TestApp::each(poor).await {
            let named =
                |name: &str, number: &str| json!({ "username": name, "phone": number, "password": PASSWORD });
            let owner = app.signup(named("somebody", owned)).await;
            confirmed(&app, &owner, "phone").await;
            let german = json!({ "profile": { "language": "de" } });
            owner.client.raw("PATCH", "/v1/me", Some(&german.to_string())).await.is(200);
            app.pass(DAY);
            app.mail().await;
            let stranger = app.signup(named("stranger", number)).await;
            assert_eq!(app.mail().await.len(), texts, "{number}");
            let devices = stranger.client.get("/v1/me/devices").await.is(200).json();
            let device = devices.as_array().unwrap().iter().find(|device| device["kind"] == "phone").unwrap();
            let send = format!("/v1/me/devices/{}/send", device["id"].as_str().unwrap());
            let again = stranger.client.post(&send, json!({})).await;
            assert_eq!(again.status, 429, "{number} on {}: {again:?}", app.database());
        }
    }
}

/// Where the account is made at once, a taken address is taken along as a claim that is worth nothing; its owner is told,
/// once a day, in their own language, and not by whom.
#[tokio::test]
async fn a_taken_address_signs_up_like_a_free_one_where_it_is_proven_later() {
    for (kind, [free, owned, ..]) in [("email", EMAILS), ("phone", PHONES)] {
        for app in TestApp::each(later).await {
            let named =
                |name: &str, address: &str| json!({ "username": name, kind: address, "password": OTHER });
            let mut hers = named("somebody", owned);
            hers["password"] = json!(PASSWORD);
            let owner = app.signup(hers).await;
            confirmed(&app, &owner, kind).await;
            let german = json!({ "profile": { "language": "de" } });
            owner.client.raw("PATCH", "/v1/me", Some(&german.to_string())).await.is(200);
            app.mail().await;
            let body = |answer: &Answer| {
                let mut body = answer.json();
                for random in ["access_token", "refresh_token", "known_device", "user"] {
                    body[random] = json!("…");
                }
                body
            };
            let answers = async |name, address| {
                let client = app.client();
                let answer = client.signup(named(name, address)).await;
                (answer.status, body(&answer))
            };
            assert_eq!(answers("stranger-one", free).await, answers("stranger-two", owned).await);
            app.client().signin(json!({ kind: owned, "password": OTHER })).await.wrong();
            let mut told: Vec<_> = app.mail().await;
            told.sort_by_key(|mail| mail.kind.name());
            let to: Vec<_> = told.iter().map(|mail| (mail.kind, mail.to.as_str())).collect();
            assert_eq!(
                to,
                [(Kind::DeviceCode, free), (Kind::SignupTaken, owned)],
                "each to whom it concerns"
            );
            let notice = &told[1].text;
            assert!(notice.contains("Konto") && !notice.contains("stranger"), "{notice}");
            for (name, notices) in [("stranger-three", 0), ("stranger-four", 1)] {
                assert_eq!(answers(name, owned).await.0, 200);
                assert_eq!(app.mail().await.len(), notices, "{name}");
                app.pass(DAY);
            }
        }
    }
}
