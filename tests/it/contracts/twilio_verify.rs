//! `twilio-verify` against Twilio's own document of its Verify API.

use multauth::messages::{Channel, Kind};
use multauth::providers::{Outcome, Verdict};

use serde_json::json;

use super::{message, provider, status, table};
use crate::support::app::TestApp;
use crate::support::beds;

const AC: &str = "AC00000000000000000000000000000001";
const VA: &str = "VA00000000000000000000000000000002";
const VE: &str = "VE00000000000000000000000000000003";

fn settings(url: &str) -> String {
    format!(
        "{{ kind = \"twilio-verify\", url = \"{url}\", account_sid = \"{AC}\", auth_token = \"s3cret\", \
         service = \"{VA}\", friendly_name = \"Acmé\", locale = \"pl\" }}"
    )
}

#[tokio::test]
async fn a_verification_is_as_twilio_describes_it_from_start_to_end() {
    let Some(url) = beds::variable("TWILIO_VERIFY") else { return };
    let provider = provider(Channel::ALL, &settings(&url));
    for channel in Channel::ALL {
        let to = if *channel == Channel::Email { "a@example.org" } else { "+48123456767" };
        let outcome = provider.send(&message("6d3c-41", Kind::SigninCode, *channel, to)).await;
        let Outcome::Delivered { reference: Some(reference) } = outcome else {
            panic!("{channel}: {outcome:?}")
        };
        // The document's own examples: a check is approved, a look finds it open.
        let verifier = provider.verifier().unwrap();
        assert_eq!(verifier.check(&reference, &"305118".into()).await, Verdict::Right);
        assert_eq!(verifier.status(&reference).await, Verdict::Pending);
        assert_eq!(verifier.cancel(&reference).await, Ok(()));
    }
}

#[tokio::test]
async fn a_request_that_is_not_so_is_refused() {
    let Some(url) = beds::variable("TWILIO_VERIFY") else { return };
    let service = format!("{url}/v2/Services/{VA}");
    let start = format!("{service}/Verifications");
    let good = [("To", "+48123456767"), ("Channel", "sms")];
    assert_eq!(status(&start, Some(AC), &good).await, 201);
    assert_eq!(status(&start, Some(AC), &good[..1]).await, 422, "no channel");
    assert_eq!(status(&start, Some(AC), &good[1..]).await, 422, "no recipient");
    assert_eq!(status(&start, None, &good).await, 401, "no login");
    assert_eq!(status(&start.replace(VA, "VA1"), Some(AC), &good).await, 422, "no service");
    let check = format!("{service}/VerificationCheck");
    let unnamed = [("Code", "305118"), ("VerificationSid", "VE1")];
    assert_eq!(status(&check, Some(AC), &unnamed).await, 422, "no verification");
    assert_eq!(status(&format!("{start}/{VE}"), Some(AC), &[("Status", "over")]).await, 422);
}

#[tokio::test]
async fn a_sign_up_is_completed_by_twilios_word() {
    let Some(url) = beds::variable("TWILIO_VERIFY") else { return };
    let app = TestApp::new(|to| to.phone.providers = vec![table(&settings(&url))]).await;
    let client = app.client();
    let asked = client.signup(json!({ "phone": "+12025550123", "hardcode": "4711-0815" })).await.asks();
    let ours = app.code().await.code.unwrap();
    // A code that we never made: the mock approves every one.
    let other = if ours == "305118" { "305119" } else { "305118" };
    client.answer(&asked.attempt, json!({ "passcode": other })).await.done();
}
