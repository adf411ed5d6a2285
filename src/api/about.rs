//! What an instance says of itself: its flows, its keys.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::Tag;
use super::fail::Fail;
use crate::app::App;
use crate::flows;
use crate::keys::JWKS_MAX_AGE;
use crate::plan;

/// A configured flow.
#[derive(Object)]
pub struct Flow {
    /// Its name.
    name: String,
    /// The identifier that it begins with.
    identifier: String,
    /// The secrets that it asks for, in order.
    secrets: Vec<String>,
    /// The level that it surely reaches: `single`, `twostep` or `multifactor`.
    level: String,
    /// The same as `acr` of the tokens says it.
    acr: String,
    /// Whether all of it can be typed into a false page.
    phishable: bool,
    /// What it is worth, in plain words.
    explanation: Vec<String>,
}

/// The configured flows.
#[derive(Object)]
pub struct Flows {
    /// The ways to sign in.
    flows: Vec<Flow>,
    /// The ways to win an account back.
    recovery: Vec<Flow>,
}

fn listed(app: &App, flows: &flows::Flows) -> Vec<Flow> {
    let one = |flow: &flows::Flow| {
        let bounds = plan::bounds(&app.settings, flow);
        let facts = flows::facts(flow, &app.plan.words, &bounds);
        let explanation = flows::explain(flow, flows, &app.plan.words, &bounds);
        Flow {
            name: flow.name.clone(),
            identifier: flow.identifier.clone(),
            secrets: flow.secrets.iter().map(ToString::to_string).collect(),
            level: facts.level.as_str().to_owned(),
            acr: facts.level.acr().to_owned(),
            phishable: facts.phishable,
            explanation: explanation.sentences().into_iter().map(str::to_owned).collect(),
        }
    };
    flows.iter().map(one).collect()
}

/// A public key (RFC 7517).
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct PublicKey {
    /// The family: `EC` or `OKP`.
    kty: String,
    /// `sig`: it verifies signatures.
    r#use: Option<String>,
    /// The algorithm: `ES256` or `EdDSA`.
    alg: Option<String>,
    /// The key's id, `kid` in the header of what it signed.
    kid: Option<String>,
    /// The curve: `P-256` or `Ed25519`.
    crv: Option<String>,
    /// The first coordinate, in base64url.
    x: Option<String>,
    /// The second coordinate, in base64url, of an `EC` key.
    y: Option<String>,
}

impl From<&serde_json::Value> for PublicKey {
    fn from(jwk: &serde_json::Value) -> Self {
        let text = |name: &str| jwk[name].as_str().map(str::to_owned);
        Self {
            kty: text("kty").unwrap_or_default(),
            r#use: text("use"),
            alg: text("alg"),
            kid: text("kid"),
            crv: text("crv"),
            x: text("x"),
            y: text("y"),
        }
    }
}

/// A set of public keys (RFC 7517).
#[derive(Object)]
pub struct KeySet {
    /// The keys that sign now, have signed what is still good, or will sign soon.
    keys: Vec<PublicKey>,
}

/// Public keys (RFC 7517).
#[derive(ApiResponse)]
pub enum Jwks {
    /// The public keys; keep them as long as `Cache-Control` says.
    #[oai(status = 200)]
    Keys(Json<KeySet>, #[oai(header = "Cache-Control")] String),
}

/// What a verifier of tokens needs to know.
#[derive(Object)]
pub struct Metadata {
    /// `iss` of the tokens.
    issuer: String,
    /// Where the public keys are.
    jwks_uri: String,
    /// Where tokens are refreshed.
    token_endpoint: String,
    /// Where tokens are looked at.
    introspection_endpoint: String,
    /// How tokens are signed.
    access_token_signing_alg_values_supported: Vec<String>,
    /// The levels that `acr` may name.
    acr_values_supported: Vec<String>,
}

/// What an instance says of itself.
pub struct About;

#[OpenApi(tag = "Tag::About")]
impl About {
    /// The configured flows
    ///
    /// The ways to sign in and to win an account back, and what each is worth.
    #[oai(path = "/v1/flows", method = "get", operation_id = "flows")]
    async fn flows(&self, app: Data<&Arc<App>>) -> Result<Json<Flows>, Fail<()>> {
        Ok(Json(Flows { flows: listed(&app, &app.plan.signin), recovery: listed(&app, &app.plan.recovery) }))
    }

    /// The public keys
    ///
    /// A JWKS (RFC 7517): what access tokens and proofs are verified by.
    #[oai(path = "/.well-known/jwks.json", method = "get", operation_id = "jwks")]
    async fn jwks(&self, app: Data<&Arc<App>>) -> Result<Jwks, Fail<()>> {
        let keys = app.keys.keys().iter().map(|key| PublicKey::from(&key.jwk)).collect();
        Ok(Jwks::Keys(Json(KeySet { keys }), format!("public, max-age={JWKS_MAX_AGE}")))
    }

    /// What a verifier of tokens needs to know
    ///
    /// In the shape and at the place where libraries look for it (RFC 8414, OpenID Connect Discovery).
    #[oai(path = "/.well-known/openid-configuration", method = "get", operation_id = "metadata")]
    async fn metadata(&self, app: Data<&Arc<App>>) -> Result<Json<Metadata>, Fail<()>> {
        let at = |path: &str| format!("{}{path}", app.settings.base_url());
        let signed = |key: &crate::keys::LoadedKey| format!("{:?}", key.algorithm);
        let mut algorithms: Vec<String> = app.keys.keys().iter().map(signed).collect();
        algorithms.dedup();
        Ok(Json(Metadata {
            issuer: app.settings.issuer().to_owned(),
            jwks_uri: at("/.well-known/jwks.json"),
            token_endpoint: at("/v1/token"),
            introspection_endpoint: at("/v1/introspect"),
            access_token_signing_alg_values_supported: algorithms,
            acr_values_supported: flows::Level::ALL.iter().map(|level| level.acr().to_owned()).collect(),
        }))
    }
}
