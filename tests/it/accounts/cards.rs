//! Several cards of one person.

use multauth::base::seal::Purpose;
use multauth::devices::card;
use multauth::store::devices;
use serde_json::json;

use crate::support::app::{TestApp, flows};
use crate::support::person::{CARD, PASSWORD};

/// Two hardcodes that have the hint of [`CARD`], as cards of that user.
fn hinted_alike(app: &TestApp, user: &str) -> Vec<String> {
    let kept = |code: &str| card::prepare(code).expose().as_bytes().to_vec();
    let parts = |code: &str| [b"card".to_vec(), user.as_bytes().to_vec(), kept(code)];
    let hint = |code: &str| {
        let parts = parts(code);
        app.app.sealer.mac(Purpose::Passcode, &[&parts[0], &parts[1], &parts[2]])[0]
    };
    let codes = (0..1_000_000).map(|n| format!("0815-{n:06}"));
    codes.filter(|code| hint(code) == hint(CARD)).take(2).collect()
}

#[tokio::test]
async fn each_of_two_cards_with_the_same_hint_lets_in() {
    for app in TestApp::each(|s| s.flows = flows(&[&["username", "hardcode", "password"]])).await {
        let by = |card: &str| json!({ "username": "ada", "hardcode": card, "password": PASSWORD });
        let ada = app.signup(by(CARD)).await;
        let alike = hinted_alike(&app, &ada.done.user);
        app.pass(1);
        let added = ada.client.add(json!({ "kind": "card", "hardcode": &alike[0] })).await.is(201).json();
        let kept = devices::of_user(&mut app.app.store.read().await.unwrap(), &ada.done.user.as_str().into())
            .await
            .unwrap();
        let hints: Vec<&str> = kept.iter().filter_map(|d| d.secret.as_deref()).map(|s| &s[..2]).collect();
        assert_eq!((hints.len(), hints[0]), (2, hints[1]), "{}: the hints are the same", app.database());
        for card in [CARD, &alike[0]] {
            app.pass(1);
            app.client().signin(by(card)).await.done();
            let mut db = app.app.store.read().await.unwrap();
            let kept = devices::of_user(&mut db, &ada.done.user.as_str().into()).await.unwrap();
            let used = kept.iter().find(|d| d.last_used_at == Some(app.clock.now())).unwrap();
            assert_eq!(used.id == added["id"].as_str().unwrap(), card != CARD, "the card itself was used");
        }
        app.client().signin(by(&alike[1])).await.wrong();
        app.client().signin(by("4711-0815-2343")).await.wrong();
    }
}
