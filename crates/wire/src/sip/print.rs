//! Messages to send: written in order into the buffer that goes out.

use std::fmt;

use super::class::TOKEN;
use super::field::Field;
use super::header::HeaderName;
use super::lex::unfold_into;
use super::message::Message;
use super::start_line::StartLine;
use super::status::StatusCode;
use super::words::is_surely_one_line;

/// Writes a message at the end of a buffer.
///
/// Whatever is passed as a value, no line end and no NUL of it reaches the wire: they become spaces, so that a
/// value cannot add a header. `Content-Length` is written last, by [`Printer::body`] or [`Printer::finish`]; one of
/// them ends every message.
///
/// ```
/// use ringfence_wire::sip::{Printer, StatusCode, quote};
///
/// let mut out = Vec::new();
/// let mut response = Printer::response(&mut out, StatusCode::BUSY_HERE, None);
/// response.header_fmt("Warning", format_args!("399 ringfence {}", quote("on the list\r\nX: y")));
/// response.finish();
/// assert_eq!(
///     out,
///     b"SIP/2.0 486 Busy Here\r\nWarning: 399 ringfence \"on the list  X: y\"\r\nContent-Length: 0\r\n\r\n",
/// );
/// ```
#[derive(Debug)]
#[must_use = "a message ends with `finish` or `body`"]
pub struct Printer<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Printer<'o> {
    /// Starts a request. What no URI contains is escaped in `uri`.
    pub fn request(out: &'o mut Vec<u8>, method: &str, uri: &[u8]) -> Self {
        push_token(out, method.as_bytes());
        out.push(b' ');
        for &byte in uri {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-7.1
            //# The Request-URI MUST NOT contain unescaped spaces or control characters
            if byte <= b' ' || byte == 0x7f {
                out.extend([b'%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
            } else {
                out.push(byte);
            }
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-7.1
        //# To be compliant with this specification, applications sending SIP messages MUST include
        //# a SIP-Version of "SIP/2.0".
        //= https://www.rfc-editor.org/rfc/rfc3261#section-7.1
        //# The SIP-Version string is case-insensitive, but implementations MUST send upper-case.
        out.extend_from_slice(b" SIP/2.0\r\n");
        Self { out }
    }

    /// Starts a response, with the registered phrase of its code unless another is given.
    pub fn response(out: &'o mut Vec<u8>, code: StatusCode, phrase: Option<&str>) -> Self {
        let mut start = *b"SIP/2.0 000 ";
        let mut number = code.as_u16();
        for digit in start[8..11].iter_mut().rev() {
            *digit = b"0123456789"[usize::from(number % 10)];
            number /= 10;
        }
        out.extend_from_slice(&start);
        push_value(out, phrase.unwrap_or(code.reason()).as_bytes());
        out.extend_from_slice(b"\r\n");
        Self { out }
    }

    /// Starts with header fields alone, to be a part of a message: it ends where it is dropped.
    pub fn fields(out: &'o mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Writes what was printed by [`Printer::fields`].
    pub fn printed(&mut self, fields: &[u8]) -> &mut Self {
        self.out.extend_from_slice(fields);
        self
    }

    /// Writes a header field.
    pub fn header(&mut self, name: &str, value: &[u8]) -> &mut Self {
        self.name(name.as_bytes());
        push_value(self.out, value);
        self.end_line()
    }

    /// Writes a header field whose value is made of pieces: without a formatter, which takes several times as long.
    pub fn header_joined(&mut self, name: &str, pieces: &[&str]) -> &mut Self {
        self.name(name.as_bytes());
        for piece in pieces {
            push_value(self.out, piece.as_bytes());
        }
        self.end_line()
    }

    /// Writes a header field whose value is formatted.
    pub fn header_fmt(&mut self, name: &str, value: fmt::Arguments<'_>) -> &mut Self {
        self.name(name.as_bytes());
        // Only a `Display` in `value` can fail; what it wrote until then stands.
        let _ = fmt::write(&mut Value(self.out), value);
        self.end_line()
    }

    /// Writes a header field of a known name whose value is written straight behind it, and only there: it need not be put
    /// together elsewhere first.
    pub fn header_written(&mut self, name: HeaderName, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.out.extend_from_slice(name.as_str().as_bytes());
        self.out.extend_from_slice(b": ");
        let start = self.out.len();
        write(self.out);
        let value = self.out.get_mut(start..).unwrap_or_default();
        if !is_surely_one_line(value) {
            value.iter_mut().filter(|byte| ends_line(**byte)).for_each(|byte| *byte = b' ');
        }
        self.end_line()
    }

    /// Copies every field of that name from another message, with the long form of the name and without folds.
    pub fn copy(&mut self, message: &Message<'_>, name: HeaderName) -> &mut Self {
        for field in message.fields_of(name) {
            self.field(&field);
        }
        self
    }

    /// Writes `Content-Type`, `Content-Length` and the body, and ends the message.
    pub fn body(mut self, content_type: &str, body: &[u8]) {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-7.4.1
        //# The Internet media type of the message body MUST be given by the Content-Type header
        //# field.
        self.header("Content-Type", content_type.as_bytes());
        self.end(body);
    }

    /// Ends a message without a body.
    pub fn finish(self) {
        self.end(b"");
    }

    fn end(mut self, body: &[u8]) {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-20.14
        //# If no body is present in a message, then the Content-Length header field value MUST be
        //# set to zero.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-20.14
        //# If a stream-based protocol (such as TCP) is used as transport, the header field MUST be
        //# used.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-18.3
        //# The Content-Length header field MUST be used with stream oriented transports.
        if body.is_empty() {
            return self.out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        }
        self.content_length(body.len());
        self.out.extend_from_slice(b"\r\n");
        self.out.extend_from_slice(body);
    }

    /// Copies a field: its name is a token already.
    fn field(&mut self, field: &Field<'_>) {
        let (name, value) = (field.canonical_name(), field.value());
        // In one piece it has room at once.
        self.out.reserve(name.len() + value.len() + 4);
        self.out.extend_from_slice(name);
        self.out.extend_from_slice(b": ");
        if field.is_one_line {
            self.out.extend_from_slice(value);
        } else {
            unfold_into(value, self.out);
        }
        self.end_line();
    }

    fn content_length(&mut self, length: usize) {
        self.out.extend_from_slice(b"Content-Length: ");
        push_number(self.out, length);
        self.end_line();
    }

    fn name(&mut self, name: &[u8]) {
        push_token(self.out, name);
        self.out.extend_from_slice(b": ");
    }

    fn end_line(&mut self) -> &mut Self {
        self.out.extend_from_slice(b"\r\n");
        self
    }
}

impl Message<'_> {
    /// Writes the message in its canonical form at the end of `out`: long header names, values without folds,
    /// CRLF line ends, the Content-Length of the body that is there, and no malformed lines.
    ///
    /// Parsing what was printed, and printing it again, changes nothing more. Only a message near the limits can
    /// grow beyond them: compact names become long, and a Content-Length is added where there was none.
    ///
    /// ```
    /// use ringfence_wire::sip::Message;
    ///
    /// let message = Message::parse(b"MESSAGE sip:a@b SIP/2.0\ns:Lunch\n at noon\nl: 2\n\nhi, there")?;
    /// let mut out = Vec::new();
    /// message.print(&mut out);
    /// assert_eq!(out, b"MESSAGE sip:a@b SIP/2.0\r\nSubject: Lunch at noon\r\nContent-Length: 2\r\n\r\nhi");
    /// # Ok::<(), ringfence_wire::sip::ParseError>(())
    /// ```
    pub fn print(&self, out: &mut Vec<u8>) {
        match self.start_line() {
            StartLine::Request { method, uri, version } => {
                out.extend_from_slice(method.as_str().as_bytes());
                out.push(b' ');
                unfold_into(uri, out);
                out.push(b' ');
                out.extend_from_slice(version);
            }
            StartLine::Status { version, code, phrase } => {
                out.extend_from_slice(version);
                out.push(b' ');
                push_number(out, code.as_u16().into());
                out.push(b' ');
                unfold_into(phrase, out);
            }
        }
        let mut printer = Printer { out };
        printer.end_line();
        let mut is_length_written = false;
        for field in self.fields() {
            if field.name() == HeaderName::ContentLength {
                if !std::mem::replace(&mut is_length_written, true) {
                    printer.content_length(self.body().len());
                }
                continue;
            }
            printer.field(&field);
        }
        if !is_length_written {
            printer.content_length(self.body().len());
        }
        printer.end_line();
        out.extend_from_slice(self.body());
    }
}

/// Text into a value.
struct Value<'o>(&'o mut Vec<u8>);

impl fmt::Write for Value<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        push_value(self.0, text.as_bytes());
        Ok(())
    }
}

/// Tells whether a byte would end the line.
fn ends_line(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | b'\0')
}

/// Appends bytes, with a space for each that would end the line.
fn push_value(out: &mut Vec<u8>, mut value: &[u8]) {
    if is_surely_one_line(value) {
        return out.extend_from_slice(value);
    }
    while let Some(at) = memchr::memchr3(b'\r', b'\n', b'\0', value) {
        out.extend_from_slice(&value[..at]);
        out.push(b' ');
        value = &value[at + 1..];
    }
    out.extend_from_slice(value);
}

/// Appends a name, with a hyphen for each byte that no token has.
fn push_token(out: &mut Vec<u8>, mut token: &[u8]) {
    loop {
        let (run, rest) = token.split_at(TOKEN.run(token));
        out.extend_from_slice(run);
        let [_, after @ ..] = rest else { return };
        out.push(b'-');
        token = after;
    }
}

fn push_number(out: &mut Vec<u8>, mut number: usize) {
    // The digits of the largest number.
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b"0123456789"[number % 10];
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

fn hex_digit(nibble: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(nibble & 15)]
}

#[cfg(test)]
mod tests {
    use super::*;

    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.1
    //= type=test
    //# The Request-URI MUST NOT contain unescaped spaces or control characters
    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.1
    //= type=test
    //# To be compliant with this specification, applications sending SIP messages MUST include a
    //# SIP-Version of "SIP/2.0".
    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.1
    //= type=test
    //# The SIP-Version string is case-insensitive, but implementations MUST send upper-case.
    #[test]
    fn a_request_s_uri_ends_where_it_ends() {
        let mut out = Vec::new();
        Printer::request(&mut out, "IN VITE", b"sip:a b@c\r\nX: y").finish();
        assert_eq!(out, b"IN-VITE sip:a%20b@c%0D%0AX:%20y SIP/2.0\r\nContent-Length: 0\r\n\r\n");
    }

    #[test]
    fn what_is_written_behind_a_name_adds_no_line() {
        let mut out = Vec::new();
        let mut printer = Printer::response(&mut out, StatusCode::OK, None);
        printer.header_written(HeaderName::To, |out| out.extend_from_slice(b"<sip:a@b>\r\n X: y\0\t"));
        printer.header_written(HeaderName::Via, |_| {});
        printer.finish();
        assert_eq!(out, b"SIP/2.0 200 OK\r\nTo: <sip:a@b>   X: y \t\r\nVia: \r\nContent-Length: 0\r\n\r\n");
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-7
    //= type=test
    //# Note that the empty line MUST be present even if the message-body is not.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20.14
    //= type=test
    //# If no body is present in a message, then the Content-Length header field value MUST be set
    //# to zero.
    #[test]
    fn a_name_cannot_end_a_line() {
        let mut out = Vec::new();
        let mut printer = Printer::response(&mut out, StatusCode::OK, Some("fine\r\nthen"));
        printer.header("X: y\r\nZ", b"1");
        printer.finish();
        assert_eq!(out, b"SIP/2.0 200 fine  then\r\nX--y--Z: 1\r\nContent-Length: 0\r\n\r\n");
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.4.1
    //= type=test
    //# The Internet media type of the message body MUST be given by the Content-Type header field.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.4.2
    //= type=test
    //# The "chunked" transfer encoding of HTTP/1.1 MUST NOT be used for SIP.
    #[test]
    fn copies_are_long_and_unfolded_and_in_order() {
        let info = b"INFO sip:a@b SIP/2.0\r\nv: 1\r\n ,2\r\nX: 0\r\nVIA:3\r\nt: \"\\\0\" <sip:x>\r\n\r\n";
        let message = Message::parse(info).unwrap();
        let mut out = Vec::new();
        let mut printer = Printer::response(&mut out, StatusCode::OK, None);
        printer
            .copy(&message, HeaderName::Via)
            .copy(&message, HeaderName::To)
            .copy(&message, HeaderName::From);
        printer.body("text/plain", b"hi");
        let expected = "SIP/2.0 200 OK\r\nVia: 1 ,2\r\nVia: 3\r\nTo: \"\\\0\" <sip:x>\r\n\
            Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-7
    //= type=test
    //# The start-line, each message-header line, and the empty line MUST be terminated by a
    //# carriage-return line-feed sequence (CRLF).
    #[test]
    fn what_is_printed_has_one_length_and_no_malformed_line() {
        let text = b"sip/2.0 200\nl: 9\nno colon\nContent-Length: 9\n: no name\nSubject:\n\nhello";
        let mut out = Vec::new();
        Message::parse(text).unwrap().print(&mut out);
        let expected = "sip/2.0 200 \r\nContent-Length: 5\r\nSubject: \r\n\r\nhello";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}
