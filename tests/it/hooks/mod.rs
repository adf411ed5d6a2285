//! Hooks, asked of a real service over HTTP and of pieces of an own program.

mod down;
mod own;
mod sending;
mod settings;
mod signup;
mod tokens;
mod ways;

use std::sync::Arc;

use multauth::settings::{HookPoint, Settings, Span, WhenDown};
use serde_json::{Value, json};

use crate::support::vendor::{Does, Vendor};

/// What the questions of these tests are signed with.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The table of the settings for a point.
pub fn point<'a>(settings: &'a mut Settings, name: &str) -> &'a mut HookPoint {
    let hooks = &mut settings.hooks;
    match name {
        "before_signup" => &mut hooks.before_signup,
        "before_tokens" => &mut hooks.before_tokens,
        "before_sending" => &mut hooks.before_sending,
        "ways" => &mut hooks.ways,
        _ => panic!("{name}"),
    }
}

/// Has `vendor` asked at a point.
pub fn ask<'a>(settings: &'a mut Settings, name: &str, vendor: &Vendor) -> &'a mut HookPoint {
    let set = point(settings, name);
    set.url = Some(vendor.url.parse().unwrap());
    set.secret = SECRET.into();
    set.timeout = Span(10_000);
    set
}

/// A shorter time-out, and what holds when it is over.
pub fn quick(set: &mut HookPoint, when_down: WhenDown) {
    set.timeout = Span(300);
    set.when_down = when_down;
}

/// Answers everything with `answer`.
pub fn says(answer: Value) -> Does {
    Does::Answers(200, answer.to_string())
}

/// Answers as `mind` says of the question's data.
pub fn thinks(mind: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Does {
    Does::Thinks(Arc::new(move |_: &str, body: &str| {
        let question: Value = serde_json::from_str(body).unwrap();
        (200, mind(&question["data"]).to_string())
    }))
}

/// Lets everything go on.
pub fn allow() -> Value {
    json!({ "decision": "allow" })
}

/// Lets nothing go on.
pub fn refuse() -> Value {
    json!({ "decision": "refuse", "reason": "Members only." })
}

/// What a vendor was asked since it was last looked at.
pub fn questions(vendor: &Vendor) -> Vec<Value> {
    vendor.bodies().iter().map(|body| serde_json::from_str(body).unwrap()).collect()
}
