//! The queue between those who decide and the journal's task: in the order in which it happened, and bounded.
//!
//! Who decides puts in one thing at a time and never waits for room. The task takes all there is at once, so that the queue is
//! locked for an instant, and is woken for the first of many only.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::queued::Queued;
use super::tally::Counts;

/// Returns both ends of a queue for so many things at most.
pub(super) fn queue(most: usize, counts: Arc<Counts>) -> (Queue, Records) {
    let shared = Arc::new(Shared { waiting: Mutex::default(), bell: Notify::new(), most, counts });
    (Queue(Arc::clone(&shared)), Records(shared))
}

/// Where things are put in.
#[derive(Debug, Clone)]
pub(super) struct Queue(Arc<Shared>);

/// Where they are taken out. Dropping it closes the queue, and counts what waits as lost.
#[derive(Debug)]
pub(crate) struct Records(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    waiting: Mutex<Waiting>,
    bell: Notify,
    most: usize,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Waiting {
    queued: Vec<Queued>,
    is_closed: bool,
}

/// Room that is kept from one time to the next at most: more is that of a storm.
const MOST_KEPT: usize = 2_048;

impl Queue {
    /// Puts something in. Returns whether there was room, and anybody who takes it.
    pub(super) fn put(&self, queued: Queued) -> bool {
        let mut waiting = self.0.waiting();
        if waiting.is_closed || waiting.queued.len() >= self.0.most {
            return false;
        }
        let is_first = waiting.queued.is_empty();
        waiting.queued.push(queued);
        drop(waiting);
        if is_first {
            self.0.bell.notify_one();
        }
        true
    }
}

impl Records {
    /// Waits until there is something, and takes all of it. Until then nothing is lost when it is dropped.
    pub(crate) async fn wait(&mut self, batch: &mut Vec<Queued>) {
        while !self.take(batch) {
            self.0.bell.notified().await;
        }
    }

    /// Takes all there is into a batch of which nothing is left. Returns whether there is anything.
    pub(crate) fn take(&mut self, batch: &mut Vec<Queued>) -> bool {
        debug_assert!(batch.is_empty(), "what is left of the batch before would be lost uncounted");
        batch.clear();
        batch.shrink_to(MOST_KEPT);
        std::mem::swap(&mut self.0.waiting().queued, batch);
        !batch.is_empty()
    }

    /// Takes the oldest.
    #[cfg(test)]
    pub(crate) fn take_one(&mut self) -> Option<Queued> {
        let queued = &mut self.0.waiting().queued;
        if queued.is_empty() { None } else { Some(queued.remove(0)) }
    }

    /// Lets nothing more in.
    pub(crate) fn close(&mut self) {
        self.0.waiting().is_closed = true;
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.is_closed = true;
        let left = std::mem::take(&mut waiting.queued);
        drop(waiting);
        self.0.counts.lost.fetch_add(left.len() as u64, Relaxed);
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::call::Record;
    use super::*;

    fn dialed(identity: u32) -> Queued {
        Record::Dialed { identity: identity.to_string(), at: Timestamp::UNIX_EPOCH }.into()
    }

    fn identities(batch: &[Queued]) -> Vec<&str> {
        let mut identities = Vec::new();
        for queued in batch {
            let Queued::Record(Record::Dialed { identity, .. }) = queued else { panic!("{queued:?}") };
            identities.push(identity.as_str());
        }
        identities
    }

    #[test]
    fn all_there_is_is_taken_at_once_in_its_order() {
        let (queue, mut records) = queue(8, Arc::default());
        let mut batch = Vec::new();
        assert!(!records.take(&mut batch) && batch.is_empty());
        assert!((1..4).all(|number| queue.put(dialed(number))));
        assert!(records.take(&mut batch));
        assert_eq!(identities(&batch), ["1", "2", "3"]);
        batch.clear();
        assert!(!records.take(&mut batch));
    }

    #[test]
    fn there_is_room_for_so_many_and_none_when_nobody_takes_them() {
        let (queue, mut records) = queue(2, Arc::default());
        let put = |number| queue.put(dialed(number));
        assert_eq!([put(1), put(2), put(3)], [true, true, false]);
        records.take(&mut Vec::new());
        assert!(put(4));
        records.close();
        assert!(!put(5));
        let mut batch = Vec::new();
        records.take(&mut batch);
        assert_eq!(identities(&batch), ["4"], "what came before is taken all the same");
        drop(records);
        assert!(!put(6));
    }

    #[test]
    fn what_waits_when_nobody_takes_it_any_more_is_lost_and_counted() {
        let counts = Arc::<Counts>::default();
        let (queue, mut records) = queue(8, Arc::clone(&counts));
        assert!((1..4).all(|number| queue.put(dialed(number))));
        records.take(&mut Vec::new());
        assert!((4..6).all(|number| queue.put(dialed(number))));
        drop(records);
        assert_eq!((counts.tally().lost, queue.0.waiting().queued.len()), (2, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_woken_for_what_comes_before_and_while_it_waits() {
        let (queue, mut records) = queue(8, Arc::default());
        let mut batch = Vec::new();
        queue.put(dialed(1));
        records.wait(&mut batch).await;
        assert_eq!(identities(&batch), ["1"]);
        batch.clear();
        for number in 2..5 {
            let put = async {
                tokio::task::yield_now().await;
                queue.put(dialed(number));
            };
            tokio::join!(records.wait(&mut batch), put);
            assert_eq!(identities(&batch), [number.to_string()]);
            batch.clear();
        }
    }
}
