//! Puts a list together: what the policy says, and what its sources hold.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ringfence_policy::{Columns, Format, List, Set};

use super::copies::Document;
use super::error::SourceError;
use super::shelf::Held;
use super::source::Source;
use super::spec::ListSpec;
use crate::mapped::Contents;

/// A list that was put together.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) list: List,
    /// How many entries it has of its sources.
    pub(crate) rows: usize,
    /// How many rows are too old for the list's window.
    pub(crate) older: u64,
    /// What cannot be read; of very many, the first.
    pub(crate) unread: usize,
    /// The first of them, with its place.
    pub(crate) first_unread: Option<String>,
}

/// What a source holds.
pub(crate) type Part<'a> = (&'a Source, &'a Held);

/// Makes a list of what the policy itself says, and what sources hold. It may take long.
pub(crate) fn make(spec: &ListSpec, parts: &[Part<'_>], now: Timestamp) -> Result<Made, SourceError> {
    let (mut builder, mut older) = (spec.builder(), 0);
    for (source, held) in parts {
        for document in &held.documents {
            if let Some(set) = &held.set {
                builder.set(document.name(), set.clone());
                continue;
            }
            #[cfg(test)]
            assert!(document.body != PANICKING.as_bytes(), "the test wants it");
            let format = format(spec, source, document)?;
            let since = since(spec, now);
            let tally = builder.read_since(&format, document.name(), &document.body, spec.region, since);
            older += tally.older;
        }
    }
    let (list, errors) = builder.build();
    let own = spec.builder().build().0.len();
    Ok(Made {
        rows: list.len().saturating_sub(own),
        list,
        older,
        unread: errors.len(),
        first_unread: errors.first().map(ToString::to_string),
    })
}

/// What makes the reader of a list panic, in tests.
#[cfg(test)]
pub(super) const PANICKING: &str = "+41790000000 # panic\n";

/// Opens what a source holds, where it is a compiled list.
pub(super) fn open(source: &Source, documents: &[Document], user: u32) -> Result<Option<Set>, SourceError> {
    match source {
        Source::Compiled { path } if !documents.is_empty() => open_set(path, user).map(Some),
        Source::Compiled { .. }
        | Source::File { .. }
        | Source::Web { .. }
        | Source::AddressBook { .. }
        | Source::FtcDnc { .. } => Ok(None),
    }
}

fn open_set(path: &Path, user: u32) -> Result<Set, SourceError> {
    let failed = |why: String| SourceError::File { path: path.to_owned(), why };
    let contents = Contents::open(path, user).map_err(|error| failed(error.to_string()))?;
    Set::open(Arc::new(contents)).map_err(|error| SourceError::Spoilt {
        path: path.to_owned(),
        why: error.to_string(),
        hint: error.hint(),
    })
}

/// Returns how a document is written: as the policy says, else as it looks.
fn format(spec: &ListSpec, source: &Source, document: &Document) -> Result<Format, SourceError> {
    let said = match source {
        Source::File { format, .. } | Source::Web { format, .. } => format.clone(),
        Source::AddressBook { .. } => Some(Format::VCard),
        Source::FtcDnc { .. } => Some(Format::Csv(Columns::default())),
        Source::Compiled { .. } => None,
    };
    if let Some(format) = said {
        return Ok(format);
    }
    let content_type = document.content_type.as_deref();
    match Format::guess(Some(document.name()), content_type, &document.body) {
        Some(Format::Csv(_)) => Ok(Format::Csv(spec.columns.clone())),
        Some(format) => Ok(format),
        None => {
            let found = content_type.unwrap_or("something else").to_owned();
            Err(SourceError::NotExpected { expected: "a list in a known format", found })
        }
    }
}

/// Returns from when on the rows of a source count.
fn since(spec: &ListSpec, now: Timestamp) -> Option<Timestamp> {
    let window = SignedDuration::try_from(spec.window?).ok()?;
    now.checked_sub(window).ok()
}
