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
async fn a_link_of_a_device_asks_and_then_confirms() {
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
    says(&app.client().get(&path).await, 200, "<button>Confirm</button>");
    says(&app.client().post(&path, json!({})).await, 200, "is confirmed");
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
