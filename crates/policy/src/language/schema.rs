//! The JSON Schema of the language, made of the types that read it.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::document::Document;

/// Returns the JSON Schema of a policy file, for editors that complete and check while one writes.
///
/// It tells which keys there are and what their values look like. What names mean, and whether a
/// policy makes sense, only [`Draft::read`](crate::Draft::read) tells.
///
/// ```
/// let schema = ringfence_policy::schema();
/// assert!(schema["properties"]["rule"]["description"].is_string());
/// assert_eq!(schema["additionalProperties"], false);
/// ```
#[must_use]
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>();
    schema.insert("title".to_owned(), "A call screening policy".into());
    schema.to_value()
}
