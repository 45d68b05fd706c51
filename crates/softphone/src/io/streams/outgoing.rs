//! What is to be written over a connection: a queue that is bounded by what it holds, and what its task has taken from it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::BytesMut;
use ringfence_ua::Write;
use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Stream;

/// The shard's end: what is put in is written. When it is dropped the connection is closed, once all is written.
pub(super) struct Feed {
    sender: UnboundedSender<Write>,
    waiting: Arc<AtomicUsize>,
    most: usize,
}

/// More waits than a peer may leave unread.
pub(super) struct Full;

/// The end of a connection's task.
pub(super) struct Queue {
    receiver: UnboundedReceiver<Write>,
    waiting: Arc<AtomicUsize>,
}

/// A buffer that grew beyond this in a burst is given back when it is empty.
const KEPT: usize = 16 * 1024;

/// Creates what is to be written.
#[cfg(test)]
pub(super) fn written(payload: Vec<u8>) -> Write {
    Write { connection: ringfence_ua::ConnectionId::new(1), payload, final_responses: 0 }
}

/// Creates a queue for so many bytes at most.
pub(super) fn queue(most: usize) -> (Feed, Queue) {
    let (sender, receiver) = unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    (Feed { sender, waiting: Arc::clone(&waiting), most }, Queue { receiver, waiting })
}

impl Feed {
    /// Puts something in. What is for a connection that has just ended is lost, as a datagram would be.
    pub(super) fn send(&self, write: Write) -> Result<(), Full> {
        let length = write.payload.len();
        // One that is longer than all that may wait is let through where nothing does.
        let before = self.waiting.fetch_add(length, Ordering::Relaxed);
        if before > 0 && before + length > self.most {
            self.waiting.fetch_sub(length, Ordering::Relaxed);
            return Err(Full);
        }
        let _ = self.sender.send(write);
        Ok(())
    }

    /// Returns how many bytes were put in and are not written yet.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl Queue {
    /// Waits for what is to be written next; nothing means that the connection is to be closed.
    pub(super) async fn next(&mut self) -> Option<Write> {
        self.receiver.recv().await
    }

    /// Takes that so many bytes were written.
    pub(super) fn written(&self, count: usize) {
        self.waiting.fetch_sub(count, Ordering::Relaxed);
    }

    /// Returns how many bytes were put in and are not written yet.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// The half of a connection that is written to, and what waits to be.
pub(super) struct Outgoing {
    writer: WriteHalf<Stream>,
    pending: BytesMut,
    /// Whether what TLS was given has gone out.
    is_flushed: bool,
}

impl Outgoing {
    pub(super) fn new(writer: WriteHalf<Stream>) -> Self {
        Self { writer, pending: BytesMut::new(), is_flushed: true }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.is_flushed
    }

    /// Writes a part of what waits, and returns how much. Nothing is lost where it is not waited for.
    pub(super) async fn write(&mut self) -> io::Result<usize> {
        if self.pending.is_empty() {
            self.writer.flush().await?;
            self.is_flushed = true;
            return Ok(0);
        }
        let count = self.writer.write_buf(&mut self.pending).await?;
        self.is_flushed = false;
        if self.pending.is_empty() && self.pending.capacity() > KEPT {
            self.pending = BytesMut::new();
        }
        if count == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(count) }
    }

    /// Writes all that waits, and that nothing more comes.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        while !self.is_empty() {
            self.write().await?;
        }
        self.writer.shutdown().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_by_its_bytes_and_one_long_write_goes_through() {
        let (feed, queue) = queue(10);
        let send = |length| feed.send(written(vec![0; length]));
        assert!(send(50).is_ok() && send(1).is_err());
        queue.written(50);
        assert!(send(9).is_ok() && send(1).is_ok() && send(1).is_err());
        assert_eq!(queue.waiting(), 10);
        assert!(!feed.is_closed());
        drop(queue);
        assert!(feed.is_closed());
    }
}
