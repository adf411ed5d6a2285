//! The profile: asked for by attempts, typed, unique, and safe from changes of its fields.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::Asked;
use crate::support::fields::{declare, twelve};
use crate::support::person::{OTHER, PASSWORD};
use crate::support::token::claims;

const BIRTHDAY: &str = "[fields.birthday]\ntype = 'date'\nrequired = true\n\
    label = { en = 'Date of birth', de = 'Geburtsdatum' }\nhelp = 'As in your passport.'\n";
const NUMBER: &str = "[fields.number]\ntype = 'string'\nmax_length = 9\nunique = true\n";

fn named(name: &str) -> Value {
    json!({ "username": name, "password": PASSWORD })
}

/// The names of the fields that are asked for.
fn asked(asked: &Asked) -> Vec<&str> {
    assert_eq!(asked.secrets(), ["profile"]);
    asked.ask[0]["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect()
}

fn errors(answer: &Value) -> Vec<(&str, &str)> {
    let errors = answer["errors"].as_array().unwrap();
    errors.iter().map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn sign_up_asks_for_what_is_required_before_it_sends_a_code() {
    for app in TestApp::each(|s| declare(s, BIRTHDAY)).await {
        let client = app.client().speaking("de-AT, en;q=0.5");
        let first = client.signup(json!({ "email": "ada@example.org", "password": PASSWORD })).await.asks();
        assert_eq!(asked(&first), ["birthday"]);
        let expected = json!({
            "name": "birthday", "label": "Geburtsdatum", "help": "As in your passport.", "required": true,
            "schema": { "type": "string", "format": "date" }
        });
        assert_eq!(first.ask[0]["fields"][0], expected, "{}", app.database());
        TestApp::assert_silent(&app.mail().await);
        let attempt = &first.attempt;
        client.send(attempt, json!({})).await.fails(400, "not_asked");
        client.passcode(attempt, "123456").await.fails(400, "not_asked");
        let wrong = client.answer(attempt, json!({ "profile": { "birthday": "soon", "x": 1 } })).await;
        assert_eq!(
            errors(&wrong.fails(400, "invalid_request").json()),
            [("profile.birthday", "not_a_date"), ("profile.x", "unknown_field")]
        );
        let missing = client.answer(attempt, json!({ "profile": { "first_name": "Ada" } })).await;
        assert_eq!(errors(&missing.fails(400, "invalid_request").json()), [("profile.birthday", "missing")]);
        TestApp::assert_silent(&app.mail().await);
        let next = client.answer(attempt, json!({ "profile": { "birthday": "1815-12-10" } })).await.asks();
        assert_eq!(next.secrets(), ["passcode"]);
        let done = client.passcode(attempt, app.code().await.code()).await.done();
        let me = client.bearing(&done.access).get("/v1/me").await.is(200).json();
        assert_eq!(me["profile"], json!({ "birthday": "1815-12-10" }));
    }
}

#[tokio::test]
async fn sign_up_without_anything_to_prove_makes_the_account_once_the_profile_is_there() {
    let app = TestApp::new(|s| declare(s, BIRTHDAY)).await;
    let client = app.client();
    let first = client.signup(named("ada")).await.asks();
    assert_eq!(asked(&first), ["birthday"]);
    let body = json!({ "profile": { "birthday": "1815-12-10" } });
    let both =
        join_all([client.answer(&first.attempt, body.clone()), client.answer(&first.attempt, body)]).await;
    let done = both.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{both:?}");
    assert_eq!(app.rows().number("SELECT COUNT(*) FROM users").await, 1);
    let whole = json!({ "username": "bob", "password": OTHER, "profile": { "birthday": "1990-01-01" } });
    client.signup(whole).await.done();
}

#[tokio::test]
async fn sign_in_asks_for_a_field_that_the_operator_added() {
    for app in TestApp::each(|_| {}).await {
        let old = app
            .signup(json!({ "username": "ada", "password": PASSWORD, "profile": { "first_name": "Ada" } }))
            .await;
        let now = app
            .again_with(|s| {
                declare(s, BIRTHDAY);
                declare(s, "[fields.size]\ntype = 'integer'\nrequired = 'signin'\nclaim = 'https://example.org/size'\n");
            })
            .await;
        let client = now.client();
        let first = client.signin(named("ada")).await.asks();
        assert_eq!(asked(&first), ["birthday", "size"], "{}", app.database());
        let wrong = client
            .answer(&first.attempt, json!({ "profile": { "birthday": "1815-12-10", "size": "m" } }))
            .await;
        assert_eq!(errors(&wrong.fails(400, "invalid_request").json()), [("profile.size", "wrong_type")]);
        let again = client.answer(&first.attempt, json!({ "password": PASSWORD })).await.asks();
        assert_eq!(asked(&again), ["birthday", "size"], "the attempt stayed as it was");
        let whole = json!({ "profile": { "birthday": "1815-12-10", "size": 3 } });
        let done = client.answer(&first.attempt, whole).await.done();
        assert_eq!(
            claims(&now, &done.access).await["https://example.org/size"],
            3,
            "the first token has it already"
        );
        let me = client.bearing(&done.access).get("/v1/me").await.is(200).json();
        assert_eq!(me["profile"], json!({ "first_name": "Ada", "birthday": "1815-12-10", "size": 3 }));
        client.signin(named("ada")).await.done();
        // Whoever is signed in is not asked, and a sign-up is asked for no more than it must.
        old.client.at(&now.base).get("/v1/me").await.is(200);
        assert_eq!(asked(&client.signup(named("bob")).await.asks()), ["birthday"]);
    }
}

#[tokio::test]
async fn a_code_that_was_spent_before_the_profile_was_wrong_stays_spent_and_proven() {
    let app = TestApp::new(|s| s.flows = flows(&[&["email", "password", "passcode"]])).await;
    app.signup(json!({ "email": "ada@example.org", "password": PASSWORD })).await;
    let app = app.again_with(|s| declare(s, BIRTHDAY)).await;
    app.mail().await;
    let client = app.client();
    let first = client.signin(json!({ "email": "ada@example.org", "password": PASSWORD })).await.asks();
    let code = app.code().await;
    let both = json!({ "passcode": code.code(), "profile": { "birthday": 3 } });
    client.answer(&first.attempt, both).await.fails(400, "invalid_request");
    client.answer(&first.attempt, json!({ "profile": { "birthday": "1815-12-10" } })).await.done();
}

#[tokio::test]
async fn recovery_and_re_authentication_do_not_ask_for_the_profile() {
    let app = TestApp::new(|_| {}).await;
    let person = app.signup(json!({ "email": "ada@example.org", "password": PASSWORD })).await;
    let app = app.again_with(|s| declare(s, BIRTHDAY)).await;
    app.mail().await;
    let client = person.client.at(&app.base);
    let mut answer = client.reauth(json!({ "password": PASSWORD })).await;
    if answer.json()["state"] == "ask" {
        let asked = answer.asks();
        assert_eq!(asked.secrets(), ["passcode"]);
        answer = client.passcode(&asked.attempt, app.code().await.code()).await;
    }
    answer.done();
    let asked = app.client().recovery(json!({ "email": "ada@example.org" })).await.asks();
    let next = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
    assert_eq!(next.secrets(), ["new_password"]);
}

#[tokio::test]
async fn a_unique_value_is_one_accounts_whoever_asks_at_once() {
    let change = |s: &mut multauth::settings::Settings| {
        declare(s, NUMBER);
        unlimited(s, &["signup", "username_lookup"]);
    };
    for app in TestApp::each(change).await {
        let other = app.again().await;
        let one = |n: usize| {
            let client = app.client().at([&app.base, &other.base][n % 2]);
            let mut body = named(&format!("person{n}"));
            body["profile"] = json!({ "number": "é-1" });
            async move { client.signup(body).await }
        };
        let answers = join_all((0..10).map(one)).await;
        assert_eq!(
            answers.iter().filter(|answer| answer.status == 200).count(),
            1,
            "{}: {answers:?}",
            app.database()
        );
        for taken in answers.into_iter().filter(|answer| answer.status != 200) {
            assert_eq!(errors(&taken.fails(409, "taken").json()), [("profile.number", "taken")]);
        }
        let (ada, bob) = (app.named("ada").await, app.named("bob").await);
        let change = |person: &crate::support::person::Person, number: Value| {
            let (client, body) = (person.client.clone(), json!({ "profile": { "number": number } }));
            async move { client.raw("PATCH", "/v1/me", Some(&body.to_string())).await }
        };
        change(&ada, json!("A-2")).await.is(200);
        change(&ada, json!("A-2")).await.is(200);
        let taken = change(&bob, json!("A-2")).await.fails(409, "taken");
        assert_eq!(errors(&taken.json()), [("profile.number", "taken")]);
        assert!(!taken.text.contains("A-2"), "the value is not quoted: {taken:?}");
        change(&ada, Value::Null).await.is(200);
        change(&bob, json!("A-2")).await.is(200);
        change(&ada, json!("e\u{301}-1")).await.fails(409, "taken");
    }
}

#[tokio::test]
async fn behind_an_address_a_unique_value_is_told_only_once_it_is_proven() {
    let app = TestApp::new(|s| declare(s, NUMBER)).await;
    let body = |email: &str, number: &str| json!({ "email": email, "password": PASSWORD, "profile": { "number": number } });
    app.signup(body("ada@example.org", "1")).await;
    let client = app.client();
    let (free, taken) = (body("bob@example.org", "2"), body("bob@example.org", "1"));
    let free = client.signup(free).await.asks();
    let asked = client.signup(taken).await.asks();
    assert_eq!(free.secrets(), asked.secrets(), "nothing tells that the value is taken");
    let code = app.mail().await.pop().unwrap();
    client.passcode(&asked.attempt, code.code()).await.fails(409, "taken");
    let again = json!({ "passcode": code.code(), "profile": { "number": "3" } });
    let done = client.answer(&asked.attempt, again).await.done();
    let me = client.bearing(&done.access).get("/v1/me").await.json();
    assert_eq!(me["profile"]["number"], "3", "the code was not spent on the value that was taken");
}

#[tokio::test]
async fn looking_values_up_is_bounded_as_looking_names_up_is() {
    let app = TestApp::new(|s| {
        declare(s, NUMBER);
        unlimited(s, &["signup"]);
        s.throttle.insert("username_lookup".into(), "2/m/ip".into());
    })
    .await;
    let mut body = named("ada");
    body["profile"] = json!({ "number": "1" });
    app.signup(body.clone()).await;
    body["username"] = json!("bob");
    let client = app.client();
    client.signup(body.clone()).await.fails(409, "taken");
    client.signup(body.clone()).await.fails(409, "taken");
    client.signup(body).await.fails(429, "too_many");
    let eve = app.named("eve").await;
    for status in [409, 409, 429] {
        let body = json!({ "profile": { "number": "1" } }).to_string();
        eve.client.raw("PATCH", "/v1/me", Some(&body)).await.is(status);
    }
}

#[tokio::test]
async fn changes_of_different_fields_at_once_both_survive() {
    for app in TestApp::each(|_| {}).await {
        let other = app.again().await;
        let ada = app.named("ada").await;
        for n in 0..5 {
            let one = |(m, field): (usize, &str)| {
                let client = ada.client.at([&app.base, &other.base][m]);
                let body = json!({ "profile": { field: format!("{field}{n}") } }).to_string();
                async move { client.raw("PATCH", "/v1/me", Some(&body)).await.is(200) }
            };
            join_all(["first_name", "last_name"].into_iter().enumerate().map(one)).await;
            let me = ada.client.get("/v1/me").await.json();
            let expected =
                json!({ "first_name": format!("first_name{n}"), "last_name": format!("last_name{n}") });
            assert_eq!(me["profile"], expected, "{}", app.database());
        }
    }
}

#[tokio::test]
async fn every_type_goes_in_and_comes_out_and_rights_hold() {
    let app = TestApp::new(twelve).await;
    let profile = json!({
        "first_name": "Ada", "language": "en", "birthday": "1915-12-10", "member_number": "AB-1234", "children": 3,
        "height": 1.61, "newsletter": true, "size": "m", "interests": ["poetry", "engines"],
        "address": { "street": "St James's Square 12", "city": "London", "country": "GB" }
    });
    let ada = app.signup(json!({ "username": "ada", "password": PASSWORD, "profile": profile })).await;
    let mut shown = profile.clone();
    shown["credit"] = json!(0);
    assert_eq!(ada.client.get("/v1/me").await.json()["profile"], shown);
    let wrong = json!({ "profile": {
        "credit": 1_000, "children": 3.5, "height": "tall", "size": "xs", "address": { "street": "x", "zip": "1" }
    } });
    let answer =
        ada.client.raw("PATCH", "/v1/me", Some(&wrong.to_string())).await.fails(400, "invalid_request");
    assert_eq!(
        errors(&answer.json()),
        [
            ("profile.credit", "read_only"),
            ("profile.children", "wrong_type"),
            ("profile.height", "wrong_type"),
            ("profile.size", "not_one_of"),
            ("profile.address.city", "schema"),
            ("profile.address.zip", "schema"),
        ]
    );
    assert_eq!(ada.client.get("/v1/me").await.json()["profile"], shown, "nothing of it was written");
}

#[tokio::test]
async fn what_was_stored_survives_every_change_of_the_fields() {
    let app =
        TestApp::new(|s| declare(s, "[fields.shoe]\ntype = 'string'\n[fields.secret]\ntype = 'string'\n"))
            .await;
    let mut body = named("ada");
    body["profile"] = json!({ "shoe": "42", "secret": "s", "first_name": "Ada" });
    let ada = app.signup(body).await;
    let patch = json!({ "profile": { "last_name": "L" } }).to_string();
    let now = app
        .again_with(|s| {
            declare(
                s,
                "[fields.shoe]\ntype = 'integer'\n[fields.secret]\ntype = 'string'\nread = ['admin']\n",
            );
            declare(s, "[fields.colour]\ntype = 'enum'\nvalues = ['red']\ndefault = 'red'\n");
            s.user.fields.remove("first_name");
        })
        .await;
    let client = ada.client.at(&now.base);
    let me = client.raw("PATCH", "/v1/me", Some(&patch)).await.is(200).json();
    assert_eq!(me["profile"], json!({ "last_name": "L", "colour": "red" }), "what does not fit is not shown");
    now.client().signin(named("ada")).await.done();
    let back = ada.client.get("/v1/me").await.json();
    assert_eq!(
        back["profile"],
        json!({ "shoe": "42", "secret": "s", "first_name": "Ada", "last_name": "L" })
    );
}

#[tokio::test]
async fn a_profile_has_a_largest_size() {
    let app = TestApp::new(|s| declare(s, "[fields.a]\ntype = 'string'\nmax_length = 10000\n[fields.b]\ntype = 'string'\nmax_length = 10000\n")).await;
    let mut body = named("ada");
    body["profile"] = json!({ "a": "x".repeat(9_000) });
    let ada = app.signup(body).await;
    let more = json!({ "profile": { "b": "x".repeat(9_000) } }).to_string();
    let answer = ada.client.raw("PATCH", "/v1/me", Some(&more)).await.fails(400, "invalid_request");
    assert_eq!(errors(&answer.json()), [("profile", "too_large")]);
}

#[tokio::test]
async fn nobody_fills_the_trail_with_changes_of_their_profile() {
    let app = TestApp::new(|s| drop(s.throttle.insert("profile".into(), "2/h/account".into()))).await;
    let ada = app.named("ada").await;
    let change = async |name: &str| {
        let body = json!({ "profile": { "first_name": name } });
        ada.client.patch("/v1/me", body).await
    };
    change("Ada").await.is(200);
    change("Augusta").await.is(200);
    change("Ada").await.fails(429, "too_many");
}
