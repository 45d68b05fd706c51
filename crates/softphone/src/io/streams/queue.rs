//! What is to be written over a connection, on its way from the shard to the connection's task.
//!
//! It is bounded by what it costs, which is more than its bytes: a pong is two, and a place in the queue a hundred. Counted
//! apart is what the peer has asked for and does not take: it is bounded by not reading what more it asks for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ringfence_ua::Write;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The shard's end: what is put in is written. When it is dropped the connection is closed, once all is written.
pub(super) struct Feed {
    sender: UnboundedSender<Write>,
    waiting: Arc<Waiting>,
    most: usize,
}

/// More waits than a peer may leave unread.
#[derive(Debug)]
pub(crate) struct Full;

/// The end of a connection's task.
pub(super) struct Queue {
    receiver: UnboundedReceiver<Write>,
    waiting: Arc<Waiting>,
    taken: Taken,
}

/// What was put in and is not written yet.
#[derive(Default)]
struct Waiting {
    cost: AtomicUsize,
    /// What of it is for what the peer has asked for.
    cost_of_answers: AtomicUsize,
    /// Whether a pong is among it.
    has_pong: AtomicBool,
}

/// What the task has taken and not written yet.
#[derive(Default)]
struct Taken {
    /// How many bytes follow each other of which the peer has asked for all or for none.
    runs: VecDeque<Run>,
    bytes: usize,
    /// How many of them end with a pong.
    until_pong: Option<usize>,
}

struct Run {
    is_asked: bool,
    bytes: usize,
}

/// What a place in the queue costs beside its bytes, and the allocator takes for so small a thing.
const PLACE: usize = 128;

/// Creates what is to be written.
#[cfg(test)]
pub(super) fn written(payload: Vec<u8>) -> Write {
    Write {
        connection: ringfence_ua::ConnectionId::new(1),
        payload,
        final_responses: 0,
        requests: 0,
        answers: 0,
    }
}

/// Creates a queue that may cost so many bytes at most.
pub(super) fn queue(most: usize) -> (Feed, Queue) {
    let (sender, receiver) = unbounded_channel();
    let waiting = Arc::new(Waiting::default());
    let queue = Queue { receiver, waiting: Arc::clone(&waiting), taken: Taken::default() };
    (Feed { sender, waiting, most }, queue)
}

impl Feed {
    /// Puts something in. What is for a connection that has just ended is lost, as a datagram would be.
    pub(super) fn send(&self, mut write: Write) -> Result<(), Full> {
        let length = write.payload.len();
        // There is room for a message where there may be a pong.
        if write.payload.capacity() > 2 * length {
            write.payload.shrink_to_fit();
        }
        // One that is longer than all that may wait is let through where nothing does.
        let cost = length + PLACE;
        let before = self.waiting.cost.fetch_add(cost, Ordering::Relaxed);
        if before > 0 && before + cost > self.most {
            self.waiting.cost.fetch_sub(cost, Ordering::Relaxed);
            return Err(Full);
        }
        self.waiting.cost_of_answers.fetch_add(cost_of_answers(&write), Ordering::Relaxed);
        let _ = self.sender.send(write);
        Ok(())
    }

    /// Takes that the peer has pinged. Returns whether a pong is to be put in: none is while one waits, which answers this
    /// ping too.
    pub(super) fn owes_pong(&self) -> bool {
        !self.waiting.has_pong.swap(true, Ordering::Relaxed)
    }

    /// Returns what costs so much that was put in and is not written yet.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.cost.load(Ordering::Relaxed)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl Queue {
    /// Waits for what is to be written next; nothing means that the connection is to be closed.
    pub(super) async fn next(&mut self) -> Option<Write> {
        let write = self.receiver.recv().await?;
        // Its place is free.
        self.waiting.cost.fetch_sub(PLACE, Ordering::Relaxed);
        let place = cost_of_answers(&write) - write.answers;
        self.waiting.cost_of_answers.fetch_sub(place, Ordering::Relaxed);
        self.taken.add(&write);
        if self.waiting.has_pong.load(Ordering::Relaxed) {
            self.taken.until_pong.get_or_insert(self.taken.bytes);
        }
        Some(write)
    }

    /// Takes that so many bytes were written.
    pub(super) fn written(&mut self, count: usize) {
        let asked = self.taken.remove(count);
        self.waiting.cost.fetch_sub(count, Ordering::Relaxed);
        self.waiting.cost_of_answers.fetch_sub(asked, Ordering::Relaxed);
        self.taken.until_pong = match self.taken.until_pong {
            Some(left) if left <= count => {
                self.waiting.has_pong.store(false, Ordering::Relaxed);
                None
            }
            left => left.map(|left| left - count),
        };
    }

    /// Returns whether all that was put in is written.
    pub(super) fn is_written(&self) -> bool {
        self.waiting.cost.load(Ordering::Relaxed) == 0
    }

    /// Returns what that costs which the peer has asked for and not taken.
    pub(super) fn unread(&self) -> usize {
        self.waiting.cost_of_answers.load(Ordering::Relaxed)
    }
}

impl Taken {
    fn add(&mut self, write: &Write) {
        self.bytes += write.payload.len();
        // In which order they are within one is not known.
        self.add_run(false, write.payload.len() - write.answers);
        self.add_run(true, write.answers);
    }

    fn add_run(&mut self, is_asked: bool, bytes: usize) {
        match self.runs.back_mut() {
            _ if bytes == 0 => {}
            Some(last) if last.is_asked == is_asked => last.bytes += bytes,
            _ => self.runs.push_back(Run { is_asked, bytes }),
        }
    }

    /// Takes so many bytes away, and returns how many of them the peer has asked for.
    fn remove(&mut self, count: usize) -> usize {
        self.bytes -= count;
        let (mut left, mut asked) = (count, 0);
        while let Some(first) = self.runs.front_mut().filter(|_| left > 0) {
            let removed = left.min(first.bytes);
            left -= removed;
            first.bytes -= removed;
            asked += if first.is_asked { removed } else { 0 };
            if first.bytes == 0 {
                self.runs.pop_front();
            }
        }
        asked
    }
}

fn cost_of_answers(write: &Write) -> usize {
    if write.answers == 0 { 0 } else { write.answers + PLACE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(length: usize) -> Write {
        Write { answers: length, ..written(vec![0; length]) }
    }

    #[tokio::test]
    async fn what_waits_is_bounded_by_what_it_costs_and_one_long_write_goes_through() {
        let (feed, mut queue) = queue(10 + 2 * PLACE);
        let send = |length| feed.send(written(vec![0; length]));
        assert!(send(500).is_ok() && send(1).is_err());
        assert_eq!(queue.next().await.unwrap().payload.len(), 500);
        queue.written(500);
        assert!(queue.is_written());
        assert!(send(9).is_ok() && send(1).is_ok() && send(0).is_err());
        assert_eq!(feed.waiting(), 10 + 2 * PLACE);
        assert!(!feed.is_closed());
        drop(queue);
        assert!(feed.is_closed());
    }

    #[tokio::test]
    async fn pongs_fill_a_queue_by_their_places_and_hold_no_room_for_a_message() {
        let (feed, mut queue) = queue(4 << 20);
        let pong = || {
            let mut payload = Vec::with_capacity(1024);
            payload.extend_from_slice(b"\r\n");
            Write { answers: 2, ..written(payload) }
        };
        let taken = (0..1 << 20).take_while(|_| feed.send(pong()).is_ok()).count();
        assert_eq!(taken, (4 << 20) / (2 + PLACE));
        assert!(queue.next().await.unwrap().payload.capacity() < PLACE);
    }

    #[tokio::test]
    async fn what_the_peer_has_asked_for_is_counted_apart_until_it_is_written() {
        let (feed, mut queue) = queue(usize::MAX);
        for write in [written(vec![0; 100]), answer(10), answer(5), written(vec![0; 50]), answer(1)] {
            assert!(feed.send(write).is_ok());
        }
        assert_eq!(queue.unread(), 16 + 3 * PLACE);
        for _ in 0..5 {
            assert!(queue.next().await.is_some());
        }
        assert_eq!(queue.unread(), 16);
        for (count, unread) in [(99, 16), (3, 14), (13, 1), (50, 1), (1, 0)] {
            queue.written(count);
            assert_eq!(queue.unread(), unread, "{count}");
        }
        assert!(queue.is_written() && queue.taken.runs.is_empty());
    }

    #[tokio::test]
    async fn pings_are_answered_by_one_pong_while_it_waits() {
        let (feed, mut queue) = queue(usize::MAX);
        assert!(feed.send(written(vec![0; 100])).is_ok());
        assert!(queue.next().await.is_some());
        assert!(feed.owes_pong() && !feed.owes_pong(), "it is about to be put in");
        assert!(feed.send(answer(2)).is_ok() && !feed.owes_pong(), "it waits to be taken");
        assert!(queue.next().await.is_some());
        queue.written(101);
        assert!(!feed.owes_pong(), "half of it is written");
        queue.written(1);
        assert!(feed.owes_pong());
    }
}
