//! `users find`: by an address, a number or a name, whole or in part, or by the profile; every look is in the trail.

use multauth::auth::operator::find::{self, Found};
use multauth::auth::{AuthError, operator};
use multauth::settings::{Confirm, Settings};
use multauth::store::trail::{self, Wanted};
use multauth::store::users::New;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows};
use crate::support::fields::declare;
use crate::support::person::PASSWORD;

fn named(settings: &mut Settings) {
    settings.flows = flows(&[&["username", "password"]]);
    settings.email.confirm = Confirm::Never;
    settings.phone.confirm = Confirm::Never;
    settings.phone.default_region = "US".into();
    declare(settings, "[fields.full_name]\ntype = \"string\"");
}

async fn found(app: &TestApp, text: &str) -> Vec<String> {
    let Found { users, more } = find::find(&app.app, text, false).await.unwrap();
    assert!(!more);
    users.into_iter().map(|listed| listed.user.id.into()).collect()
}

#[tokio::test]
async fn somebody_is_found_by_what_they_are_called_and_reached_at() {
    for app in TestApp::each(named).await {
        let ada = app.signup(json!({ "username": "ada_l", "password": PASSWORD })).await;
        ada.client
            .patch("/v1/me", json!({ "profile": { "full_name": "Ada \"Åsa\" Lovelace" } }))
            .await
            .is(200);
        ada.client.add(json!({ "kind": "email", "email": "Ada.King@Example.org" })).await.is(201);
        ada.client.add(json!({ "kind": "phone", "phone": "+12124567890" })).await.is(201);
        let other = app.signup(json!({ "username": "adaxl", "password": PASSWORD })).await;
        let (ada, other) = (ada.done.user.as_str(), other.done.user.as_str());
        for text in [
            "ada_l",
            "ADA_L",
            "ada.king@example.org",
            " Ada.King@EXAMPLE.org ",
            "+1 212 456 7890",
            "(212) 456-7890",
            "2124567",
            "(212) 456-7890",
            "+1 (212) 456",
            "212.456",
            "٢١٢ ٤٥٦",
            "۷۸۹۰",
            "\u{202a}+1 212 456 7890\u{202c}",
            "king@exam",
            "lovelace",
            "\"Åsa\"",
            "\"ÅSA\" l",
            "da_",
        ] {
            assert_eq!(found(&app, text).await, [ada], "{text}, {}", app.database());
        }
        assert_eq!(found(&app, "ADAXL").await, [other]);
        assert_eq!(found(&app, "ada").await.len(), 2);
        for nobody in ["Ösa", "ada%", "full_name", "a_a", "nobody@example.org", "!"] {
            assert!(found(&app, nobody).await.is_empty(), "{nobody}, {}", app.database());
        }
        for empty in ["", "  "] {
            assert!(matches!(find::find(&app.app, empty, false).await, Err(AuthError::Faults(_))));
        }
    }
}

/// A number is found by its digits where no country is taken for granted, a domain as its owner writes it.
#[tokio::test]
async fn numbers_and_domains_are_found_as_they_are_typed() {
    let change = |settings: &mut Settings| {
        named(settings);
        settings.phone.default_region = String::new();
    };
    for app in TestApp::each(change).await {
        let ada = app.signup(json!({ "username": "ada_l", "password": PASSWORD })).await;
        ada.client.add(json!({ "kind": "email", "email": "max@m\u{fc}ller.de" })).await.is(201);
        ada.client.add(json!({ "kind": "phone", "phone": "+12025550143" })).await.is(201);
        for text in [
            "(202) 555-0143",
            "۰۱۴۳",
            "555 0143",
            "+1 202",
            "m\u{fc}ller.de",
            "mu\u{308}ller.de",
            "M\u{dc}LLER.de",
            "x@m\u{fc}ller.de".trim_start_matches('x'),
            "max@mu\u{308}ller.de",
            "m\u{fc}ller",
            "xn--mller",
        ] {
            assert_eq!(found(&app, text).await, [ada.done.user.as_str()], "{text}, {}", app.database());
        }
        for nobody in ["(202) 555-0144", "m\u{f6}ller.de", "()", "- -", "+ +"] {
            assert!(found(&app, nobody).await.is_empty(), "{nobody}, {}", app.database());
        }
    }
}

#[tokio::test]
async fn disabled_and_deleted_users_are_found_and_a_replaced_address_finds_nobody() {
    for app in TestApp::each(named).await {
        let user = app.signup(json!({ "username": "ada-l", "password": PASSWORD })).await.done.user;
        operator::set_disabled(&app.app, &user.as_str().into(), true).await.unwrap();
        assert_eq!(found(&app, "ada-l").await, [user.as_str()]);
        operator::delete(&app.app, &user.as_str().into()).await.unwrap();
        assert_eq!(found(&app, "ada-l").await, [user.as_str()]);
        app.rows().execute("UPDATE devices SET hidden_at = 1").await;
        assert!(found(&app, "ada-l").await.is_empty(), "{}", app.database());
    }
}

#[tokio::test]
async fn each_look_at_each_user_is_in_the_trail_with_whether_it_was_whole() {
    for app in TestApp::each(named).await {
        let mut users = Vec::new();
        for name in ["ada-k", "ada-l"] {
            users.push(app.signup(json!({ "username": name, "password": PASSWORD })).await.done.user);
        }
        find::find(&app.app, "ada-l", true).await.unwrap();
        find::find(&app.app, "ada-", false).await.unwrap();
        find::find(&app.app, "nobody", true).await.unwrap();
        let wanted = Wanted { user: None, name: "user.looked_up".into(), since: 0, until: i64::MAX };
        let rows =
            trail::after(&mut app.app.store.read().await.unwrap(), &wanted, (-1, ""), 10).await.unwrap();
        let looks = |user: &str| -> Vec<Value> {
            let of_user = rows.iter().filter(|row| row.user_id.as_deref() == Some(user));
            of_user.map(|row| serde_json::from_str(&row.data).unwrap()).collect()
        };
        let (masked, whole) =
            (json!({ "by": "operator", "unmasked": false }), json!({ "by": "operator", "unmasked": true }));
        assert_eq!(rows.len(), 3, "{}", app.database());
        assert_eq!(looks(&users[0]), std::slice::from_ref(&masked));
        assert_eq!(looks(&users[1]), [whole, masked]);
    }
}

#[tokio::test]
async fn fifty_are_shown_and_it_is_said_that_there_are_more() {
    for app in TestApp::each(named).await {
        let mut tx = app.app.store.begin().await.unwrap();
        for n in 0..60 {
            let profile = json!({ "full_name": if n < 51 { "Grace" } else { "Hopper" } }).to_string();
            multauth::store::users::insert(&mut tx, &New::active(&format!("u{n:02}").into(), &profile), 0)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let all = find::find(&app.app, "grace", false).await.unwrap();
        assert_eq!((all.users.len(), all.more), (find::MOST, true), "{}", app.database());
        assert_eq!(found(&app, "hopper").await.len(), 9);
    }
}
