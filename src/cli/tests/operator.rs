//! What the operator does to accounts, keys and messages.

use clap::Parser;

use super::{NUMBERED, Site, signed_up};
use crate::cli::{Args, Failure, Setup, instance, people};
use crate::extensions::Extensions;

#[tokio::test]
async fn a_command_makes_no_database_in_passing() {
    let site = Site::new("");
    let failure = site.run(&["users", "list"]).await.unwrap_err();
    assert!(failure.to_string().contains("multauth migrate"), "{failure}");
    assert!(!site.0.path().join("test.db").exists());
}

#[tokio::test]
async fn the_operator_rules_over_keys_users_and_devices() {
    let site = Site::new("");
    site.run(&["migrate"]).await.unwrap();
    site.run(&["keys", "rotate", "--now"]).await.unwrap();
    site.run(&["keys", "list", "--json"]).await.unwrap();
    assert!(site.run(&["keys", "revoke", "none"]).await.is_err());
    site.run(&["apikeys", "make", "--name", "shop", "--scope", "verify"]).await.unwrap();
    let wrong = site.run(&["apikeys", "make", "--name", "shop", "--scope", "rule"]).await.unwrap_err();
    assert!(wrong.to_string().contains("introspect"), "{wrong}");
    site.run(&["apikeys", "list"]).await.unwrap();

    let (user, device) = somebody(&site).await;
    site.run(&["users", "list"]).await.unwrap();
    site.run(&["users", "show", &user]).await.unwrap();
    site.run(&["users", "disable", &user]).await.unwrap();
    site.run(&["users", "show", &user]).await.unwrap();
    site.run(&["users", "enable", &user]).await.unwrap();
    let last = site.run(&["devices", "remove", &device]).await.unwrap_err();
    assert!(last.to_string().contains("--force"), "{last}");
    site.run(&["devices", "remove", "--force", &device]).await.unwrap();
    site.run(&["devices", "list", &user]).await.unwrap();
    site.run(&["users", "groups", &user, "--set", "staff,editors"]).await.unwrap();
    site.run(&["users", "groups", &user]).await.unwrap();
    let wrong = site.run(&["users", "groups", &user, "--set", "two words"]).await.unwrap_err();
    assert!(wrong.to_string().contains("a-z"), "{wrong}");
    for words in [
        &["events"][..],
        &["events", "--user", &user, "--name", "user.*", "--since", "1h", "--limit", "1"],
        &["events", "--until", "2026-01-01", "--json"],
        &["events", "names"],
    ] {
        site.run(words).await.unwrap();
    }
    let unknown = site.run(&["events", "--after", "nothing"]).await.unwrap_err();
    assert!(unknown.to_string().contains("there is no event nothing"), "{unknown}");
    assert!(Args::try_parse_from(["multauth", "events", "--name", "user.creatd"]).is_err());
    site.run(&["users", "delete", &user]).await.unwrap();
    site.run(&["users", "restore", &user]).await.unwrap();
    site.run(&["users", "delete", "--now", &user]).await.unwrap();
    let gone = site.run(&["users", "show", &user]).await.unwrap_err();
    assert!(gone.to_string().contains(&format!("there is no user {user}")), "{gone}");
}

#[tokio::test]
async fn the_operator_finds_unlocks_and_resets() {
    let site = Site::new("");
    site.run(&["migrate"]).await.unwrap();
    let (user, _) = somebody(&site).await;
    site.run(&["users", "unlock", &user]).await.unwrap();
    site.run(&["users", "reset", &user]).await.unwrap();
    let none = site.run(&["users", "reset", &user, "--remove", "card"]).await.unwrap_err();
    assert!(
        matches!(&none, Failure::Argument(why) if why.contains("\"card\" is no device of theirs")),
        "{none}"
    );
    let gone = site.run(&["users", "reset", "nobody"]).await.unwrap_err();
    assert!(gone.to_string().contains("there is no user nobody"), "{gone}");
    assert!(Args::try_parse_from(["multauth", "users", "reset", &user, "--password", "x"]).is_err());
    site.run(&["users", "find", "maria", "--json"]).await.unwrap();
    site.run(&["users", "find", "maria", "--unmasked"]).await.unwrap();
    assert!(matches!(site.run(&["users", "find", " "]).await, Err(Failure::Argument(_))));
}

/// Signs somebody up by username, ends their session; gives their id and the device's.
async fn somebody(site: &Site) -> (String, String) {
    use crate::auth::operator;
    let app =
        instance::open(Setup { file: Some(&site.file()), extensions: &Extensions::default() }).await.unwrap();
    let user = signed_up(&app, [("username", "maria-k".to_owned())]).await;
    let (account, sessions) = operator::show(&app, &user.as_str().into()).await.unwrap();
    assert_eq!(sessions.len(), 1);
    assert!(!people::names(&app.plan.devices, &account.devices).contains("maria"), "masked");
    assert_eq!(people::whole_names(&app.plan.devices, &account.devices), "maria-k");
    assert_eq!(operator::end_sessions(&app, &user.as_str().into()).await.unwrap(), 1);
    assert!(operator::show(&app, &user.as_str().into()).await.unwrap().1.is_empty());
    assert_eq!(operator::list(&app, "", 10).await.unwrap().len(), 1);
    assert!(operator::end_sessions(&app, &"nobody".into()).await.is_err());
    (user, account.devices[0].id.clone().into())
}

#[tokio::test]
async fn an_owner_is_told_of_a_device_that_the_operator_removed() {
    let site = Site::new("[email]\nconfirm = \"never\"");
    site.run(&["migrate"]).await.unwrap();
    let app =
        instance::open(Setup { file: Some(&site.file()), extensions: &Extensions::default() }).await.unwrap();
    let mail = ("email", "maria@example.com".to_owned());
    let user = signed_up(&app, [("username", "maria-k".to_owned()), mail]).await;
    let (account, _) = crate::auth::operator::show(&app, &user.as_str().into()).await.unwrap();
    assert_eq!(people::names(&app.plan.devices, &account.devices).matches("•••").count(), 2);
    let device = account.devices.iter().find(|device| device.kind == "email").unwrap();
    site.run(&["devices", "remove", &device.id]).await.unwrap();
    let (account, sessions) = crate::auth::operator::show(&app, &user.as_str().into()).await.unwrap();
    assert_eq!((account.devices.len(), sessions.len()), (1, 0));
    let waiting = crate::store::outbox::waiting(&mut app.store.read().await.unwrap()).await.unwrap();
    assert_eq!(waiting, 1);
}

#[tokio::test]
async fn a_dead_letter_is_listed_and_sent_again() {
    let site = Site::new("[email]\nconfirm = \"never\"");
    site.run(&["migrate"]).await.unwrap();
    let app =
        instance::open(Setup { file: Some(&site.file()), extensions: &Extensions::default() }).await.unwrap();
    let user =
        signed_up(&app, [("username", "maria-k".to_owned()), ("email", "maria@example.com".to_owned())])
            .await;
    let (account, _) = crate::auth::operator::show(&app, &user.as_str().into()).await.unwrap();
    let device = account.devices.iter().find(|device| device.kind == "email").unwrap();
    site.run(&["devices", "remove", &device.id]).await.unwrap();
    let letter =
        crate::store::deliveries::list(&mut app.store.read().await.unwrap(), "", 9).await.unwrap().remove(0);
    let failure = site.run(&["messages", "resend", &letter.id]).await.unwrap_err();
    assert!(failure.to_string().contains("did not fail"), "{failure}");
    let mut tx = app.store.begin().await.unwrap();
    let end =
        crate::store::outbox::End { state: "failed", problem: Some("no such mailbox"), ..Default::default() };
    crate::store::outbox::finish(&mut tx, &letter.id, &end, app.now()).await.unwrap().either_way();
    tx.commit().await.unwrap();
    site.run(&["messages", "list", "--state", "failed"]).await.unwrap();
    site.run(&["messages", "resend", "--all"]).await.unwrap();
    let again =
        crate::store::deliveries::by_id(&mut app.store.read().await.unwrap(), &letter.id).await.unwrap();
    assert_eq!(again.unwrap().state, "queued");
    assert!(
        site.run(&["messages", "resend", "nobody"]).await.unwrap_err().to_string().contains("no message")
    );
    site.run(&["messages", "stats", "--days", "7"]).await.unwrap();
}

#[tokio::test]
async fn an_operator_gives_an_identifier_by_command() {
    let site = Site::new(NUMBERED);
    site.run(&["migrate"]).await.unwrap();
    let app =
        instance::open(Setup { file: Some(&site.file()), extensions: &Extensions::default() }).await.unwrap();
    let mut tx = app.store.begin().await.unwrap();
    let user = app.random.uuid();
    crate::store::users::insert(
        &mut tx,
        &crate::store::users::New::active(&user.as_str().into(), "{}"),
        app.now(),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let give = async |kind: &str, value: &str| {
        site.run(&["devices", "add", &user, "--kind", kind, "--value", value]).await
    };
    give("employee_no", "e-12 34").await.unwrap();
    let owner =
        crate::store::devices::owner(&mut app.store.read().await.unwrap(), "employee_no", "E1234").await;
    assert_eq!(owner.unwrap().unwrap().user_id, user);
    let text = give("employee_no", "1234").await.unwrap_err().to_string();
    assert!(text.contains("must look like E1234; the rule is E[0-9]{4}"), "{text}");
    let text = give("emplyee_no", "E1234").await.unwrap_err().to_string();
    assert!(text.contains("username, email, phone, employee_no"), "{text}");
}
