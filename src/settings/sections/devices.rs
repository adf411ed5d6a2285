//! The sections of the device kinds: `[username] [email] [phone] [authenticator] [card]`.

use std::fmt;

use rlibphonenumber::PHONE_NUMBER_UTIL;
use serde::Deserialize;

use super::phone::{LineType, Lookup, Mask, Spend};
use crate::settings::check::Checks;
use crate::settings::overlay::hint;

/// When a device counts as its owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// Sign-up makes the account when its first such device is proven.
    Before,
    /// The account exists at once; the device is worth nothing until it is proven.
    After,
    /// Taken as proven.
    Never,
}

/// Providers as they are written, in order of preference, each a table with a `kind`. What else a table holds
/// is the kind's own matter.
pub type Providers = Vec<toml::Table>;

/// `[username]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Username {
    /// Names nobody may take, in lower case.
    pub reserved: Vec<String>,
}

/// `[email]`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// When an address counts as its owner's.
    pub confirm: Confirm,
    /// Who sends, in order: the next takes over where one fails. Ask [`crate::settings::Settings::email_providers`].
    pub providers: Providers,
    /// Sender of every mail; empty: `no-reply@` the public host. Ask [`crate::settings::Settings::email_from`].
    pub from: String,
}

/// `[phone]`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phone {
    /// When a number counts as its owner's.
    pub confirm: Confirm,
    /// Region (ISO 3166-1, such as `US`) whose national forms are accepted; empty: international form only.
    pub default_region: String,
    /// Regions that messages go to, `*` for all; nothing is sent elsewhere. Ask [`crate::settings::Settings::phone_countries`].
    pub countries: Vec<String>,
    /// Regions that nothing is sent to, whatever `countries` says.
    pub refused: Vec<String>,
    /// The kinds of lines that messages go to.
    pub line_types: Vec<LineType>,
    /// How a number is shown to somebody who signs in.
    pub mask: Mask,
    /// Who is asked what kind of line a number is.
    pub lookup: Lookup,
    /// What messages may cost.
    pub spend: Spend,
    /// Who sends, in order: the next takes over where one fails. Ask [`crate::settings::Settings::phone_providers`].
    pub providers: Providers,
}

/// `[authenticator]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authenticator {
    /// What the app shows beside the code; empty: the service's name. Ask [`crate::settings::Settings::authenticator_issuer`].
    pub issuer: String,
    /// How many 30-second steps are accepted beside the one of now, 0 or 1 (R69): the step before, or the one after for
    /// an app whose clock is ahead.
    pub steps_back: u32,
}

/// `[card]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = kinds(&self.providers);
        f.debug_struct("Email")
            .field("confirm", &self.confirm)
            .field("from", &self.from)
            .field("providers", &kinds)
            .finish()
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = kinds(&self.providers);
        f.debug_struct("Phone")
            .field("confirm", &self.confirm)
            .field("countries", &self.countries)
            .field("refused", &self.refused)
            .field("line_types", &self.line_types)
            .field("mask", &self.mask)
            .field("lookup", &self.lookup)
            .field("spend", &self.spend)
            .field("providers", &kinds)
            .finish()
    }
}

fn kinds(providers: &Providers) -> Vec<&str> {
    providers.iter().map(|table| table.get("kind").and_then(toml::Value::as_str).unwrap_or("?")).collect()
}

impl Username {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        for (n, name) in self.reserved.iter().enumerate() {
            let sound = !name.is_empty() && *name == name.to_lowercase();
            checks.must(sound, &format!("username.reserved[{n}]"), "must be a name in lower case");
        }
    }
}

impl Email {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        let sound = self.from.is_empty() || self.from.parse::<lettre::message::Mailbox>().is_ok();
        let message = "must be an address such as \"Example <no-reply@example.org>\", or \"\" for none";
        checks.must(sound, "email.from", message);
    }
}

/// What stands for every region in `phone.countries`.
const EVERYWHERE: &str = "*";

impl Phone {
    /// `served` are the regions that messages go to.
    pub(in crate::settings) fn check(&self, served: &[String], checks: &mut Checks) {
        let known: Vec<String> = PHONE_NUMBER_UTIL
            .get_supported_regions()
            .map(|region| region.as_region_str().as_str().to_owned())
            .collect();
        for (n, country) in self.countries.iter().enumerate().filter(|(_, country)| *country != EVERYWHERE) {
            region(&format!("phone.countries[{n}]"), country, &known, checks);
        }
        for (n, country) in self.refused.iter().enumerate() {
            let path = format!("phone.refused[{n}]");
            region(&path, country, &known, checks);
            let both = format!("stands in phone.countries too: is \"{country}\" served or not?");
            checks.must(!self.countries.contains(country), &path, both);
        }
        if !self.default_region.is_empty() {
            region("phone.default_region", &self.default_region, &known, checks);
            let everywhere = served.iter().any(|country| country == EVERYWHERE);
            let served = everywhere || served.contains(&self.default_region);
            checks.must(served, "phone.default_region", "must be one of phone.countries");
        }
        let message = "must name one kind of line at least: \"mobile\", \"landline\", \"voip\"";
        checks.must(!self.line_types.is_empty(), "phone.line_types", message);
        self.spend.check(checks);
    }
}

fn region(path: &str, text: &str, known: &[String], checks: &mut Checks) {
    if known.iter().any(|name| name == text) {
        return;
    }
    let form = "must be a region of two capital letters such as \"US\" (ISO 3166-1)";
    // The one everybody gets wrong, and the right letters in the wrong case.
    let meant = if text == "UK" { Some("GB") } else { hint::nearest(text, known.iter().map(String::as_str)) };
    let exact = meant.filter(|name| text == "UK" || name.eq_ignore_ascii_case(text));
    checks.wrong(path, exact.map_or(form.to_owned(), |name| format!("{form}; did you mean \"{name}\"?")));
}

impl Authenticator {
    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        checks.within("authenticator.steps_back", self.steps_back, 0..=1);
        checks.must(!self.issuer.contains(':'), "authenticator.issuer", "must not contain a colon");
    }
}
