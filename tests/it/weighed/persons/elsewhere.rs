//! Somebody who signs up on a laptop and opens the mail on a phone, where addresses are proven after (`confirm =
//! "after"`).

use multauth::base::clock::SECOND;
use multauth::settings::{Confirm, Settings};
use serde_json::{Value, json};

use super::hand::Hand;
use super::list::{List, MAIL};
use crate::support::app::TestApp;
use crate::support::mailbox::{Mail, wrong};
use crate::support::person::{OTHER, PASSWORD, Person};

const WITH_PASSWORD: [List; 2] = [List::BuiltIn, List::MailPassword];

fn after(settings: &mut Settings) {
    settings.email.confirm = Confirm::After;
}

/// The laptop's session, and the mail that came.
async fn signed_up(list: List, app: &TestApp) -> (Person, Mail) {
    let person = app.signup(list.least()).await;
    let mail = app.code().await;
    assert_eq!(mail.to, MAIL);
    (person, mail)
}

/// What a press of the link does, from a device that has no part in it.
async fn pressed(app: &TestApp, mail: &Mail, with: Value) -> crate::support::client::Answer {
    let mut body = json!({ "key": mail.key() });
    body.as_object_mut().unwrap().extend(with.as_object().cloned().unwrap());
    app.client().post("/v1/confirm", body).await
}

async fn is_confirmed(laptop: &Person) -> bool {
    laptop.client.get("/v1/me/devices").await.is(200).json()[0]["confirmed"] == true
}

#[tokio::test]
async fn the_phone_shows_the_code_and_the_laptop_goes_on_with_it() {
    for list in WITH_PASSWORD {
        let app = list.app_with(after).await;
        let (laptop, mail) = signed_up(list, &app).await;
        let shown = pressed(&app, &mail, json!({})).await.is(200).json();
        assert_eq!((&shown["confirmed"], &shown["code"]), (&json!(false), &json!(mail.code())), "{shown}");
        assert!(!is_confirmed(&laptop).await, "a press alone binds nothing");
        let page = app.client().raw("POST", &format!("/confirm/{}", mail.key()), None).await.is(200);
        assert!(page.text.contains(mail.code()) && !is_confirmed(&laptop).await);
        let id = laptop.client.get("/v1/me/devices").await.json()[0]["id"].as_str().unwrap().to_owned();
        laptop.client.confirm(&id, &wrong(mail.code(), 1)).await.wrong();
        laptop.client.confirm(&id, shown["code"].as_str().unwrap()).await.is(200);
        laptop.client.get("/v1/me").await.is(200);
        laptop.client.refresh(&laptop.done.refresh).await.is(200);
        list.hand().comes(&app).await.gets_in(list.ways());
    }
}

#[tokio::test]
async fn the_password_typed_on_the_phone_confirms_and_the_laptop_stays_signed_in() {
    for list in WITH_PASSWORD {
        for app in TestApp::each(|settings| list.with(settings, after)).await {
            let (laptop, mail) = signed_up(list, &app).await;
            pressed(&app, &mail, json!({ "password": OTHER })).await.wrong();
            assert!(!is_confirmed(&laptop).await);
            let confirmed = pressed(&app, &mail, json!({ "password": PASSWORD })).await.is(200).json();
            assert_eq!(confirmed["confirmed"], true, "{confirmed}");
            assert!(is_confirmed(&laptop).await);
            laptop.client.get("/v1/me").await.is(200);
            let again = pressed(&app, &mail, json!({})).await.is(200).json();
            assert_eq!(again["already"], true, "{again}");
            list.hand().comes(&app).await.gets_in(list.ways());
        }
    }
}

#[tokio::test]
async fn the_laptops_own_session_confirms_wherever_the_link_is_pressed_with_it() {
    for list in [List::BuiltIn, List::Mail, List::MailPassword] {
        let app = list.app_with(after).await;
        let (laptop, mail) = signed_up(list, &app).await;
        let confirmed = laptop.client.post("/v1/confirm", json!({ "key": mail.key() })).await.is(200).json();
        assert_eq!(confirmed["confirmed"], true, "{list:?} {confirmed}");
        laptop.client.get("/v1/me").await.is(200);
        list.hand().comes(&app).await.gets_in(list.ways());
    }
}

/// Without a secret there is nothing to show on the phone: the press is the proof, and whoever signed up signs in by
/// it.
#[tokio::test]
async fn an_address_that_is_all_there_is_is_confirmed_by_the_press_and_signs_in() {
    let list = List::Mail;
    let app = list.app_with(after).await;
    let (laptop, mail) = signed_up(list, &app).await;
    assert_eq!(pressed(&app, &mail, json!({})).await.is(200).json()["confirmed"], true);
    laptop.client.get("/v1/me").await.fails(401, "invalid_token");
    list.hand().comes(&app).await.gets_in(list.ways());
}

#[tokio::test]
async fn a_stranger_who_signed_up_with_the_address_gets_nothing_of_its_owner() {
    for list in [List::BuiltIn, List::Mail, List::MailPassword] {
        let app = list.app_with(after).await;
        let (stranger, mail) = signed_up(list, &app).await;
        let stranger_knows = Hand::by("email", MAIL).knows(PASSWORD);
        pressed(&app, &mail, json!({})).await.is(200);
        app.pass(61 * SECOND);
        // The owner of the mailbox signs up as if nobody had.
        let client = app.client();
        if list == List::Mail {
            list.hand().comes(&app).await.gets_in(list.ways());
        } else {
            let owner = Person::with(
                &client,
                client.signup(json!({ "email": MAIL, "password": OTHER })).await.done(),
            );
            let mail = app.code().await;
            let confirmed = pressed(&app, &mail, json!({ "password": OTHER })).await.is(200).json();
            assert_eq!(confirmed["confirmed"], true);
            owner.client.get("/v1/me").await.is(200);
            list.hand().knows(OTHER).comes(&app).await.gets_in(list.ways());
        }
        stranger_knows.comes(&app).await.gets_stuck(&[list.ways()[0]]);
        let left = stranger.client.get("/v1/me/devices").await;
        assert!(left.status == 401 || left.json() == json!([]), "{left:?}");
    }
}
