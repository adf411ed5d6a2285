//! `vonage` against Vonage's own document of its SMS API.

use multauth::messages::{Channel, Kind};
use multauth::providers::Outcome;

use super::{message, provider, status};
use crate::support::beds;

#[tokio::test]
async fn texts_are_as_vonage_describes_them() {
    let Some(url) = beds::variable("VONAGE") else { return };
    for more in ["", ", signature_secret = \"s1gnature\""] {
        let settings = format!(
            "{{ kind = \"vonage\", url = \"{url}\", api_key = \"abcd1234\", api_secret = \"abcdef0123456789\", \
             from = \"Acme\"{more} }}"
        );
        let provider = provider(Channel::PHONE, &settings);
        let outcome =
            provider.send(&message("6d3c-41", Kind::SigninCode, Channel::Sms, "+48123456767")).await;
        // The document's own example.
        assert_eq!(outcome, Outcome::Delivered { reference: Some("0A0000000123ABCD1".into()) });
    }
}

#[tokio::test]
async fn a_request_that_is_not_so_is_refused() {
    let Some(url) = beds::variable("VONAGE") else { return };
    let url = format!("{url}/sms/json");
    let good = [
        ("api_key", "abcd1234"),
        ("api_secret", "abcdef0123456789"),
        ("from", "Acme"),
        ("to", "48123456767"),
        ("text", "hello"),
        ("type", "unicode"),
    ];
    assert_eq!(status(&url, None, &good).await, 200);
    for (n, wrong) in [(0, ("api_key", "short")), (3, ("to", "nobody at all")), (5, ("type", "speech"))] {
        let mut form = good;
        form[n] = wrong;
        assert_eq!(status(&url, None, &form).await, 422, "{wrong:?}");
    }
    assert_eq!(status(&url, None, &good[1..]).await, 422, "no key in the body");
}
