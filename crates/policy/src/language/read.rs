//! Reading a document key by key. What is wrong goes into the report and reading goes on, so that
//! all errors are told at once.
//!
//! A type that can be read says what it expects, and how its JSON Schema looks.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, Range};

use schemars::{Schema, SchemaGenerator};
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

/// A value that must be there. That it is missing or wrong was reported, and hides nothing else of its table.
#[derive(Clone)]
pub(crate) struct Needed<T>(Option<At<T>>);

impl<T> Needed<T> {
    /// Returns the value; it is there unless the policy has errors.
    pub(crate) fn get(&self) -> Option<&At<T>> {
        self.0.as_ref()
    }
}

impl<T: fmt::Debug> fmt::Debug for Needed<T> {
    /// Prints the value alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("…"),
        }
    }
}

impl<T: Read> Field for Needed<T> {
    const IS_REQUIRED: bool = true;

    fn field(open: &Open<'_>, key: &Key, reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self(At::field(open, key, reader)))
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
    pub(super) key: Key,
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
    pub(super) fn within<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
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
            let names = || keys.iter().map(|key| key.name).chain(foreign.iter().copied());
            let hint = match nearest(written, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", backticked(names())),
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

#[cfg(test)]
impl<'a> Open<'a> {
    pub(super) fn of(table: &'a DeTable<'a>, keys: &'static [Key]) -> Self {
        Self { table, keys, span: Span::new(0, &(0..0)) }
    }
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

/// Cuts what a message repeats, which may be a whole file pasted into a string, and escapes what does not
/// print.
///
/// ```
/// use ringfence_policy::brief;
///
/// assert_eq!(brief("a\u{1b}[31m"), "a\\u{1b}[31m");
/// ```
#[must_use]
pub fn brief(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_section_of_the_program_is_known_as_well() {
        let told = |text: &str| {
            let file = crate::File::new("ringfence.toml", text);
            let (_, told) =
                crate::Draft::read(file, &mut |_, _| Err("none".to_owned()), &["account", "journal", "tls"]);
            told.into_iter().find(|told| told.message.starts_with("unknown key")).unwrap().hint.unwrap()
        };
        assert_eq!(told("[acount.office]\n"), "did you mean `account`?");
        assert_eq!(told("[jurnal]\n"), "did you mean `journal`?");
        assert_eq!(told("[tlss]\n"), "did you mean `tls`?");
        let known = told("[zzzzzzzzzz]\n");
        assert!(known.contains("`rule`") && known.ends_with("`account`, `journal`, `tls`"), "{known}");
    }

    #[test]
    fn what_a_message_repeats_is_short_and_printable() {
        assert_eq!(brief("a\u{1b}[31m\n"), "a\\u{1b}[31m\\n");
        assert_eq!(brief(&"x".repeat(1_000)).chars().count(), 61);
    }
}
