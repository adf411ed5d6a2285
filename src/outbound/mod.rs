//! Calls to the operator's own services: webhooks that are told, hooks that are asked. Each is signed by the Standard
//! Webhooks scheme ([`sign`]) and goes to no address that the network keeps private ([`guard`], R135).

pub mod breaker;
mod guard;
pub mod http;
mod outcome;
mod reach;
mod sign;

use std::path::Path;

use jiff::SignedDuration;
use reqwest::header::CONTENT_TYPE;
use url::{Host, Url};

use crate::base::{Millis, Mistake, Sensitive};
use crate::settings::{Mode, Settings, secret};

pub use guard::Guard;
pub use http::{Answer, Http};
pub use outcome::Outcome;
pub use sign::Signer;

/// A service of the operator's, as the settings name it.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Where it stands in the settings, such as `webhooks.crm`.
    pub path: &'a str,
    /// Where it is called.
    pub url: &'a Url,
    /// What calls are signed with: `whsec_…`, or several during a rotation, with a space between.
    pub secret: &'a Sensitive,
    /// The file that holds the secret.
    pub secret_file: Option<&'a Path>,
    /// How long it may take to answer.
    pub timeout: SignedDuration,
}

/// A service of the operator's that can be called.
#[derive(Clone, Debug)]
pub struct Service {
    url: Url,
    http: Http,
    signer: Signer,
    guard: Guard,
}

impl Service {
    /// Understands what the settings say; no network is touched.
    ///
    /// # Errors
    /// Every mistake at once: a URL without https, one that names a private address, a secret that is missing or weak,
    /// a time-out out of range.
    pub fn read(named: &Named<'_>, settings: &Settings) -> Result<Self, Vec<Mistake>> {
        let guard = Guard::of(settings);
        let mistake = |key: &str, why: String| Mistake::new(format!("{}.{key}", named.path), why);
        let mut mistakes = Vec::new();
        if let Err(why) = fit(named.url, &guard, settings) {
            mistakes.push(mistake("url", why));
        }
        let http =
            Http::guarded(named.timeout, guard.clone()).map_err(|why| mistakes.push(mistake("timeout", why)));
        let inline = Some(named.secret).filter(|secret| !secret.expose().is_empty());
        let signer = secret(inline, named.secret_file, named.path, "secret").and_then(|found| {
            let found = found.ok_or_else(|| mistake("secret", format!("is missing; {}", sign::ADVICE)))?;
            Signer::read(&found).map_err(|why| mistake("secret", why))
        });
        let signer = signer.map_err(|why| mistakes.push(why));
        match (http, signer) {
            (Ok(http), Ok(signer)) if mistakes.is_empty() => {
                Ok(Self { url: named.url.clone(), http, signer, guard })
            }
            _ => Err(mistakes),
        }
    }

    /// Posts `body`, a JSON text, under the id `id`; the same id again is the same message again.
    ///
    /// # Errors
    /// As [`Http::call`]: nothing came in time, or the other side cannot be reached or trusted.
    pub async fn post(&self, id: &str, now: Millis, body: String) -> Result<Answer, Outcome> {
        let at = now.div_euclid(1_000);
        let signature = self.signer.sign(id, at, &body);
        let request = self.http.client().post(self.url.clone());
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", signature);
        self.http.call(request.body(body)).await
    }
}

/// Whether a URL may be called at all; where its name leads is looked at when it is resolved.
fn fit(url: &Url, guard: &Guard, settings: &Settings) -> Result<(), String> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a password; calls are signed, no password is needed".into());
    }
    let plain = settings.outbound.http || settings.mode == Mode::Development;
    match url.scheme() {
        "https" => {}
        "http" if plain => {}
        _ => return Err("must begin with https:// (or set outbound.http where the way is private)".into()),
    }
    let literal = match url.host() {
        Some(Host::Ipv4(ip)) => Some(ip.into()),
        Some(Host::Ipv6(ip)) => Some(ip.into()),
        Some(Host::Domain(_)) => None,
        None => return Err("has no host".into()),
    };
    match literal {
        Some(ip) if !guard.admits(ip) => Err(format!(
            "names a private address; add \"{ip}/{}\" to outbound.networks if it is meant",
            if ip.is_ipv4() { 32 } else { 128 }
        )),
        _ => Ok(()),
    }
}
