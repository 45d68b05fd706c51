//! What the sources of one list hold, put together.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use ringfence_policy::List;

use super::copies::Document;
use super::error::SourceError;
use super::rows::{self, Made, Part};
use super::spec::ListSpec;

/// One list. A list of several sources keeps what each of them holds, for when another changes.
pub(crate) struct Shelf {
    pub(crate) spec: ListSpec,
    user: u32,
    state: Mutex<State>,
}

struct State {
    /// By source; empty where there is one source only.
    documents: Vec<Vec<Document>>,
    list: Arc<List>,
}

impl Shelf {
    /// Makes the list of what the policy itself says.
    pub(crate) fn new(spec: ListSpec, user: u32) -> Self {
        let list = Arc::new(spec.builder().build().0);
        let state = State { documents: vec![Vec::new(); spec.sources.len()], list };
        Self { spec, user, state: Mutex::new(state) }
    }

    /// Makes a list of one source alone, to be looked at before it is put in.
    pub(crate) fn try_out(
        &self,
        source: usize,
        documents: &[Document],
        now: Timestamp,
    ) -> Result<Made, SourceError> {
        rows::make(&self.spec, &[self.part(source, documents)], self.user, now)
    }

    /// Puts in what a source holds, of which `made` was made, and returns the
    /// list.
    pub(crate) fn put(
        &self,
        source: usize,
        documents: Vec<Document>,
        made: List,
        now: Timestamp,
    ) -> Result<Arc<List>, SourceError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let list = if self.spec.sources.len() > 1 {
            let before = std::mem::replace(&mut state.documents[source], documents);
            let parts =
                state.documents.iter().enumerate().map(|(source, documents)| self.part(source, documents));
            match rows::make(&self.spec, &parts.collect::<Vec<_>>(), self.user, now) {
                Ok(made) => made.list,
                Err(error) => {
                    state.documents[source] = before;
                    return Err(error);
                }
            }
        } else {
            made
        };
        state.list = Arc::new(list);
        Ok(Arc::clone(&state.list))
    }

    /// Returns the list as it is now.
    pub(crate) fn list(&self) -> Arc<List> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner).list)
    }

    fn part<'a>(&'a self, source: usize, documents: &'a [Document]) -> Part<'a> {
        (&self.spec.sources[source], documents)
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("list", &self.spec.name).finish_non_exhaustive()
    }
}
