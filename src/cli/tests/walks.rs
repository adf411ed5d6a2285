//! `flows` and `simulate`.

use super::{NUMBERED, Site};
use crate::cli::{flows, instance, simulate};
use crate::extensions::Extensions;
use crate::flows::Flows;
use crate::settings::Settings;

#[test]
fn flows_are_explained() {
    let found = flows::Explained::of(&Settings::built_in(), &Extensions::default()).unwrap();
    let text = found.text(&[]);
    assert!(text.contains("username+password\n  The user is named by: username."), "{text}");
    assert!(text.contains("of at least 15 characters"), "{text}");
    assert!(text.contains("RECOVERY") && text.contains("email+passcode"), "{text}");
    assert_eq!(found.json()["flows"].as_array().unwrap().len(), 3);
    assert_eq!(found.json()["flows"][2]["level"], "single");
}

async fn simulated(more: &str, name: &str) -> String {
    let site = Site::new(more);
    let settings = site.settings();
    let flows: Flows = instance::understand(&settings, &Extensions::default()).unwrap().signin;
    let flow = flows.find(name).unwrap();
    let (text, arrived) = simulate::simulate(&settings, &Extensions::default(), flow, 1).await.unwrap();
    assert!(arrived, "{text}");
    let (again, _) = simulate::simulate(&settings, &Extensions::default(), flow, 1).await.unwrap();
    assert_eq!(text, again, "chance is seeded");
    text
}

#[tokio::test]
async fn every_built_in_flow_can_be_walked() {
    let text = simulated("", "phone+hardcode+passcode").await;
    assert!(text.contains("> POST /v1/signin") && text.contains("* sms to +12025550123"), "{text}");
    let text = simulated("", "email+password+passcode").await;
    assert!(text.contains("* email to maria@example.com") && text.contains("\"passcode\": \""), "{text}");
    let text = simulated("", "username+password").await;
    assert!(!text.contains("* email"), "{text}");
}

#[tokio::test]
async fn an_authenticator_is_added_after_sign_up() {
    let flows = r#"flows = [["email", "password", "passcode:email"], ["username", "password", "passcode:authenticator"]]"#;
    let text = simulated(flows, "username+password+passcode:authenticator").await;
    assert!(text.contains("adding an authenticator app"), "{text}");
}

#[tokio::test]
async fn an_address_that_is_confirmed_later_is_confirmed() {
    let more = "flows = [[\"email\", \"passcode\"]]\n[email]\nconfirm = \"after\"";
    let text = simulated(more, "email+passcode").await;
    assert!(text.contains("confirming the address"), "{text}");
}

#[tokio::test]
async fn a_flow_by_what_the_operator_gives_is_simulated() {
    let site = Site::new(NUMBERED);
    let settings = site.settings();
    let flows: Flows = instance::understand(&settings, &Extensions::default()).unwrap().signin;
    let flow = flows.find("employee_no+password").unwrap();
    let (text, arrived) = simulate::simulate(&settings, &Extensions::default(), flow, 1).await.unwrap();
    assert!(arrived && text.contains("devices add") && text.contains("E1234"), "{text}");
}
