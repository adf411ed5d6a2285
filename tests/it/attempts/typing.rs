//! Codes and numbers as keyboards of all scripts type them, at every place that takes one.

use multauth::base::Sensitive;
use multauth::base::clock::SECOND;
use multauth::base::seal::Purpose;
use multauth::settings::Settings;
use multauth::store::devices;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::{CARD, PASSWORD, Person};
use crate::support::token::totp;

/// How a code may come out of a keyboard or a clipboard: in the digits of a script, with what that one puts between.
const KEYBOARDS: &[(&str, u32, &str)] = &[
    ("ASCII", 0x30, " "),
    ("Arabic", 0x660, "\u{200f}"),
    ("Persian", 0x6f0, "\u{a0}"),
    ("N'Ko", 0x7c0, "\u{61c}"),
    ("Devanagari", 0x966, "\u{2013}"),
    ("Bengali", 0x9e6, "\u{2212}"),
    ("Tamil", 0xbe6, "\u{202f}"),
    ("Thai", 0xe50, "\u{200b}"),
    ("Tibetan", 0xf20, "\u{ad}"),
    ("Burmese", 0x1040, "\u{2060}"),
    ("Khmer", 0x17e0, "\u{2011}"),
    ("full width", 0xff10, "\u{3000}"),
    ("mathematical", 0x1d7ce, "\u{feff}"),
];

/// Areas of the numbers that are used, as messages to one block of numbers are few.
const AREAS: [u32; 13] = [202, 212, 213, 312, 415, 617, 702, 305, 206, 303, 404, 512, 602];

/// `code` as that keyboard types it, parted in the middle and framed.
fn typed(code: &str, (_, zero, between): (&str, u32, &str)) -> String {
    let digit = |c: char| match c.to_digit(10) {
        Some(value) => char::from_u32(zero + value).unwrap(),
        None => c,
    };
    let code: Vec<char> = code.chars().map(digit).collect();
    let (head, tail) = code.split_at(code.len() / 2);
    let text = |part: &[char]| part.iter().collect::<String>();
    format!("{between}{}{between}{}{between}", text(head), text(tail))
}

fn open(settings: &mut Settings) {
    unlimited(
        settings,
        &["signin", "signup", "attempt", "confirm", "devices", "send", "username_lookup", "check"],
    );
    settings.flows = flows(&[
        &["email", "password", "passcode"],
        &["username", "password"],
        &["phone", "hardcode", "passcode"],
    ]);
}

#[tokio::test]
async fn every_script_passes_at_every_place_that_takes_a_code() {
    for app in TestApp::each(open).await {
        for (n, keyboard) in KEYBOARDS.iter().enumerate() {
            let by = |code: &str| typed(code, *keyboard);
            let name = keyboard.0;
            // A sign-up's code, a card's number and a phone number.
            let phone = format!("+1{}5550140", AREAS[n]);
            let client = app.client();
            let body = json!({ "phone": by(&phone).replacen(keyboard.2, "", 1), "hardcode": by(CARD) });
            let asked = client.signup(body).await.asks();
            let code = app.code().await;
            assert_eq!(code.to, phone, "{name}");
            let done = client.passcode(&asked.attempt, &by(code.code())).await.done();
            let ada = Person { client: client.bearing(&done.access), done };
            // A sign-in's, the number in ASCII by now.
            app.pass(120 * SECOND);
            let asked = app.client().signin(json!({ "phone": phone, "hardcode": CARD })).await.asks();
            let code = app.code().await;
            app.client().passcode(&asked.attempt, &by(code.code())).await.done();
            // A device's, and an app's.
            let added =
                ada.client.add(json!({ "kind": "email", "email": format!("a{n}@example.org") })).await;
            let added = added.is(201).json();
            let code = app.code().await;
            ada.client.confirm(added["id"].as_str().unwrap(), &by(code.code())).await.is(200);
            let enrolled = ada.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
            let (id, seed) = (enrolled["id"].as_str().unwrap(), enrolled["secret"].as_str().unwrap());
            ada.client.confirm(id, &by(&totp(seed, app.clock.now()))).await.is(200);
            app.pass(120 * SECOND);
            let asked = app.client().signin(json!({ "phone": phone, "hardcode": CARD })).await.asks();
            let shown = by(&totp(seed, app.clock.now()));
            app.client().answer(&asked.attempt, json!({ "passcode": shown, "device": id })).await.done();
            app.mail().await;
        }
    }
}

#[tokio::test]
async fn every_script_passes_in_verifications_reauthentications_and_recovery_codes() {
    for app in TestApp::each(open).await {
        let backend = app.backend().await;
        let client = app.client();
        let asked = client.signup(json!({ "email": "ada@example.org", "password": PASSWORD })).await.asks();
        let code = app.code().await;
        let done = client.passcode(&asked.attempt, code.code()).await.done();
        let mut ada = Person { client: client.bearing(&done.access), done };
        let enrolled = ada.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
        let (id, seed) = (enrolled["id"].as_str().unwrap(), enrolled["secret"].as_str().unwrap());
        let confirmed = ada.client.confirm(id, &totp(seed, app.clock.now())).await.is(200).json();
        let spare = confirmed["recovery_codes"].as_array().unwrap().clone();
        app.mail().await;
        for (keyboard, spare) in KEYBOARDS.iter().rev().zip(&spare) {
            app.pass(120 * SECOND);
            let spare = typed(spare.as_str().unwrap(), *keyboard);
            ada.reauth(json!({ "password": PASSWORD, "recovery_code": spare })).await;
            app.mail().await;
        }
        for keyboard in KEYBOARDS {
            app.pass(120 * SECOND);
            let begun =
                backend.post("/v1/verifications", json!({ "to": "bob@example.org" })).await.is(201).json();
            let code = app.code().await;
            let check = format!("/v1/verifications/{}/check", begun["verification"].as_str().unwrap());
            backend.post(&check, json!({ "passcode": typed(code.code(), *keyboard) })).await.is(200);
            let given =
                json!({ "password": PASSWORD, "passcode": typed(&totp(seed, app.clock.now()), *keyboard) });
            ada.reauth(given).await;
        }
    }
}

/// A card as it was kept once: hashed as it was typed.
async fn kept_as_typed(app: &TestApp, user: &str, number: &str) {
    let parts: [&[u8]; 3] = [b"card", user.as_bytes(), number.as_bytes()];
    let hint = app.app.sealer.mac(Purpose::Passcode, &parts)[0];
    let phc = app.app.hasher.hash(Sensitive::new(number), [7; 16]).await.unwrap();
    let mut tx = app.app.store.begin().await.unwrap();
    let card = devices::of_user(&mut tx, &user.into())
        .await
        .unwrap()
        .into_iter()
        .find(|d| d.kind == "card")
        .unwrap();
    let stored = format!("{hint:02x}{phc}");
    let old = card.secret.unwrap();
    assert_eq!(devices::renew_secret(&mut tx, &card.id, &old, &stored).await.unwrap(), 1);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_card_that_was_kept_as_typed_passes_so_and_however_it_is_typed_from_then_on() {
    for app in TestApp::each(|settings| {
        open(settings);
        settings.flows = flows(&[&["username", "hardcode", "password"]]);
    })
    .await
    {
        let by = |card: &str| json!({ "username": "ada", "hardcode": card, "password": PASSWORD });
        let ada = app.signup(by(CARD)).await;
        kept_as_typed(&app, &ada.done.user, "۴۷۱۱-۰۸۱۵").await;
        // Only whoever typed it so knows what the folded form is.
        app.client().signin(by("4711-0815")).await.wrong();
        app.client().signin(by("۴۷۱۱-۰۸۱۵")).await.done();
        for now in ["4711-0815", "47110815", "4711 0815", "٤٧١١ ٠٨١٥", "۴۷۱۱-۰۸۱۵"] {
            app.client().signin(by(now)).await.done();
        }
        app.client().signin(by("4711-0816")).await.wrong();
    }
}

/// What the app shows whose clock is that many steps ahead.
fn ahead(app: &TestApp, seed: &str, steps: i64) -> String {
    totp(seed, app.clock.now() + steps * 30 * SECOND)
}

async fn by_app(app: &TestApp, code: &str) -> bool {
    let body = json!({ "email": "ada@example.org", "password": PASSWORD });
    let asked = app.client().signin(body).await.asks();
    let device = asked.ask.iter().find(|ask| ask["channel"] == "authenticator").unwrap()["device"].clone();
    let answer = app.client().answer(&asked.attempt, json!({ "passcode": code, "device": device })).await;
    if answer.status != 200 {
        answer.wrong();
        return false;
    }
    answer.done();
    true
}

async fn with_app(app: &TestApp, steps: i64) -> String {
    let ada = app.signup(json!({ "email": "ada@example.org", "password": PASSWORD })).await;
    let enrolled = ada.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
    let (id, seed) = (enrolled["id"].as_str().unwrap(), enrolled["secret"].as_str().unwrap());
    ada.client.confirm(id, &ahead(app, seed, steps)).await.is(200);
    app.pass(90 * SECOND);
    seed.to_owned()
}

#[tokio::test]
async fn an_app_that_was_set_up_ahead_stays_ahead() {
    for app in TestApp::each(open).await {
        let seed = with_app(&app, 1).await;
        for _ in 0..3 {
            assert!(by_app(&app, &ahead(&app, &seed, 1)).await, "{}", app.database());
            app.pass(90 * SECOND);
        }
        assert!(!by_app(&app, &ahead(&app, &seed, 2)).await, "one step alone");
        assert!(by_app(&app, &ahead(&app, &seed, 0)).await, "its clock is set");
        app.pass(90 * SECOND);
        assert!(by_app(&app, &ahead(&app, &seed, -1)).await, "and then it is read slowly");
    }
}

#[tokio::test]
async fn an_app_that_runs_ahead_later_is_refused_once_and_not_for_good() {
    for app in TestApp::each(open).await {
        let seed = with_app(&app, 0).await;
        assert!(by_app(&app, &ahead(&app, &seed, -1)).await, "{}", app.database());
        app.pass(90 * SECOND);
        assert!(!by_app(&app, &ahead(&app, &seed, 1)).await, "the last right code was not ahead");
        app.pass(30 * SECOND);
        assert!(
            by_app(&app, &ahead(&app, &seed, 1)).await,
            "the last one that was right by its own clock was"
        );
        app.pass(90 * SECOND);
        assert!(by_app(&app, &ahead(&app, &seed, 1)).await);
        app.pass(90 * SECOND);
        // Set right again, and read slowly.
        assert!(!by_app(&app, &ahead(&app, &seed, -1)).await);
        app.pass(30 * SECOND);
        assert!(by_app(&app, &ahead(&app, &seed, -1)).await);
    }
}

#[tokio::test]
async fn where_one_step_counts_no_clock_is_ahead() {
    for app in TestApp::each(|settings| {
        open(settings);
        settings.authenticator.steps_back = 0;
    })
    .await
    {
        let seed = with_app(&app, 0).await;
        for _ in 0..2 {
            assert!(!by_app(&app, &ahead(&app, &seed, 1)).await);
            app.pass(90 * SECOND);
        }
        assert!(by_app(&app, &ahead(&app, &seed, 0)).await);
    }
}

/// Texts that are no code at all, and of no length that was asked.
fn no_codes() -> Vec<Value> {
    let texts = ["abcdef", "12345", "1234567", "123456x", "１２３", "....", "½½½½½½", "12345678901234567890"];
    texts.into_iter().map(Value::from).chain([json!("7".repeat(4_000))]).collect()
}

#[tokio::test]
async fn what_is_no_code_costs_no_guess_and_is_answered_alike_for_nobody() {
    for app in TestApp::each(|settings| {
        open(settings);
        settings.flows = flows(&[&["email", "passcode"], &["phone", "passcode"]]);
    })
    .await
    {
        let ada = app.signup(json!({ "email": "ada@example.org" })).await;
        app.pass(120 * SECOND);
        let client = app.client();
        let mut answers = Vec::new();
        let mut right = None;
        for email in ["ada@example.org", "nobody@example.org"] {
            let asked = client.signin(json!({ "email": email })).await.asks();
            let mail = app.mail().await;
            let told: Vec<Value> = {
                let mut told = Vec::new();
                for text in no_codes() {
                    let answer = client.answer(&asked.attempt, json!({ "passcode": text })).await;
                    told.push(answer.fails(400, "invalid_request").json()["errors"].clone());
                }
                told
            };
            assert!(
                told.iter().all(|e| e[0]["field"] == "passcode" && e[0]["code"] == "invalid"),
                "{told:?}"
            );
            answers.push(told);
            let wrong = client.passcode(&asked.attempt, "000000").await.wrong().json();
            assert_eq!(wrong["attempts_left"], 4, "{email}: the first guess");
            right = right.or(Some((asked.attempt.clone(), mail)));
        }
        assert_eq!(answers[0], answers[1], "{}", app.database());
        let (attempt, mail) = right.unwrap();
        client.passcode(&attempt, mail.last().unwrap().code()).await.done();
        // By a device, and by an app, whose guesses have waits.
        let added = ada.client.add(json!({ "kind": "phone", "phone": "+12025550140" })).await.is(201).json();
        let code = app.code().await;
        let enrolled = ada.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
        let counted = "SELECT CAST(COALESCE(SUM(day_count), 0) AS BIGINT) FROM guesses";
        let before = app.rows().number(counted).await;
        for id in [added["id"].as_str().unwrap(), enrolled["id"].as_str().unwrap()] {
            for text in no_codes() {
                let answer = ada.client.confirm(id, text.as_str().unwrap()).await;
                answer.fails(400, "invalid_request");
            }
        }
        assert_eq!(app.rows().number(counted).await, before, "{}", app.database());
        ada.client.confirm(added["id"].as_str().unwrap(), code.code()).await.is(200);
    }
}

#[tokio::test]
async fn fields_of_other_kinds_of_device_are_refused() {
    for app in TestApp::each(open).await {
        let ada = app.named("ada").await;
        let all = [
            ("email", "eve@example.org"),
            ("phone", "+12025550140"),
            ("username", "eve"),
            ("hardcode", "4711-0815"),
        ];
        let kinds = ["email", "phone", "username", "card", "authenticator"];
        for kind in kinds {
            for (field, value) in
                all.iter().filter(|(field, _)| *field != kind && (kind, *field) != ("card", "hardcode"))
            {
                for value in [value, "garbage ½"] {
                    let answer = ada.client.add(json!({ "kind": kind, *field: value })).await;
                    let errors = answer.fails(400, "invalid_request").json()["errors"].clone();
                    assert_eq!(
                        (&errors[0]["field"], &errors[0]["code"]),
                        (&json!(field), &json!("other_kind")),
                        "{kind}"
                    );
                    let message = errors[0]["message"].as_str().unwrap();
                    assert!(message.contains(kind) && !message.contains(value), "{message}");
                }
            }
        }
        let devices = ada.client.get("/v1/me/devices").await.is(200).json();
        let devices = devices.as_array().unwrap().clone();
        assert_eq!(devices.len(), 1, "nothing was added");
        let path = format!("/v1/me/devices/{}", devices[0]["id"].as_str().unwrap());
        for (field, value) in [("email", "eve@example.org"), ("phone", "+12025550140")] {
            let answer = ada.client.patch(&path, json!({ field: value, "username": "eve" })).await;
            let errors = answer.fails(400, "invalid_request").json()["errors"].clone();
            assert_eq!(errors[0]["field"], field);
        }
        for beside in
            [json!({ "username": "eve", "label": "x" }), json!({ "username": "eve", "primary": true })]
        {
            let errors =
                ada.client.patch(&path, beside).await.fails(400, "invalid_request").json()["errors"].clone();
            assert_eq!(errors[0]["code"], "not_together");
        }
        assert_eq!(ada.client.get("/v1/me/devices").await.json().as_array().unwrap(), &devices);
    }
}

#[tokio::test]
async fn nothing_is_sent_to_what_no_message_reaches_and_that_is_told_as_such() {
    for app in TestApp::each(open).await {
        let ada = app.signup(json!({ "email": "ada@example.org", "password": PASSWORD })).await;
        ada.client.add(json!({ "kind": "username", "username": "ada" })).await.is(201);
        let enrolled = ada.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
        for confirmed in [false, true] {
            if confirmed {
                let shown = totp(enrolled["secret"].as_str().unwrap(), app.clock.now());
                ada.client.confirm(enrolled["id"].as_str().unwrap(), &shown).await.is(200);
            }
            let devices = ada.client.get("/v1/me/devices").await.is(200).json();
            let silent = devices.as_array().unwrap().iter().filter(|device| device["kind"] != "email");
            assert_eq!(silent.clone().count(), 2, "{devices}");
            for device in silent {
                let path = format!("/v1/me/devices/{}/send", device["id"].as_str().unwrap());
                let answer = ada.client.post(&path, json!({})).await.fails(400, "invalid_request").json();
                let error = &answer["errors"][0];
                assert_eq!(
                    (&error["field"], &error["code"]),
                    (&json!("id"), &json!("not_reached")),
                    "{device}"
                );
            }
        }
        let path = format!("/v1/me/devices/{}/send", "00000000-0000-4000-8000-000000000000");
        ada.client.post(&path, json!({})).await.fails(404, "not_found");
    }
}

/// A mark of this or that keyboard around what was meant.
fn framed(text: &str) -> [String; 8] {
    [
        format!("{text} "),
        format!(" {text}"),
        format!("\u{a0}{text}\u{3000}"),
        format!("{text}\u{2003}"),
        format!("\u{202a}{text}\u{202c}"),
        format!("\u{feff}{text}\u{200b}\u{200d}"),
        format!("\u{2068} {text}\u{2069}\u{200e}"),
        format!("\t{text}\r\n"),
    ]
}

#[tokio::test]
async fn blanks_around_an_address_are_dropped_at_every_door() {
    for app in TestApp::each(|settings| {
        open(settings);
        settings.recovery = flows(&[&["email", "passcode"]]);
        settings.flows = flows(&[&["email", "password"], &["username", "password"]]);
        unlimited(settings, &["recovery"]);
    })
    .await
    {
        let backend = app.backend().await;
        for (n, email) in framed("Sp@Example.org").iter().enumerate() {
            let name = &framed(&format!("spacey{n}"))[n];
            let body = json!({ "email": email.replace("Sp", &format!("Sp{n}")), "username": name, "password": PASSWORD });
            let sp = app.signup(body).await;
            let me = sp.client.get("/v1/me").await.is(200).json();
            assert_eq!(
                (&me["email"], &me["username"]),
                (&json!(format!("Sp{n}@example.org")), &json!(format!("spacey{n}")))
            );
            let typed = email.replace("Sp", &format!("sP{n}"));
            app.client().signin(json!({ "email": typed, "password": PASSWORD })).await.done();
            app.client().signin(json!({ "username": name, "password": PASSWORD })).await.done();
            app.client().recovery(json!({ "email": typed })).await.asks();
            assert_eq!(app.code().await.to, format!("Sp{n}@example.org"));
            let added = sp
                .client
                .add(json!({ "kind": "email", "email": email.replace("Sp", &format!("w{n}")) }))
                .await;
            assert_eq!(added.is(201).json()["address"], format!("w{n}@example.org"));
            app.mail().await;
            backend.post("/v1/verifications", json!({ "to": email })).await.is(201);
            assert_eq!(app.code().await.to, "Sp@example.org");
            app.pass(61 * SECOND);
        }
    }
}

/// What was pasted with a code or a number is no part of it, and inside of a name it stays refused.
#[tokio::test]
async fn tabs_and_line_ends_that_were_pasted_are_dropped() {
    for app in TestApp::each(open).await {
        let client = app.client();
        let asked = client.signup(json!({ "phone": "\t+12025550143\n", "hardcode": CARD })).await.asks();
        let code = app.code().await;
        client.passcode(&asked.attempt, &format!("\t{}\r\n", code.code())).await.done();
        app.signup(json!({ "username": "ada", "password": PASSWORD })).await;
        let pasted = json!({ "username": "ada\n", "password": format!("{PASSWORD}\n") });
        app.client().signin(pasted).await.done();
        for name in ["a\u{200b}da", "a\u{202e}da", "a\u{feff}da", "a da"] {
            let body = json!({ "username": name, "password": PASSWORD });
            app.client().signup(body).await.fails(400, "invalid_request");
        }
        app.client()
            .signup(json!({ "email": "a\u{200b}da@example.org", "password": PASSWORD }))
            .await
            .is(400);
    }
}

#[tokio::test]
async fn an_international_domain_is_read_as_its_owner_writes_it_and_delivered_to_in_ascii() {
    for app in TestApp::each(open).await {
        let client = app.client();
        let asked =
            client.signup(json!({ "email": "max@m\u{fc}ller.de", "password": PASSWORD })).await.asks();
        assert_eq!(asked.ask[0]["to"], "m•••@müller.de");
        let code = app.code().await;
        assert_eq!(code.to, "max@xn--mller-kva.de");
        let done = client.passcode(&asked.attempt, code.code()).await.done();
        let max = Person { client: client.bearing(&done.access), done };
        assert_eq!(max.client.get("/v1/me").await.json()["email"], "max@müller.de");
        assert_eq!(max.client.get("/v1/me/devices").await.json()[0]["address"], "max@müller.de");
        let added = max.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
        assert!(added["uri"].as_str().unwrap().contains("max%40m%C3%BCller.de"), "{}", added["uri"]);
        app.pass(61 * SECOND);
        let added =
            max.client.add(json!({ "kind": "email", "email": "max@b\u{fc}cher.example" })).await.is(201);
        assert_eq!(added.json()["address"], "max@bücher.example");
        let mail = app.code().await;
        assert_eq!(mail.to, "max@xn--bcher-kva.example");
        assert!(mail.text.contains("@müller.de") && !mail.text.contains("xn--"), "{}", mail.text);
        for email in ["MAX@MÜLLER.de", "max@xn--mller-kva.de", "max@mu\u{308}ller.de"] {
            let asked = app.client().signin(json!({ "email": email, "password": PASSWORD })).await.asks();
            assert_eq!(asked.ask[0]["to"], "m•••@müller.de");
        }
    }
}
