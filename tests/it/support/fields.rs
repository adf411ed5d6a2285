//! Fields of the profile, as an operator writes them.

use std::collections::BTreeMap;
use std::path::Path;

use multauth::settings::{self, Field, Settings};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fields {
    fields: BTreeMap<String, Field>,
}

/// Adds the fields of a `[user]` section, written as TOML: `[fields.NAME]`.
pub fn declare(settings: &mut Settings, text: &str) {
    let declared: Fields = toml::from_str(text).unwrap();
    settings.user.fields.extend(declared.fields);
}

/// Twelve fields of all types.
pub fn twelve(settings: &mut Settings) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/twelve_fields.toml");
    let loaded =
        settings::load(Some(&file), std::iter::empty()).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    settings.user = loaded.settings.user;
    assert_eq!(settings.user.fields.len(), 12);
}
