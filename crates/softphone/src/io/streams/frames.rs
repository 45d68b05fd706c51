//! Which bytes of a WebSocket begin a message and which end it (RFC 6455 sections 5.2 and 5.4): the library tells of what
//! is whole alone, and who begins a message is to end it in time.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Stream;

/// A stream that a WebSocket is read from, from its handshake on.
pub(crate) struct Watched {
    stream: Stream,
    frames: Frames,
    is_within: Within,
    is_blocked: Blocked,
}

/// Whether what was read ends within a message or a frame.
#[derive(Debug, Clone, Default)]
pub(super) struct Within(Arc<AtomicBool>);

/// Whether the peer takes nothing of what was last to be written: the library writes pongs by itself, and does not tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Blocked(Arc<AtomicBool>);

/// Where what was read ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frames {
    part: Part,
    /// Whether a message was begun in a frame before this one.
    is_fragmented: bool,
    /// How many frames the message has that was begun.
    parts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// In the head of the HTTP message that comes before all frames; whether a line of it has begun.
    Http { line: Line },
    /// In the head of a frame, of which there are so many bytes.
    Head { bytes: [u8; LONGEST_HEAD], length: usize },
    /// In what a frame carries, of which so much is to come.
    Payload { left: u64 },
}

/// Where a head of HTTP is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Before the first one.
    None,
    Begun,
    Ended,
}

/// Two bytes, eight of a length and four of a mask.
const LONGEST_HEAD: usize = 14;
const FIRST: Part = Part::Http { line: Line::None };
const BETWEEN: Part = Part::Head { bytes: [0; LONGEST_HEAD], length: 0 };
/// Of the first byte of a frame: that it is the last one of its message, and that it is of control, as a ping is.
const FIN: u8 = 0x80;
const CONTROL: u8 = 0x08;
/// Of the second: that a mask comes before the payload, and the rest.
const MASK: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// Frames of one message: empty ones count against no other limit, and the library reads on as long as they come.
const MOST_PARTS: u32 = 1_000;
const TOO_MANY_PARTS: &str = "the peer sends a message in more than 1000 parts";

impl Watched {
    /// Watches a stream on which the handshake is to come.
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            frames: Frames::at(FIRST),
            is_within: Within::default(),
            is_blocked: Blocked::default(),
        }
    }

    /// Watches a stream on which there was a handshake.
    #[cfg(test)]
    pub(super) fn greeted(stream: Stream) -> Self {
        Self { frames: Frames::at(BETWEEN), ..Self::new(stream) }
    }

    pub(super) fn is_within(&self) -> Within {
        self.is_within.clone()
    }

    pub(super) fn is_blocked(&self) -> Blocked {
        self.is_blocked.clone()
    }
}

impl Blocked {
    /// Returns whether something waits for the peer to read.
    pub(super) fn by_the_peer(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn after<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.0.store(polled.is_pending(), Ordering::Relaxed);
        polled
    }
}

impl Within {
    /// Returns whether something has begun that has not ended.
    pub(super) fn a_message(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Frames {
    /// Begins behind a handshake.
    #[cfg(any(test, fuzzing))]
    pub(super) fn between() -> Self {
        Self::at(BETWEEN)
    }

    fn at(part: Part) -> Self {
        Self { part, is_fragmented: false, parts: 0 }
    }

    /// Takes what was read.
    pub(super) fn take(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            (self.part, bytes) = match self.part {
                Part::Http { line } => (after_http(line, first), rest),
                Part::Head { bytes, length } => (self.after_head(bytes, length, first), rest),
                Part::Payload { left } => {
                    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let left = left - taken as u64;
                    (if left == 0 { BETWEEN } else { Part::Payload { left } }, &bytes[taken..])
                }
            };
        }
    }

    pub(super) fn is_within(&self) -> bool {
        let is_between = self.part == BETWEEN || matches!(self.part, Part::Http { .. });
        self.is_fragmented || !is_between
    }

    /// Tells whether the message that was begun has more parts than anybody sends.
    fn has_too_many_parts(&self) -> bool {
        self.parts > MOST_PARTS
    }

    /// Returns what comes after one more byte of a frame's head.
    fn after_head(&mut self, mut bytes: [u8; LONGEST_HEAD], length: usize, next: u8) -> Part {
        bytes[length] = next;
        let length = length + 1;
        let mask = if bytes[1] & MASK == 0 { 0 } else { 4 };
        let (extended, short) = match bytes[1] & LENGTH {
            126 => (2, 0),
            127 => (8, 0),
            short => (0, short),
        };
        if length < 2 + extended + mask {
            return Part::Head { bytes, length };
        }
        if bytes[0] & CONTROL == 0 {
            self.is_fragmented = bytes[0] & FIN == 0;
            self.parts = if self.is_fragmented { self.parts.saturating_add(1) } else { 0 };
        }
        let long = bytes[2..2 + extended].iter().fold(0, |long, &byte| long << 8 | u64::from(byte));
        match long + u64::from(short) {
            0 => BETWEEN,
            left => Part::Payload { left },
        }
    }
}

/// Returns what comes after one more byte of a head of HTTP. As the library has it, its lines may end without CR, and
/// empty ones may come before it.
fn after_http(line: Line, next: u8) -> Part {
    match (next, line) {
        (b'\n', Line::Ended) => BETWEEN,
        (b'\n', Line::Begun) => Part::Http { line: Line::Ended },
        (b'\r' | b'\n', line) => Part::Http { line },
        _ => Part::Http { line: Line::Begun },
    }
}

impl AsyncRead for Watched {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { stream, frames, is_within, .. } = self.get_mut();
        let before = buf.filled().len();
        let read = Pin::new(stream).poll_read(cx, buf);
        frames.take(&buf.filled()[before..]);
        is_within.0.store(frames.is_within(), Ordering::Relaxed);
        if frames.has_too_many_parts() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, TOO_MANY_PARTS)));
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let Self { stream, is_blocked, .. } = self.get_mut();
        is_blocked.after(Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, is_blocked, .. } = self.get_mut();
        is_blocked.after(Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: u8 = 0x01;
    const CONTINUATION: u8 = 0x00;
    const PING: u8 = 0x09;

    fn frame(first: u8, is_masked: bool, length: usize) -> Vec<u8> {
        let (short, extended) = match length {
            0..126 => (u8::try_from(length).unwrap(), Vec::new()),
            126..65_536 => (126, u16::try_from(length).unwrap().to_be_bytes().to_vec()),
            _ => (127, (length as u64).to_be_bytes().to_vec()),
        };
        let (bit, mask) = if is_masked { (MASK, vec![b'm'; 4]) } else { (0, Vec::new()) };
        [vec![first, bit | short], extended, mask, vec![0; length]].concat()
    }

    /// Takes bytes one by one, and returns after how many of them it is within something.
    fn within(frames: &mut Frames, bytes: &[u8]) -> usize {
        let is_within = |byte: &u8| {
            frames.take(std::slice::from_ref(byte));
            frames.is_within()
        };
        bytes.iter().map(is_within).filter(|&is_within| is_within).count()
    }

    #[test]
    fn a_frame_is_begun_by_its_first_byte_and_ended_by_its_last() {
        for is_masked in [false, true] {
            for length in [0, 1, 125, 126, 65_535, 65_536] {
                let frame = frame(FIN | TEXT, is_masked, length);
                assert_eq!(within(&mut Frames::at(BETWEEN), &frame), frame.len() - 1, "{length}");
                let mut frames = Frames::at(BETWEEN);
                frames.take(&[&*frame, &frame].concat());
                assert!(!frames.is_within(), "two at once, of {length}");
            }
        }
    }

    #[test]
    fn a_message_in_fragments_is_ended_by_its_last_one_and_by_no_ping() {
        let mut frames = Frames::at(BETWEEN);
        for (frame, is_within) in [
            (frame(TEXT, true, 3), true),
            (frame(FIN | PING, true, 4), true),
            (frame(CONTINUATION, true, 0), true),
            (frame(FIN | PING, true, 0), true),
            (frame(FIN | CONTINUATION, true, 3), false),
            (frame(FIN | PING, true, 4), false),
        ] {
            frames.take(&frame);
            assert_eq!(frames.is_within(), is_within);
        }
    }

    #[test]
    fn a_message_has_so_many_parts_and_no_more() {
        let mut frames = Frames::at(BETWEEN);
        let parts = [frame(TEXT, true, 1), frame(CONTINUATION, true, 0).repeat(999)].concat();
        for _ in 0..3 {
            frames.take(&parts);
            assert!(!frames.has_too_many_parts());
            frames.take(&frame(FIN | CONTINUATION, true, 0));
        }
        frames.take(&parts);
        frames.take(&frame(FIN | PING, true, 0));
        assert!(!frames.has_too_many_parts());
        frames.take(&frame(CONTINUATION, true, 0));
        assert!(frames.has_too_many_parts());
    }

    #[test]
    fn frames_begin_after_the_handshake_however_its_lines_end() {
        for head in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "HTTP/1.1 101 Switching\nUpgrade: websocket\r\n\n",
        ] {
            let mut frames = Frames::at(FIRST);
            assert_eq!(within(&mut frames, head.as_bytes()), 0);
            assert_eq!(within(&mut frames, &frame(FIN | TEXT, false, 3)), 4, "{head:?}");
        }
    }
}
