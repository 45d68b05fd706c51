//! Parameters: `*( SEMI generic-param )` after a header field value, `uri-parameters` in a URI.
//!
//! After a header field value a semicolon too many is passed over, and `name=` is a name without a value: software
//! that writes so exists, and nothing else can be meant.

use super::class::{Class, PARAM_NAME, PARAM_VALUE, TOKEN};
use super::error::Fault;
use super::lex::Lexer;

/// The most parameters that one value may have, and the most headers that a URI may have.
pub const MAX_PARAMETERS: usize = 64;

/// The parameters of a value, checked when it was read.
///
/// A quoted value keeps its quotation marks, see [`unquote`](super::unquote).
///
/// ```
/// use ringfence_wire::sip::Message;
///
/// let message = Message::parse(b"BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP b ; Branch = z9hG4bK1;rport\r\n\r\n")?;
/// let via = message.via().unwrap();
/// assert_eq!(via.params().value("branch"), Some(&b"z9hG4bK1"[..]));
/// assert_eq!(via.params().find("RPORT"), Some(None));
/// assert_eq!(via.params().iter().count(), 2);
/// # Ok::<(), ringfence_wire::sip::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Params<'a> {
    bytes: &'a [u8],
}

impl<'a> Params<'a> {
    /// Finds the first parameter of that name, in any case: `Some(None)` when it has no value.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Option<&'a [u8]>> {
        self.iter().find_map(|(found, value)| found.eq_ignore_ascii_case(name.as_bytes()).then_some(value))
    }

    /// Returns the first value of that name, empty when the parameter stands there without one.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.find(name).map(Option::unwrap_or_default)
    }

    /// Iterates over names and raw values.
    #[must_use]
    pub fn iter(&self) -> ParamsIter<'a> {
        ParamsIter { lexer: Lexer::new(self.bytes) }
    }

    /// Returns the parameters as written, from the first semicolon on.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Takes all parameters from the front of what `lexer` has left, showing each to `seen`.
    pub(super) fn take(
        lexer: &mut Lexer<'a>,
        mut seen: impl FnMut(&'a [u8], Option<&'a [u8]>) -> Result<(), Fault>,
    ) -> Result<Self, Fault> {
        let params = lexer.rest();
        let mut count = 0;
        // Most have one or two, and nothing behind them.
        while !lexer.rest().is_empty()
            && let Some((name, value)) = take_param(lexer, TOKEN)?
        {
            count += 1;
            if count > MAX_PARAMETERS {
                return Err(Fault::TooManyParameters);
            }
            seen(name, value)?;
        }
        let bytes = &params[..params.len() - lexer.rest().len()];
        // RFC 4475 section 3.1.2.1: semicolons and not one parameter are no slip of a pen.
        if count == 0 && !bytes.is_empty() && memchr::memchr_iter(b';', bytes).nth(1).is_some() {
            return Err(Fault::EmptyParameter);
        }
        Ok(Self { bytes })
    }

    /// Parameters that were checked already, from the first semicolon on.
    pub(super) fn checked(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }
}

impl<'a> IntoIterator for Params<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);
    type IntoIter = ParamsIter<'a>;

    fn into_iter(self) -> ParamsIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Params<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);
    type IntoIter = ParamsIter<'a>;

    fn into_iter(self) -> ParamsIter<'a> {
        self.iter()
    }
}

/// Iterates over the names and raw values of [`Params`].
///
/// ```
/// let uri = ringfence_wire::sip::Uri::parse(b"sip:a@b.example;lr;transport=udp")?;
/// let mut params = uri.params().iter();
/// assert_eq!(params.next(), Some((&b"lr"[..], None)));
/// assert_eq!(params.next(), Some((&b"transport"[..], Some(&b"udp"[..]))));
/// assert_eq!(params.next(), None);
/// # Ok::<(), ringfence_wire::sip::UriError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ParamsIter<'a> {
    lexer: Lexer<'a>,
}

impl<'a> Iterator for ParamsIter<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.lexer.rest().is_empty() {
            return None;
        }
        // The names of a URI's parameters may be more than tokens; they were checked when it was read.
        take_param(&mut self.lexer, PARAM_NAME).ok().flatten()
    }
}

/// Takes `SEMI token [ EQUAL gen-value ]`, or nothing when no parameter is next; passes over semicolons without
/// one.
#[expect(clippy::type_complexity, reason = "a name and perhaps a value")]
fn take_param<'a>(lexer: &mut Lexer<'a>, name: Class) -> Result<Option<(&'a [u8], Option<&'a [u8]>)>, Fault> {
    while lexer.eat_separator(b';') {
        let name = lexer.take_short_run(name);
        if name.is_empty() {
            match lexer.peek() {
                None | Some(b';') => continue,
                Some(byte) => return Err(Fault::Unexpected { byte }),
            }
        }
        if !lexer.eat_separator(b'=') {
            return Ok(Some((name, None)));
        }
        if lexer.peek() == Some(b'"') {
            return Ok(Some((name, Some(lexer.quoted_string()?))));
        }
        let value = lexer.take_run(PARAM_VALUE);
        return Ok(Some((name, Some(value).filter(|value| !value.is_empty()))));
    }
    Ok(None)
}
