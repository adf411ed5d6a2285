//! Groups, accounts that wait for the operator, and the end of an account.

use multauth::auth::deletion;
use multauth::auth::{AuthError, operator};
use multauth::base::Millis;
use multauth::base::clock::{DAY, HOUR, SECOND};
use multauth::messages::Kind;
use multauth::settings::{Settings, Span};
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows};
use crate::support::fields::declare;
use crate::support::mailbox::Mail;
use crate::support::person::PASSWORD;
use crate::support::token::claims;

const EMAIL: &str = "maria.kowalska@example.org";
/// A field that would pass for the groups.
const LISTED: &str = "items = { type = 'string' }\nclaim = 'https://example.org/in'\n";
const PHONE: &str = "+12025550142";

fn simple(settings: &mut Settings) {
    settings.flows =
        flows(&[&["username", "password"], &["email", "password"], &["phone", "hardcode", "passcode"]]);
}

fn groups(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn groups_are_a_claim_from_the_next_refresh_on() {
    for app in TestApp::each(simple).await {
        let ada = app.named("ada.lovelace").await;
        let claim = async |token: &str| claims(&app, token).await.get("groups").cloned();
        assert_eq!(
            claim(&ada.done.access).await,
            None,
            "{}: whoever is in none has no such claim",
            app.database()
        );
        operator::set_groups(&app.app, &ada.done.user.as_str().into(), &groups(&["staff", "team:blue"]))
            .await
            .unwrap();
        let next = ada.client.refresh(&ada.done.refresh).await.is(200).json();
        assert_eq!(claim(next["access_token"].as_str().unwrap()).await, Some(json!(["staff", "team:blue"])));
        let retried = ada.client.refresh(&ada.done.refresh).await.is(200).json();
        assert_eq!(
            claim(retried["access_token"].as_str().unwrap()).await,
            Some(json!(["staff", "team:blue"]))
        );
        let me = ada.client.get("/v1/me").await.is(200).json();
        assert_eq!(me["groups"], json!(["staff", "team:blue"]));
        let signin = json!({ "username": "ada.lovelace", "password": PASSWORD });
        assert!(claim(&ada.client.signin(signin.clone()).await.done().access).await.is_some());
        let raised = ada.client.reauth(json!({ "password": PASSWORD })).await.done();
        assert!(claim(&raised.access).await.is_some());
        for wrong in ["two words", "", "a,b", "<b>"] {
            let refused =
                operator::set_groups(&app.app, &ada.done.user.as_str().into(), &groups(&[wrong])).await;
            assert!(matches!(refused, Err(AuthError::Faults(_))), "{wrong:?}");
        }
        let twice =
            operator::set_groups(&app.app, &ada.done.user.as_str().into(), &groups(&["a", "a"])).await;
        assert!(matches!(twice, Err(AuthError::Faults(_))));
    }
}

#[tokio::test]
async fn a_new_account_begins_in_the_groups_of_the_settings_under_the_claim_they_name() {
    let app = TestApp::new(|settings| {
        simple(settings);
        settings.user.groups = groups(&["members"]);
        settings.tokens.groups_claim = "roles".into();
    })
    .await;
    let ada = app.named("ada.lovelace").await;
    let claims = claims(&app, &ada.done.access).await;
    assert_eq!((&claims["roles"], claims.get("groups")), (&json!(["members"]), None));
}

#[tokio::test]
async fn an_account_that_waits_for_the_operator_gives_no_session_until_it_is_enabled() {
    for app in TestApp::each(|settings| {
        simple(settings);
        settings.user.active = false;
    })
    .await
    {
        let client = app.client();
        let begun = client.signup(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
        let code = app.code().await;
        let made = client.passcode(&begun.attempt, code.code()).await.is(200).json();
        assert_eq!((&made["state"], made.get("access_token")), (&json!("done"), None), "{}", app.database());
        assert_eq!(made.get("known_device"), None);
        let user = made["user"]["id"].as_str().unwrap();
        let signin = json!({ "email": EMAIL, "password": PASSWORD });
        client.signin(signin.clone()).await.wrong();
        operator::set_disabled(&app.app, &user.into(), false).await.unwrap();
        app.pass(60 * SECOND);
        assert_eq!(client.signin(signin).await.done().user, user);
    }
}

/// Ada was deleted first, and the database keeps her.
#[tokio::test]
async fn one_that_cannot_be_purged_holds_up_no_other() {
    const STAYS: &str = "CREATE TRIGGER stays BEFORE DELETE ON users
        WHEN OLD.deleted_at = (SELECT MIN(deleted_at) FROM users) BEGIN SELECT RAISE(ABORT, 'it stays'); END";
    let app = TestApp::new(simple).await;
    for name in ["ada", "bob", "carla"] {
        let somebody = app.named(name).await;
        operator::delete(&app.app, &somebody.done.user.as_str().into()).await.unwrap();
        app.pass(HOUR);
    }
    app.rows().execute(STAYS).await;
    app.pass(30 * DAY);
    assert_eq!(deletion::purge_due(&app.app).await.unwrap(), 2);
    assert_eq!(app.rows().number("SELECT COUNT(*) FROM users").await, 1);
}

/// Somebody with every kind of trace: addresses, names, sessions, devices, a code under way, a message given up.
async fn traces(app: &TestApp) -> (String, crate::support::person::Person) {
    let body = json!({
        "email": EMAIL, "username": "maria.kowalska", "password": PASSWORD,
        "profile": { "first_name": "Wanda", "last_name": "Szczebrzeszyn" }
    });
    let maria = app.signup(body).await;
    maria.add(app, "phone", PHONE).await;
    app.client().signin(json!({ "email": EMAIL, "password": "wrong wrong wrong" })).await.wrong();
    maria.client.patch("/v1/me", json!({ "profile": { "first_name": "Wanda Maria" } })).await.is(200);
    app.client().recovery(json!({ "email": EMAIL })).await.is(200);
    (maria.done.user.clone(), maria)
}

#[tokio::test]
async fn a_deleted_account_is_as_good_as_none_and_can_be_brought_back() {
    for app in TestApp::each(simple).await {
        let (user, maria) = traces(&app).await;
        app.mail().await;
        maria.client.delete("/v1/me").await.is(204);
        let told = app.mail().await;
        assert_eq!((told.len(), told[0].kind), (1, Kind::AccountDeleted), "{}", app.database());
        assert_eq!(told[0].to, EMAIL);
        maria.client.get("/v1/me").await.fails(401, "invalid_token");
        maria.client.refresh(&maria.done.refresh).await.fails(401, "invalid_token");
        app.client().signin(json!({ "email": EMAIL, "password": PASSWORD })).await.wrong();
        operator::set_disabled(&app.app, &user.as_str().into(), false)
            .await
            .expect_err("a deleted account is not enabled");
        assert!(
            matches!(operator::delete(&app.app, &user.as_str().into()).await, Err(AuthError::NotFound)),
            "deleted already"
        );
        app.pass(6 * DAY);
        assert_eq!(deletion::purge_due(&app.app).await.unwrap(), 0, "{}", app.database());
        deletion::restore(&app.app, &user.as_str().into()).await.unwrap();
        assert!(matches!(deletion::restore(&app.app, &user.as_str().into()).await, Err(AuthError::NotFound)));
        app.pass(2 * DAY);
        assert_eq!(deletion::purge_due(&app.app).await.unwrap(), 0, "it is in use again");
        let back = app.client().signin(json!({ "email": EMAIL, "password": PASSWORD })).await.done();
        assert_eq!(back.user, user);
        maria.client.get("/v1/me").await.fails(401, "invalid_token");
    }
}

#[tokio::test]
async fn nobody_signs_in_to_a_deleted_account_or_recovers_it_whatever_was_under_way() {
    for app in TestApp::each(simple).await {
        let (user, maria) = traces(&app).await;
        app.pass(60 * SECOND);
        app.mail().await;
        let (signing, recovering, choosing) = (app.client(), app.client(), app.client());
        let signin = signing.signin(json!({ "email": EMAIL })).await.asks();
        let began = choosing.recovery(json!({ "email": EMAIL })).await.asks();
        let chosen = choosing.passcode(&began.attempt, app.code().await.code()).await.asks();
        app.pass(60 * SECOND);
        let began = recovering.recovery(json!({ "email": EMAIL })).await.asks();
        let code = app.code().await;
        maria.client.delete("/v1/me").await.is(204);
        app.mail().await;
        for (client, attempt, body) in [
            (&signing, &signin.attempt, json!({ "password": PASSWORD })),
            (&recovering, &began.attempt, json!({ "passcode": code.code() })),
            (&choosing, &chosen.attempt, json!({ "new_password": "a new password 4711" })),
        ] {
            client.answer(attempt, body).await.fails(404, "attempt_gone");
        }
        recovering.post("/v1/confirm", json!({ "key": code.key() })).await.fails(404, "link_dead");
        for (kind, name) in [("email", EMAIL), ("username", "maria.kowalska")] {
            let known = &maria.done.known_device;
            let body = json!({ kind: name, "password": PASSWORD, "known_device": known });
            app.client().signin(body).await.wrong();
        }
        for (kind, to) in [("email", EMAIL), ("phone", PHONE)] {
            app.client().recovery(json!({ kind: to })).await.asks();
        }
        TestApp::assert_silent(&app.mail().await);
        app.pass(DAY);
        deletion::restore(&app.app, &user.as_str().into()).await.unwrap();
        let back = app.client().signin(json!({ "email": EMAIL, "password": PASSWORD })).await;
        assert_eq!(back.done().user, user, "{}: nothing of it was changed", app.database());
    }
}

#[tokio::test]
async fn a_change_of_a_deleted_account_is_not_taken_back() {
    for app in TestApp::each(simple).await {
        let (user, maria) = traces(&app).await;
        app.pass(60 * SECOND);
        app.mail().await;
        let added = maria.client.add(json!({ "kind": "email", "email": "eve@example.org" })).await;
        let code = app.code().await;
        let id = added.is(201).json()["id"].as_str().unwrap().to_owned();
        maria.client.confirm(&id, code.code()).await.is(200);
        let told = app.mail().await;
        let (key, code) = told.iter().find(|mail| mail.to == EMAIL).and_then(Mail::undo).unwrap();
        maria.client.delete("/v1/me").await.is(204);
        app.mail().await;
        let undo = json!({ "key": key, "passcode": code });
        app.client().post("/v1/confirm", undo.clone()).await.fails(404, "link_dead");
        TestApp::assert_silent(&app.mail().await);
        deletion::restore(&app.app, &user.as_str().into()).await.unwrap();
        let back = app.client().signin(json!({ "email": EMAIL, "password": PASSWORD })).await.done();
        let devices = app.client().bearing(&back.access).get("/v1/me/devices").await.is(200).json();
        let stays = devices.as_array().unwrap().iter().any(|device| device["id"] == id.as_str());
        assert!(stays, "{}: {devices}", app.database());
    }
}

#[tokio::test]
async fn one_that_was_disabled_before_stays_so_when_it_is_brought_back() {
    let app = TestApp::new(simple).await;
    let ada = app.named("ada.lovelace").await;
    operator::set_disabled(&app.app, &ada.done.user.as_str().into(), true).await.unwrap();
    app.pass(SECOND);
    operator::delete(&app.app, &ada.done.user.as_str().into()).await.unwrap();
    deletion::restore(&app.app, &ada.done.user.as_str().into()).await.unwrap();
    app.client().signin(json!({ "username": "ada.lovelace", "password": PASSWORD })).await.wrong();
}

#[tokio::test]
async fn after_the_purge_nothing_personal_is_left_and_the_address_is_free() {
    for (grace, wait) in [(7 * DAY, 8 * DAY), (0, 0)] {
        for app in TestApp::each(|settings| grace_of(settings, grace)).await {
            let (user, maria) = traces(&app).await;
            let before = app.rows().dump().await;
            for trace in ["maria.kowalska", "Szczebrzeszyn", PHONE] {
                assert!(before.contains(trace), "{}: the test sees {trace}", app.database());
            }
            maria.client.delete("/v1/me").await.is(204);
            app.mail().await;
            app.pass(wait);
            deletion::purge_due(&app.app).await.unwrap();
            let mut tx = app.app.store.begin().await.unwrap();
            multauth::store::sweep::once(&mut tx, app.app.now()).await.unwrap();
            tx.commit().await.unwrap();
            let after = app.rows().dump().await;
            for trace in ["maria", "kowalska", "Wanda", "Szczebrzeszyn", "2025550142", "10.0.0."] {
                assert!(!after.contains(trace), "{}: {trace} is left\n{after}", app.database());
            }
            assert!(after.contains(&user), "the audit trail speaks of a random id");
            let again = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
            assert_ne!(again.done.user, user);
        }
    }
}

fn grace_of(settings: &mut Settings, grace: Millis) {
    simple(settings);
    settings.user.deletion_grace = Span(grace);
}

#[tokio::test]
async fn an_address_is_not_free_before_the_purge() {
    let app = TestApp::new(simple).await;
    let (user, maria) = traces(&app).await;
    maria.client.delete("/v1/me").await.is(204);
    app.mail().await;
    app.client().signup(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
    let told: Vec<Value> = app.mail().await.iter().map(|mail| json!(mail.code)).collect();
    assert_eq!(told, [Value::Null], "its owner is told, nobody gets a code");
    deletion::purge(&app.app, &user.as_str().into(), multauth::events::By::Operator).await.unwrap();
    assert!(matches!(
        deletion::purge(&app.app, &user.as_str().into(), multauth::events::By::Operator).await,
        Err(AuthError::NotFound)
    ));
}

#[tokio::test]
async fn a_profile_that_fills_a_token_pushes_no_group_out_and_makes_none() {
    let change = |settings: &mut Settings| {
        simple(settings);
        settings.tokens.groups_claim = "https://example.org/in".into();
        let long = "type = 'string'\nmax_length = 5000\nclaim = true\n";
        declare(settings, &format!("[fields.about]\n{long}[fields.in]\ntype = 'list'\n{LISTED}"));
    };
    let app = TestApp::new(change).await;
    let ada = app.named("ada.lovelace").await;
    let forged = json!({ "profile": { "in": ["admins"] } });
    ada.client.patch("/v1/me", forged).await.is(200);
    let next = ada.client.refresh(&ada.done.refresh).await.is(200).json();
    let token = claims(&app, next["access_token"].as_str().unwrap()).await;
    assert_eq!(token.get("https://example.org/in"), None, "no client says in which groups it is");
    operator::set_groups(&app.app, &ada.done.user.as_str().into(), &groups(&["suspended"])).await.unwrap();
    ada.client.patch("/v1/me", json!({ "profile": { "about": "x".repeat(4_500) } })).await.is(200);
    let next = ada.client.refresh(next["refresh_token"].as_str().unwrap()).await.is(200).json();
    let token = claims(&app, next["access_token"].as_str().unwrap()).await;
    assert_eq!(token["https://example.org/in"], json!(["suspended"]));
    assert_eq!(token.get("about"), None);
}
