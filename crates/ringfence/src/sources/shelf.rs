//! What the sources of one list hold, put together.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use ringfence_policy::{List, Set};

use super::copies::Document;
use super::error::SourceError;
use super::rows::{self, Made, Part};
use super::source::Source;
use super::spec::ListSpec;

/// One list. A list of several sources keeps what each of them holds, for when another changes.
pub(crate) struct Shelf {
    pub(crate) spec: ListSpec,
    user: u32,
    state: Mutex<State>,
}

struct State {
    /// By source; empty where there is one source only, and that can be read again.
    held: Vec<Held>,
    list: Arc<List>,
}

/// What one source holds.
#[derive(Clone, Default)]
pub(crate) struct Held {
    pub(crate) documents: Vec<Document>,
    /// A compiled list as it was opened: its file may be another by now, or none.
    pub(crate) set: Option<Set>,
}

impl Shelf {
    /// Makes the list of what the policy itself says.
    pub(crate) fn new(spec: ListSpec, user: u32) -> Self {
        let list = Arc::new(spec.builder().build().0);
        let state = State { held: vec![Held::default(); spec.sources.len()], list };
        Self { spec, user, state: Mutex::new(state) }
    }

    /// Opens what a source holds, and makes a list of it alone, to be looked at before it is put in.
    pub(crate) fn try_out(
        &self,
        source: usize,
        documents: Vec<Document>,
        now: Timestamp,
    ) -> Result<(Made, Held), SourceError> {
        let set = rows::open(&self.spec.sources[source], &documents, self.user)?;
        self.try_again(source, Held { documents, set }, now)
    }

    /// Makes a list of what is open already.
    pub(crate) fn try_again(
        &self,
        source: usize,
        held: Held,
        now: Timestamp,
    ) -> Result<(Made, Held), SourceError> {
        Ok((rows::make(&self.spec, &[self.part(source, &held)], now)?, held))
    }

    /// Puts in what a source holds, of which `made` was made, and returns the
    /// list.
    pub(crate) fn put(
        &self,
        source: usize,
        held: Held,
        made: List,
        now: Timestamp,
    ) -> Result<Arc<List>, SourceError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let list = if self.spec.sources.len() > 1 {
            let before = std::mem::replace(&mut state.held[source], held);
            let parts = state.held.iter().enumerate().map(|(source, held)| self.part(source, held));
            match rows::make(&self.spec, &parts.collect::<Vec<_>>(), now) {
                Ok(made) => made.list,
                Err(error) => {
                    state.held[source] = before;
                    return Err(error);
                }
            }
        } else {
            if self.spec.window.is_some() && is_local(&self.spec.sources[source]) {
                state.held[source] = held;
            }
            made
        };
        state.list = Arc::new(list);
        Ok(Arc::clone(&state.list))
    }

    /// Returns what was put in of a source, if there are several, or if it may be gone when its rows become too old.
    pub(crate) fn held(&self, source: usize) -> Held {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.held.get(source).cloned().unwrap_or_default()
    }

    /// Returns the list as it is now.
    pub(crate) fn list(&self) -> Arc<List> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner).list)
    }

    fn part<'a>(&'a self, source: usize, held: &'a Held) -> Part<'a> {
        (&self.spec.sources[source], held)
    }
}

fn is_local(source: &Source) -> bool {
    match source {
        Source::File { .. } | Source::Compiled { .. } => true,
        Source::Web { .. } | Source::AddressBook { .. } | Source::FtcDnc { .. } => false,
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("list", &self.spec.name).finish_non_exhaustive()
    }
}
