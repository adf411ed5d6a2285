//! A place in the document for a schema that follows the settings.

use poem_openapi::registry::MetaSchema;
use poem_openapi::registry::Registry;

/// Leaves a place for a schema that [`super::document`](mod@super::document) fills.
pub(in crate::api) fn register(registry: &mut Registry, name: &str) {
    registry.schemas.entry(name.to_owned()).or_insert_with(|| MetaSchema::new("object"));
}
