//! Keeps a list as one of its sources is.
//!
//! ```text
//!  open ──▶ the last good copy ──▶ wait ──▶ fetch ──▶ make ──▶ is it plausible? ──▶ put in, send
//!                                   ▲                                │ no
//!                                   └──── what there was stays ◀─────┘
//! ```
//!
//! A copy without rows, or with less than a tenth of those before, is an accident of the server's
//! until the policy says otherwise. A source that is not reached for several intervals is stale: its
//! rows stay or go, as the policy says.

mod aging;
mod recall;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use ringfence_policy::List;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::Clock;
use super::copies::{Document, fingerprint};
use super::credential::Credential;
use super::error::SourceError;
use super::fetch::{Fetched, Fetcher};
use super::flight::{Flight, Runway};
use super::pace::Pace;
use super::rows::Made;
use super::shelf::Held;
use super::spec::OnStale;
use super::status::{ListStatus, Origin};
use crate::config::Stamped;

/// Keeps a list as one of its sources is.
pub(crate) struct Keeper {
    fetcher: Arc<Fetcher>,
    clock: Clock,
    /// The file of the password as it was: with another one a refusal may be over.
    secret: Option<Stamped>,
    state: Mutex<State>,
    /// Shared with who keeps the source after a reload.
    runway: Runway,
}

/// What is in the list of the source.
#[derive(Clone)]
struct State {
    rows: usize,
    unread: usize,
    first_unread: Option<String>,
    /// What the rows were read from, without the bytes.
    held: Vec<Document>,
    /// The same with the bytes, where no copy could be kept.
    unkept: Vec<Document>,
    digest: Vec<u8>,
    /// How often its callers were recorded within the window, if there is one.
    weight: u64,
    origin: Origin,
    seen: Option<Timestamp>,
    pace: Pace,
    error: Option<SourceError>,
}

impl Keeper {
    /// Puts into the list what is on this machine, or in the memory of who kept it `before`. It may
    /// block.
    pub(crate) fn open(fetcher: Fetcher, clock: Clock, before: Option<&Self>) -> Self {
        let now = clock();
        let state = State::nothing(now);
        let secret = fetcher.spec().credential.as_ref().and_then(Credential::stamp);
        let (fetcher, state) = (Arc::new(fetcher), Mutex::new(state));
        let mut keeper = Self { fetcher, clock, secret, state, runway: Runway::default() };
        if let Some(before) = before.filter(|before| keeper.asks_as(before)) {
            keeper.runway = Arc::clone(&before.runway);
        }
        keeper.recall(before, now);
        keeper
    }

    /// Looks at the source again and again, and sends each new list. Ends when nobody receives.
    pub(crate) async fn run(self: Arc<Self>, updates: mpsc::Sender<Arc<List>>) {
        loop {
            self.wait().await;
            if let Some(list) = self.refresh().await
                && updates.send(list).await.is_err()
            {
                return;
            }
        }
    }

    /// Looks at the source now, and returns the list if it is another one.
    pub(crate) async fn refresh(self: &Arc<Self>) -> Option<Arc<List>> {
        let mut runway = self.runway.lock().await;
        let held = self.state().held.clone();
        let fetched = Flight::land(&mut runway, &self.fetcher, &held, (self.clock)()).await;
        let fetched = fetched.unwrap_or_else(|| Err(panicked()));
        let keeper = Arc::clone(self);
        let taking = spawn_blocking(move || match fetched {
            Ok(Some(fetched)) => keeper.take(fetched),
            Ok(None) => {
                keeper.confirm(&held, None, None);
                keeper.age(None)
            }
            // Its rows grow old all the same.
            Err(error) => keeper.fail(error).or_else(|| keeper.age(None)),
        });
        // A list that makes the reader panic is not fetched again and again.
        taking.await.unwrap_or_else(|_| self.fail(panicked()))
    }

    /// Tells whether it keeps the same source of the same list, for who asks there too.
    pub(crate) fn is_of(&self, other: &Fetcher) -> bool {
        self.name() == other.spec().name
            && self.fetcher.source() == other.source()
            && self.fetcher.spec().asker() == other.spec().asker()
    }

    /// Tells whether it asks a server just as another one does: what that one was told holds for it too.
    fn asks_as(&self, before: &Self) -> bool {
        self.fetcher.source().is_fetched()
            && before.is_of(&self.fetcher)
            && before.secret == self.secret
            && before.fetcher.spec().has_terms_of(self.fetcher.spec())
    }

    /// Returns the copies that are wanted.
    pub(crate) fn copied(&self) -> Vec<PathBuf> {
        self.fetcher.copied((self.clock)())
    }

    /// Returns the name of the list.
    pub(crate) fn name(&self) -> &str {
        &self.fetcher.spec().name
    }

    pub(crate) fn status(&self) -> ListStatus {
        let now = (self.clock)();
        let state = self.state();
        ListStatus {
            list: self.name().to_owned(),
            source: self.fetcher.source().to_string(),
            rows: state.rows,
            unread: state.unread,
            first_unread: state.first_unread.clone(),
            origin: state.origin,
            seen: state.seen,
            next: state.pace.next(),
            is_stale: self.is_stale(state.seen, now),
            error: state.error.as_ref().map(ToString::to_string),
            hint: state.error.as_ref().and_then(SourceError::hint).map(str::to_owned),
        }
    }

    /// Waits until the source is to be looked at.
    async fn wait(&self) {
        loop {
            let left = self.state().pace.left((self.clock)());
            let Some(left) = left else { return };
            sleep(left).await;
        }
    }

    /// Takes what the source holds.
    fn take(&self, fetched: Fetched) -> Option<Arc<List>> {
        let Fetched { documents, trouble, unkept } = fetched;
        let digest = fingerprint(&documents);
        if self.state().digest == digest {
            self.confirm(&documents, trouble, unkept);
            // The same under another tag is asked for by that from now on.
            self.state().held = documents.iter().map(Document::without_body).collect();
            return self.age(Some(documents));
        }
        let now = (self.clock)();
        let tried = self.fetcher.shelf.try_out(self.fetcher.index, documents, now);
        let (made, held) = match tried.and_then(|(made, held)| Ok((self.check(made)?, held))) {
            Ok(tried) => tried,
            Err(error) => return self.fail(error),
        };
        let kept = unkept.map_or_else(|| self.fetcher.keep(&held.documents, now), Err);
        let unkept = if kept.is_err() { held.documents.clone() } else { Vec::new() };
        if kept.is_err() {
            self.fetcher.outdate(&unkept, now);
        }
        match self.put(made, held, digest, now) {
            Ok(list) => {
                let spec = self.fetcher.spec();
                let mut state = self.state();
                state.seen = Some(now);
                state.origin = Origin::Source;
                state.unkept = unkept;
                state.error = trouble.or(kept.err());
                state.pace.succeed(spec.interval(self.fetcher.source()), now);
                tracing::info!(list = spec.name, rows = state.rows, unread = state.unread, "list taken");
                Some(list)
            }
            Err(error) => self.fail(error),
        }
    }

    fn put(&self, made: Made, held: Held, digest: Vec<u8>, now: Timestamp) -> Result<Arc<List>, SourceError> {
        let documents = held.documents.iter().map(Document::without_body).collect();
        let weight = self.weight(&made.list);
        let Made { list, rows, older: _, unread, first_unread } = made;
        let list = self.fetcher.shelf.put(self.fetcher.index, held, list, now)?;
        let mut state = self.state();
        (state.rows, state.unread, state.first_unread) = (rows, unread, first_unread);
        (state.held, state.digest, state.weight) = (documents, digest, weight);
        Ok(list)
    }

    /// Tells whether a list can be what its owner meant.
    fn check(&self, made: Made) -> Result<Made, SourceError> {
        let least = self.fetcher.spec().least_rows;
        let (before, found) = (self.state().rows, made.rows);
        if least == Some(0) || self.fetcher.spec().is_written_by_hand(self.fetcher.source()) {
            return Ok(made);
        }
        if let (0, Some(first)) = (found, &made.first_unread) {
            return Err(SourceError::Garbage { why: first.clone() });
        }
        // What has passed out of the window was there all the same.
        let found_ever = found.saturating_add(usize::try_from(made.older).unwrap_or(usize::MAX));
        if least.is_none() && found_ever > 0 && found_ever.saturating_mul(LARGEST_SHRINKAGE) >= before {
            return Ok(made);
        }
        let least = least.unwrap_or(1);
        if found < least {
            return Err(SourceError::TooFew { least, found });
        }
        if found.saturating_mul(LARGEST_SHRINKAGE) < before {
            return Err(SourceError::Shrunk { from: before, to: found });
        }
        Ok(made)
    }

    /// Notes that the source holds what there is. What could not be kept is tried again: the copy on disk, if there is
    /// one, is another.
    fn confirm(&self, held: &[Document], trouble: Option<SourceError>, unkept: Option<SourceError>) {
        let now = (self.clock)();
        let waiting = self.state().unkept.clone();
        let kept = match unkept {
            Some(error) => Err(error),
            None if waiting.is_empty() => self.fetcher.touch(held, now),
            None => self.fetcher.keep(&waiting, now),
        };
        let interval = self.fetcher.spec().interval(self.fetcher.source());
        let mut state = self.state();
        if kept.is_ok() {
            state.unkept = Vec::new();
        }
        state.seen = Some(now);
        state.origin = Origin::Source;
        state.error = trouble.or(kept.err());
        state.pace.succeed(interval, now);
    }

    /// Notes that nothing came. The rows go if they are stale and the policy says so.
    fn fail(&self, error: SourceError) -> Option<Arc<List>> {
        let spec = self.fetcher.spec();
        let now = (self.clock)();
        tracing::warn!(list = spec.name, error = %error.without_content(), "list not taken");
        let drops = {
            let mut state = self.state();
            state.pace.fail(&error, spec.interval(self.fetcher.source()), now);
            state.error = Some(error);
            state.origin != Origin::Nowhere && self.drops_stale() && self.is_stale(state.seen, now)
        };
        if !drops {
            return None;
        }
        let (made, held) = self.fetcher.shelf.try_out(self.fetcher.index, Vec::new(), now).ok()?;
        let list = self.put(made, held, Vec::new(), now).ok()?;
        self.state().origin = Origin::Nowhere;
        tracing::warn!(list = spec.name, "stale rows dropped");
        Some(list)
    }

    fn drops_stale(&self) -> bool {
        self.fetcher.spec().on_stale == OnStale::Drop
    }

    /// Tells whether the source has not been reached for so long that its rows are stale.
    fn is_stale(&self, seen: Option<Timestamp>, now: Timestamp) -> bool {
        let patience = self.fetcher.spec().patience(self.fetcher.source());
        let patience = SignedDuration::try_from(patience).unwrap_or(SignedDuration::MAX);
        seen.is_some_and(|seen| now.duration_since(seen) > patience)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn nothing(now: Timestamp) -> Self {
        Self {
            rows: 0,
            unread: 0,
            first_unread: None,
            held: Vec::new(),
            unkept: Vec::new(),
            digest: Vec::new(),
            weight: 0,
            origin: Origin::Nowhere,
            seen: None,
            pace: Pace::new(now),
            error: None,
        }
    }
}

fn panicked() -> SourceError {
    SourceError::Garbage { why: "reading it panicked".to_owned() }
}

/// A copy with less than a tenth of the rows is not taken.
const LARGEST_SHRINKAGE: usize = 10;

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("list", &self.name()).finish_non_exhaustive()
    }
}
