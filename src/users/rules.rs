//! What the fields of the settings mean: their schemas compiled once, and every question about a profile.

use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization;

use super::faults::{self, fault};
use super::shape;
use crate::base::{Fault, Mistake, Wrong};
use crate::settings::{Field, FieldType, Required, User, Who};

/// Bytes of a profile at most, as JSON.
pub const LARGEST: usize = 16 * 1_024;

/// So many faults end the search for more.
const FAULTS: usize = 100;

/// The rules of the profile.
pub struct ProfileRules(Vec<Rule>);

/// One field and what it means.
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Its settings.
    pub field: Field,
    /// Its JSON Schema (2020-12).
    pub schema: Value,
    validator: Validator,
}

/// When something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// At sign-up.
    Signup,
    /// At any later sign-in.
    Signin,
}

impl ProfileRules {
    /// Compiles the fields.
    ///
    /// # Errors
    /// Every pattern and schema that cannot be compiled, and every default that its own field would refuse.
    pub fn read(user: &User) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut rules = Vec::new();
        for (name, field) in user.fields.iter().filter(|(_, field)| !field.off) {
            match Rule::read(name, field) {
                Ok(rule) => rules.push(rule),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if mistakes.is_empty() { Ok(Self(rules)) } else { Err(mistakes) }
    }

    /// The fields, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }

    /// The field of that name.
    pub fn get(&self, name: &str) -> Option<&Rule> {
        self.0.iter().find(|rule| rule.name == name)
    }

    /// Checks what `who` gave and brings it into the form that is stored; `null` takes a field away.
    ///
    /// # Errors
    /// Every wrong field at once, until there are 100 faults.
    pub fn check(&self, who: Who, given: &Map<String, Value>) -> Result<Map<String, Value>, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut good = Map::new();
        for (name, value) in given {
            // Whoever sends thousands of fields learns enough from the first ones.
            if faults.len() >= FAULTS {
                break;
            }
            match self.one(who, name, value) {
                Ok(value) => drop(good.insert(name.clone(), value)),
                Err(more) => faults.extend(more),
            }
        }
        if faults.is_empty() { Ok(good) } else { Err(faults) }
    }

    fn one(&self, who: Who, name: &str, value: &Value) -> Result<Value, Vec<Fault>> {
        let Some(rule) = self.get(name) else {
            let open = self.iter().filter(|rule| rule.field.writes(who)).map(|rule| rule.name.as_str());
            let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            let names = open.collect::<Vec<_>>().join(", ");
            return Err(vec![fault(&shown, Wrong::UnknownProfileField { names })]);
        };
        if !rule.field.writes(who) {
            return Err(vec![fault(name, Wrong::ReadOnly)]);
        }
        if value.is_null() {
            let kept = rule.field.required != Required::No;
            return if kept && who == Who::User {
                Err(vec![fault(name, Wrong::MissingKept)])
            } else {
                Ok(Value::Null)
            };
        }
        let value = rule.normal(value);
        let faults = rule.faults(&value);
        if faults.is_empty() { Ok(value) } else { Err(faults) }
    }

    /// The fields that `profile` lacks at that moment: absent, or of a form that does not fit any more.
    pub fn lacking(&self, profile: &Map<String, Value>, moment: Moment) -> Vec<&Rule> {
        let asked = |rule: &&Rule| match rule.field.required {
            Required::No => false,
            Required::Signup => true,
            Required::Signin => moment == Moment::Signin,
        };
        let absent = |rule: &&Rule| {
            profile
                .get(&rule.name)
                .is_none_or(|value| value.is_null() || !rule.faults(&rule.normal(value)).is_empty())
        };
        self.iter().filter(asked).filter(absent).collect()
    }

    /// Gives `profile` the default of every field that it lacks.
    pub fn fill(&self, profile: &mut Map<String, Value>) {
        for rule in self.iter().filter(|rule| !profile.contains_key(&rule.name)).collect::<Vec<_>>() {
            if let Some(default) = &rule.field.default {
                profile.insert(rule.name.clone(), rule.normal(default));
            }
        }
    }

    /// What `who` is shown of a stored profile: declared fields that they may read and whose value fits, defaults
    /// where there is none.
    pub fn shown(&self, who: Who, stored: &Map<String, Value>) -> Map<String, Value> {
        self.readable(stored, |rule| rule.field.reads(who))
    }

    /// The fields of a stored profile that `which` names, as far as their values fit.
    pub(super) fn readable(
        &self,
        stored: &Map<String, Value>,
        which: impl Fn(&Rule) -> bool,
    ) -> Map<String, Value> {
        let one = |rule: &Rule| {
            let kept = stored
                .get(&rule.name)
                .map(|value| rule.normal(value))
                .filter(|value| rule.faults(value).is_empty());
            let value = kept.or_else(|| rule.field.default.as_ref().map(|value| rule.normal(value)))?;
            Some((rule.name.clone(), value))
        };
        self.iter().filter(|rule| which(rule)).filter_map(one).collect()
    }

    /// What does not fit in a stored profile: fields that are declared no more, values that their fields would
    /// refuse now, and what is required and absent.
    pub fn unfit(&self, stored: &Map<String, Value>) -> Vec<Fault> {
        let mut found = Vec::new();
        for (name, value) in stored {
            match self.get(name) {
                None => found.push(fault(name, Wrong::GoneProfileField)),
                Some(rule) => found.extend(rule.faults(&rule.normal(value))),
            }
        }
        let absent =
            self.lacking(stored, Moment::Signin).into_iter().filter(|rule| !stored.contains_key(&rule.name));
        found.extend(absent.map(Rule::missing));
        found
    }

    /// The unique fields among `values`, each with the form by which two of them are the same. A value that is
    /// `null` is none.
    pub fn unique<'a>(
        &'a self,
        values: &'a Map<String, Value>,
    ) -> impl Iterator<Item = (&'a str, Option<String>)> {
        let unique = self.iter().filter(|rule| rule.field.unique);
        unique.filter_map(|rule| values.get(&rule.name).map(|value| (rule.name.as_str(), canonical(value))))
    }
}

impl Rule {
    fn read(name: &str, field: &Field) -> Result<Self, Mistake> {
        let path = format!("user.fields.{name}");
        let patterns = [
            (format!("{path}.pattern"), field.pattern.as_ref()),
            (format!("{path}.items.pattern"), field.items.as_ref().and_then(|items| items.pattern.as_ref())),
        ];
        for (path, pattern) in patterns {
            let alone = |pattern: &String| compile(&json!({ "type": "string", "pattern": pattern })).is_ok();
            if !pattern.is_none_or(alone) {
                let message =
                    "is no regular expression that runs in linear time: no look-around, no backreferences";
                return Err(Mistake::new(path, message));
            }
        }
        if field.schema.is_some() && !field.object_schema().is_some_and(|schema| schema.is_object()) {
            let message = "must be a JSON Schema: a table, or a JSON object in a text";
            return Err(Mistake::new(format!("{path}.schema"), message));
        }
        let root = field.object_schema().and_then(|schema| schema.get("type").cloned());
        if let Some(root) = root.filter(|root| root != "object") {
            let message = format!(
                "has the type {root}, and a field of type = \"object\" holds one: write \"object\", or nothing"
            );
            return Err(Mistake::new(format!("{path}.schema"), message));
        }
        let schema = shape::schema(field);
        let validator = compile(&schema).map_err(|error| {
            let (key, place) = if field.kind == FieldType::Object { (".schema", error.instance_path().as_str()) } else { ("", "") };
            let place = if place.is_empty() { String::new() } else { format!(" at {place}") };
            let message = format!(
                "is no JSON Schema that can be used ({}{place}); references go within it alone, and patterns run in linear time",
                error.kind().keyword()
            );
            Mistake::new(format!("{path}{key}"), message)
        })?;
        let rule = Self { name: name.to_owned(), field: field.clone(), schema, validator };
        let unfit =
            field.default.as_ref().and_then(|default| rule.faults(&rule.normal(default)).into_iter().next());
        match unfit {
            Some(fault) => Err(Mistake::new(
                format!("{path}.default"),
                format!("{}, as the field itself says", fault.message),
            )),
            None => Ok(rule),
        }
    }

    /// The fault of its absence.
    pub fn missing(&self) -> Fault {
        fault(&self.name, Wrong::Missing)
    }

    /// What is wrong with a value.
    pub(super) fn faults(&self, value: &Value) -> Vec<Fault> {
        if self.validator.is_valid(value) {
            return self.wrong_days(value);
        }
        faults::of(&self.name, &self.field, self.validator.iter_errors(value))
    }

    /// Dates in this form compare as texts do.
    fn wrong_days(&self, value: &Value) -> Vec<Fault> {
        let Some((first, last)) = shape::days(&self.field) else { return Vec::new() };
        let one = |name: &str, value: &Value| match value.as_str() {
            Some(day) if day < first => Some(fault(name, Wrong::TooEarly { first: first.to_owned() })),
            Some(day) if day > last => Some(fault(name, Wrong::TooLate { last: last.to_owned() })),
            _ => None,
        };
        match value {
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.filter_map(|(n, item)| one(&format!("{}.{n}", self.name), item)).collect()
            }
            other => one(&self.name, other).into_iter().collect(),
        }
    }

    /// A value in the form that is stored: a whole number is written without a fraction, whoever sent it.
    pub(super) fn normal(&self, value: &Value) -> Value {
        let whole = |value: &Value| match value.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and within what an f64 has exactly")]
            Some(number)
                if !value.is_i64() && number.fract() == 0.0 && number.abs() <= shape::EXACT as f64 =>
            {
                json!(number as i64)
            }
            _ => value.clone(),
        };
        match (self.field.kind, value) {
            (FieldType::Integer, value) => whole(value),
            (FieldType::List, Value::Array(items))
                if self.field.items.as_ref().is_some_and(|items| items.kind == FieldType::Integer) =>
            {
                items.iter().map(whole).collect()
            }
            (_, value) => value.clone(),
        }
    }
}

/// A schema, compiled: patterns in linear time, formats checked, nothing fetched.
fn compile(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
    options.should_validate_formats(true).offline().build(schema)
}

/// The form by which two values are the same; none for `null`.
fn canonical(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.nfc().collect()),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some("0".to_owned()),
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && number.is_f64() => Some(format!("{float:.0}")),
            _ => Some(number.to_string()),
        },
        other => Some(other.to_string()),
    }
}
