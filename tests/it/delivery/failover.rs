//! Two carriers for texts: whatever one does, the other delivers soon, and there is one valid code (F11, R51).

use std::sync::Arc;
use std::time::{Duration, Instant};

use multauth::base::clock::SECOND;
use serde_json::json;

use crate::support::app::{TestApp, flows};
use crate::support::client::Client;
use crate::support::vendor::{Does, Vendor, carrier};

const NUMBER: &str = "+12025550123";

async fn with(first: Does) -> (TestApp, Vendor, Vendor) {
    let (one, two) = (Vendor::start(first).await, Vendor::start(Does::Answers(200, "{}".into())).await);
    let providers = vec![carrier("one", &one, ""), carrier("two", &two, "")];
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.providers = providers.clone();
    })
    .await;
    (app, one, two)
}

async fn begin(app: &TestApp, number: &str) -> (Client, String) {
    let client = app.client();
    let attempt = client.signup(json!({ "phone": number })).await.asks().attempt;
    (client, attempt)
}

/// The code of the one text that a carrier was handed.
fn code(texts: &[String]) -> String {
    texts[0].split(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn whatever_a_carrier_does_the_other_delivers_the_same_code_within_five_seconds() {
    let ways = [
        Does::Answers(500, String::new()),
        Does::Answers(401, String::new()),
        Does::Says(429, "retry-after: 60"),
        Does::Hangs,
        Does::Cuts,
        Does::Stutters,
    ];
    for way in ways {
        let (app, one, two) = with(way).await;
        let (client, attempt) = begin(&app, NUMBER).await;
        let began = Instant::now();
        app.mail().await;
        assert!(began.elapsed() < Duration::from_secs(5));
        let (first, second) = (one.bodies(), two.bodies());
        assert_eq!((first.len(), second.len()), (1, 1));
        assert_eq!(first, second, "both carry one code: never are two valid");
        client.passcode(&attempt, &code(&second)).await.done();
    }
}

#[tokio::test]
async fn a_carrier_that_fails_five_times_is_left_alone_for_thirty_seconds_and_then_tried_once() {
    let (app, one, two) = with(Does::Answers(500, String::new())).await;
    let text = async |n: usize| {
        begin(&app, &format!("+120255501{n:02}")).await;
        app.mail().await;
        (one.bodies().len(), two.bodies().len())
    };
    for n in 0..5 {
        assert_eq!(text(n).await, (1, 1), "{n}");
    }
    assert_eq!(text(5).await, (0, 1), "left alone");
    app.pass(29 * SECOND);
    assert_eq!(text(6).await, (0, 1), "still");
    app.pass(SECOND);
    assert_eq!(text(7).await, (1, 1), "one tries");
    assert_eq!(text(8).await, (0, 1), "and failed");
    app.pass(30 * SECOND);
    one.now(Does::Answers(200, "{}".into()));
    assert_eq!(text(9).await, (1, 0), "it works again");
}

#[tokio::test]
async fn a_carrier_that_asks_to_wait_is_left_alone_so_long() {
    let (app, one, two) = with(Does::Says(429, "retry-after: 60")).await;
    let text = async |n: usize| {
        begin(&app, &format!("+120255502{n:02}")).await;
        app.mail().await;
        (one.bodies().len(), two.bodies().len())
    };
    assert_eq!(text(0).await, (1, 1));
    one.now(Does::Answers(200, "{}".into()));
    app.pass(59 * SECOND);
    assert_eq!(text(1).await, (0, 1));
    app.pass(SECOND);
    assert_eq!(text(2).await, (1, 0));
}

#[tokio::test]
async fn a_number_goes_to_the_carrier_of_its_prefix_first() {
    let poland = Vendor::start(Does::Answers(200, "{}".into())).await;
    let world = Vendor::start(Does::Answers(200, "{}".into())).await;
    let providers = vec![carrier("world", &world, ""), carrier("poland", &poland, "prefixes = [\"+48\"]")];
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.countries = vec!["US".into(), "PL".into()];
        settings.phone.providers = providers.clone();
    })
    .await;
    begin(&app, "+48600100200").await;
    begin(&app, NUMBER).await;
    app.mail().await;
    assert_eq!((poland.bodies().len(), world.bodies().len()), (1, 1));
    poland.now(Does::Answers(500, String::new()));
    begin(&app, "+48600100201").await;
    app.mail().await;
    assert_eq!((poland.bodies().len(), world.bodies().len()), (1, 1), "and to the others where it fails");
}

#[tokio::test]
async fn messages_of_a_provider_that_is_gone_leave_by_another() {
    let (mut app, one, two) = with(Does::Answers(500, String::new())).await;
    two.now(Does::Answers(500, String::new()));
    begin(&app, NUMBER).await;
    app.mail().await;
    let three = Vendor::start(Does::Answers(200, "{}".into())).await;
    let providers = vec![carrier("three", &three, "")];
    app = app.again_with(|settings| settings.phone.providers = providers.clone()).await;
    app.pass(10 * SECOND);
    app.mail().await;
    assert_eq!((one.bodies().len(), three.bodies().len()), (1, 1));
}

#[tokio::test]
async fn numbers_that_a_carrier_refuses_hold_up_nobody_elses() {
    let picky = Vendor::start(Does::Thinks(Arc::new(|_, body| {
        if body.contains("%2B120255503") { (400, "{}".into()) } else { (200, "{}".into()) }
    })))
    .await;
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.providers =
            vec![carrier("picky", &picky, "headers = { x-to = \"1\" }, form = { to = \"{{ to }}\" }")];
        settings.phone.providers[0].remove("text");
    })
    .await;
    begin(&app, NUMBER).await;
    app.mail().await;
    picky.bodies();
    for n in 0..6 {
        begin(&app, &format!("+120255503{n:02}")).await;
        app.mail().await;
        app.pass(5 * SECOND);
        app.mail().await;
    }
    assert_eq!(picky.bodies().len(), 6, "each was tried once");
    begin(&app, "+12025550124").await;
    app.mail().await;
    let sent = picky.bodies();
    assert!(sent.iter().any(|body| body.contains("0124")), "{sent:?}");
}

#[tokio::test]
async fn a_service_with_texts_of_its_own_gets_the_code_alone_and_a_notice_has_none() {
    let service = Vendor::start(Does::Answers(200, "{}".into())).await;
    let text = format!(
        "it = {{ kind = \"webhook\", url = \"{}\", form = {{ receptor = \"{{{{ digits }}}}\", token = \"{{{{ code }}}}\", \
         template = \"{{{{ kind }}}}\" }} }}",
        service.url
    );
    let table = toml::from_str::<toml::Table>(&text).unwrap()["it"].as_table().unwrap().clone();
    let app = TestApp::new(|settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.providers = vec![table.clone()];
    })
    .await;
    let (client, attempt) = begin(&app, NUMBER).await;
    app.mail().await;
    let body = service.bodies().remove(0);
    let code = body.split("token=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    assert_eq!(body, format!("receptor=12025550123&template=signup_code&token={code}"));
    client.passcode(&attempt, &code).await.done();
    // A sign-up with the same number: its owner is told.
    app.pass(120 * SECOND);
    begin(&app, NUMBER).await;
    app.mail().await;
    assert_eq!(service.bodies(), ["receptor=12025550123&template=signup_taken&token="]);
}
