//! What becomes too old for a list's `window`, though its source holds what it held.

use std::sync::Arc;

use ringfence_policy::List;

use super::Keeper;
use crate::sources::copies::{Document, fingerprint};
use crate::sources::error::SourceError;
use crate::sources::shelf::Held;

impl Keeper {
    /// Takes out what has become too old, and returns the list if it has become another one. `documents` are what the
    /// source holds, if that is at hand.
    pub(super) fn age(&self, documents: Option<Vec<Document>>) -> Option<Arc<List>> {
        self.fetcher.spec().window?;
        self.try_to_age(documents).unwrap_or_else(|error| {
            tracing::warn!(list = self.name(), error = %error.without_content(), "old rows not taken out");
            None
        })
    }

    fn try_to_age(&self, documents: Option<Vec<Document>>) -> Result<Option<Arc<List>>, SourceError> {
        let now = (self.clock)();
        let held = self.at_hand(documents, now)?;
        let digest = fingerprint(&held.documents);
        // What is on the disk may be another by now, and is then what the next look finds.
        if digest != self.state().digest || held.documents.is_empty() {
            return Ok(None);
        }
        let (made, held) = self.fetcher.shelf.try_again(self.fetcher.index, held, now)?;
        let is_as_it_was = {
            let state = self.state();
            (state.rows, state.weight) == (made.rows, self.weight(&made.list))
        };
        if is_as_it_was { Ok(None) } else { self.put(made, held, digest, now).map(Some) }
    }

    /// Returns what the rows were read from.
    fn at_hand(&self, documents: Option<Vec<Document>>, now: jiff::Timestamp) -> Result<Held, SourceError> {
        let held = self.fetcher.shelf.held(self.fetcher.index);
        if !held.documents.is_empty() {
            return Ok(held);
        }
        let unkept = Some(self.state().unkept.clone()).filter(|unkept| !unkept.is_empty());
        let documents = match documents.or(unkept) {
            Some(documents) => documents,
            None => self.fetcher.kept(now)?.0,
        };
        let (_, held) = self.fetcher.shelf.try_out(self.fetcher.index, documents, now)?;
        Ok(held)
    }

    /// Returns how often the callers of a list were recorded: it grows less while the rows pass out of the window.
    pub(super) fn weight(&self, list: &List) -> u64 {
        match self.fetcher.spec().window {
            Some(_) => list.entries().map(|entry| u64::from(entry.weight())).sum(),
            None => 0,
        }
    }
}
