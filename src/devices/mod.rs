//! What a person is named by, reached by or holds: one registry of device kinds, a file each.
//!
//! An operator makes identifiers by settings alone: [`identifier`]. To add a built-in kind: write a file with a
//! unit struct that implements [`DeviceKind`], and give it one line in [`DEVICES`]; an own program hands its kinds
//! to `Server::builder()` instead, where [`contract`] judges them. Nothing else lists the kinds: the settings check,
//! the API document, the pages and the operations read the [`Kinds`] of their installation.

pub mod authenticator;
pub mod card;
pub mod contract;
pub mod email;
pub mod identifier;
pub mod phone;
pub mod sandbox;
pub mod username;

use std::sync::Arc;

use crate::base::{Fault, Wrong, typed};
use crate::flows::Factor;
use crate::messages::Channel;
use crate::settings::{GivenBy, LineType, Mask, Settings};

/// Every kind of device, in the order in which people are shown them.
pub const DEVICES: &[&dyn DeviceKind] =
    &[&username::Username, &email::Email, &phone::Phone, &authenticator::Authenticator, &card::Card];

/// What one kind of device can do.
///
/// An own kind says its name, its title, an example and what its address looks like. Everything else has the
/// answer of an identifier that no message reaches, and is said otherwise where that is not so: with
/// [`channels`](Self::channels) it is confirmed by a code before it counts, and carries passcodes. Messages are
/// delivered on the built-in channels alone, by the providers of the settings.
///
/// `examples/own_device.rs` is a whole program with a kind of its own.
pub trait DeviceKind: Sync {
    /// Its name in flows, settings and stored rows, such as `email`.
    fn name(&self) -> &'static str;
    /// Its name for people, such as `Email address`.
    fn title(&self) -> &'static str;
    /// What its field may look like, for the API document; empty where it has no field.
    fn example(&self) -> &'static str;
    /// The address in its unique form and in the form to deliver to or show (R93–R98).
    ///
    /// # Errors
    /// A fault of the kind's field, in plain words. A kind without an address refuses every text.
    fn canonical(&self, text: &str, rules: &Rules) -> Result<Address, Fault>;
    /// The request field that carries it, such as `email`; a card comes as `hardcode`, an authenticator as none
    /// (empty). An own kind's is its name.
    fn field(&self) -> &'static str {
        self.name()
    }
    /// Whether it may be an identifier: the first word of a flow.
    fn names_owner(&self) -> bool {
        true
    }
    /// Who gives it. What the operator gives stands in no request: `multauth devices add` sets it.
    fn given_by(&self) -> GivenBy {
        GivenBy::User
    }
    /// The channels that reach it, such as `sms`; none where it cannot be sent a message.
    fn channels(&self) -> &'static [&'static str] {
        &[]
    }
    /// The channels that reach this one address; all of the kind's, unless the address says otherwise.
    fn reached_by(&self, address: &str) -> &'static [&'static str] {
        let _ = address;
        self.channels()
    }
    /// Whether a passcode can come to the person by it, sent or computed.
    fn carries_passcode(&self) -> bool {
        !self.channels().is_empty()
    }
    /// What a passcode proves that comes by it; nothing where none does. Of several channels the weakest counts.
    fn factor(&self) -> Option<Factor> {
        let phones = || self.channels().iter().all(|channel| is_phone(channel));
        self.carries_passcode().then(|| if phones() { Factor::Restricted } else { Factor::Reach })
    }
    /// Whether it holds a secret that stays the same, kept as a password is.
    fn holds_secret(&self) -> bool {
        false
    }
    /// Whether one person may have several.
    fn several(&self) -> bool {
        !self.channels().is_empty()
    }
    /// The address as people read and type it; as it is delivered to, unless the kind says otherwise.
    fn readable(&self, address: &str) -> String {
        address.to_owned()
    }
    /// The address with its middle hidden, for answers and logs; empty where the kind has no address.
    fn mask(&self, address: &str) -> String {
        let first = address.chars().next().filter(|_| address.chars().nth(1).is_some());
        format!("{}•••", first.map(String::from).unwrap_or_default())
    }
}

/// An address that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The unique key: equal for two spellings of one address, and its own canonical form.
    pub canonical: String,
    /// What messages are sent to and people are shown.
    pub delivery: String,
}

/// What the settings say about addresses.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The region (ISO 3166 alpha-2, such as `US`) that a phone number without a country code belongs to.
    pub default_region: Option<String>,
    /// The regions to which anything is texted, `*` for all; none at all where the list is empty (R46).
    pub countries: Vec<String>,
    /// The regions to which nothing is texted, whatever `countries` says.
    pub refused: Vec<String>,
    /// The kinds of lines that nothing is texted to.
    pub refused_lines: Vec<LineType>,
    /// How a phone number is shown to whoever signs in.
    pub phone_mask: Mask,
    /// Usernames that nobody may take, besides the built-in ones.
    pub reserved_usernames: Vec<String>,
}

impl From<&Settings> for Rules {
    fn from(settings: &Settings) -> Self {
        let (phone, region) = (&settings.phone, settings.phone.default_region.clone());
        Self {
            default_region: (!region.is_empty()).then_some(region),
            countries: settings.phone_countries(),
            refused: phone.refused.clone(),
            refused_lines: LineType::ALL
                .into_iter()
                .filter(|line| !phone.line_types.contains(line))
                .collect(),
            phone_mask: phone.mask,
            reserved_usernames: settings.username.reserved.clone(),
        }
    }
}

/// The kinds of one installation: the built-in ones, those that its settings make, and its program's own.
///
/// ```
/// use multauth::devices::Kinds;
///
/// let kinds = Kinds::default();
/// assert_eq!(kinds.by_field("hardcode").map(|kind| kind.name()), Some("card"));
/// ```
#[derive(Clone)]
pub struct Kinds(Arc<[&'static dyn DeviceKind]>);

impl Default for Kinds {
    fn default() -> Self {
        Self::with(&[])
    }
}

impl Kinds {
    /// The built-in kinds, and `own` ones behind them.
    pub fn with(own: &[&'static dyn DeviceKind]) -> Self {
        Self(DEVICES.iter().chain(own).copied().collect())
    }

    /// Every kind, in the order in which people are shown them.
    pub fn iter(&self) -> impl Iterator<Item = &'static dyn DeviceKind> + '_ {
        self.0.iter().copied()
    }

    /// Whether the kind called `name` is an identifier that no channel reaches; see [`is_silent`].
    pub fn is_silent(&self, name: &str) -> bool {
        self.kind(name).is_some_and(is_silent)
    }

    /// An address of a device of the kind called `name` as people read it ([`DeviceKind::readable`]).
    pub fn readable(&self, name: &str, address: &str) -> String {
        self.kind(name).map_or_else(|| address.to_owned(), |kind| kind.readable(address))
    }

    /// Whether the person themselves gives what is called `name`, rather than the operator.
    pub fn by_user(&self, name: &str) -> bool {
        self.kind(name).is_none_or(|kind| kind.given_by() == GivenBy::User)
    }

    /// The kind called `name`.
    pub fn kind(&self, name: &str) -> Option<&'static dyn DeviceKind> {
        self.iter().find(|kind| kind.name() == name)
    }

    /// The kind whose value comes in the request field `field`.
    pub fn by_field(&self, field: &str) -> Option<&'static dyn DeviceKind> {
        self.iter().find(|kind| !field.is_empty() && kind.field() == field)
    }
}

impl std::fmt::Debug for Kinds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter().map(|kind| kind.name())).finish()
    }
}

/// Understands an address as it was typed: blanks and invisible marks around it, which keyboards and clipboards add,
/// are no part of it.
///
/// # Errors
/// Those of [`DeviceKind::canonical`].
pub fn read(kind: &dyn DeviceKind, text: &str, rules: &Rules) -> Result<Address, Fault> {
    kind.canonical(typed::trimmed(text), rules)
}

/// The address of a device of `kind` as an answer shows it to somebody who signs in: masked, as the settings say.
pub fn shown(kind: &dyn DeviceKind, address: &str, rules: &Rules) -> String {
    if kind.name() == "phone" { phone::shown(address, rules.phone_mask) } else { kind.mask(address) }
}

/// Whether a kind is an identifier that no channel reaches. Nothing can prove it, so it counts at once, and that
/// somebody has it is told, behind a proven address or limited by `throttle.username_lookup`.
pub fn is_silent(kind: &dyn DeviceKind) -> bool {
    kind.names_owner() && kind.channels().is_empty()
}

/// Whether messages to that address of a kind go to a telephone, so that they cost money.
pub fn is_dialled(kind: &dyn DeviceKind, address: &str) -> bool {
    kind.reached_by(address).iter().any(|channel| is_phone(channel))
}

fn is_phone(channel: &str) -> bool {
    Channel::PHONE.iter().any(|phone| phone.name() == channel)
}

/// The answer of kinds that have no address.
fn no_address(kind: &dyn DeviceKind) -> Fault {
    Fault::new(kind.name(), Wrong::NoAddress { title: kind.title() })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_fields_are_told_apart() {
        let names: HashSet<_> = DEVICES.iter().map(|k| k.name()).collect();
        assert_eq!(names.len(), DEVICES.len());
        let fields: Vec<_> = DEVICES.iter().map(|k| k.field()).filter(|f| !f.is_empty()).collect();
        assert_eq!(fields.iter().collect::<HashSet<_>>().len(), fields.len());
        let kinds = Kinds::default();
        for kind in kinds.iter() {
            assert_eq!(kinds.kind(kind.name()).unwrap().title(), kind.title());
        }
        assert_eq!(kinds.by_field("hardcode").unwrap().name(), "card");
        assert!(kinds.by_field("").is_none());
    }

    #[test]
    fn capabilities_go_together() {
        for kind in DEVICES {
            assert!(kind.channels().is_empty() || kind.carries_passcode(), "{}", kind.name());
            assert!(!(kind.names_owner() && kind.holds_secret()), "{}", kind.name());
            assert!(!kind.names_owner() || !kind.field().is_empty(), "{}", kind.name());
            // What names its owner keeps to what an own kind is held to.
            let mistakes = contract::capabilities(*kind);
            assert_eq!(mistakes.is_empty(), kind.names_owner(), "{} {mistakes:?}", kind.name());
        }
    }

    #[test]
    fn identifier_kinds_never_overlap() {
        let samples =
            ["ada", "ada.lovelace", "ada@example.com", "+48 600 100 267", "600100267", "a-1", "1234"];
        let rules = Rules { default_region: Some("PL".into()), ..Rules::default() };
        for text in samples {
            let takers = DEVICES.iter().filter(|k| k.names_owner() && k.canonical(text, &rules).is_ok());
            assert!(takers.count() <= 1, "{text}");
        }
    }

    #[test]
    fn blanks_around_an_address_are_no_part_of_it() {
        let samples = ["ada", "ada@example.com", "+48 600 100 267"];
        for (kind, text) in DEVICES.iter().filter(|kind| kind.names_owner()).zip(samples) {
            let bare = read(*kind, text, &Rules::default()).unwrap();
            for blank in [" ", "\t", "\r\n", "\u{a0}", "\u{3000}", "\u{2009} "] {
                for typed in
                    [format!("{text}{blank}"), format!("{blank}{text}"), format!("{blank}{text}{blank}")]
                {
                    assert_eq!(read(*kind, &typed, &Rules::default()).as_ref(), Ok(&bare), "{typed:?}");
                }
            }
        }
        assert!(read(&email::Email, "ada @example.com", &Rules::default()).is_err());
    }

    /// Canonical of canonical is canonical, and of what is delivered to as well (R94).
    fn settled(text: &str, rules: &Rules) {
        for kind in DEVICES {
            let Ok(first) = kind.canonical(text, rules) else { continue };
            let again = kind.canonical(&first.canonical, rules).map(|a| a.canonical);
            assert_eq!(again.as_deref(), Ok(first.canonical.as_str()), "{} {text:?}", kind.name());
            let shown = kind.canonical(&first.delivery, rules).map(|a| a.canonical);
            assert_eq!(shown.as_deref(), Ok(first.canonical.as_str()), "{} {text:?}", kind.name());
            let readable = kind.readable(&first.delivery);
            let again = kind.canonical(&readable, rules).map(|a| a.canonical);
            assert_eq!(again.as_deref(), Ok(first.canonical.as_str()), "{} {text:?} {readable}", kind.name());
            let masked = kind.mask(&first.delivery);
            assert!(
                !masked.contains(&first.delivery) && !masked.contains(&readable),
                "{} {text:?}",
                kind.name()
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn canonical_is_idempotent(
            any in ".{0,40}",
            name in "[a-zA-Z0-9._-]{1,34}",
            email in "[a-zA-Z0-9.+'_-]{1,12}@([a-zA-Zäßıſ0-9-]{1,8}\\.){1,2}[a-zA-Zпж]{2,5}",
            phone in "(\\+|00|0|)[0-9 ()٠-٩-]{5,18}",
            region in prop::sample::select(vec!["", "US", "PL", "IT", "AR", "MX", "BR", "DE", "CI"]),
        ) {
            let region = Some(region.to_owned()).filter(|r| !r.is_empty());
            let rules = Rules { default_region: region, ..Rules::default() };
            for text in [any, name, email, phone] {
                settled(&text, &rules);
            }
        }
    }
}
