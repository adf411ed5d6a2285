//! JSON as strictly as it can be read: no key twice, no control characters, no depth and no lists without
//! end (R102, R103). Errors never quote what was sent.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::base::{Detail, typed};

/// How deep objects and lists may lie in each other.
const DEPTH: usize = 32;
/// How many items a list or an object may have.
const ITEMS: usize = 1_000;

/// Reads one JSON object.
///
/// # Errors
/// What is wrong, in words that are safe to send back.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, Detail> {
    let text = std::str::from_utf8(bytes).map_err(|_| Detail::NotUtf8)?;
    if text.starts_with('\u{feff}') {
        return Err(Detail::ByteOrderMark);
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let value = Any(0).deserialize(&mut json).map_err(|error| known(&error.to_string()))?;
    json.end().map_err(|_| Detail::MoreBehind)?;
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(Detail::NoObject),
    }
}

const KNOWN: [Detail; 4] =
    [Detail::KeyTwice, Detail::ControlCharacters, Detail::TooDeep, Detail::TooManyItems];

/// One of our own sentences, or the general one: the parser's may quote the body.
fn known(error: &str) -> Detail {
    KNOWN.into_iter().find(|detail| error.starts_with(&detail.to_string())).unwrap_or(Detail::NotJson)
}

struct Any(usize);

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    /// Line ends and tabs around a text were pasted with it; no text has such in it, so that none is lost.
    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        let value = typed::pasted(value);
        text(value).map(|()| Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.inside()?)? {
            list.push(item);
            few(list.len())?;
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            text(&key)?;
            let value = entries.next_value_seed(self.inside()?)?;
            if map.insert(key, value).is_some() {
                return Err(de::Error::custom(Detail::KeyTwice));
            }
            few(map.len())?;
        }
        Ok(Value::Object(map))
    }
}

impl Any {
    fn inside<E: de::Error>(&self) -> Result<Self, E> {
        if self.0 == DEPTH { Err(E::custom(Detail::TooDeep)) } else { Ok(Self(self.0 + 1)) }
    }
}

fn text<E: de::Error>(value: &str) -> Result<(), E> {
    if value.chars().any(char::is_control) { Err(E::custom(Detail::ControlCharacters)) } else { Ok(()) }
}

fn few<E: de::Error>(items: usize) -> Result<(), E> {
    if items > ITEMS { Err(E::custom(Detail::TooManyItems)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read() {
        let map = object(br#" {"a": "x", "b": [1, true, null, {"c": 1.5}]} "#).unwrap();
        assert_eq!(map["a"], "x");
        assert_eq!(map["b"][3]["c"], 1.5);
        let pasted = object(br#"{"a": "123 456\r\n", "b": "\t x \n", "c": "\n"}"#).unwrap();
        assert_eq!(
            (&pasted["a"], &pasted["b"], &pasted["c"]),
            (&"123 456".into(), &" x ".into(), &"".into())
        );
    }

    #[test]
    fn hostile_bodies_are_refused_without_being_quoted() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
        let long = format!("{{\"a\":[{}1]}}", "1,".repeat(1_000));
        let cases: &[(&[u8], Detail)] = &[
            (br#"{"a":"secret","a":"secret"}"#, Detail::KeyTwice),
            (br#"{"profile":{"a":1,"a":2}}"#, Detail::KeyTwice),
            (b"{\"a\":\"secret\\u0000\"}", Detail::ControlCharacters),
            (b"{\"a\":\"secret\\u0085\"}", Detail::ControlCharacters),
            (b"{\"a\":\"sec\\nret\"}", Detail::ControlCharacters),
            (b"{\"a\\n\":\"secret\"}", Detail::ControlCharacters),
            (deep.as_bytes(), Detail::TooDeep),
            (long.as_bytes(), Detail::TooManyItems),
            (br#"{"a":"\ud800"}"#, Detail::NotJson),
            (b"{\"a\":\"\xff\"}", Detail::NotUtf8),
            ("\u{feff}{}".as_bytes(), Detail::ByteOrderMark),
            (br#"{"a":1e309}"#, Detail::NotJson),
            (br#"{"a":NaN}"#, Detail::NotJson),
            (br#"["secret"]"#, Detail::NoObject),
            (br#"{} {}"#, Detail::MoreBehind),
            (b"", Detail::NotJson),
        ];
        for (body, expected) in cases {
            assert_eq!(object(body).unwrap_err(), *expected, "{}", String::from_utf8_lossy(body));
        }
    }
}
