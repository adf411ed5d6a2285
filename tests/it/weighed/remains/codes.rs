//! Recovery codes are made by whoever shows the highest class that they could stand in for, and each use is told.

use multauth::base::clock::SECOND;
use multauth::messages::Kind;
use multauth::settings::Settings;
use serde_json::json;

use super::guesses::{by_phone, with_both};
use crate::support::app::{TestApp, flows, unlimited};
use crate::support::person::PASSWORD;
use crate::support::token::totp;

const MAIL: &str = "ada@example.org";

fn narrowed(settings: &mut Settings) {
    settings.flows =
        flows(&[&["email", "password", "passcode:phone"], &["email", "password", "passcode:authenticator"]]);
    unlimited(settings, &["signin", "send", "attempt", "confirm", "devices", "reauth"]);
}

/// Both flows reach the same level, and codes stand in for the app: whoever comes by the phone does not make them.
#[tokio::test]
async fn they_are_made_by_the_highest_class_alone() {
    for app in TestApp::each(narrowed).await {
        let (id, seed) = with_both(&app).await;
        let mut thief = by_phone(&app).await;
        let refused = thief.client.post("/v1/me/recovery-codes", json!({})).await;
        let refused = refused.fails(403, "reauth_required").json();
        let flow = "email+password+passcode:authenticator";
        assert_eq!(refused["detail"], format!("Re-authenticate by the flow {flow}."), "{refused}");
        thief.client.delete(&format!("/v1/me/devices/{id}")).await.fails(403, "proof_required");
        app.pass(31 * SECOND);
        let code = totp(&seed, app.clock.now());
        let shown = json!({ "flow": flow, "password": PASSWORD, "passcode": code });
        thief.reauth(shown).await;
        let made = thief.client.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
        let mut other = by_phone(&app).await;
        let typed = json!({ "recovery_code": made["codes"][0] }).to_string();
        app.mail().await;
        other.client.raw("DELETE", &format!("/v1/me/devices/{id}"), Some(&typed)).await.is(204);
        let told = app.mail().await;
        let kinds: Vec<_> = told.iter().filter(|mail| mail.to == MAIL).map(|mail| mail.kind).collect();
        assert!(kinds.contains(&Kind::RecoveryCodeUsed), "{kinds:?} {}", app.database());
        other.client = thief.client;
    }
}
