//! A form that is wrong takes nothing of what a door bounds; too many of them are refused, whatever the door.

use multauth::base::clock::{HOUR, MINUTE};
use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows};
use crate::support::client::{Answer, Client};
use crate::support::person::{OTHER, PASSWORD, Person};

/// What no body may be.
const BROKEN: [&str; 4] = ["", "{username: ada}", "[]", "{\"nonsense\": 1}"];

/// A door: how it is called, a form that only it finds wrong (`null` where there is none), and the right one.
struct Door {
    /// The action whose window it takes.
    action: &'static str,
    method: &'static str,
    path: String,
    wrong: Vec<Value>,
    right: Value,
    /// What the right one is answered.
    answered: u16,
    client: Client,
}

impl Door {
    async fn call(&self, body: &str) -> Answer {
        self.client.raw(self.method, &self.path, Some(body)).await
    }
}

/// What every door but those of the signed-in leaves open; rates that 25 mistakes would use up.
fn settings(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"], &["email", "password"]]);
    settings.phone.countries = vec!["US".to_owned()];
    for (action, rate) in [
        ("attempt", "20/h/ip"),
        ("confirm", "20/h/ip"),
        ("token", "20/h/ip"),
        ("introspect", "20/h/key"),
        ("verification", "20/h/key"),
        ("profile", "20/h/account"),
        ("username_lookup", "20/h/ip"),
        // It bounds what a token is used for, whatever for.
        ("me", "off"),
    ] {
        settings.throttle.insert(action.to_owned(), rate.to_owned());
    }
}

async fn doors(app: &TestApp) -> Vec<Door> {
    let ada = app.named("ada").await;
    let email = app.signup(json!({ "email": "grace@example.org", "password": PASSWORD })).await;
    let asked = app.client().signin(json!({ "username": "ada" })).await.asks();
    let door = |action, method, path: &str, wrong: &[Value], right, answered, client: &Client| Door {
        action,
        method,
        path: path.to_owned(),
        wrong: wrong.to_vec(),
        right,
        answered,
        client: client.clone(),
    };
    let (nobody, backend) = (app.client(), app.backend().await);
    let Person { client: known, done } = &ada;
    let device = email.client.get("/v1/me/devices").await.json()[0]["id"].as_str().unwrap().to_owned();
    let bad_name = json!({ "username": "?", "password": PASSWORD });
    let weak = json!({ "username": "eve", "password": "1234" });
    let bad_address = json!({ "email": "no address", "password": PASSWORD });
    vec![
        door(
            "signup",
            "POST",
            "/v1/signup",
            &[bad_name.clone(), weak, bad_address.clone(), json!({ "username": "eve" })],
            json!({ "username": "eve", "password": PASSWORD }),
            200,
            &nobody,
        ),
        door("signin", "POST", "/v1/signin", &[bad_address], json!({ "username": "ada" }), 200, &nobody),
        door(
            "recovery",
            "POST",
            "/v1/recovery",
            &[json!({ "email": "?" })],
            json!({ "email": "grace@example.org" }),
            200,
            &nobody,
        ),
        door("reauth", "POST", "/v1/reauth", &[json!({})], json!({ "password": PASSWORD }), 200, known),
        door(
            "attempt",
            "POST",
            &format!("/v1/attempts/{}", asked.attempt),
            &[],
            json!({ "password": PASSWORD }),
            200,
            &nobody,
        ),
        door("confirm", "POST", "/v1/confirm", &[json!({})], json!({ "key": "x" }), 404, &nobody),
        door("token", "POST", "/v1/token", &[], json!({ "refresh_token": done.refresh }), 200, &nobody),
        door("introspect", "POST", "/v1/introspect", &[], json!({ "token": "x" }), 200, &backend),
        door(
            "verification",
            "POST",
            "/v1/verifications",
            &[json!({ "to": "?" }), json!({ "to": "a@example.org", "channel": "sms" })],
            json!({ "to": "linus@example.org" }),
            201,
            &backend,
        ),
        door(
            "profile",
            "PATCH",
            "/v1/me",
            &[json!({ "profile": { "first_name": 1 } })],
            json!({ "profile": { "first_name": "Ada" } }),
            200,
            known,
        ),
        door(
            "devices",
            "POST",
            "/v1/me/devices",
            &[
                json!({ "kind": "email", "email": "?" }),
                json!({ "kind": "x" }),
                json!({ "kind": "phone", "phone": "1" }),
            ],
            json!({ "kind": "email", "email": "ada@example.org" }),
            201,
            known,
        ),
        door(
            "devices",
            "PATCH",
            &format!("/v1/me/devices/{device}"),
            &[json!({ "email": "?" })],
            json!({ "email": "grace2@example.org" }),
            200,
            &email.client,
        ),
        door(
            "password",
            "PUT",
            "/v1/me/password",
            &[json!({ "password": PASSWORD, "new_password": "1" }), json!({ "new_password": OTHER })],
            json!({ "password": PASSWORD, "new_password": OTHER }),
            204,
            known,
        ),
    ]
}

#[tokio::test]
async fn typing_errors_take_nothing_of_what_a_door_bounds() {
    for app in TestApp::each(settings).await {
        for door in doors(&app).await {
            let broken = BROKEN.iter().map(|&text| text.to_owned()).collect();
            // Those that no body may be, and those that only the door itself finds wrong.
            for forms in [broken, door.wrong.iter().map(Value::to_string).collect::<Vec<String>>()] {
                for form in forms.iter().cycle().take(25) {
                    let answer = door.call(form).await;
                    let which = format!("{} {} {form}", app.database(), door.action);
                    assert!([400, 415].contains(&answer.status), "{which}: {answer:?}");
                }
            }
            let right = door.call(&door.right.to_string()).await;
            assert_eq!(right.status, door.answered, "{} {}: {right:?}", app.database(), door.action);
        }
    }
}

#[tokio::test]
async fn three_hundred_wrong_forms_a_minute_are_enough_and_what_is_right_passes() {
    for app in TestApp::each(settings).await {
        app.named("ada").await;
        let client = app.client();
        for n in 0..300 {
            let path = ["/v1/signup", "/v1/signin", "/v1/recovery", "/v1/token"][n % 4];
            client.raw("POST", path, Some(BROKEN[n % 3])).await.fails(400, "invalid_request");
        }
        for path in ["/v1/signup", "/v1/signin", "/v1/confirm"] {
            let refused = client.raw("POST", path, Some("[]")).await.fails(429, "too_many");
            assert_eq!(refused.header("retry-after"), Some("90"), "{}", app.database());
        }
        let plain = app.client();
        plain.form("/v1/signin", "username=ada").await.fails(415, "unsupported_media_type");
        client.form("/v1/signin", "username=ada").await.fails(429, "too_many");
        client.signin(json!({ "username": "ada", "password": PASSWORD })).await.done();
        app.pass(2 * MINUTE);
        client.raw("POST", "/v1/signup", Some("[]")).await.fails(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_name_that_is_taken_is_an_answer_and_no_wrong_form() {
    for app in TestApp::each(settings).await {
        app.named("ada").await;
        let client = app.client();
        let body = json!({ "username": "ada", "password": PASSWORD });
        for _ in 0..20 {
            client.signup(body.clone()).await.fails(409, "taken");
        }
        client.signup(body.clone()).await.fails(429, "too_many");
        client.signup(json!({ "username": "eve", "password": PASSWORD })).await.fails(429, "too_many");
        app.pass(HOUR);
        client.signup(json!({ "username": "eve", "password": PASSWORD })).await.done();
    }
}
