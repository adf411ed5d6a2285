//! Vonage's delivery receipts, signed with the account's signature secret
//! (developer.vonage.com/en/getting-started/concepts/signing-messages).

use async_trait::async_trait;
use aws_lc_rs::hmac;
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::base::clock::SECOND;
use crate::base::{Millis, Sensitive};
use crate::providers::{Callback, Fate, Receipt, Receipts, Untrusted};

/// For how long Vonage repeats a call that was not taken.
const REPEATS: Millis = 24 * 60 * 60 * SECOND;
/// How far its clock may be ahead of ours.
const AHEAD: Millis = 5 * 60 * SECOND;

/// How the account signs. The others that Vonage has rest on MD5 or SHA-1 and are not taken.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Method {
    #[default]
    Sha256Hmac,
    Sha512Hmac,
}

/// Reads callbacks that the account signs.
pub(super) struct Signed(hmac::Key);

type Fields = Vec<(String, String)>;

impl Signed {
    pub(super) fn new(secret: &Sensitive, method: Method) -> Self {
        let algorithm = match method {
            Method::Sha256Hmac => hmac::HMAC_SHA256,
            Method::Sha512Hmac => hmac::HMAC_SHA512,
        };
        Self(hmac::Key::new(algorithm, secret.expose().as_bytes()))
    }

    fn holds(&self, fields: &Fields, signature: &str) -> bool {
        let mut text = String::new();
        for (name, value) in fields {
            text.extend(["&", name, "=", &value.replace(['&', '='], "_")]);
        }
        let signature = HEXLOWER_PERMISSIVE.decode(signature.as_bytes());
        signature.is_ok_and(|signature| hmac::verify(&self.0, text.as_bytes(), &signature).is_ok())
    }
}

#[async_trait]
impl Receipts for Signed {
    async fn read(&self, callback: &Callback<'_>) -> Result<Vec<Receipt>, Untrusted> {
        let untrusted = |why: &str| Untrusted(why.to_owned());
        let mut fields = fields(callback).ok_or_else(|| untrusted("it has no fields that can be read"))?;
        fields.sort();
        let twice = fields.windows(2).any(|two| two[0].0 == two[1].0);
        if twice || fields.iter().any(|(name, _)| name.contains(['&', '='])) {
            return Err(untrusted("its fields can be read in two ways"));
        }
        let at = fields.iter().position(|(name, _)| name == "sig");
        let (_, signature) = at.map(|at| fields.remove(at)).ok_or_else(|| untrusted("it has no sig"))?;
        if !self.holds(&fields, &signature) {
            return Err(untrusted("its signature is wrong"));
        }
        if !is_recent(&fields, callback.now) {
            return Err(untrusted("it is too old, or does not say how old"));
        }
        Ok(receipt(&fields).into_iter().collect())
    }
}

/// The fields, from wherever the account is set to put them: the query, a form or JSON.
fn fields(callback: &Callback<'_>) -> Option<Fields> {
    if callback.body.is_empty() {
        return Some(Url::parse(callback.url).ok()?.query_pairs().into_owned().collect());
    }
    let kind = callback.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.trim_start().to_ascii_lowercase().starts_with("application/json") {
        return Some(form_urlencoded::parse(callback.body).into_owned().collect());
    }
    let object: serde_json::Map<String, Value> = serde_json::from_slice(callback.body).ok()?;
    let text = |value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    object.into_iter().map(|(name, value)| Some((name, text(value)?))).collect()
}

fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn is_recent(fields: &Fields, now: Millis) -> bool {
    let seconds = field(fields, "timestamp").and_then(|text| text.parse::<Millis>().ok());
    let at = seconds.and_then(|seconds| seconds.checked_mul(SECOND));
    at.is_some_and(|at| (now - REPEATS..=now + AHEAD).contains(&at))
}

/// The receipt in a callback; nothing in one that is about something else, such as a message to us.
fn receipt(fields: &Fields) -> Option<Receipt> {
    let plain = |text: &&str| {
        (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let code = field(fields, "err-code").filter(|code| *code != "0").filter(plain);
    Some(Receipt {
        message: field(fields, "client-ref").filter(plain).map(str::to_owned),
        reference: Some(field(fields, "messageId").filter(plain)?.to_owned()),
        fate: fate(field(fields, "status")?, code)?,
        code: code.map(str::to_owned),
    })
}

fn fate(status: &str, code: Option<&str>) -> Option<Fate> {
    match status {
        "accepted" | "buffered" => Some(Fate::Underway),
        "delivered" => Some(Fate::Delivered),
        "expired" | "failed" | "rejected" | "unknown" => Some(match code {
            // No longer active; barred by its owner; opted out; no route to it; blocked by its carrier.
            Some("3" | "4" | "9" | "12" | "14") => Fate::Unreachable,
            _ => Fate::Failed,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderMap;

    use super::*;

    const NOW: Millis = 1_772_359_200 * SECOND;
    const URL: &str = "https://id.example.com/v1/receipts/it";
    const FORM: &str = "msisdn=48123456767&to=Acme+%26+%3D+Co&messageId=0A0000001234567B&status=delivered&err-code=0&client-ref=6d3c-1&timestamp=1772359200&nonce=ec11dd3e&message-timestamp=2026-03-01+10%3A00%3A00";
    // Computed by `Auth.sign_params` of Vonage's own package for Python (vonage-http-client 1.5).
    const SHA256: &str = "74917867161f0e3f6327ff140c05ff8d33245e32cf6f04526665ae0fe9eae132";
    const SHA512: &str = "e00885bb1d0a40e6ab97d02f76c591ea6d2f53858f36e356bc2e0671a902c2d43b9af0ac619a5f12c5ab4c25669a1b784079a1e620a5af89f9e48d650a3b15f1";
    const MD5: &str = "96200f2cacf12672706de3d987dbcece";

    async fn read(method: Method, url: &str, kind: &str, body: &str, now: Millis) -> Option<Vec<Receipt>> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", kind.parse().unwrap());
        let callback = Callback { url, headers: &headers, body: body.as_bytes(), now };
        Signed::new(&"s1gnature".into(), method).read(&callback).await.ok()
    }

    async fn form(body: &str, now: Millis) -> Option<Vec<Receipt>> {
        read(Method::Sha256Hmac, URL, "application/x-www-form-urlencoded", body, now).await
    }

    fn delivered() -> Vec<Receipt> {
        let reference = Some("0A0000001234567B".into());
        vec![Receipt { message: Some("6d3c-1".into()), reference, fate: Fate::Delivered, code: None }]
    }

    #[tokio::test]
    async fn vonages_own_signatures_are_believed_wherever_the_fields_are() {
        let signed = format!("{FORM}&sig={}", SHA256.to_uppercase());
        assert_eq!(form(&signed, NOW).await, Some(delivered()));
        let signed = format!("{FORM}&sig={SHA512}");
        assert_eq!(read(Method::Sha512Hmac, URL, "text/plain", &signed, NOW).await, Some(delivered()));
        let url = format!("{URL}?{FORM}&sig={SHA256}");
        assert_eq!(read(Method::Sha256Hmac, &url, "", "", NOW).await, Some(delivered()));
        let fields = form_urlencoded::parse(FORM.as_bytes()).into_owned();
        let mut object: serde_json::Map<_, _> =
            fields.map(|(name, value)| (name, Value::String(value))).collect();
        object.insert("sig".into(), SHA256.into());
        object.insert("timestamp".into(), 1_772_359_200.into());
        let json = serde_json::to_string(&object).unwrap();
        let kind = "application/json; charset=utf-8";
        assert_eq!(read(Method::Sha256Hmac, URL, kind, &json, NOW).await, Some(delivered()));
    }

    #[tokio::test]
    async fn nothing_else_is_believed() {
        let signed = format!("{FORM}&sig={SHA256}");
        for body in [
            FORM.to_owned(),
            format!("{FORM}&sig="),
            format!("{FORM}&sig={SHA512}"),
            format!("{FORM}&sig={MD5}"),
            signed.replace("delivered", "failed"),
            signed.replace("6d3c-1", "6d3c-2"),
            format!("{signed}&status=failed"),
            format!("{signed}&more=1"),
            signed.replace("&status=delivered&err-code=0", "&err-code=0%26status=delivered"),
            signed.replace("err-code=0&client-ref=6d3c-1", "client-ref%3D6d3c-1%26err-code=0"),
            String::new(),
        ] {
            assert_eq!(form(&body, NOW).await, None, "{body}");
        }
    }

    #[tokio::test]
    async fn an_old_call_is_not_believed() {
        let signed = format!("{FORM}&sig={SHA256}");
        for (now, believed) in
            [(NOW + REPEATS, true), (NOW + REPEATS + 1, false), (NOW - AHEAD, true), (NOW - AHEAD - 1, false)]
        {
            assert_eq!(form(&signed, now).await.is_some(), believed, "{now}");
        }
    }

    #[test]
    fn every_status_has_its_fate() {
        for status in ["accepted", "buffered"] {
            assert_eq!(fate(status, None), Some(Fate::Underway), "{status}");
        }
        assert_eq!(fate("delivered", None), Some(Fate::Delivered));
        for status in ["expired", "failed", "rejected", "unknown"] {
            for code in ["3", "4", "9", "12", "14"] {
                assert_eq!(fate(status, Some(code)), Some(Fate::Unreachable), "{status} {code}");
            }
            for code in ["1", "2", "5", "6", "7", "8", "10", "11", "13", "15", "16", "50", "99"] {
                assert_eq!(fate(status, Some(code)), Some(Fate::Failed), "{status} {code}");
            }
        }
        assert_eq!(fate("submitted", None), None);
    }
}
