//! Sample rows.

use multauth::base::{Channel, Purpose, Scope};
use multauth::store::attempts::Attempt;
use multauth::store::challenges::Challenge;
use multauth::store::devices::Device;
use multauth::store::outbox::Queued;
use multauth::store::sessions::Session;
use multauth::store::{Tx, users};

/// The moment at which everything happens.
pub const NOW: i64 = 1_800_000_000_000;
/// When everything ends.
pub const END: i64 = NOW + 60_000;

/// A user, written.
pub async fn user(tx: &mut Tx, id: &str) {
    users::insert(tx, &users::New::active(&id.into(), "{}"), NOW).await.unwrap();
}

/// An address of a user; confirmed or a claim.
pub fn device(id: &str, user_id: &str, canonical: &str, confirmed: bool) -> Device {
    Device {
        canonical: Some(canonical.into()),
        delivery: Some(canonical.into()),
        confirmed_at: confirmed.then_some(NOW),
        own: Some(multauth::store::devices::PROVEN.to_owned()),
        ..Device::new(id.into(), user_id.into(), "email", NOW)
    }
}

/// An attempt that has passed nothing.
pub fn attempt(id: &str, user_id: Option<&str>) -> Attempt {
    Attempt {
        kind: "email".into(),
        canonical: "ada@example.com".into(),
        user_id: user_id.map(Into::into),
        credentials: user_id.map(|_| 1),
        ..Attempt::new(id.into(), Purpose::Signin, (NOW, END))
    }
}

/// A scope as the database has it.
pub fn of(scope: &str) -> Scope {
    scope.to_owned().try_into().unwrap()
}

/// A challenge with five guesses, sent now.
pub fn challenge(id: &str, scope: &str) -> Challenge {
    let to = (Channel::Email, "ada@example.com".into());
    Challenge {
        code: "right".into(),
        code_length: 6,
        key_hash: format!("key of {id}"),
        max_guesses: 5,
        sent_at: NOW,
        expires_at: END,
        ..Challenge::new(id.into(), (of(scope), "own".into()), Purpose::Signin, to)
    }
}

/// A session in its first generation.
pub fn session(id: &str, user_id: &str) -> Session {
    Session {
        id: id.into(),
        user_id: user_id.into(),
        refresh_hash: "r0".into(),
        generation: 0,
        rotated_at: NOW,
        flow: "email+password".into(),
        acr: "1".into(),
        amr: "pwd".into(),
        auth_time: NOW,
        ip: "192.0.2.0/24".into(),
        agent: "test".into(),
        created_at: NOW,
        expires_at: END,
    }
}

/// A message that is due.
pub fn queued(id: &str) -> Queued {
    Queued {
        id: id.into(),
        lane: "smtp".into(),
        channel: "email".into(),
        kind: "signin_code".into(),
        payload: "sealed".into(),
        created_at: NOW,
        expires_at: END,
        ..Queued::default()
    }
}
