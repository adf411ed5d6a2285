//! Access tokens (RFC 9068) and proofs of possession, signed; verified strictly (RFC 8725, R74–R76).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Header, Validation};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::base::Millis;
use crate::keys::KeyRing;

/// The `typ` of an access token.
pub const ACCESS: &str = "at+jwt";
/// The `typ` of a proof that somebody holds a number or an address.
pub const PROOF: &str = "verification+jwt";
/// Longer texts are no token of ours.
const LONGEST: usize = 8192;

/// The claims of an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The installation's issuer.
    pub iss: String,
    /// Whom the token is for.
    pub aud: String,
    /// The user's id.
    pub sub: String,
    /// When it ends, in seconds since the epoch.
    pub exp: i64,
    /// When it was made, in seconds since the epoch.
    pub iat: i64,
    /// Its own id.
    pub jti: String,
    /// The session's id.
    pub sid: String,
    /// The level of the authentication.
    pub acr: String,
    /// The factors that were passed (RFC 8176).
    pub amr: Vec<String>,
    /// When the user last proved who they are, in seconds since the epoch.
    pub auth_time: i64,
    /// Not before, in seconds since the epoch; ours do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// What the installation adds: groups, fields of the profile, what a hook says. None is called as one above.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// The claims of a proof that somebody holds a number or an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The installation's issuer.
    pub iss: String,
    /// When it ends, in seconds since the epoch.
    pub exp: i64,
    /// When it was made, in seconds since the epoch.
    pub iat: i64,
    /// Its own id.
    pub jti: String,
    /// The number or address in its canonical form.
    pub to: String,
    /// How it was reached.
    pub channel: String,
    /// When it was proven, in seconds since the epoch.
    pub verified_at: i64,
}

/// A token that is not ours, not whole, or over.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is not valid")]
pub struct Invalid;

/// Signs `claims` with the key that signs now.
///
/// # Errors
/// [`Invalid`] where there is no key, which start-up rules out.
pub fn sign(keys: &KeyRing, typ: &str, claims: &impl Serialize) -> Result<String, Invalid> {
    let key = keys.signer().ok_or(Invalid)?;
    let mut header = Header::new(key.algorithm);
    header.kid = Some(key.kid.clone());
    header.typ = Some(typ.to_owned());
    let message = format!("{}.{}", part(&header)?, part(claims)?);
    let signature = key.sign(message.as_bytes()).ok_or(Invalid)?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// One part of a token (RFC 7515).
fn part(value: &impl Serialize) -> Result<String, Invalid> {
    serde_json::to_vec(value).map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|_| Invalid)
}

/// Verifies an access token: signature, type, issuer, audience and time.
pub fn verify(keys: &KeyRing, token: &str, iss: &str, aud: &str, now: Millis) -> Result<Access, Invalid> {
    let claims: Access = open(keys, token, ACCESS)?;
    let seconds = now.div_euclid(1_000);
    let begun = claims.iat <= seconds + 60 && claims.nbf.is_none_or(|nbf| nbf <= seconds);
    let sound = claims.iss == iss && claims.aud == aud && claims.exp > seconds && begun;
    if sound { Ok(claims) } else { Err(Invalid) }
}

/// Checks signature and type, and gives the claims. The header may hold `alg`, `kid` and `typ`, nothing else.
fn open<T: DeserializeOwned>(keys: &KeyRing, token: &str, typ: &str) -> Result<T, Invalid> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        alg: String,
        kid: String,
        typ: String,
    }
    let header = token.split('.').next().filter(|_| token.len() <= LONGEST).ok_or(Invalid)?;
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Invalid)?;
    let header: Strict = serde_json::from_slice(&header).map_err(|_| Invalid)?;
    let key = keys.find(&header.kid).ok_or(Invalid)?;
    if header.typ != typ || format!("{:?}", key.algorithm) != header.alg {
        return Err(Invalid);
    }
    let mut rules = Validation::new(key.algorithm);
    // Time, issuer and audience are compared by the caller, against the clock that was handed in.
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    jsonwebtoken::decode(token, &key.decoding, &rules).map(|data| data.claims).map_err(|_| Invalid)
}
