//! A look at a source that is under way. It outlives who waits for it: a reload ends that, and the next one waits on.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::copies::Document;
use super::error::SourceError;
use super::fetch::{Fetched, Fetcher};

type Landed = Result<Option<Fetched>, SourceError>;

/// A look at a source that is under way. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Flight {
    /// What was held when it began: it may tell that the source still holds this.
    held: Vec<Document>,
    task: JoinHandle<Landed>,
}

/// The place of the one look at a source at a time. Held while the source is looked at.
pub(super) type Runway = Arc<tokio::sync::Mutex<Option<Flight>>>;

impl Flight {
    fn start(fetcher: Arc<Fetcher>, held: Vec<Document>, now: Timestamp) -> Self {
        let known = held.clone();
        Self { held, task: tokio::spawn(async move { fetcher.fetch(&known, now).await }) }
    }

    /// Waits for the look that is under way, or for a new one, and returns what came; `None` if that panicked.
    pub(super) async fn land(
        runway: &mut Option<Self>,
        fetcher: &Arc<Fetcher>,
        held: &[Document],
        now: Timestamp,
    ) -> Option<Landed> {
        // One that asked for other changes says nothing of these.
        let flight = match runway.take().filter(|flight| flight.held == held) {
            Some(flight) => runway.insert(flight),
            None => runway.insert(Self::start(Arc::clone(fetcher), held.to_vec(), now)),
        };
        let landed = (&mut flight.task).await;
        *runway = None;
        landed.ok()
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.task.abort();
    }
}
