//! What was found while a configuration was read, as people and programs are told it.

use std::fmt;

use ringfence_policy::{Diagnostic, Severity};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::style::{BAD, CAUTION, DIM, LEAD, STRONG};

/// An error, a warning or a note as it is told: its display is for people and has colours.
#[derive(Debug)]
pub(crate) struct Told<'a>(pub(crate) &'a Diagnostic);

/// All that was found in one reading of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Report {
    diagnostics: Vec<Diagnostic>,
    /// Those beyond [`MOST_SHOWN`] of their severity.
    errors: usize,
    warnings: usize,
    notes: usize,
}

/// How it begins what is said of a list whose file cannot be read, up to its name.
pub(super) const UNREAD: &str = "cannot read the list";
/// A list of ten million wrong lines is told with the first of them.
const MOST_SHOWN: usize = 50;

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(told) = self;
        let style = match told.severity {
            Severity::Error => BAD,
            Severity::Warning => CAUTION,
            Severity::Note => LEAD,
        };
        if let Some(place) = &told.place {
            write!(f, "{STRONG}{}:{}:{}:{STRONG:#} ", place.file, place.line, place.column)?;
        }
        write!(f, "{style}{}:{style:#} {}", told.severity.as_str(), told.message)?;
        if let Some(place) = &told.place
            && !place.text.is_empty()
        {
            let number = place.line.to_string();
            let (start, marks) = (place.indent(), "^".repeat(place.width()));
            write!(f, "\n{DIM}{number:>5} |{DIM:#} {}", place.text)?;
            write!(f, "\n{DIM}      |{DIM:#} {:start$}{style}{marks}{style:#}", "")?;
        }
        if let Some(hint) = &told.hint {
            write!(f, "\n{LEAD}hint:{LEAD:#} {hint}")?;
        }
        Ok(())
    }
}

impl Serialize for Told<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(told) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("severity", told.severity.as_str())?;
        map.serialize_entry("message", &told.message)?;
        if let Some(place) = &told.place {
            map.serialize_entry("file", &place.file)?;
            map.serialize_entry("line", &place.line)?;
            map.serialize_entry("column", &place.column)?;
        }
        if let Some(hint) = &told.hint {
            map.serialize_entry("hint", hint)?;
        }
        map.end()
    }
}

impl Report {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let count = match diagnostic.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
            Severity::Note => &mut self.notes,
        };
        *count += 1;
        if *count <= MOST_SHOWN {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Tells whether the same was pushed already.
    pub(crate) fn has(&self, diagnostic: &Diagnostic) -> bool {
        self.diagnostics.contains(diagnostic)
    }

    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    pub(crate) fn warnings(&self) -> usize {
        self.warnings
    }

    /// Returns what is shown: up to 50 errors, 50 warnings and 50 notes, in the order of the files.
    pub(crate) fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Returns the first error in one line, and how many more there are.
    pub(crate) fn summary(&self) -> String {
        let first = self.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
        let first = first.map_or_else(|| "no error".to_owned(), Diagnostic::summary);
        match self.errors.saturating_sub(1) {
            0 => first,
            1 => format!("{first} (and 1 more error)"),
            more => format!("{first} (and {more} more errors)"),
        }
    }

    /// Returns where the first error is and of which kind, and how many more there are: what a log may say. What
    /// stands there may name people.
    pub(crate) fn outline(&self) -> String {
        let first = self.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
        let place = first.and_then(|first| first.place.as_ref());
        let place = place.map(|place| format!("{}:{}:{}: ", place.file, place.line, place.column));
        let kind = first.map_or("no error".to_owned(), |first| kind(&first.message));
        let more = self.errors.saturating_sub(1);
        let s = if more == 1 { "" } else { "s" };
        let more = if more > 0 { format!(" (and {more} more error{s})") } else { String::new() };
        format!("{}{kind}{more}", place.unwrap_or_default())
    }

    /// Puts the diagnostics of one file in the order of its lines, files in the order they were read.
    pub(crate) fn sort(&mut self) {
        let mut files = Vec::new();
        for place in self.diagnostics.iter().filter_map(|diagnostic| diagnostic.place.as_ref()) {
            if !files.contains(&place.file) {
                files.push(place.file.clone());
            }
        }
        self.diagnostics.sort_by_key(|diagnostic| {
            let place = diagnostic.place.as_ref();
            place.map(|place| (files.iter().position(|file| *file == place.file), place.line, place.column))
        });
    }
}

/// Returns of a message what repeats nothing of what is written: its beginning, and why a file cannot be read.
fn kind(message: &str) -> String {
    // Nothing of what is in the file has been read, or nothing of it is repeated; a number may stand in the place of its path.
    let unread = message.strip_prefix(UNREAD).and_then(|unread| unread.rsplit_once(": "));
    if let Some((path, why)) = unread {
        let names_nobody = digits(path) < SHORTEST_NUMBER;
        let path = if names_nobody { path } else { "" };
        return format!("{}: {why}", beginning(&format!("{UNREAD}{path}")));
    }
    let kind = beginning(message);
    if kind.is_empty() { "an error".to_owned() } else { kind }
}

fn beginning(message: &str) -> String {
    // What is expected is said in words of our own, also where they are in quotes: `CH`.
    let expected = message.starts_with("expected ").then(|| message.find(", found")).flatten();
    let repeated = || message.find(['"', '`', ':', '\u{201c}']).unwrap_or(message.len());
    let end = expected.unwrap_or_else(repeated);
    let words = message[..end].split_whitespace().take_while(|word| digits(word) < SHORTEST_NUMBER);
    words.collect::<Vec<_>>().join(" ")
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

/// A word with so many digits may be somebody's number; a port has fewer.
const SHORTEST_NUMBER: usize = 6;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.diagnostics.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{}", Told(diagnostic))?;
        }
        match self.errors + self.warnings + self.notes - self.diagnostics.len() {
            0 => Ok(()),
            more => write!(f, "\n\n… and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use ringfence_policy::File;

    use super::*;

    fn plain(text: &impl fmt::Display) -> String {
        anstream::adapter::strip_str(&text.to_string()).to_string()
    }

    #[test]
    fn an_error_underlines_its_span_and_hints() {
        let file = File::new("ringfence.toml", "[account.home]\nport = \"5060x\"\n");
        let error = Diagnostic::error("expected a port from 1 to 65535, found \"5060x\"")
            .at(file.place(22..29))
            .hint("write port = 5060");
        let expected = "ringfence.toml:2:8: error: expected a port from 1 to 65535, found \"5060x\"\n    \
                        2 | port = \"5060x\"\n      |        ^^^^^^^\n\
                        hint: write port = 5060";
        assert_eq!(plain(&Told(&error)), expected);
        assert_eq!(error.summary(), "ringfence.toml:2:8: expected a port from 1 to 65535, found \"5060x\"");
    }

    const A_PIPE: &str = "cannot read the list spam.txt: expected a regular file, found a pipe";
    const MISSING: &str = "cannot read the list: No such file or directory (os error 2)";

    #[test]
    fn an_outline_repeats_nothing_of_what_is_written() {
        for (message, expected) in [
            ("expected a number, found \"079 123 45 67x\"", "expected a number"),
            (
                "expected a region such as `CH` or `US`, found `UK`; did you mean `GB`?",
                "expected a region such as `CH` or `US`",
            ),
            ("expected \"process\" or \"full\", found \"none\"", "expected \"process\" or \"full\""),
            ("`0791234567` is written twice", "an error"),
            ("`a`, found twice", "an error"),
            ("+41791234567 is an emergency number", "an error"),
            ("test 1 fails: expected listed, got allowed", "test 1 fails"),
            ("expected a port from 1 to 65535, found 0", "expected a port from 1 to 65535"),
            (A_PIPE, A_PIPE),
            ("cannot read the list /etc/+41791234567: No such file or directory (os error 2)", MISSING),
            ("cannot read the list 0791234567.txt: No such file or directory (os error 2)", MISSING),
            ("cannot read the list 079 123 45 67.txt: No such file or directory (os error 2)", MISSING),
            ("cannot read the list a: 079/1234567: No such file or directory (os error 2)", MISSING),
        ] {
            let mut report = Report::default();
            let file = File::new("ringfence.toml", "[list.reject]\n");
            report.push(Diagnostic::error(message).at(file.place(0..4)));
            assert_eq!(report.outline(), format!("ringfence.toml:1:1: {expected}"));
        }
    }

    #[test]
    fn a_report_is_bounded_and_says_so() {
        let mut report = Report::default();
        for number in 0..1_000 {
            report.push(Diagnostic::error(format!("wrong {number}")));
        }
        assert_eq!((report.errors(), report.diagnostics().len()), (1_000, MOST_SHOWN));
        assert!(plain(&report).ends_with("… and 950 more"));
        assert_eq!(report.summary(), "wrong 0 (and 999 more errors)");
    }
}
