//! Tables of the language, each defined once: [`block!`] makes the struct, the reading, the errors
//! and the JSON Schema of the same keys, so that none of them can say what the others do not.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;

use super::read::Key;
#[cfg(test)]
use super::read::{Field, Open, Reader};

/// Makes the schema of a table of its keys. `fields` has the schema of each.
pub(super) fn table_schema(about: &[&str], keys: &[Key], fields: Vec<(&'static str, Schema)>) -> Schema {
    let mut properties = serde_json::Map::new();
    for (name, mut schema) in fields {
        let Some(key) = keys.iter().find(|key| key.name == name) else { continue };
        let object = schema.ensure_object();
        object.insert("description".to_owned(), Json::String(paragraph(key.about)));
        if let Some(example) = json_example(key) {
            object.insert("examples".to_owned(), Json::Array(vec![example]));
        }
        properties.insert(name.to_owned(), schema.to_value());
    }
    let required: Vec<&str> = keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
    let mut schema = json_schema!({
        "type": "object",
        "description": paragraph(about),
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    schema
}

fn json_example(key: &Key) -> Option<Json> {
    let table: toml::Table = toml::from_str(&format!("example = {}", key.example)).ok()?;
    serde_json::to_value(table.get("example")?).ok()
}

fn paragraph(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// Returns the schema of a type under its name, so that it is written once.
pub(super) fn reference<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Defines a table of the language: its keys with their types, what each is for and an example.
macro_rules! block {
    (
        $(#[doc = $about:literal])*
        $name:ident $(: $derived:ident)? = $expected:literal {
            $( $(#[doc = $doc:literal])* $key:ident: $field:ty = $example:literal, )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone $(, $derived)?)]
        pub(crate) struct $name {
            $( $(#[doc = $doc])* pub(crate) $key: $field, )*
        }

        impl $name {
            pub(crate) const KEYS: &'static [$crate::language::read::Key] = &[
                $( $crate::language::read::Key {
                    name: $crate::language::block::key_name(stringify!($key)),
                    about: &[$($doc),*],
                    example: $example,
                    is_required: <$field as $crate::language::read::Field>::IS_REQUIRED,
                }, )*
            ];

            /// Returns what is wrong with the examples of the keys.
            #[cfg(test)]
            pub(super) fn wrong_examples() -> Vec<String> {
                let mut keys = Self::KEYS.iter();
                [$( keys.next().map(|key| {
                    $crate::language::block::wrong_example::<$field>(stringify!($name), key)
                }).unwrap_or_default(), )*].concat()
            }
        }

        impl $crate::language::read::Read for $name {
            fn expected() -> std::borrow::Cow<'static, str> {
                $expected.into()
            }

            fn read(
                value: &toml::Spanned<toml::de::DeValue<'_>>,
                reader: &mut $crate::language::read::Reader<'_>,
            ) -> Option<Self> {
                use $crate::language::read::Field;
                let open = reader.enter::<Self>(value, Self::KEYS)?;
                let mut keys = Self::KEYS.iter();
                $( let $key = keys.next().and_then(|key| {
                    <$field as Field>::field(&open, key, reader)
                }); )*
                Some(Self { $( $key: $key?, )* })
            }

            fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::language::block::reference::<Self>(generator)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let fields = [$( (
                    $crate::language::block::key_name(stringify!($key)),
                    <$field as $crate::language::read::Field>::schema(generator),
                ), )*];
                $crate::language::block::table_schema(&[$($about),*], Self::KEYS, Vec::from(fields))
            }
        }
    };
}
pub(super) use block;

/// Returns a key's name as it is written: `r#match` is `match`.
pub(super) const fn key_name(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// Reads the example of a key.
#[cfg(test)]
pub(super) fn wrong_example<F: Field>(block: &str, key: &Key) -> Vec<String> {
    let text = format!("{} = {}", key.name, key.example);
    let file = super::file::File::new(block, text.as_str());
    let mut report = super::diagnostic::Report::default();
    let table = toml::de::DeTable::parse(&text).expect("an example is TOML");
    let keys: &'static [Key] = Box::leak(Box::new([*key]));
    let open = Open::of(table.get_ref(), keys);
    F::field(&open, key, &mut Reader::new(0, &mut report, &[]));
    report.diagnostics(&[file]).iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_a_word_of_rust_has_its_own_name() {
        assert_eq!(key_name("r#match"), "match");
        assert_eq!(key_name("region"), "region");
    }
}
