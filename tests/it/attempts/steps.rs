//! The matrix of steps (R1, R2, R6): every step of every flow, before its turn, twice, afterwards, with
//! somebody else's attempt, and mutilated. Nothing of it makes progress or sends a message.

use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::{Answer, Asked, Client};
use crate::support::person::{CARD, OTHER, PASSWORD};

const FLOWS: &[&[&str]] = &[
    &["username", "password"],
    &["email", "password", "passcode"],
    &["phone", "hardcode", "passcode"],
    &["phone", "password", "hardcode", "passcode"],
];

/// Somebody who is equipped for the flow, by number.
fn given(flow: &[&str], n: usize) -> Value {
    let mut given = json!({});
    for word in flow {
        let value = match *word {
            "username" => format!("person{n}"),
            "email" => format!("person{n}@example.org"),
            "phone" => format!("+12124{n}67890"),
            "password" => [PASSWORD, OTHER][n % 2].to_owned(),
            "hardcode" => format!("{CARD}-{n}"),
            _ => continue,
        };
        given[*word] = json!(value);
    }
    given
}

fn only(flow: &'static [&'static str]) -> impl Fn(&mut Settings) {
    move |settings| {
        settings.flows = flows(&[flow]);
        unlimited(settings, &["attempt", "signin", "failures", "signup", "send"]);
    }
}

/// An attempt of person `n` that has passed the first `steps` secrets, and the code that it was sent.
struct Stage {
    client: Client,
    asked: Asked,
    code: Option<String>,
}

async fn stage(app: &TestApp, flow: &[&str], n: usize, steps: usize) -> Stage {
    let (client, given) = (app.client(), given(flow, n));
    let mut asked = client.signin(json!({ flow[0]: given[flow[0]] })).await.asks();
    for word in &flow[1..=steps] {
        asked = client.answer(&asked.attempt, json!({ *word: given[*word] })).await.asks();
    }
    let code = app.mail().await.pop().and_then(|mail| mail.code);
    assert_eq!(code.is_some(), flow[steps + 1] == "passcode", "{flow:?} after {steps}");
    Stage { client, asked, code }
}

impl Stage {
    async fn answer(&self, body: &Value) -> Answer {
        self.client.answer(&self.asked.attempt, body.clone()).await
    }

    /// The right value of a secret, as far as it is known at this stage.
    fn right(&self, flow: &[&str], n: usize, word: &str) -> Value {
        match word {
            "passcode" => json!(self.code.as_deref().unwrap_or("123456")),
            word => given(flow, n)[word].clone(),
        }
    }
}

/// Bodies that are no proof, although most of them hold the right secret somewhere.
fn mutants(name: &str, right: &Value) -> Vec<String> {
    let mut all: Vec<String> =
        ["", "{}", "null", "[]", "true", "0", "\"\"", "{", "[{}]"].map(str::to_owned).into();
    let deep = json!([right]).to_string();
    let object = json!({ "value": right }).to_string();
    for value in ["null", "\"\"", "[]", "{}", "0", "true", "1e3", deep.as_str(), object.as_str()] {
        all.push(format!("{{\"{name}\":{value}}}"));
    }
    all.push(format!("{{\"{name}\":{right},\"{name}\":{right}}}"));
    all.push(format!("{{\"{name}\":\"x\",\"{name}\":{right}}}"));
    all.push(format!("{{\"{name}\":{right},\"admin\":true}}"));
    all.push(format!("[{{\"{name}\":{right}}}]"));
    all.push(format!("{{\"{}\":{right}}}", name.to_uppercase()));
    all
}

#[tokio::test]
async fn no_step_is_skipped_repeated_or_passed_without_proof() {
    for flow in FLOWS {
        for app in TestApp::each(only(flow)).await {
            app.signup(given(flow, 0)).await;
            app.signup(given(flow, 1)).await;
            for steps in 0..flow.len() - 1 {
                one_stage(&app, flow, steps).await;
            }
        }
    }
}

async fn one_stage(app: &TestApp, flow: &[&str], steps: usize) {
    let stage = stage(app, flow, 0, steps).await;
    let turn = flow[steps + 1];
    for word in flow[1..].iter().filter(|word| **word != turn) {
        let out_of_turn = json!({ *word: stage.right(flow, 0, word) });
        stage.answer(&out_of_turn).await.fails(400, "not_asked");
    }
    let right = stage.right(flow, 0, turn);
    for body in mutants(turn, &right) {
        let path = format!("/v1/attempts/{}", stage.asked.attempt);
        stage.client.raw("POST", &path, Some(&body)).await.fails(400, "invalid_request");
    }
    somebody_elses(app, flow, steps, &right).await;
    TestApp::assert_silent(&app.mail().await);
    // After all that the right answer still moves it on, by one step.
    let answer = stage.answer(&json!({ turn: right })).await;
    if steps + 2 == flow.len() {
        answer.done();
        for word in &flow[1..] {
            stage.answer(&json!({ *word: right })).await.fails(404, "attempt_gone");
        }
        stage.client.send(&stage.asked.attempt, json!({})).await.fails(404, "attempt_gone");
    } else {
        assert_eq!(answer.asks().secrets(), [flow[steps + 2]]);
    }
    app.mail().await;
}

/// The right secret of one person is a wrong one in the attempt of another.
async fn somebody_elses(app: &TestApp, flow: &[&str], steps: usize, right: &Value) {
    let other = stage(app, flow, 1, steps).await;
    other.answer(&json!({ flow[steps + 1]: right })).await.wrong();
}

#[tokio::test]
async fn a_door_takes_no_mutilated_identifier_or_secret() {
    let flow = FLOWS[2];
    let app = TestApp::new(only(flow)).await;
    app.signup(given(flow, 0)).await;
    let client = app.client();
    for body in mutants("phone", &given(flow, 0)["phone"]) {
        client.raw("POST", "/v1/signin", Some(&body)).await.fails(400, "invalid_request");
        client.raw("POST", "/v1/signup", Some(&body)).await.fails(400, "invalid_request");
        client.raw("POST", "/v1/recovery", Some(&body)).await.fails(400, "invalid_request");
    }
    // The hardcode left out, or next to nothing: no message goes out.
    for hardcode in [json!(null), json!(""), json!([]), json!(false), json!(0)] {
        let body = json!({ "phone": "+12124067890", "hardcode": hardcode });
        client.signin(body).await.fails(400, "invalid_request");
    }
    let asked = client.signin(json!({ "phone": "+12124067890" })).await.asks();
    assert_eq!(asked.secrets(), ["hardcode"]);
    client.send(&asked.attempt, json!({})).await.fails(400, "not_asked");
    client.signin(json!({ "phone": "+12124067890", "hardcode": "wrong-wrong" })).await.wrong();
    TestApp::assert_silent(&app.mail().await);
}

#[tokio::test]
async fn a_later_secret_is_not_looked_at_while_an_earlier_one_is_wrong() {
    let flow = FLOWS[1];
    let app = TestApp::new(only(flow)).await;
    app.signup(given(flow, 0)).await;
    let stage = stage(&app, flow, 0, 1).await;
    let all = json!({
        "email": "person0@example.org", "password": "wrong wrong wrong", "passcode": stage.code
    });
    stage.client.signin(all).await.wrong();
    stage.answer(&json!({ "passcode": stage.code })).await.done();
}

#[tokio::test]
async fn a_sign_up_and_a_recovery_take_no_mutant_for_a_code() {
    for app in TestApp::each(only(FLOWS[1])).await {
        let client = app.client();
        let asked = client.signup(given(FLOWS[1], 0)).await.asks();
        let code = app.code().await;
        no_mutant(&app, &client, &asked, "passcode", code.code()).await;
        client.passcode(&asked.attempt, code.code()).await.done();
        client.passcode(&asked.attempt, code.code()).await.fails(404, "attempt_gone");

        let asked = client.recovery(json!({ "email": "person0@example.org" })).await.asks();
        let code = app.code().await;
        client.answer(&asked.attempt, json!({ "new_password": OTHER })).await.fails(400, "not_asked");
        no_mutant(&app, &client, &asked, "passcode", code.code()).await;
        let next = client.passcode(&asked.attempt, code.code()).await.asks();
        assert_eq!(next.secrets(), ["new_password"]);
        no_mutant(&app, &client, &next, "new_password", OTHER).await;
    }
}

async fn no_mutant(app: &TestApp, client: &Client, asked: &Asked, name: &str, right: &str) {
    for body in mutants(name, &json!(right)) {
        let path = format!("/v1/attempts/{}", asked.attempt);
        client.raw("POST", &path, Some(&body)).await.fails(400, "invalid_request");
    }
    TestApp::assert_silent(&app.mail().await);
}
