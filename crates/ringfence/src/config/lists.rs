//! `[list.reject]` and `[list.allow]`: entries written inline, and text files of them.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use ringfence_policy::{Entry, List, ListError, Region};

use super::account::beside;
use super::diagnostic::Diagnostic;
use super::near::nearest;
use super::regular;
use super::section::{At, Key, Section};
use super::source::{Place, Source};
use super::stamp::Stamped;

/// Both lists.
#[derive(Debug, Clone)]
pub(crate) struct Lists {
    pub(crate) region: Region,
    pub(crate) reject: Loaded,
    pub(crate) allow: Loaded,
}

/// One list, and where it was read.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) name: Which,
    pub(crate) list: Arc<List>,
    /// The text files, in the order of the configuration.
    pub(crate) files: Vec<PathBuf>,
    /// The same, as they were read.
    pub(crate) stamped: Vec<Stamped>,
    /// Where the inline entries stand, with the comment beside each.
    inline: Vec<Inline>,
}

#[derive(Debug, Clone)]
struct Inline {
    place: Place,
    comment: Option<String>,
}

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Reject,
    Allow,
}

const LIST: Key = Key::new("list", "the tables [list.reject] and [list.allow]", "…");
const ENTRIES: Key = Key::new("entries", "numbers and patterns", "[\"+4179*\", \"anonymous\"]");
const FILES: Key = Key::new("files", "names of text files", "[\"reject.txt\"]");

impl Which {
    pub(crate) const BOTH: [Self; 2] = [Self::Reject, Self::Allow];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Allow => "allow",
        }
    }
}

impl Lists {
    /// Reads both lists of a document; without a region no number can be read.
    pub(crate) fn read(document: &Section<'_>, region: Option<Region>) -> Option<Self> {
        let tables = document.tables(&LIST);
        let region = region?;
        let mut lists = Which::BOTH.map(|which| Loaded {
            name: which,
            list: Arc::new(List::empty(which.name())),
            files: Vec::new(),
            stamped: Vec::new(),
            inline: Vec::new(),
        });
        for (name, section) in tables {
            match lists.iter_mut().find(|list| list.name.name() == name.value) {
                Some(list) => list.read(&section, region),
                None => unknown(document, &name),
            }
        }
        let [reject, allow] = lists;
        Some(Self { region, reject, allow })
    }

    pub(crate) fn of(&self, which: Which) -> &Loaded {
        match which {
            Which::Reject => &self.reject,
            Which::Allow => &self.allow,
        }
    }
}

fn unknown(document: &Section<'_>, name: &At<&str>) {
    let hint = match nearest(name.value, Which::BOTH.map(Which::name)) {
        Some(near) => format!("did you mean [list.{near}]?"),
        None => "known here: [list.reject], [list.allow]".to_owned(),
    };
    document.error(name.span.clone(), format!("unknown list `{}`", super::section::brief(name.value)), hint);
}

impl Loaded {
    fn read(&mut self, section: &Section<'_>, region: Region) {
        let mut builder = List::builder(self.name.name());
        let mut spans = Vec::new();
        for entry in section.texts(&ENTRIES) {
            builder.inline(entry.value, region);
            let comment = section.source().comment_after(entry.span.end).map(str::to_owned);
            self.inline.push(Inline { place: section.source().place(entry.span.clone()), comment });
            spans.push(entry.span);
        }
        let mut sources = Vec::new();
        for name in section.texts(&FILES) {
            let path = beside(section.source().path(), name.value);
            self.stamped.push(Stamped::now(&path));
            if let Some(text) = read_text(section, &name, &path) {
                builder.text(&path.to_string_lossy(), &text, region);
                sources.push(Source::without_secrets(path.clone(), text));
            }
            self.files.push(path);
        }
        section.finish();
        let (list, errors) = builder.build();
        self.list = Arc::new(list);
        for error in &errors {
            report(section, error, &spans, &sources);
        }
    }

    /// Returns the file and line an entry was written on.
    pub(crate) fn place_of(&self, entry: Entry<'_>) -> (PathBuf, usize) {
        let line = usize::try_from(entry.origin().line()).unwrap_or_default();
        match (entry.origin().file(), self.inline.get(line.saturating_sub(1))) {
            (Some(file), _) => (PathBuf::from(file), line),
            (None, Some(inline)) => (inline.place.file.clone(), inline.place.line),
            (None, None) => (PathBuf::new(), line),
        }
    }

    /// Returns which of the inline entries an entry is, counted from 0.
    pub(crate) fn inline_index(entry: Entry<'_>) -> Option<usize> {
        let index = usize::try_from(entry.origin().line()).unwrap_or_default();
        entry.origin().file().is_none().then(|| index.saturating_sub(1))
    }

    /// Returns what was written beside an entry.
    pub(crate) fn note_of<'a>(&'a self, entry: Entry<'a>) -> Option<&'a str> {
        let inline = Self::inline_index(entry).and_then(|index| self.inline.get(index));
        entry.note().or_else(|| inline.and_then(|inline| inline.comment.as_deref()))
    }

    /// Returns where an entry stands, to be underlined.
    pub(crate) fn shown_place(&self, entry: Entry<'_>) -> Place {
        let inline = Self::inline_index(entry).and_then(|index| self.inline.get(index));
        let (file, line) = self.place_of(entry);
        let written = entry.written().to_owned();
        inline.map_or_else(
            || Place { file, line, column: 1, underline: 0..written.chars().count(), text: written },
            |inline| inline.place.clone(),
        )
    }
}

/// A list is no longer, in bytes: a hundred million numbers.
pub(super) const MOST: u64 = 2 * 1024 * 1024 * 1024;

fn read_text(section: &Section<'_>, name: &At<&str>, path: &std::path::Path) -> Option<String> {
    let error = match regular::read(path, MOST) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => return Some(text),
            Err(error) => {
                let start = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let line = start.split(|byte| *byte == b'\n').count();
                let message = format!("{}:{line}: expected UTF-8 text, found other bytes", path.display());
                section.error(name.span.clone(), message, "iconv -f latin1 -t utf-8 converts an old list");
                return None;
            }
        },
        Err(error) => error,
    };
    let hint = match error.hint() {
        Some(hint) => hint.to_owned(),
        None if error.is_missing() => format!("create it: touch {}", path.display()),
        None => "a relative name is looked for beside the configuration file".to_owned(),
    };
    section.error(name.span.clone(), format!("cannot read the list {}: {error}", path.display()), hint);
    None
}

/// Reports an entry that cannot be read, where it stands.
fn report(section: &Section<'_>, error: &ListError, spans: &[Range<usize>], sources: &[Source]) {
    let line = usize::try_from(error.line()).unwrap_or_default();
    let source = sources.iter().find(|source| source.path().to_string_lossy() == error.file());
    let place = match (source, spans.get(line.saturating_sub(1))) {
        (Some(source), _) => source.place_at(line, error.column(), error.text().chars().count()),
        (None, Some(span)) if line > 0 => section.source().place(span.clone()),
        (None, _) => section.source().place(section.span()),
    };
    let mut diagnostic = Diagnostic::error(error.message()).at(place);
    diagnostic.hint = error.hint();
    section.report().push(diagnostic);
}
