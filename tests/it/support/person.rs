//! People: signed up through the door, with what they carry.

use multauth::base::clock::SECOND;
use serde_json::{Value, json};

use super::app::TestApp;
use super::client::{Client, Done};
use super::token::totp;

/// A password that is long enough for every flow and on no list.
pub const PASSWORD: &str = "violet otter lantern 42";
/// Another one.
pub const OTHER: &str = "amber walrus candle 77";
/// A card's hardcode.
pub const CARD: &str = "4711-0815-2342";

/// Somebody with an account, signed in.
pub struct Person {
    /// Where they call from, with their access token.
    pub client: Client,
    /// What they were given.
    pub done: Done,
}

impl TestApp {
    /// Signs somebody up and proves the address, where one has to be proven.
    pub async fn signup(&self, body: Value) -> Person {
        let client = self.client();
        let mut answer = client.signup(body).await;
        if answer.json()["state"] == "ask" {
            let code = self.code().await;
            answer = client.passcode(&answer.asks().attempt, code.code()).await;
        }
        let done = answer.done();
        Person { client: client.bearing(&done.access), done }
    }

    /// Somebody with a username and [`PASSWORD`].
    pub async fn named(&self, username: &str) -> Person {
        self.signup(json!({ "username": username, "password": PASSWORD })).await
    }
}

impl Person {
    /// The same account in another session, without what this client knows.
    pub fn with(client: &Client, done: Done) -> Self {
        Self { client: client.bearing(&done.access), done }
    }

    /// Adds an address, `phone` or `email`, and confirms it by its code; gives the device's id.
    pub async fn add(&self, app: &TestApp, kind: &str, address: &str) -> String {
        let added = self.client.add(json!({ "kind": kind, kind: address })).await.is(201).json();
        let id = added["id"].as_str().unwrap().to_owned();
        let code = app.code().await;
        assert_eq!(code.to, address);
        self.client.confirm(&id, code.code()).await.is(200);
        app.mail().await;
        id
    }

    /// Confirms every address that is not confirmed yet, by the code that is sent on demand.
    pub async fn confirm_all(&self, app: &TestApp) {
        let devices = self.client.get("/v1/me/devices").await.is(200).json();
        for device in devices.as_array().unwrap().iter().filter(|device| device["confirmed"] == false) {
            let id = device["id"].as_str().unwrap();
            app.pass(61 * SECOND);
            app.mail().await;
            self.client.post(&format!("/v1/me/devices/{id}/send"), json!({})).await.is(204);
            self.client.confirm(id, app.code().await.code()).await.is(200);
        }
        app.mail().await;
    }

    /// Adds and confirms an authenticator; gives its id and its seed. A code is good once, so time passes.
    pub async fn enrol(&self, app: &TestApp) -> (String, String) {
        let added = self.client.add(json!({ "kind": "authenticator" })).await.is(201).json();
        let (id, seed) = (added["id"].as_str().unwrap(), added["secret"].as_str().unwrap());
        self.client.confirm(id, &totp(seed, app.clock.now())).await.is(200);
        app.pass(30 * SECOND);
        app.mail().await;
        (id.to_owned(), seed.to_owned())
    }

    /// Proves again who they are by `given` and whatever code that asks for; keeps the new access token.
    pub async fn reauth(&mut self, given: Value) {
        let done = self.client.reauth(given).await.done();
        self.client = self.client.bearing(&done.access);
        self.done.access = done.access;
    }
}

/// The path of their first device of a kind.
pub async fn path(ada: &Person, kind: &str) -> String {
    let all = ada.client.get("/v1/me/devices").await.is(200).json();
    let found = all.as_array().unwrap().iter().find(|device| device["kind"] == kind).unwrap();
    format!("/v1/me/devices/{}", found["id"].as_str().unwrap())
}
