//! AWS Signature Version 4, as a header ("Create a signed AWS API request" in the IAM user guide).
//!
//! For calls without a query and with a plain path, which are all that we make.

use aws_lc_rs::{digest, hmac};
use data_encoding::HEXLOWER;

use crate::base::{Millis, Sensitive};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Whose call it is.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// The id of the access key, such as `AKIA…`.
    pub id: String,
    /// The access key itself.
    pub secret: Sensitive,
    /// What goes with a key that is lent for some hours.
    pub token: Option<Sensitive>,
}

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub method: &'a str,
    /// Host, with the port where it is not the usual one.
    pub host: &'a str,
    /// The path, with nothing to escape in it.
    pub path: &'a str,
    pub content_type: Option<&'a str>,
    pub body: &'a [u8],
}

/// What a signature is good for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub region: &'a str,
    pub service: &'a str,
    pub at: Millis,
}

impl Keys {
    /// The headers that make `call` one of ours, `content-type` among them; `host` goes without saying.
    pub(super) fn sign(&self, call: &Call<'_>, scope: &Scope<'_>) -> Vec<(&'static str, String)> {
        let time = scope.time();
        let mut headers = vec![("x-amz-date", time.clone())];
        headers.extend(call.content_type.map(|kind| ("content-type", kind.to_owned())));
        headers.extend(self.token.iter().map(|token| ("x-amz-security-token", token.expose().to_owned())));
        let (names, request) = call.canonical(&headers);
        let area = scope.area(&time);
        let text = format!("{ALGORITHM}\n{time}\n{area}\n{}", hash(request.as_bytes()));
        let signature = HEXLOWER.encode(mac(self.key(&area).as_ref(), &text).as_ref());
        let credential = format!("{}/{area}", self.id);
        let proof =
            format!("{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}");
        headers.push(("authorization", proof));
        headers
    }

    /// The key for one day, region and service: each part of the area is mixed in after the other.
    fn key(&self, area: &str) -> hmac::Tag {
        let secret = Sensitive::new(format!("AWS4{}", self.secret.expose()));
        let mut parts = area.split('/');
        let first = mac(secret.expose().as_bytes(), parts.next().unwrap_or_default());
        parts.fold(first, |key, part| mac(key.as_ref(), part))
    }
}

impl Call<'_> {
    /// The names of the signed headers and the request in the one form that both sides hash.
    fn canonical(&self, headers: &[(&'static str, String)]) -> (String, String) {
        let mut lines: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        lines.push(("host", self.host));
        lines.sort_unstable();
        let names = lines.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let lines: String = lines.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let Self { method, path, .. } = self;
        (names.clone(), format!("{method}\n{path}\n\n{lines}\n{names}\n{}", hash(self.body)))
    }
}

impl Scope<'_> {
    /// The moment as AWS writes it: `20150830T123600Z`.
    fn time(&self) -> String {
        let at = jiff::Timestamp::from_millisecond(self.at).unwrap_or_default();
        at.strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    fn area(&self, time: &str) -> String {
        let day = time.split('T').next().unwrap_or_default();
        format!("{day}/{}/{}/aws4_request", self.region, self.service)
    }
}

fn hash(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// AWS's own test suite for signers (`aws-sig-v4-test-suite`); each test has the name of its case there.
#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

    fn proof(token: Option<&str>, method: &str, content_type: Option<&str>, body: &str) -> String {
        let keys = Keys {
            id: "AKIDEXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            token: token.map(Sensitive::new),
        };
        let host = "example.amazonaws.com";
        let call = Call { method, host, path: "/", content_type, body: body.as_bytes() };
        let scope = Scope { region: "us-east-1", service: "service", at: 1_440_938_160_000 };
        keys.sign(&call, &scope).pop().unwrap().1
    }

    fn expected(names: &str, signature: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders={names}, Signature={signature}"
        )
    }

    #[test]
    fn get_vanilla() {
        let signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        assert_eq!(proof(None, "GET", None, ""), expected("host;x-amz-date", signature));
    }

    #[test]
    fn post_vanilla() {
        let signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        assert_eq!(proof(None, "POST", None, ""), expected("host;x-amz-date", signature));
    }

    #[test]
    fn post_x_www_form_urlencoded() {
        let found = proof(None, "POST", Some("application/x-www-form-urlencoded"), "Param1=value1");
        let signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
        assert_eq!(found, expected("content-type;host;x-amz-date", signature));
    }

    #[test]
    fn post_sts_header_before() {
        let signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead";
        let names = "host;x-amz-date;x-amz-security-token";
        assert_eq!(proof(Some(TOKEN), "POST", None, ""), expected(names, signature));
    }
}
