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
            let (start, marks) = (place.underline.start, "^".repeat(place.underline.len()));
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
