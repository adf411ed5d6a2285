//! Sample rows.

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
        id: id.into(),
        user_id: user_id.into(),
        kind: "email".into(),
        canonical: Some(canonical.into()),
        delivery: Some(canonical.into()),
        label: String::new(),
        is_primary: true,
        secret: None,
        last_step: None,
        created_at: NOW,
        confirmed_at: confirmed.then_some(NOW),
        proven_at: None,
        last_used_at: None,
        replaces: None,
        own: Some(multauth::store::devices::PROVEN.to_owned()),
        added_in: None,
        hidden_at: None,
        failing_since: None,
    }
}

/// An attempt that has passed nothing.
pub fn attempt(id: &str, user_id: Option<&str>) -> Attempt {
    Attempt {
        id: id.into(),
        purpose: "signin".into(),
        kind: "email".into(),
        canonical: "ada@example.com".into(),
        user_id: user_id.map(Into::into),
        credentials: user_id.map(|_| 1),
        session_id: None,
        known_device: None,
        known_shown: None,
        passed: "[]".into(),
        draft: None,
        ways: None,
        apart: None,
        subject: None,
        created_at: NOW,
        expires_at: END,
    }
}

/// A challenge with five guesses, sent now.
pub fn challenge(id: &str, scope: &str) -> Challenge {
    Challenge {
        id: id.into(),
        scope: scope.into(),
        target: "own".into(),
        purpose: "signin".into(),
        channel: "email".into(),
        address: "ada@example.com".into(),
        code: "right".into(),
        code_length: 6,
        key_hash: format!("key of {id}"),
        guesses: 0,
        max_guesses: 5,
        sends: 1,
        sent_at: NOW,
        expires_at: END,
        ..Challenge::default()
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
