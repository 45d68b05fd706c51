//! What is wrong or odd in a policy, where, and what to do about it.

use std::fmt;

use super::file::{File, Place};
use super::near::nearest;
use super::read::{backticked, brief};

/// One error, warning or note.
///
/// Its `Display` form is the place, the message, the line with what is meant underlined, and a
/// hint.
///
/// ```
/// use ringfence_policy::{Diagnostic, File};
///
/// let file = File::new("policy.toml", "[defaults]\nregion = \"CHE\"\n");
/// let wrong = Diagnostic::error("expected a region, found \"CHE\"").at(file.place(20..25)).hint("write \"CH\"");
/// assert_eq!(
///     wrong.to_string(),
///     "policy.toml:2:10: error: expected a region, found \"CHE\"\n    \
///      2 | region = \"CHE\"\n      |          ^^^^^\n\
///      hint: write \"CH\""
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What was expected, and what came.
    pub message: String,
    /// Where; `None` when it is about the whole policy.
    pub place: Option<Place>,
    /// What to write instead.
    pub hint: Option<String>,
}

/// How much a diagnostic matters.
///
/// ```
/// use ringfence_policy::Severity;
///
/// assert!(Severity::Note < Severity::Warning && Severity::Warning < Severity::Error);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably not what was meant.
    Warning,
    /// The policy cannot be used.
    Error,
}

impl Severity {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl Diagnostic {
    /// Makes an error.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), place: None, hint: None }
    }

    /// Makes a warning.
    #[must_use]
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// Makes a note.
    #[must_use]
    pub fn note(message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(message) }
    }

    /// Makes the error of a file whose bytes are no UTF-8, at the first that is none.
    ///
    /// ```
    /// use ringfence_policy::{Diagnostic, File};
    ///
    /// let wrong = Diagnostic::not_utf8(&File::from_bytes("policy.toml", b"# caf\xe9\n".to_vec()));
    /// assert_eq!(wrong.expect("it is Latin-1").summary(), "policy.toml:1:6: expected UTF-8 text, found other bytes");
    /// ```
    #[must_use]
    pub fn not_utf8(file: &File) -> Option<Self> {
        let spoilt = file.spoilt()?;
        // The mark of UTF-16 is two bytes that are nothing in UTF-8, and each ASCII character has a zero byte.
        let is_utf16 = file.text().starts_with("\u{fffd}\u{fffd}") && file.text().contains('\0');
        let from = if is_utf16 { "utf-16" } else { "latin1" };
        let found = Self::error("expected UTF-8 text, found other bytes").at(file.place(spoilt));
        Some(found.hint(format!("iconv -f {from} -t utf-8 converts an old file")))
    }

    /// Says where it is.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns `file:line:column: message`, for a log.
    #[must_use]
    pub fn summary(&self) -> String {
        match &self.place {
            Some(place) => format!("{}:{}:{}: {}", place.file, place.line, place.column, self.message),
            None => self.message.clone(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}:{}:{}: ", place.file, place.line, place.column)?;
        }
        write!(f, "{}: {}", self.severity.as_str(), self.message)?;
        if let Some(place) = &self.place
            && !place.text.is_empty()
        {
            let (start, marks) = (place.indent(), "^".repeat(place.width()));
            let gutter = place.line.to_string().len().max(5);
            write!(f, "\n{:>gutter$} | {}\n{:gutter$} | {:start$}{marks}", place.line, place.text, "", "")?;
        }
        self.hint.iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}

/// Some bytes of one of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) file: u16,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    /// A file is at most [`super::include::LONGEST`] bytes long, and there are at most
    /// [`super::include::MOST`] files.
    pub(super) fn new(file: u16, bytes: &std::ops::Range<usize>) -> Self {
        let index = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        Self { file, start: index(bytes.start), end: index(bytes.end) }
    }

    pub(super) fn place(self, files: &[File]) -> Option<Place> {
        let file = files.get(usize::from(self.file))?;
        Some(file.place(self.start as usize..self.end as usize))
    }
}

/// What is found while a policy is read. The first fifty of each severity are kept, the rest are
/// counted: a policy of ten thousand wrong rules is told with the first of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    found: Vec<Found>,
    counts: [usize; 3],
}

#[derive(Debug, Clone)]
struct Found {
    severity: Severity,
    span: Option<Span>,
    message: String,
    hint: String,
}

const MOST_SHOWN: usize = 50;

impl Report {
    pub(crate) fn error(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Severity::Error, Some(span), message, hint);
    }

    pub(crate) fn warning(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Severity::Warning, Some(span), message, hint);
    }

    /// Returns whether an error is about a table, by the name in its message.
    pub(crate) fn blames(&self, table: &str) -> bool {
        self.found.iter().any(|found| found.severity == Severity::Error && found.message.contains(table))
    }

    /// Reports a name that nothing has, with the nearest that something has.
    pub(crate) fn unknown<'n>(
        &mut self,
        kind: &str,
        name: &str,
        span: Span,
        known: impl Iterator<Item = &'n str> + Clone,
    ) {
        if self.is_full() {
            return self.error(span, "", "");
        }
        let hint = match nearest(name, known.clone()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if known.clone().next().is_none() => {
                format!("this policy has no {kind}: write [{kind}.NAME]")
            }
            None => format!("known here: {}", backticked(known)),
        };
        self.error(span, format!("there is no {kind} \"{}\"", brief(name)), hint);
    }

    /// Returns whether further errors are only counted, so that nothing need be worked out for them.
    pub(crate) fn is_full(&self) -> bool {
        self.errors() >= MOST_SHOWN
    }

    /// Adds what is about the whole policy, or stands in no policy file.
    pub(crate) fn push(
        &mut self,
        severity: Severity,
        span: Option<Span>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let count = &mut self.counts[severity as usize];
        *count += 1;
        if *count <= MOST_SHOWN {
            self.found.push(Found { severity, span, message: message.into(), hint: hint.into() });
        }
    }

    /// Adds what another report has.
    pub(crate) fn extend(&mut self, other: Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        for found in other.found {
            if self.found.iter().filter(|known| known.severity == found.severity).count() < MOST_SHOWN {
                self.found.push(found);
            }
        }
    }

    pub(crate) fn errors(&self) -> usize {
        self.counts[Severity::Error as usize]
    }

    /// Returns what was found in the order of the files, and how much more there is.
    pub(crate) fn diagnostics(&self, files: &[File]) -> Vec<Diagnostic> {
        let mut found: Vec<&Found> = self.found.iter().collect();
        found.sort_by_key(|found| (found.span.is_none(), found.span));
        let mut diagnostics: Vec<Diagnostic> = found.into_iter().map(|found| found.located(files)).collect();
        for severity in [Severity::Error, Severity::Warning, Severity::Note] {
            let more = self.counts[severity as usize].saturating_sub(MOST_SHOWN);
            if more > 0 {
                let message = format!("{more} more {}s are not shown", severity.as_str());
                diagnostics.push(Diagnostic { severity, ..Diagnostic::error(message) });
            }
        }
        diagnostics
    }
}

impl Found {
    fn located(&self, files: &[File]) -> Diagnostic {
        Diagnostic {
            severity: self.severity,
            message: self.message.clone(),
            place: self.span.and_then(|span| span.place(files)),
            hint: (!self.hint.is_empty()).then(|| self.hint.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marks_stand_below_their_text_at_any_line_number() {
        for line in [1, 99_999, 100_000, 1_234_567] {
            let mut place = File::new("p.toml", "a = 1\n").place(4..5);
            place.line = line;
            let shown = Diagnostic::error("wrong").at(place).to_string();
            let (text, marks) = shown.rsplit_once('\n').expect("two lines");
            let text = text.lines().last().unwrap_or_default();
            assert_eq!(text.rfind('1'), marks.find('^'), "{shown}");
        }
    }
}
