//! Hooks of an own program: in their order, bounded as services are; and the example, built and run.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use multauth::extensions::Extensions;
use multauth::hooks::{Amend, Answer, Decision, Hook, Point, Signup};
use multauth::settings::WhenDown;
use serde_json::json;

use super::{ask, point, questions, quick, refuse, says};
use crate::support::app::{TestApp, flows};
use crate::support::client::Client;
use crate::support::person::PASSWORD;
use crate::support::program::{Program, config, example};
use crate::support::token::claims;
use crate::support::vendor::Vendor;

/// What one of these hooks does.
enum Does {
    Amends(&'static str),
    Panics,
    Hangs,
}

struct Mine(Does, Arc<AtomicUsize>);

#[async_trait::async_trait]
impl Hook for Mine {
    fn points(&self) -> &[Point] {
        &[Point::BeforeSignup]
    }

    async fn before_signup(&self, asked: &Signup) -> Answer<Amend> {
        self.1.fetch_add(1, Ordering::Relaxed);
        match self.0 {
            Does::Amends(group) => {
                let groups = asked.groups.iter().cloned().chain([group.to_owned()]).collect();
                Ok(Decision::Allow(Amend { groups: Some(groups), ..Amend::default() }))
            }
            Does::Panics => panic!("a panic that a test asks for"),
            Does::Hangs => std::future::pending().await,
        }
    }
}

fn own(hooks: Vec<Does>) -> (Extensions, Arc<AtomicUsize>) {
    let asked = Arc::<AtomicUsize>::default();
    let hooks = hooks.into_iter().map(|does| Arc::new(Mine(does, asked.clone())) as Arc<dyn Hook>);
    (Extensions { hooks: hooks.collect(), ..Extensions::default() }, asked)
}

fn ada() -> serde_json::Value {
    json!({ "username": "ada", "password": PASSWORD })
}

#[tokio::test]
async fn several_are_asked_in_order_each_seeing_what_the_one_before_amended() {
    let vendor = Vendor::start(says(json!({ "decision": "allow" }))).await;
    let (extensions, _) = own(vec![Does::Amends("first"), Does::Amends("second")]);
    let app = TestApp::owning(extensions, |settings| {
        settings.flows = flows(&[&["username", "password"]]);
        ask(settings, "before_signup", &vendor);
    })
    .await;
    let ada = app.signup(ada()).await;
    let groups = json!(["first", "second"]);
    assert_eq!(questions(&vendor)[0]["data"]["groups"], groups);
    assert_eq!(claims(&app, &ada.done.access).await["groups"], groups);
}

#[tokio::test]
async fn the_first_refusal_ends_it() {
    let vendor = Vendor::start(says(refuse())).await;
    let (extensions, asked) = own(vec![Does::Panics, Does::Amends("second")]);
    let app = TestApp::owning(extensions, |settings| {
        settings.flows = flows(&[&["username", "password"]]);
        ask(settings, "before_signup", &vendor);
    })
    .await;
    app.client().signup(ada()).await.fails(403, "refused");
    assert_eq!((asked.load(Ordering::Relaxed), questions(&vendor).len()), (1, 0));
}

#[tokio::test]
async fn a_panic_and_a_hang_count_as_down() {
    for (does, allowed) in
        [(Does::Panics, false), (Does::Panics, true), (Does::Hangs, false), (Does::Hangs, true)]
    {
        let (extensions, _) = own(vec![does]);
        let app = TestApp::owning(extensions, |settings| {
            settings.flows = flows(&[&["username", "password"]]);
            let when_down = if allowed { WhenDown::Allow } else { WhenDown::Refuse };
            quick(point(settings, "before_signup"), when_down);
        })
        .await;
        let began = Instant::now();
        let answer = app.client().signup(ada()).await;
        assert!(began.elapsed() < Duration::from_secs(5));
        if allowed {
            answer.done();
        } else {
            answer.fails(403, "refused");
        }
    }
}

#[tokio::test]
async fn the_example_refuses_and_amends() {
    let folder = tempfile::tempdir().unwrap();
    let (file, address) = config(folder.path(), "", "[email]\nconfirm = \"never\"");
    let mut command = Command::new(example("own_hook"));
    command.arg(&file);
    let program = Program::run(command, address).await;
    let client = Client::new(&format!("http://{}", program.address), "10.1.2.7".into());
    let body =
        |email: &str| json!({ "email": email, "password": PASSWORD, "profile": { "first_name": "Ada" } });
    let refused = client.signup(body("ada@spam.example")).await.fails(403, "refused").json();
    assert_eq!(refused["detail"], "This address cannot join the club.");
    let done = client.signup(body("ada@example.com")).await.done();
    let me = client.bearing(&done.access).get("/v1/me").await.is(200).json();
    assert_eq!((&me["profile"]["first_name"], &me["groups"]), (&json!("Member"), &json!(["members"])));
}
