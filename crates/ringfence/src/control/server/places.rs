//! How many clients are served at once, and who gives way when there are too many.
//!
//! ```text
//!  comes ──▶ a place, silent ──asks──▶ a place, served ──follows──▶ a place of those who follow
//!                   │ all taken                                          (as many again)
//!                   └──▶ the oldest silent one gives way
//! ```

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

/// The places at the control socket.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    following: Arc<Semaphore>,
    /// Those who have a place and have not asked yet, the oldest first.
    silent: Mutex<VecDeque<oneshot::Sender<()>>>,
}

/// A client that is heard. Dropping it frees its place.
#[derive(Debug)]
pub(super) struct Place {
    _taken: OwnedSemaphorePermit,
}

/// Comes when a silent client has to give way.
pub(super) type Leave = oneshot::Receiver<()>;

/// More clients at once are told to come back, and so are more that follow: these stay as long as they like, and
/// keep nobody else out.
pub(super) const MOST_CLIENTS: usize = 16;

impl Default for Places {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(MOST_CLIENTS)),
            following: Arc::new(Semaphore::new(MOST_CLIENTS)),
            silent: Mutex::default(),
        }
    }
}

impl Places {
    /// Takes a place for a client that has just come. If all are taken, the one that has been silent for longest
    /// gives way; if none is silent, there is none.
    pub(super) async fn take(&self, patience: Duration) -> Option<(Place, Leave)> {
        let all = Arc::clone(&self.all);
        let taken = match Arc::clone(&all).try_acquire_owned() {
            Ok(taken) => taken,
            Err(_) if self.send_away() => timeout(patience, all.acquire_owned()).await.ok()?.ok()?,
            Err(_) => return None,
        };
        let (leave, left) = oneshot::channel();
        let mut silent = self.silent();
        silent.retain(|other| !other.is_closed());
        silent.push_back(leave);
        Some((Place { _taken: taken }, left))
    }

    /// Changes the place of a client for one of those who follow, if one is free.
    pub(super) fn follow(&self, _place: Place) -> Option<Place> {
        let taken = Arc::clone(&self.following).try_acquire_owned().ok()?;
        Some(Place { _taken: taken })
    }

    /// Has the client leave that has been silent for longest. Returns whether there is one.
    fn send_away(&self) -> bool {
        let mut silent = self.silent();
        while let Some(oldest) = silent.pop_front() {
            // Whoever has asked since does not listen any more.
            if oldest.send(()).is_ok() {
                return true;
            }
        }
        false
    }

    fn silent(&self) -> MutexGuard<'_, VecDeque<oneshot::Sender<()>>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
