//! What a connection's task has taken from its queue, and writes.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncWriteExt, WriteHalf};

use super::Stream;

/// A buffer that grew beyond this in a burst is given back when it is empty.
const KEPT: usize = 16 * 1024;

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
