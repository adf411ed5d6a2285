//! Whoever first shows an address that nobody vouches for is the owner from then on, by a sign-in too (R122).

use multauth::auth::operator;
use multauth::base::clock::MINUTE;
use multauth::settings::{Confirm, Settings};
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows};
use crate::support::person::{PASSWORD, Person};

const EMAIL: &str = "victim@example.org";
const SECOND: &str = "mallory@example.org";

fn by_code(confirm: Confirm) -> impl Fn(&mut Settings) {
    move |settings| {
        settings.flows = flows(&[&["email", "passcode"], &["username", "password"]]);
        settings.email.confirm = confirm;
    }
}

/// Somebody has prepared an account with the victim's address, and whatever else lets in; a recovery code of it.
async fn prepared(app: &TestApp) -> (Person, Value) {
    let given = json!({ "username": "mallory", "email": EMAIL, "password": PASSWORD });
    let mallory = app.signup(given).await;
    app.pass(MINUTE);
    mallory.add(app, "email", SECOND).await;
    let made = mallory.client.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
    app.mail().await;
    (mallory, made["codes"][0].clone())
}

/// Signs in by the code of that address alone.
async fn comes(app: &TestApp, address: &str) -> Person {
    app.pass(2 * MINUTE);
    app.mail().await;
    let client = app.client();
    let asked = client.signin(json!({ "email": address })).await.asks();
    Person::with(&client, client.passcode(&asked.attempt, app.code().await.code()).await.done())
}

/// What is left beside the devices: sessions, secrets and recovery codes.
async fn left(person: &Person) -> (usize, Value, Value) {
    let me = person.client.get("/v1/me").await.is(200).json();
    let sessions = person.client.get("/v1/me/sessions").await.is(200).json();
    (sessions.as_array().unwrap().len(), me["has_password"].clone(), me["recovery_codes"].clone())
}

async fn addresses(person: &Person) -> Vec<Value> {
    let all = person.client.get("/v1/me/devices").await.is(200).json();
    all.as_array().unwrap().iter().map(|device| device["address"].clone()).collect()
}

#[tokio::test]
async fn who_signs_in_by_an_address_that_was_only_taken_finds_nothing_that_was_prepared() {
    for app in TestApp::each(by_code(Confirm::Never)).await {
        let (mallory, _) = prepared(&app).await;
        let victim = comes(&app, EMAIL).await;
        assert_eq!(victim.done.user, mallory.done.user, "{}", app.database());
        assert_eq!(addresses(&victim).await, [EMAIL]);
        assert_eq!(left(&victim).await, (1, json!(false), json!(0)));
        mallory.client.get("/v1/me").await.fails(401, "invalid_token");
        mallory.client.refresh(&mallory.done.refresh).await.fails(401, "invalid_token");
        app.client().signin(json!({ "username": "mallory", "password": PASSWORD })).await.wrong();
        assert_eq!(app.rows().number("SELECT COUNT(*) FROM known_devices").await, 1, "the victim's own");
        app.mail().await;
        app.client().signin(json!({ "email": SECOND })).await.asks();
        TestApp::assert_silent(&app.mail().await);
        // From now on it is proven, and nothing goes by it any more.
        victim.add(&app, "email", SECOND).await;
        assert_eq!(addresses(&comes(&app, EMAIL).await).await, [EMAIL, SECOND]);
    }
}

/// What a user added is proven: a sign-in by it leaves everything.
#[tokio::test]
async fn who_signs_in_by_an_address_that_was_added_leaves_what_is_there() {
    for app in TestApp::each(by_code(Confirm::Never)).await {
        let (mallory, _) = prepared(&app).await;
        let again = comes(&app, SECOND).await;
        assert_eq!(again.done.user, mallory.done.user, "{}", app.database());
        assert_eq!(left(&again).await, (2, json!(true), json!(10)));
        assert_eq!(addresses(&again).await.len(), 3);
    }
}

/// Whoever showed a secret of the account beside it, or a device that is the owner's own, is its owner already.
#[tokio::test]
async fn an_address_that_was_only_taken_becomes_its_owners_beside_a_right_secret() {
    let list = |settings: &mut Settings| {
        settings.flows = flows(&[&["email", "password", "passcode"]]);
        settings.email.confirm = Confirm::Never;
    };
    for app in TestApp::each(list).await {
        let ada = app.signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
        app.pass(MINUTE);
        app.mail().await;
        let client = app.client();
        let asked = client.signin(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
        client.passcode(&asked.attempt, app.code().await.code()).await.done();
        ada.client.get("/v1/me").await.is(200);
    }
}

/// The press of a link that came from outside makes the address nobody's own. Nothing comes into such an account but by
/// that address or by the operator; a name that stands there all the same is written by hand.
#[tokio::test]
async fn who_signs_in_by_an_address_that_its_bare_link_confirmed_finds_nothing_else() {
    for (vouched, stays) in [(false, false), (true, true)] {
        for app in TestApp::each(by_code(Confirm::After)).await {
            let made = app.signup(json!({ "email": EMAIL })).await;
            let key = app.code().await.key().to_owned();
            let pressed = app.client().post("/v1/confirm", json!({ "key": key })).await.is(200).json();
            assert_eq!(pressed["confirmed"], true, "{pressed}");
            operator::add_identifier(&app.app, &made.done.user.as_str().into(), "username", "mallory")
                .await
                .unwrap();
            if !vouched {
                app.rows().execute("UPDATE devices SET own = 'proven' WHERE kind = 'username'").await;
            }
            let victim = comes(&app, EMAIL).await;
            let found = addresses(&victim).await;
            assert_eq!(found.len(), 1 + usize::from(stays), "{} {found:?}", app.database());
        }
    }
}
