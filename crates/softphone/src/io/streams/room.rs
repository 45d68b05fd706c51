//! How many connections there may be, of all threads together: a file each, of which the process may have only so many
//! open. Half of them are for those who connect to us, a quarter for those that we open, and the rest for all else.
//!
//! One that there is no room for waits until another has failed or is closed. That is nobody's failure but ours: no server
//! is tried last for it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The room for connections.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    /// For those that we open, from the first attempt on.
    ours: Arc<Semaphore>,
    opening: Arc<Semaphore>,
    /// How many of each thread others may open.
    of_peers: usize,
}

/// What one connection of ours takes of the room, until it is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    _ours: OwnedSemaphorePermit,
    opening: Option<OwnedSemaphorePermit>,
}

/// Connections that we may have open, however many files there may be: one to each server. A line has one, and all lines of
/// a server share theirs.
const MOST: usize = 16_384;
/// Those that may be opened at once. A server of many addresses has as many attempts in hand as hang, up to 32: eight such
/// do not keep a ninth waiting.
const MOST_OPENING: usize = 256;
/// Files of a process, where the system does not tell.
const FILES: u64 = 16_384;

impl Room {
    /// Shares out the files that a process of so many threads may open.
    pub(crate) fn new(files: Option<u64>, threads: u16) -> Self {
        let files = usize::try_from(files.unwrap_or(FILES)).unwrap_or(usize::MAX);
        let ours = (files / 4).clamp(1, MOST);
        Self {
            ours: Arc::new(Semaphore::new(ours)),
            opening: Arc::new(Semaphore::new(ours.min(MOST_OPENING))),
            of_peers: files / 2 / usize::from(threads.max(1)),
        }
    }

    /// Shares out the files that this process may open.
    pub(crate) fn of_process(threads: u16) -> Self {
        Self::new(files(), threads)
    }

    /// Returns how many connections of one thread others may open.
    pub(super) fn of_peers(&self) -> usize {
        self.of_peers
    }

    /// Waits until there is room for one more connection of ours. Who asked first is first.
    pub(super) async fn take(&self) -> Taken {
        let ours = permit(&self.ours).await;
        Taken { _ours: ours, opening: Some(permit(&self.opening).await) }
    }
}

impl Taken {
    /// Takes that the connection is open.
    pub(super) fn is_open(&mut self) {
        self.opening = None;
    }
}

async fn permit(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    match Arc::clone(semaphore).acquire_owned().await {
        Ok(permit) => permit,
        // Nobody closes them.
        Err(_) => std::future::pending().await,
    }
}

/// Returns how many files the process may have open, where the system tells.
#[cfg(target_os = "linux")]
fn files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(target_os = "linux"))]
fn files() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_quarter_of_the_files_is_for_connections_of_ours_and_no_more_than_so_many_are_opened_at_once() {
        let room = Room::new(Some(4_000), 1);
        let mut opening = Vec::new();
        while let Some(taken) = room.take().now_or_never() {
            opening.push(taken);
        }
        assert_eq!(opening.len(), MOST_OPENING);
        let mut open = Vec::new();
        while let Some(mut taken) = opening.pop().or_else(|| room.take().now_or_never()) {
            taken.is_open();
            open.push(taken);
        }
        assert_eq!(open.len(), 1_000);
        open.pop();
        assert!(room.take().now_or_never().is_some());
        let few = Room::new(Some(0), 1);
        let only = few.take().now_or_never();
        assert!(only.is_some() && few.take().now_or_never().is_none());
    }

    #[test]
    fn half_of_the_files_is_for_the_connections_of_others_whatever_the_threads() {
        assert_eq!(Room::new(Some(1_024), 1).of_peers(), 512);
        assert_eq!(Room::new(Some(1_024), 4).of_peers(), 128);
        assert_eq!(Room::new(Some(u64::MAX), 0).of_peers(), usize::MAX / 2);
    }
}
