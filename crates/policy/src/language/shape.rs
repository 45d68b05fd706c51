//! What values are written in: one or several, an array, tables under names.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::read::{At, Read, Reader, brief, found};

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
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&At<String>, Option<&T>)> {
        self.0.iter().map(|(name, block)| (name, block.as_ref()))
    }

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
