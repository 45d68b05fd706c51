//! `name-addr` and `addr-spec` with their parameters, as From, To, Contact, Route and others carry them.
//!
//! More is read than the grammar has, as long as it has one meaning: display names that lack their quotation
//! marks (RFC 4475 section 3.1.2.15), white space within `<>` (section 3.1.2.14), an empty `<>`. A quotation mark
//! that is missing or misplaced is no such case, and is told.

use std::borrow::Cow;

use super::class::{BRACKETED, is_lws, is_token};
use super::error::{Fault, UriError};
use super::lex::{Lexer, trim, trim_end};
use super::params::Params;
use super::quote::text;
use super::uri::Uri;
use super::words::visible_before;

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
///
/// // What gateways write is read where it has one meaning.
/// let from = NameAddr::parse(b"Bell, Alex (Sales) < sip:+1 972 555@example.com >;tag=1;")?;
/// assert_eq!(from.display_name().as_deref(), Some("Bell, Alex (Sales)"));
/// assert_eq!(from.uri()?.user(), Some(&b"+1 972 555"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct NameAddr<'a> {
    /// As written: a quoted string with its quotation marks, words without any, or empty.
    display_name: &'a [u8],
    uri: &'a [u8],
    params: Params<'a>,
    /// Empty when the parameter has no value.
    tag: Option<&'a [u8]>,
    /// Whether it has parameters beside `tag`: most have none, and need not be read again for them.
    has_others: bool,
}

impl<'a> NameAddr<'a> {
    /// Reads one value, which must be all of `value`.
    pub fn parse(value: &'a [u8]) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(value);
        lexer.skip_lws();
        let (display_name, uri) = take_address(&mut lexer)?;
        let (mut tag, mut has_others) = (None, false);
        let params = Params::take(&mut lexer, |name, value| {
            if !name.eq_ignore_ascii_case(b"tag") {
                has_others = true;
            } else if tag.replace(value.unwrap_or_default()).is_some() {
                return Err(Fault::RepeatedParameter);
            }
            Ok(())
        })?;
        lexer.end()?;
        Ok(Self { display_name, uri, params, tag, has_others })
    }

    /// Returns the display name without quotation marks and escapes; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn display_name(&self) -> Option<Cow<'a, str>> {
        if self.display_name.is_empty() { None } else { Some(text(self.display_name)) }
    }

    /// Returns the URI as written, without `<>` and the white space at its ends; empty for `<>`.
    #[must_use]
    pub fn uri_bytes(&self) -> &'a [u8] {
        self.uri
    }

    /// Reads the URI. A telephone number may have spaces between its digits, which stay in
    /// [`Uri::user`] and [`Uri::tel_number`].
    pub fn uri(&self) -> Result<Uri<'a>, UriError> {
        match Uri::parse(self.uri) {
            Err(error) => Uri::parse_spaced_number(self.uri).map_err(|_| error),
            parsed => parsed,
        }
    }

    /// Returns the header's parameters, which are not the URI's.
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// Returns the value of the header parameter of that name, in any case; empty when it has none.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        if self.has_others {
            self.params.value(name)
        } else {
            self.tag.filter(|_| name.eq_ignore_ascii_case("tag"))
        }
    }

    /// Returns the `tag` parameter; `None` also when it has no value.
    #[must_use]
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.tag.filter(|tag| !tag.is_empty())
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
    match memchr::memchr2(b'<', b'"', rest) {
        Some(at) if rest[at] == b'<' => {
            let display_name = check_display_name(trim(lexer.take(at)))?;
            Ok((display_name, take_bracketed(lexer)?))
        }
        _ => {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-20
            //# If the URI is not enclosed in angle
            //# brackets, any semicolon-delimited parameters are header-parameters,
            //# not URI parameters.
            let uri = trim(lexer.take(memchr::memchr2(b';', b'"', rest).unwrap_or(rest.len())));
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

/// Requires that words without quotation marks before a `<` can be nothing but a display name.
fn check_display_name(name: &[u8]) -> Result<&[u8], Fault> {
    if name.iter().all(|&byte| is_token(byte) || is_lws(byte)) {
        return Ok(name);
    }
    //= https://www.rfc-editor.org/rfc/rfc4475#section-3.1.2.15
    //# An element may attempt to be liberal in what it receives and infer
    //# the missing quotes.
    if let Some(&byte) = name.iter().find(|&&byte| byte.is_ascii_control() && !is_lws(byte)) {
        return Err(Fault::Unexpected { byte });
    }
    // A URI with parameters, or in a list, is another address before the one in <>: which is meant is open.
    match memchr::memchr2(b';', b',', name) {
        Some(at) if Uri::parse(trim(&name[..at])).is_ok() => Err(Fault::UnenclosedUri { byte: name[at] }),
        _ => Ok(name),
    }
}

/// Takes `"<" addr-spec ">"`.
fn take_bracketed<'a>(lexer: &mut Lexer<'a>) -> Result<&'a [u8], Fault> {
    if !lexer.eat(b'<') {
        return Err(lexer.unexpected());
    }
    //= https://www.rfc-editor.org/rfc/rfc4475#section-3.1.2.14
    //# Elements attempting to be liberal may ignore the spaces.
    lexer.skip_lws();
    let start = lexer.rest();
    let uri = lexer.take(bracketed(start));
    if lexer.eat(b'>') {
        return Ok(uri);
    }
    let end = memchr::memchr(b'>', lexer.rest()).ok_or(Fault::UnterminatedBracket)?;
    let rest = trim_end(lexer.take(end));
    lexer.eat(b'>');
    // No URI is folded, and a second < is the next address: the > of this one is missing.
    if rest.iter().any(|&byte| matches!(byte, b'\r' | b'\n' | b'<')) {
        return Err(Fault::SpaceInUri);
    }
    // What can be made of the spaces within is said by who reads the URI.
    Ok(&start[..uri.len() + rest.len()])
}

/// Counts the bytes up to the first `>` or white space.
fn bracketed(bytes: &[u8]) -> usize {
    let visible = visible_before(bytes, b'>');
    // Nearly always that is where it ends.
    visible + bytes[visible..].iter().take_while(|byte| BRACKETED.has(**byte)).count()
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
            ("\"a\"", Fault::Truncated),
            ("\"a\" sip:a@b", Fault::Unexpected { byte: b's' }),
            ("\"a <sip:a@b>", Fault::UnterminatedQuote),
            ("a <sip:a@b", Fault::UnterminatedBracket),
            ("a \"b\" <sip:a@b>", Fault::Unexpected { byte: b'"' }),
            ("\"a\" b <sip:a@b>", Fault::Unexpected { byte: b'b' }),
            ("a\" <sip:a@b>", Fault::Unexpected { byte: b'"' }),
            ("a\0b <sip:a@b>", Fault::Unexpected { byte: 0 }),
            ("sip:a@b;tag=1 <sip:c@d>", Fault::UnenclosedUri { byte: b';' }),
            ("sip:a@b, <sip:c@d>", Fault::UnenclosedUri { byte: b',' }),
            ("<sip:a\r\n @b>", Fault::SpaceInUri),
            ("<sip:a@b, <sip:c@d>", Fault::SpaceInUri),
            ("sip:a @b", Fault::SpaceInUri),
            ("sip:a@b?x=y", Fault::UnenclosedUri { byte: b'?' }),
            ("sip:a@b, sip:c@d", Fault::UnenclosedUri { byte: b',' }),
            ("<sip:a@b> x", Fault::Unexpected { byte: b'x' }),
            ("<sip:a@b>;;", Fault::EmptyParameter),
            ("<sip:a@b>;=1", Fault::Unexpected { byte: b'=' }),
            ("<sip:a@b>;tag=;tag=1", Fault::RepeatedParameter),
            ("<sip:a@b>;tag=1;x;TAG=2", Fault::RepeatedParameter),
            ("<sip:a@b>;tag=\"1", Fault::UnterminatedQuote),
            ("<sip:a@b>;tag=1 2", Fault::Unexpected { byte: b'2' }),
        ] {
            assert_eq!(NameAddr::parse(value.as_bytes()).map(|addr| addr.uri), Err(fault), "{value}");
        }
    }

    #[test]
    fn a_parameter_is_found_whether_or_not_there_are_others_than_the_tag() {
        let named = |value: &'static str, name: &str| NameAddr::parse(value.as_bytes()).unwrap().param(name);
        for value in ["<sip:a@b>;tag=1", "<sip:a@b>;x=y;Tag=1", "<sip:a@b>;TAG=1;x=y"] {
            assert_eq!(named(value, "tAg"), Some(&b"1"[..]), "{value}");
            assert_eq!(named(value, "x").is_some(), value.contains('x'), "{value}");
        }
        assert_eq!(named("<sip:a@b>;tag", "tag"), Some(&b""[..]));
        assert_eq!(named("<sip:a@b>", "tag"), None);
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

    #[test]
    fn a_name_that_lacks_its_quotation_marks_is_read() {
        for name in [
            "Doe, John",
            "Doe; John",
            "John (Sales)",
            "A&B",
            "Tel: 079 123",
            "john@x",
            "sip:1001@b",
            "[4] O'Brien / 50% \\ =?> 9",
        ] {
            let value = format!("{name} <sip:1@b>;tag=2");
            let addr = NameAddr::parse(value.as_bytes()).unwrap();
            assert_eq!(addr.display_name().as_deref(), Some(name));
            assert_eq!((addr.uri_bytes(), addr.tag()), (&b"sip:1@b"[..], Some(&b"2"[..])));
        }
    }

    #[test]
    fn a_semicolon_too_many_is_passed_over() {
        for value in ["<sip:1@b>;tag=2;", "sip:1@b;tag=2;", "<sip:1@b>;;tag=2", "<sip:1@b> ; ; tag = 2 ; "] {
            let addr = NameAddr::parse(value.as_bytes()).unwrap();
            assert_eq!((addr.uri_bytes(), addr.tag()), (&b"sip:1@b"[..], Some(&b"2"[..])), "{value}");
            assert_eq!(addr.params().iter().count(), 1, "{value}");
        }
        assert_eq!(NameAddr::parse(b"<sip:1@b>;").unwrap().params().iter().count(), 0);
    }

    #[test]
    fn a_tag_without_a_value_is_none() {
        for value in ["<sip:1@b>;tag", "<sip:1@b>;tag=", "<sip:1@b>;tag=;x=1"] {
            assert_eq!(NameAddr::parse(value.as_bytes()).unwrap().tag(), None, "{value}");
        }
    }

    #[test]
    fn white_space_at_the_ends_of_a_uri_in_brackets_is_no_part_of_it() {
        let addr = NameAddr::parse(b"< sip:1@b\t>").unwrap();
        assert_eq!(addr.uri().unwrap().as_bytes(), b"sip:1@b");
    }

    #[test]
    fn a_number_may_have_spaces_between_its_digits() {
        let addr = NameAddr::parse(b"<sip:+41 (79) 111-22 33@b>;tag=1").unwrap();
        assert_eq!(addr.uri().unwrap().user(), Some(&b"+41 (79) 111-22 33"[..]));
        let addr = NameAddr::parse(b"<tel:+41 79 111>").unwrap();
        assert_eq!(addr.uri().unwrap().tel_number(), Some("+41 79 111"));
    }

    #[test]
    fn an_address_can_be_read_whose_uri_cannot() {
        for (value, error) in [
            ("\"Anonymous\" <>;tag=1", UriError::Scheme),
            ("< >;tag=1", UriError::Scheme),
            ("<sip:a b@c>;tag=1", UriError::User),
            ("<sip: 1@c>;tag=1", UriError::User),
            ("<sip:1@c d>;tag=1", UriError::Host),
            ("<tel:+41 ab>;tag=1", UriError::Number),
            ("<tel:+41#>;tag=1", UriError::Number),
        ] {
            let addr = NameAddr::parse(value.as_bytes()).unwrap();
            assert_eq!(addr.uri().map(|uri| uri.as_bytes()), Err(error), "{value}");
            assert_eq!(addr.tag(), Some(&b"1"[..]), "{value}");
        }
    }
}
