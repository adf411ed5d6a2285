//! Identifiers that the settings make: signed up with, signed in by, given by the operator, taken, refused.

use multauth::auth::{AuthError, operator};
use multauth::messages::Kind;
use multauth::settings::{GivenBy, Settings};
use serde_json::json;

use crate::support::app::{TestApp, flows};
use crate::support::kinds::numbered;
use crate::support::person::{OTHER, PASSWORD, Person};

/// Employee numbers that the operator gives to people who signed up by email.
fn given(settings: &mut Settings) {
    numbered(settings);
    settings.identifier.get_mut("employee_no").unwrap().given_by = GivenBy::Operator;
    settings.flows = flows(&[&["employee_no", "password"], &["email", "password"]]);
}

#[tokio::test]
async fn people_sign_up_and_in_by_any_spelling_of_their_number() {
    for app in TestApp::each(numbered).await {
        let ada = app.signup(json!({ "employee_no": "e-12 34", "password": PASSWORD })).await;
        let done = app.client().signin(json!({ "employee_no": "E1234", "password": PASSWORD })).await.done();
        assert_eq!(done.user, ada.done.user, "{}", app.database());
        app.client().signin(json!({ "employee_no": " e1 2-34", "password": PASSWORD })).await.done();
        assert_eq!(ada.client.get("/v1/me").await.json()["employee_no"], "E1234");
        app.client().signin(json!({ "employee_no": "E1235", "password": PASSWORD })).await.wrong();
    }
}

#[tokio::test]
async fn a_number_of_another_form_is_refused_with_its_rule() {
    let app = TestApp::new(numbered).await;
    for door in ["/v1/signup", "/v1/signin"] {
        let body = json!({ "employee_no": "1234", "password": PASSWORD });
        let answer = app.client().post(door, body).await.fails(400, "invalid_request").json();
        let error = &answer["errors"][0];
        assert_eq!((&error["field"], &error["code"]), (&json!("employee_no"), &json!("wrong_form")));
        assert!(error["message"].as_str().unwrap().contains("E[0-9]{4}"), "{answer}");
        assert!(!answer.to_string().contains("\"1234\""), "{answer}");
    }
}

#[tokio::test]
async fn a_taken_number_is_told_as_a_taken_username_is() {
    for app in TestApp::each(numbered).await {
        app.signup(json!({ "employee_no": "E1234", "password": PASSWORD })).await;
        let again = json!({ "employee_no": "e 1234", "password": OTHER });
        let client = app.client();
        for _ in 0..20 {
            client.signup(again.clone()).await.fails(409, "taken");
        }
        client.signup(again).await.fails(429, "too_many");
    }
}

/// Behind a proven address, where there is one; another number may come along with the code.
#[tokio::test]
async fn beside_an_address_a_taken_number_is_told_once_the_address_is_proven() {
    let both = |settings: &mut Settings| {
        numbered(settings);
        settings.flows = flows(&[&["employee_no", "password", "passcode"]]);
    };
    for app in TestApp::each(both).await {
        let body = |number: &str, email: &str| json!({ "employee_no": number, "email": email, "password": PASSWORD });
        app.signup(body("E1234", "ada@example.org")).await;
        app.mail().await;
        let asked = app.client().signup(body("E1234", "eve@example.org")).await.asks();
        let code = app.code().await;
        let client = app.client();
        let answer = |number: Option<&str>| {
            let mut body = json!({ "passcode": code.code() });
            if let Some(number) = number {
                body["employee_no"] = json!(number);
            }
            client.answer(&asked.attempt, body)
        };
        answer(None).await.fails(409, "taken");
        let done = answer(Some("E1235")).await.done();
        let eve = Person::with(&client, done);
        assert_eq!(eve.client.get("/v1/me").await.json()["employee_no"], "E1235");
    }
}

#[tokio::test]
async fn what_the_operator_gives_comes_from_nobody_else() {
    for app in TestApp::each(given).await {
        let ada = app.signup(json!({ "email": "ada@example.org", "password": PASSWORD })).await;
        let own = json!({ "employee_no": "E1234", "email": "eve@example.org", "password": PASSWORD });
        let refused = app.client().signup(own).await.fails(400, "invalid_request").json();
        assert_eq!(refused["errors"][0]["code"], "unknown_field", "{refused}");
        let lacking =
            app.client().signup(json!({ "password": PASSWORD })).await.fails(400, "invalid_request");
        assert!(!lacking.text.contains("employee_no"), "sign-up does not ask for it: {lacking:?}");
        ada.client.add(json!({ "kind": "employee_no", "employee_no": "E1234" })).await.is(400);

        let user = &ada.done.user;
        app.mail().await;
        let device = operator::add_identifier(&app.app, &user.as_str().into(), "employee_no", "e-12 34")
            .await
            .unwrap();
        let told: Vec<_> = app.mail().await.into_iter().map(|mail| (mail.kind, mail.to)).collect();
        assert_eq!(told, [(Kind::DeviceAdded, "ada@example.org".to_owned())], "{}", app.database());
        let done = app.client().signin(json!({ "employee_no": "E1234", "password": PASSWORD })).await.done();
        assert_eq!(&done.user, user);
        let path = format!("/v1/me/devices/{}", device.id);
        let kept = ada.client.delete(&path).await.fails(400, "invalid_request").json();
        assert_eq!(kept["errors"][0]["code"], "given_by_operator", "{kept}");

        // Another number takes the place of the first.
        operator::add_identifier(&app.app, &user.as_str().into(), "employee_no", "E4321").await.unwrap();
        app.client().signin(json!({ "employee_no": "E1234", "password": PASSWORD })).await.wrong();
        app.client().signin(json!({ "employee_no": "E4321", "password": PASSWORD })).await.done();
    }
}

#[tokio::test]
async fn the_operator_is_told_why_an_identifier_cannot_be_given() {
    for app in TestApp::each(given).await {
        let ada = app.signup(json!({ "email": "ada@example.org", "password": PASSWORD })).await.done.user;
        let bob = app.signup(json!({ "email": "bob@example.org", "password": PASSWORD })).await.done.user;
        let give = async |user: &str, kind: &str, value: &str| {
            operator::add_identifier(&app.app, &user.into(), kind, value).await.map(|device| device.kind)
        };
        let fault = |given| match given {
            Err(AuthError::Faults(faults)) => faults[0].code,
            other => panic!("{other:?}"),
        };
        give(&ada, "employee_no", "E1234").await.unwrap();
        assert!(matches!(give(&bob, "employee_no", "e1234").await, Err(AuthError::Taken("employee_no"))));
        assert_eq!(fault(give(&bob, "employee_no", "1234").await), "wrong_form");
        assert_eq!(fault(give(&ada, "employee_no", "E1234").await), "already_theirs");
        assert_eq!(fault(give(&bob, "card", "1234").await), "unknown");
        assert!(matches!(give("nobody", "employee_no", "E9999").await, Err(AuthError::NotFound)));
        give(&bob, "email", "bob@example.com").await.unwrap();
        app.client().signin(json!({ "email": "bob@example.com", "password": PASSWORD })).await.done();
    }
}

#[tokio::test]
async fn a_recovery_begins_with_a_number_where_the_settings_say_so() {
    let recovered = |settings: &mut Settings| {
        given(settings);
        settings.recovery = flows(&[&["employee_no", "passcode"]]);
    };
    for app in TestApp::each(recovered).await {
        let ada = app.signup(json!({ "email": "ada@example.org", "password": PASSWORD })).await.done.user;
        operator::add_identifier(&app.app, &ada.as_str().into(), "employee_no", "E1234").await.unwrap();
        app.pass(multauth::base::clock::DAY + 1);
        app.mail().await;
        let client = app.client();
        let asked = client.recovery(json!({ "employee_no": "e1234" })).await.asks();
        let code = app.code().await;
        assert_eq!(code.to, "ada@example.org");
        client.answer(&asked.attempt, json!({ "passcode": code.code(), "new_password": OTHER })).await.done();
        app.client().signin(json!({ "employee_no": "E1234", "password": OTHER })).await.done();
    }
}
