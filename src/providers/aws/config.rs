//! The settings that every provider at Amazon has.

use std::path::Path;

use jiff::SignedDuration;
use url::Url;

use super::{Keys, Service, domain};
use crate::base::{Mistake, Sensitive};
use crate::outbound::http;
use crate::providers::Spec;

/// A strict struct of settings: the keys that all providers at Amazon have, and those that follow. (serde's own
/// `flatten` would let unknown keys through.)
macro_rules! settings {
    (struct $name:ident { $($own:tt)* }) => {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $name {
            region: String,
            key_id: String,
            secret: Option<$crate::base::Sensitive>,
            secret_file: Option<std::path::PathBuf>,
            session_token: Option<$crate::base::Sensitive>,
            url: Option<String>,
            timeout: Option<jiff::SignedDuration>,
            $($own)*
        }

        impl $name {
            fn shared(&self) -> $crate::providers::aws::Shared<'_> {
                $crate::providers::aws::Shared {
                    region: &self.region,
                    key_id: &self.key_id,
                    secret: self.secret.as_ref(),
                    secret_file: self.secret_file.as_deref(),
                    session_token: self.session_token.as_ref(),
                    url: self.url.as_deref(),
                    timeout: self.timeout,
                }
            }
        }
    };
}
pub(in crate::providers) use settings;

/// Those keys, as an operator wrote them.
#[derive(Clone, Copy, Debug)]
pub(in crate::providers) struct Shared<'a> {
    pub region: &'a str,
    pub key_id: &'a str,
    pub secret: Option<&'a Sensitive>,
    pub secret_file: Option<&'a Path>,
    pub session_token: Option<&'a Sensitive>,
    pub url: Option<&'a str>,
    pub timeout: Option<SignedDuration>,
}

impl Shared<'_> {
    /// The service that is signed for as `name` and whose host begins with `host`, or all mistakes.
    pub(in crate::providers) fn service(
        self,
        spec: &Spec<'_>,
        name: &'static str,
        host: &str,
    ) -> Result<Service, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut note = |mistake| mistakes.push(mistake);
        let region = region(self.region).map_err(|why| note(spec.mistake("region", why)));
        let id = key_id(self.key_id).map_err(|why| note(spec.mistake("key_id", why)));
        let secret = spec.secret("secret", self.secret, self.secret_file).map_err(&mut note);
        let usual = format!("https://{host}.{}.{}", self.region, domain(self.region));
        // A region that is none makes no URL; one mistake is enough.
        let usual = if region.is_ok() { usual } else { "https://amazonaws.com".into() };
        let base = spec
            .base(self.url, &usual)
            .and_then(|base| Url::parse(&base).map_err(|_| spec.mistake("url", "is not a URL")));
        let base = base.map_err(&mut note);
        let http = spec.http(self.timeout.unwrap_or(http::TIMEOUT)).map_err(&mut note);
        match (region, id, secret, base, http) {
            (Ok(region), Ok(id), Ok(secret), Ok(base), Ok(http)) => {
                let keys = Keys { id, secret, token: self.session_token.cloned() };
                Ok(Service { http, base, region, name, keys })
            }
            _ => Err(mistakes),
        }
    }
}

/// `eu-central-1`, `us-gov-west-1`: words of letters and a number. Nothing that could name another host.
pub(super) fn region(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('-').collect();
    let sound = match parts.split_last() {
        Some((number, words)) if words.len() >= 2 => {
            let word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
            !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) && words.iter().all(word)
        }
        _ => false,
    };
    if sound { Ok(text.to_owned()) } else { Err("is not a region such as \"eu-central-1\"".into()) }
}

fn key_id(text: &str) -> Result<String, String> {
    let sound =
        (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if sound { Ok(text.to_owned()) } else { Err("is not the id of an access key such as \"AKIA…\"".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::spec::told;

    settings! { struct Sample { colour: Option<String>, } }

    fn read(text: &str) -> Result<Service, Vec<Mistake>> {
        told(text, |spec| {
            let settings: Sample = spec.read()?;
            assert_eq!(settings.colour, None);
            settings.shared().service(spec, "ses", "email")
        })
    }

    const KEYS: &str = "key_id = \"AKIAIOSFODNN7EXAMPLE\"\nsecret = \"s\"\n";

    #[test]
    fn the_host_follows_from_the_region() {
        let host = |region: &str| read(&format!("{KEYS}region = \"{region}\"")).unwrap().base.to_string();
        assert_eq!(host("eu-central-1"), "https://email.eu-central-1.amazonaws.com/");
        assert_eq!(host("us-gov-west-1"), "https://email.us-gov-west-1.amazonaws.com/");
        assert_eq!(host("cn-north-1"), "https://email.cn-north-1.amazonaws.com.cn/");
    }

    #[test]
    fn a_region_names_no_other_host() {
        for wrong in
            ["", "eu", "s3-us-west-2", "eu-central-1.evil.example/", "eu-central", "eu--1", "EU-central-1"]
        {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn all_mistakes_come_at_once_and_unknown_keys_name_those_of_both() {
        let text = "region = \"x\"\nkey_id = \"a b\"\nurl = \"http://example.com\"\ntimeout = \"1h\"";
        let found = read(text).unwrap_err();
        let paths: Vec<_> = found.iter().map(|m| m.path.as_str()).collect();
        assert_eq!(paths, ["region", "key_id", "secret", "url", "timeout"].map(|key| format!("p[0].{key}")));
        let found = read(&format!("{KEYS}region = \"eu-west-1\"\nfrm = 1")).unwrap_err();
        assert_eq!((found.len(), found[0].path.as_str()), (1, "p[0].frm"));
        assert!(
            found[0].message.contains("`secret_file`") && found[0].message.contains("`colour`"),
            "{found:?}"
        );
    }
}
