//! Which provider a message goes to: per channel the operator's order, those for a number's own prefix first.

use std::sync::Arc;

use jiff::SignedDuration;
use serde::Deserialize;

use super::{PROVIDERS, Pace, Provider, ProviderKind, Refusals, Site, Spec, settings};
use crate::base::{Millis, Mistake};
use crate::messages::Channel;
use crate::outbound::breaker::Breaker;
use crate::settings::Settings;

/// A provider in its place.
pub struct Configured {
    /// What the operator calls it; its kind, unless they said otherwise. Unique in an installation.
    pub name: String,
    /// Its kind.
    pub kind: ProviderKind,
    /// The provider itself.
    pub provider: Arc<dyn Provider>,
    /// What it delivers here.
    pub channels: Vec<Channel>,
    /// The beginnings of the numbers it is for, such as `+48`; empty for all.
    pub prefixes: Vec<String>,
    /// How long the vendor may take to report a delivery before the next provider takes over, in milliseconds;
    /// nothing where its word is taken.
    pub receipt_within: Option<Millis>,
    /// Whether it is worth a try now.
    pub breaker: Breaker,
    /// How many messages it refused in a row.
    pub refusals: Refusals,
    /// How long it takes to check a code, where it owns the code.
    pub pace: Pace,
}

/// The keys that every provider has, whatever its kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Common {
    kind: Option<String>,
    name: Option<String>,
    channels: Option<Vec<Channel>>,
    #[serde(default)]
    prefixes: Vec<String>,
    receipt_within: Option<SignedDuration>,
}

/// Where messages to nobody wait, which cost what real ones cost and are dropped. No provider has that name.
pub const NO_LANE: &str = "none";

const COMMON: [&str; 5] = ["kind", "name", "channels", "prefixes", "receipt_within"];

/// All providers of an installation, in the order they are tried.
#[derive(Default)]
pub struct Routes(Vec<Arc<Configured>>);

impl Routes {
    /// The providers of the settings; `own` are kinds beside the built-in ones.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn read(settings: &Settings, own: &[ProviderKind]) -> Result<Self, Vec<Mistake>> {
        let site = Site::of(settings);
        let lists = [
            ("email", settings.email_providers(), &[Channel::Email][..]),
            ("phone", settings.phone_providers(), Channel::PHONE),
        ];
        let mut entries: Vec<Arc<Configured>> = Vec::new();
        let mut mistakes = Vec::new();
        for (section, tables, channels) in lists {
            for (n, table) in tables.iter().enumerate() {
                let path = format!("{section}.providers[{n}]");
                match Configured::read(table, &path, channels, &site, own) {
                    Ok(entry) => match clash(&entries, &entry, section) {
                        Some(why) => mistakes.push(Mistake::new(format!("{path}.name"), why)),
                        None => entries.push(Arc::new(entry)),
                    },
                    Err(found) => mistakes.extend(found),
                }
            }
        }
        if mistakes.is_empty() { Ok(Self(entries)) } else { Err(mistakes) }
    }

    /// Who may deliver on `channel` to `to`, the first choice first: those with the longest prefix that `to`
    /// begins with, then those for every number, each in the operator's order. A verifier is among them
    /// only where the code may be its own (`verifiable`).
    pub fn of(&self, channel: Channel, to: &str, verifiable: bool) -> Vec<&Arc<Configured>> {
        let fits = |entry: &&Arc<Configured>| {
            entry.channels.contains(&channel)
                && entry.reach(to).is_some()
                && (verifiable || entry.provider.verifier().is_none())
        };
        let mut fitting: Vec<_> = self.0.iter().filter(fits).collect();
        fitting.sort_by_key(|entry| std::cmp::Reverse(entry.reach(to)));
        fitting
    }

    /// Whether all who may deliver on `channel` to `to` have failed so often that they are left alone at `now`.
    pub fn rest(&self, channel: Channel, to: &str, now: Millis) -> bool {
        let able = self.of(channel, to, true);
        !able.is_empty() && able.iter().all(|entry| entry.breaker.until() > now)
    }

    /// The line that a message waits in: the name of the provider it goes to first. One that is slow holds up
    /// nobody else's line.
    pub fn lane(&self, channel: Channel, to: &str, verifiable: bool) -> &str {
        self.of(channel, to, verifiable).first().map_or("", |entry| &entry.name)
    }

    /// The provider of that name.
    pub fn named(&self, name: &str) -> Option<&Arc<Configured>> {
        self.0.iter().find(|entry| entry.name == name)
    }

    /// Whether any provider owns the codes that it sends.
    pub fn has_verifier(&self) -> bool {
        self.0.iter().any(|entry| entry.provider.verifier().is_some())
    }

    /// Every provider.
    pub fn all(&self) -> &[Arc<Configured>] {
        &self.0
    }

    /// The channels that somebody delivers on.
    pub fn channels(&self) -> Vec<Channel> {
        let served = |channel: &Channel| self.0.iter().any(|entry| entry.channels.contains(channel));
        Channel::ALL.iter().copied().filter(served).collect()
    }
}

/// Two of one name cannot be told apart in lists and callbacks. What prints or appends may serve both sections.
fn clash(entries: &[Arc<Configured>], new: &Configured, section: &str) -> Option<String> {
    let other = entries.iter().find(|entry| entry.name == new.name)?;
    let same_list = Channel::PHONE.contains(&other.channels[0]) == (section == "phone");
    let shared = other.kind.development_only && !same_list;
    (!shared).then(|| format!("another provider is called {:?} already; give this one a name", new.name))
}

impl Configured {
    /// The provider that `table` at `path` asks for, in a list that is to deliver on `channels`.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn read(
        table: &toml::Table,
        path: &str,
        channels: &[Channel],
        site: &Site,
        own: &[ProviderKind],
    ) -> Result<Self, Vec<Mistake>> {
        let (common, rest): (toml::Table, toml::Table) =
            table.clone().into_iter().partition(|(key, _)| COMMON.contains(&key.as_str()));
        let common: Common = settings::read(&common, path)?;
        let kind = kind(&common, path, channels, site.production, own)?;
        let name = common.name.clone().unwrap_or_else(|| kind.name.to_owned());
        let mut mistakes = common.mistakes(path, &kind, channels);
        let served = |channel: &Channel| {
            kind.channels.contains(channel) && common.channels.as_ref().is_none_or(|c| c.contains(channel))
        };
        let served: Vec<Channel> = channels.iter().copied().filter(served).collect();
        let spec = Spec { table: &rest, path, name: &name, channels: &served, site };
        let provider = (kind.build)(&spec).map_err(|found| mistakes.extend(found)).ok();
        if common.receipt_within.is_some() && provider.as_ref().is_some_and(|it| it.receipts().is_none()) {
            mistakes.push(Mistake::new(
                format!("{path}.receipt_within"),
                format!("waits for reports that nobody reads: as it is set here, {} has none", kind.name),
            ));
        }
        match provider {
            Some(provider) if mistakes.is_empty() => Ok(Self {
                provider: Arc::from(provider),
                channels: served,
                prefixes: common.prefixes,
                receipt_within: common.receipt_within.and_then(|span| i64::try_from(span.as_millis()).ok()),
                breaker: Breaker::default(),
                refusals: Refusals::default(),
                pace: Pace::default(),
                name,
                kind,
            }),
            _ => Err(mistakes),
        }
    }

    /// How many digits of its longest prefix `to` begins with; 0 where it is for all, nothing where not for `to`.
    fn reach(&self, to: &str) -> Option<usize> {
        if self.prefixes.is_empty() {
            return Some(0);
        }
        self.prefixes.iter().filter(|prefix| to.starts_with(prefix.as_str())).map(String::len).max()
    }
}

impl Common {
    fn mistakes(&self, path: &str, kind: &ProviderKind, channels: &[Channel]) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let mut note =
            |key: &str, message: String| mistakes.push(Mistake::new(format!("{path}.{key}"), message));
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self
            .name
            .as_ref()
            .is_some_and(|name| name.is_empty() || name.len() > 40 || !name.chars().all(plain))
        {
            note("name", "is 1 to 40 letters, digits, - and _".into());
        }
        if self.name.as_deref() == Some(NO_LANE) {
            note(
                "name",
                format!("{NO_LANE:?} is the name of messages that go to nobody; choose another one"),
            );
        }
        let able: Vec<_> = channels.iter().filter(|c| kind.serves(&[**c])).map(|c| c.name()).collect();
        for channel in self.channels.iter().flatten().filter(|c| !able.contains(&c.name())) {
            note(
                "channels",
                format!("{} does not deliver by {channel} here; there is {}", kind.name, able.join(", ")),
            );
        }
        if self.channels.as_ref().is_some_and(Vec::is_empty) {
            note("channels", "is empty; leave it out for all that there are".into());
        }
        let sound = |prefix: &String| {
            let digits = prefix.strip_prefix('+').unwrap_or_default();
            (1..=14).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
        };
        for prefix in self.prefixes.iter().filter(|prefix| !sound(prefix)) {
            note("prefixes", format!("{prefix:?} is not the beginning of a number, such as \"+48\""));
        }
        if !self.prefixes.is_empty() && !channels.iter().any(|c| Channel::PHONE.contains(c)) {
            note("prefixes", "are for numbers; email has none".into());
        }
        let range = SignedDuration::from_secs(5)..=SignedDuration::from_mins(30);
        if self.receipt_within.is_some_and(|span| !range.contains(&span)) {
            note("receipt_within", "has to be between 5s and 30m".into());
        }
        mistakes
    }
}

/// The kind that is asked for, where it fits the list.
fn kind(
    common: &Common,
    path: &str,
    channels: &[Channel],
    production: bool,
    own: &[ProviderKind],
) -> Result<ProviderKind, Vec<Mistake>> {
    let all = || own.iter().chain(PROVIDERS);
    let fits = |kind: &&ProviderKind| kind.serves(channels) && !(production && kind.development_only);
    let one_of = all().filter(fits).map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    let wrong = |message: String| vec![Mistake::new(format!("{path}.kind"), message)];
    let Some(name) = common.kind.as_deref() else {
        return Err(wrong(format!("says which provider; one of: {one_of}")));
    };
    match all().find(|kind| kind.name == name) {
        Some(kind) if fits(&kind) => Ok(*kind),
        Some(kind) if kind.serves(channels) => {
            Err(wrong(format!("{name:?} is for development only; in production one of: {one_of}")))
        }
        Some(_) => Err(wrong(format!("{name:?} does not serve here; one of: {one_of}"))),
        None => Err(wrong(format!("no provider is called {name:?}; one of: {one_of}"))),
    }
}

impl std::fmt::Debug for Configured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Configured")
            .field("name", &self.name)
            .field("channels", &self.channels)
            .finish_non_exhaustive()
    }
}
