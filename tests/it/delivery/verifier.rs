//! A vendor that makes and checks the codes itself, behind the same doors.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use multauth::base::clock::SECOND;
use multauth::settings::Settings;
use serde_json::{Value, json};

use crate::support::app::{TestApp, flows, unlimited};
use crate::support::client::Client;
use crate::support::vendor::{Does, Vendor, carrier};

const NUMBER: &str = "+12025550123";
const THEIRS: &str = "246813";

/// Twilio Verify as its manual describes it: one verification, one code, five checks, forgotten once approved.
fn twilio(checks: Arc<Mutex<u32>>) -> Does {
    Does::Thinks(Arc::new(move |line, body| {
        let sid = "VE00000000000000000000000000000001";
        let verification =
            |status: &str| json!({ "sid": sid, "status": status, "valid": status == "approved" });
        let mut checks = checks.lock().unwrap();
        if line.starts_with("GET") {
            return (404, json!({ "code": 20404 }).to_string());
        }
        if line.contains("/VerificationCheck") {
            *checks += 1;
            return match (*checks > 5, body.contains(&format!("Code={THEIRS}"))) {
                (true, _) => (429, json!({ "code": 60202 }).to_string()),
                (_, true) => (200, verification("approved").to_string()),
                (_, false) => (200, verification("pending").to_string()),
            };
        }
        let cancelled = body.contains("Status=canceled");
        *checks = 0;
        (201, verification(if cancelled { "canceled" } else { "pending" }).to_string())
    }))
}

/// How many codes it was asked about since.
fn typed(verify: &Vendor) -> usize {
    verify.bodies().iter().filter(|body| body.contains("Code=")).count()
}

fn settings(verify: &Vendor, more: Vec<toml::Table>) -> impl Fn(&mut Settings) + use<> {
    let text = format!(
        "it = {{ kind = \"twilio-verify\", account_sid = \"AC00000000000000000000000000000001\", auth_token = \"x\", \
         service = \"VA00000000000000000000000000000001\", url = \"{}\" }}",
        verify.url
    );
    let first = toml::from_str::<toml::Table>(&text).unwrap()["it"].as_table().unwrap().clone();
    let providers = [vec![first], more].concat();
    move |settings| {
        settings.flows = flows(&[&["phone", "passcode"]]);
        settings.phone.providers = providers.clone();
        unlimited(settings, &["send", "send_phone", "signup", "signin"]);
    }
}

#[tokio::test]
async fn the_vendors_code_is_the_one_that_passes_and_passes_once() {
    let verify = Vendor::start(twilio(Arc::default())).await;
    for app in TestApp::each(settings(&verify, Vec::new())).await {
        let client = app.client();
        let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
        app.mail().await;
        assert!(verify.bodies()[0].contains("Channel=sms"));
        client.passcode(&asked.attempt, "111111").await.wrong();
        client.passcode(&asked.attempt, THEIRS).await.done();
        client.passcode(&asked.attempt, THEIRS).await.fails(404, "attempt_gone");
        app.pass(120 * SECOND);
        let asked = app.client().signin(json!({ "phone": NUMBER })).await.asks();
        app.mail().await;
        app.client().passcode(&asked.attempt, THEIRS).await.done();
        verify.bodies();
    }
}

#[tokio::test]
async fn guesses_at_the_vendors_code_are_counted_here_too() {
    let verify = Vendor::start(twilio(Arc::default())).await;
    let app = TestApp::new(settings(&verify, Vec::new())).await;
    let client = app.client();
    let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
    app.mail().await;
    for left in (0..5).rev() {
        let answer = client.passcode(&asked.attempt, "111111").await.wrong();
        assert_eq!(answer.json()["attempts_left"], left, "{answer:?}");
    }
    let asked_so_far = typed(&verify);
    assert_ne!(client.passcode(&asked.attempt, THEIRS).await.status, 200, "the sixth, right");
    assert_eq!((asked_so_far, typed(&verify)), (5, 0), "and the vendor is not even asked");
}

#[tokio::test]
async fn a_vendor_that_cannot_be_asked_costs_no_guess() {
    let verify = Vendor::start(twilio(Arc::default())).await;
    let app = TestApp::new(settings(&verify, Vec::new())).await;
    let client = app.client();
    let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
    app.mail().await;
    verify.now(Does::Answers(503, String::new()));
    for _ in 0..6 {
        client.passcode(&asked.attempt, THEIRS).await.fails(429, "too_many");
    }
    verify.now(twilio(Arc::default()));
    client.passcode(&asked.attempt, THEIRS).await.done();
}

/// While the vendor is away nobody's identifier is answered as somebody's, at sign-in and recovery; no guess is lost.
#[tokio::test]
async fn a_vendor_that_cannot_be_asked_tells_of_nobody_that_they_have_an_account() {
    let verify = Vendor::start(twilio(Arc::default())).await;
    let change = |settings: &mut Settings| {
        self::settings(&verify, Vec::new())(settings);
        unlimited(settings, &["recovery", "attempt", "failures", "confirm"]);
    };
    for app in TestApp::each(change).await {
        let client = app.client();
        let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
        app.mail().await;
        client.passcode(&asked.attempt, THEIRS).await.done();
        for door in ["/v1/signin", "/v1/recovery"] {
            let mut seen = Vec::new();
            for number in [NUMBER, "+12025550199"] {
                app.pass(120 * SECOND);
                let client = app.client();
                let attempt = client.post(door, json!({ "phone": number })).await.asks().attempt;
                app.mail().await;
                let mut answers = Vec::new();
                for does in [Does::Cuts, Does::Answers(503, "{}".into()), Does::Answers(401, "{}".into())] {
                    verify.now(does);
                    for _ in 0..6 {
                        let answer = client.passcode(&attempt, "111111").await;
                        assert_eq!(answer.status, 429, "{door} {number}: {answer:?}");
                        answers.push((
                            answer.status,
                            answer.header("retry-after").map(str::to_owned),
                            answer.json(),
                        ));
                    }
                }
                verify.now(twilio(Arc::default()));
                for _ in 0..5 {
                    let answer = client.passcode(&attempt, "111111").await.wrong();
                    answers.push((answer.status, None, answer.json()));
                }
                seen.push(answers);
            }
            assert_eq!(seen[0], seen[1], "{door}, {}", app.database());
        }
        verify.bodies();
    }
}

/// Also while the vendor is still away.
#[tokio::test]
async fn where_a_carrier_takes_over_our_code_passes_and_the_vendors_does_not() {
    for is_back in [true, false] {
        let verify = Vendor::start(Does::Cuts).await;
        let other = Vendor::start(Does::Answers(200, "{}".into())).await;
        let app = TestApp::new(settings(&verify, vec![carrier("other", &other, "")])).await;
        let client = app.client();
        let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
        app.mail().await;
        if is_back {
            verify.now(twilio(Arc::default()));
        }
        let ours = other.bodies()[0].split(' ').next().unwrap().to_owned();
        client.passcode(&asked.attempt, THEIRS).await.wrong();
        client.passcode(&asked.attempt, &ours).await.done();
    }
}

#[tokio::test]
async fn a_resend_by_a_carrier_ends_the_vendors_code() {
    let verify = Vendor::start(twilio(Arc::default())).await;
    let other = Vendor::start(Does::Answers(200, "{}".into())).await;
    let app = TestApp::new(settings(&verify, vec![carrier("other", &other, "")])).await;
    let client = app.client();
    let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
    app.mail().await;
    app.pass(61 * SECOND);
    verify.now(Does::Answers(500, String::new()));
    client.post(&format!("/v1/attempts/{}/send", asked.attempt), json!({})).await.asks();
    app.mail().await;
    verify.now(twilio(Arc::default()));
    let ours = other.bodies()[0].split(' ').next().unwrap().to_owned();
    client.passcode(&asked.attempt, THEIRS).await.wrong();
    client.passcode(&asked.attempt, &ours).await.done();
}

#[tokio::test]
async fn a_notice_never_goes_to_a_vendor_that_only_sends_codes() {
    let verify = Vendor::start(twilio(Arc::default())).await;
    let app = TestApp::new(settings(&verify, Vec::new())).await;
    let client = app.client();
    let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
    app.mail().await;
    client.passcode(&asked.attempt, THEIRS).await.done();
    verify.bodies();
    // Somebody signs up with the number again: its owner would be told.
    app.pass(120 * SECOND);
    app.client().signup(json!({ "phone": NUMBER })).await.asks();
    app.mail().await;
    assert!(verify.bodies().is_empty());
}

#[tokio::test]
async fn a_verification_that_is_over_at_the_vendor_does_not_tell_that_the_number_is_somebodys() {
    let verify = Vendor::start(twilio(Arc::default())).await;
    let app = TestApp::new(settings(&verify, Vec::new())).await;
    let client = app.client();
    let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
    app.mail().await;
    client.passcode(&asked.attempt, THEIRS).await.done();
    app.pass(120 * SECOND);
    let mut answers = Vec::new();
    for number in [NUMBER, "+12025550199"] {
        // Two attempts share one verification at the vendor, and its guesses.
        let (one, two) = (app.client(), app.client());
        let first = one.signin(json!({ "phone": number })).await.asks().attempt;
        let second = two.signin(json!({ "phone": number })).await.asks().attempt;
        app.mail().await;
        let mut seen = Vec::new();
        for n in 0..8 {
            let (client, attempt) = if n < 4 { (&one, &first) } else { (&two, &second) };
            let answer = client.passcode(attempt, "111111").await;
            seen.push((answer.status, answer.json()["code"].clone(), answer.json()["attempts_left"].clone()));
        }
        answers.push(seen);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_hundred_guesses_at_once_over_two_instances_ask_the_vendor_five_times() {
    let checks = Arc::new(Mutex::new(0));
    let verify = Vendor::start(twilio(checks.clone())).await;
    for app in TestApp::each(settings(&verify, Vec::new())).await {
        let other = app.again().await;
        let client = app.client();
        let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
        app.mail().await;
        verify.bodies();
        let doors: Vec<_> = (0..100)
            .map(|n| Client::new(if n % 2 == 0 { &app.base } else { &other.base }, format!("10.77.{n}.7")))
            .collect();
        let guesses = doors.iter().map(|door| door.passcode(&asked.attempt, "111111"));
        futures_util::future::join_all(guesses).await;
        assert!(typed(&verify) <= 5, "{}", app.database());
    }
}

#[tokio::test]
async fn the_right_code_typed_twice_at_once_passes_once_whatever_the_order() {
    let verify = Vendor::start(twilio(Arc::default())).await;
    for app in TestApp::each(settings(&verify, Vec::new())).await {
        let other = app.again().await;
        let client = app.client();
        let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
        app.mail().await;
        let approved = Arc::new(Mutex::new(false));
        verify.now(Does::Thinks(Arc::new(move |_, _| {
            let mut approved = approved.lock().unwrap();
            if std::mem::replace(&mut *approved, true) {
                return (404, json!({ "code": 20404 }).to_string());
            }
            (200, json!({ "sid": "VE00000000000000000000000000000001", "status": "approved" }).to_string())
        })));
        let two = Client::new(&other.base, "10.78.1.7".to_owned());
        let (a, b) =
            tokio::join!(client.passcode(&asked.attempt, THEIRS), two.passcode(&asked.attempt, THEIRS));
        let passed = [a.status, b.status].iter().filter(|status| **status == 200).count();
        assert_eq!(passed, 1, "{}: {a:?} {b:?}", app.database());
        verify.now(twilio(Arc::default()));
    }
}

/// Adds a second number, proven by the vendor's code, and signs in by it.
async fn by_second(app: &TestApp, ada: &Client) -> Client {
    let second = "+12025550124";
    let added = ada.add(json!({ "kind": "phone", "phone": second })).await.is(201).json();
    app.mail().await;
    ada.confirm(added["id"].as_str().unwrap(), THEIRS).await.is(200);
    let client = app.client();
    let asked = client.signin(json!({ "phone": second })).await.asks();
    app.mail().await;
    let done = client.passcode(&asked.attempt, THEIRS).await.done();
    client.bearing(&done.access)
}

#[tokio::test]
async fn a_phone_is_removed_by_its_own_code_where_the_vendor_has_that() {
    let verify = Vendor::start(twilio(Arc::default())).await;
    for app in TestApp::each(settings(&verify, Vec::new())).await {
        let client = app.client();
        let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
        app.mail().await;
        let ada = client.bearing(&client.passcode(&asked.attempt, THEIRS).await.done().access);
        let devices = ada.get("/v1/me/devices").await.is(200).json();
        let first = format!("/v1/me/devices/{}", devices[0]["id"].as_str().unwrap());
        app.pass(120 * SECOND);
        let ada = by_second(&app, &ada).await;
        let removes = async |body: Value| ada.raw("DELETE", &first, Some(&body.to_string())).await;
        removes(json!({})).await.fails(403, "proof_required");
        ada.post(&format!("{first}/send"), json!({})).await.is(204);
        app.mail().await;
        removes(json!({ "passcode": "111111" })).await.wrong();
        removes(json!({ "passcode": THEIRS })).await.is(204);
        let left = ada.get("/v1/me/devices").await.is(200).json();
        assert_eq!(left.as_array().unwrap().len(), 1, "{}: {left}", app.database());
        verify.bodies();
    }
}

#[tokio::test]
async fn a_code_for_nobody_takes_as_long_as_one_that_the_vendor_checks() {
    const TIME: Duration = Duration::from_millis(300);
    let Does::Thinks(quick) = twilio(Arc::default()) else { unreachable!() };
    let slow = Does::Thinks(Arc::new(move |line, body| {
        if line.contains("/VerificationCheck") {
            std::thread::sleep(TIME);
        }
        quick(line, body)
    }));
    let verify = Vendor::start(slow).await;
    let app = TestApp::new(settings(&verify, Vec::new())).await;
    let client = app.client();
    let asked = client.signup(json!({ "phone": NUMBER })).await.asks();
    app.mail().await;
    client.passcode(&asked.attempt, THEIRS).await.done();
    let nobody = app.client();
    let asked = nobody.signin(json!({ "phone": "+12025550199" })).await.asks();
    app.mail().await;
    let began = Instant::now();
    nobody.passcode(&asked.attempt, "111111").await.wrong();
    assert!(began.elapsed() >= TIME, "{:?}", began.elapsed());
}
