//! Lets serde read a [`Node`]. Text of the environment becomes what the field asks for.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor};

use super::parse::{env_list, env_table};
use super::{Error, Node, Value};

macro_rules! from_text {
    ($($method:ident $visit:ident $number:ty)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let Value::Env(text) = &self.value else { return self.deserialize_any(visitor) };
            match text.trim().parse::<$number>() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(Error::invalid_value(Unexpected::Str(text), &visitor)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Table(table) => {
                let there = table.into_iter().filter(|(_, node)| !node.is_gone());
                visitor.visit_map(MapDeserializer::new(there))
            }
            Value::List(list) => {
                let there = list.into_iter().filter(|node| !node.is_gone());
                visitor.visit_seq(SeqDeserializer::new(there))
            }
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::Integer(number) => visitor.visit_i64(number),
            Value::Float(number) => visitor.visit_f64(number),
            Value::Text(text) | Value::Env(text) => visitor.visit_string(text),
            Value::Gone => visitor.visit_unit(),
        }
    }

    from_text! {
        deserialize_bool visit_bool bool
        deserialize_u8 visit_u64 u64
        deserialize_u16 visit_u64 u64
        deserialize_u32 visit_u64 u64
        deserialize_u64 visit_u64 u64
        deserialize_i64 visit_i64 i64
        deserialize_f64 visit_f64 f64
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        if let Value::Env(text) = &self.value {
            self.value = Value::List(env_list(text, &self.place).map_err(Error::custom)?);
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        if let Value::Env(text) = &self.value {
            self.value = Value::Table(env_table(text, &self.place).map_err(Error::custom)?);
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.value {
            Value::Text(text) | Value::Env(text) => {
                de::value::StringDeserializer::new(text).deserialize_enum(name, variants, visitor)
            }
            _ => Err(Error::custom(format!("must be one of {}", variants.join(", ")))),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u128 f32 char str string bytes byte_buf unit unit_struct tuple tuple_struct
        identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
