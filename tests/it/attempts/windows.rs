//! Every key that an action may be counted by bounds it, and each call counts once by it: two pass where two may, and
//! no third.

use multauth::base::Sensitive;
use multauth::base::clock::{MINUTE, SECOND};
use multauth::settings::{LineType, Settings, Span};
use multauth::throttle::ACTIONS;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows};
use crate::support::client::{Answer, Client};
use crate::support::mailbox::wrong;
use crate::support::person::{OTHER, PASSWORD, Person};
use crate::support::vendor::{Does, Vendor};

const EMAIL: &str = "ada@example.org";
const PHONE: &str = "+12124567890";

/// Only these are bounded, by nothing else.
fn only(settings: &mut Settings, bounded: &[(&str, String)]) {
    settings.throttle = ACTIONS.iter().map(|action| (action.name.to_owned(), "off".to_owned())).collect();
    let bounded = bounded.iter().map(|(name, rate)| ((*name).to_owned(), rate.clone()));
    settings.throttle.extend(bounded);
}

/// What calls go on from.
struct World {
    base: TestApp,
    ada: Person,
    // Somebody who has nothing yet but a name.
    bob: Person,
    backend: Client,
}

impl World {
    async fn new(action: &str, vendor: &Vendor) -> Self {
        let change = |settings: &mut Settings| {
            settings.flows =
                flows(&[&["username", "password"], &["email", "passcode"], &["phone", "passcode"]]);
            settings.guesses.free = 1_000;
            only(settings, &[]);
            if action == "reserve" {
                settings.phone.spend.conversion.sends = 5;
            }
            if action == "lookup" {
                settings.phone.line_types = vec![LineType::Mobile];
                let lookup = &mut settings.phone.lookup;
                (lookup.kind, lookup.url) = ("twilio".into(), vendor.url.clone());
                (lookup.account_sid, lookup.auth_token) =
                    (format!("AC{}", "1".repeat(32)), Sensitive::new("token"));
                lookup.timeout = Span(SECOND);
            }
        };
        let base = TestApp::new(change).await;
        let ada = base.named("ada").await;
        ada.add(&base, "email", EMAIL).await;
        ada.add(&base, "phone", PHONE).await;
        if action == "reserve" {
            for n in 0..6 {
                base.client().signup(json!({ "phone": format!("+1212456{n}000") })).await.asks();
            }
            base.mail().await;
            base.pass(6 * MINUTE);
        }
        let (bob, backend) = (base.named("bob").await, base.backend().await);
        Self { base, ada, bob, backend }
    }

    /// What one call at the door of an action is made with: what is the same for each of them.
    async fn begun(&self, action: &str) -> String {
        match action {
            "attempt" => self.base.client().signin(json!({ "username": "nobody" })).await.asks().attempt,
            "check" => {
                let body = json!({ "to": "bob@example.org" });
                let begun = self.backend.post("/v1/verifications", body).await.is(201).json();
                self.base.mail().await;
                format!("/v1/verifications/{}/check", begun["verification"].as_str().unwrap())
            }
            _ => String::new(),
        }
    }
}

/// Calls an action's door once more; whether it was let through.
async fn passes(
    action: &str,
    app: &TestApp,
    world: &World,
    (client, begun, n): (&Client, &str, usize),
) -> bool {
    let name = json!({ "username": "nobody", "password": OTHER });
    let (ada, bob) = (world.ada.client.at(&app.base), world.bob.client.at(&app.base));
    let backend = world.backend.at(&app.base);
    let let_in = |answer: Answer| answer.status != 429;
    let phone = |n: usize| json!({ "phone": format!("+1212456{:04}", 1000 + n) });
    let came = async |answer: Answer| {
        assert!(answer.status < 300, "{answer:?}");
        !app.mail().await.is_empty()
    };
    match action {
        "form" => let_in(client.signin(json!({ "shoe": 42 })).await),
        "signin" | "failures" => let_in(client.signin(name).await),
        "signup" => let_in(client.signup(json!({ "email": format!("eve{n}@example.org") })).await),
        "recovery" => let_in(client.recovery(json!({ "email": EMAIL })).await),
        "reauth" => let_in(ada.reauth(json!({ "password": PASSWORD })).await),
        "attempt" => let_in(client.answer(begun, json!({ "password": OTHER })).await),
        "confirm" => let_in(client.post("/v1/confirm", json!({ "key": "nothing" })).await),
        "username_lookup" => let_in(client.signup(json!({ "username": "ada", "password": PASSWORD })).await),
        "docs" => let_in(client.get("/openapi.json").await),
        "send" => came(client.signin(json!({ "email": EMAIL })).await).await,
        "send_phone" => came(client.signup(json!({ "phone": "+12124561234" })).await).await,
        "send_beyond" => came(client.signin(json!({ "phone": PHONE })).await).await,
        "reserve" => let_in(backend.post("/v1/verifications", json!({ "to": phone(n)["phone"] })).await),
        "lookup" => let_in(client.signup(phone(n)).await),
        "notice" => came(client.signup(json!({ "email": EMAIL })).await).await,
        "token" => {
            // One that is made up after the id of a session: live ones go on in windows of their own.
            let real = &world.ada.done.refresh;
            let_in(client.refresh(&format!("{}{}", &real[..real.len() - 8], "A".repeat(8))).await)
        }
        "token_beyond" => let_in(client.refresh(&world.ada.done.refresh).await),
        "me" => let_in(ada.get("/v1/me").await),
        "devices" => {
            let email = format!("{}@example.org", app.app.random.uuid());
            let_in(bob.add(json!({ "kind": "email", "email": email })).await)
        }
        "profile" => let_in(ada.patch("/v1/me", json!({ "profile": { "first_name": "Ada" } })).await),
        "password" => {
            let body = json!({ "password": OTHER, "new_password": format!("{OTHER} {n}") });
            let_in(bob.put("/v1/me/password", body).await)
        }
        "introspect" => let_in(backend.post("/v1/introspect", json!({ "token": "x" })).await),
        "verification" => {
            let_in(backend.post("/v1/verifications", json!({ "to": format!("bob{n}@example.org") })).await)
        }
        "check" => let_in(backend.post(begun, json!({ "passcode": wrong("493072", 3) })).await),
        other => panic!("say how {other} is called"),
    }
}

#[tokio::test]
async fn every_key_of_an_action_bounds_it() {
    let line =
        json!({ "valid": true, "line_type_intelligence": { "type": "mobile", "error_code": Value::Null } });
    let vendor = Vendor::start(Does::Answers(200, line.to_string())).await;
    let mut odd = Vec::new();
    for action in ACTIONS {
        let world = World::new(action.name, &vendor).await;
        for by in action.keys {
            let begun = world.begun(action.name).await;
            let mut bounded = vec![(action.name, format!("2/d/{}", by.name()))];
            match action.name {
                "send_beyond" => bounded.push(("send", "1/31d/address".to_owned())),
                "token_beyond" => bounded.push(("token", "1/31d/all".to_owned())),
                _ => {}
            }
            let app = world.base.again_with(|settings| only(settings, &bounded)).await;
            if bounded.len() > 1 {
                // What passes without more is used up.
                passes(action.name, &app, &world, (&app.client(), &begun, 9)).await;
            }
            let client = app.client();
            let mut seen = Vec::new();
            for n in 0..3 {
                seen.push(passes(action.name, &app, &world, (&client, &begun, n)).await);
            }
            if seen != [true, true, false] {
                odd.push(format!("{} by {}: {seen:?}", action.name, by.name()));
            }
        }
    }
    assert_eq!(odd, Vec::<String>::new());
}
