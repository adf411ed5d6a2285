//! The profile as it is answered: whatever the operator declared.

use std::borrow::Cow;

use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde_json::{Map, Value};

use super::slot;
use crate::settings::Who;
use crate::users::profile;
use crate::users::rules::ProfileRules;

/// A profile. Its schema follows the settings.
pub struct Profile(Map<String, Value>);

impl Profile {
    /// What the user themselves may see of a stored profile.
    pub fn shown(rules: &ProfileRules, stored: &str) -> Self {
        Self(rules.shown(Who::User, &profile::stored(stored)))
    }
}

impl Type for Profile {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "Profile".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference("Profile".into())
    }

    fn register(registry: &mut Registry) {
        slot::register(registry, "Profile");
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for Profile {
    fn to_json(&self) -> Option<Value> {
        Some(Value::Object(self.0.clone()))
    }
}

impl ParseFromJSON for Profile {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::Object(map)) => Ok(Self(map)),
            _ => Err(ParseError::custom("a profile is an object")),
        }
    }
}
