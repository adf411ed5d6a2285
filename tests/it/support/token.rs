//! Tokens as an application reads them: verified by the published keys alone, and the codes of an
//! authenticator as its app computes them.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use multauth::base::Millis;
use multauth::base::clock::SECOND;
use serde_json::Value;

use super::app::TestApp;

/// The claims of an access token that the published keys vouch for.
pub async fn claims(app: &TestApp, token: &str) -> Value {
    let published = app.client().get("/.well-known/jwks.json").await.is(200);
    let keys: JwkSet = serde_json::from_str(&published.text).unwrap();
    let header = decode_header(token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    let key = keys.find(header.kid.as_deref().unwrap()).expect("the key is published");
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&["http://localhost:8080"]);
    validation.set_issuer(&["http://localhost:8080"]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // The test's time is not the machine's: `exp` is looked at below.
    validation.validate_exp = false;
    let claims = decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap().claims;
    assert!(claims["exp"].as_i64().unwrap() * SECOND > app.clock.now(), "{claims}");
    claims
}

/// The code that an authenticator with that seed (base 32) shows at `at`.
pub fn totp(seed: &str, at: Millis) -> String {
    let seed = data_encoding::BASE32_NOPAD.decode(seed.as_bytes()).unwrap();
    let totp = totp_rs::Builder::new().with_secret(seed).build_noncompliant();
    totp.generate(u64::try_from(at / SECOND).unwrap()).to_string()
}
