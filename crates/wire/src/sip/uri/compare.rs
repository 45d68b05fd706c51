//! When two URIs are the same (RFC 3261 section 19.1.4).

use super::{Scheme, Uri};

impl Uri<'_> {
    /// Tells whether two URIs are equivalent by RFC 3261 section 19.1.4. The relation is not transitive.
    ///
    /// Other schemes than `sip` and `sips` are compared without regard to case in the scheme, and byte for byte
    /// in the rest.
    ///
    /// ```
    /// use ringfence_wire::sip::Uri;
    ///
    /// let one = Uri::parse(b"sip:%61lice@atlanta.com;transport=TCP")?;
    /// let two = Uri::parse(b"sip:alice@AtLanTa.CoM;Transport=tcp")?;
    /// assert!(one.matches(&two));
    /// # Ok::<(), ringfence_wire::sip::UriError>(())
    /// ```
    #[must_use]
    pub fn matches(&self, other: &Uri<'_>) -> bool {
        match (self.scheme, other.scheme) {
            (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => {
                same_optional(self.user, other.user, Case::Sensitive)
                    && same_optional(self.password, other.password, Case::Sensitive)
                    && self.host.matches(&other.host)
                    && self.port == other.port
                    && params_match(self, other)
                    && params_match(other, self)
                    && headers_match(self, other)
                    && headers_match(other, self)
            }
            (Scheme::Tel, Scheme::Tel) => same_number(self, other),
            (Scheme::Other(one), Scheme::Other(two)) => {
                one.eq_ignore_ascii_case(two) && self.user == other.user
            }
            (Scheme::Sip | Scheme::Sips | Scheme::Tel | Scheme::Other(_), _) => false,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Sensitive,
    Insensitive,
}

/// Whether each parameter of `one` is as it must be in `two`.
fn params_match(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    one.params().iter().all(|(name, value)| {
        let found = two
            .params()
            .iter()
            .find_map(|(found, value)| same(found, name, Case::Insensitive).then_some(value));
        match found {
            Some(other) => same_optional(value, other, Case::Insensitive),
            None => !["user", "ttl", "method", "maddr", "transport"]
                .iter()
                .any(|needed| same(name, needed.as_bytes(), Case::Insensitive)),
        }
    })
}

/// Whether each header of `one` is in `two`, too.
fn headers_match(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    headers(one).all(|(name, value)| {
        headers(two).any(|(found, other)| {
            same(found, name, Case::Insensitive) && same(value, other, Case::Insensitive)
        })
    })
}

fn headers<'a>(uri: &Uri<'a>) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    uri.headers().into_iter().flat_map(|headers| headers.split(|&byte| byte == b'&')).map(|header| {
        let at = memchr::memchr(b'=', header).unwrap_or(header.len());
        (&header[..at], header.get(at + 1..).unwrap_or_default())
    })
}

/// RFC 3966 section 5: numbers without their visual separators; parameters in any order.
fn same_number(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    let digits = |uri: &Uri<'_>| {
        let number = uri.tel_number().unwrap_or_default().to_owned();
        number.replace(['-', '.', '(', ')'], "").to_ascii_lowercase()
    };
    let params_in = |one: &Uri<'_>, two: &Uri<'_>| {
        one.params().iter().all(|(name, value)| {
            two.params().iter().any(|(found, other)| {
                same(name, found, Case::Insensitive) && same_optional(value, other, Case::Insensitive)
            })
        })
    };
    digits(one) == digits(two) && params_in(one, two) && params_in(two, one)
}

fn same_optional(one: Option<&[u8]>, two: Option<&[u8]>, case: Case) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => same(one, two, case),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Compares characters, where an escape is the character it stands for unless that is a reserved one.
fn same(one: &[u8], two: &[u8], case: Case) -> bool {
    Characters(one)
        .map(|character| character.folded(case))
        .eq(Characters(two).map(|character| character.folded(case)))
}

/// A character of a URI, and whether it is an escaped reserved one.
#[derive(PartialEq, Eq)]
struct Character {
    byte: u8,
    is_escaped_reserved: bool,
}

impl Character {
    fn folded(mut self, case: Case) -> Self {
        if case == Case::Insensitive {
            self.byte.make_ascii_lowercase();
        }
        self
    }
}

struct Characters<'a>(&'a [u8]);

impl Iterator for Characters<'_> {
    type Item = Character;

    fn next(&mut self) -> Option<Character> {
        if let Some(byte) = escaped(self.0) {
            self.0 = &self.0[3..];
            return Some(Character { byte, is_escaped_reserved: is_reserved(byte) });
        }
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(Character { byte, is_escaped_reserved: false })
    }
}

/// The byte that `"%" HEXDIG HEXDIG` at the front stands for.
pub(super) fn escaped(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = *bytes else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

fn is_reserved(byte: u8) -> bool {
    matches!(byte, b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',')
}
