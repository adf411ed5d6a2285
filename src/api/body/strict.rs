//! JSON as strictly as it can be read: no key twice, no control characters, no depth and no lists without
//! end (R102, R103). Errors never quote what was sent.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::base::typed;

/// How deep objects and lists may lie in each other.
const DEPTH: usize = 32;
/// How many items a list or an object may have.
const ITEMS: usize = 1_000;

/// Reads one JSON object.
///
/// # Errors
/// What is wrong, in words that are safe to send back.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the body is not UTF-8")?;
    if text.starts_with('\u{feff}') {
        return Err("the body begins with a byte order mark");
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let value = Any(0).deserialize(&mut json).map_err(|error| known(&error.to_string()))?;
    json.end().map_err(|_| "there is something behind the JSON object")?;
    match value {
        Value::Object(map) => Ok(map),
        _ => Err("the body must be a JSON object"),
    }
}

const KNOWN: [&str; 4] = [
    "a key stands twice in one object",
    "a text holds control characters",
    "the body is nested too deeply",
    "a list or an object has too many items",
];

/// One of our own sentences, or the general one: the parser's may quote the body.
fn known(error: &str) -> &'static str {
    KNOWN.into_iter().find(|sentence| error.starts_with(sentence)).unwrap_or("the body is not valid JSON")
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
                return Err(de::Error::custom(KNOWN[0]));
            }
            few(map.len())?;
        }
        Ok(Value::Object(map))
    }
}

impl Any {
    fn inside<E: de::Error>(&self) -> Result<Self, E> {
        if self.0 == DEPTH { Err(E::custom(KNOWN[2])) } else { Ok(Self(self.0 + 1)) }
    }
}

fn text<E: de::Error>(value: &str) -> Result<(), E> {
    if value.chars().any(char::is_control) { Err(E::custom(KNOWN[1])) } else { Ok(()) }
}

fn few<E: de::Error>(items: usize) -> Result<(), E> {
    if items > ITEMS { Err(E::custom(KNOWN[3])) } else { Ok(()) }
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
        let cases: &[(&[u8], &str)] = &[
            (br#"{"a":"secret","a":"secret"}"#, KNOWN[0]),
            (br#"{"profile":{"a":1,"a":2}}"#, KNOWN[0]),
            (b"{\"a\":\"secret\\u0000\"}", KNOWN[1]),
            (b"{\"a\":\"secret\\u0085\"}", KNOWN[1]),
            (b"{\"a\":\"sec\\nret\"}", KNOWN[1]),
            (b"{\"a\\n\":\"secret\"}", KNOWN[1]),
            (deep.as_bytes(), KNOWN[2]),
            (long.as_bytes(), KNOWN[3]),
            (br#"{"a":"\ud800"}"#, "the body is not valid JSON"),
            (b"{\"a\":\"\xff\"}", "the body is not UTF-8"),
            ("\u{feff}{}".as_bytes(), "the body begins with a byte order mark"),
            (br#"{"a":1e309}"#, "the body is not valid JSON"),
            (br#"{"a":NaN}"#, "the body is not valid JSON"),
            (br#"["secret"]"#, "the body must be a JSON object"),
            (br#"{} {}"#, "there is something behind the JSON object"),
            (b"", "the body is not valid JSON"),
        ];
        for (body, expected) in cases {
            assert_eq!(object(body).unwrap_err(), *expected, "{}", String::from_utf8_lossy(body));
        }
    }
}
