//! What contradicts itself in `[user.fields.NAME]`. What only a compiler can judge (patterns, schemas, defaults) is
//! checked where the profile's rules are made.

use jiff::civil::Date;

use super::field::{Claim, FieldType, Items, Limit, Required, Who, Words};
use crate::settings::Field;
use crate::settings::check::Checks;

/// The keys that some types have and others do not, as a field or an item has them.
struct Shape<'a> {
    kind: FieldType,
    min_length: Option<u32>,
    max_length: Option<u32>,
    minimum: Option<&'a Limit>,
    maximum: Option<&'a Limit>,
    values: Option<&'a [String]>,
    /// Every such key, and whether it was written.
    keys: Vec<(&'static str, bool)>,
}

/// The keys of a type beside those that every field has.
const fn own_keys(kind: FieldType) -> &'static [&'static str] {
    match kind {
        FieldType::String => &["min_length", "max_length", "pattern"],
        FieldType::Integer | FieldType::Number | FieldType::Date => &["minimum", "maximum"],
        FieldType::Boolean => &[],
        FieldType::Enum => &["values"],
        FieldType::List => &["items", "min_items", "max_items"],
        FieldType::Object => &["schema"],
    }
}

/// Claims that a token has already, that are registered (RFC 7519, RFC 9068, OpenID Connect), or that would pass
/// for an address somebody proved.
pub const RESERVED_CLAIMS: &[&str] = &[
    "iss",
    "aud",
    "sub",
    "exp",
    "iat",
    "nbf",
    "jti",
    "sid",
    "acr",
    "amr",
    "auth_time",
    "azp",
    "nonce",
    "typ",
    "cty",
    "alg",
    "kid",
    "cnf",
    "act",
    "may_act",
    "scope",
    "scp",
    "client_id",
    "groups",
    "roles",
    "entitlements",
    "events",
    "toe",
    "txn",
    "vot",
    "vtm",
    "at_hash",
    "c_hash",
    "s_hash",
    "sub_jwk",
    "active",
    "token_type",
    "username",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "preferred_username",
    "authorization_details",
];

pub(in crate::settings) fn field(field: &Field, name: &str, path: &str, checks: &mut Checks) {
    let keys = vec![
        ("min_length", field.min_length.is_some()),
        ("max_length", field.max_length.is_some()),
        ("pattern", field.pattern.is_some()),
        ("minimum", field.minimum.is_some()),
        ("maximum", field.maximum.is_some()),
        ("values", field.values.is_some()),
        ("items", field.items.is_some()),
        ("min_items", field.min_items.is_some()),
        ("max_items", field.max_items.is_some()),
        ("schema", field.schema.is_some()),
    ];
    let shape = Shape {
        kind: field.kind,
        min_length: field.min_length,
        max_length: field.max_length,
        minimum: field.minimum.as_ref(),
        maximum: field.maximum.as_ref(),
        values: field.values.as_deref(),
        keys,
    };
    shape.check(path, checks);
    list(field, path, checks);
    asked(field, path, checks);
    unique(field, path, checks);
    claim(field, name, path, checks);
    for (key, words, most) in [("label", &field.label, 100), ("help", &field.help, 1_000)] {
        if let Some(words) = words {
            self::words(words, &format!("{path}.{key}"), most, checks);
        }
    }
}

fn list(field: &Field, path: &str, checks: &mut Checks) {
    if let Some(most) = field.max_items {
        checks.within(&format!("{path}.max_items"), most, 1..=1_000);
    }
    if let Some(least) = field.min_items {
        let most = field.most_items();
        checks.must(
            least <= most,
            &format!("{path}.min_items"),
            format!("must not be above max_items, {most}"),
        );
    }
    let Some(items) = field.items.as_ref().filter(|_| field.kind == FieldType::List) else { return };
    let path = format!("{path}.items");
    if matches!(items.kind, FieldType::List | FieldType::Object) {
        let message =
            "an item cannot be a list or an object; take type = \"object\" and a schema for the field itself";
        return checks.wrong(format!("{path}.type"), message);
    }
    item(items).check(&path, checks);
}

fn item(items: &Items) -> Shape<'_> {
    let keys = vec![
        ("min_length", items.min_length.is_some()),
        ("max_length", items.max_length.is_some()),
        ("pattern", items.pattern.is_some()),
        ("minimum", items.minimum.is_some()),
        ("maximum", items.maximum.is_some()),
        ("values", items.values.is_some()),
    ];
    Shape {
        kind: items.kind,
        min_length: items.min_length,
        max_length: items.max_length,
        minimum: items.minimum.as_ref(),
        maximum: items.maximum.as_ref(),
        values: items.values.as_deref(),
        keys,
    }
}

impl Shape<'_> {
    fn check(&self, path: &str, checks: &mut Checks) {
        let (name, own) = (self.kind.name(), own_keys(self.kind));
        let takes = if own.is_empty() { "none of its kind".to_owned() } else { own.join(", ") };
        for (key, written) in &self.keys {
            if *written && !own.contains(key) {
                let message =
                    format!("does not go with type = \"{name}\", which takes {takes}; take it away");
                checks.wrong(format!("{path}.{key}"), message);
            }
        }
        let needed = [(FieldType::Enum, "values"), (FieldType::List, "items"), (FieldType::Object, "schema")];
        for (kind, key) in needed {
            let written = self.keys.iter().any(|(name, written)| *name == key && *written);
            checks.must(
                self.kind != kind || written,
                path,
                format!("`{key}` is missing: type = \"{name}\" needs it"),
            );
        }
        match self.kind {
            FieldType::String => self.lengths(path, checks),
            FieldType::Integer | FieldType::Number | FieldType::Date => self.limits(path, checks),
            FieldType::Enum => self.choices(path, checks),
            _ => {}
        }
    }

    fn lengths(&self, path: &str, checks: &mut Checks) {
        if let Some(most) = self.max_length {
            checks.within(&format!("{path}.max_length"), most, 1..=10_000);
        }
        let most = self.max_length.unwrap_or(super::field::LONGEST);
        let sound = self.min_length.is_none_or(|least| least <= most);
        checks.must(sound, &format!("{path}.min_length"), format!("must not be above max_length, {most}"));
    }

    fn limits(&self, path: &str, checks: &mut Checks) {
        for (key, limit) in [("minimum", self.minimum), ("maximum", self.maximum)] {
            let (sound, wanted) = match (self.kind, limit) {
                (_, None) => continue,
                (FieldType::Integer, Some(limit)) => {
                    (matches!(limit, Limit::Number(n) if n.is_i64()), "a whole number")
                }
                (FieldType::Number, Some(limit)) => (matches!(limit, Limit::Number(_)), "a number"),
                (_, Some(limit)) => {
                    (matches!(limit, Limit::Text(text) if is_date(text)), "a date such as \"2000-01-31\"")
                }
            };
            checks.must(sound, &format!("{path}.{key}"), format!("must be {wanted}"));
        }
        let crossed = match (self.minimum, self.maximum) {
            (Some(Limit::Number(least)), Some(Limit::Number(most))) => {
                match (least.as_i64(), most.as_i64()) {
                    (Some(least), Some(most)) => least > most,
                    _ => least.as_f64() > most.as_f64(),
                }
            }
            (Some(Limit::Text(least)), Some(Limit::Text(most))) => least > most,
            _ => false,
        };
        checks.must(!crossed, &format!("{path}.minimum"), "must not be above maximum");
    }

    fn choices(&self, path: &str, checks: &mut Checks) {
        let path = format!("{path}.values");
        let Some(values) = self.values else { return };
        checks.must((1..=500).contains(&values.len()), &path, "must be from 1 to 500 texts");
        for (n, value) in values.iter().enumerate() {
            let path = format!("{path}[{n}]");
            let length = value.chars().count();
            let plain = (1..=100).contains(&length) && !value.chars().any(char::is_control);
            checks.must(plain, &path, "must be 1 to 100 characters, none of them a control character");
            checks.must(!values[..n].contains(value), &path, "stands there twice; take one away");
        }
    }
}

/// `YYYY-MM-DD`, from the year 1 on.
fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<Date>().is_ok_and(|date| date.year() >= 1 && date.to_string() == text)
}

fn asked(field: &Field, path: &str, checks: &mut Checks) {
    if field.required == Required::No {
        return;
    }
    let path = format!("{path}.required");
    let message = "is asked of users, who may not write it; add \"user\" to write, or say required = false";
    checks.must(field.writes(Who::User), &path, message);
    let message = "a field with a default is never missing; keep one of the two";
    checks.must(field.default.is_none(), &path, message);
}

fn unique(field: &Field, path: &str, checks: &mut Checks) {
    if !field.unique {
        return;
    }
    let path = format!("{path}.unique");
    let (kind, name) = (field.kind, field.kind.name());
    let several = matches!(kind, FieldType::List | FieldType::Object | FieldType::Boolean);
    let message =
        format!("does not go with type = \"{name}\"; take it away, or make the value a field of its own");
    checks.must(!several, &path, message);
    let message = "every account would have the same default, and only one may; keep one of the two";
    checks.must(field.default.is_none(), &path, message);
}

fn claim(field: &Field, name: &str, path: &str, checks: &mut Checks) {
    let Some(claim) = field.claim_name(name) else { return };
    let path = format!("{path}.claim");
    let sound = (1..=200).contains(&claim.len())
        && claim.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:/".contains(&b));
    checks.must(sound, &path, "must be 1 to 200 letters, digits or _ - . : /");
    let other = match field.claim {
        Claim::As(_) => "choose another name",
        _ => "name another, such as claim = \"https://example.com/NAME\"",
    };
    let message =
        format!("tokens have a claim of this name, or readers take it for something proven; {other}");
    checks.must(!RESERVED_CLAIMS.contains(&claim), &path, message);
}

fn words(words: &Words, path: &str, most: usize, checks: &mut Checks) {
    let texts: Vec<(String, &String)> = match words {
        Words::One(text) => vec![(path.to_owned(), text)],
        Words::By(by) => by.iter().map(|(tag, text)| (format!("{path}.{tag}"), text)).collect(),
    };
    checks.must(!texts.is_empty(), path, "must have a text in one language at least");
    for (path, text) in &texts {
        let plain = (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        checks.must(plain, path, format!("must be 1 to {most} characters, none of them a control character"));
    }
    if let Words::By(by) = words {
        for tag in by.keys().filter(|tag| !is_tag(tag)) {
            checks.wrong(
                format!("{path}.{tag}"),
                "must be named by a language tag such as de or zh-Hans (BCP 47)",
            );
        }
    }
}

fn is_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let letters = |p: &str| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic());
    parts.next().is_some_and(letters)
        && tag.len() <= 35
        && parts.all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}
