//! What every request has, each part read once: its Request-URI and the header fields of RFC 3261 section 8.1.1, less
//! Max-Forwards.

use super::error::{HeaderError, UriError};
use super::header::{CSeq, Via};
use super::message::Message;
use super::name_addr::NameAddr;
use super::uri::Uri;

/// What every request has, read once, for those who ask for it again and again.
///
/// ```
/// use ringfence_wire::sip::{Head, Message};
///
/// let message = Message::parse(b"BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK1\r\nCSeq: 7 BYE\r\n\r\n")?;
/// let head = Head::of(&message);
/// assert_eq!(head.via()?.branch(), Some(&b"z9hG4bK1"[..]));
/// assert_eq!(head.cseq()?.number, 7);
/// assert_eq!(head.from().unwrap_err().to_string(), "From header: is missing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Head<'m> {
    message: &'m Message<'m>,
    uri: Result<Uri<'m>, UriError>,
    via: Result<Via<'m>, HeaderError>,
    from: Result<NameAddr<'m>, HeaderError>,
    to: Result<NameAddr<'m>, HeaderError>,
    call_id: Result<&'m [u8], HeaderError>,
    cseq: Result<CSeq<'m>, HeaderError>,
}

impl<'m> Head<'m> {
    /// Reads the head of a request. What is missing or wrong is told by who asks for it.
    #[must_use]
    pub fn of(message: &'m Message<'m>) -> Self {
        Self::behind(message, message.via())
    }

    /// Reads the head of a request whose topmost Via has been read already.
    #[must_use]
    pub fn behind(message: &'m Message<'m>, via: Result<Via<'m>, HeaderError>) -> Self {
        Self {
            message,
            uri: Uri::parse(message.request_uri().unwrap_or_default()),
            via,
            from: message.from(),
            to: message.to(),
            call_id: message.call_id(),
            cseq: message.cseq(),
        }
    }

    /// Returns the whole request.
    #[must_use]
    pub fn message(&self) -> &'m Message<'m> {
        self.message
    }

    /// Returns the Request-URI.
    pub fn uri(&self) -> Result<&Uri<'m>, UriError> {
        self.uri.as_ref().map_err(|error| *error)
    }

    /// Returns the topmost Via value.
    pub fn via(&self) -> Result<&Via<'m>, HeaderError> {
        self.via.as_ref().map_err(|error| *error)
    }

    /// Returns From.
    pub fn from(&self) -> Result<&NameAddr<'m>, HeaderError> {
        self.from.as_ref().map_err(|error| *error)
    }

    /// Returns To.
    pub fn to(&self) -> Result<&NameAddr<'m>, HeaderError> {
        self.to.as_ref().map_err(|error| *error)
    }

    /// Returns Call-ID.
    pub fn call_id(&self) -> Result<&'m [u8], HeaderError> {
        self.call_id
    }

    /// Returns `CSeq`.
    pub fn cseq(&self) -> Result<CSeq<'m>, HeaderError> {
        self.cseq
    }

    /// Returns the tag of From, or nothing where there is none, as in RFC 2543.
    #[must_use]
    pub fn from_tag(&self) -> &'m [u8] {
        self.from().ok().and_then(NameAddr::tag).unwrap_or_default()
    }

    /// Returns the tag of To, or nothing where there is none.
    #[must_use]
    pub fn to_tag(&self) -> &'m [u8] {
        self.to().ok().and_then(NameAddr::tag).unwrap_or_default()
    }
}
