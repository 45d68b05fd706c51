//! Where the parts of a message lie (RFC 3261 sections 7 and 18.3).
//!
//! One pass finds the lines of the headers and nothing else: no header's value is looked at but
//! Content-Length's, which says where the message ends. What a line cannot be (no colon, no name) is
//! remembered as malformed and hides no other line.

use std::borrow::Cow;

use memchr::memchr;
use smallvec::SmallVec;

use super::error::ParseError;
use super::framing::Framing;
use super::header::HeaderName;
use super::lex::{decimal, is_lws, is_token, trim};
use super::message::Message;
use super::status::StatusCode;

/// The most bytes of a message: what a UDP datagram can carry, and what an offset of two bytes can reach.
pub const MAX_MESSAGE: usize = 65_535;

/// The most header fields of a message. Real ones have 10 to 40; a flood of them is an attack.
pub const MAX_HEADERS: usize = 256;

/// How many header fields a message has place for before it allocates.
const INLINE_FIELDS: usize = 32;

/// A part of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Span {
    pub(super) start: u16,
    pub(super) end: u16,
}

/// Where a header field lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldSpan {
    pub(super) id: HeaderName,
    pub(super) name: Span,
    pub(super) value: Span,
}

/// Where the parts of the start line lie.
#[derive(Debug, Clone, Copy)]
pub(super) enum StartSpan {
    Request { method: Span, uri: Span, version: Span },
    Status { version: Span, code: StatusCode, phrase: Span },
}

pub(super) type FieldSpans = SmallVec<[FieldSpan; INLINE_FIELDS]>;

impl Span {
    /// A span of a message, whose length was checked to be at most [`MAX_MESSAGE`].
    #[expect(clippy::cast_possible_truncation, reason = "offsets are at most MAX_MESSAGE, which is u16::MAX")]
    fn new(start: usize, end: usize) -> Self {
        Self { start: start as u16, end: end as u16 }
    }

    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }
}

impl<'a> Message<'a> {
    /// Reads one datagram.
    ///
    /// Line ends before the start line are skipped; a line may end in LF alone. Without a Content-Length the body
    /// is the rest of the datagram; bytes beyond a declared length are cut off; what else is wrong with the
    /// length is told by [`Message::framing`]. Up to 32 header fields are found without allocating.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let mut bytes = datagram;
        //= https://www.rfc-editor.org/rfc/rfc3261#section-7.5
        //# Implementations processing SIP messages over stream-oriented
        //# transports MUST ignore any CRLF appearing before the start-line
        while let [b'\r' | b'\n', rest @ ..] = bytes {
            bytes = rest;
        }
        if bytes.iter().all(|byte| matches!(byte, b'\0' | b'\r' | b'\n')) {
            return Err(ParseError::KeepAlive);
        }
        if bytes.len() > MAX_MESSAGE {
            return Err(ParseError::TooLong { length: datagram.len() });
        }
        let line_end = memchr(b'\n', bytes).unwrap_or(bytes.len());
        let start = start_line(&bytes[..line_end])?;
        let lines = Lines::find(bytes, line_end + 1)?;

        let got = bytes.len() - lines.body;
        let (framing, body_length) = match content_length(bytes, &lines.fields) {
            _ if lines.is_unterminated => (Framing::Unterminated, got),
            Declared::Nothing => (Framing::Complete, got),
            Declared::Length(declared) if declared <= got => (Framing::Complete, declared),
            Declared::Length(declared) => (Framing::Short { declared, got }, got),
            Declared::Garbage => (Framing::Invalid, got),
        };
        let end = lines.body + body_length;
        Ok(Self {
            bytes: Cow::Borrowed(&bytes[..end]),
            start,
            fields: lines.fields,
            malformed_line: lines.malformed,
            body: Span::new(lines.body, end),
            framing,
        })
    }
}

/// The header lines of a message.
struct Lines {
    fields: FieldSpans,
    malformed: Option<Span>,
    /// Where the body starts.
    body: usize,
    is_unterminated: bool,
}

impl Lines {
    fn find(bytes: &[u8], first: usize) -> Result<Self, ParseError> {
        let mut lines =
            Self { fields: SmallVec::new(), malformed: None, body: bytes.len(), is_unterminated: true };
        let mut start = first;
        while start < bytes.len() {
            match bytes[start..] {
                [b'\n', ..] => return Ok(lines.ending_at(start + 1)),
                [b'\r', b'\n', ..] => return Ok(lines.ending_at(start + 2)),
                _ => {}
            }
            let mut end = start;
            loop {
                end += memchr(b'\n', &bytes[end..]).unwrap_or(bytes.len() - end);
                // A line that starts with white space continues this one.
                match bytes.get(end + 1) {
                    Some(b' ' | b'\t') => end += 1,
                    _ => break,
                }
            }
            lines.add(bytes, start, end)?;
            start = end + 1;
        }
        Ok(lines)
    }

    fn ending_at(mut self, body: usize) -> Self {
        self.body = body;
        self.is_unterminated = false;
        self
    }

    /// Adds the line of `start..end`, continuations included and line end excluded.
    fn add(&mut self, bytes: &[u8], start: usize, end: usize) -> Result<(), ParseError> {
        let line = &bytes[start..end];
        let name = line.iter().position(|&byte| !is_token(byte)).unwrap_or(line.len());
        let mut colon = name;
        while let Some(b' ' | b'\t') = line.get(colon) {
            colon += 1;
        }
        if name == 0 || line.get(colon) != Some(&b':') {
            self.malformed.get_or_insert(Span::new(start, end));
            return Ok(());
        }
        if self.fields.len() == MAX_HEADERS {
            return Err(ParseError::TooManyHeaders);
        }
        let mut value = colon + 1;
        while value < line.len() && is_lws(line[value]) {
            value += 1;
        }
        let mut value_end = line.len();
        while value_end > value && is_lws(line[value_end - 1]) {
            value_end -= 1;
        }
        self.fields.push(FieldSpan {
            id: HeaderName::from_bytes(&line[..name]),
            name: Span::new(start, start + name),
            value: Span::new(start + value, start + value_end),
        });
        Ok(())
    }
}

/// Finds the parts of the first line.
fn start_line(line: &[u8]) -> Result<StartSpan, ParseError> {
    let end = trim_end(line);
    let version = line.iter().position(|&byte| is_lws(byte)).unwrap_or(line.len());
    if is_sip(line) {
        return status_line(line, version);
    }
    let method = version;
    let version = line[..end].iter().rposition(|&byte| is_lws(byte)).map_or(0, |space| space + 1);
    let uri = trim(line.get(method..version).unwrap_or_default());
    if method == 0
        || uri.is_empty()
        || !line[..method].iter().all(|&byte| is_token(byte))
        || !is_sip(&line[version..end])
    {
        return Err(ParseError::StartLine);
    }
    let uri_end = trim_end(&line[..version]);
    Ok(StartSpan::Request {
        method: Span::new(0, method),
        uri: Span::new(uri_end - uri.len(), uri_end),
        version: Span::new(version, end),
    })
}

fn status_line(line: &[u8], version: usize) -> Result<StartSpan, ParseError> {
    let is_space = |byte: &u8| is_lws(*byte);
    let code = version + line[version..].iter().take_while(|&byte| is_space(byte)).count();
    let code_end = code + line[code..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if code == version || code == code_end {
        return Err(ParseError::StartLine);
    }
    let number = match &line[code..code_end] {
        digits @ [_, _, _] => decimal(digits, 699).and_then(|number| u16::try_from(number).ok()),
        _ => None,
    };
    let code = number.and_then(StatusCode::new).ok_or(ParseError::StatusCode)?;
    let mut end = line.len();
    while end > code_end && line[end - 1] == b'\r' {
        end -= 1;
    }
    let phrase = match line.get(code_end) {
        Some(space) if is_space(space) => (code_end + 1).min(end),
        None => end,
        Some(_) => return Err(ParseError::StartLine),
    };
    Ok(StartSpan::Status { version: Span::new(0, version), code, phrase: Span::new(phrase, end) })
}

fn trim_end(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|&byte| !is_lws(byte)).map_or(0, |last| last + 1)
}

fn is_sip(version: &[u8]) -> bool {
    version.get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"SIP/"))
}

/// What the Content-Length fields say.
enum Declared {
    Nothing,
    Length(usize),
    /// No number, or several.
    Garbage,
}

fn content_length(bytes: &[u8], fields: &[FieldSpan]) -> Declared {
    let mut declared = Declared::Nothing;
    for field in fields.iter().filter(|field| field.id == HeaderName::ContentLength) {
        let digits = field.value.of(bytes);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Declared::Garbage;
        }
        let length = decimal(digits, u32::MAX).map_or(usize::MAX, |length| length as usize);
        declared = match declared {
            Declared::Nothing => Declared::Length(length),
            Declared::Length(same) if same == length => Declared::Length(length),
            Declared::Length(_) | Declared::Garbage => return Declared::Garbage,
        };
    }
    declared
}
