//! Hosts: names, IPv4 addresses and IPv6 references (RFC 3261 section 25.1, RFC 5118).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::class::{HOST, is_host};
use super::error::UriError;
use super::lex::{Lexer, ascii};

/// A host in a URI or a Via.
///
/// ```
/// use ringfence_wire::sip::{Host, Uri};
///
/// let host = Uri::parse(b"sip:bob@[2001:db8::10]:5070")?.host();
/// assert_eq!(host, Host::V6("2001:db8::10".parse()?));
/// assert_eq!(host.to_string(), "[2001:db8::10]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Host<'a> {
    /// A domain name, as written.
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; brackets around it are not part of it.
    V6(Ipv6Addr),
}

impl<'a> Host<'a> {
    /// Reads a host that stands alone; an IPv6 address must be in brackets.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, UriError> {
        let mut lexer = Lexer::new(bytes);
        let host = Self::take(&mut lexer)?;
        if lexer.rest().is_empty() { Ok(host) } else { Err(UriError::Host) }
    }

    /// Returns the address, if the host is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match *self {
            Self::Name(_) => None,
            Self::V4(address) => Some(address.into()),
            Self::V6(address) => Some(address.into()),
        }
    }

    /// Takes a host from the front of what `lexer` has left.
    pub(super) fn take(lexer: &mut Lexer<'a>) -> Result<Self, UriError> {
        if lexer.peek() == Some(b'[') {
            let end = memchr::memchr(b']', lexer.rest()).ok_or(UriError::Host)?;
            let reference = lexer.take(end + 1);
            return ipv6(&reference[1..end]).map(Self::V6).ok_or(UriError::Host);
        }
        if lexer.peek().is_some_and(|byte| byte.is_ascii_digit())
            && let Some((address, length)) = leading_ipv4(lexer.rest())
            && lexer.rest().get(length).is_none_or(|&next| !is_host(next))
        {
            lexer.take(length);
            return Ok(Self::V4(address));
        }
        let name = lexer.take_run(HOST);
        if is_hostname(name) { Ok(Self::Name(ascii(name))) } else { Err(UriError::Host) }
    }

    /// Takes an IPv6 address without its brackets, perhaps with a colon and a port behind it, where it can be read
    /// in one way only: `2001:db8::1:5060` may be a host, or a host and a port, and is none.
    pub(super) fn take_bare_ipv6(lexer: &mut Lexer<'a>) -> Option<Self> {
        let strict = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse().ok();
        let rest = lexer.rest();
        let end = rest.iter().position(|&byte| !byte.is_ascii_hexdigit() && !matches!(byte, b':' | b'.'));
        let whole = &rest[..end.unwrap_or(rest.len())];
        let (host, port) = whole.split_at(whole.iter().rposition(|&byte| byte == b':')?);
        let is_port = port.len() > 1 && port[1..].iter().all(u8::is_ascii_digit);
        let (address, length) = match (strict(whole), strict(host).filter(|_| is_port)) {
            (Some(address), None) => (address, whole.len()),
            (None, Some(address)) => (address, host.len()),
            (Some(_), Some(_)) | (None, None) => return None,
        };
        lexer.take(length);
        Some(Self::V6(address))
    }

    /// Compares as section 19.1.4 does: names without regard to case.
    pub(super) fn matches(&self, other: &Host<'_>) -> bool {
        match (*self, *other) {
            (Self::Name(one), Host::Name(two)) => one.eq_ignore_ascii_case(two),
            (Self::V4(one), Host::V4(two)) => one == two,
            (Self::V6(one), Host::V6(two)) => one == two,
            (Self::Name(_) | Self::V4(_) | Self::V6(_), _) => false,
        }
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// Reads an address with or without brackets, as `received` carries it (RFC 5118 section 4.5).
pub(super) fn ip_address(bytes: &[u8]) -> Option<IpAddr> {
    if let Some((address, length)) = leading_ipv4(bytes)
        && length == bytes.len()
    {
        return Some(address.into());
    }
    //= https://www.rfc-editor.org/rfc/rfc5118#section-4.5
    //# implementations must follow the Robustness Principle [RFC1122] and be
    //# liberal in accepting a "received" parameter with or without the
    //# delimiting "[" and "]" tokens.
    let inner = bytes.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")).unwrap_or(bytes);
    ipv6(inner).map(IpAddr::from)
}

/// Reads `1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT` at the front, leading zeros allowed, and returns its
/// length, too.
fn leading_ipv4(bytes: &[u8]) -> Option<(Ipv4Addr, usize)> {
    let (one, rest) = leading_octet(bytes)?;
    let (two, rest) = leading_octet(rest.strip_prefix(b".")?)?;
    let (three, rest) = leading_octet(rest.strip_prefix(b".")?)?;
    let (four, rest) = leading_octet(rest.strip_prefix(b".")?)?;
    Some((Ipv4Addr::new(one, two, three, four), bytes.len() - rest.len()))
}

/// Reads `1*3DIGIT` up to 255 at the front, and returns what follows it.
fn leading_octet(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let value = |byte: &u8| byte.wrapping_sub(b'0');
    let (digits, rest) = match bytes {
        [one, two, three, rest @ ..] if value(one) < 10 && value(two) < 10 && value(three) < 10 => {
            ([value(one), value(two), value(three)], rest)
        }
        [one, two, rest @ ..] if value(one) < 10 && value(two) < 10 => ([0, value(one), value(two)], rest),
        [one, rest @ ..] if value(one) < 10 => ([0, 0, value(one)], rest),
        _ => return None,
    };
    let value = digits.iter().fold(0, |value, &digit| 10 * value + u32::from(digit));
    Some((u8::try_from(value).ok()?, rest))
}

fn ipv6(bytes: &[u8]) -> Option<Ipv6Addr> {
    const LONGEST: usize = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".len();
    let parse = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse().ok();
    //= https://www.rfc-editor.org/rfc/rfc5118#section-4.10
    //# it can choose to ignore the
    //# extra colon when parsing the IPv6 reference.
    let Some(at) = bytes.windows(3).position(|colons| colons == b":::") else { return parse(bytes) };
    let mut repaired = [0; LONGEST];
    let length = bytes.len() - 1;
    repaired.get_mut(..at)?.copy_from_slice(&bytes[..at]);
    repaired.get_mut(at..length)?.copy_from_slice(&bytes[at + 1..]);
    parse(&repaired[..length])
}

/// `*( domainlabel "." ) toplabel [ "." ]`; an underscore counts as a letter, for the names that have one. The last
/// label may begin with a digit, as the names of containers do: not all digits, it begins no IPv4 address.
fn is_hostname(name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let mut top = &b""[..];
    for label in name.split(|&byte| byte == b'.') {
        let (Some(first), Some(last)) = (label.first(), label.last()) else { return false };
        if *first == b'-' || *last == b'-' {
            return false;
        }
        top = label;
    }
    !top.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_at_the_front_ends_with_its_fourth_octet() {
        for (text, octets, length) in [
            ("192.0.2.1", [192, 0, 2, 1], 9),
            ("192.0.2.1:5060", [192, 0, 2, 1], 9),
            ("255.255.255.255;x", [255; 4], 15),
            ("0.00.000.0", [0; 4], 10),
            ("001.02.3.004", [1, 2, 3, 4], 12),
            ("1.2.3.4.5", [1, 2, 3, 4], 7),
            ("1.2.3.1234", [1, 2, 3, 123], 9),
        ] {
            assert_eq!(leading_ipv4(text.as_bytes()), Some((octets.into(), length)), "{text}");
        }
        for text in [
            "",
            ".",
            "1",
            "1.2.3",
            "1.2.3.",
            "1.2.3.x",
            "1..2.3.4",
            ".1.2.3.4",
            "256.0.0.1",
            "1.2.999.4",
            "1.2.3.256",
            "1.2.3.4567",
            "1234.1.1.1",
            "1.2345.1.1",
            "a.1.2.3",
            " 1.2.3.4",
            "-1.2.3.4",
        ] {
            assert_eq!(leading_ipv4(text.as_bytes()), None, "{text}");
        }
    }
}
