//! SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966); any other absolute URI is kept as it is.

use std::borrow::Cow;

use super::class::{PLAIN_USER, is_lws, is_password, is_uri_header, is_uri_param, is_user};
use super::error::UriError;
use super::host::Host;
use super::lex::{Lexer, ascii, trim};
use super::params::{MAX_PARAMETERS, Params};
use super::words::is_without;

mod compare;

/// A URI, checked and taken apart; everything is borrowed from the bytes it was read from.
///
/// ```
/// use ringfence_wire::sip::{Host, Scheme, Uri};
///
/// let uri = Uri::parse(b"sips:alice:secret@atlanta.example:5071;transport=tcp?subject=project%20x")?;
/// assert_eq!(uri.scheme(), Scheme::Sips);
/// assert_eq!(uri.user(), Some(&b"alice"[..]));
/// assert_eq!((uri.host(), uri.port()), (Host::Name("atlanta.example"), Some(5071)));
/// assert_eq!(uri.host_bytes(), b"atlanta.example");
/// assert_eq!(uri.param("Transport").as_deref(), Some(&b"tcp"[..]));
/// assert_eq!(uri.headers(), Some(&b"subject=project%20x"[..]));
/// # Ok::<(), ringfence_wire::sip::UriError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Uri<'a> {
    bytes: &'a [u8],
    scheme: Scheme<'a>,
    /// Of a tel URI, the number; of another scheme, everything after the colon.
    user: Option<&'a [u8]>,
    password: Option<&'a [u8]>,
    host: Host<'a>,
    host_bytes: &'a [u8],
    port: Option<u16>,
    params: Params<'a>,
    headers: Option<&'a [u8]>,
}

/// What kind of URI it is.
///
/// ```
/// use ringfence_wire::sip::{Scheme, Uri};
///
/// assert_eq!(Uri::parse(b"TEL:+41791234567")?.scheme(), Scheme::Tel);
/// assert_eq!(Uri::parse(b"isbn:2983792873")?.scheme(), Scheme::Other("isbn"));
/// # Ok::<(), ringfence_wire::sip::UriError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme<'a> {
    /// `sip`.
    Sip,
    /// `sips`.
    Sips,
    /// `tel`.
    Tel,
    /// Any other, as written.
    Other(&'a str),
}

impl<'a> Uri<'a> {
    /// Reads a URI, which must be all of `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, UriError> {
        Self::read(bytes, Spaces::Nowhere)
    }

    /// Reads a URI of a telephone number with spaces between its digits, as an address in `<>` may have it: there it
    /// ends at the bracket, and a policy reads the number without them.
    pub(super) fn parse_spaced_number(bytes: &'a [u8]) -> Result<Self, UriError> {
        Self::read(bytes, Spaces::InNumber)
    }

    fn read(bytes: &'a [u8], spaces: Spaces) -> Result<Self, UriError> {
        let (scheme, rest) = split_scheme(bytes)?;
        let (user, params) = match scheme {
            Scheme::Sip | Scheme::Sips => return Self::read_sip(bytes, scheme, rest, spaces),
            Scheme::Tel => split_number(rest, spaces)?,
            Scheme::Other(_) => {
                // RFC 3986 appendix C: these are what a URI ends at, wherever it is written.
                let ends_a_uri = |byte| matches!(byte, b'"' | b'<' | b'>');
                check(rest, |byte| byte.is_ascii_graphic() && !ends_a_uri(byte), UriError::Byte)?;
                (rest, Params::checked(b""))
            }
        };
        let (user, host, host_bytes) = (Some(user), Host::Name(""), &b""[..]);
        Ok(Self { bytes, scheme, user, password: None, host, host_bytes, port: None, params, headers: None })
    }

    /// Reads what follows the colon of a `sip` or `sips` URI.
    fn read_sip(
        bytes: &'a [u8],
        scheme: Scheme<'a>,
        rest: &'a [u8],
        spaces: Spaces,
    ) -> Result<Self, UriError> {
        let mut lexer = Lexer::new(rest);
        let (user, password) = take_userinfo(&mut lexer, spaces)?;
        let from_host = lexer.rest();
        let host = Host::take(&mut lexer)?;
        let host_bytes = &from_host[..from_host.len() - lexer.rest().len()];
        let port = if lexer.eat(b':') { Some(take_port(&mut lexer)?) } else { None };
        let (params, headers) = match lexer.peek() {
            None => (Params::checked(b""), None),
            Some(b';' | b'?') => take_params_and_headers(lexer)?,
            Some(_) => return Err(if port.is_some() { UriError::Port } else { UriError::Host }),
        };
        Ok(Self { bytes, scheme, user, password, host, host_bytes, port, params, headers })
    }

    /// Returns the scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme<'a> {
        self.scheme
    }

    /// Returns the URI as written.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns the user part as written, escapes included; `None` for other schemes than `sip` and `sips`.
    #[must_use]
    pub fn user(&self) -> Option<&'a [u8]> {
        if self.is_sip() { self.user } else { None }
    }

    /// Returns the user part with its escapes decoded, once.
    #[must_use]
    pub fn user_unescaped(&self) -> Option<Cow<'a, [u8]>> {
        self.user().map(unescape)
    }

    /// Returns the password as written.
    #[must_use]
    pub fn password(&self) -> Option<&'a [u8]> {
        self.password
    }

    /// Returns the host, an empty name for other schemes than `sip` and `sips`.
    #[must_use]
    pub fn host(&self) -> Host<'a> {
        self.host
    }

    /// Returns the host as written, nothing for other schemes than `sip` and `sips`.
    #[must_use]
    pub fn host_bytes(&self) -> &'a [u8] {
        self.host_bytes
    }

    /// Returns the port, if one is written.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Returns the URI's parameters, escapes as written.
    #[must_use]
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// Returns the value of the parameter of that name, in any case and with escapes decoded; empty when it
    /// stands there without one.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        let is_named = |found: &[u8]| unescape(found).eq_ignore_ascii_case(name.as_bytes());
        let value = self.params.iter().find_map(|(found, value)| is_named(found).then_some(value))?;
        Some(unescape(value.unwrap_or_default()))
    }

    /// Returns what follows the question mark, as written.
    #[must_use]
    pub fn headers(&self) -> Option<&'a [u8]> {
        self.headers
    }

    /// Returns the number of a tel URI as written, visual separators included.
    #[must_use]
    pub fn tel_number(&self) -> Option<&'a str> {
        if self.scheme == Scheme::Tel { self.user.map(ascii) } else { None }
    }

    /// Tells whether it is a `sip` or `sips` URI.
    #[must_use]
    pub fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }
}

/// Where a URI may have spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spaces {
    Nowhere,
    InNumber,
}

/// Takes `[ user [ ":" password ] "@" ]`.
#[expect(clippy::type_complexity, reason = "two parts, each of which may be missing")]
fn take_userinfo<'a>(
    lexer: &mut Lexer<'a>,
    spaces: Spaces,
) -> Result<(Option<&'a [u8]>, Option<&'a [u8]>), UriError> {
    let rest = lexer.rest();
    // Nearly every user ends at the first byte that none has, and that is the @.
    let plain = PLAIN_USER.run(rest);
    if plain > 0 && spaces == Spaces::Nowhere && rest.get(plain) == Some(&b'@') {
        lexer.take(plain + 1);
        return Ok((Some(&rest[..plain]), None));
    }
    let Some(at) = memchr::memchr(b'@', rest) else { return Ok((None, None)) };
    let userinfo = lexer.take(at);
    lexer.eat(b'@');
    let (user, password) = match userinfo.iter().position(|&byte| byte == b':') {
        Some(colon) => (&userinfo[..colon], Some(&userinfo[colon + 1..])),
        None => (userinfo, None),
    };
    if user.is_empty() {
        return Err(UriError::User);
    }
    match spaces {
        Spaces::Nowhere => check(user, is_user, UriError::User)?,
        Spaces::InNumber if is_spaced_number(user) => {}
        Spaces::InNumber => return Err(UriError::User),
    }
    if let Some(password) = password {
        check(password, is_password, UriError::Password)?;
    }
    Ok((Some(user), password))
}

/// Takes `uri-parameters [ headers ]`, which must be all that is left.
fn take_params_and_headers(mut lexer: Lexer<'_>) -> Result<(Params<'_>, Option<&[u8]>), UriError> {
    let params = lexer.take_while(|byte| byte == b';' || is_uri_param(byte));
    let params = checked_params(params)?;
    if !lexer.eat(b'?') {
        return if lexer.rest().is_empty() { Ok((params, None)) } else { Err(UriError::Parameter) };
    }
    let headers = lexer.rest();
    check(headers, is_uri_header, UriError::Headers)?;
    let is_nameless = |header: &[u8]| memchr::memchr(b'=', header).is_none_or(|at| at == 0);
    let mut count = 0;
    for header in headers.split(|&byte| byte == b'&') {
        count += 1;
        // As many as parameters: each is compared with each (section 19.1.4).
        if is_nameless(header) || count > MAX_PARAMETERS {
            return Err(UriError::Headers);
        }
    }
    Ok((params, Some(headers)))
}

/// Splits the number of a tel URI from its parameters. RFC 3966 section 3: a global number with its `+`, or a local one.
fn split_number(rest: &[u8], spaces: Spaces) -> Result<(&[u8], Params<'_>), UriError> {
    let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
    let (number, params) = rest.split_at(end);
    let is_separator = |byte: u8| matches!(byte, b'-' | b'.' | b'(' | b')');
    let is_digit = |byte: u8| match number.first() {
        Some(b'+') => byte.is_ascii_digit(),
        _ => byte.is_ascii_hexdigit() || matches!(byte, b'*' | b'#'),
    };
    let digits = number.strip_prefix(b"+").unwrap_or(number);
    let is_number = digits.iter().all(|&byte| is_digit(byte) || is_separator(byte))
        && digits.iter().any(|&byte| is_digit(byte));
    if !is_number && (spaces == Spaces::Nowhere || !is_spaced_number(number)) {
        return Err(UriError::Number);
    }
    Ok((number, checked_params(params)?))
}

/// Tells whether it is digits, signs and the separators of numbers, with some white space between them only.
fn is_spaced_number(number: &[u8]) -> bool {
    let is_sign = |byte: u8| matches!(byte, b'+' | b'*' | b'#' | b'-' | b'.' | b'(' | b')');
    number.iter().all(|&byte| byte.is_ascii_digit() || is_sign(byte) || is_lws(byte))
        && number.iter().any(u8::is_ascii_digit)
        && number.iter().any(|&byte| is_lws(byte))
        && trim(number).len() == number.len()
}

fn split_scheme(bytes: &[u8]) -> Result<(Scheme<'_>, &[u8]), UriError> {
    if let [b's', b'i', b'p', b':', rest @ ..] = bytes {
        return if rest.is_empty() { Err(UriError::Host) } else { Ok((Scheme::Sip, rest)) };
    }
    let colon = bytes.iter().position(|&byte| byte == b':').ok_or(UriError::Scheme)?;
    let (scheme, rest) = (&bytes[..colon], &bytes[colon + 1..]);
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.2
    //# All SIP implementations MUST support the SIP URI scheme.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.2
    //# Any implementation that supports TLS MUST support the SIPS URI scheme.
    let scheme = if scheme.eq_ignore_ascii_case(b"sip") {
        Scheme::Sip
    } else if scheme.eq_ignore_ascii_case(b"sips") {
        Scheme::Sips
    } else if scheme.eq_ignore_ascii_case(b"tel") {
        Scheme::Tel
    } else {
        let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if !scheme.first().is_some_and(u8::is_ascii_alphabetic) || !scheme.iter().all(is_scheme) {
            return Err(UriError::Scheme);
        }
        Scheme::Other(ascii(scheme))
    };
    if rest.is_empty() { Err(UriError::Host) } else { Ok((scheme, rest)) }
}

/// Takes `1*DIGIT` as a port.
pub(super) fn take_port(lexer: &mut Lexer<'_>) -> Result<u16, UriError> {
    let digits = lexer.rest();
    let (mut port, mut length) = (0_u32, 0);
    while let Some(digit) = digits.get(length).map(|byte| byte.wrapping_sub(b'0'))
        && digit < 10
    {
        // However long it is, one that is too great stays so.
        port = (port * 10 + u32::from(digit)).min(u32::from(u16::MAX) + 1);
        length += 1;
    }
    lexer.take(length);
    if length == 0 { Err(UriError::Port) } else { u16::try_from(port).map_err(|_| UriError::Port) }
}

fn checked_params(params: &[u8]) -> Result<Params<'_>, UriError> {
    if params.is_empty() {
        return Ok(Params::checked(params));
    }
    check(params, |byte| byte == b';' || is_uri_param(byte), UriError::Parameter)?;
    let mut count = 0;
    for param in params[1..].split(|&byte| byte == b';') {
        count += 1;
        let equals = memchr::memchr(b'=', param);
        if param.is_empty() || equals == Some(0) || equals == Some(param.len() - 1) || count > MAX_PARAMETERS
        {
            return Err(UriError::Parameter);
        }
    }
    Ok(Params::checked(params))
}

/// Requires that all bytes are of a class and every `%` starts an escape.
fn check(bytes: &[u8], class: impl Fn(u8) -> bool, error: UriError) -> Result<(), UriError> {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&byte| !class(byte) || byte == b'%') {
        if !class(rest[at]) {
            return Err(error);
        }
        if compare::escaped(&rest[at..]).is_none() {
            return Err(UriError::Escape);
        }
        rest = &rest[at + 3..];
    }
    Ok(())
}

/// Decodes each escape, once. A `%` that starts none stays.
pub(super) fn unescape(bytes: &[u8]) -> Cow<'_, [u8]> {
    if is_without(bytes, b'%') {
        return Cow::Borrowed(bytes);
    }
    let Some(mut at) = memchr::memchr(b'%', bytes) else { return Cow::Borrowed(bytes) };
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        plain.extend_from_slice(&rest[..at]);
        if let Some(byte) = compare::escaped(&rest[at..]) {
            plain.push(byte);
            rest = &rest[at + 3..];
        } else {
            plain.push(b'%');
            rest = &rest[at + 1..];
        }
        match memchr::memchr(b'%', rest) {
            Some(next) => at = next,
            None => break,
        }
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_uri_is_told() {
        for (uri, error) in [
            ("", UriError::Scheme),
            ("1001", UriError::Scheme),
            ("<sip:a@b>", UriError::Scheme),
            ("sip:", UriError::Host),
            ("sip:@b.example", UriError::User),
            ("sip:a b@c.example", UriError::User),
            ("sip:\"a\"@c.example", UriError::User),
            ("sip:a%4@c.example", UriError::Escape),
            ("sip:a%zz@c.example", UriError::Escape),
            ("sip:a:p@ss@c.example", UriError::Host),
            ("sip:a:p/w@c.example", UriError::Password),
            ("sip:a@", UriError::Host),
            ("sip:a@-b.example", UriError::Host),
            ("sip:a@b..example", UriError::Host),
            ("sip:a@300.1.1.1", UriError::Host),
            ("sip:a@1.2.3", UriError::Host),
            ("sip:1001", UriError::Host),
            ("sip:+41 79@b.example", UriError::User),
            ("sip:a@[2001:db8::1", UriError::Host),
            ("sip:a@[2001:db8::1::2]", UriError::Host),
            ("sip:2001:db8::10", UriError::Host),
            ("sip:a@b.example:", UriError::Port),
            ("sip:a@b.example:65536", UriError::Port),
            ("sip:a@b.example:5o60", UriError::Port),
            ("sip:a@b.example;", UriError::Parameter),
            ("sip:a@b.example;;lr", UriError::Parameter),
            ("sip:a@b.example;=1", UriError::Parameter),
            ("sip:a@b.example;x=", UriError::Parameter),
            ("sip:a@b.example; lr", UriError::Parameter),
            ("sip:a@b.example;x=%4", UriError::Escape),
            ("sip:a@b.example?", UriError::Headers),
            ("sip:a@b.example?x", UriError::Headers),
            ("sip:a@b.example?=x", UriError::Headers),
            ("sip:a@b.example?x=1&", UriError::Headers),
            ("tel:", UriError::Host),
            ("tel:+", UriError::Number),
            ("tel:+1a", UriError::Number),
            ("tel:+1 2", UriError::Number),
            ("tel:nobody", UriError::Number),
            ("http://x y", UriError::Byte),
            ("x:a>;tag=1", UriError::Byte),
            ("x:a<b", UriError::Byte),
            ("x:\"a", UriError::Byte),
        ] {
            assert_eq!(Uri::parse(uri.as_bytes()).map(|uri| uri.host().to_string()), Err(error), "{uri}");
        }
    }

    #[test]
    fn what_telephones_send_is_taken() {
        for uri in [
            "sip:*21*5551234#@pbx.example",
            "sip:1001@my_pbx",
            "sip:1001@b.example.",
            "sips:b.example:0",
            "sip:1001@3f2a1b9c0d12:5060",
            "sip:1001@pbx.2nd",
            "sip:a@b.example;x=aGk=;ob?Replaces=1%40b&x=",
            "tel:*21#",
            "tel:863-1234;phone-context=+1-914-555",
            "urn:service:sos",
        ] {
            assert!(Uri::parse(uri.as_bytes()).is_ok(), "{uri}");
        }
    }

    #[test]
    fn parameters_have_a_limit() {
        let uri = |count: usize| format!("sip:a@b.example{}", ";x".repeat(count));
        assert!(Uri::parse(uri(MAX_PARAMETERS).as_bytes()).is_ok());
        assert_eq!(Uri::parse(uri(MAX_PARAMETERS + 1).as_bytes()).unwrap_err(), UriError::Parameter);
    }

    #[test]
    fn headers_have_a_limit() {
        let uri = |count: usize| format!("sip:a@b.example?x={}", "&x=".repeat(count - 1));
        assert!(Uri::parse(uri(MAX_PARAMETERS).as_bytes()).is_ok());
        assert_eq!(Uri::parse(uri(MAX_PARAMETERS + 1).as_bytes()).unwrap_err(), UriError::Headers);
    }

    #[test]
    fn an_escape_is_undone_once() {
        assert_eq!(*unescape(b"%2541%"), *b"%41%");
        assert_eq!(*unescape(b"%00%4"), *b"\0%4");
    }
}
