//! Before a message is handed over.

use multauth::outbox::dead;
use serde_json::{Value, json};

use super::{allow, ask, questions, refuse, says, thinks};
use crate::support::app::{TestApp, flows};
use crate::support::vendor::{Does, Vendor, carrier};

const NUMBER: &str = "+12025550123";

struct Stage {
    app: TestApp,
    hook: Vendor,
    one: Vendor,
    two: Vendor,
}

async fn with(does: Does) -> Stage {
    let hook = Vendor::start(does).await;
    let fine = || Does::Answers(200, "{}".into());
    let (one, two) = (Vendor::start(fine()).await, Vendor::start(fine()).await);
    let providers = vec![carrier("one", &one, ""), carrier("two", &two, "")];
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.providers = providers.clone();
        ask(settings, "before_sending", &hook);
    })
    .await;
    Stage { app, hook, one, two }
}

#[tokio::test]
async fn what_a_hook_vetoes_is_not_sent_and_is_listed_as_failed() {
    let Stage { app, hook, one, two } = with(says(refuse())).await;
    app.client().signup(json!({ "phone": NUMBER })).await.asks();
    app.mail().await;
    app.pass(60_000);
    app.mail().await;
    assert_eq!(
        (one.bodies().len(), two.bodies().len(), questions(&hook).len()),
        (0, 0, 1),
        "once, and never again"
    );
    let listed = dead::all(&app.app.store, 10).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|m| (m.state.as_str(), m.problem.as_deref())).collect();
    assert_eq!(listed, [("failed", Some("refused by a hook: Members only."))]);
}

#[tokio::test]
async fn it_is_asked_where_the_message_goes_and_once_a_try() {
    let Stage { app, hook, one, two } = with(says(allow())).await;
    one.now(Does::Answers(500, String::new()));
    two.now(Does::Answers(500, String::new()));
    app.client().signup(json!({ "phone": NUMBER })).await.asks();
    app.mail().await;
    let asked = questions(&hook);
    let data = &asked[0]["data"];
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (&data["to"], &data["channel"], &data["country"]),
        (&json!(NUMBER), &json!("sms"), &json!("US"))
    );
    assert_eq!((&data["kind"], &data["providers"]), (&json!("signup_code"), &json!(["one", "two"])));
    assert_eq!((&data["user"], &data["device"]), (&Value::Null, &Value::Null));
    app.pass(10_000);
    app.mail().await;
    assert_eq!(questions(&hook)[0]["data"]["message"], data["message"]);
}

#[tokio::test]
async fn the_owner_of_a_device_is_named() {
    let Stage { app, hook, one, .. } = with(says(allow())).await;
    let client = app.client();
    let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
    app.mail().await;
    let code = one.bodies().remove(0).split(' ').next().unwrap().to_owned();
    let done = client.passcode(&asked.attempt, &code).await.done();
    questions(&hook);
    client.signin(json!({ "phone": NUMBER })).await.asks();
    app.mail().await;
    let data = questions(&hook).remove(0)["data"].clone();
    assert_eq!(data["user"], done.user.as_str());
    assert!(data["device"].is_string(), "{data}");
}

#[tokio::test]
async fn a_hook_chooses_the_provider_and_none_that_is_not_on_the_route() {
    let Stage { app, hook, one, two } = with(says(json!({ "decision": "allow", "provider": "two" }))).await;
    app.client().signup(json!({ "phone": NUMBER })).await.asks();
    app.mail().await;
    assert_eq!((one.bodies().len(), two.bodies().len()), (0, 1));
    hook.now(thinks(|_| json!({ "decision": "allow", "provider": "three" })));
    app.client().signup(json!({ "phone": "+12025550124" })).await.asks();
    app.mail().await;
    assert_eq!((one.bodies().len(), two.bodies().len()), (1, 0));
}
