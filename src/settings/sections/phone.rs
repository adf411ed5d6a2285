//! What `[phone]` holds beside its lists: kinds of lines, masks, the lookup, and what messages may cost.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::base::Sensitive;
use crate::base::clock::{DAY, MINUTE};
use crate::settings::Span;
use crate::settings::check::Checks;

/// Millionths of a currency: what money is counted in.
pub type Micros = i64;

const MICROS: f64 = 1_000_000.0;
/// Nobody means more than this, in units of the currency.
const MOST: f64 = 1_000_000_000.0;

/// What kind of line a phone number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineType {
    /// A mobile phone.
    Mobile,
    /// A fixed line.
    Landline,
    /// A line over the internet.
    Voip,
}

impl LineType {
    /// Every kind that messages may go to.
    pub const ALL: [Self; 3] = [Self::Mobile, Self::Landline, Self::Voip];

    /// Its name in the settings, such as `landline`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Landline => "landline",
            Self::Voip => "voip",
        }
    }

    /// Its name at the beginning of a sentence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Mobile => "Mobile",
            Self::Landline => "Landline",
            Self::Voip => "VoIP",
        }
    }
}

/// How a phone number is shown to somebody who signs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mask {
    /// The country code and the last two digits: `+1 ••• ••• ••23`.
    #[default]
    Country,
    /// The national form and its last four digits: `(•••) •••-0123`.
    Last,
    /// The whole number: `+12025550123`.
    Off,
}

/// What becomes of a number whose line is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    /// It is taken.
    Allow,
    /// It is refused.
    Refuse,
}

/// `[phone.lookup]`: who is asked what kind of line a number is. What each key must be is judged where the client
/// is made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// Who is asked: `twilio`; empty: nobody.
    pub kind: String,
    /// Twilio's name for the account: `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// The account's token.
    pub auth_token: Sensitive,
    /// A file that holds the token.
    #[serde(deserialize_with = "crate::settings::form::path_or_none")]
    pub auth_token_file: Option<PathBuf>,
    /// An API key, `SK…`, instead of the token.
    pub api_key: String,
    /// The API key's secret.
    pub api_secret: Sensitive,
    /// A file that holds the API key's secret.
    #[serde(deserialize_with = "crate::settings::form::path_or_none")]
    pub api_secret_file: Option<PathBuf>,
    /// The base of the vendor's URLs; empty: its own.
    pub url: String,
    /// How long an answer is waited for.
    pub timeout: Span,
    /// How long an answer is kept and not asked for again.
    pub cache: Span,
    /// What becomes of a number whose line nobody knows, or whose lookup failed.
    pub unknown: Unknown,
}

/// `[phone.spend]`: what may be sent to phones, in messages and in money. 0 is no limit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spend {
    /// Messages in an hour, of the whole installation.
    pub per_hour: u32,
    /// Messages in a day, of the whole installation.
    pub per_day: u32,
    /// Messages in an hour to one country.
    pub country_per_hour: u32,
    /// Messages in a day to one country.
    pub country_per_day: u32,
    /// What prices are in: a code of three letters (ISO 4217).
    pub currency: String,
    /// The price of one segment where `prices` has none.
    pub price: f64,
    /// The price of one segment by the beginning of the number, the longest wins.
    pub prices: BTreeMap<String, f64>,
    /// Money in an hour, of the whole installation.
    pub money_per_hour: f64,
    /// Money in a day, of the whole installation.
    pub money_per_day: f64,
    /// Money in a day for one country.
    pub country_money_per_day: f64,
    /// From how many percent of a limit on the operator is warned.
    pub warn_at: u32,
    /// Which prefixes are suspended because hardly a code comes back.
    pub conversion: Conversion,
}

/// `[phone.spend.conversion]`: numbers whose codes nobody types are sent no more (R47).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversion {
    /// From how many messages on a prefix is judged; 0: never.
    pub sends: u32,
    /// The percent of them that must have been typed.
    pub percent: u32,
    /// The time that is looked at.
    pub window: Span,
    /// How long a prefix is suspended.
    pub rest: Span,
}

impl Spend {
    /// What one segment to `e164` costs.
    pub fn price_of(&self, e164: &str) -> Micros {
        let fits = self.prices.iter().filter(|(prefix, _)| e164.starts_with(prefix.as_str()));
        let own = fits.max_by_key(|(prefix, _)| prefix.len()).map(|(_, price)| *price);
        micros(own.unwrap_or(self.price))
    }

    /// Whether any limit is in money.
    pub fn caps_money(&self) -> bool {
        [self.money_per_hour, self.money_per_day, self.country_money_per_day].iter().any(|cap| *cap > 0.0)
    }

    pub(in crate::settings) fn check(&self, checks: &mut Checks) {
        let code = self.currency.len() == 3 && self.currency.bytes().all(|b| b.is_ascii_uppercase());
        checks.must(code, "phone.spend.currency", "must be three capital letters such as \"USD\" (ISO 4217)");
        for (prefix, price) in &self.prices {
            let path = format!("phone.spend.prices.\"{prefix}\"");
            let digits = prefix.strip_prefix('+').unwrap_or_default();
            let sound = (1..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            checks.must(sound, &path, "must be the beginning of numbers such as \"+48\"");
            checks.within(&path, *price, 0.0..=MOST);
        }
        let amounts = [
            ("price", self.price),
            ("money_per_hour", self.money_per_hour),
            ("money_per_day", self.money_per_day),
            ("country_money_per_day", self.country_money_per_day),
        ];
        for (key, amount) in amounts {
            checks.within(&format!("phone.spend.{key}"), amount, 0.0..=MOST);
        }
        let priced = !self.caps_money() || self.price > 0.0;
        let message = "must be above 0 where money is limited: numbers without a price of their own would count nothing";
        checks.must(priced, "phone.spend.price", message);
        checks.within("phone.spend.warn_at", self.warn_at, 1..=100);
        self.conversion.check(checks);
    }
}

impl Conversion {
    fn check(&self, checks: &mut Checks) {
        checks.within("phone.spend.conversion.percent", self.percent, 1..=100);
        // A code lives up to ten minutes, and is judged when it is over.
        let window = Span(15 * MINUTE)..=Span(DAY);
        checks.within("phone.spend.conversion.window", self.window, window);
        checks.within("phone.spend.conversion.rest", self.rest, Span(MINUTE)..=Span(7 * DAY));
    }
}

/// An amount of the settings in millionths.
#[allow(clippy::cast_possible_truncation, reason = "the amounts are bounded, and a float saturates")]
pub fn micros(amount: f64) -> Micros {
    (amount * MICROS).round() as Micros
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn the_longest_beginning_has_the_price() {
        let mut spend = Settings::built_in().phone.spend;
        spend.price = 0.05;
        spend.prices = [("+1", 0.0079), ("+1242", 0.2), ("+48", 0.03)].map(|(p, c)| (p.to_owned(), c)).into();
        let prices = ["+12025550123", "+12423456789", "+48600100267", "+4915112345678"];
        assert_eq!(prices.map(|number| spend.price_of(number)), [7_900, 200_000, 30_000, 50_000]);
    }

    #[test]
    fn amounts_are_exact_to_the_millionth() {
        assert_eq!([0.0, 0.0079, 0.1 + 0.2, 12.5].map(micros), [0, 7_900, 300_000, 12_500_000]);
        assert_eq!(micros(MOST), 1_000_000_000_000_000);
    }
}
