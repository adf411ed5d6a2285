//! The pages: what a person sees behind a link and in the development inbox.

use multauth::base::clock::DAY;
use serde_json::json;

use crate::support::app::{TestApp, flows};
use crate::support::client::Answer;

/// A page that says `what`, whole and in its frame.
#[track_caller]
fn says(page: &Answer, status: u16, what: &str) {
    assert_eq!(page.status, status, "{page:?}");
    assert!(page.text.contains("</html>") && page.text.contains(what), "{what}: {page:?}");
}

#[tokio::test]
async fn a_link_of_a_sign_up_shows_its_code_and_one_that_is_over_says_so() {
    let app = TestApp::new(|settings| settings.flows = flows(&[&["email", "passcode"]])).await;
    let client = app.client();
    let asked = client.signup(json!({ "email": "maria@example.com" })).await.asks();
    let mail = app.code().await;
    let path = format!("/confirm/{}", mail.key());
    says(&app.client().get(&path).await, 200, mail.code());
    client.passcode(&asked.attempt, mail.code()).await.done();
    app.pass(DAY);
    says(&app.client().get(&path).await, 404, "This link is over");
    says(&app.client().get("/confirm/nothing").await, 404, "This link is over");
}

#[tokio::test]
async fn a_link_of_a_device_names_the_account_and_confirms_for_whoever_can_enter_it() {
    let app =
        TestApp::new(|settings| settings.flows = flows(&[&["username", "password"], &["email", "passcode"]]))
            .await;
    let client = app.client();
    let done = client
        .signup(json!({ "username": "maria-k", "password": "correct horse battery staple" }))
        .await
        .done();
    let owner = client.bearing(&done.access);
    owner.post("/v1/me/devices", json!({ "kind": "email", "email": "maria@example.com" })).await;
    let mail = app.code().await;
    let path = format!("/confirm/{}", mail.key());
    let page = app.client().get(&path).await;
    says(&page, 200, "The account <strong>m•••</strong>");
    says(&page, 200, mail.code());
    let form = async |body: &str| app.client().form(&path, body).await;
    for press in ["", "password=", "username=maria-k"] {
        says(&form(press).await, 200, "wants to use");
    }
    says(&form("password=not+the+one").await, 401, "The password is wrong.");
    says(&form("password=correct+horse+battery+staple").await, 200, "is confirmed");
    says(&app.client().get(&path).await, 200, "is confirmed");
    owner.get("/v1/me").await.is(200);
}

#[tokio::test]
async fn a_link_that_takes_a_change_back_speaks_to_whom_it_concerns_and_asks_for_the_code() {
    let app = TestApp::new(|settings| settings.flows = flows(&[&["email", "password"]])).await;
    let maria =
        app.signup(json!({ "email": "maria@example.com", "password": "correct horse battery staple" })).await;
    maria.add(&app, "email", "other@example.com").await;
    let devices = maria.client.get("/v1/me/devices").await.json();
    let other = devices.as_array().unwrap().iter().find(|d| d["address"] == "other@example.com").unwrap();
    maria.client.delete(&format!("/v1/me/devices/{}", other["id"].as_str().unwrap())).await.is(204);
    let mail = app.mail().await;
    let told = mail.iter().find(|mail| mail.to == "maria@example.com").unwrap();
    let (key, code) = told.undo().unwrap();
    let path = format!("/confirm/{key}");
    says(&app.client().get(&path).await, 200, "somebody has been in your account");
    assert!(!app.client().get(&path).await.text.contains(code), "the page does not show its code");
    says(&app.client().post(&path, json!({})).await, 200, "Take it back");
    maria.client.get("/v1/me").await.is(200);
    says(&app.client().form(&path, "passcode=000000").await, 401, "The passcode is wrong.");
    let done = app.client().form(&path, &format!("passcode={code}")).await;
    says(&done, 200, "Set new secrets now");
    maria.client.get("/v1/me").await.fails(401, "invalid_token");
    let link = done.text.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
    says(&app.client().get(link).await, 200, "New password");
    says(&app.client().form(link, "new_password=amber+walrus+candle+77").await, 200, "It is set");
    says(&app.client().get(&path).await, 404, "This link is over");
    let again = json!({ "email": "maria@example.com", "password": "amber walrus candle 77" });
    app.client().signin(again).await.done();
}

#[tokio::test]
async fn the_inbox_shows_messages_as_they_are_and_escapes_them() {
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["email", "passcode"]]);
        settings.name = "<b>Acme</b> & Sons".into();
    })
    .await;
    says(&app.client().get("/").await, 200, "This is a development server");
    says(&app.client().get("/dev/inbox").await, 200, "Nothing was sent yet");
    app.client().signup(json!({ "email": "maria@example.com" })).await.asks();
    let mail = app.code().await;
    let page = app.client().get("/dev/inbox").await;
    says(&page, 200, mail.code());
    assert!(!page.text.contains("<b>Acme") && page.text.contains("&lt;b&gt;Acme"), "{page:?}");
}
