//! Somebody with an app, with two, and somebody who has lost theirs.

use multauth::base::clock::{DAY, HOUR, SECOND};
use serde_json::json;

use super::hand::codes;
use super::list::{List, MAIL, Owner, device, enrols, removes};
use super::reset::{key, reset};
use crate::support::app::TestApp;
use crate::support::person::OTHER;
use crate::support::token::totp;

const GUARDED: [List; 4] = [List::BuiltIn, List::Mail, List::Name, List::Phone];
const APP: &str = "authenticator";

/// The app is asked for once it is there, and whoever has all but it stays outside.
async fn enrol(list: List, app: &TestApp) {
    let mut owner = list.owner(app).await;
    let (id, seed) = owner.enrols(app).await;
    assert_eq!(owner.codes.len(), 10, "{list:?}");
    let ways = list.ways_with(APP);
    owner.hand.clone().appless().comes(app).await.gets_stuck(&ways);
    let person = owner.hand.comes(app).await.gets_in(&ways);
    app.pass(6 * 60 * SECOND);
    let refused = removes(&person.client, &id, json!({})).await.fails(403, "reauth_required").json();
    let flow = refused["detail"].as_str().unwrap().trim_end_matches('.').rsplit(' ').next().unwrap();
    owner.hand.clone().appless().proves_again(app, &person.client, flow).await.gets_stuck(&ways);
    let raised = owner.hand.proves_again(app, &person.client, flow).await.answer.done();
    let client = person.client.bearing(&raised.access);
    removes(&client, &id, json!({ "passcode": totp(&seed, app.clock.now()) })).await.is(204);
    app.pass(HOUR);
    owner.hand.clone().appless().comes(app).await.gets_in(list.ways());
}

#[tokio::test]
async fn an_app_that_is_enrolled_is_asked_for_and_comes_with_recovery_codes() {
    for list in GUARDED {
        for app in list.each().await {
            enrol(list, &app).await;
        }
    }
}

#[tokio::test]
async fn an_app_that_nothing_would_ever_ask_for_is_not_taken() {
    let (list, app) = (List::MailPassword, List::MailPassword.app().await);
    let owner = list.owner(&app).await;
    let refused = owner.client().add(json!({ "kind": APP })).await.fails(400, "invalid_request");
    assert_eq!(refused.json()["errors"][0]["code"], "never_asked");
    owner.hand.comes(&app).await.gets_in(&["password"]);
}

/// Four days after the app was enrolled it is gone; its id.
async fn lose_it(list: List, app: &TestApp) -> (Owner, String) {
    let mut owner = list.owner(app).await;
    let (id, _) = owner.enrols(app).await;
    app.pass(4 * DAY);
    owner.hand = owner.hand.appless();
    (owner, id)
}

/// A recovery code lets them in once; there they put a new app in its place and make new codes.
async fn by_code(list: List, app: &TestApp) {
    let (owner, old) = lose_it(list, app).await;
    let ways = list.ways_with(APP);
    owner.hand.comes(app).await.gets_stuck(&ways);
    let person = owner.hand.clone().holds(&owner.codes[0]).comes(app).await.gets_in(&ways);
    let (_, seed, confirmed) = enrols(app, &person.client).await;
    assert!(codes(&confirmed["recovery_codes"]).is_empty(), "there are some");
    removes(&person.client, &old, json!({})).await.is(204);
    let made = person.client.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
    owner.hand.clone().holds(&owner.codes[1]).comes(app).await.gets_stuck(&ways);
    owner.hand.clone().carries(&seed).comes(app).await.gets_in(&ways);
    owner.hand.clone().holds(&codes(&made["codes"])[0]).comes(app).await.gets_in(&ways);
}

#[tokio::test]
async fn who_lost_the_app_comes_by_a_recovery_code_and_puts_another_in_its_place() {
    for list in GUARDED {
        for app in list.each().await {
            by_code(list, &app).await;
        }
    }
}

#[tokio::test]
async fn who_lost_the_app_and_has_no_code_is_let_in_by_the_operator() {
    for list in GUARDED {
        let app = list.app().await;
        let (owner, _) = lose_it(list, &app).await;
        owner.hand.comes(&app).await.gets_stuck(&list.ways_with(APP));
        if list == List::BuiltIn {
            // A recovery lifts no further factor.
            owner.hand.recovers(&app, OTHER).await.recovered("email");
            owner.hand.clone().knows(OTHER).comes(&app).await.gets_stuck(&list.ways_with(APP));
        }
        let reset = reset(&app, &owner, &[APP]).await;
        key(&app, &reset, OTHER).await;
        let hand =
            if matches!(list, List::BuiltIn | List::Name) { owner.hand.knows(OTHER) } else { owner.hand };
        hand.comes(&app).await.gets_in(list.ways());
    }
}

/// With two apps either lets them in without being named; the old one goes by itself, or by the new one once that is
/// three days old.
async fn two(list: List, app: &TestApp) {
    let mut owner = list.owner(app).await;
    let (old, first) = owner.enrols(app).await;
    app.pass(4 * DAY);
    owner.returns(app).await;
    let (new, second, confirmed) = enrols(app, owner.client()).await;
    assert!(codes(&confirmed["recovery_codes"]).is_empty(), "there are some");
    let ways = list.ways_with(APP);
    let hand = owner.hand.clone().appless();
    hand.clone().carries(&first).comes(app).await.gets_in(&ways);
    let person = hand.clone().carries(&second).comes(app).await.gets_in(&ways);
    removes(&person.client, &old, json!({})).await.fails(403, "proof_required");
    removes(&person.client, &old, json!({ "passcode": "000000" })).await.wrong();
    app.pass(31 * SECOND);
    let by_the_new = json!({ "passcode": totp(&second, app.clock.now()) });
    removes(&person.client, &old, by_the_new).await.wrong();
    app.pass(3 * DAY);
    let person = hand.clone().carries(&second).comes(app).await.gets_in(&ways);
    removes(&person.client, &old, json!({})).await.is(204);
    hand.clone().carries(&first).comes(app).await.gets_stuck(&ways);
    hand.carries(&second).comes(app).await.gets_in(&ways);
    assert_eq!(device(&person.client, APP).await, new);
}

#[tokio::test]
async fn of_two_apps_either_passes_and_a_young_one_vouches_for_no_older() {
    for list in GUARDED {
        two(list, &list.app().await).await;
    }
}

#[tokio::test]
async fn the_old_app_goes_by_its_own_code_at_once() {
    let (list, app) = (List::BuiltIn, List::BuiltIn.app().await);
    let mut owner = list.owner(&app).await;
    let (old, first) = owner.enrols(&app).await;
    app.pass(4 * DAY);
    owner.returns(&app).await;
    let (_, second, _) = enrols(&app, owner.client()).await;
    let hand = owner.hand.clone().appless().carries(&second);
    let person = hand.comes(&app).await.gets_in(&["password", APP]);
    app.pass(31 * SECOND);
    removes(&person.client, &old, json!({ "passcode": totp(&first, app.clock.now()) })).await.is(204);
    hand.comes(&app).await.gets_in(&["password", APP]);
    assert!(device(&person.client, MAIL).await != old);
}
