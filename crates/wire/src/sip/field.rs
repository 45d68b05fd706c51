//! One header field as it stands in a message.

use std::borrow::Cow;

use super::header::HeaderName;
use super::lex::unfold;

/// One header field.
///
/// ```
/// use ringfence_wire::sip::{HeaderName, Message};
///
/// let message = Message::parse(b"INFO sip:a@b.example SIP/2.0\r\ns : Lunch\r\n\t at noon\r\nX-A: 1\r\n\r\n")?;
/// let subject = message.fields().next().unwrap();
/// assert_eq!((subject.name(), subject.raw_name()), (HeaderName::Subject, &b"s"[..]));
/// assert_eq!(subject.value(), b"Lunch\r\n\t at noon");
/// assert_eq!(*subject.unfolded(), *b"Lunch at noon");
/// assert_eq!(message.fields().nth(1).unwrap().canonical_name(), b"X-A");
/// # Ok::<(), ringfence_wire::sip::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    pub(super) name: HeaderName,
    pub(super) raw_name: &'a [u8],
    pub(super) value: &'a [u8],
    /// Whether it is sure that no byte of the value ends a line or is NUL.
    pub(super) is_one_line: bool,
}

impl<'a> Field<'a> {
    /// Returns which header it is.
    #[must_use]
    pub fn name(&self) -> HeaderName {
        self.name
    }

    /// Returns the name as written.
    #[must_use]
    pub fn raw_name(&self) -> &'a [u8] {
        self.raw_name
    }

    /// Returns the long form of a known name, any other as written.
    #[must_use]
    pub fn canonical_name(&self) -> &'a [u8] {
        if self.name == HeaderName::Other { self.raw_name } else { self.name.as_str().as_bytes() }
    }

    /// Returns the value as written, line folds included, without the white space around it.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        self.value
    }

    /// Returns the value with each line fold replaced by a space.
    #[must_use]
    pub fn unfolded(&self) -> Cow<'a, [u8]> {
        unfold(self.value)
    }
}
