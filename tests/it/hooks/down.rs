//! Hooks that give no answer: how long that takes, and what holds then.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use multauth::outbound::Signer;
use multauth::settings::WhenDown;
use serde_json::json;

use super::{allow, ask, questions, quick, says};
use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::Answer;
use crate::support::person::PASSWORD;
use crate::support::vendor::{Does, Vendor};

async fn with(does: Does, when_down: WhenDown) -> (TestApp, Vendor) {
    let vendor = Vendor::start(does).await;
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["username", "password"]]);
        unlimited(settings, &["signup", "signin", "token"]);
        quick(ask(settings, "before_signup", &vendor), when_down);
    })
    .await;
    (app, vendor)
}

async fn signup(app: &TestApp, name: &str) -> Answer {
    app.client().signup(json!({ "username": name, "password": PASSWORD })).await
}

#[tokio::test]
async fn whatever_it_does_a_sign_up_is_answered_in_time_as_the_settings_say() {
    let ways = [
        Does::Hangs,
        Does::Stutters,
        Does::Cuts,
        Does::Answers(500, String::new()),
        Does::Answers(404, allow().to_string()),
        Does::Answers(302, String::new()),
        Does::Answers(200, "no JSON".into()),
        Does::Answers(200, "{}".into()),
        Does::Answers(200, r#"{"decision":"perhaps"}"#.into()),
        Does::Answers(200, r#"{"decision":"allow","groups":"members"}"#.into()),
    ];
    for does in ways {
        for (when_down, allowed) in [(WhenDown::Refuse, false), (WhenDown::Allow, true)] {
            let (app, _vendor) = with(does.clone(), when_down).await;
            let began = Instant::now();
            let answer = signup(&app, "ada").await;
            assert!(began.elapsed() < Duration::from_secs(5), "{does:?}");
            if allowed {
                answer.done();
            } else {
                let detail = answer.fails(403, "refused").json()["detail"].clone();
                assert_eq!(detail, "This cannot be decided now; try again later.");
            }
        }
    }
}

#[tokio::test]
async fn one_that_fails_five_times_is_left_alone_for_thirty_seconds_and_then_asked_once() {
    let (app, vendor) = with(Does::Cuts, WhenDown::Allow).await;
    for n in 0..8 {
        signup(&app, &format!("ada{n}")).await.done();
    }
    // A connection that is cut may be tried twice by the client.
    let asked = questions(&vendor).len();
    assert!((5..=10).contains(&asked), "{asked}");
    signup(&app, "bob").await.done();
    assert!(questions(&vendor).is_empty(), "nobody waits for it");
    app.pass(30_000);
    vendor.now(says(allow()));
    signup(&app, "eve").await.done();
    signup(&app, "fay").await.done();
    assert_eq!(questions(&vendor).len(), 2, "it works again");
}

#[tokio::test]
async fn questions_that_it_stumbles_over_do_not_leave_the_others_unasked_though_it_never_worked_before() {
    let (app, vendor) = with(Does::Answers(500, String::new()), WhenDown::Refuse).await;
    for n in 0..9 {
        signup(&app, &format!("bob{n}")).await.fails(403, "refused");
    }
    vendor.now(says(allow()));
    signup(&app, "eve").await.done();
}

#[tokio::test]
async fn tokens_messages_and_ways_go_on_without_a_hook_that_hangs() {
    let vendor = Vendor::start(Does::Hangs).await;
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["email", "passcode"]]);
        for point in ["before_tokens", "before_sending", "ways"] {
            // As the built-in settings have it: allow.
            let when_down = super::point(settings, point).when_down;
            quick(ask(settings, point, &vendor), when_down);
        }
    })
    .await;
    let ada = app.signup(json!({ "email": "ada@example.com" })).await;
    app.client().refresh(&ada.done.refresh).await.is(200);
}

#[tokio::test]
async fn a_refresh_that_a_hook_hangs_at_does_not_cost_the_refresh_token() {
    let vendor = Vendor::start(says(allow())).await;
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["username", "password"]]);
        quick(ask(settings, "before_tokens", &vendor), WhenDown::Refuse);
    })
    .await;
    let ada = app.named("ada").await;
    for does in [Does::Hangs, Does::Cuts, Does::Answers(200, "[]".into())] {
        vendor.now(does);
        app.client().refresh(&ada.done.refresh).await.fails(403, "refused");
    }
    vendor.now(says(allow()));
    app.client().refresh(&ada.done.refresh).await.is(200);
}

#[tokio::test]
async fn a_receiver_knows_a_question_by_its_signature() {
    let (app, vendor) = with(says(allow()), WhenDown::Refuse).await;
    signup(&app, "ada").await.done();
    let (head, body) = (vendor.heads().remove(0), vendor.bodies().remove(0));
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{name}: {head}")).to_owned()
    };
    let (id, at) = (header("webhook-id"), header("webhook-timestamp").parse().unwrap());
    let signed = |secret: &str| Signer::read(&secret.into()).unwrap().sign(&id, at, &body);
    assert_eq!(header("webhook-signature"), signed(super::SECRET));
    let other = format!("whsec_{}", STANDARD.encode([9; 32]));
    assert_ne!(header("webhook-signature"), signed(&other));
    assert_eq!(at, app.clock.now() / 1_000);
}
