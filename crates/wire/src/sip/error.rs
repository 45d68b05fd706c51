//! What can be wrong with a message, a header or a URI.

use thiserror::Error;

use super::header::HeaderName;

/// Why a datagram is no SIP message.
///
/// ```
/// use ringfence_wire::sip::{Message, ParseError};
///
/// assert_eq!(Message::parse(b"\r\n\r\n").unwrap_err(), ParseError::KeepAlive);
/// assert_eq!(Message::parse(b"GET / HTTP/1.1\r\n\r\n").unwrap_err(), ParseError::StartLine);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Nothing but line ends or NUL bytes: a keep-alive (RFC 5626 section 3.5.1, and what devices do).
    #[error("a keep-alive, not a message")]
    KeepAlive,
    /// More bytes than [`MAX_MESSAGE`](super::MAX_MESSAGE).
    #[error("a message of {length} bytes, more than {}", super::MAX_MESSAGE)]
    TooLong {
        /// The datagram's length.
        length: usize,
    },
    /// More header fields than [`MAX_HEADERS`](super::MAX_HEADERS).
    #[error("more than {} header fields", super::MAX_HEADERS)]
    TooManyHeaders,
    /// The first line is neither a Request-Line nor a Status-Line.
    #[error("the first line is neither a request line nor a status line")]
    StartLine,
    /// A Status-Line whose code is not from 100 to 699.
    #[error("a status code that is not from 100 to 699")]
    StatusCode,
}

/// Which header is wrong, and how.
///
/// The text is fit for the reason phrase of a 400 (Bad Request) response.
///
/// ```
/// use ringfence_wire::sip::{Fault, HeaderName, Message};
///
/// let message = Message::parse(b"INVITE sip:a@b.example SIP/2.0\r\nTo: \"Mr. J <sip:j@b.example>\r\n\r\n")?;
/// let error = message.to().unwrap_err();
/// assert_eq!((error.header(), error.fault()), (HeaderName::To, Fault::UnterminatedQuote));
/// assert_eq!(error.to_string(), "To header: a quoted string does not end");
/// # Ok::<(), ringfence_wire::sip::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{} header: {fault}", .header.as_str())]
pub struct HeaderError {
    header: HeaderName,
    fault: Fault,
}

impl HeaderError {
    /// Names a fault of a header.
    #[must_use]
    pub fn new(header: HeaderName, fault: Fault) -> Self {
        Self { header, fault }
    }

    /// Returns which header.
    #[must_use]
    pub fn header(&self) -> HeaderName {
        self.header
    }

    /// Returns what is wrong with it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        self.fault
    }
}

/// What is wrong with a header field value.
///
/// ```
/// use ringfence_wire::sip::Fault;
///
/// assert_eq!(Fault::NumberTooLarge { max: 255 }.to_string(), "a number is larger than 255");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The header is needed and not there.
    #[error("is missing")]
    Missing,
    /// The header may occur once and occurs more often.
    #[error("occurs more than once")]
    Repeated,
    /// The value, or one of a comma-separated list of values, is empty.
    #[error("a value is empty")]
    Empty,
    /// The value ends where something must follow.
    #[error("the value ends too early")]
    Truncated,
    /// A byte that the grammar does not allow where it stands.
    #[error("unexpected {:?}", char::from(*.byte))]
    Unexpected {
        /// The byte.
        byte: u8,
    },
    /// A quoted string without a closing quotation mark.
    #[error("a quoted string does not end")]
    UnterminatedQuote,
    /// A comment without its closing parenthesis.
    #[error("a comment does not end")]
    UnterminatedComment,
    /// A `<` without its `>`.
    #[error("a < has no >")]
    UnterminatedBracket,
    /// White space within a URI.
    #[error("a uri contains white space")]
    SpaceInUri,
    /// A comma or question mark in a URI that is not enclosed in `<>` (RFC 3261 section 20).
    #[error("a uri with {:?} is not in <>", char::from(*.byte))]
    UnenclosedUri {
        /// The comma or question mark.
        byte: u8,
    },
    /// A semicolon without a parameter.
    #[error("a parameter is empty")]
    EmptyParameter,
    /// A parameter that may occur once and occurs more often.
    #[error("a parameter occurs more than once")]
    RepeatedParameter,
    /// More parameters than [`MAX_PARAMETERS`](super::MAX_PARAMETERS).
    #[error("more than {} parameters", super::MAX_PARAMETERS)]
    TooManyParameters,
    /// No decimal number where one must be.
    #[error("expected a number")]
    NotANumber,
    /// A number beyond its range.
    #[error("a number is larger than {max}")]
    NumberTooLarge {
        /// The largest number allowed.
        max: u32,
    },
    /// A date that is not an `rfc1123-date` in GMT.
    #[error("expected a date like Sat, 13 Nov 2010 23:29:00 GMT")]
    Date,
    /// A host that is neither a name nor an address, or a port that is no port.
    #[error("{0}")]
    Uri(#[from] UriError),
}

/// What is wrong with a URI.
///
/// ```
/// use ringfence_wire::sip::{Uri, UriError};
///
/// assert_eq!(Uri::parse(b"sip:2001:db8::10").unwrap_err(), UriError::Host);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UriError {
    /// No scheme and colon at the start.
    #[error("a uri without a scheme")]
    Scheme,
    /// An empty user part, or a byte that must be escaped there.
    #[error("a uri with a malformed user part")]
    User,
    /// A byte in the password that must be escaped there.
    #[error("a uri with a malformed password")]
    Password,
    /// A host that is neither a name, an IPv4 address nor an IPv6 reference.
    #[error("a malformed host")]
    Host,
    /// A port that is not a number from 0 to 65535.
    #[error("a malformed port")]
    Port,
    /// A malformed parameter, or too many.
    #[error("a uri with a malformed parameter")]
    Parameter,
    /// Malformed headers after the question mark, or too many.
    #[error("a uri with malformed headers")]
    Headers,
    /// A `%` that two hexadecimal digits do not follow.
    #[error("a uri with a malformed escape")]
    Escape,
    /// A telephone number without digits, or with bytes that are none.
    #[error("a malformed telephone number")]
    Number,
    /// White space, a control character or another byte that no URI contains.
    #[error("a uri with a byte that no uri contains")]
    Byte,
}
