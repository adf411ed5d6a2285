//! Somebody with an address alone.

use multauth::base::clock::{DAY, MINUTE};
use serde_json::json;

use super::list::{List, MAIL, NEW_MAIL, confirms, device, devices, replaces};
use crate::support::app::TestApp;
use crate::support::person::{OTHER, PASSWORD};

/// They sign in on a new device, change the address there, and are reached by the new one alone.
async fn change_their_address(list: List, app: &TestApp) {
    let owner = list.owner_with_mail(app).await;
    let ways = list.ways_with("email");
    let person = owner.hand.comes(app).await.gets_in(&ways);
    let old = device(&person.client, MAIL).await;
    let new = replaces(&person.client, &old, json!({ "email": NEW_MAIL })).await.is(200).json();
    owner.hand.comes(app).await.gets_in(&ways);
    app.pass(MINUTE);
    let path = format!("/v1/me/devices/{}/send", new["id"].as_str().unwrap());
    person.client.post(&path, json!({})).await.is(204);
    let (new, _) = confirms(app, &person.client, &new, NEW_MAIL).await;
    assert_eq!(device(&person.client, NEW_MAIL).await, new);
    let before = owner.hand.comes(app).await;
    assert!(!before.entered(), "{before:?}");
    let hand = owner.hand.clone().without(MAIL).reads(NEW_MAIL);
    let hand = if list == List::Name { hand } else { hand.named("email", NEW_MAIL) };
    hand.comes(app).await.gets_in(&ways);
    assert!(!devices(&person.client).await.contains(&MAIL.to_owned()));
}

/// Who has forgotten the password recovers by the address, once it is a day old, and the old password is dead.
async fn recover(list: List, app: &TestApp) {
    let owner = list.owner_with_mail(app).await;
    app.pass(MINUTE);
    let client = owner.client();
    let old = device(client, MAIL).await;
    let new = replaces(client, &old, json!({ "email": NEW_MAIL })).await.is(200).json();
    confirms(app, client, &new, NEW_MAIL).await;
    let hand = owner.hand.clone().without(MAIL).reads(NEW_MAIL);
    let by_mail = hand.clone().named("email", NEW_MAIL);
    by_mail.recovers(app, OTHER).await.gets_stuck(&["email"]);
    owner.hand.clone().named("email", MAIL).recovers(app, OTHER).await.gets_stuck(&["email"]);
    app.pass(DAY);
    by_mail.recovers(app, OTHER).await.recovered("email");
    client.get("/v1/me").await.fails(401, "invalid_token");
    let hand = if list == List::Name { hand } else { by_mail };
    hand.clone().knows(PASSWORD).comes(app).await.gets_stuck(&["password"]);
    hand.knows(OTHER).comes(app).await.gets_in(&list.ways_with("email"));
}

#[tokio::test]
async fn an_address_is_changed_and_only_the_new_one_lets_them_in() {
    for list in [List::BuiltIn, List::Mail, List::Name, List::MailPassword] {
        for app in list.each().await {
            change_their_address(list, &app).await;
        }
    }
}

#[tokio::test]
async fn a_new_address_recovers_after_a_day_where_there_is_a_password() {
    for list in [List::BuiltIn, List::Name, List::MailPassword] {
        recover(list, &list.app().await).await;
    }
}
