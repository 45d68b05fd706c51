//! One table of the configuration, read key by key. What is wrong goes into the report and reading
//! goes on, so that all errors are told at once; a key that nobody asked for is an error too.

use std::cell::{Ref, RefCell, RefMut};
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ringfence_policy::{Diagnostic, File, brief, nearest};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::report::Report;

/// A key of the configuration: its name, what it takes, and an example of that. Errors and hints
/// are made of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) expected: &'static str,
    pub(crate) example: &'static str,
}

impl Key {
    pub(crate) const fn new(name: &'static str, expected: &'static str, example: &'static str) -> Self {
        Self { name, expected, example }
    }

    fn hint(&self) -> String {
        format!("for example: {} = {}", self.name, self.example)
    }
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// A table under its name, such as `[account.home]`.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    path: &'a Path,
    file: &'a File,
    report: &'a RefCell<Report>,
    name: String,
    span: Range<usize>,
    table: &'a DeTable<'a>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    /// Takes a whole document.
    pub(crate) fn document(
        path: &'a Path,
        file: &'a File,
        report: &'a RefCell<Report>,
        document: &'a Spanned<DeTable<'a>>,
    ) -> Self {
        let (name, span, table) = (String::new(), document.span(), document.get_ref());
        Self { path, file, report, name, span, table, asked: RefCell::default() }
    }

    /// Returns where the section begins.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Returns the path of the file it stands in.
    pub(crate) fn path(&self) -> &'a Path {
        self.path
    }

    pub(crate) fn report(&self) -> RefMut<'a, Report> {
        self.report.borrow_mut()
    }

    /// Reports an error at a place.
    pub(crate) fn error(&self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.report().push(Diagnostic::error(message).at(self.file.place(span)).hint(hint));
    }

    /// Reports a warning at a place.
    pub(crate) fn warning(&self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.report().push(Diagnostic::warning(message).at(self.file.place(span)).hint(hint));
    }

    /// Reports that a value is not what its key takes.
    pub(crate) fn unfit(&self, key: &Key, span: Range<usize>, found: &str) {
        self.error(span, format!("expected {}, found {found}", key.expected), key.hint());
    }

    /// Tells whether a key is neither there nor there misspelt, which is told by itself.
    pub(crate) fn lacks(&self, key: &Key) -> bool {
        let has_near = |name: &str| nearest(name, [key.name]).is_some();
        !self.table.keys().any(|name| has_near(name.get_ref()))
    }

    /// Reports that a key is missing.
    pub(crate) fn missing(&self, key: &Key) {
        let message = format!("{} needs `{}`: {}", self.name, key.name, key.expected);
        self.error(self.span(), message, key.hint());
    }

    /// Returns where a key's value stands, without reading it.
    pub(crate) fn span_of(&self, key: &Key) -> Option<Range<usize>> {
        self.table.get(key.name).map(Spanned::span)
    }

    fn value(&self, key: &Key) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().push(key.name);
        self.table.get(key.name)
    }

    /// Reads a string.
    pub(crate) fn text(&self, key: &Key) -> Option<At<&'a str>> {
        let value = self.value(key)?;
        let DeValue::String(text) = value.get_ref() else { return self.mistyped(key, value) };
        Some(At { value: text.as_ref(), span: value.span() })
    }

    /// Looks at a string, and says nothing of a value that is none.
    pub(crate) fn glance(&self, key: &Key) -> Option<&'a str> {
        let DeValue::String(text) = self.table.get(key.name)?.get_ref() else { return None };
        Some(text.as_ref())
    }

    /// Tells whether a key is there, whatever it says.
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.table.contains_key(key.name)
    }

    /// Reads a string that means something: `parse` says `None` if it does not.
    pub(crate) fn parsed<T>(&self, key: &Key, parse: impl FnOnce(&str) -> Option<T>) -> Option<At<T>> {
        let text = self.text(key)?;
        let Some(value) = parse(text.value) else {
            self.unfit(key, text.span, &format!("\"{}\"", brief(text.value)));
            return None;
        };
        Some(At { value, span: text.span })
    }

    /// Reads a text of one line. A control character in it is told by its name: it is not seen.
    pub(crate) fn line(&self, key: &Key) -> Option<At<String>> {
        let text = self.text(key)?;
        let found = match text.value.chars().find(|letter| letter.is_control()) {
            Some(control) => format!("{} in \"{}\"", named(control), brief(text.value)),
            None if text.value.is_empty() => "\"\"".to_owned(),
            None => return Some(At { value: text.value.to_owned(), span: text.span }),
        };
        self.unfit(key, text.span, &found);
        None
    }

    /// Reads `true` or `false`.
    pub(crate) fn flag(&self, key: &Key) -> Option<bool> {
        let value = self.value(key)?;
        let DeValue::Boolean(flag) = value.get_ref() else { return self.mistyped(key, value) };
        Some(*flag)
    }

    /// Reads an integer of a range.
    pub(crate) fn integer(&self, key: &Key, range: RangeInclusive<u32>) -> Option<At<u32>> {
        let value = self.value(key)?;
        let DeValue::Integer(integer) = value.get_ref() else {
            return self.mistyped(key, value);
        };
        let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(At { value: number, span: value.span() }),
            None => self.mistyped(key, value),
        }
    }

    /// Reads a duration such as `"30s"`.
    pub(crate) fn duration(&self, key: &Key) -> Option<At<Duration>> {
        self.parsed(key, parse_duration)
    }

    /// Reads an array of strings; an absent one is empty.
    pub(crate) fn texts(&self, key: &Key) -> Vec<At<&'a str>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            self.mistyped::<()>(key, value);
            return Vec::new();
        };
        let read = |element: &'a Spanned<DeValue<'a>>| {
            let DeValue::String(text) = element.get_ref() else { return self.mistyped(key, element) };
            Some(At { value: text.as_ref(), span: element.span() })
        };
        array.iter().filter_map(read).collect()
    }

    /// Reads a table.
    pub(crate) fn table(&self, key: &Key) -> Option<Section<'a>> {
        let value = self.value(key)?;
        let DeValue::Table(table) = value.get_ref() else { return self.mistyped(key, value) };
        Some(self.inner(key.name, value.span(), table))
    }

    /// Reads a table of tables, such as all `[account.NAME]`, in the order of the file.
    ///
    /// There may be fifty thousand. What stays of them is their names, which are made first, so that they lie together; what
    /// reading one takes goes before the next is read.
    pub(crate) fn tables(&self, key: &Key) -> impl Iterator<Item = (At<Arc<str>>, Section<'a>)> {
        let outer = self.table(key);
        let mut tables = Vec::new();
        for (name, value) in outer.iter().flat_map(|outer| outer.table) {
            let DeValue::Table(table) = value.get_ref() else {
                self.mistyped::<()>(key, value);
                continue;
            };
            tables.push((name, table));
        }
        tables.sort_by_key(|(name, _)| name.span().start);
        let names: Vec<Arc<str>> = tables.iter().map(|(name, _)| name.get_ref().as_ref().into()).collect();
        names.into_iter().zip(tables).filter_map(move |(value, (name, table))| {
            let section = outer.as_ref()?.inner(&value, name.span(), table);
            Some((At { value, span: name.span() }, section))
        })
    }

    /// Reports every key that was not asked for.
    pub(crate) fn finish(&self) {
        let asked: Ref<'_, Vec<&'static str>> = self.asked.borrow();
        for name in self.table.keys().filter(|name| !asked.contains(&name.get_ref().as_ref())) {
            let known = asked.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            let place = if self.name.is_empty() { String::new() } else { format!(" in {}", self.name) };
            let hint = match nearest(name.get_ref(), asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {known}"),
            };
            self.error(name.span(), format!("unknown key `{}`{place}", brief(name.get_ref())), hint);
        }
    }

    fn inner(&self, name: &str, span: Range<usize>, table: &'a DeTable<'a>) -> Section<'a> {
        let outer = self.name.trim_matches(['[', ']']);
        let dot = if outer.is_empty() { "" } else { "." };
        let name = format!("[{outer}{dot}{}]", brief(name));
        Self { name, span, table, asked: RefCell::default(), ..*self }
    }

    /// Reports a value of the wrong type. A password's value is not repeated.
    fn mistyped<T>(&self, key: &Key, value: &Spanned<DeValue<'_>>) -> Option<T> {
        let found = match value.get_ref() {
            _ if key.name == "password" => format!("{} {}", article(value), value.get_ref().type_str()),
            DeValue::Integer(integer) => format!("the number {}", brief(integer.as_str())),
            DeValue::Float(float) => format!("the number {}", brief(float.as_str())),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::String(text) => format!("\"{}\"", brief(text)),
            DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                format!("{} {}", article(value), value.get_ref().type_str())
            }
        };
        self.unfit(key, value.span(), &found);
        None
    }
}

/// Reads a number and its unit: `ms`, `s`, `m`, `h` or `d`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(unit).map(Duration::from_secs)
}

/// Names a control character.
fn named(control: char) -> String {
    match control {
        '\0' => "NUL".to_owned(),
        '\t' => "a tab".to_owned(),
        '\r' | '\n' => "a line break".to_owned(),
        other => format!("the control character U+{:04X}", u32::from(other)),
    }
}

fn article(value: &Spanned<DeValue<'_>>) -> &'static str {
    if value.get_ref().type_str().starts_with(['a', 'i']) { "an" } else { "a" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        assert_eq!(parse_duration("30s"), Some(Duration::from_secs(30)));
        assert_eq!(parse_duration("5m"), Some(Duration::from_secs(300)));
        assert_eq!(parse_duration("1 h"), Some(Duration::from_secs(3_600)));
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        for wrong in
            ["", "30", "s", "-5s", "1.5h", "5 years", "99999999999999999999s", "18446744073709551615d"]
        {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_message_repeats_is_short_and_printable() {
        assert_eq!(brief("a\u{1b}[31m\n"), "a\\u{1b}[31m\\n");
        assert_eq!(brief(&"x".repeat(1_000)).chars().count(), 61);
    }
}
