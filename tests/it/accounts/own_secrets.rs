//! A secret of a program's own: set at sign-up, asked for, bounded, changed.

use multauth::api;
use multauth::base::clock::{DAY, HOUR};
use multauth::base::{Fault, Sensitive};
use multauth::extensions::Extensions;
use multauth::flows::Factor;
use multauth::messages::Kind;
use multauth::secrets::{Choice, SecretKind};
use multauth::settings::Settings;
use multauth::startup::{self, World};
use multauth::store::trail::{self, Wanted};
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows};
use crate::support::kinds::{Pin, own, with_pin};
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::support::token::claims;

const EMAIL: &str = "ada@example.org";
const PIN: &str = "493071";

async fn apps() -> Vec<TestApp> {
    TestApp::each_with(&own(), with_pin).await
}

fn all() -> Value {
    json!({ "email": EMAIL, "password": PASSWORD, "pin": "493 071" })
}

async fn ada(app: &TestApp) -> Person {
    let ada = app.signup(all()).await;
    app.mail().await;
    ada
}

#[tokio::test]
async fn it_is_set_at_sign_up_and_asked_for_at_sign_in() {
    for app in apps().await {
        let ada = ada(&app).await;
        let client = app.client();
        let asked = client.signin(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
        assert_eq!(asked.secrets(), ["pin"], "{}", app.database());
        let done = client.answer(&asked.attempt, json!({ "pin": "49 30 71" })).await.done();
        assert_eq!(done.user, ada.done.user);
        let claims = claims(&app, &done.access).await;
        assert_eq!(
            (&claims["amr"], &claims["acr"]),
            (&json!(["pwd", "pin"]), &json!("urn:multauth:acr:single"))
        );
        let me = ada.client.get("/v1/me").await.json();
        assert_eq!((&me["secrets"], &me["has_password"]), (&json!(["pin"]), &json!(true)), "{me}");
    }
}

#[tokio::test]
async fn it_lacks_and_what_it_may_not_be_is_told_by_its_name() {
    for app in apps().await {
        let error =
            |answer: Value| (answer["errors"][0]["field"].clone(), answer["errors"][0]["code"].clone());
        let without = json!({ "email": EMAIL, "password": PASSWORD });
        let lacking = app.client().signup(without).await.fails(400, "invalid_request").json();
        assert_eq!(error(lacking), (json!("pin"), json!("missing")));
        let letters = json!({ "email": EMAIL, "password": PASSWORD, "pin": "abcdef" });
        let wrong = app.client().signup(letters).await.fails(400, "invalid_request").json();
        assert_eq!(error(wrong), (json!("pin"), json!("wrong_form")));
    }
}

/// Whoever has the email, or nobody: the same answers, and the same wait after as many guesses.
#[tokio::test]
async fn guesses_are_bounded_alike_for_everybody() {
    for app in apps().await {
        ada(&app).await;
        let mut seen = Vec::new();
        for email in [EMAIL, "nobody@example.org"] {
            let (client, mut answers) = (app.client(), Vec::new());
            for n in 0..5 {
                let guess =
                    json!({ "email": email, "password": "not the right one", "pin": format!("00000{n}") });
                let answer = client.signin(guess).await;
                // Where it rests, each has an attempt of its own to go on with.
                let mut body: Value = serde_json::from_str(&answer.text).unwrap();
                body["attempt"] = Value::Null;
                answers.push((answer.status, body));
            }
            seen.push(answers);
        }
        assert_eq!(seen[0], seen[1], "{}", app.database());
        let statuses: Vec<u16> = seen[0].iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [401, 401, 401, 429, 429]);
    }
}

#[tokio::test]
async fn guesses_at_it_are_counted_by_its_own_name() {
    for app in apps().await {
        ada(&app).await;
        let client = app.client();
        for n in 0..4 {
            let asked = app.client().signin(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
            let answer = client.answer(&asked.attempt, json!({ "pin": format!("11111{n}") })).await;
            if n < 3 {
                answer.wrong()
            } else {
                answer.fails(429, "too_many")
            };
        }
        let asked = app.client().signin(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
        client.answer(&asked.attempt, json!({ "pin": PIN })).await.fails(429, "too_many");
    }
}

#[tokio::test]
async fn a_change_takes_the_current_one_ends_other_sessions_and_is_told() {
    for app in apps().await {
        let ada = ada(&app).await;
        let other = app.client();
        let other = Person::with(&other, other.signin(all()).await.done());
        let change = async |body: Value| ada.client.put("/v1/me/secrets/pin", body).await;
        change(json!({ "new": "112233" })).await.fails(400, "invalid_request");
        change(json!({ "current": "000000", "new": "112233" })).await.wrong();
        let short = change(json!({ "current": PIN, "new": "1" })).await.fails(400, "invalid_request").json();
        assert_eq!(short["errors"][0]["field"], "new", "{short}");
        TestApp::assert_silent(&app.mail().await);
        change(json!({ "current": PIN, "new": "11 22 33" })).await.is(204);
        let told: Vec<_> = app.mail().await.into_iter().map(|mail| (mail.kind, mail.to)).collect();
        assert_eq!(told, [(Kind::SecretChanged, EMAIL.to_owned())], "{}", app.database());
        let wanted = Wanted { user: None, name: "secret.changed".into(), since: 0, until: i64::MAX };
        let noted =
            trail::after(&mut app.app.store.read().await.unwrap(), &wanted, (-1, ""), 10).await.unwrap();
        let noted: Vec<Value> = noted.iter().map(|row| serde_json::from_str(&row.data).unwrap()).collect();
        assert_eq!(noted, [json!({ "by": "user", "secret": "pin" })]);
        other.client.get("/v1/me").await.fails(401, "invalid_token");
        ada.client.get("/v1/me").await.is(200);
        app.client().signin(all()).await.wrong();
        let mut changed = all();
        changed["pin"] = json!("112233");
        app.client().signin(changed).await.done();
        let unknown = ada.client.put("/v1/me/secrets/password", json!({ "new": "x" })).await;
        unknown.fails(404, "not_found");
    }
}

/// Who never set one is not held to the flow that asks for it, and sets it later, with a fresh authentication.
#[tokio::test]
async fn who_has_none_signs_in_without_and_sets_one_later() {
    for app in apps().await {
        let bob = app.signup(json!({ "username": "bob", "password": PASSWORD })).await;
        bob.add(&app, "email", "bob@example.org").await;
        let by_name = json!({ "username": "bob", "password": PASSWORD });
        app.client().signin(by_name.clone()).await.done();
        app.pass(HOUR);
        let fresh = app.client();
        let late = Person::with(&fresh, fresh.signin(by_name.clone()).await.done());
        late.client.put("/v1/me/secrets/pin", json!({ "new": PIN })).await.is(204);
        let asked = app.client().signin(by_name).await.asks();
        assert_eq!(asked.secrets(), ["pin"], "the stronger flow asks for the rest of it");
        app.pass(HOUR);
        let stale = late.client.refresh(&late.done.refresh).await.is(200).json();
        let stale = late.client.bearing(stale["access_token"].as_str().unwrap());
        let late = stale.put("/v1/me/secrets/pin", json!({ "current": PIN, "new": "112233" })).await;
        late.fails(403, "reauth_required");
    }
}

/// Whoever had a session for five minutes could set the first one, which its owner would then be asked for: a recovery
/// drops it, and asks for another where a flow does. One that was there for three days stays.
#[tokio::test]
async fn one_that_was_first_set_lately_goes_with_a_recovery() {
    for (age, stays) in [(HOUR, false), (73 * HOUR, true)] {
        let optional = |settings: &mut Settings| {
            settings.flows = flows(&[&["email", "password"], &["email", "password", "pin"]]);
        };
        for app in TestApp::each_with(&own(), optional).await {
            app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
            app.pass(4 * DAY);
            let first = app.client().signin(json!({ "email": EMAIL, "password": PASSWORD })).await.done();
            let fresh = app.client().bearing(&first.access);
            fresh.put("/v1/me/secrets/pin", json!({ "new": PIN })).await.is(204);
            app.pass(age);
            app.mail().await;
            let asked = app.client().recovery(json!({ "email": EMAIL })).await.asks();
            let asked = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
            let wanted: &[&str] = if stays { &["new_password"] } else { &["new_password", "pin"] };
            assert_eq!(asked.secrets(), wanted, "{}", app.database());
            let mut anew = json!({ "new_password": OTHER });
            if !stays {
                anew["pin"] = json!("112233");
            }
            app.client().answer(&asked.attempt, anew).await.done();
            let body = |pin: &str| json!({ "email": EMAIL, "password": OTHER, "pin": pin });
            let (right, wrong) = if stays { (PIN, "112233") } else { ("112233", PIN) };
            app.client().signin(body(wrong)).await.wrong();
            app.client().signin(body(right)).await.done();
        }
    }
}

/// One that was chosen at the sign-up is its owner's, however young the account is.
#[tokio::test]
async fn one_of_the_sign_up_stays_with_a_recovery() {
    for app in apps().await {
        ada(&app).await;
        app.pass(HOUR);
        let asked = app.client().recovery(json!({ "email": EMAIL })).await.asks();
        let asked = app.client().passcode(&asked.attempt, app.code().await.code()).await.asks();
        assert_eq!(asked.secrets(), ["new_password"], "{}", app.database());
    }
}

#[tokio::test]
async fn the_document_has_it_where_the_program_does() {
    let mut settings = Settings::built_in();
    with_pin(&mut settings);
    let document = api::document(&settings, &own());
    let schemas = &document["components"]["schemas"];
    for body in ["SigninRequest", "SignupRequest", "AnswerRequest"] {
        assert!(schemas[body]["properties"]["pin"].is_object(), "{body}");
    }
    let put = &document["paths"]["/v1/me/secrets/{secret}"]["put"];
    assert_eq!(put["parameters"][0]["schema"]["enum"], json!(["pin"]), "{put}");
    let plain = api::document(&Settings::built_in(), &Extensions::default());
    assert!(plain["paths"].get("/v1/me/secrets/{secret}").is_none());
    assert!(plain["components"]["schemas"].get("ChangeSecretRequest").is_none());
}

/// A kind whose name, or whose answers, cannot be.
struct Wrong(&'static str, Factor);

impl SecretKind for Wrong {
    fn name(&self) -> &'static str {
        self.0
    }

    fn title(&self) -> &'static str {
        "Wrong"
    }

    fn example(&self) -> &'static str {
        "x"
    }

    fn factor(&self) -> Factor {
        self.1
    }

    fn check(&self, typed: &str, choice: &Choice<'_>) -> Result<Sensitive, Fault> {
        if typed.is_empty() { Err(choice.fault("empty", "is empty")) } else { Ok(self.prepare(typed)) }
    }
}

#[tokio::test]
async fn a_kind_that_cannot_be_is_refused_at_the_start() {
    let cases: [(Vec<&'static dyn SecretKind>, &str); 5] = [
        (vec![&Wrong("password", Factor::Known)], "built-in secret"),
        (vec![&Wrong("email", Factor::Known)], "built in"),
        (vec![&Wrong("token", Factor::Known)], "field of the API"),
        (vec![&Wrong("ring", Factor::Held)], "no possession"),
        (vec![&Pin, &Pin], "added twice"),
    ];
    for (secrets, why) in cases {
        let world = World { extensions: Extensions { secrets, ..Extensions::default() }, ..World::default() };
        let Err(error) = startup::start(Settings::built_in(), world).await else { panic!("{why}") };
        assert!(
            error.to_string().starts_with("this program: ") && error.to_string().contains(why),
            "{error}"
        );
    }
}
