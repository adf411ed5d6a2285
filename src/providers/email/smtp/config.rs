//! What an operator may say about a mail server, and everything that can be wrong with it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use serde::Deserialize;

use super::super::letter::{Letterhead, mailbox};
use super::relay::{Relay, Security};
use crate::base::{Mistake, Sensitive};
use crate::providers::Spec;
use crate::settings::secret;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    tls: Encryption,
    username: Option<String>,
    password: Option<Sensitive>,
    password_file: Option<PathBuf>,
    from: Option<String>,
    reply_to: Option<String>,
    #[serde(default = "ten_seconds")]
    timeout: SignedDuration,
    helo: Option<String>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    insecure: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encryption {
    #[default]
    Starttls,
    Tls,
    None,
}

fn ten_seconds() -> SignedDuration {
    SignedDuration::from_secs(10)
}

/// The server and the letterhead that `spec` describes, or all its mistakes.
pub(super) fn read(spec: &Spec<'_>) -> Result<(Relay, Letterhead), Vec<Mistake>> {
    let settings: Settings = spec.read()?;
    let mut mistakes = Vec::new();
    let mut note = |key: &str, message: String| mistakes.push(spec.mistake(key, message));

    let host = keep(host(&settings.host), "host", &mut note);
    let from = keep(mailbox(settings.from.as_deref().unwrap_or(&spec.site.from)), "from", &mut note);
    let reply_to = settings.reply_to.as_deref().and_then(|text| keep(mailbox(text), "reply_to", &mut note));
    let timeout = keep(timeout(settings.timeout), "timeout", &mut note);
    let hello = match &settings.helo {
        Some(name) => keep(self::host(name).map(ClientId::Domain), "helo", &mut note),
        None => Some(ClientId::default()),
    };
    let security = host.as_deref().and_then(|host| security(&settings, host, &mut note));
    let credentials =
        credentials(&settings, spec.path).map_err(|mistake| mistakes.push(mistake)).ok().flatten();

    match (host, from, timeout, hello, security) {
        (Some(host), Some(from), Some(timeout), Some(hello), Some(security)) if mistakes.is_empty() => {
            let port = settings.port.unwrap_or(settings.tls.port());
            Ok((Relay::new(host, port, security, hello, credentials, timeout), Letterhead { from, reply_to }))
        }
        _ => Err(mistakes),
    }
}

impl Encryption {
    /// The port that usually goes with it (RFC 8314).
    const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

fn keep<T>(found: Result<T, String>, key: &str, note: &mut impl FnMut(&str, String)) -> Option<T> {
    found.map_err(|why| note(key, why)).ok()
}

/// A host name or address; nothing that could end a command.
fn host(text: &str) -> Result<String, String> {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    if text.is_empty() || !text.chars().all(sound) {
        return Err("is not a host name or an IP address".into());
    }
    Ok(text.to_owned())
}

fn timeout(span: SignedDuration) -> Result<Duration, String> {
    let span = Duration::try_from(span).unwrap_or_default();
    let range = Duration::from_secs(1)..=Duration::from_secs(60);
    if range.contains(&span) { Ok(span) } else { Err("has to be between 1s and 60s".into()) }
}

fn security(settings: &Settings, host: &str, note: &mut impl FnMut(&str, String)) -> Option<Security> {
    if settings.tls != Encryption::None {
        if settings.insecure {
            note("insecure", "goes with tls = \"none\" only; the connection is encrypted".into());
        }
        let parameters = keep(tls_parameters(host, settings.ca_file.as_deref()), "ca_file", note)?;
        return Some(match settings.tls {
            Encryption::Tls => Security::Tls(parameters),
            _ => Security::StartTls(parameters),
        });
    }
    if settings.ca_file.is_some() {
        note("ca_file", "means nothing with tls = \"none\"".into());
    }
    if !is_loopback(host) && !settings.insecure {
        note(
            "tls",
            "\"none\" is for a server on this machine; anywhere else it needs insecure = true".into(),
        );
    }
    Some(Security::None)
}

/// Verifies against the system's roots, and those of `ca_file` beside them.
fn tls_parameters(host: &str, ca_file: Option<&Path>) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(file) = ca_file {
        let pem =
            std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        let roots = Certificate::from_pem(&pem);
        builder = builder.add_root_certificate(roots.map_err(|_| format!("{} is not PEM", file.display()))?);
    }
    builder.build().map_err(|error| format!("the trusted roots cannot be used: {error}"))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn credentials(settings: &Settings, path: &str) -> Result<Option<Credentials>, Mistake> {
    let file = settings.password_file.as_deref();
    let password = secret(settings.password.as_ref(), file, path, "password")?;
    match (&settings.username, password) {
        (None, None) => Ok(None),
        (Some(username), Some(password)) => {
            Ok(Some(Credentials::new(username.clone(), password.expose().to_owned())))
        }
        (Some(_), None) => {
            Err(Mistake::new(format!("{path}.password"), "is missing; or name a password_file"))
        }
        (None, Some(_)) => Err(Mistake::new(format!("{path}.username"), "is missing beside the password")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::spec::told;

    fn understood(text: &str) -> Result<(Relay, Letterhead), Vec<Mistake>> {
        told(text, read)
    }

    fn paths(text: &str) -> Vec<String> {
        let mistakes = understood(text).err().unwrap_or_default();
        mistakes.into_iter().map(|mistake| mistake.path).collect()
    }

    #[test]
    fn all_mistakes_come_at_once() {
        let text = "host = \"a\\r\\nb\"\nfrom = \"nobody\"\nreply_to = \"a@b.example\\nBcc: c@d.example\"\n\
                    timeout = \"1h\"\nhelo = \"x y\"\nusername = \"u\"";
        let expected = ["host", "from", "reply_to", "timeout", "helo", "password"];
        assert_eq!(paths(text), expected.map(|key| format!("p[0].{key}")));
    }

    #[test]
    fn plain_text_is_for_this_machine_or_for_who_insists() {
        let with = |host: &str, more: &str| {
            paths(&format!("host = \"{host}\"\nfrom = \"a@example.com\"\ntls = \"none\"\n{more}"))
        };
        assert_eq!(with("smtp.example.com", ""), ["p[0].tls"]);
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(with(host, "").is_empty(), "{host}");
        }
        assert!(with("smtp.example.com", "insecure = true").is_empty());
        assert_eq!(with("localhost", "ca_file = \"x.pem\""), ["p[0].ca_file"]);
        assert_eq!(with("localhost", "password = \"x\""), ["p[0].username"]);
    }

    #[test]
    fn encryption_is_the_default_and_cannot_be_half_meant() {
        let plain = "host = \"smtp.example.com\"\nfrom = \"a@example.com\"\n";
        let (relay, _) = understood(plain).unwrap();
        assert!(matches!(relay.security(), Security::StartTls(_)));
        assert_eq!(paths(&format!("{plain}insecure = true")), ["p[0].insecure"]);
        assert_eq!(paths(&format!("{plain}tls = \"opportunistic\"")), ["p[0].tls"]);
    }
}
