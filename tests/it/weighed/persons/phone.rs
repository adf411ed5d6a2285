//! Somebody with a phone, and somebody who has lost it.

use multauth::auth::operator;
use multauth::base::clock::{DAY, HOUR};
use serde_json::json;

use super::hand::{Hand, codes};
use super::list::{List, MAIL, NEW_NUMBER, NUMBER, Owner, confirms, device, removes, replaces};
use super::reset::{key, reset};
use crate::support::app::TestApp;
use crate::support::person::{OTHER, PASSWORD};

const GUARDED: [List; 3] = [List::BuiltIn, List::Mail, List::Name];

/// The phone is asked once it is there, and whoever has all but it stays outside.
async fn enrol(list: List, app: &TestApp) {
    let mut owner = list.owner(app).await;
    if list != List::Phone {
        owner.adds(app, "phone", NUMBER).await;
    }
    let replaceable = GUARDED.contains(&list);
    assert_eq!(owner.codes.len(), if replaceable { 10 } else { 0 }, "{list:?}");
    let ways = list.ways_with("sms");
    let person = owner.hand.comes(app).await.gets_in(&ways);
    let without = owner.hand.clone().without(NUMBER).comes(app).await;
    if list == List::MailPassword {
        // Nothing there asks for it.
        without.gets_in(&["password"]);
    } else {
        without.gets_stuck(&ways);
    }
    let id = device(&person.client, NUMBER).await;
    if list == List::Phone {
        removes(&person.client, &id, json!({})).await.fails(409, "last_way_in");
    } else {
        removes(&person.client, &id, json!({})).await.is(204);
        owner.hand.clone().without(NUMBER).comes(app).await.gets_in(list.ways());
    }
}

#[tokio::test]
async fn a_phone_that_is_enrolled_is_asked_for_and_comes_with_recovery_codes() {
    for list in List::ALL {
        for app in list.each().await {
            enrol(list, &app).await;
        }
    }
}

#[tokio::test]
async fn a_recovery_by_one_device_lifts_no_other() {
    for list in [List::BuiltIn, List::Name] {
        let app = list.app().await;
        let mut owner = list.owner_with_mail(&app).await;
        owner.adds(&app, "phone", NUMBER).await;
        app.pass(4 * DAY);
        let hand = owner.hand.clone().knows(OTHER);
        hand.clone().named("email", MAIL).recovers(&app, OTHER).await.recovered("email");
        hand.clone().without(NUMBER).comes(&app).await.gets_stuck(&["password", "sms"]);
        hand.comes(&app).await.gets_in(&["password", "sms"]);
        // By the number: whoever has but that comes no further than before.
        app.pass(DAY);
        let recovered = hand.clone().named("phone", NUMBER).recovers(&app, PASSWORD).await.recovered("sms");
        assert_eq!(recovered["recovery_codes_dropped"], true, "the highest class was shown: {recovered}");
        let hand = hand.knows(PASSWORD);
        hand.clone().without(MAIL).comes(&app).await.gets_stuck(&["password", "sms", "email"]);
        let came = hand.comes(&app).await;
        assert_eq!(came.codes().len(), 10, "new ones come where there are none: {came:?}");
        came.gets_in(&["password", "sms", "email"]);
        app.pass(DAY);
        hand.without(MAIL).comes(&app).await.gets_in(&["password", "sms"]);
    }
}

/// A recovery asks for no card where there never was one, and the password that it sets leans on the phone.
#[tokio::test]
async fn who_has_the_phone_alone_comes_in_by_no_secret_that_it_recovered() {
    let app = List::BuiltIn.app().await;
    let mut owner = List::BuiltIn.owner(&app).await;
    owner.adds(&app, "phone", NUMBER).await;
    app.pass(4 * DAY);
    let thief = Hand::by("phone", NUMBER).reads(NUMBER).knows(OTHER).with_card();
    for _ in 0..2 {
        let recovered = thief.recovers(&app, OTHER).await;
        assert_eq!(recovered.asked, ["sms", "new_password"]);
        recovered.recovered("sms");
        thief.comes(&app).await.gets_stuck(&["hardcode"]);
        app.pass(HOUR);
    }
    let by_mail = thief.named("email", MAIL);
    by_mail.clone().comes(&app).await.gets_stuck(&["password", "sms", "email"]);
    by_mail.reads(MAIL).comes(&app).await.gets_in(&["password", "sms", "email"]);
}

/// Four days after the phone was enrolled it is gone.
async fn lose_it(list: List, app: &TestApp) -> Owner {
    let mut owner = list.owner_with_phone(app).await;
    app.pass(4 * DAY);
    owner.hand = owner.hand.without(NUMBER);
    owner
}

/// A recovery code lets them in once; there they put a new phone in its place and make new codes.
async fn by_code(list: List, app: &TestApp) {
    let owner = lose_it(list, app).await;
    let ways = list.ways_with("sms");
    let hand = owner.hand.clone().holds(&owner.codes[0]);
    hand.comes(app).await.gets_in(&ways);
    hand.comes(app).await.gets_stuck(&ways);
    let person = owner.hand.clone().holds(&owner.codes[1]).comes(app).await.gets_in(&ways);
    let old = device(&person.client, NUMBER).await;
    let new = replaces(&person.client, &old, json!({ "phone": NEW_NUMBER })).await.is(200).json();
    confirms(app, &person.client, &new, NEW_NUMBER).await;
    let made = person.client.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
    assert_eq!(codes(&made["codes"]).len(), 10);
    app.pass(HOUR);
    owner.hand.clone().holds(&owner.codes[2]).comes(app).await.gets_stuck(&ways);
    owner.hand.clone().reads(NUMBER).comes(app).await.gets_stuck(&ways);
    owner.hand.clone().reads(NEW_NUMBER).comes(app).await.gets_in(&ways);
    owner.hand.clone().holds(&codes(&made["codes"])[0]).comes(app).await.gets_in(&ways);
}

#[tokio::test]
async fn who_lost_the_phone_comes_by_a_recovery_code_and_puts_another_in_its_place() {
    for list in GUARDED {
        for app in list.each().await {
            by_code(list, &app).await;
        }
    }
}

#[tokio::test]
async fn who_lost_the_phone_and_has_no_code_is_let_in_by_the_operator() {
    for list in GUARDED {
        let app = list.app().await;
        let owner = lose_it(list, &app).await;
        let ways = list.ways_with("sms");
        owner.hand.comes(&app).await.gets_stuck(&ways);
        let reset = reset(&app, &owner, &["phone"]).await;
        owner.client().get("/v1/me").await.fails(401, "invalid_token");
        let hand = if list == List::Mail { owner.hand } else { owner.hand.knows(OTHER) };
        key(&app, &reset, OTHER).await;
        hand.comes(&app).await.gets_in(list.ways());
    }
}

#[tokio::test]
async fn who_lost_the_number_that_names_them_is_given_another_by_the_operator() {
    let (list, app) = (List::Phone, List::Phone.app().await);
    let owner = lose_it(list, &app).await;
    owner.hand.comes(&app).await.gets_stuck(&["sms"]);
    operator::add_identifier(&app.app, &owner.person.done.user.as_str().into(), "phone", NEW_NUMBER)
        .await
        .unwrap();
    let hand = owner.hand.named("phone", NEW_NUMBER).reads(NEW_NUMBER);
    let person = hand.comes(&app).await.gets_in(&["sms"]);
    let old = device(&person.client, NUMBER).await;
    removes(&person.client, &old, json!({})).await.fails(403, "proof_required");
    app.pass(3 * DAY);
    let person = hand.comes(&app).await.gets_in(&["sms"]);
    removes(&person.client, &old, json!({})).await.is(204);
    hand.named("phone", NUMBER).reads(NUMBER).comes(&app).await.gets_stuck(&["sms"]);
}

#[tokio::test]
async fn a_lost_phone_that_nothing_asks_for_is_removed_without_it() {
    let (list, app) = (List::MailPassword, List::MailPassword.app().await);
    let owner = lose_it(list, &app).await;
    let person = owner.hand.comes(&app).await.gets_in(&["password"]);
    let old = device(&person.client, NUMBER).await;
    removes(&person.client, &old, json!({})).await.is(204);
    let added = person.client.add(json!({ "kind": "phone", "phone": NEW_NUMBER })).await.is(201).json();
    confirms(&app, &person.client, &added, NEW_NUMBER).await;
}
