//! A whole life of an account: what happened is in the trail, in its order, with the payload that is documented and
//! nothing that names or lets in anybody.

use std::collections::BTreeSet;

use multauth::auth::attempts::unfinished;
use multauth::auth::deletion;
use multauth::auth::operator::{self, find, reset};
use multauth::base::clock::{DAY, MINUTE};
use multauth::events::NAMES;
use multauth::settings::Settings;
use multauth::store::events::Row;
use multauth::store::trail::{self, Wanted};
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::{Client, Done};
use crate::support::mailbox::wrong;
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::support::token::totp;

const EMAIL: &str = "maria.canary@example.org";
const NEW_EMAIL: &str = "canary.nest@example.org";
const NOBODY: &str = "nobody.canary@example.org";
const PHONE: &str = "+12124567890";
const NAME: &str = "Canaria-Maria";

/// Every event there is, in order.
pub async fn all(app: &TestApp) -> Vec<Row> {
    let everything = Wanted { user: None, name: "%".into(), since: 0, until: i64::MAX };
    let mut db = app.app.store.read().await.unwrap();
    trail::after(&mut db, &everything, (-1, ""), 10_000).await.unwrap()
}

/// An event shortly: its name and what its payload says, in the order of the documentation; ids are left out.
fn short(row: &Row) -> String {
    let data: Value = serde_json::from_str(&row.data).unwrap();
    let fields = NAMES.iter().find(|event| event.name == row.name).unwrap().fields;
    let told = fields.iter().filter(|field| !["device", "message", "purge_at"].contains(&field.name));
    let told = told.map(|field| match &data[field.name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    std::iter::once(row.name.clone()).chain(told).collect::<Vec<_>>().join(" ")
}

/// What happened since the last look, shortly; `*` before what is about nobody.
pub struct Look<'a> {
    app: &'a TestApp,
    seen: BTreeSet<String>,
}

impl<'a> Look<'a> {
    pub fn at(app: &'a TestApp) -> Self {
        Self { app, seen: BTreeSet::new() }
    }

    /// What happened until now is not looked at.
    pub async fn skip(&mut self) {
        self.seen.extend(all(self.app).await.into_iter().map(|row| row.id));
    }

    #[track_caller]
    pub fn is<'s>(&'s mut self, expected: &'s [&'s str]) -> impl Future<Output = ()> + 's {
        let caller = std::panic::Location::caller();
        async move {
            let rows = all(self.app).await;
            let new: Vec<&Row> = rows.iter().filter(|row| self.seen.insert(row.id.clone())).collect();
            let about = |row: &Row| if row.user_id.is_some() { "" } else { "*" };
            let told: Vec<String> = new.iter().map(|row| format!("{}{}", about(row), short(row))).collect();
            assert_eq!(told, expected, "{}, at {caller}", self.app.database());
        }
    }
}

fn two_steps(settings: &mut Settings) {
    settings.flows = flows(&[&["email", "password", "passcode"], &["phone", "password", "passcode"]]);
    unlimited(settings, &["send", "signin", "reauth", "devices"]);
}

/// Signs in by email, password and the code of the email.
async fn sign_in(app: &TestApp, password: &str) -> Done {
    let client = app.client();
    let asked = client.signin(json!({ "email": EMAIL, "password": password })).await.asks();
    client.passcode(&asked.attempt, app.code().await.code()).await.done()
}

/// Signs in by email, password and the code of the app.
async fn sign_in_by_app(app: &TestApp, seed: &str) -> Done {
    app.pass(MINUTE);
    let client = app.client();
    let asked = client.signin(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
    client.passcode(&asked.attempt, &totp(seed, app.clock.now())).await.done()
}

fn client_of(app: &TestApp, done: &Done) -> Client {
    app.client().bearing(&done.access)
}

#[tokio::test]
async fn all_of_a_life_is_told_once_and_in_order() {
    for app in TestApp::each(two_steps).await {
        let mut look = Look::at(&app);
        let mut secrets = vec![PASSWORD.to_owned(), OTHER.to_owned()];
        let maria = beginning(&app, &mut look, &mut secrets).await;
        let maria = devices(&app, &mut look, &mut secrets, maria).await;
        let maria = changes(&app, &mut look, &mut secrets, maria).await;
        end(&app, &mut look, &maria, &mut secrets).await;
        let rows = all(&app).await;
        documented(&rows);
        secrets.extend(maria.done.known_device);
        assert!(secrets.len() > 20 && secrets.iter().all(|secret| secret.len() >= 6), "{secrets:?}");
        for row in &rows {
            let kept = format!("{} {} {} {}", row.name, row.data, row.network, row.request);
            let named = row.personal.as_deref().unwrap_or_default();
            for secret in &secrets {
                assert!(
                    !kept.contains(secret.as_str()) && !named.contains(secret.as_str()),
                    "{secret} in {row:?}"
                );
            }
            for name in [EMAIL, NEW_EMAIL, NOBODY, PHONE, NAME] {
                assert!(!kept.contains(name), "{name} in {kept}");
            }
        }
        named(&rows);
        let happened: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let elsewhere = ["verification.status_changed", "message.failed", "user.purged", "secret.changed"];
        let expected = NAMES.iter().map(|event| event.name).filter(|name| !elsewhere.contains(name));
        assert_eq!(
            happened,
            expected.collect(),
            "every event but those of vendors, of the purge, and of own kinds"
        );
    }
}

async fn beginning(app: &TestApp, look: &mut Look<'_>, secrets: &mut Vec<String>) -> Person {
    let client = app.client();
    client.signin(json!({ "email": NOBODY, "password": PASSWORD })).await.wrong();
    look.is(&["*signin.failed signin email password"]).await;
    client.recovery(json!({ "email": NOBODY })).await.asks();
    look.is(&["*verification.sent recovery nothing email "]).await;

    let begun = client
        .signup(json!({ "email": EMAIL, "password": PASSWORD, "profile": { "first_name": NAME } }))
        .await;
    let attempt = begun.asks().attempt;
    let code = app.code().await;
    look.is(&["verification.sent signup code email "]).await;
    client.passcode(&attempt, &wrong(code.code(), 1)).await.wrong();
    look.is(&["verification.failed signup email"]).await;
    let done = client.passcode(&attempt, code.code()).await.done();
    look.is(&[
        "user.created user true []",
        "verification.succeeded signup email",
        "device.added user email true",
        "signin.succeeded signup email+password+passcode urn:multauth:acr:twostep [\"pwd\",\"otp\",\"email\"] false",
    ])
    .await;
    let taken = app.client().signup(json!({ "email": EMAIL, "password": PASSWORD })).await;
    look.is(&["verification.sent signup notice email "]).await;
    secrets.extend([code.code().to_owned(), attempt, taken.asks().attempt]);
    secrets.extend([done.access.clone(), done.refresh.clone()]);
    app.mail().await;

    client.signin(json!({ "email": EMAIL, "password": OTHER })).await.wrong();
    look.is(&["signin.failed signin email password"]).await;
    let asked = client.signin(json!({ "email": EMAIL, "password": PASSWORD })).await.asks();
    look.is(&["verification.sent signin code email "]).await;
    let code = app.code().await;
    client.passcode(&asked.attempt, &wrong(code.code(), 2)).await.wrong();
    look.is(&["signin.failed signin email passcode", "verification.failed signin email"]).await;
    let other = client.passcode(&asked.attempt, code.code()).await.done();
    look.is(&[
        "verification.succeeded signin email",
        "signin.succeeded signin email+password+passcode urn:multauth:acr:twostep [\"pwd\",\"otp\",\"email\"] false",
    ])
    .await;
    secrets.extend([code.code().to_owned(), asked.attempt, other.access, other.refresh]);
    Person { client: client.bearing(&done.access), done }
}

async fn devices(app: &TestApp, look: &mut Look<'_>, secrets: &mut Vec<String>, maria: Person) -> Person {
    let me = &maria.client;
    let change = json!({ "profile": { "first_name": format!("{NAME} II"), "language": "de" } }).to_string();
    me.raw("PATCH", "/v1/me", Some(&change)).await.is(200);
    look.is(&["user.updated user [\"first_name\",\"language\"] null"]).await;
    me.raw("PATCH", "/v1/me", Some(&change)).await.is(200);
    look.is(&[]).await;

    app.pass(1);
    let added = me.add(json!({ "kind": "phone", "phone": PHONE })).await.is(201).json();
    look.is(&["device.added user phone false", "verification.sent device code sms US"]).await;
    let (phone, code) = (added["id"].as_str().unwrap(), app.code().await);
    me.confirm(phone, &wrong(code.code(), 1)).await.wrong();
    look.is(&["verification.failed device sms"]).await;
    me.confirm(phone, code.code()).await.is(200);
    look.is(&[
        "verification.succeeded device sms",
        "device.confirmed phone",
        "verification.sent undo code email ",
        "recovery_codes.made server 10",
    ])
    .await;
    me.confirm(phone, code.code()).await.is(200);
    look.is(&[]).await;
    me.delete(&format!("/v1/me/devices/{phone}")).await.fails(403, "reauth_required");
    let asked = me.reauth(json!({ "password": PASSWORD })).await.asks();
    app.mail().await;
    app.pass(MINUTE);
    me.send(&asked.attempt, json!({})).await.is(200);
    me.passcode(&asked.attempt, app.code().await.code()).await.done();
    look.skip().await;
    let named = json!({ "label": "old" }).to_string();
    me.raw("PATCH", &format!("/v1/me/devices/{phone}"), Some(&named)).await.is(200);
    look.is(&["device.changed user phone true"]).await;
    me.delete(&format!("/v1/me/devices/{phone}")).await.is(204);
    look.is(&[
        "device.removed user phone",
        "verification.sent undo code email ",
        "session.ended device_removed 1",
    ])
    .await;
    me.delete(&format!("/v1/me/devices/{phone}")).await.fails(404, "not_found");
    look.is(&[]).await;
    secrets.push(code.code().to_owned());

    me.put("/v1/me/password", json!({ "password": OTHER, "new_password": OTHER })).await.wrong();
    look.is(&["signin.failed reauth  password"]).await;
    me.put("/v1/me/password", json!({ "password": PASSWORD, "new_password": OTHER })).await.is(204);
    look.is(&["password.changed user"]).await;
    app.mail().await;

    let codes = me.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
    look.is(&["recovery_codes.made user 10", "verification.sent undo code email "]).await;
    app.mail().await;
    let code = codes["codes"][0].as_str().unwrap().to_owned();
    let client = app.client();
    let asked = client.signin(json!({ "email": EMAIL, "password": OTHER })).await.asks();
    client.answer(&asked.attempt, json!({ "recovery_code": &code })).await.done();
    look.is(&[
        "verification.sent signin code email ",
        "signin.succeeded signin email+password+passcode urn:multauth:acr:single [\"pwd\",\"otp\"] true",
    ])
    .await;
    secrets.push(code);
    app.mail().await;
    maria
}

async fn changes(app: &TestApp, look: &mut Look<'_>, secrets: &mut Vec<String>, maria: Person) -> Person {
    app.pass(6 * MINUTE);
    let asked = maria.client.reauth(json!({ "password": OTHER })).await.asks();
    let done = maria.client.passcode(&asked.attempt, app.code().await.code()).await.done();
    let me = maria.client.bearing(&done.access);
    look.is(&[
        "verification.sent reauth code email ",
        "verification.succeeded reauth email",
        "signin.succeeded reauth email+password+passcode urn:multauth:acr:twostep [\"pwd\",\"otp\",\"email\"] false",
    ])
    .await;
    let old = me.get("/v1/me/devices").await.is(200).json()[0]["id"].as_str().unwrap().to_owned();
    let body = json!({ "email": NEW_EMAIL }).to_string();
    let replaced = me.raw("PATCH", &format!("/v1/me/devices/{old}"), Some(&body)).await.is(200).json();
    let new = replaced["id"].as_str().unwrap();
    let code = app.code().await;
    look.is(&["device.added user email false", "verification.sent device code email "]).await;
    me.confirm(new, code.code()).await.is(200);
    look.is(&[
        "verification.succeeded device email",
        "device.confirmed email",
        "device.removed user email",
        "verification.sent undo code email ",
    ])
    .await;
    let undo = app.mail().await.into_iter().find(|mail| mail.to == EMAIL && mail.key.is_some()).unwrap();
    let (key, beside) = undo.undo().unwrap();
    app.client().post("/v1/confirm", json!({ "key": key })).await.is(200);
    look.is(&[]).await;
    let back =
        app.client().post("/v1/confirm", json!({ "key": key, "passcode": beside })).await.is(200).json();
    look.is(&[
        "verification.succeeded undo email",
        "device.confirmed email",
        "device.removed user email",
        "session.ended undone 2",
    ])
    .await;
    let handle = back["attempt"]["attempt"].as_str().unwrap().to_owned();
    app.client().answer(&handle, json!({ "new_password": OTHER })).await.done();
    look.is(&["recovery.completed email", "password.changed recovery"]).await;
    secrets.extend([beside.to_owned(), handle]);
    secrets.extend([code.code().to_owned(), undo.key().to_owned(), done.access]);
    app.mail().await;
    recovered(app, look, secrets).await
}

async fn recovered(app: &TestApp, look: &mut Look<'_>, secrets: &mut Vec<String>) -> Person {
    app.client().signin(json!({ "email": EMAIL, "password": OTHER })).await.asks();
    app.code().await;
    app.pass(2 * DAY);
    unfinished::tell(&app.app).await.unwrap();
    look.is(&["verification.sent signin code email ", "signin.unfinished signin"]).await;
    app.mail().await;
    let client = app.client();
    let running = sign_in(app, OTHER).await;
    look.is(&[
        "verification.sent signin code email ",
        "verification.succeeded signin email",
        "signin.succeeded signin email+password+passcode urn:multauth:acr:twostep [\"pwd\",\"otp\",\"email\"] false",
    ])
    .await;
    let added = client.bearing(&running.access).add(json!({ "kind": "authenticator" })).await.is(201).json();
    look.is(&["device.added user authenticator false"]).await;
    let asked = client.recovery(json!({ "email": EMAIL })).await.asks();
    let code = app.code().await;
    let next = client.passcode(&asked.attempt, code.code()).await.asks();
    look.is(&["verification.sent recovery code email ", "verification.succeeded recovery email"]).await;
    client.answer(&next.attempt, json!({ "new_password": "short" })).await.fails(400, "invalid_request");
    look.is(&[]).await;
    client.answer(&next.attempt, json!({ "new_password": PASSWORD })).await.done();
    look.is(&[
        "recovery.completed email",
        "password.changed recovery",
        "device.removed recovery authenticator",
        "session.ended recovered 1",
    ])
    .await;
    let seed = added["secret"].as_str().unwrap().to_owned();
    secrets.extend([code.code().to_owned(), asked.attempt, running.access, running.refresh, seed]);
    app.mail().await;

    let done = sign_in(app, PASSWORD).await;
    let maria = Person { client: client.bearing(&done.access), done };
    let (_, seed) = maria.enrol(app).await;
    app.pass(MINUTE);
    let asked = maria.client.reauth(json!({ "password": PASSWORD })).await.asks();
    maria.client.passcode(&asked.attempt, &totp(&seed, app.clock.now())).await.done();
    look.is(&[
        "verification.sent signin code email ",
        "verification.succeeded signin email",
        "signin.succeeded signin email+password+passcode urn:multauth:acr:twostep [\"pwd\",\"otp\",\"email\"] false",
        "device.added user authenticator false",
        "verification.succeeded device authenticator",
        "device.confirmed authenticator",
        "verification.sent undo code email ",
        "recovery_codes.made server 10",
        "verification.succeeded reauth authenticator",
        "signin.succeeded reauth email+password+passcode urn:multauth:acr:multifactor [\"pwd\",\"otp\",\"mfa\"] false",
    ])
    .await;
    secrets.push(seed);
    maria
}

async fn end(app: &TestApp, look: &mut Look<'_>, maria: &Person, secrets: &mut Vec<String>) {
    let id = &maria.done.user;
    let seed = secrets.last().unwrap().clone();
    let second = client_of(app, &sign_in_by_app(app, &seed).await);
    second.post("/v1/signout", json!({})).await.is(204);
    let third = client_of(app, &sign_in_by_app(app, &seed).await);
    third.delete("/v1/me/sessions").await.is(204);
    let fourth = sign_in_by_app(app, &seed).await;
    maria.client.get("/v1/me").await.fails(401, "invalid_token");
    let next = app.client().refresh(&fourth.refresh).await.is(200).json();
    app.client().refresh(next["refresh_token"].as_str().unwrap()).await.is(200);
    app.pass(MINUTE);
    app.client().refresh(&fourth.refresh).await.fails(401, "invalid_token");
    app.client().refresh(&fourth.refresh).await.fails(401, "invalid_token");
    app.mail().await;
    sign_in_by_app(app, &seed).await;
    look.seen.extend(all(app).await.into_iter().filter(|row| row.name != "session.ended").map(|row| row.id));
    look.is(&["session.ended signed_out 1", "session.ended signed_out 2", "session.ended reused 1"]).await;

    assert_eq!(operator::end_sessions(&app.app, &id.as_str().into()).await.unwrap(), 1);
    look.is(&["session.ended operator 1"]).await;
    assert_eq!(operator::end_sessions(&app.app, &id.as_str().into()).await.unwrap(), 0);
    look.is(&[]).await;
    let (account, _) = operator::show(&app.app, &id.as_str().into()).await.unwrap();
    let device = account.devices.iter().find(|device| device.kind == "authenticator").unwrap();
    operator::remove_device(&app.app, &device.id, false).await.unwrap();
    look.is(&["device.removed operator authenticator"]).await;
    app.mail().await;
    let last = sign_in(app, PASSWORD).await;
    look.skip().await;
    operator::set_disabled(&app.app, &id.as_str().into(), true).await.unwrap();
    look.is(&["user.disabled operator", "session.ended disabled 1"]).await;
    operator::set_disabled(&app.app, &id.as_str().into(), true).await.unwrap();
    look.is(&[]).await;
    operator::set_disabled(&app.app, &id.as_str().into(), false).await.unwrap();
    look.is(&["user.enabled operator"]).await;
    client_of(app, &last).get("/v1/me").await.fails(401, "invalid_token");
    let last = client_of(app, &sign_in(app, PASSWORD).await);
    look.skip().await;
    last.delete("/v1/me").await.is(204);
    look.is(&["user.deleted user", "session.ended deleted 1"]).await;
    deletion::restore(&app.app, &id.as_str().into()).await.unwrap();
    operator::set_groups(&app.app, &id.as_str().into(), &["staff".to_owned()]).await.unwrap();
    operator::set_groups(&app.app, &id.as_str().into(), &["staff".to_owned()]).await.unwrap();
    look.is(&["user.restored operator", "user.updated operator [] [\"staff\"]"]).await;
    helped(app, look, id, secrets).await;
}

/// The operator finds her, forgives wrong guesses, and lets her begin anew.
async fn helped(app: &TestApp, look: &mut Look<'_>, id: &str, secrets: &mut Vec<String>) {
    assert_eq!(find::find(&app.app, EMAIL, true).await.unwrap().users.len(), 1);
    look.is(&["user.looked_up operator true"]).await;
    reset::unlock(&app.app, &id.into()).await.unwrap();
    look.is(&["user.unlocked operator"]).await;
    app.mail().await;
    sign_in(app, PASSWORD).await;
    look.skip().await;
    let done = reset::reset(&app.app, &id.into(), Some(&OTHER.into()), &[]).await.unwrap();
    assert!(done.key.is_none());
    look.is(&["user.reset operator 0", "password.changed operator", "session.ended reset 1"]).await;
    let key = reset::reset(&app.app, &id.into(), None, &[]).await.unwrap().key.unwrap();
    look.is(&["user.reset operator 0"]).await;
    app.client().answer(key.handle.expose(), json!({ "new_password": PASSWORD })).await.done();
    look.is(&["recovery.completed ", "password.changed recovery"]).await;
    secrets.push(key.handle.expose().to_owned());
}

/// Every payload has the fields that are documented, and no other.
fn documented(rows: &[Row]) {
    for row in rows {
        let described = NAMES.iter().find(|event| event.name == row.name).unwrap();
        let data: Value = serde_json::from_str(&row.data).unwrap();
        let fields: BTreeSet<&str> = data.as_object().unwrap().keys().map(String::as_str).collect();
        let known: BTreeSet<&str> = described.fields.iter().map(|field| field.name).collect();
        assert_eq!(fields, known, "{}", row.name);
    }
}

/// What names the user stands beside the payload, of these events alone, as it was from then on.
fn named(rows: &[Row]) {
    let naming = |row: &&Row| {
        row.user_id.is_some()
            && (row.name.starts_with("user.") && row.name != "user.purged"
                || row.name.starts_with("device.")
                || row.name == "password.changed")
    };
    for row in rows {
        assert_eq!(row.personal.is_some(), naming(&row), "{}", row.name);
    }
    let of = |name: &str, n: usize| -> Value {
        let found = rows.iter().filter(|row| row.name == name).nth(n).unwrap();
        serde_json::from_str(found.personal.as_deref().unwrap()).unwrap()
    };
    let id = rows.iter().find(|row| row.name == "user.created").unwrap().user_id.clone();
    let user = |first: &str, identifiers: Value| {
        let mut profile = json!({ "first_name": first });
        if first != NAME {
            profile["language"] = json!("de");
        }
        json!({ "user": { "id": id, "profile": profile, "groups": [], "identifiers": identifiers } })
    };
    let second = format!("{NAME} II");
    assert_eq!(of("user.created", 0), user(NAME, json!({ "email": [EMAIL] })));
    assert_eq!(of("user.updated", 0), user(&second, json!({ "email": [EMAIL] })));
    assert_eq!(of("device.confirmed", 0), user(&second, json!({ "email": [EMAIL], "phone": [PHONE] })));
    assert_eq!(of("device.removed", 0), user(&second, json!({ "email": [EMAIL] })));
    assert_eq!(of("device.confirmed", 1), user(&second, json!({ "email": [NEW_EMAIL] })));
    assert_eq!(of("device.confirmed", 2), user(&second, json!({ "email": [EMAIL] })), "taken back");
    assert_eq!(of("user.deleted", 0), user(&second, json!({ "email": [EMAIL] })));
}
