//! What stands against a request, and how that is said to its client (RFC 3261 sections 8.2 and 21).

use std::fmt;

use ringfence_wire::sip::{
    Head, HeaderError, HeaderName, Message, Method, Printer, StartLineFault, StatusCode, UriError,
};

use super::uas::{object, unsupported};
use super::{ACCEPT, ACCEPT_ENCODING, ALLOW};

/// What a user agent server must answer to a request, unless it is refused with another code.
///
/// Its `Display` is the reason phrase.
///
/// ```
/// use ringfence_ua::Objection;
///
/// assert_eq!(Objection::BadExtension.status().as_u16(), 420);
/// assert_eq!(Objection::BadExtension.to_string(), "Bad Extension");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Objection {
    /// 505: the version is not SIP/2.0.
    Version,
    /// 400: the request line can be told apart and is wrong.
    RequestLine(StartLineFault),
    /// 400: the Request-URI is no URI.
    RequestUri(UriError),
    /// 400: the Request-URI carries headers, which no Request-URI may (section 19.1.1).
    HeadersInRequestUri,
    /// 400: a header is missing or wrong.
    Header(HeaderError),
    /// 400: the method in `CSeq` is another than the request's.
    CSeqMethod,
    /// 400: the datagram is shorter than its Content-Length, or that is no number.
    ContentLength,
    /// 400: the headers do not end.
    Unterminated,
    /// 513: by its Content-Length it is longer than any message that is taken
    /// ([`ringfence_wire::sip::MAX_MESSAGE`]).
    TooLong,
    /// 501: the method is not known.
    NotImplemented,
    /// 405: the method is known and not allowed.
    MethodNotAllowed,
    /// 416: the Request-URI has a scheme that is not known.
    UnsupportedScheme,
    /// 420: an extension is required that is not supported.
    BadExtension,
    /// 415: the body is of a type that is not understood.
    MediaType,
    /// 415: the body is coded in a way that is not understood.
    Encoding,
    /// 406: no session description is accepted in the answer.
    NotAcceptable,
}

impl Objection {
    /// Returns what a user agent server must answer to an INVITE of a new call that is to ring, whoever called (RFC 3261 section
    /// 8.2). It is looked for each time: most INVITEs that are rejected nobody asks it of.
    ///
    /// ```
    /// use ringfence_ua::Objection;
    /// use ringfence_wire::sip::{Head, Message};
    ///
    /// let datagram = b"INVITE sip:858@b SIP/2.0\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
    ///     To: <sip:858@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nRequire: tea\r\n\r\n";
    /// let invite = Message::parse(datagram)?;
    /// assert_eq!(Objection::to_invite(&Head::of(&invite)), Some(Objection::BadExtension));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_invite(head: &Head<'_>) -> Option<Self> {
        object(head, Method::Invite)
    }

    /// Returns the status that it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Version => StatusCode::VERSION_NOT_SUPPORTED,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnsupportedScheme => StatusCode::UNSUPPORTED_URI_SCHEME,
            Self::BadExtension => StatusCode::BAD_EXTENSION,
            Self::MediaType | Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::TooLong => StatusCode::MESSAGE_TOO_LARGE,
            Self::RequestLine(_)
            | Self::RequestUri(_)
            | Self::HeadersInRequestUri
            | Self::Header(_)
            | Self::CSeqMethod
            | Self::ContentLength
            | Self::Unterminated => StatusCode::BAD_REQUEST,
        }
    }

    /// Returns whether the request could not be attended to in any call: its syntax is wrong, or its
    /// method is not taken.
    #[must_use]
    pub fn precedes_the_call(&self) -> bool {
        matches!(self.status().as_u16(), 400 | 405 | 501 | 505 | 513)
    }

    /// Returns whether the request can be read, and what it asks for is refused.
    pub(crate) fn is_to_what_it_asks(&self) -> bool {
        !matches!(self.status().as_u16(), 400 | 505)
    }

    /// Returns whether it is given before it is asked which call the request belongs to, and to an INVITE
    /// without showing it to the screen: what makes a request one of a call cannot be read.
    ///
    /// Of an INVITE that may be From or To: who calls is the screen's to judge, and a response copies both as
    /// they came. What is wrong with the request line is found before: such an INVITE is shown even without a Call-ID.
    pub(crate) fn precedes_matching(&self, method: Method<'_>) -> bool {
        let Self::Header(error) = self else { return false };
        let header = error.header();
        matches!(header, HeaderName::Via | HeaderName::CallId | HeaderName::CSeq)
            || (matches!(header, HeaderName::From | HeaderName::To) && method != Method::Invite)
    }

    /// Returns what a status stands for whose response must have certain headers, whoever chose it.
    pub(crate) fn with_status(status: StatusCode) -> Option<Self> {
        match status {
            StatusCode::METHOD_NOT_ALLOWED => Some(Self::MethodNotAllowed),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Some(Self::MediaType),
            StatusCode::BAD_EXTENSION => Some(Self::BadExtension),
            _ => None,
        }
    }

    /// Writes the headers that its response must have.
    pub(crate) fn write_headers(&self, request: &Message<'_>, agent: &str, response: &mut Printer<'_>) {
        match self {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.1
            //# The UAS MUST also add an Allow
            //# header field to the 405 (Method Not Allowed) response.
            Self::NotImplemented | Self::MethodNotAllowed => {
                response.header("Allow", ALLOW.as_bytes());
            }
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.3
            //# The UAS MUST add an Unsupported
            //# header field, and list in it those options it does not understand
            //# amongst those in the Require header field of the request.
            Self::BadExtension => {
                for option in unsupported(request) {
                    response.header("Unsupported", option);
                }
            }
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.3
            //# The response MUST contain an
            //# Accept header field listing the types of all bodies it understands,
            //# in the event the request contained bodies of types not supported by
            //# the UAS.
            Self::MediaType => {
                response.header("Accept", ACCEPT.as_bytes());
            }
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.3
            //# If the request contained content encodings not understood
            //# by the UAS, the response MUST contain an Accept-Encoding header field
            //# listing the encodings understood by the UAS.
            Self::Encoding => {
                response.header("Accept-Encoding", ACCEPT_ENCODING.as_bytes());
            }
            // RFC 4475 section 3.3.15 has it say so: no header of a 406 tells what could be answered.
            Self::NotAcceptable => {
                response
                    .header_fmt("Warning", format_args!("399 {agent} \"Answers are application/sdp only\""));
            }
            Self::Version
            | Self::RequestLine(_)
            | Self::RequestUri(_)
            | Self::HeadersInRequestUri
            | Self::Header(_)
            | Self::CSeqMethod
            | Self::ContentLength
            | Self::Unterminated
            | Self::TooLong
            | Self::UnsupportedScheme => {}
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestLine(StartLineFault::ExtraSpace) => {
                f.write_str("Request-Line: expected one space between its parts")
            }
            Self::RequestLine(StartLineFault::TrailingSpace) => {
                f.write_str("Request-Line: white space at its end")
            }
            Self::RequestLine(StartLineFault::SpaceInUri) => {
                f.write_str("Request-Line: white space within the Request-URI")
            }
            Self::RequestLine(StartLineFault::BracketedUri) => f.write_str("Request-URI is enclosed in <>"),
            Self::RequestLine(StartLineFault::Version) => f.write_str("Request-Line: malformed SIP version"),
            Self::RequestUri(error) => write!(f, "Request-URI: {error}"),
            Self::HeadersInRequestUri => f.write_str("Request-URI contains header fields"),
            Self::Header(error) => write!(f, "{error}"),
            Self::CSeqMethod => f.write_str("CSeq method is not the request's"),
            Self::ContentLength => f.write_str("Content-Length does not fit the datagram"),
            Self::Unterminated => f.write_str("Header fields do not end"),
            Self::Version
            | Self::TooLong
            | Self::NotImplemented
            | Self::MethodNotAllowed
            | Self::UnsupportedScheme
            | Self::BadExtension
            | Self::MediaType
            | Self::Encoding
            | Self::NotAcceptable => f.write_str(self.status().reason()),
        }
    }
}
