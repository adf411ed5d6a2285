//! Users, sessions and codes laid ready in the database, past the API.

use std::sync::Arc;

use multauth::app::App;
use multauth::auth::input::Client;
use multauth::auth::sessions::basis::Basis;
use multauth::base::seal::sha256_hex;
use multauth::base::{Sensitive, ids};
use multauth::secrets::passcode;
use multauth::store::attempts::{self, Attempt};
use multauth::store::challenges::{self, Challenge};
use multauth::store::devices::{self, Device};
use multauth::store::{Tx, secrets, sessions as session_rows, users};

use crate::load::Result;
use multauth::auth::sessions::open;
use multauth::auth::sessions::tokens;

/// How many users there are.
pub const COUNT: usize = 1_000;
/// The password of all of them. One hash serves them all; a sign-in computes it all the same.
pub const PASSWORD: &str = "seventeen herons over the weir";
/// Every code that is laid ready.
pub const CODE: &str = "314159";

/// One user.
pub struct Person {
    /// The user's id.
    pub user: String,
    /// The username.
    pub name: String,
    /// The id of the email address.
    pub device: String,
    email: String,
}

/// Makes `count` users, each with a username, an email address and the password.
pub async fn make(app: &App, count: usize) -> Result<Arc<Vec<Person>>> {
    let hash = app.hasher.hash(Sensitive::new(PASSWORD), app.random.bytes()).await?;
    let mut people = Vec::new();
    let mut tx = app.store.begin().await?;
    for n in 0..count {
        let person = Person {
            user: app.random.uuid(),
            name: format!("person{n}"),
            device: app.random.uuid(),
            email: format!("person{n}@example.org"),
        };
        let now = app.now();
        users::insert(&mut tx, &users::New::active(&person.user.as_str().into(), "{}"), now).await?;
        secrets::set(&mut tx, &app.random.uuid(), &person.user.as_str().into(), "password", &hash, now, None)
            .await?;
        device(app, &mut tx, &person, "username", &app.random.uuid(), &person.name).await?;
        device(app, &mut tx, &person, "email", &person.device, &person.email).await?;
        people.push(person);
    }
    tx.commit().await?;
    Ok(Arc::new(people))
}

async fn device(app: &App, tx: &mut Tx, who: &Person, kind: &str, id: &str, address: &str) -> Result<()> {
    let now = app.now();
    let device = Device {
        id: id.to_owned().into(),
        user_id: who.user.clone().into(),
        kind: kind.to_owned(),
        canonical: Some(address.to_owned()),
        delivery: (kind == "email").then(|| address.to_owned()),
        label: String::new(),
        is_primary: true,
        secret: None,
        last_step: None,
        created_at: now,
        confirmed_at: Some(now),
        proven_at: Some(now),
        last_used_at: None,
        replaces: None,
        own: Some(devices::PROVEN.to_owned()),
        added_in: None,
        hidden_at: None,
        failing_since: None,
    };
    Ok(devices::insert(tx, &device).await?)
}

/// A session that somebody has.
pub struct Held {
    /// Its id.
    pub session: String,
    /// The refresh token.
    pub refresh: String,
    /// What the database keeps of that.
    pub hash: String,
    /// An access token.
    pub access: String,
}

/// Opens a session for each of the first `count` people.
pub async fn sessions(app: &App, people: &[Person], count: usize) -> Result<Vec<Held>> {
    let client = Client {
        ip: [127, 0, 0, 1].into(),
        agent: String::new(),
        known_device: None,
        languages: Vec::new(),
        request: String::new(),
    };
    let basis = Basis { flow: "username+password".into(), acr: "single".into(), amr: vec!["pwd".into()] };
    let mut held = Vec::new();
    let mut tx = app.store.begin().await?;
    for person in people.iter().take(count) {
        let opened = open::open(app, &client, &person.user.as_str().into(), &basis)?;
        session_rows::insert(&mut tx, &opened.session, "[]", &"".into()).await?;
        held.push(Held {
            access: tokens::access_only(app, &opened.session, &Default::default())?
                .access_token
                .expose()
                .to_owned(),
            session: opened.session.id.into(),
            refresh: opened.refresh.text(),
            hash: opened.refresh.hash(),
        });
    }
    tx.commit().await?;
    Ok(held)
}

/// An attempt that waits for its code.
pub struct Waiting {
    /// What the client carries.
    pub handle: String,
    /// What the database keeps of that.
    pub attempt: String,
    /// The challenge's id.
    pub challenge: String,
    /// Which of the people it is.
    pub person: usize,
}

/// Begins `count` attempts whose code has been sent.
pub async fn waiting(app: &App, people: &[Person], count: usize) -> Result<Vec<Waiting>> {
    let mut all = Vec::new();
    let mut tx = app.store.begin().await?;
    for person in (0..people.len()).cycle().take(count) {
        let handle = ids::handle(&app.random, ids::ATTEMPT);
        let made =
            Waiting { attempt: sha256_hex(handle.as_bytes()), handle, challenge: app.random.uuid(), person };
        attempts::insert(&mut tx, &attempt(app, &people[person], &made)).await?;
        challenges::put(&mut tx, &challenge(app, &people[person], &made), 0).await?.either_way();
        all.push(made);
    }
    tx.commit().await?;
    Ok(all)
}

fn attempt(app: &App, person: &Person, made: &Waiting) -> Attempt {
    Attempt {
        id: made.attempt.clone().into(),
        purpose: "signin".into(),
        kind: "email".into(),
        canonical: person.email.clone(),
        user_id: Some(person.user.clone().into()),
        credentials: Some(1),
        session_id: None,
        known_device: None,
        known_shown: None,
        passed: "[]".into(),
        draft: None,
        ways: None,
        apart: None,
        subject: None,
        created_at: app.now(),
        expires_at: app.now() + app.settings.attempt.lifetime.millis(),
    }
}

fn challenge(app: &App, person: &Person, made: &Waiting) -> Challenge {
    let (scope, target) = (format!("attempt/{}", made.attempt), "own".to_owned());
    Challenge {
        id: made.challenge.clone(),
        code: passcode::stored(&app.sealer, &format!("{scope}\n{target}"), CODE),
        scope,
        target,
        purpose: "signin".into(),
        channel: "email".into(),
        address: person.email.clone(),
        code_length: 6,
        key_hash: sha256_hex(made.challenge.as_bytes()),
        guesses: 0,
        max_guesses: 5,
        sends: 1,
        sent_at: app.now(),
        expires_at: app.now() + 600_000,
        ..Challenge::default()
    }
}
