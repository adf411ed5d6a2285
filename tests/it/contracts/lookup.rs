//! What kind of line a number is, asked as Twilio's own document of Lookup v2 (served by Prism) has it.

use multauth::base::Sensitive;
use multauth::providers::lookup::{Line, Lookup};
use multauth::settings::Settings;
use multauth::startup;

use crate::support::beds;

fn lookup(url: &str, token: &str) -> Lookup {
    startup::choose_cryptography();
    let mut settings = Settings::built_in();
    let found = &mut settings.phone.lookup;
    (found.kind, found.url) = ("twilio".into(), url.to_owned());
    found.account_sid = format!("AC{}", "0".repeat(32));
    found.auth_token = Sensitive::new(token);
    Lookup::read(&settings).unwrap().unwrap()
}

/// The document's example knows no line of the number that it is about: what counts is that the call is one.
#[tokio::test]
async fn a_question_is_one_that_the_vendor_knows() {
    let Some(url) = beds::variable("TWILIO_LOOKUP") else { return };
    assert_eq!(lookup(&url, "token").ask("+12025550123", 0).await, Ok(Line::Unknown));
    let wrong = lookup(&format!("{url}/nowhere"), "token").ask("+12025550123", 0).await;
    assert_eq!(wrong, Err("answered 404".into()), "other paths are not answered");
}
