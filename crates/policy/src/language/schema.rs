//! The JSON Schema of the language, made of the types that read it.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

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
    let mut schema = schema.to_value();
    tidy(&mut schema);
    if let Some(Value::Array(arrivals)) = schema.pointer_mut("/$defs/Arrival/oneOf") {
        // The derived schema does not know the other word for it.
        let words =
            json!({ "const": "not_registrar", "type": "string", "description": "The same as `anyone`." });
        arrivals.push(words);
    }
    schema
}

/// Takes `null` away, which TOML does not have, and examples in Rust, which nobody wants to see there.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(object) => {
            if let Some(Value::Array(kinds)) = object.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                if let [only] = &kinds[..] {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
                choices.retain(|choice| choice["type"] != "null");
            }
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
            if let Some(Value::String(text)) = object.get_mut("description") {
                text.truncate(text.find("\n\n```").unwrap_or(text.len()));
                *text = text.replace('\n', " ");
            }
            object.values_mut().for_each(tidy);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
