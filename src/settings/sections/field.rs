//! What a key of `[user.fields.NAME]` may be.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use serde_json::Number;

/// Characters of a text at most, where the field says nothing.
pub(in crate::settings) const LONGEST: u32 = 255;
/// Items of a list at most, where the field says nothing.
pub(in crate::settings) const MOST_ITEMS: u32 = 100;

/// What a field of the profile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// One of some texts.
    Enum,
    /// Several values of one type.
    List,
    /// Whatever a JSON Schema allows.
    Object,
}

impl FieldType {
    /// Its name in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Enum => "enum",
            Self::List => "list",
            Self::Object => "object",
        }
    }
}

/// What each item of a list is: a small field of its own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Items {
    /// What an item holds: anything but a list or an object.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Of a text: characters at least.
    #[serde(default)]
    pub min_length: Option<u32>,
    /// Of a text: characters at most.
    #[serde(default)]
    pub max_length: Option<u32>,
    /// Of a text: the regular expression that the whole of it matches.
    #[serde(default)]
    pub pattern: Option<String>,
    /// Of a number or a date: the least.
    #[serde(default)]
    pub minimum: Option<Limit>,
    /// Of a number or a date: the most.
    #[serde(default)]
    pub maximum: Option<Limit>,
    /// Of an enum: the texts that it may be.
    #[serde(default)]
    pub values: Option<Vec<String>>,
}

/// Whether a field must be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Required {
    /// It may be left out.
    #[default]
    No,
    /// Sign-up asks for it, and so does any later sign-in of somebody who lacks it.
    Signup,
    /// Sign-in alone asks for it, from the next one on.
    Signin,
}

/// Somebody who reads or writes a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// The user themselves.
    User,
    /// Whoever administers users.
    Admin,
}

/// Whether a field is a claim of the access token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Claim {
    /// It is none.
    #[default]
    No,
    /// Under its own name.
    Yes,
    /// Under another name.
    As(String),
}

/// The least or the most of a number or a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// A number.
    Number(Number),
    /// A date, `YYYY-MM-DD`.
    Text(String),
}

/// A text for people, in one language or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Words {
    /// The same for everybody.
    One(String),
    /// By language tag (BCP 47).
    By(BTreeMap<String, String>),
}

impl Words {
    /// The text in the first of `wishes` that there is one in: its tag, or what is left of it without its last
    /// subtags (RFC 4647, 3.4). Where there is none, the English one, or else the first.
    pub fn in_language<'a>(&self, wishes: impl IntoIterator<Item = &'a str>) -> &str {
        let by = match self {
            Self::One(text) => return text,
            Self::By(by) => by,
        };
        let found = wishes.into_iter().find_map(|wish| Self::look_up(by, wish));
        found.or_else(|| by.get("en").or(by.values().next())).map_or("", String::as_str)
    }

    fn look_up<'a>(by: &'a BTreeMap<String, String>, wish: &str) -> Option<&'a String> {
        let mut range = Some(wish);
        while let Some(tag) = range {
            let same = by.iter().find(|(known, _)| known.eq_ignore_ascii_case(tag));
            if let Some((_, text)) = same {
                return Some(text);
            }
            range = tag.rsplit_once('-').map(|(left, _)| left);
        }
        None
    }
}

/// Reads true, false or a text; text of the environment stands for either.
struct FlagOr<T>(&'static str, fn(bool) -> T, fn(&str) -> Option<T>);

impl<T> Visitor<'_> for FlagOr<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<T, E> {
        Ok(self.1(flag))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        match text {
            "true" => Ok(self.1(true)),
            "false" => Ok(self.1(false)),
            other => self.2(other).ok_or_else(|| E::invalid_value(de::Unexpected::Str(other), &self)),
        }
    }
}

impl<'de> Deserialize<'de> for Required {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flag = |required| if required { Self::Signup } else { Self::No };
        let text = |text: &str| (text == "signin").then_some(Self::Signin);
        deserializer.deserialize_any(FlagOr("true, false or \"signin\"", flag, text))
    }
}

impl<'de> Deserialize<'de> for Claim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flag = |claim| if claim { Self::Yes } else { Self::No };
        let text = |text: &str| Some(Self::As(text.to_owned()));
        deserializer.deserialize_any(FlagOr("true, false or the name of the claim", flag, text))
    }
}

struct AnyLimit;

impl Visitor<'_> for AnyLimit {
    type Value = Limit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or a date such as \"2000-01-31\"")
    }

    fn visit_i64<E>(self, number: i64) -> Result<Limit, E> {
        Ok(Limit::Number(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Limit, E> {
        let finite = Number::from_f64(number).map(Limit::Number);
        finite.ok_or_else(|| E::invalid_value(de::Unexpected::Float(number), &self))
    }

    fn visit_str<E>(self, text: &str) -> Result<Limit, E> {
        Ok(text.parse().map_or_else(|_| Limit::Text(text.to_owned()), Limit::Number))
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyLimit)
    }
}

struct AnyWords;

impl<'de> Visitor<'de> for AnyWords {
    type Value = Words;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or texts by language such as { en = \"Birthday\", de = \"Geburtstag\" }")
    }

    fn visit_str<E>(self, text: &str) -> Result<Words, E> {
        Ok(Words::One(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Words, A::Error> {
        Deserialize::deserialize(MapAccessDeserializer::new(map)).map(Words::By)
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyWords)
    }
}
