//! Somebody with a username alone, somebody with a number and a card, and somebody whom the operator set up.

use multauth::auth::operator;
use multauth::base::clock::DAY;
use multauth::settings::Settings;
use serde_json::json;

use super::hand::{Hand, codes};
use super::list::{List, MAIL, NEW_NUMBER, NUMBER, Owner, confirms, device, replaces};
use super::reset::{key, reset};
use crate::support::app::TestApp;
use crate::support::person::{CARD, OTHER, PASSWORD};

const APP: &str = "authenticator";

async fn named(app: &TestApp) -> Owner {
    let person = app.named("ada").await;
    Owner { hand: Hand::by("username", "ada").knows(PASSWORD), person, codes: Vec::new() }
}

#[tokio::test]
async fn a_username_alone_is_not_given_an_app_that_no_flow_would_ask_for() {
    let app = List::BuiltIn.app().await;
    let owner = named(&app).await;
    let refused = owner.client().add(json!({ "kind": APP })).await.fails(400, "invalid_request");
    assert_eq!(refused.json()["errors"][0]["code"], "never_asked");
    owner.hand.comes(&app).await.gets_in(&["password"]);
}

#[tokio::test]
async fn a_username_alone_enrols_an_app_where_a_flow_asks_for_it() {
    let app = List::Name.app().await;
    let mut owner = named(&app).await;
    owner.enrols(&app).await;
    assert_eq!(owner.codes.len(), 10);
    owner.hand.comes(&app).await.gets_in(&["password", APP]);
    owner.hand.clone().appless().holds(&owner.codes[0]).comes(&app).await.gets_in(&["password", APP]);
    owner.hand.appless().comes(&app).await.gets_stuck(&["password", APP]);
}

#[tokio::test]
async fn a_username_alone_whose_password_is_forgotten_starts_anew_with_a_key() {
    for list in [List::BuiltIn, List::Name] {
        let app = list.app().await;
        let owner = named(&app).await;
        let hand = owner.hand.clone().knows(OTHER);
        hand.recovers(&app, OTHER).await.gets_stuck(&[]);
        let reset = reset(&app, &owner, &[]).await;
        key(&app, &reset, OTHER).await;
        hand.comes(&app).await.gets_in(&["password"]);
        owner.hand.comes(&app).await.gets_stuck(&["password"]);
    }
}

#[tokio::test]
async fn whom_the_operator_gave_an_address_recovers_by_it_at_once() {
    for list in [List::BuiltIn, List::Name] {
        for app in list.each().await {
            let owner = named(&app).await;
            operator::add_identifier(&app.app, &owner.person.done.user.as_str().into(), "email", MAIL)
                .await
                .unwrap();
            let hand = owner.hand.clone().reads(MAIL);
            hand.clone().named("email", MAIL).recovers(&app, OTHER).await.recovered("email");
            owner.client().get("/v1/me").await.fails(401, "invalid_token");
            hand.clone().comes(&app).await.gets_stuck(&["password"]);
            hand.clone().knows(OTHER).comes(&app).await.gets_in(&["password", "email"]);
        }
    }
}

#[tokio::test]
async fn whom_the_operator_gave_another_name_comes_by_it() {
    for (list, kind, new) in [
        (List::Mail, "email", "ada@work.example"),
        (List::Phone, "phone", NEW_NUMBER),
        (List::MailPassword, "email", "ada@work.example"),
    ] {
        let app = list.app().await;
        let owner = list.owner(&app).await;
        app.pass(4 * DAY);
        operator::add_identifier(&app.app, &owner.person.done.user.as_str().into(), kind, new).await.unwrap();
        let hand = owner.hand.clone().named(kind, new).reads(new);
        hand.comes(&app).await.gets_in(list.ways());
        let channel = if kind == "email" { "email" } else { "sms" };
        hand.recovers(&app, OTHER).await.recovered(channel);
        let hand = if list == List::MailPassword { hand.knows(OTHER) } else { hand };
        hand.comes(&app).await.gets_in(list.ways());
    }
}

#[tokio::test]
async fn who_waits_for_the_operator_is_let_in_once_enabled() {
    for list in List::ALL {
        let app = list.app_with(|settings: &mut Settings| settings.user.active = false).await;
        let client = app.client();
        let mut answer = client.signup(list.least()).await;
        if answer.json()["state"] == "ask" {
            let code = app.code().await;
            answer = client.passcode(&answer.asks().attempt, code.code()).await;
        }
        let done = answer.done();
        assert_eq!(done.access, "");
        let hand = list.hand();
        let refused = hand.comes(&app).await;
        assert!(!refused.entered(), "{refused:?}");
        operator::set_disabled(&app.app, &done.user.as_str().into(), false).await.unwrap();
        hand.comes(&app).await.gets_in(list.ways());
    }
}

/// Somebody with a number and a card, four days old.
async fn with_card(app: &TestApp) -> Owner {
    let client = app.client();
    let asked = client.signup(json!({ "phone": NUMBER, "hardcode": CARD })).await.asks();
    let code = app.code().await;
    let answer = client.passcode(&asked.attempt, code.code()).await;
    let shown = codes(&answer.json()["recovery_codes"]);
    assert_eq!(shown.len(), 10, "a code can stand in for the number behind the card");
    let person = crate::support::person::Person::with(&client, answer.done());
    app.pass(4 * DAY);
    Owner { hand: Hand::by("phone", NUMBER).with_card().reads(NUMBER), person, codes: shown }
}

const CARD_WAYS: [&str; 2] = ["hardcode", "sms"];

#[tokio::test]
async fn a_number_and_a_card_go_on_with_a_new_number() {
    for app in List::BuiltIn.each().await {
        let owner = with_card(&app).await;
        let person = owner.hand.comes(&app).await.gets_in(&CARD_WAYS);
        let old = device(&person.client, NUMBER).await;
        let new = replaces(&person.client, &old, json!({ "phone": NEW_NUMBER })).await.is(200).json();
        confirms(&app, &person.client, &new, NEW_NUMBER).await;
        let hand = owner.hand.clone().named("phone", NEW_NUMBER).reads(NEW_NUMBER).without(NUMBER);
        hand.comes(&app).await.gets_in(&CARD_WAYS);
        owner.hand.comes(&app).await.gets_stuck(&["hardcode"]);
        hand.recovers(&app, OTHER).await.gets_stuck(&["sms"]);
        app.pass(DAY);
        // The card is there: nothing but a password is set.
        let recovered = hand.recovers(&app, OTHER).await;
        assert_eq!(recovered.asked, ["sms", "new_password"]);
        recovered.recovered("sms");
        hand.comes(&app).await.gets_in(&CARD_WAYS);
    }
}

#[tokio::test]
async fn whose_old_number_is_gone_comes_by_a_recovery_code_and_puts_the_new_one_in_its_place() {
    let app = List::BuiltIn.app().await;
    let owner = with_card(&app).await;
    let lost = owner.hand.clone().without(NUMBER);
    lost.comes(&app).await.gets_stuck(&CARD_WAYS);
    let person = lost.clone().holds(&owner.codes[0]).comes(&app).await.gets_in(&CARD_WAYS);
    let old = device(&person.client, NUMBER).await;
    let new = replaces(&person.client, &old, json!({ "phone": NEW_NUMBER })).await.is(200).json();
    confirms(&app, &person.client, &new, NEW_NUMBER).await;
    lost.named("phone", NEW_NUMBER).reads(NEW_NUMBER).comes(&app).await.gets_in(&CARD_WAYS);
}

#[tokio::test]
async fn whose_old_number_is_gone_and_who_has_no_code_is_given_the_new_one_by_the_operator() {
    let app = List::BuiltIn.app().await;
    let owner = with_card(&app).await;
    let lost = owner.hand.clone().without(NUMBER);
    operator::add_identifier(&app.app, &owner.person.done.user.as_str().into(), "phone", NEW_NUMBER)
        .await
        .unwrap();
    let hand = lost.named("phone", NEW_NUMBER).reads(NEW_NUMBER);
    hand.comes(&app).await.gets_in(&CARD_WAYS);
}
