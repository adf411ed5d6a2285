//! What a provider is made of: its table in the settings, and what all of an installation share.

use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use url::Url;

use super::{Http, settings};
use crate::base::{Mistake, Sensitive};
use crate::messages::Channel;
use crate::outbound::http;
use crate::settings::{Mode, Settings};

/// What all providers of an installation share.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where the world reaches this server; callbacks begin with it.
    pub public_url: Url,
    /// The sender of mail where a provider has no `from` of its own, such as `Example <no-reply@example.org>`.
    pub from: String,
    /// Whether kinds for development are refused.
    pub production: bool,
}

impl Site {
    /// What the settings say.
    pub fn of(settings: &Settings) -> Self {
        Self {
            public_url: settings.public_url.clone(),
            from: settings.email_from(),
            production: settings.mode == Mode::Production,
        }
    }
}

/// One provider as an operator wrote it.
#[derive(Clone, Copy, Debug)]
pub struct Spec<'a> {
    /// Its own keys: those that every provider has (`kind`, `name`, `channels`, `prefixes`, `receipt_within`) are
    /// read already and not in it.
    pub table: &'a toml::Table,
    /// Where it stands, such as `email.providers[0]`.
    pub path: &'a str,
    /// What the operator calls it.
    pub name: &'a str,
    /// What it is to deliver here.
    pub channels: &'a [Channel],
    /// What all share.
    pub site: &'a Site,
}

impl Spec<'_> {
    /// Its keys as `T`, a struct with `#[serde(deny_unknown_fields)]`.
    ///
    /// # Errors
    /// Every unknown key, each with the valid names, and then the first value that does not fit.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Vec<Mistake>> {
        settings::read(self.table, self.path)
    }

    /// A mistake at one of its keys.
    pub fn mistake(&self, key: &str, message: impl Into<String>) -> Mistake {
        Mistake::new(format!("{}.{key}", self.path), message)
    }

    /// A secret that has to be there: written in place as `key`, or kept in the file named by `{key}_file`.
    ///
    /// # Errors
    /// Where it is missing, said twice, or its file cannot be read or can be read by everybody (R141).
    pub fn secret(
        &self,
        key: &str,
        inline: Option<&Sensitive>,
        file: Option<&std::path::Path>,
    ) -> Result<Sensitive, Mistake> {
        let found = crate::settings::secret(inline, file, self.path, key)?;
        found.ok_or_else(|| self.mistake(key, format!("is missing; or name a {key}_file")))
    }

    /// The base of the vendor's URLs: `given` in the settings (key `url`), else `usual`.
    ///
    /// # Errors
    /// Where it is no https URL.
    pub fn base(&self, given: Option<&str>, usual: &str) -> Result<String, Mistake> {
        http::base(given.unwrap_or(usual)).map_err(|why| self.mistake("url", why))
    }

    /// A client whose calls end after `timeout` (key `timeout`).
    ///
    /// # Errors
    /// Where the span is not between 1 and 60 seconds.
    pub fn http(&self, timeout: SignedDuration) -> Result<Http, Mistake> {
        Http::new(timeout).map_err(|why| self.mistake("timeout", why))
    }

    /// Where the vendor reports what became of a message: the public URL with `/v1/receipts/{name}`. Nothing
    /// where that URL is not reachable for a vendor: without https, as in development.
    pub fn callback(&self) -> Option<Url> {
        let site = &self.site.public_url;
        let path = format!("{}/v1/receipts/{}", site.as_str().trim_end_matches('/'), self.name);
        Url::parse(&path).ok().filter(|url| url.scheme() == "https")
    }
}

/// Hands `read` what an operator wrote, at `p[0]`, for the tests of a provider.
#[cfg(test)]
pub(super) fn told<T>(text: &str, read: impl FnOnce(&Spec<'_>) -> T) -> T {
    let public_url = "https://id.example.com".parse().unwrap();
    let site = Site { public_url, from: "no-reply@example.com".into(), production: true };
    let table = toml::from_str(text).unwrap();
    read(&Spec { table: &table, path: "p[0]", name: "it", channels: Channel::ALL, site: &site })
}
