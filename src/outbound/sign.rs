//! Signatures by the Standard Webhooks scheme, version 1: HMAC-SHA-256 over id, time and body
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::base::Sensitive;

/// What a secret looks like, for whoever has none.
pub(crate) const ADVICE: &str = "make one with: echo \"whsec_$(openssl rand -base64 32)\"";

/// Signs calls with one secret, or with each of several while receivers change from one to the next.
#[derive(Clone)]
pub struct Signer(Vec<hmac::Key>);

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} secrets)", self.0.len())
    }
}

impl Signer {
    /// Reads `whsec_` and the base64 of 24 to 64 bytes; several with spaces between.
    ///
    /// # Errors
    /// In plain words, without the secret.
    pub fn read(text: &Sensitive) -> Result<Self, String> {
        let keys: Result<Vec<_>, String> = text.expose().split_whitespace().map(key).collect();
        match keys? {
            keys if keys.is_empty() => Err(format!("is empty; {ADVICE}")),
            keys => Ok(Self(keys)),
        }
    }

    /// The header `webhook-signature` of a call: `v1,` and the base64 of the HMAC, one for each secret.
    pub fn sign(&self, id: &str, at: i64, body: &str) -> String {
        let signed = format!("{id}.{at}.{body}");
        let one = |key| format!("v1,{}", STANDARD.encode(hmac::sign(key, signed.as_bytes())));
        self.0.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

fn key(text: &str) -> Result<hmac::Key, String> {
    let bytes = text.strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
    let bytes = bytes.ok_or_else(|| format!("must be \"whsec_\" and base64; {ADVICE}"))?;
    if (24..=64).contains(&bytes.len()) {
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    } else {
        Err(format!("must hold 24 to 64 bytes, not {}; {ADVICE}", bytes.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn a_signature_is_the_one_of_the_scheme() {
        let signer = Signer::read(&"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()).unwrap();
        let signature = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_secret_of_a_rotation_signs() {
        let one = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let both =
            Signer::read(&Sensitive::new(format!("whsec_{} {one}", STANDARD.encode([7; 32])))).unwrap();
        let signatures = both.sign("a", 1, "{}");
        let alone = Signer::read(&one.into()).unwrap().sign("a", 1, "{}");
        assert_eq!(signatures.split(' ').count(), 2);
        assert!(signatures.ends_with(&alone));
    }

    #[test]
    fn weak_and_broken_secrets_are_refused_without_being_quoted() {
        for text in ["", "hunter2hunter2hunter2hunter2", "whsec_", "whsec_%%%", "whsec_c2hvcnQ="] {
            let why = Signer::read(&text.into()).unwrap_err();
            assert!(why.contains("openssl") && !why.contains("hunter2"), "{why}");
        }
    }
}
