//! What Twilio calls back with: `X-Twilio-Signature` and the status of a message
//! (twilio.com/docs/usage/security, twilio.com/docs/messaging/guides/track-outbound-message-status).

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::{Url, form_urlencoded};

use super::is_sid;
use crate::base::Sensitive;
use crate::providers::{Callback, Fate, Receipt, Receipts, Untrusted};

/// Reads callbacks that the account's token signs.
pub(super) struct Signed(hmac::Key);

impl Signed {
    pub(super) fn new(token: Sensitive) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.expose().as_bytes()))
    }

    /// Whether `signature` is right for a call of `url` with `fields`, which are sorted.
    fn holds(&self, url: &str, fields: &[(String, String)], signature: &[u8]) -> bool {
        let mut text = url.to_owned();
        fields.iter().for_each(|(name, value)| text.extend([name.as_str(), value.as_str()]));
        hmac::verify(&self.0, text.as_bytes(), signature).is_ok()
    }
}

#[async_trait]
impl Receipts for Signed {
    async fn read(&self, callback: &Callback<'_>) -> Result<Vec<Receipt>, Untrusted> {
        let header = callback.headers.get("x-twilio-signature");
        let header = header.ok_or_else(|| Untrusted("it has no X-Twilio-Signature".into()))?;
        let signature =
            STANDARD.decode(header).map_err(|_| Untrusted("its signature is no base64".into()))?;
        let mut fields: Vec<_> = form_urlencoded::parse(callback.body).into_owned().collect();
        fields.sort();
        fields.dedup();
        if !spellings(callback.url).iter().any(|url| self.holds(url, &fields, &signature)) {
            return Err(Untrusted("its signature is wrong".into()));
        }
        let message = Url::parse(callback.url).ok().and_then(|url| {
            url.query_pairs().find(|(name, _)| name == "message").map(|(_, value)| value.into_owned())
        });
        Ok(receipt(&fields, message).into_iter().collect())
    }
}

/// The URL with its port and without: Twilio signs either, by its own account.
fn spellings(url: &str) -> Vec<String> {
    let mut all = vec![url.to_owned()];
    if let Ok(parsed) = Url::parse(url)
        && let Some(host) = parsed.host_str()
        && let Some((scheme, rest)) = url.split_once("://")
    {
        let path = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
        all.push(format!("{scheme}://{host}{path}"));
        let port = parsed.port_or_known_default().unwrap_or(443);
        all.push(format!("{scheme}://{host}:{port}{path}"));
    }
    all
}

/// The receipt in a callback; nothing in one that is about something else.
fn receipt(fields: &[(String, String)], message: Option<String>) -> Option<Receipt> {
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let reference = field("MessageSid").filter(|sid| is_sid("SM", sid) || is_sid("MM", sid))?;
    let code = field("ErrorCode")
        .filter(|code| (1..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()));
    Some(Receipt {
        message,
        reference: Some(reference.to_owned()),
        fate: fate(field("MessageStatus")?, code)?,
        code: code.map(str::to_owned),
    })
}

fn fate(status: &str, code: Option<&str>) -> Option<Fate> {
    match status {
        "accepted" | "scheduled" | "queued" | "sending" | "sent" => Some(Fate::Underway),
        "delivered" | "read" => Some(Fate::Delivered),
        "undelivered" | "failed" | "canceled" => Some(failure(code)),
        _ => None,
    }
}

/// A handset that is switched off (30003), a filter (30007), a recipient that WhatsApp does not know (63024) and all
/// that Twilio cannot explain (30008) may end otherwise by another way.
fn failure(code: Option<&str>) -> Fate {
    match code {
        // Unknown or no longer in service; a landline; opted out; invalid; not mobile.
        Some("30005" | "30006" | "21610" | "21211" | "21614" | "21635") => Fate::Unreachable,
        _ => Fate::Failed,
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderMap;

    use super::*;

    const SID: &str = "SM11111111111111111111111111111111";
    const URL: &str = "https://id.example.com/v1/receipts/it?message=6d3c-1";

    async fn read(url: &str, body: &str, signature: Option<&str>) -> Result<Vec<Receipt>, Untrusted> {
        let mut headers = HeaderMap::new();
        if let Some(signature) = signature {
            headers.insert("x-twilio-signature", signature.parse().unwrap());
        }
        let callback = Callback { url, headers: &headers, body: body.as_bytes(), now: 0 };
        Signed::new("12345".into()).read(&callback).await
    }

    fn delivered() -> String {
        format!(
            "MessageSid={SID}&MessageStatus=delivered&To=%2B48123456767&AccountSid=AC00000000000000000000000000000000"
        )
    }

    // The three signatures were computed by `RequestValidator` of Twilio's own package for Python, 9.13.
    const FIRST: &str = "PKrxGbDDX3e6RxwCFOK/onkwXx4=";

    #[tokio::test]
    async fn twilios_own_signatures_are_believed() {
        let found = read(URL, &delivered(), Some(FIRST)).await.unwrap();
        let expected = Receipt {
            message: Some("6d3c-1".into()),
            reference: Some(SID.into()),
            fate: Fate::Delivered,
            code: None,
        };
        assert_eq!(found, [expected]);

        let url = "https://id.example.com:8443/v1/receipts/it?message=6d3c-1";
        let body = format!(
            "ErrorCode=30005&To=whatsapp%3A%2B48123456767&MessageStatus=undelivered&MessageSid={SID}"
        );
        let found = read(url, &body, Some("YkH27XiUtoQ7kKAJmUoyxiJhlcQ=")).await.unwrap();
        assert_eq!((found[0].fate, found[0].code.as_deref()), (Fate::Unreachable, Some("30005")));

        let sid = "SM22222222222222222222222222222222";
        let body = format!(
            "SmsSid={sid}&MessageSid={sid}&MessageStatus=sent&%C5%81%C4%85ka=za%C5%BC%C3%B3%C5%82%C4%87+%26+g%C4%99%C5%9Bl%C4%85&Empty="
        );
        let url = "https://id.example.com/v1/receipts/it";
        let found = read(url, &body, Some("7SZqpmW4RjbOobHVmiiilnzzHLg=")).await.unwrap();
        assert_eq!((found[0].fate, &found[0].message), (Fate::Underway, &None));
    }

    #[tokio::test]
    async fn nothing_else_is_believed() {
        let delivered = delivered();
        let other_body = delivered.replace("delivered", "failed");
        let other_url = URL.replace("6d3c-1", "6d3c-2");
        for (url, body, signature) in [
            (URL, delivered.as_str(), None),
            (URL, &delivered, Some("")),
            (URL, &delivered, Some("not base64")),
            (URL, &delivered, Some("PKrxGbDDX3e6RxwCFOK/onkwXx0=")),
            (URL, &delivered, Some(&FIRST[..16])),
            (URL, &other_body, Some(FIRST)),
            (&other_url, &delivered, Some(FIRST)),
            ("https://evil.example.com/v1/receipts/it?message=6d3c-1", &delivered, Some(FIRST)),
        ] {
            assert!(read(url, body, signature).await.is_err(), "{url} {body} {signature:?}");
        }
    }

    #[test]
    fn a_port_may_be_said_or_not() {
        let all = spellings("https://id.example.com/x?a=%2B1");
        assert!(all.contains(&"https://id.example.com:443/x?a=%2B1".to_owned()), "{all:?}");
        let all = spellings("https://id.example.com:8443/x");
        assert!(all.contains(&"https://id.example.com/x".to_owned()), "{all:?}");
    }

    #[test]
    fn every_status_has_its_fate() {
        for status in ["accepted", "scheduled", "queued", "sending", "sent"] {
            assert_eq!(fate(status, None), Some(Fate::Underway), "{status}");
        }
        for status in ["delivered", "read"] {
            assert_eq!(fate(status, None), Some(Fate::Delivered), "{status}");
        }
        for status in ["undelivered", "failed", "canceled"] {
            for code in [None, Some("30003"), Some("30004"), Some("30007"), Some("30008"), Some("63016")] {
                assert_eq!(fate(status, code), Some(Fate::Failed), "{status} {code:?}");
            }
            for code in ["30005", "30006", "21610", "21211", "21614", "21635"] {
                assert_eq!(fate(status, Some(code)), Some(Fate::Unreachable), "{status} {code}");
            }
        }
        assert_eq!(fate("received", None), None);
        assert!(receipt(&[("MessageStatus".into(), "sent".into())], None).is_none(), "it names no message");
    }
}
