//! Webhooks, from their settings to a replay.

use clap::Parser;

use super::{NOWHERE, Site};
use crate::cli::{Args, Failure, check, doctor};
use crate::extensions::Extensions;

/// A webhook's section; nobody listens there.
const WEBHOOK: &str = "[webhooks.crm]\nurl = \"http://127.0.0.1:9/hook?token=t0p\"\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n";

#[tokio::test]
async fn mistakes_of_webhooks_are_told_with_their_places() {
    let more = "[webhooks.Crm]\nurl = \"https://127.1/\"\nevents = [\"user.creatd\"]\ntimeout = \"2m\"\n\
                [webhooks.b]\nurl = \"https://example.com\"\nsecret = \"hunter2\"\nevents = []\n\
                [webhooks.c]\nurl = \"nowhere\"\n[outbound]\nnetworks = []";
    let text =
        Site::new(&format!("mode = \"production\"\n{more}")).run(&["check"]).await.unwrap_err().to_string();
    for line in [
        ":2: webhooks.Crm: the name must be",
        ":3: webhooks.Crm.url: names a private address",
        ":4: webhooks.Crm.events: there is no event \"user.creatd\"; did you mean `user.created`?",
        ":5: webhooks.Crm.timeout: has to be between 1s and 60s",
        ":8: webhooks.b.secret: must be \"whsec_\" and base64",
        ":9: webhooks.b.events: names no event",
        ":11: webhooks.c.url: must be a URL such as",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("hunter2"));
}

#[tokio::test]
async fn webhooks_are_checked_listed_and_examined() {
    let site = Site::new(WEBHOOK);
    let loaded =
        crate::startup::settings(Some(&site.file()), std::iter::empty(), &Extensions::default()).unwrap();
    let text = check::report(&loaded, NOWHERE).unwrap();
    assert!(text.contains("webhook    crm at http://127.0.0.1:9: *\n"), "{text}");
    assert!(text.contains("webhooks.crm.url: is not encrypted") && !text.contains("t0p"), "{text}");

    site.run(&["migrate"]).await.unwrap();
    for words in [&["webhooks", "list"][..], &["webhooks", "list", "--json"], &["webhooks", "deliveries"]] {
        site.run(words).await.unwrap();
    }
    site.run(&["webhooks", "replay", "--webhook", "crm", "--since", "2h"]).await.unwrap();
    site.run(&["webhooks", "replay", "--webhook", "crm", "--failed"]).await.unwrap();
    for wrong in [
        &["webhooks", "replay", "--webhook", "cmr", "--since", "2h"][..],
        &["webhooks", "replay", "--webhook", "crm", "--since", "soon"],
        &["webhooks", "ping", "cmr"],
    ] {
        assert!(matches!(site.run(wrong).await, Err(Failure::Argument(_))), "{wrong:?}");
    }
    assert!(site.run(&["webhooks", "replay", "none"]).await.is_err());
    let failure = site.run(&["webhooks", "ping", "crm"]).await.unwrap_err().to_string();
    assert!(failure.contains("127.0.0.1:9 cannot be reached"), "{failure}");
    for wrong in [&["replay"][..], &["replay", "--webhook", "crm"], &["replay", "--failed"]] {
        let words = ["multauth", "webhooks"].iter().chain(wrong);
        assert!(Args::try_parse_from(words).is_err(), "{wrong:?}");
    }

    let findings = doctor::examine(&site.settings(), &Extensions::default(), &|_| Ok(())).await.unwrap();
    let found = format!("{findings:?}");
    assert!(found.contains("webhook crm") && found.contains("events wait for it"), "{found}");
}
