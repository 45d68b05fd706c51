//! Quoted strings (RFC 3261 section 25.1): reading their escapes, and writing them.

use std::borrow::Cow;
use std::fmt;

use super::lex::unfold;
use super::words::is_without;

/// Removes quotation marks, escapes and folds from a value; a value without quotation marks is only unfolded.
///
/// ```
/// use ringfence_wire::sip::unquote;
///
/// assert_eq!(*unquote(br#""a \"b\"""#), *b"a \"b\"");
/// assert_eq!(*unquote(b"token"), *b"token");
/// ```
#[must_use]
pub fn unquote(value: &[u8]) -> Cow<'_, [u8]> {
    match value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        Some(inner) => without_escapes(inner),
        None => unfold(value),
    }
}

fn without_escapes(inner: &[u8]) -> Cow<'_, [u8]> {
    let unfolded = unfold(inner);
    if is_without(&unfolded, b'\\') {
        return unfolded;
    }
    let mut plain = Vec::with_capacity(unfolded.len());
    let mut rest = &*unfolded;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        plain.extend_from_slice(&rest[..at]);
        plain.extend(rest.get(at + 1));
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

/// The text of a value without quotation marks, escapes and folds; bytes that are no UTF-8 are replaced.
pub(super) fn text(value: &[u8]) -> Cow<'_, str> {
    lossy(unquote(value))
}

/// The text of a comment without its outer parentheses, escapes and folds.
pub(super) fn comment_text(comment: &[u8]) -> Cow<'_, str> {
    let inner = comment.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")"));
    lossy(without_escapes(inner.unwrap_or(comment)))
}

fn lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        },
        Cow::Owned(bytes) => Cow::Owned(
            String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        ),
    }
}

/// Writes text as a quoted string, with the escapes it needs.
///
/// ```
/// use ringfence_wire::sip::quote;
///
/// assert_eq!(quote("say \"no\"").to_string(), r#""say \"no\"""#);
/// assert_eq!(quote("two\r\nlines").to_string(), "\"two  lines\"");
/// ```
#[must_use]
pub fn quote(text: &str) -> Quoted<'_> {
    Quoted(text)
}

/// Text that prints as a quoted string; made by [`quote`].
///
/// ```
/// let phrase = ringfence_wire::sip::quote("back\\slash");
/// assert_eq!(format!("399 agent {phrase}"), r#"399 agent "back\\slash""#);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        f.write_char('"')?;
        for run in self.0.split_inclusive(['"', '\\', '\r', '\n', '\0']) {
            let special =
                run.chars().next_back().filter(|&last| matches!(last, '"' | '\\' | '\r' | '\n' | '\0'));
            let plain = run.strip_suffix(['"', '\\', '\r', '\n', '\0']).unwrap_or(run);
            f.write_str(plain)?;
            match special {
                Some(escaped @ ('"' | '\\')) => write!(f, "\\{escaped}")?,
                Some(_) => f.write_char(' ')?,
                None => {}
            }
        }
        f.write_char('"')
    }
}
