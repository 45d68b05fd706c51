//! Where a message ends (RFC 3261 section 18.3).

/// How a datagram's bytes fit the Content-Length that they declare.
///
/// ```
/// use ringfence_wire::sip::{Framing, Message};
///
/// let short = Message::parse(b"MESSAGE sip:a@b.example SIP/2.0\r\nContent-Length: 5\r\n\r\nhi")?;
/// assert_eq!(short.framing(), Framing::Short { declared: 5, got: 2 });
///
/// let longer = Message::parse(b"MESSAGE sip:a@b.example SIP/2.0\r\nl: 2\r\n\r\nhi and more")?;
/// assert_eq!((longer.framing(), longer.body()), (Framing::Complete, &b"hi"[..]));
/// # Ok::<(), ringfence_wire::sip::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// The body is as long as declared, or nothing was declared and it is the rest of the datagram. Bytes
    /// beyond the declared length were cut off.
    Complete,
    /// The datagram ends before the body does.
    Short {
        /// What Content-Length says.
        declared: usize,
        /// How many bytes of a body there are.
        got: usize,
    },
    /// Content-Length is no number, or occurs with different numbers. The body is the rest of the datagram.
    Invalid,
    /// The datagram ends before the empty line that ends the headers.
    Unterminated,
}
