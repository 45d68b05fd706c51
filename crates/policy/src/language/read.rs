//! Reading a document key by key. What is wrong goes into the report and reading goes on, so that
//! all errors are told at once.
//!
//! A type that can be read says what it expects, and how its JSON Schema looks. [`block!`] makes
//! such a type of a table and its keys: the struct, the reading, the errors and the schema come
//! from one definition, so that none of them can say what the others do not.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, Range};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Report, Span};
use super::near::nearest;

/// A key of a table: its name, what it is for, and an example of its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) about: &'static [&'static str],
    pub(crate) example: &'static str,
    pub(crate) is_required: bool,
}

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

impl<T: fmt::Debug> fmt::Debug for At<T> {
    /// Prints the value alone: where it stands says nothing of what it means.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// What can be read from a value of a document.
pub(crate) trait Read: Sized {
    /// Says what the value is, as an error has it: `a time such as "30s"`.
    fn expected() -> Cow<'static, str>;

    /// Reads a value; what is wrong with it is reported, and then there is none.
    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self>;

    /// Says which values are right.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

/// What can stand behind a key: a value, or a value that may be absent.
pub(crate) trait Field: Sized {
    const IS_REQUIRED: bool;

    fn field(open: &Open<'_>, key: &Key, reader: &mut Reader<'_>) -> Option<Self>;

    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

impl<T: Read> Field for Option<T> {
    const IS_REQUIRED: bool = false;

    fn field(open: &Open<'_>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        Some(open.table.get(key.name).and_then(|value| reader.value(key, value)))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

impl<T: Read> Field for T {
    const IS_REQUIRED: bool = true;

    fn field(open: &Open<'_>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(value) = open.table.get(key.name) else {
            // A key that is there and misspelt is told by itself.
            if !open.misspells(key.name) {
                let message = format!("{} needs `{}`: {}", reader.place(), key.name, T::expected());
                reader.report.error(open.span, message, key.hint());
            }
            return None;
        };
        reader.value(key, value)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

/// Where the reading is.
#[derive(Debug)]
pub(crate) struct Reader<'r> {
    pub(super) file: u16,
    pub(super) report: &'r mut Report,
    /// The keys at the top that belong to the program that reads the policy.
    foreign: &'r [&'r str],
    /// The table, such as `list.family`; empty at the top.
    path: String,
    key: Key,
    depth: usize,
}

impl<'r> Reader<'r> {
    pub(super) fn new(file: u16, report: &'r mut Report, foreign: &'r [&'r str]) -> Self {
        let key = Key { name: "", about: &[], example: "", is_required: false };
        Self { file, report, foreign, path: String::new(), key, depth: 0 }
    }

    pub(super) fn span(&self, bytes: &Range<usize>) -> Span {
        Span::new(self.file, bytes)
    }

    /// Names the table for a message.
    pub(super) fn place(&self) -> String {
        if self.path.is_empty() { "the policy".to_owned() } else { format!("[{}]", self.path) }
    }

    /// Reads the value of a key.
    fn value<T: Read>(&mut self, key: &Key, value: &Spanned<DeValue<'_>>) -> Option<T> {
        let outer = std::mem::replace(&mut self.key, *key);
        let read = match value.get_ref() {
            DeValue::Table(_) | DeValue::Array(_) => self.within(key.name, |reader| T::read(value, reader)),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => T::read(value, self),
        };
        self.key = outer;
        read
    }

    /// Reads something inside a table of its own.
    fn within<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.path.len();
        if outer > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        let value = read(self);
        self.path.truncate(outer);
        value
    }

    /// Reads something that may hold another of its kind. Deeper than [`DEEPEST`] it is refused.
    pub(super) fn nested<T>(&mut self, span: Span, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth == DEEPEST {
            let message = format!("expected at most {DEEPEST} tables inside one another, found more");
            self.report.error(span, message, "take the innermost into a rule of its own");
            return None;
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// Reports a value that is not what its key takes.
    pub(super) fn unfit<T>(&mut self, bytes: &Range<usize>, expected: &str, found: &str) -> Option<T> {
        let hint = self.key.hint();
        let span = self.span(bytes);
        self.report.error(span, format!("expected {expected}, found {found}"), hint);
        None
    }

    /// Opens a table, and reports the keys it has and should not.
    pub(super) fn enter<'a, T: Read>(
        &mut self,
        value: &'a Spanned<DeValue<'a>>,
        keys: &'static [Key],
    ) -> Option<Open<'a>> {
        let DeValue::Table(table) = value.get_ref() else {
            return self.unfit(&value.span(), &T::expected(), &found(value.get_ref()));
        };
        let open = Open { table, keys, span: self.span(&value.span()) };
        let foreign = if self.path.is_empty() { self.foreign } else { &[] };
        for name in table.keys() {
            let written: &str = name.get_ref();
            if open.knows(written) || foreign.contains(&written) {
                continue;
            }
            if self.report.is_full() {
                let span = self.span(&name.span());
                self.report.error(span, "", "");
                continue;
            }
            let hint = match nearest(written, keys.iter().map(|key| key.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", backticked(keys.iter().map(|key| key.name))),
            };
            let message = format!("unknown key `{}` in {}", brief(written), self.place());
            let span = self.span(&name.span());
            self.report.error(span, message, hint);
        }
        Some(open)
    }
}

/// A table that is being read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Open<'a> {
    pub(super) table: &'a DeTable<'a>,
    keys: &'static [Key],
    pub(super) span: Span,
}

impl Open<'_> {
    fn knows(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key.name == name)
    }

    fn misspells(&self, name: &str) -> bool {
        let mut unknown = self.table.keys().filter(|found| !self.knows(found.get_ref()));
        unknown.any(|found| nearest(found.get_ref(), [name]).is_some())
    }
}

/// `when = { not = { not = … } }`: nobody means more of it than that.
const DEEPEST: usize = 16;

impl Key {
    fn hint(&self) -> String {
        if self.example.is_empty() {
            String::new()
        } else {
            format!("for example: {} = {}", self.name, self.example)
        }
    }
}

/// Describes a value, for an error.
pub(super) fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{}\"", brief(text)),
        DeValue::Integer(integer) => format!("the number {}", brief(integer.as_str())),
        DeValue::Float(float) => format!("the number {}", brief(float.as_str())),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(date) => format!("the date {date}"),
        DeValue::Array(array) if array.is_empty() => "an empty array".to_owned(),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// Cuts what a message repeats, which may be a whole file pasted into a string.
pub(crate) fn brief(text: &str) -> String {
    const MOST: usize = 60;
    let mut brief: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        brief.push('…');
    }
    brief
}

/// Writes names one after another, for a hint; of very many only the first.
pub(crate) fn backticked<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 40;
    let mut names: Vec<String> = names.take(MOST + 1).map(|name| format!("`{}`", brief(name))).collect();
    if names.len() > MOST {
        "…".clone_into(&mut names[MOST]);
    }
    names.join(", ")
}

impl<T: Read> Read for At<T> {
    fn expected() -> Cow<'static, str> {
        T::expected()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let span = reader.span(&value.span());
        Some(Self { value: T::read(value, reader)?, span })
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        T::schema(generator)
    }
}

/// One value, or an array of them.
#[derive(Debug, Clone)]
pub(crate) struct Many<T>(Vec<At<T>>);

impl<T> Deref for Many<T> {
    type Target = [At<T>];

    fn deref(&self) -> &[At<T>] {
        &self.0
    }
}

impl<T> Many<T> {
    /// Adds the values of another.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

impl<T: Read> Read for Many<T> {
    fn expected() -> Cow<'static, str> {
        format!("{}, or an array of such", T::expected()).into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::Array(array) = value.get_ref() else {
            return Some(Self(vec![At::<T>::read(value, reader)?]));
        };
        if array.is_empty() {
            return reader.unfit(&value.span(), &Self::expected(), "an empty array");
        }
        let values: Vec<At<T>> = array.iter().filter_map(|value| At::<T>::read(value, reader)).collect();
        // Less than what was written would be another policy.
        (values.len() == array.iter().len()).then_some(Self(values))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let one = T::schema(generator);
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

/// An array, which may be empty; what cannot be read is reported and left out.
#[derive(Debug, Clone)]
pub(crate) struct Items<T>(Vec<At<T>>);

impl<T> Deref for Items<T> {
    type Target = [At<T>];

    fn deref(&self) -> &[At<T>] {
        &self.0
    }
}

impl<T> Items<T> {
    pub(super) fn into_inner(self) -> Vec<At<T>> {
        self.0
    }

    /// Adds the values of another, if there are any.
    pub(super) fn join(items: &mut Option<Self>, other: Option<Self>) {
        match (items.as_mut(), other) {
            (Some(items), Some(other)) => items.0.extend(other.0),
            (None, other) => *items = other,
            (Some(_), None) => {}
        }
    }
}

impl<T: Read> Read for Items<T> {
    fn expected() -> Cow<'static, str> {
        format!("an array, each of it {}", T::expected()).into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::Array(array) => {
                Some(Self(array.iter().filter_map(|value| At::<T>::read(value, reader)).collect()))
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Table(_) => reader.unfit(&value.span(), &Self::expected(), &found(value.get_ref())),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let one = T::schema(generator);
        json_schema!({ "type": "array", "items": one })
    }
}

/// Tables of one kind under their names, such as all `[list.NAME]`, in the order of the file. The
/// name of a table that cannot be read is there all the same, so that nobody is told that it is
/// missing.
#[derive(Debug, Clone)]
pub(crate) struct Named<T>(Vec<(At<String>, Option<T>)>);

impl<T> Named<T> {
    pub(crate) fn into_inner(self) -> Vec<(At<String>, Option<T>)> {
        self.0
    }
}

impl<T: Read> Read for Named<T> {
    fn expected() -> Cow<'static, str> {
        format!("tables with a name, each {}", T::expected()).into()
    }

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            return reader.unfit(&value.span(), &Self::expected(), &found(value.get_ref()));
        };
        let mut order: Vec<_> = table.iter().collect();
        order.sort_by_key(|(name, _)| name.span().start);
        // The example of the key is one of a table of tables, and no help inside of one.
        reader.key.example = "";
        let kind = reader.key.name;
        let mut named = Vec::with_capacity(order.len());
        for (name, value) in order {
            let span = reader.span(&name.span());
            if let Some(reason) = unfit_for_a_name(name.get_ref()) {
                let message = format!("expected a name of letters, digits, `_`, `-` and `.`, found {reason}");
                reader.report.error(span, message, format!("for example: [{kind}.my_{kind}]"));
                continue;
            }
            let block = reader.within(name.get_ref(), |reader| T::read(value, reader));
            named.push((At { value: name.get_ref().to_string(), span }, block));
        }
        Some(Self(named))
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let one = T::schema(generator);
        json_schema!({ "type": "object", "additionalProperties": one })
    }
}

/// Names are written to journals, command lines and terminals.
pub(super) fn unfit_for_a_name(name: &str) -> Option<String> {
    let fits = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    match name {
        "" => Some("an empty one".to_owned()),
        name if name.len() > LONGEST_NAME => Some(format!("one of {} bytes", name.len())),
        name if name.chars().all(fits) => None,
        name => Some(format!("`{}`", brief(name))),
    }
}

const LONGEST_NAME: usize = 64;

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
                    name: $crate::language::read::key_name(stringify!($key)),
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
                    $crate::language::read::wrong_example::<$field>(stringify!($name), key)
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
                $crate::language::read::reference::<Self>(generator)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let fields = [$( (
                    $crate::language::read::key_name(stringify!($key)),
                    <$field as $crate::language::read::Field>::schema(generator),
                ), )*];
                $crate::language::read::table_schema(&[$($about),*], Self::KEYS, Vec::from(fields))
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
    let mut report = Report::default();
    let table = DeTable::parse(&text).expect("an example is TOML");
    let keys: &'static [Key] = Box::leak(Box::new([*key]));
    let open = Open { table: table.get_ref(), keys, span: Span::new(0, &(0..0)) };
    F::field(&open, key, &mut Reader::new(0, &mut report, &[]));
    report.diagnostics(&[file]).iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_repeats_is_short_and_printable() {
        assert_eq!(brief("a\u{1b}[31m\n"), "a\\u{1b}[31m\\n");
        assert_eq!(brief(&"x".repeat(1_000)).chars().count(), 61);
    }

    #[test]
    fn a_key_that_is_a_word_of_rust_has_its_own_name() {
        assert_eq!(key_name("r#match"), "match");
        assert_eq!(key_name("region"), "region");
    }
}
