//! Somebody whose fresh session fell into a thief's hands, who changes whatever can be changed; and the owner, who
//! takes it all back.

use multauth::auth::operator;
use multauth::base::clock::{DAY, HOUR};
use serde_json::{Value, json};

use super::hand::{Hand, codes, starts_anew};
use super::list::{List, MAIL, NUMBER, Owner, confirms, device, devices, enrols, replaces};
use crate::support::app::{TestApp, flows};
use crate::support::client::Client;
use crate::support::mailbox::{Mail, wrong};
use crate::support::person::{OTHER, PASSWORD};

const EVIL: &str = "eve@attacker.example";
const EVIL_TOO: &str = "mallory@attacker.example";
const EVIL_NUMBER: &str = "+12125550199";

/// What the thief came to have.
struct Thief {
    client: Client,
    seed: Option<String>,
    codes: Vec<String>,
    /// Everything that was sent meanwhile, to whomever.
    mail: Vec<Mail>,
}

impl Thief {
    async fn reads_on(&mut self, app: &TestApp) {
        self.mail.extend(app.mail().await);
    }

    /// Confirms what was added; keeps the mail.
    async fn confirms(&mut self, app: &TestApp, added: &Value, address: &str) {
        self.reads_on(app).await;
        let fits = |mail: &&Mail| mail.to == address && mail.kind.carries_code();
        let code = self.mail.iter().rev().find(fits).unwrap().code().to_owned();
        self.client.confirm(added["id"].as_str().unwrap(), &code).await.is(200);
        self.reads_on(app).await;
    }

    /// Every change that there is, one after the other.
    async fn robs(app: &TestApp, list: List, client: &Client) -> Self {
        app.mail().await;
        let mut thief = Self { client: client.clone(), seed: None, codes: Vec::new(), mail: Vec::new() };
        let added = client.add(json!({ "kind": "email", "email": EVIL })).await.is(201).json();
        thief.confirms(app, &added, EVIL).await;
        let made = client.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
        thief.codes = codes(&made["codes"]);
        if list != List::MailPassword {
            let (_, seed, _) = enrols(app, client).await;
            thief.seed = Some(seed);
        }
        for (kind, old, new) in [("phone", NUMBER, EVIL_NUMBER), ("email", MAIL, EVIL_TOO)] {
            if devices(client).await.contains(&old.to_owned()) {
                let id = device(client, old).await;
                let new_one = replaces(client, &id, json!({ kind: new })).await.is(200).json();
                thief.confirms(app, &new_one, new).await;
            }
        }
        if list == List::Name {
            let id = device(client, "ada").await;
            replaces(client, &id, json!({ "username": "eve" })).await.is(200);
            thief.reads_on(app).await;
        }
        thief
    }

    /// What the thief comes by, with everything: what was made, read, and known of the owner.
    fn hands(&self, list: List) -> Vec<Hand> {
        let all = [
            ("email", EVIL),
            ("email", EVIL_TOO),
            ("phone", EVIL_NUMBER),
            ("username", "eve"),
            ("username", "ada"),
        ];
        let own = [("email", MAIL), ("phone", NUMBER)];
        let named = all.into_iter().chain(own);
        let equipped = named.map(|(kind, value)| {
            let hand = Hand::by(kind, value).knows(PASSWORD).reads(EVIL).reads(EVIL_TOO).reads(EVIL_NUMBER);
            let hand = match &self.seed {
                Some(seed) => hand.carries(seed),
                None => hand,
            };
            hand.holds(&self.codes[0])
        });
        let known = |hand: &Hand| list.names(hand.kind());
        equipped.filter(known).collect()
    }

    async fn has_nothing(&self, app: &TestApp, list: List) {
        self.client.get("/v1/me").await.fails(401, "invalid_token");
        for hand in self.hands(list) {
            for came in
                [hand.comes(app).await, hand.clone().knows(OTHER).appless().recovers(app, OTHER).await]
            {
                assert!(!came.entered(), "{list:?} {came:?}");
            }
            app.pass(HOUR);
        }
        for mail in self.mail.iter().filter(|mail| [EVIL, EVIL_TOO, EVIL_NUMBER].contains(&mail.to.as_str()))
        {
            assert_eq!(mail.undo(), None, "{list:?} {mail:?}");
        }
    }
}

/// Four days after everything was set up, just signed in.
async fn owner(list: List, app: &TestApp) -> Owner {
    let mut owner = list.owner_with_mail(app).await;
    if !matches!(list, List::Phone | List::MailPassword) {
        owner.adds(app, "phone", NUMBER).await;
    }
    app.pass(4 * DAY);
    owner.returns(app).await;
    owner
}

/// The owner's own devices, as they were before.
fn before(list: List) -> Vec<&'static str> {
    match list {
        List::BuiltIn | List::Mail => vec![MAIL, NUMBER],
        List::Name => vec!["ada", MAIL, NUMBER],
        List::Phone => vec![NUMBER, MAIL],
        List::MailPassword => vec![MAIL],
    }
}

/// The robbery, and the way back by the oldest message that takes it back.
async fn robbed(list: List, app: &TestApp, waits: i64) {
    let owner = owner(list, app).await;
    let thief = Thief::robs(app, list, owner.client()).await;
    app.pass(waits);
    let own = if list == List::Phone { NUMBER } else { MAIL };
    let first = thief.mail.iter().find(|mail| mail.to == own && mail.undo().is_some()).unwrap();
    let (key, code) = first.undo().unwrap();
    let client = app.client();
    let bare = client.post("/v1/confirm", json!({ "key": key })).await.is(200).json();
    assert_eq!(bare["confirmed"], false, "a robot that opens mails takes nothing back: {bare}");
    client.post("/v1/confirm", json!({ "key": key, "passcode": wrong(code, 1) })).await;
    let back = client.post("/v1/confirm", json!({ "key": key, "passcode": code })).await.is(200).json();
    assert_eq!((&back["confirmed"], &back["lost"]), (&json!(true), &Value::Null), "{back}");
    assert_eq!(back["attempt"]["ask"][0]["secret"], "new_password", "{back}");
    client.get("/v1/me").await.is(401);
    app.mail().await;
    starts_anew(&client, &back, OTHER).await;
    let came = owner.hand.clone().knows(OTHER).comes(app).await;
    let person = came.gets_in(&list.ways_with("sms"));
    let mut now = devices(&person.client).await;
    now.sort();
    let mut then = before(list);
    then.sort_unstable();
    assert_eq!(now, then, "{list:?}");
    owner.client().get("/v1/me").await.fails(401, "invalid_token");
    app.pass(HOUR);
    thief.has_nothing(app, list).await;
}

#[tokio::test]
async fn who_was_robbed_takes_everything_back_at_once() {
    for list in List::ALL {
        for app in list.each().await {
            robbed(list, &app, 0).await;
        }
    }
}

#[tokio::test]
async fn who_was_robbed_takes_everything_back_three_days_later() {
    for list in List::ALL {
        robbed(list, &list.app().await, 3 * DAY - HOUR).await;
    }
}

/// Whoever recovers first is told what is young there, with what takes it back.
#[tokio::test]
async fn who_was_robbed_of_a_session_alone_is_told_by_a_recovery_what_was_added() {
    for list in [List::BuiltIn, List::Name, List::MailPassword] {
        let app = list.app().await;
        let owner = owner(list, &app).await;
        let client = owner.client();
        let added = client.add(json!({ "kind": "email", "email": EVIL })).await.is(201).json();
        confirms(&app, client, &added, EVIL).await;
        app.pass(HOUR);
        let recovered =
            owner.hand.clone().named("email", MAIL).recovers(&app, OTHER).await.recovered("email");
        client.get("/v1/me").await.fails(401, "invalid_token");
        let recent = &recovered["recent_devices"];
        assert_eq!((recent.as_array().unwrap().len(), &recent[0]["kind"]), (1, &json!("email")), "{recent}");
        let key = recent[0]["undo"].as_str().unwrap();
        let mail = app.mail().await;
        let told = mail.iter().find(|mail| mail.to == MAIL && !mail.recent.is_empty()).unwrap();
        let code = told.recent.iter().find(|(told, _)| told == key).map(|(_, code)| code.clone()).unwrap();
        assert!(mail.iter().all(|mail| mail.to != EVIL || mail.recent.is_empty()), "{mail:?}");
        let back =
            app.client().post("/v1/confirm", json!({ "key": key, "passcode": code })).await.is(200).json();
        starts_anew(&app.client(), &back, PASSWORD).await;
        let person = owner.hand.comes(&app).await.gets_in(&list.ways_with("sms"));
        assert!(!devices(&person.client).await.contains(&EVIL.to_owned()));
        app.pass(DAY);
        Hand::by("email", EVIL).reads(EVIL).recovers(&app, OTHER).await.gets_stuck(&["email"]);
    }
}

/// A name is nobody else's for as long as it can come back: not even the thief's, who signs up for it.
#[tokio::test]
async fn who_was_robbed_of_a_name_has_it_back_whoever_asks_for_it_meanwhile() {
    for app in List::Name.each().await {
        let list = List::Name;
        let owner = owner(list, &app).await;
        let thief = Thief::robs(&app, list, owner.client()).await;
        let other = app.named("bob").await;
        let taken = app.client().signup(json!({ "username": "ada", "password": OTHER })).await;
        taken.fails(409, "taken");
        let id = device(&other.client, "bob").await;
        replaces(&other.client, &id, json!({ "username": "ada" })).await.fails(409, "taken");
        let first = thief.mail.iter().find(|mail| mail.to == MAIL && mail.undo().is_some()).unwrap();
        let (key, code) = first.undo().unwrap();
        let body = json!({ "key": key, "passcode": code });
        let back = app.client().post("/v1/confirm", body).await.is(200).json();
        assert_eq!(back["lost"], Value::Null, "{back}");
        starts_anew(&app.client(), &back, PASSWORD).await;
        owner.hand.clone().knows(PASSWORD).comes(&app).await.gets_in(&["password", "sms"]);
        thief.has_nothing(&app, list).await;
    }
}

/// Three days after it was given up a name is anybody's.
#[tokio::test]
async fn a_name_that_was_given_up_is_free_when_it_cannot_come_back() {
    for app in TestApp::each(|settings| settings.flows = flows(&[&["username", "password"]])).await {
        let ada = app.named("ada").await;
        let id = device(&ada.client, "ada").await;
        replaces(&ada.client, &id, json!({ "username": "ada.lovelace" })).await.is(200);
        let taken = || json!({ "username": "ada", "password": OTHER });
        app.client().signup(taken()).await.fails(409, "taken");
        app.pass(3 * DAY + HOUR);
        app.sweep().await;
        app.client().signup(taken()).await.done();
    }
}

/// What the operator has given to somebody else meanwhile is lost: the owner is told, and is given another one.
#[tokio::test]
async fn who_was_robbed_of_a_name_that_the_operator_gave_away_is_given_another() {
    let (list, app) = (List::Name, List::Name.app().await);
    let owner = owner(list, &app).await;
    let thief = Thief::robs(&app, list, owner.client()).await;
    let bob = app.signup(json!({ "username": "bob", "password": OTHER })).await;
    operator::add_identifier(&app.app, &bob.done.user.as_str().into(), "username", "ada").await.unwrap();
    let first = thief.mail.iter().find(|mail| mail.to == MAIL && mail.undo().is_some()).unwrap();
    let (key, code) = first.undo().unwrap();
    let body = json!({ "key": key, "passcode": code });
    let back = app.client().post("/v1/confirm", body).await.is(200).json();
    assert_eq!(back["lost"].as_array().map(Vec::len), Some(1), "{back}");
    starts_anew(&app.client(), &back, PASSWORD).await;
    let hand = owner.hand.clone().knows(PASSWORD);
    hand.comes(&app).await.gets_stuck(&["password"]);
    operator::add_identifier(&app.app, &owner.person.done.user.as_str().into(), "username", "ada.lovelace")
        .await
        .unwrap();
    hand.named("username", "ada.lovelace").comes(&app).await.gets_in(&["password", "sms"]);
    thief.has_nothing(&app, list).await;
}

/// An address that a thief has put in the place of the only one takes nothing back either, whatever is changed after
/// it.
#[tokio::test]
async fn the_address_that_a_thief_put_in_the_place_of_the_only_one_takes_nothing_back() {
    for list in [List::BuiltIn, List::Mail, List::MailPassword] {
        let app = list.app().await;
        let mut owner = list.owner(&app).await;
        app.pass(4 * DAY);
        owner.returns(&app).await;
        app.mail().await;
        let client = owner.client();
        let id = device(client, MAIL).await;
        let new = replaces(client, &id, json!({ "email": EVIL })).await.is(200).json();
        let mut thief =
            Thief { client: client.clone(), seed: None, codes: vec![String::new()], mail: Vec::new() };
        thief.confirms(&app, &new, EVIL).await;
        let made = client.post("/v1/me/recovery-codes", json!({})).await.is(200).json();
        thief.codes = codes(&made["codes"]);
        thief.reads_on(&app).await;
        let first = thief.mail.iter().find(|mail| mail.to == MAIL && mail.undo().is_some()).unwrap();
        let (key, code) = first.undo().unwrap();
        let body = json!({ "key": key, "passcode": code });
        let back = app.client().post("/v1/confirm", body).await.is(200).json();
        starts_anew(&app.client(), &back, OTHER).await;
        let person = owner.hand.clone().knows(OTHER).comes(&app).await.gets_in(list.ways());
        assert_eq!(devices(&person.client).await, [MAIL]);
        app.pass(HOUR);
        thief.has_nothing(&app, list).await;
    }
}
