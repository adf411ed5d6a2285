//! Twilio, as far as it is a vendor that reports what became of a text.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use multauth::store::deliveries::{self, Delivery};
use serde_json::json;

use super::app::TestApp;
use super::vendor::{Does, Vendor};

/// Where a text goes.
pub const NUMBER: &str = "+12025550123";
const ACCOUNT: &str = "AC00000000000000000000000000000001";
/// What a text is called there.
pub const SID: &str = "SM00000000000000000000000000000001";
/// What reports are signed with.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Twilio that takes every text under that name.
pub async fn takes(sid: &str) -> Vendor {
    Vendor::start(Does::Answers(201, json!({ "sid": sid, "status": "queued" }).to_string())).await
}

/// An account there that has 30 seconds to report a delivery.
pub fn twilio_at(name: &str, vendor: &Vendor) -> toml::Table {
    let text = format!(
        "it = {{ kind = \"twilio\", name = \"{name}\", account_sid = \"{ACCOUNT}\", auth_token = \"{TOKEN}\", \
         from = \"+12025550100\", url = \"{}\", receipt_within = \"30s\" }}",
        vendor.url
    );
    toml::from_str::<toml::Table>(&text).unwrap()["it"].as_table().unwrap().clone()
}

/// The message that was queued last.
pub async fn last(app: &TestApp) -> Delivery {
    deliveries::list(&mut app.app.store.read().await.unwrap(), "", 1).await.unwrap().remove(0)
}

/// The call of the status callback of the provider at Twilio that is called so, signed with `token`.
pub async fn report_of(
    app: &TestApp,
    (provider, sid): (&str, &str),
    message: &str,
    (status, code): (&str, &str),
    token: &str,
) -> u16 {
    let path = format!("/v1/receipts/{provider}?message={message}");
    let fields =
        [("AccountSid", ACCOUNT), ("ErrorCode", code), ("MessageSid", sid), ("MessageStatus", status)];
    let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let mut signed = format!("http://localhost:8080{path}");
    fields.iter().for_each(|(name, value)| signed.extend([*name, *value]));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
    let body = fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let call = http.post(format!("{}{path}", app.base)).header("x-twilio-signature", signature);
    let call = call.header("content-type", "application/x-www-form-urlencoded").body(body);
    call.send().await.unwrap().status().as_u16()
}
