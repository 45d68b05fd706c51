//! What is to be written over a WebSocket, message by message. Nothing of it waits where it would keep from reading.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Poll, ready};

use bytes::Bytes;
use futures_util::SinkExt as _;
use futures_util::stream::SplitSink;
use ringfence_wire::sip::{Frame, Framer};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::frames::Blocked;
use super::websocket::Socket;

/// The half of a WebSocket that is written to, and what waits to be.
pub(super) struct Messages {
    sink: SplitSink<Socket, Message>,
    /// Each with its length in bytes.
    pending: VecDeque<(usize, Message)>,
    /// The length of the one that has been begun.
    begun: Option<usize>,
    is_blocked: Blocked,
}

/// Cuts what is written to a connection into its messages, and pings, each of which is whole.
pub(crate) fn messages(written: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut framer, mut rest) = (Framer::default(), written);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        // What could not be cut would go as it is.
        let length = framer.next(rest).ok().flatten().map_or(rest.len(), Frame::length);
        let (one, behind) = rest.split_at(length);
        rest = behind;
        Some(one)
    })
}

impl Messages {
    pub(super) fn new(sink: SplitSink<Socket, Message>, is_blocked: Blocked) -> Self {
        Self { sink, pending: VecDeque::new(), begun: None, is_blocked }
    }

    /// Takes what is to be written: whole messages.
    pub(super) fn push(&mut self, bytes: Vec<u8>) {
        //= https://www.rfc-editor.org/rfc/rfc7118#section-5
        //# Each SIP message MUST be carried within a single WebSocket message,
        //# and a WebSocket message MUST NOT contain more than one SIP message.
        let bytes = Bytes::from(bytes);
        for one in messages(&bytes) {
            let one = bytes.slice_ref(one);
            //= https://www.rfc-editor.org/rfc/rfc7118#section-4.2
            //# If there is at least one non-UTF-8 symbol in the whole SIP message (including
            //# headers and the body), then the whole message MUST be sent within a WebSocket binary
            //# message.
            let message = match std::str::from_utf8(&one) {
                Ok(text) => Message::text(text),
                Err(_) => Message::binary(one.clone()),
            };
            self.pending.push_back((one.len(), message));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.has_none() && !self.is_blocked.by_the_peer()
    }

    /// Returns whether the library's own answers to pings wait for the peer to read them, and nothing else does.
    pub(super) fn has_pongs_alone(&self) -> bool {
        self.has_none() && self.is_blocked.by_the_peer()
    }

    fn has_none(&self) -> bool {
        self.pending.is_empty() && self.begun.is_none()
    }

    /// Writes the first message that waits, and returns its length, or what the library has to write. Nothing is lost where
    /// it is not waited for: it goes on the next time.
    pub(super) async fn write(&mut self) -> Result<usize, Error> {
        let Self { sink, pending, begun, .. } = self;
        poll_fn(|cx| {
            if begun.is_none() {
                ready!(sink.poll_ready_unpin(cx))?;
                if let Some((length, message)) = pending.pop_front() {
                    *begun = Some(length);
                    sink.start_send_unpin(message)?;
                }
            }
            ready!(sink.poll_flush_unpin(cx))?;
            Poll::Ready(Ok(begun.take().unwrap_or(0)))
        })
        .await
    }

    /// Writes all that waits, and that nothing more comes.
    pub(super) async fn finish(&mut self) -> Result<(), Error> {
        while !self.is_empty() {
            self.write().await?;
        }
        self.sink.close().await
    }
}
