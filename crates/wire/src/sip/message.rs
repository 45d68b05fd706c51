//! A received message: its start line, its header fields as they stand there, and its body.

use std::borrow::Cow;
use std::fmt;

use super::field::Field;
use super::framing::Framing;
use super::header::{HeaderName, Names};
use super::lex::split_comma;
use super::method::Method;
use super::parse::{FieldSpan, FieldSpans, Span, StartSpan};
use super::start_line::{StartLine, StartLineFault};
use super::status::StatusCode;
use super::words::is_visible;

/// A SIP message: spans into the bytes of one datagram.
///
/// Its `Debug` form shows no address and no body.
///
/// ```
/// use ringfence_wire::sip::{HeaderName, Message, Method};
///
/// let datagram = b"REGISTER sip:registrar.example SIP/2.0\r\n\
///     v: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKnashds7\r\n\
///     CSeq: 1826 REGISTER\r\n\
///     Supported: path, outbound\r\n\
///     k: gruu\r\n\r\n";
/// let request = Message::parse(datagram)?;
/// assert_eq!(request.method(), Some(Method::Register));
/// assert_eq!(request.via()?.branch(), Some(&b"z9hG4bKnashds7"[..]));
/// assert!(request.tokens(HeaderName::Supported).eq([&b"path"[..], b"outbound", b"gruu"]));
/// assert_eq!(request.from().unwrap_err().to_string(), "From header: is missing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Message<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    pub(super) start: StartSpan,
    pub(super) fields: FieldSpans,
    pub(super) names: Names,
    pub(super) malformed_line: Option<Span>,
    pub(super) body: Span,
    pub(super) framing: Framing,
}

/// The message and its parts.
impl Message<'_> {
    /// Copies the bytes, so that the message outlives the datagram.
    #[must_use]
    pub fn into_owned(self) -> Message<'static> {
        Message {
            bytes: Cow::Owned(self.bytes.into_owned()),
            start: self.start,
            fields: self.fields,
            names: self.names,
            malformed_line: self.malformed_line,
            body: self.body,
            framing: self.framing,
        }
    }

    /// Returns the message as received, without what came before the start line and after the body.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the first line.
    #[must_use]
    pub fn start_line(&self) -> StartLine<'_> {
        match self.start {
            StartSpan::Request { method, uri, version } => StartLine::Request {
                method: self.method_of(method),
                uri: uri.of(&self.bytes),
                version: version.of(&self.bytes),
            },
            StartSpan::Status { version, code, phrase } => {
                StartLine::Status { version: version.of(&self.bytes), code, phrase: phrase.of(&self.bytes) }
            }
        }
    }

    /// Returns what is wrong with a start line whose parts could be told apart.
    #[must_use]
    pub fn start_line_fault(&self) -> Option<StartLineFault> {
        match self.start {
            StartSpan::Request { method, uri, version } => {
                let space = |before: Span, behind: Span| {
                    before.end + 1 == behind.start && self.bytes.get(usize::from(before.end)) == Some(&b' ')
                };
                let is_single_spaced = space(method, uri) && space(uri, version);
                let behind = self.bytes.get(usize::from(version.end)..).unwrap_or_default();
                let uri = uri.of(&self.bytes);
                if !is_visible(uri) {
                    Some(StartLineFault::SpaceInUri)
                } else if !matches!(behind, [] | [b'\r'] | [b'\n', ..] | [b'\r', b'\n', ..]) {
                    Some(StartLineFault::TrailingSpace)
                } else if !is_single_spaced {
                    Some(StartLineFault::ExtraSpace)
                } else if uri.first() == Some(&b'<') {
                    Some(StartLineFault::BracketedUri)
                } else {
                    version_fault(version.of(&self.bytes))
                }
            }
            StartSpan::Status { version, phrase, .. } => {
                let line_end = memchr::memchr(b'\n', &self.bytes).unwrap_or(self.bytes.len());
                let line = &self.bytes[..line_end];
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                let version = version.of(&self.bytes);
                let spaced = version.len() + " 200 ".len() + phrase.of(&self.bytes).len();
                if line.len() > spaced { Some(StartLineFault::ExtraSpace) } else { version_fault(version) }
            }
        }
    }

    /// Tells whether it is a request.
    #[must_use]
    pub fn is_request(&self) -> bool {
        matches!(self.start, StartSpan::Request { .. })
    }

    /// Returns a request's method.
    #[must_use]
    pub fn method(&self) -> Option<Method<'_>> {
        match self.start {
            StartSpan::Request { method, .. } => Some(self.method_of(method)),
            StartSpan::Status { .. } => None,
        }
    }

    /// Returns a request's Request-URI as written.
    #[must_use]
    pub fn request_uri(&self) -> Option<&[u8]> {
        match self.start {
            StartSpan::Request { uri, .. } => Some(uri.of(&self.bytes)),
            StartSpan::Status { .. } => None,
        }
    }

    /// Returns the protocol's version as written, `SIP/2.0` unless the peer speaks another.
    #[must_use]
    pub fn version(&self) -> &[u8] {
        match self.start {
            StartSpan::Request { version, .. } | StartSpan::Status { version, .. } => version.of(&self.bytes),
        }
    }

    /// Returns a response's status code.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self.start {
            StartSpan::Request { .. } => None,
            StartSpan::Status { code, .. } => Some(code),
        }
    }

    /// Returns a response's reason phrase as written.
    #[must_use]
    pub fn reason_phrase(&self) -> Option<&[u8]> {
        match self.start {
            StartSpan::Request { .. } => None,
            StartSpan::Status { phrase, .. } => Some(phrase.of(&self.bytes)),
        }
    }

    /// Returns the first line of the headers that is none: without a colon or a name.
    #[must_use]
    pub fn malformed_line(&self) -> Option<&[u8]> {
        self.malformed_line.map(|line| line.of(&self.bytes))
    }

    /// Tells how the datagram fits the declared length.
    #[must_use]
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.of(&self.bytes)
    }

    fn field(&self, field: &FieldSpan) -> Field<'_> {
        let (raw_name, value) = (field.name.of(&self.bytes), field.value.of(&self.bytes));
        Field { name: field.id, raw_name, value, is_one_line: field.is_one_line }
    }

    fn method_of(&self, method: Span) -> Method<'_> {
        Method::from_bytes(method.of(&self.bytes)).unwrap_or(Method::Other(""))
    }
}

/// The header fields as they stand there.
impl Message<'_> {
    /// Iterates over the header fields in their order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.fields.iter().map(|field| self.field(field))
    }

    /// Returns where the fields lie among which those of a name are, the first of them first; nothing where none has it.
    pub(super) fn spans_of(&self, name: HeaderName) -> &[FieldSpan] {
        self.fields.get(self.names.places(name, self.fields.len())).unwrap_or_default()
    }

    /// Iterates over the fields of that name; those of [`HeaderName::Other`] are all that are not known.
    pub fn fields_of(&self, name: HeaderName) -> impl Iterator<Item = Field<'_>> {
        self.spans_of(name).iter().filter(move |field| field.id == name).map(|field| self.field(field))
    }

    /// Tells whether there is a field of that name.
    #[must_use]
    pub fn has(&self, name: HeaderName) -> bool {
        self.names.has(name)
    }

    /// Counts the fields of that name.
    #[must_use]
    pub fn count(&self, name: HeaderName) -> usize {
        self.spans_of(name).iter().filter(|field| field.id == name).count()
    }

    /// Returns the value of the first field of that name as written.
    #[must_use]
    pub fn first(&self, name: HeaderName) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// Iterates over the values of the fields of that name as written, a field at a time.
    pub fn all(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        let fields = self.spans_of(name).iter().filter(move |field| field.id == name);
        fields.map(|field| field.value.of(&self.bytes))
    }

    /// Iterates over the values of the fields of any name, in any case, long or compact.
    pub fn named<'m>(&'m self, name: &str) -> impl Iterator<Item = &'m [u8]> {
        self.fields_named(name).map(|field| field.value())
    }

    /// Iterates over the fields of any name, in any case, long or compact.
    ///
    /// ```
    /// let message = ringfence_wire::sip::Message::parse(b"INFO sip:a@b SIP/2.0\r\ns: Lunch\r\n at noon\r\n\r\n")?;
    /// assert_eq!(*message.fields_named("subject").next().unwrap().unfolded(), *b"Lunch at noon");
    /// # Ok::<(), ringfence_wire::sip::ParseError>(())
    /// ```
    pub fn fields_named<'m>(&'m self, name: &str) -> impl Iterator<Item = Field<'m>> {
        let id = HeaderName::from_bytes(name.as_bytes());
        let is_named = move |field: &Field<'_>| field.raw_name().eq_ignore_ascii_case(name.as_bytes());
        self.fields_of(id).filter(move |field| id != HeaderName::Other || is_named(field))
    }

    /// Iterates over the comma-separated values of all fields of that name; commas in quoted strings and in
    /// `<>` separate nothing.
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.1
        //# Implementations MUST be able to process multiple header field rows with the same name in
        //# any combination of the single-value-per-line or comma-separated value forms.
        self.all(name).filter(|value| !value.is_empty()).flat_map(elements)
    }

    /// Iterates over the comma-separated tokens of all fields of that name, as in `Require` and `Allow`. Empty
    /// ones are left out; what is no token is not, so that nothing required goes unseen.
    pub fn tokens(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.values(name).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Message");
        match self.start_line() {
            StartLine::Request { method, .. } => debug.field("method", &method),
            StartLine::Status { code, .. } => debug.field("status", &code.as_u16()),
        };
        debug.field("fields", &self.fields.len()).field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// Splits a field's value at its commas.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let (element, left) = split_comma(rest?);
        rest = left;
        Some(element)
    })
}

fn version_fault(version: &[u8]) -> Option<StartLineFault> {
    if version == b"SIP/2.0" {
        return None;
    }
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let numbers = version.get(4..).unwrap_or_default();
    match memchr::memchr(b'.', numbers) {
        Some(dot) if is_number(&numbers[..dot]) && is_number(&numbers[dot + 1..]) => None,
        _ => Some(StartLineFault::Version),
    }
}
