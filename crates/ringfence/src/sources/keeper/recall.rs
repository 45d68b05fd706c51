//! What a keeper begins with: what is on this machine, or what is remembered by who kept the source before.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jiff::Timestamp;

use super::{Keeper, Origin, State, panicked};
use crate::sources::copies::{Document, fingerprint};
use crate::sources::error::SourceError;

impl Keeper {
    /// Takes what is on this machine, or in the memory of who kept it before.
    pub(super) fn recall(&self, before: Option<&Self>, now: Timestamp) {
        // What is on this machine may make the reader panic: the source may hold something else by now.
        let unless_panicking = |read: &dyn Fn() -> Result<(), SourceError>| {
            catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(panicked()))
        };
        // It may be told something meanwhile: then it is asked again.
        let known = before.filter(|before| self.asks_as(before)).map(|before| before.state().clone());
        let Err(error) = unless_panicking(&|| self.begin(before, now)) else {
            if let Some(known) = known {
                self.go_on(known);
            }
            return;
        };
        if let Some(before) = before
            && let Err(error) = unless_panicking(&|| self.take_over(before, now))
        {
            tracing::warn!(list = self.name(), error = %error.without_content(), "last good rows lost");
        }
        self.state().error = Some(error);
    }

    fn begin(&self, before: Option<&Self>, now: Timestamp) -> Result<(), SourceError> {
        // What no copy could be kept of is newer than the copy.
        let unkept =
            before.map(Self::unkept).filter(|(unkept, ..)| !unkept.is_empty() && self.is_trusted(unkept));
        let Some((unkept, seen, error)) = unkept else {
            let (documents, seen) = self.fetcher.kept(now)?;
            return self.start(documents, seen, before, now);
        };
        self.start(unkept.clone(), seen, before, now)?;
        let mut state = self.state();
        (state.unkept, state.error) = (unkept, error);
        Ok(())
    }

    /// Takes what is on this machine, unless it is stale and the policy does not want it then.
    fn start(
        &self,
        documents: Vec<Document>,
        seen: Option<Timestamp>,
        before: Option<&Self>,
        now: Timestamp,
    ) -> Result<(), SourceError> {
        if documents.is_empty() || (self.drops_stale() && self.is_stale(seen, now)) {
            return Ok(());
        }
        let spec = self.fetcher.spec();
        let age = seen.and_then(|seen| Duration::try_from(now.duration_since(seen)).ok());
        // A copy of the future is of a clock that was wrong.
        let rest = age.map_or(Duration::ZERO, |age| spec.interval(self.fetcher.source()).saturating_sub(age));
        let digest = fingerprint(&documents);
        let (mut made, held) = self.fetcher.shelf.try_out(self.fetcher.index, documents, now)?;
        let had_rows = || before.is_some_and(|before| before.state().rows > 0);
        let is_doubtful = spec.least_rows.is_some() || (made.rows == 0 && made.older == 0 && had_rows());
        if is_doubtful && self.is_foreign_file() {
            made = self.check(made)?;
        }
        self.put(made, held, digest, now)?;
        let mut state = self.state();
        state.seen = seen;
        state.origin = Origin::Copy;
        state.pace.rest(rest, now);
        Ok(())
    }

    /// Waits, and says what is wrong, as who kept the same rows before.
    fn go_on(&self, known: State) {
        let mut state = self.state();
        if state.digest == known.digest {
            (state.held, state.origin, state.seen) = (known.held, known.origin, known.seen);
            (state.pace, state.error) = (known.pace, known.error);
        }
    }

    /// Takes the rows that were in force of a source that cannot be read now.
    fn take_over(&self, before: &Self, now: Timestamp) -> Result<(), SourceError> {
        let held = before.fetcher.shelf.held(before.fetcher.index);
        let (seen, origin) = {
            let state = before.state();
            (state.seen, state.origin)
        };
        let is_dropped = self.drops_stale() && self.is_stale(seen, now);
        if held.documents.is_empty() || is_dropped || !self.is_trusted(&held.documents) {
            return Ok(());
        }
        let digest = fingerprint(&held.documents);
        let (made, held) = self.fetcher.shelf.try_again(self.fetcher.index, held, now)?;
        self.put(made, held, digest, now)?;
        let mut state = self.state();
        (state.seen, state.origin) = (seen, origin);
        Ok(())
    }

    /// Tells whether these have the signature that the list asks for now.
    fn is_trusted(&self, documents: &[Document]) -> bool {
        documents.iter().all(|document| self.fetcher.verify(document).is_ok())
    }

    /// Tells whether the source is a file that others write: one without rows is spoilt. What is written by hand may
    /// become empty.
    fn is_foreign_file(&self) -> bool {
        let source = self.fetcher.source();
        !source.is_fetched() && !self.fetcher.spec().is_written_by_hand(source)
    }

    fn unkept(&self) -> (Vec<Document>, Option<Timestamp>, Option<SourceError>) {
        let state = self.state();
        (state.unkept.clone(), state.seen, state.error.clone())
    }
}
