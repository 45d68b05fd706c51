//! Bytes into words: the basic rules of RFC 3261 section 25.1.
//!
//! A [`Lexer`] walks over one header field value. Line folding was left in the value, so CR and LF are
//! white space here: inside a value they occur only as part of a fold (or as a stray that means no more).

use std::borrow::Cow;

use super::class::{Class, QUOTED, TOKEN, is_lws};
use super::error::Fault;
use super::words::{is_surely_one_line, is_without};

/// A walk over one header field value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lexer<'a> {
    rest: &'a [u8],
}

impl<'a> Lexer<'a> {
    pub(super) fn new(value: &'a [u8]) -> Self {
        Self { rest: value }
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Skips linear white space and tells whether there was any.
    pub(super) fn skip_lws(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = trim_start(self.rest);
        self.rest.len() < before
    }

    /// Takes `byte` if it is next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        if let Some((&first, rest)) = self.rest.split_first()
            && first == byte
        {
            self.rest = rest;
            return true;
        }
        false
    }

    /// Takes `byte` with the white space around it, as `SLASH`, `COLON`, `EQUAL` or `SEMI` do.
    pub(super) fn eat_separator(&mut self, byte: u8) -> bool {
        match trim_start(self.rest) {
            [first, rest @ ..] if *first == byte => {
                self.rest = trim_start(rest);
                true
            }
            _ => false,
        }
    }

    /// Takes bytes as long as they are in a class; may be empty.
    pub(super) fn take_while(&mut self, class: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|&byte| !class(byte)).unwrap_or(self.rest.len());
        self.take(end)
    }

    /// Takes bytes as long as they are in a class that has its bit; may be empty.
    pub(super) fn take_run(&mut self, class: Class) -> &'a [u8] {
        self.take(class.run(self.rest))
    }

    /// Takes the same, a byte at a time: names are too short for more.
    pub(super) fn take_short_run(&mut self, class: Class) -> &'a [u8] {
        self.take_while(|byte| class.has(byte))
    }

    /// Takes a non-empty token.
    pub(super) fn token(&mut self) -> Result<&'a [u8], Fault> {
        let token = self.take_run(TOKEN);
        if token.is_empty() { Err(self.unexpected()) } else { Ok(token) }
    }

    /// Takes `1*DIGIT` up to `max`.
    pub(super) fn number(&mut self, max: u32) -> Result<u32, Fault> {
        let (mut value, mut length) = (0_u64, 0);
        while let Some(digit) = self.rest.get(length).map(|byte| byte.wrapping_sub(b'0'))
            && digit < 10
        {
            // However long it is, one that is too large stays so.
            value = (value * 10 + u64::from(digit)).min(u64::from(max) + 1);
            length += 1;
        }
        self.take(length);
        match u32::try_from(value) {
            _ if length == 0 => Err(Fault::NotANumber),
            Ok(value) if value <= max => Ok(value),
            Ok(_) | Err(_) => Err(Fault::NumberTooLarge { max }),
        }
    }

    /// Takes a quoted string, quotation marks included.
    pub(super) fn quoted_string(&mut self) -> Result<&'a [u8], Fault> {
        let end = quoted_string_end(self.rest).ok_or(Fault::UnterminatedQuote)?;
        Ok(self.take(end))
    }

    /// Takes a comment, its outer parentheses included; comments nest.
    pub(super) fn comment(&mut self) -> Result<&'a [u8], Fault> {
        let mut depth = 0_usize;
        let mut at = 0;
        while let Some(&byte) = self.rest.get(at) {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                b'\\' => at += 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                return Ok(self.take(at));
            }
        }
        Err(Fault::UnterminatedComment)
    }

    /// Takes `count` bytes (at most what is there).
    pub(super) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Requires that nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.skip_lws();
        if self.rest.is_empty() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The fault of what is next.
    pub(super) fn unexpected(&self) -> Fault {
        self.peek().map_or(Fault::Truncated, |byte| Fault::Unexpected { byte })
    }
}

/// The value of a string of digits, unless it exceeds `max`. Leading zeros do not count.
pub(super) fn decimal(digits: &[u8], max: u32) -> Option<u32> {
    let mut value: u64 = 0;
    for &digit in digits {
        value = value * 10 + u64::from(digit - b'0');
        if value > u64::from(max) {
            return None;
        }
    }
    u32::try_from(value).ok()
}

/// Where the quoted string that starts at the first byte ends, closing quotation mark included.
pub(super) fn quoted_string_end(bytes: &[u8]) -> Option<usize> {
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        at += QUOTED.run(bytes.get(at..)?);
        if *bytes.get(at)? == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Cuts white space off both ends.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    trim_start(trim_end(bytes))
}

/// Cuts white space off the front.
pub(super) fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_lws(*first)
    {
        bytes = rest;
    }
    bytes
}

/// Cuts white space off the end.
pub(super) fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., last] = bytes
        && is_lws(*last)
    {
        bytes = rest;
    }
    bytes
}

/// Splits off the first element of a comma-separated list; commas in quoted strings and in `<>` do not count.
pub(super) fn split_comma(list: &[u8]) -> (&[u8], Option<&[u8]>) {
    // Nearly every list has one element.
    if is_without(list, b',') {
        return (trim(list), None);
    }
    let mut at = 0;
    while let Some(found) = list.get(at..).and_then(|rest| memchr::memchr3(b',', b'"', b'<', rest)) {
        at += found;
        match list[at] {
            b',' => return (trim(&list[..at]), Some(&list[at + 1..])),
            b'"' => match quoted_string_end(&list[at..]) {
                Some(length) => at += length,
                None => break,
            },
            _ => match memchr::memchr(b'>', &list[at..]) {
                Some(length) => at += length + 1,
                None => break,
            },
        }
    }
    (trim(list), None)
}

/// Replaces each line fold, with the white space around it, by one space.
pub(super) fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if is_surely_one_line(value) || memchr::memchr2(b'\r', b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut unfolded = Vec::with_capacity(value.len());
    unfold_into(value, &mut unfolded);
    Cow::Owned(unfolded)
}

/// Appends `value` with each line fold, and the white space around it, replaced by one space.
pub(super) fn unfold_into(mut value: &[u8], out: &mut Vec<u8>) {
    if is_surely_one_line(value) {
        return out.extend_from_slice(value);
    }
    while let Some(at) = memchr::memchr2(b'\r', b'\n', value) {
        let mut before = &value[..at];
        while let [rest @ .., b' ' | b'\t'] = before {
            before = rest;
        }
        out.extend_from_slice(before);
        out.push(b' ');
        let mut after = Lexer::new(&value[at..]);
        after.skip_lws();
        value = after.rest();
    }
    out.extend_from_slice(value);
}

/// The text of bytes that were checked to be ASCII.
pub(super) fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(mut list: &[u8]) -> Vec<&[u8]> {
        let mut elements = Vec::new();
        while let (element, Some(rest)) = split_comma(list) {
            elements.push(element);
            list = rest;
        }
        elements.push(trim(list));
        elements
    }

    #[test]
    fn commas_in_quotes_and_brackets_separate_nothing() {
        let contact = br#""a, \"b" <sip:a,b@c>;x=",""#;
        assert_eq!(elements(&[&contact[..], b" , d"].concat()), [&contact[..], b"d"]);
        assert_eq!(elements(b",a,,"), [&b""[..], b"a", b"", b""]);
        assert_eq!(elements(b"\"no end, a"), [&b"\"no end, a"[..]]);
        assert_eq!(elements(b"<no end, a"), [&b"<no end, a"[..]]);
    }

    #[test]
    fn comments_nest_and_must_end() {
        let comment = |bytes: &'static [u8]| Lexer::new(bytes).comment();
        assert_eq!(comment(br"(a (b\) c) d) e"), Ok(&br"(a (b\) c) d)"[..]));
        assert_eq!(comment(b"(a (b) c"), Err(Fault::UnterminatedComment));
        assert_eq!(comment(br"(a\)"), Err(Fault::UnterminatedComment));
    }

    #[test]
    fn a_quoted_string_ends_at_the_first_mark_that_is_not_escaped() {
        assert_eq!(quoted_string_end(br#""a\\" b"#), Some(5));
        assert_eq!(quoted_string_end(br#""a\""#), None);
        assert_eq!(quoted_string_end(br#""\"#), None);
        assert_eq!(quoted_string_end(br#"a""#), None);
    }

    #[test]
    fn a_number_is_taken_whole_and_told_from_one_that_is_too_large() {
        let number = |bytes: &[u8], max| {
            let mut lexer = Lexer::new(bytes);
            (lexer.number(max), lexer.rest().len())
        };
        assert_eq!(number(b"004294967295x", u32::MAX), (Ok(u32::MAX), 1));
        assert_eq!(number(b"4294967296", u32::MAX), (Err(Fault::NumberTooLarge { max: u32::MAX }), 0));
        assert_eq!(number(&[b'9'; 1000], 255), (Err(Fault::NumberTooLarge { max: 255 }), 0));
        assert_eq!(number(b"/1", 255), (Err(Fault::NotANumber), 2));
        assert_eq!(number(b"", 255), (Err(Fault::NotANumber), 0));
    }

    #[test]
    fn numbers_end_at_their_limit_however_long_they_are() {
        assert_eq!(decimal(b"000255", 255), Some(255));
        assert_eq!(decimal(b"256", 255), None);
        assert_eq!(decimal(&[b'9'; 1000], u32::MAX), None);
    }

    #[test]
    fn a_fold_with_the_space_around_it_is_one_space() {
        assert_eq!(*unfold(b"a \t\r\n\r\n \t b\rc"), *b"a b c");
    }
}
