//! The published JSON Schema is that of the types. `UPDATE=1` writes it anew.

use std::path::Path;

#[test]
fn the_published_schema_is_that_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/policy.schema.json");
    let schema = format!("{:#}\n", ringfence_policy::schema());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == schema, "run UPDATE=1 cargo test -p ringfence-policy --test schema");
}

#[test]
fn every_block_and_key_of_the_schema_says_what_it_is_for() {
    let schema = ringfence_policy::schema();
    let blocks = schema["$defs"].as_object().unwrap();
    for (name, block) in blocks.iter().filter(|(_, block)| block["properties"].is_object()) {
        for (key, value) in block["properties"].as_object().unwrap() {
            assert!(value["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}.{key}");
        }
    }
}
