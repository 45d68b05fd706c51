//! The first line of a message (RFC 3261 sections 7.1 and 7.2).

use super::method::Method;
use super::status::StatusCode;

/// The first line of a message.
///
/// ```
/// use ringfence_wire::sip::{Message, Method, StartLine};
///
/// let message = Message::parse(b"BYE sip:a@b.example SIP/2.0\r\n\r\n")?;
/// assert_eq!(
///     message.start_line(),
///     StartLine::Request { method: Method::Bye, uri: b"sip:a@b.example", version: b"SIP/2.0" },
/// );
/// # Ok::<(), ringfence_wire::sip::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// A Request-Line.
    Request {
        /// What is asked for.
        method: Method<'a>,
        /// The Request-URI as it stands there; see [`StartLineFault`] for what may be wrong with it.
        uri: &'a [u8],
        /// The protocol's version, `SIP/2.0` unless the peer speaks another.
        version: &'a [u8],
    },
    /// A Status-Line.
    Status {
        /// The protocol's version.
        version: &'a [u8],
        /// The outcome.
        code: StatusCode,
        /// The reason phrase, any bytes.
        phrase: &'a [u8],
    },
}

/// What is wrong with a start line whose parts can nevertheless be told apart.
///
/// ```
/// use ringfence_wire::sip::{Message, StartLineFault};
///
/// let message = Message::parse(b"INVITE <sip:a@b.example> SIP/2.0\r\n\r\n")?;
/// assert_eq!(message.start_line_fault(), Some(StartLineFault::BracketedUri));
/// assert_eq!(message.request_uri(), Some(&b"<sip:a@b.example>"[..]));
/// # Ok::<(), ringfence_wire::sip::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StartLineFault {
    /// More than one space, or another white space, between two parts.
    #[error("the Request-Line has more than one space between its parts")]
    ExtraSpace,
    /// White space after the version.
    #[error("the Request-Line has white space at its end")]
    TrailingSpace,
    /// White space or a control character within the Request-URI.
    #[error("the Request-URI contains white space")]
    SpaceInUri,
    /// The Request-URI is enclosed in `<>`.
    #[error("the Request-URI is in <>")]
    BracketedUri,
    /// The version is not `SIP/` and two numbers.
    #[error("the Request-Line has no version like SIP/2.0")]
    Version,
}
