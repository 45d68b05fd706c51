//! Where messages end in a stream (RFC 3261 section 18.3; keep-alive of RFC 5626 section 4.4.1).
//!
//! ```text
//!  INVITE … Content-Length: 5␍␊␍␊hello␍␊␍␊ACK … Content-Length: 0␍␊␍␊␍␊
//!  └───────────── message ───────────┘└ping┘└────────── message ────────┘└ pong
//! ```

use super::error::ParseError;
use super::framing::Framing;
use super::message::Message;
use super::parse::{Declared, MAX_MESSAGE, declared_by_head};

/// The longest body that is passed over. More is what no peer means, or no Content-Length at all.
const MAX_PASSED_OVER: usize = 16 * 1024 * 1024;

/// Cuts a stream into messages, however its bytes come: by the one, or many messages at once.
///
/// The bytes are kept by the caller, who takes off the front what was cut out; the framer remembers how far it has
/// looked, so that a message that comes by the byte is not read anew for each.
///
/// A message that is longer than [`MAX_MESSAGE`](super::MAX_MESSAGE) ends nothing as long as its head says where the next
/// one begins: its head is cut out alone, and its body is passed over as it comes.
///
/// ```
/// use ringfence_wire::sip::{Frame, Framer};
///
/// let mut framer = Framer::default();
/// let message = b"OPTIONS sip:a@b.example SIP/2.0\r\nContent-Length: 2\r\n\r\nhi";
/// assert_eq!(framer.next(&message[..20])?, None);
/// assert_eq!(framer.next(message)?, Some(Frame::Message { length: message.len() }));
/// assert_eq!(framer.next(b"\r\n\r\n")?, Some(Frame::Ping { length: 4 }));
/// # Ok::<(), ringfence_wire::sip::StreamError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Framer {
    /// How much of the buffer was looked at in search of the end of the headers.
    looked_at: usize,
    /// How long the message is whose headers are there.
    length: Option<usize>,
    /// How much is still to come of a body that is passed over.
    excess: usize,
    /// Whether the last thing was a line end, which may be the first half of a ping.
    is_behind_crlf: bool,
}

/// What lies at the front of a stream, and how many bytes it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// A whole message, of however many header fields.
    Message {
        /// In bytes.
        length: usize,
    },
    /// The head of a message that is too long to be kept: [`Message::parse`] finds it to be
    /// [`Framing::Short`], or to have too many header fields.
    Head {
        /// In bytes.
        length: usize,
    },
    /// A part of the body of such a message.
    Excess {
        /// In bytes.
        length: usize,
    },
    /// A double CRLF, which asks for a pong.
    Ping {
        /// In bytes.
        length: usize,
    },
    /// A single CRLF: the answer to a ping, or nothing.
    Pong {
        /// In bytes.
        length: usize,
    },
}

impl Frame {
    /// Returns how many bytes to take off the front.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Message { length }
            | Self::Head { length }
            | Self::Excess { length }
            | Self::Ping { length }
            | Self::Pong { length } => length,
        }
    }
}

/// Why a stream cannot be read any further: where the next message begins is not known, and the connection is to be
/// closed.
///
/// ```
/// use ringfence_wire::sip::{Framer, StreamError};
///
/// let error = Framer::default().next(b"OPTIONS sip:a@b.example SIP/2.0\r\n\r\n").unwrap_err();
/// assert_eq!(error, StreamError::NoLength);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamError {
    /// What begins is no SIP message.
    Malformed(ParseError),
    /// A message has no Content-Length.
    NoLength,
    /// A message's Content-Length is no number, or occurs with different numbers.
    InvalidLength,
    /// The head of a message is longer than [`MAX_MESSAGE`](super::MAX_MESSAGE), or its body than 16 MiB.
    TooLong {
        /// What is there of it, or what it says to be, in bytes.
        length: usize,
    },
}

impl std::fmt::Display for StreamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::NoLength => f.write_str("no Content-Length in a stream"),
            Self::InvalidLength => f.write_str("a Content-Length that cannot be read"),
            Self::TooLong { length } => write!(f, "a message of {length} bytes, which is too long"),
        }
    }
}

impl std::error::Error for StreamError {}

impl Framer {
    /// Returns what lies at the front of what was received and not yet cut out, or nothing before it is whole. After
    /// something the caller takes its bytes off the front; after nothing it comes back with more behind the same bytes.
    pub fn next(&mut self, received: &[u8]) -> Result<Option<Frame>, StreamError> {
        if self.excess > 0 && !received.is_empty() {
            let length = received.len().min(self.excess);
            self.excess -= length;
            return Ok(Some(Frame::Excess { length }));
        }
        match received {
            [] | [b'\r'] => return Ok(None),
            [b'\r', b'\n', ..] => return Ok(Some(self.line_end(received))),
            [b'\n', ..] => return Ok(Some(Frame::Pong { length: 1 })),
            _ => self.is_behind_crlf = false,
        }
        let length = match self.length {
            Some(length) => length,
            None => match self.find_end_of_headers(received) {
                Some(head) if head > MAX_MESSAGE => return Err(StreamError::TooLong { length: head }),
                Some(head) => {
                    let body = length_of_body(&received[..head])?;
                    let length = head.saturating_add(body);
                    if body > MAX_PASSED_OVER {
                        return Err(StreamError::TooLong { length });
                    }
                    if length > MAX_MESSAGE {
                        *self = Self { excess: body, ..Self::default() };
                        return Ok(Some(Frame::Head { length: head }));
                    }
                    length
                }
                None if received.len() > MAX_MESSAGE => {
                    return Err(StreamError::TooLong { length: received.len() });
                }
                None => return Ok(None),
            },
        };
        if received.len() < length {
            self.length = Some(length);
            return Ok(None);
        }
        *self = Self::default();
        Ok(Some(Frame::Message { length }))
    }

    /// Returns whether more of a body is to come that is passed over.
    #[must_use]
    pub fn is_passing_over(&self) -> bool {
        self.excess > 0
    }

    /// Takes that nothing came for a while: a CRLF from before and one from behind it are two pongs, not a ping in two.
    pub fn pause(&mut self) {
        self.is_behind_crlf = false;
    }

    fn line_end(&mut self, received: &[u8]) -> Frame {
        let was_behind_crlf = std::mem::replace(&mut self.is_behind_crlf, false);
        if received.starts_with(b"\r\n\r\n") {
            return Frame::Ping { length: 4 };
        }
        // The second half of a ping that came in two.
        if was_behind_crlf {
            return Frame::Ping { length: 2 };
        }
        self.is_behind_crlf = true;
        Frame::Pong { length: 2 }
    }

    /// Returns where the body begins: behind the first line that is empty.
    fn find_end_of_headers(&mut self, received: &[u8]) -> Option<usize> {
        // What was looked at may have ended within the empty line.
        let from = self.looked_at.saturating_sub(2);
        for line_end in memchr::memchr_iter(b'\n', &received[from..]) {
            match &received[from + line_end + 1..] {
                [b'\n', ..] => return Some(from + line_end + 2),
                [b'\r', b'\n', ..] => return Some(from + line_end + 3),
                _ => {}
            }
        }
        self.looked_at = received.len();
        None
    }
}

/// Returns how long the body of a message is, given its start line and its headers.
fn length_of_body(head: &[u8]) -> Result<usize, StreamError> {
    let message = match Message::parse(head) {
        Ok(message) => message,
        // Nobody reads it, but what comes behind it is another message.
        Err(ParseError::TooManyHeaders) => {
            return match declared_by_head(head) {
                Declared::Length(length) => Ok(length),
                Declared::Nothing => Err(StreamError::NoLength),
                Declared::Garbage => Err(StreamError::InvalidLength),
            };
        }
        Err(error) => return Err(StreamError::Malformed(error)),
    };
    match message.framing() {
        Framing::Short { declared, .. } => Ok(declared),
        Framing::Complete if message.content_length().is_none() => Err(StreamError::NoLength),
        Framing::Complete => Ok(0),
        Framing::Invalid | Framing::Unterminated => Err(StreamError::InvalidLength),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &[u8] = b"OPTIONS sip:a@b.example SIP/2.0\r\nl: 5\r\n\r\nhello";
    const BARE: &[u8] = b"SIP/2.0 200 OK\nContent-Length: 0\n\n";

    /// Cuts a stream that comes in pieces of a length.
    fn cut(stream: &[u8], piece: usize) -> Result<Vec<Vec<u8>>, StreamError> {
        let (mut framer, mut buffer, mut frames) = (Framer::default(), Vec::new(), Vec::new());
        for piece in stream.chunks(piece) {
            buffer.extend_from_slice(piece);
            while let Some(frame) = framer.next(&buffer)? {
                frames.push((frame, buffer.drain(..frame.length()).collect::<Vec<u8>>()));
            }
        }
        let messages = frames.into_iter().filter(|(frame, _)| matches!(frame, Frame::Message { .. }));
        Ok(messages.map(|(_, bytes)| bytes).collect())
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.3
    //= type=test
    //# In the case of stream-oriented transports such as TCP, the Content-
    //# Length header field indicates the size of the body.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.5
    //= type=test
    //# Implementations processing SIP messages over stream-oriented transports MUST ignore any CRLF
    //# appearing before the start-line [H4.1].
    #[test]
    fn messages_are_cut_out_of_a_stream_however_it_comes() {
        let stream = [b"\r\n\r\n", ONE, ONE, b"\r\n", BARE, b"\r\n\r\n", ONE].concat();
        for piece in 1..=stream.len() {
            assert_eq!(cut(&stream, piece).unwrap(), [ONE, ONE, BARE, ONE], "in pieces of {piece}");
        }
    }

    #[test]
    fn a_ping_is_told_from_a_pong_even_in_two_pieces() {
        let mut framer = Framer::default();
        assert_eq!(framer.next(b"\r\n\r\n"), Ok(Some(Frame::Ping { length: 4 })));
        assert_eq!(framer.next(b"\r"), Ok(None));
        assert_eq!(framer.next(b"\r\n"), Ok(Some(Frame::Pong { length: 2 })));
        assert_eq!(framer.next(b"\r\n"), Ok(Some(Frame::Ping { length: 2 })));
        assert_eq!(framer.next(b"\r\n"), Ok(Some(Frame::Pong { length: 2 })));
        assert_eq!(framer.next(ONE), Ok(Some(Frame::Message { length: ONE.len() })));
    }

    #[test]
    fn two_line_ends_with_a_pause_between_are_two_pongs() {
        let mut framer = Framer::default();
        for _ in 0..3 {
            assert_eq!(framer.next(b"\r\n"), Ok(Some(Frame::Pong { length: 2 })));
            framer.pause();
        }
        assert_eq!(framer.next(b"\r"), Ok(None));
        framer.pause();
        assert_eq!(framer.next(b"\r\n\r\n"), Ok(Some(Frame::Ping { length: 4 })));
    }

    #[test]
    fn what_has_no_length_or_two_ends_the_stream() {
        let of = |lengths: &str| {
            let text = format!("OPTIONS sip:a@b.example SIP/2.0\r\n{lengths}\r\nINVITE sip:smuggled");
            Framer::default().next(text.as_bytes())
        };
        assert_eq!(of(""), Err(StreamError::NoLength));
        for lengths in ["l: 5\r\nContent-Length: 0\r\n", "l: 0x10\r\n", "l: -1\r\n", "l: \r\n"] {
            assert_eq!(of(lengths), Err(StreamError::InvalidLength), "{lengths:?}");
        }
        assert!(matches!(of("l: 99999999\r\n"), Err(StreamError::TooLong { .. })));
        assert!(of("l: 99999999999999999999\r\n").is_err());
    }

    /// Cuts a stream that comes in pieces of a length. Returns what was cut out, with the pieces of a body as one.
    fn frames(stream: &[u8], piece: usize) -> Vec<(&'static str, usize)> {
        let (mut framer, mut buffer, mut frames) =
            (Framer::default(), Vec::new(), Vec::<(&str, usize)>::new());
        for piece in stream.chunks(piece) {
            buffer.extend_from_slice(piece);
            while let Some(frame) = framer.next(&buffer).unwrap() {
                buffer.drain(..frame.length());
                match (frame, frames.last_mut()) {
                    (Frame::Excess { length }, Some(("excess", so_far))) => *so_far += length,
                    (Frame::Excess { length }, _) => frames.push(("excess", length)),
                    (Frame::Head { length }, _) => frames.push(("head", length)),
                    (Frame::Message { length }, _) => frames.push(("message", length)),
                    (Frame::Ping { .. } | Frame::Pong { .. }, _) => {}
                }
            }
            assert!(buffer.len() <= MAX_MESSAGE);
        }
        frames
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.3
    //= type=test
    //# In the case of stream-oriented transports such as TCP, the Content-
    //# Length header field indicates the size of the body.
    #[test]
    fn a_message_that_is_too_long_ends_no_stream() {
        let head =
            |length: usize| format!("OPTIONS sip:a@b.example SIP/2.0\r\nl: {length}\r\n\r\n").into_bytes();
        for body in [MAX_MESSAGE - 20, MAX_MESSAGE, 3 * MAX_MESSAGE + 1] {
            let stream = [head(body), vec![b'\n'; body], ONE.to_vec()].concat();
            let expected = [("head", head(body).len()), ("excess", body), ("message", ONE.len())];
            for piece in [1, 1_000, stream.len()] {
                assert_eq!(frames(&stream, piece), expected, "{body} in pieces of {piece}");
            }
        }
        let (head, length) = (head(MAX_PASSED_OVER + 1), MAX_PASSED_OVER + 1);
        let length = head.len() + length;
        assert_eq!(Framer::default().next(&head), Err(StreamError::TooLong { length }));
    }

    #[test]
    fn a_message_of_too_many_header_fields_ends_no_stream() {
        let many = |lengths: &str| format!("INFO sip:a SIP/2.0\r\n{}{lengths}\r\nhi", "X: y\r\n".repeat(300));
        let one = many("Content-Length\t:\r\n 2\r\n");
        let stream = [one.as_bytes(), ONE].concat();
        assert_eq!(frames(&stream, stream.len()), [("message", one.len()), ("message", ONE.len())]);
        assert_eq!(Framer::default().next(many("").as_bytes()), Err(StreamError::NoLength));
        let two = many("l: 2\r\nl: 3\r\n");
        assert_eq!(Framer::default().next(two.as_bytes()), Err(StreamError::InvalidLength));
    }

    #[test]
    fn what_is_no_message_ends_the_stream_once_it_is_told() {
        let tls_hello = b"\x16\x03\x01\x02\x00\x01\n\n";
        assert!(matches!(Framer::default().next(tls_hello), Err(StreamError::Malformed(_))));
        let endless = vec![b'x'; MAX_MESSAGE + 1];
        let length = endless.len();
        assert_eq!(Framer::default().next(&endless), Err(StreamError::TooLong { length }));
    }
}
