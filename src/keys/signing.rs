//! One signing key: made, sealed, opened.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm as Jwa, DecodingKey, EncodingKey};

use super::KeyError;
use crate::base::Millis;
use crate::base::seal::Sealer;
use crate::store::signing_keys::SigningKey;

/// How access tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Its name in a JWT's header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    fn jwa(self) -> Jwa {
        match self {
            Self::Es256 => Jwa::ES256,
            Self::EdDsa => Jwa::EdDSA,
        }
    }
}

/// A key that is ready to sign and verify.
#[derive(Clone)]
pub struct LoadedKey {
    /// Its thumbprint (RFC 7638).
    pub kid: String,
    /// The one algorithm that it is for.
    pub algorithm: Jwa,
    pair: Arc<Pair>,
    /// Verifies.
    pub decoding: Arc<DecodingKey>,
    /// The public half.
    pub jwk: serde_json::Value,
    /// When it was made.
    pub created_at: Millis,
    /// From when on it signs.
    pub active_at: Millis,
    /// When it leaves the JWKS.
    pub retired_at: Option<Millis>,
}

/// The private half, parsed once: reading and checking it costs more than signing does.
enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// Makes a key pair and seals its private half.
pub(super) fn make(
    algorithm: Algorithm,
    sealer: &Sealer,
    now: Millis,
    active_at: Millis,
) -> Result<SigningKey, KeyError> {
    let pkcs8 = private(algorithm)?;
    let encoding = encoding(algorithm.name(), &pkcs8).ok_or(KeyError::NotMade)?;
    let mut jwk = Jwk::from_encoding_key(&encoding, algorithm.jwa()).map_err(|_| KeyError::NotMade)?;
    let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| KeyError::NotMade)?;
    jwk.common.key_id = Some(kid.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    let public_jwk = serde_json::to_string(&jwk).map_err(|_| KeyError::NotMade)?;
    let private_key = sealer.seal(&place(&kid), &pkcs8);
    let algorithm = algorithm.name().to_owned();
    Ok(SigningKey {
        id: kid,
        algorithm,
        private_key,
        public_jwk,
        created_at: now,
        active_at,
        retired_at: None,
    })
}

fn private(algorithm: Algorithm) -> Result<Vec<u8>, KeyError> {
    let document = match algorithm {
        Algorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .and_then(|pair| pair.to_pkcs8v1())
            .map_err(|_| KeyError::NotMade)?,
        Algorithm::EdDsa => {
            Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1()).map_err(|_| KeyError::NotMade)?
        }
    };
    Ok(document.as_ref().to_vec())
}

impl LoadedKey {
    /// Opens a stored key.
    pub(super) fn open(row: &SigningKey, sealer: &Sealer) -> Result<Self, KeyError> {
        let damaged = || KeyError::Damaged(row.id.clone());
        let pkcs8 = sealer.open(&place(&row.id), &row.private_key)?;
        let (algorithm, pair, decoding) = pair(&row.algorithm, &pkcs8).ok_or_else(damaged)?;
        Ok(Self {
            kid: row.id.clone(),
            algorithm,
            pair: Arc::new(pair),
            decoding: Arc::new(decoding),
            jwk: serde_json::from_str(&row.public_jwk).map_err(|_| damaged())?,
            created_at: row.created_at,
            active_at: row.active_at,
            retired_at: row.retired_at,
        })
    }

    /// The signature of `message`, as a JWS carries it (RFC 7518, RFC 8037); `None` where the library fails.
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signature = match &*self.pair {
            Pair::Es256(pair) => pair.sign(&SystemRandom::new(), message).ok()?,
            Pair::EdDsa(pair) => pair.try_sign(message).ok()?,
        };
        Some(signature.as_ref().to_vec())
    }
}

fn encoding(algorithm: &str, pkcs8: &[u8]) -> Option<EncodingKey> {
    match algorithm {
        "ES256" => Some(EncodingKey::from_ec_der(pkcs8)),
        "EdDSA" => Some(EncodingKey::from_ed_der(pkcs8)),
        _ => None,
    }
}

fn pair(algorithm: &str, pkcs8: &[u8]) -> Option<(Jwa, Pair, DecodingKey)> {
    match algorithm {
        "ES256" => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?;
            let decoding = DecodingKey::from_ec_der(pair.public_key().as_ref());
            Some((Jwa::ES256, Pair::Es256(pair), decoding))
        }
        "EdDSA" => {
            let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
            let decoding = DecodingKey::from_ed_der(pair.public_key().as_ref());
            Some((Jwa::EdDSA, Pair::EdDsa(pair), decoding))
        }
        _ => None,
    }
}

fn place(kid: &str) -> String {
    format!("signing_keys/{kid}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_either_kind_of_key_signs_is_verified_by_its_public_half() {
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let sealer = Sealer::new(&[7; 32]);
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
            let key = LoadedKey::open(&make(algorithm, &sealer, 0, 0).unwrap(), &sealer).unwrap();
            let text =
                |bytes| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes);
            let signature = text(key.sign(b"a.b").unwrap());
            let verified = |message: &[u8]| {
                jsonwebtoken::crypto::verify(&signature, message, &key.decoding, key.algorithm).unwrap()
            };
            assert!(verified(b"a.b") && !verified(b"a.c"), "{algorithm:?}");
        }
    }
}
