//! What the operator does for somebody who cannot get in.

use multauth::auth::operator::reset::{self, Reset};
use serde_json::json;

use super::list::Owner;
use crate::support::app::TestApp;

/// Takes away what lets anybody in, and the devices of these kinds or ids.
pub async fn reset(app: &TestApp, owner: &Owner, remove: &[&str]) -> Reset {
    let remove: Vec<String> = remove.iter().map(|name| (*name).to_owned()).collect();
    let done = reset::reset(&app.app, &owner.person.done.user.as_str().into(), None, &remove).await.unwrap();
    assert_eq!(done.removed, remove.len() as u64);
    assert!(done.open, "they would never get in again");
    done
}

/// Sets a new password with the key that the operator handed over; it is good once.
pub async fn key(app: &TestApp, reset: &Reset, new: &str) {
    let handle = reset.key.as_ref().unwrap().handle.expose();
    let client = app.client();
    client.answer(handle, json!({ "new_password": new })).await.done();
    client
        .answer(handle, json!({ "new_password": "another spruce teapot 5" }))
        .await
        .fails(404, "attempt_gone");
}
