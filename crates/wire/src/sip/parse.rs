//! Where the parts of a message lie (RFC 3261 sections 7 and 18.3).
//!
//! One pass finds the lines of the headers and nothing else: no header's value is looked at but
//! Content-Length's, which says where the message ends. What a line cannot be (no colon, no name) is
//! remembered as malformed and hides no other line.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr2};
use smallvec::SmallVec;

use super::class::{TOKEN, is_lws};
use super::error::ParseError;
use super::framing::Framing;
use super::header::{HeaderName, Names};
use super::lex::{decimal, trim_end, trim_start};
use super::message::Message;
use super::status::StatusCode;
use super::words::one_line_before;

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
    /// Whether it is sure that no byte of the value ends a line or is NUL.
    pub(super) is_one_line: bool,
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
        let mut message = Self {
            bytes: Cow::Borrowed(bytes),
            start: start_line(&bytes[..line_end])?,
            fields: FieldSpans::new(),
            names: Names::default(),
            malformed_line: None,
            body: Span::default(),
            framing: Framing::Unterminated,
        };
        match message.find_fields(bytes, line_end + 1)? {
            Some(body) => message.frame(bytes, body),
            None => message.body = Span::new(bytes.len(), bytes.len()),
        }
        Ok(message)
    }

    /// Finds the header fields and returns where the body starts, or nothing when no empty line ends them.
    fn find_fields(&mut self, bytes: &[u8], first: usize) -> Result<Option<usize>, ParseError> {
        let mut line = bytes.get(first..).unwrap_or_default();
        loop {
            let start = bytes.len() - line.len();
            let found = match usual_line(line) {
                Some(usual) => usual,
                None => match line {
                    [] => return Ok(None),
                    [b'\n', ..] => return Ok(Some(start + 1)),
                    [b'\r', b'\n', ..] => return Ok(Some(start + 2)),
                    _ => any_line(line),
                },
            };
            let Found { name, value, length, is_one_line } = found;
            let at = |place: Range<usize>| Span::new(start + place.start, start + place.end);
            if let Some((id, name)) = name {
                let place = self.fields.len();
                if place == MAX_HEADERS {
                    return Err(ParseError::TooManyHeaders);
                }
                self.names.add(id, place);
                self.fields.push(FieldSpan { id, is_one_line, name: at(0..name), value: at(value) });
            } else {
                self.malformed_line.get_or_insert(at(value));
            }
            line = line.get(length..).unwrap_or_default();
        }
    }

    /// Cuts the body, which starts at `body`, to the length that is declared.
    fn frame(&mut self, bytes: &'a [u8], body: usize) {
        let got = bytes.len() - body;
        let (framing, length) = match declared_length(bytes, self.spans_of(HeaderName::ContentLength)) {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-18.3
            //# If the message
            //# has no Content-Length header field, the message body is assumed to
            //# end at the end of the transport packet.
            Declared::Nothing => (Framing::Complete, got),
            //= https://www.rfc-editor.org/rfc/rfc3261#section-18.3
            //# If there are additional bytes in
            //# the transport packet beyond the end of the body, they MUST be
            //# discarded.
            Declared::Length(declared) if declared <= got => (Framing::Complete, declared),
            Declared::Length(declared) => (Framing::Short { declared, got }, got),
            Declared::Garbage => (Framing::Invalid, got),
        };
        self.framing = framing;
        self.body = Span::new(body, body + length);
        self.bytes = Cow::Borrowed(&bytes[..body + length]);
    }
}

/// A line of the headers, as it was found.
#[derive(Debug, PartialEq)]
struct Found {
    /// Which header it is of, and the length of its name; nothing where it has none.
    name: Option<(HeaderName, usize)>,
    /// Where the value stands, or all of it without a name.
    value: Range<usize>,
    /// How long it is, its end included.
    length: usize,
    is_one_line: bool,
}

/// Reads a header line as nearly all are written: a name that is known, of at most 14 letters, with its colon at once
/// behind it, a space, a value without another at its ends, and CRLF.
fn usual_line(line: &[u8]) -> Option<Found> {
    let (id, colon) = HeaderName::at_start(line.first_chunk()?)?;
    let written = &line[colon + 1..];
    let end = one_line_before(written)?;
    let (value, line_end) = written.split_at_checked(end)?;
    let is_ended = matches!(line_end, [b'\r', b'\n', next, ..] if !matches!(next, b' ' | b'\t'));
    let is_usual = is_ended && id != HeaderName::Other && value.strip_prefix(b" ").is_some_and(is_trimmed);
    let (value, end) = (colon + 2..colon + 1 + end, colon + 1 + end + 2);
    is_usual.then_some(Found { name: Some((id, colon)), value, length: end, is_one_line: true })
}

/// Tells whether something stands at both ends of a value that is surely no white space.
fn is_trimmed(value: &[u8]) -> bool {
    value.first().is_some_and(|&first| first > b' ') && value.last().is_some_and(|&last| last > b' ')
}

/// Reads any header line that is not empty.
fn any_line(line: &[u8]) -> Found {
    let colon = memchr2(b':', b'\n', line).unwrap_or(line.len());
    let end = line_end(line, colon);
    let name = if line.get(colon) == Some(&b':') { read_name(&line[..colon]) } else { None };
    let value = if name.is_none() {
        0..end
    } else {
        let value = trim_end(&line[colon + 1..end]);
        let end = colon + 1 + value.len();
        end - trim_start(value).len()..end
    };
    Found { name, value, length: end + 1, is_one_line: false }
}

/// Reads what stands before the colon of a header line: which name it is, and its length.
fn read_name(mut name: &[u8]) -> Option<(HeaderName, usize)> {
    while let [rest @ .., b' ' | b'\t'] = name {
        name = rest;
    }
    let id = HeaderName::from_bytes(name);
    let is_name = id != HeaderName::Other || (!name.is_empty() && TOKEN.run(name) == name.len());
    is_name.then_some((id, name.len()))
}

/// Finds where a header line ends, continuations included and line end excluded, from some byte of it on.
fn line_end(line: &[u8], mut from: usize) -> usize {
    loop {
        let end = from + memchr(b'\n', &line[from..]).unwrap_or(line.len() - from);
        match line.get(end + 1) {
            Some(b' ' | b'\t') => from = end + 1,
            _ => return end,
        }
    }
}

/// Finds the parts of the first line.
fn start_line(line: &[u8]) -> Result<StartSpan, ParseError> {
    let token = TOKEN.run(line);
    let method = token + line[token..].iter().position(|&byte| is_lws(byte)).unwrap_or(line.len() - token);
    if is_sip(line) {
        return status_line(line, method);
    }
    let line = trim_end(line);
    let version = if line.ends_with(b" SIP/2.0") {
        line.len() - "SIP/2.0".len()
    } else {
        line.iter().rposition(|&byte| is_lws(byte)).map_or(0, |space| space + 1)
    };
    let uri = trim_start(line.get(method..version).unwrap_or_default());
    let uri_start = version - uri.len();
    let uri_end = uri_start + trim_end(uri).len();
    if method == 0 || uri_start == uri_end || token < method || !is_sip(&line[version..]) {
        return Err(ParseError::StartLine);
    }
    Ok(StartSpan::Request {
        method: Span::new(0, method),
        uri: Span::new(uri_start, uri_end),
        version: Span::new(version, line.len()),
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

fn is_sip(version: &[u8]) -> bool {
    version.get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"SIP/"))
}

/// What the Content-Length fields say.
pub(super) enum Declared {
    Nothing,
    Length(usize),
    /// No number, or several.
    Garbage,
}

/// Returns what the head of a message declares that has more header fields than are kept of one.
pub(super) fn declared_by_head(head: &[u8]) -> Declared {
    let mut lengths = Vec::new();
    let mut line = memchr(b'\n', head).map_or(&head[..0], |end| &head[end + 1..]);
    while !matches!(line, [] | [b'\n', ..] | [b'\r', b'\n', ..]) {
        let found = any_line(line);
        if matches!(found.name, Some((HeaderName::ContentLength, _))) {
            lengths.push(&line[found.value]);
        }
        line = line.get(found.length..).unwrap_or_default();
    }
    declared(lengths)
}

fn declared_length(bytes: &[u8], fields: &[FieldSpan]) -> Declared {
    let lengths = fields.iter().filter(|field| field.id == HeaderName::ContentLength);
    declared(lengths.map(|field| field.value.of(bytes)))
}

fn declared<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Declared {
    let mut declared = Declared::Nothing;
    for digits in values {
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

#[cfg(test)]
mod tests;
