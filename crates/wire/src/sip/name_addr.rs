//! `name-addr` and `addr-spec` with their parameters, as From, To, Contact, Route and others carry them.

use std::borrow::Cow;

use super::error::{Fault, UriError};
use super::lex::{Lexer, is_lws, is_token, trim};
use super::params::Params;
use super::quote::text;
use super::uri::Uri;

/// A URI, perhaps with a display name before it and parameters behind it.
///
/// ```
/// use ringfence_wire::sip::NameAddr;
///
/// let from = NameAddr::parse(b"\"Bell, \\\"Alex\\\"\" <sip:a.g.bell@example.com;lr>;tag=433423")?;
/// assert_eq!(from.display_name().as_deref(), Some("Bell, \"Alex\""));
/// assert_eq!(from.uri_bytes(), b"sip:a.g.bell@example.com;lr");
/// assert_eq!(from.tag(), Some(&b"433423"[..]));
///
/// // Without <>, parameters belong to the header, not to the URI (RFC 3261 section 20).
/// let contact = NameAddr::parse(b"sip:+19725552222@gw1.example.net;unknownparam")?;
/// assert_eq!(contact.uri_bytes(), b"sip:+19725552222@gw1.example.net");
/// assert_eq!(contact.param("unknownparam"), Some(&b""[..]));
/// # Ok::<(), ringfence_wire::sip::Fault>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct NameAddr<'a> {
    /// As written: a quoted string with its quotation marks, tokens, or empty.
    display_name: &'a [u8],
    uri: &'a [u8],
    params: Params<'a>,
    tag: Option<&'a [u8]>,
}

impl<'a> NameAddr<'a> {
    /// Reads one value, which must be all of `value`.
    pub fn parse(value: &'a [u8]) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(value);
        lexer.skip_lws();
        let (display_name, uri) = take_address(&mut lexer)?;
        let mut tag = None;
        let params = Params::take(&mut lexer, |name, value| {
            if name.eq_ignore_ascii_case(b"tag") && tag.replace(value.unwrap_or_default()).is_some() {
                return Err(Fault::RepeatedParameter);
            }
            Ok(())
        })?;
        lexer.end()?;
        Ok(Self { display_name, uri, params, tag })
    }

    /// Returns the display name without quotation marks and escapes; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn display_name(&self) -> Option<Cow<'a, str>> {
        if self.display_name.is_empty() { None } else { Some(text(self.display_name)) }
    }

    /// Returns the URI as written, without `<>`.
    #[must_use]
    pub fn uri_bytes(&self) -> &'a [u8] {
        self.uri
    }

    /// Reads the URI.
    pub fn uri(&self) -> Result<Uri<'a>, UriError> {
        Uri::parse(self.uri)
    }

    /// Returns the header's parameters, which are not the URI's.
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// Returns the value of the header parameter of that name, in any case; empty when it has none.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        self.params.value(name)
    }

    /// Returns the `tag` parameter.
    #[must_use]
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.tag
    }
}

/// Takes `[ display-name ] LAQUOT addr-spec RAQUOT`, or an `addr-spec` up to its first semicolon.
fn take_address<'a>(lexer: &mut Lexer<'a>) -> Result<(&'a [u8], &'a [u8]), Fault> {
    if lexer.peek() == Some(b'"') {
        let display_name = lexer.quoted_string()?;
        lexer.skip_lws();
        return Ok((display_name, take_bracketed(lexer)?));
    }
    if lexer.peek() == Some(b'<') {
        return Ok((b"", take_bracketed(lexer)?));
    }
    let rest = lexer.rest();
    match memchr::memchr3(b'<', b';', b'"', rest) {
        Some(at) if rest[at] == b'<' => {
            let display_name = trim(lexer.take(at));
            // The grammar has tokens only; UTF-8 without quotation marks is what people's names arrive in.
            if let Some(&byte) =
                display_name.iter().find(|&&byte| !is_token(byte) && !is_lws(byte) && byte.is_ascii())
            {
                return Err(Fault::Unexpected { byte });
            }
            Ok((display_name, take_bracketed(lexer)?))
        }
        found => {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-20
            //# If the URI is not enclosed in angle
            //# brackets, any semicolon-delimited parameters are header-parameters,
            //# not URI parameters.
            let uri = trim(lexer.take(found.unwrap_or(rest.len())));
            //= https://www.rfc-editor.org/rfc/rfc3261#section-20
            //# If the URI
            //# contains a comma, question mark or semicolon, the URI MUST be
            //# enclosed in angle brackets (< and >).
            if let Some(&byte) = uri.iter().find(|&&byte| matches!(byte, b'?' | b',')) {
                return Err(Fault::UnenclosedUri { byte });
            }
            Ok((b"", check_uri(uri)?))
        }
    }
}

/// Takes `"<" addr-spec ">"`.
fn take_bracketed<'a>(lexer: &mut Lexer<'a>) -> Result<&'a [u8], Fault> {
    if !lexer.eat(b'<') {
        return Err(lexer.unexpected());
    }
    let uri = lexer.take_while(|byte| byte != b'>' && !is_lws(byte));
    match lexer.peek() {
        None => Err(Fault::UnterminatedBracket),
        Some(b'>') if uri.is_empty() => Err(Fault::Empty),
        Some(b'>') => {
            lexer.take(1);
            Ok(uri)
        }
        Some(_) => Err(Fault::SpaceInUri),
    }
}

fn check_uri(uri: &[u8]) -> Result<&[u8], Fault> {
    if uri.is_empty() {
        return Err(Fault::Empty);
    }
    if uri.iter().any(|&byte| is_lws(byte)) { Err(Fault::SpaceInUri) } else { Ok(uri) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_an_address_is_told() {
        for (value, fault) in [
            ("", Fault::Empty),
            (";tag=1", Fault::Empty),
            ("<>", Fault::Empty),
            ("\"a\"", Fault::Truncated),
            ("\"a\" sip:a@b", Fault::Unexpected { byte: b's' }),
            ("\"a <sip:a@b>", Fault::UnterminatedQuote),
            ("a <sip:a@b", Fault::UnterminatedBracket),
            ("a@b <sip:a@b>", Fault::Unexpected { byte: b'@' }),
            ("< sip:a@b>", Fault::SpaceInUri),
            ("sip:a @b", Fault::SpaceInUri),
            ("sip:a@b?x=y", Fault::UnenclosedUri { byte: b'?' }),
            ("sip:a@b, sip:c@d", Fault::UnenclosedUri { byte: b',' }),
            ("<sip:a@b> x", Fault::Unexpected { byte: b'x' }),
            ("<sip:a@b>;", Fault::EmptyParameter),
            ("<sip:a@b>;tag=1;x;TAG=2", Fault::RepeatedParameter),
            ("<sip:a@b>;tag=\"1", Fault::UnterminatedQuote),
            ("<sip:a@b>;tag=1 2", Fault::Unexpected { byte: b'2' }),
        ] {
            assert_eq!(NameAddr::parse(value.as_bytes()).map(|addr| addr.uri), Err(fault), "{value}");
        }
    }

    #[test]
    fn parameters_have_a_limit() {
        let value = format!("<sip:a@b>{}", ";x=1".repeat(65));
        assert_eq!(NameAddr::parse(value.as_bytes()).map(|addr| addr.uri), Err(Fault::TooManyParameters));
    }

    #[test]
    fn a_name_in_utf_8_needs_no_quotation_marks() {
        let addr = NameAddr::parse("Jörg Müller <sip:1@b>".as_bytes()).unwrap();
        assert_eq!(addr.display_name().as_deref(), Some("Jörg Müller"));
    }

    #[test]
    fn a_name_that_is_no_utf_8_is_read_with_replacements() {
        let addr = NameAddr::parse(b"\"J\xf6rg\" <sip:1@b>").unwrap();
        assert_eq!(addr.display_name().as_deref(), Some("J\u{fffd}rg"));
    }

    #[test]
    fn an_empty_display_name_is_there() {
        assert_eq!(NameAddr::parse(b"\"\" <sip:1@b>").unwrap().display_name().as_deref(), Some(""));
        assert_eq!(NameAddr::parse(b"<sip:1@b>").unwrap().display_name(), None);
    }
}
