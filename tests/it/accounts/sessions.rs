//! How long sessions live, and what their owner is told.

use multauth::base::clock::{DAY, MINUTE, SECOND};
use multauth::messages::Kind;
use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows};
use crate::support::person::PASSWORD;
use crate::support::raw::Call;
use crate::support::server::{Server, Tokens};

async fn refresh(server: &Server, token: &str) -> Option<(Tokens, Value)> {
    let answer = server.post("/v1/token", json!({ "refresh_token": token })).await;
    if answer.status == 200 {
        return Some((Tokens::of(&answer), answer.json()["expires_in"].clone()));
    }
    assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_token"), "{}", answer.body);
    None
}

async fn me(server: &Server, token: &str) -> u16 {
    server.call(Call::new("GET", "/v1/me").bearer(token)).await.status
}

#[tokio::test]
async fn a_session_ends_after_thirty_days_however_much_it_is_used() {
    for server in Server::on_each(|_| {}).await {
        let (_, key) = server.api_key(&["introspect"]).await;
        let (mut tokens, began) = (server.user("keeper").await, server.clock.now());
        for days in [10, 20] {
            server.clock.advance(began + days * DAY - server.clock.now());
            (tokens, _) = refresh(&server, &tokens.refresh).await.expect("it is used");
        }
        server.clock.advance(began + 30 * DAY - 5 * MINUTE - server.clock.now());
        let (tokens, lives) = refresh(&server, &tokens.refresh).await.expect("five minutes are left");
        assert_eq!(lives, 300, "{}: no access token outlives it", server.name());
        server.clock.advance(5 * MINUTE - 1);
        assert_eq!(me(&server, &tokens.access).await, 200);
        server.clock.advance(1);
        assert_eq!(me(&server, &tokens.access).await, 401, "{}", server.name());
        let body = json!({ "token": tokens.refresh }).to_string();
        let inspected = server.call(Call::new("POST", "/v1/introspect").bearer(&key).json(body)).await;
        assert_eq!(inspected.json(), json!({ "active": false }));
        assert!(refresh(&server, &tokens.refresh).await.is_none(), "{}", server.name());
    }
}

#[tokio::test]
async fn a_session_that_nobody_uses_for_fourteen_days_ends() {
    for server in Server::on_each(|_| {}).await {
        let (used, unused) = (server.user("keeper").await, server.signin("keeper").await);
        server.clock.advance(14 * DAY - 1);
        let (used, _) = refresh(&server, &used.refresh).await.expect("to the millisecond");
        server.clock.advance(1);
        assert!(refresh(&server, &unused.refresh).await.is_none(), "{}", server.name());
        server.clock.advance(14 * DAY - 2);
        let (used, _) = refresh(&server, &used.refresh).await.expect("counted from its last use");
        server.clock.advance(14 * DAY);
        assert!(refresh(&server, &used.refresh).await.is_none(), "{}", server.name());
    }
}

fn by_email(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password"], &["email", "password", "passcode"]]);
}

#[tokio::test]
async fn the_owner_is_told_of_a_refresh_token_that_comes_back() {
    for app in TestApp::each(by_email).await {
        let ada = app.signup(json!({ "email": "ada@example.org", "password": PASSWORD })).await;
        app.pass(MINUTE);
        ada.add(&app, "email", "second@example.org").await;
        let grace = app.app.settings.tokens.grace.millis();
        let thief = app.client();
        let next = thief.refresh(&ada.done.refresh).await.is(200).json();
        app.pass(grace);
        ada.client.refresh(&ada.done.refresh).await.is(200);
        TestApp::assert_silent(&app.mail().await);
        app.pass(SECOND);
        ada.client.refresh(&ada.done.refresh).await.fails(401, "invalid_token");
        let told = app.mail().await;
        let mut to: Vec<_> = told.iter().map(|mail| (mail.to.as_str(), mail.kind)).collect();
        to.sort_by_key(|(to, _)| *to);
        let all = ["ada@example.org", "second@example.org"].map(|to| (to, Kind::RefreshReused));
        assert_eq!(to, all, "{}", app.database());
        // The session is over, and what comes back of it is told no more.
        for token in [ada.done.refresh.as_str(), next["refresh_token"].as_str().unwrap()] {
            thief.refresh(token).await.fails(401, "invalid_token");
        }
        TestApp::assert_silent(&app.mail().await);
    }
}
