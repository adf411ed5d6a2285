//! Somebody whose mailbox is gone, and somebody who has lost both the password and the phone.

use multauth::auth::operator;
use multauth::base::clock::DAY;
use serde_json::json;

use super::hand::{Hand, codes, starts_anew};
use super::list::{List, MAIL, NEW_MAIL, NEW_NUMBER, NUMBER, Owner, confirms, device, removes, replaces};
use super::reset::{key, reset};
use crate::support::app::TestApp;
use crate::support::person::{OTHER, PASSWORD};

/// Four days after everything was set up the mailbox is gone.
async fn lose_it(list: List, app: &TestApp, with_phone: bool) -> Owner {
    let mut owner = list.owner_with_mail(app).await;
    if with_phone && list != List::Phone {
        owner.adds(app, "phone", NUMBER).await;
    }
    app.pass(4 * DAY);
    owner.hand = owner.hand.without(MAIL);
    owner
}

/// Where another factor lets them in, they change the address there.
async fn by_another(list: List, app: &TestApp) {
    let owner = lose_it(list, app, list != List::MailPassword).await;
    let ways = list.ways_with("sms");
    let person = owner.hand.comes(app).await.gets_in(&ways);
    let old = device(&person.client, MAIL).await;
    let new = replaces(&person.client, &old, json!({ "email": NEW_MAIL })).await.is(200).json();
    confirms(app, &person.client, &new, NEW_MAIL).await;
    let hand = owner.hand.reads(NEW_MAIL);
    let named = matches!(list, List::BuiltIn | List::MailPassword);
    let hand = if named { hand.named("email", NEW_MAIL) } else { hand };
    hand.comes(app).await.gets_in(&ways);
    // Whoever reads the old mailbox has nothing of it.
    hand.clone().named("email", MAIL).reads(MAIL).recovers(app, OTHER).await.gets_stuck(&["email"]);
    if list != List::Phone {
        app.pass(DAY);
        hand.clone().named("email", NEW_MAIL).recovers(app, OTHER).await.recovered("email");
        hand.knows(OTHER).comes(app).await.gets_in(&ways);
    }
}

#[tokio::test]
async fn who_lost_the_mailbox_changes_the_address_where_another_factor_lets_them_in() {
    for list in [List::BuiltIn, List::Name, List::Phone, List::MailPassword] {
        by_another(list, &list.app().await).await;
    }
}

/// The operator gives them another address, by which they come at once.
async fn by_the_operator(list: List, app: &TestApp) {
    let owner = lose_it(list, app, false).await;
    let ways = list.ways_with("email");
    owner.hand.comes(app).await.gets_stuck(&ways);
    operator::add_identifier(&app.app, &owner.person.done.user.as_str().into(), "email", NEW_MAIL)
        .await
        .unwrap();
    let hand = owner.hand.clone().reads(NEW_MAIL);
    let hand = if list == List::Name { hand } else { hand.named("email", NEW_MAIL) };
    let person = hand.comes(app).await.gets_in(&ways);
    let old = device(&person.client, MAIL).await;
    removes(&person.client, &old, json!({})).await.fails(403, "proof_required");
    app.pass(3 * DAY);
    let person = hand.comes(app).await.gets_in(&ways);
    removes(&person.client, &old, json!({})).await.is(204);
    hand.comes(app).await.gets_in(&ways);
}

#[tokio::test]
async fn who_lost_the_mailbox_alone_is_given_another_address_by_the_operator() {
    for list in [List::BuiltIn, List::Mail, List::Name] {
        by_the_operator(list, &list.app().await).await;
    }
}

/// Who has made recovery codes by hand needs no operator, but where the mailbox is asked first.
#[tokio::test]
async fn who_lost_the_mailbox_and_made_recovery_codes_before_changes_the_address_by_one() {
    for list in [List::BuiltIn, List::Name] {
        let app = list.app().await;
        let mut owner = list.owner_with_mail(&app).await;
        let made = owner.client().post("/v1/me/recovery-codes", json!({})).await.is(200).json();
        owner.codes = codes(&made["codes"]);
        app.pass(4 * DAY);
        let hand = owner.hand.clone().without(MAIL).holds(&owner.codes[0]);
        let person = hand.comes(&app).await.gets_in(&["password", "email"]);
        let old = device(&person.client, MAIL).await;
        let new = replaces(&person.client, &old, json!({ "email": NEW_MAIL })).await.is(200).json();
        confirms(&app, &person.client, &new, NEW_MAIL).await;
        let hand = hand.reads(NEW_MAIL);
        let hand = if list == List::Name { hand } else { hand.named("email", NEW_MAIL) };
        hand.comes(&app).await.gets_in(&["password", "email"]);
    }
}

/// Whoever reads the old mailbox may take its replacement back, and comes no further than the phone.
#[tokio::test]
async fn the_old_mailbox_takes_its_replacement_back_and_does_not_open_what_the_phone_guards() {
    for list in [List::BuiltIn, List::Name] {
        let app = list.app().await;
        let owner = lose_it(list, &app, true).await;
        let ways = list.ways_with("sms");
        let person = owner.hand.comes(&app).await.gets_in(&ways);
        let old = device(&person.client, MAIL).await;
        let new = replaces(&person.client, &old, json!({ "email": NEW_MAIL })).await.is(200).json();
        confirms(&app, &person.client, &new, NEW_MAIL).await;
        let told =
            app.mail().await.into_iter().find(|mail| mail.to == MAIL && mail.undo().is_some()).unwrap();
        let (key, code) = told.undo().unwrap();
        let back =
            app.client().post("/v1/confirm", json!({ "key": key, "passcode": code })).await.is(200).json();
        starts_anew(&app.client(), &back, OTHER).await;
        let named = if list == List::Name { ("username", "ada") } else { ("email", MAIL) };
        let reader = Hand::by(named.0, named.1).reads(MAIL).knows(OTHER).with_card();
        reader.comes(&app).await.gets_stuck(&ways);
        reader.clone().knows(PASSWORD).comes(&app).await.gets_stuck(&["password"]);
        // The owner has the phone: the old mailbox leans on nothing of theirs, and they start anew by the number.
        app.pass(DAY);
        owner.hand.clone().named("phone", NUMBER).recovers(&app, PASSWORD).await.recovered("sms");
    }
}

#[tokio::test]
async fn a_phone_does_not_open_what_is_asked_of_the_mailbox_first() {
    let (list, app) = (List::Mail, List::Mail.app().await);
    let owner = lose_it(list, &app, true).await;
    owner.hand.comes(&app).await.gets_stuck(&["email"]);
    owner.hand.clone().holds(&owner.codes[0]).comes(&app).await.gets_stuck(&["email"]);
    operator::add_identifier(&app.app, &owner.person.done.user.as_str().into(), "email", NEW_MAIL)
        .await
        .unwrap();
    let hand = owner.hand.named("email", NEW_MAIL).reads(NEW_MAIL);
    let person = hand.comes(&app).await.gets_in(&["email", "sms"]);
    // The phone vouches for the old address: it is of a higher class, and not young.
    let old = device(&person.client, MAIL).await;
    removes(&person.client, &old, json!({})).await.is(204);
    hand.comes(&app).await.gets_in(&["email", "sms"]);
}

/// Mailbox and password are gone: the operator takes the address away, gives another, and hands over a key.
#[tokio::test]
async fn who_lost_the_mailbox_and_the_password_starts_anew_with_a_key() {
    for list in [List::BuiltIn, List::Name, List::MailPassword] {
        let app = list.app().await;
        let owner = lose_it(list, &app, false).await;
        let user = owner.person.done.user.as_str();
        operator::add_identifier(&app.app, &user.into(), "email", NEW_MAIL).await.unwrap();
        let hand = owner.hand.clone().named("email", NEW_MAIL).reads(NEW_MAIL).knows(OTHER);
        hand.recovers(&app, OTHER).await.recovered("email");
        let hand = if list == List::Name { hand.named("username", "ada") } else { hand };
        if list == List::MailPassword {
            // No passcode is asked there.
            hand.comes(&app).await.gets_in(&["password"]);
            continue;
        }
        // What a single address recovered asks for another one that is older.
        hand.comes(&app).await.gets_stuck(&["password", "email", "email"]);
        let id = operator::show(&app.app, &user.into()).await.unwrap().0;
        let id = id.devices.iter().find(|d| d.delivery.as_deref() == Some(MAIL)).unwrap().id.clone();
        let reset = reset(&app, &owner, &[&id]).await;
        key(&app, &reset, OTHER).await;
        hand.comes(&app).await.gets_in(&list.ways_with("email"));
        hand.named("email", MAIL).reads(MAIL).recovers(&app, PASSWORD).await.gets_stuck(&["email"]);
    }
}

/// Four days after everything was set up the phone is gone, and the password forgotten.
async fn lose_both(list: List, app: &TestApp) -> Owner {
    let mut owner = list.owner_with_mail(app).await;
    owner.adds(app, "phone", NUMBER).await;
    owner.returns(app).await;
    app.pass(4 * DAY);
    owner.hand = owner.hand.without(NUMBER).knows(OTHER);
    owner.hand.clone().named("email", MAIL).recovers(app, OTHER).await.recovered("email");
    owner
}

#[tokio::test]
async fn who_lost_password_and_phone_recovers_by_the_address_and_comes_by_a_recovery_code() {
    for list in [List::BuiltIn, List::Name] {
        let app = list.app().await;
        let owner = lose_both(list, &app).await;
        let ways = list.ways_with("sms");
        owner.hand.comes(&app).await.gets_stuck(&ways);
        let person = owner.hand.clone().holds(&owner.codes[0]).comes(&app).await.gets_in(&ways);
        let old = device(&person.client, NUMBER).await;
        let new = replaces(&person.client, &old, json!({ "phone": NEW_NUMBER })).await.is(200).json();
        confirms(&app, &person.client, &new, NEW_NUMBER).await;
        person.client.post("/v1/me/recovery-codes", json!({})).await.is(200);
        owner.hand.clone().reads(NEW_NUMBER).comes(&app).await.gets_in(&ways);
        owner.hand.clone().reads(NUMBER).comes(&app).await.gets_stuck(&ways);
    }
}

/// Whoever is thrown out by a recovery may have made the codes that are young.
#[tokio::test]
async fn codes_that_are_younger_than_three_days_do_not_outlive_a_recovery() {
    for list in [List::BuiltIn, List::Name] {
        let app = list.app().await;
        let mut owner = list.owner_with_mail(&app).await;
        owner.adds(&app, "phone", NUMBER).await;
        app.pass(DAY);
        let hand = owner.hand.clone().without(NUMBER).knows(OTHER).holds(&owner.codes[0]);
        hand.clone().named("email", MAIL).recovers(&app, OTHER).await.recovered("email");
        hand.comes(&app).await.gets_stuck(&list.ways_with("sms"));
        let came = hand.reads(NUMBER).comes(&app).await;
        assert_eq!(came.codes().len(), 10, "new ones come where there are none: {came:?}");
        came.gets_in(&list.ways_with("sms"));
    }
}

#[tokio::test]
async fn who_lost_password_phone_and_codes_is_let_in_by_the_operator() {
    for list in [List::BuiltIn, List::Name] {
        let app = list.app().await;
        let owner = lose_both(list, &app).await;
        owner.hand.comes(&app).await.gets_stuck(&list.ways_with("sms"));
        let reset = reset(&app, &owner, &["phone"]).await;
        owner.hand.comes(&app).await.gets_stuck(&["password"]);
        key(&app, &reset, PASSWORD).await;
        owner.hand.clone().knows(PASSWORD).comes(&app).await.gets_in(&["password", "email"]);
        owner.hand.clone().knows(PASSWORD).without(MAIL).comes(&app).await.gets_stuck(&["password", "email"]);
    }
}

#[tokio::test]
async fn where_nothing_asks_for_the_phone_a_recovery_by_the_address_is_enough() {
    let (list, app) = (List::MailPassword, List::MailPassword.app().await);
    let owner = lose_both(list, &app).await;
    let person = owner.hand.comes(&app).await.gets_in(&["password"]);
    let old = device(&person.client, NUMBER).await;
    removes(&person.client, &old, json!({})).await.is(204);
    owner.hand.knows(PASSWORD).comes(&app).await.gets_stuck(&["password"]);
}
