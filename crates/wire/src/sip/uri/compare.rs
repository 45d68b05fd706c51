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
            //= https://www.rfc-editor.org/rfc/rfc3261#section-19.1.4
            //# A SIP and SIPS URI are never equivalent.
            (Scheme::Sip | Scheme::Sips | Scheme::Tel | Scheme::Other(_), _) => false,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Sensitive,
    Insensitive,
}

/// Whether each parameter of `one` is as it must be in `two`. Of a repeated one, the first counts.
fn params_match(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    one.params().iter().all(|(name, _)| match (first_param(one, name), first_param(two, name)) {
        (Some(value), Some(other)) => same_optional(value, other, Case::Insensitive),
        //= https://www.rfc-editor.org/rfc/rfc3261#section-19.1.4
        //# All other uri-parameters appearing in only one URI are
        //# ignored when comparing the URIs.
        _ => !["user", "ttl", "method", "maddr", "transport"]
            .iter()
            .any(|needed| same(name, needed.as_bytes(), Case::Insensitive)),
    })
}

#[expect(clippy::option_option, reason = "a parameter may be there without a value")]
fn first_param<'a>(uri: &Uri<'a>, name: &[u8]) -> Option<Option<&'a [u8]>> {
    uri.params().iter().find_map(|(found, value)| same(found, name, Case::Insensitive).then_some(value))
}

/// Whether each header of `one` is in `two`, too.
fn headers_match(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    //= https://www.rfc-editor.org/rfc/rfc3261#section-19.1.4
    //# Any present header
    //# component MUST be present in both URIs and match for the URIs
    //# to match.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(one: &str, two: &str) -> bool {
        Uri::parse(one.as_bytes()).unwrap().matches(&Uri::parse(two.as_bytes()).unwrap())
    }

    #[test]
    fn an_escaped_reserved_character_is_not_the_character() {
        assert!(matches("sip:%61%2F@b.example", "sip:a%2f@b.example"));
        assert!(!matches("sip:a%2F@b.example", "sip:a/@b.example"));
    }

    #[test]
    fn hosts_of_one_address_match_however_they_are_written() {
        assert!(matches("sip:a@[2001:DB8::0:1]", "sip:a@[2001:db8::1]"));
        assert!(matches("sip:a@192.0.2.1", "sip:a@192.000.002.001"));
        assert!(!matches("sip:a@[::ffff:192.0.2.1]", "sip:a@192.0.2.1"));
    }

    #[test]
    fn a_uri_with_a_repeated_parameter_matches_itself() {
        assert!(matches("sip:a@b.example;x=1;x=2", "sip:a@b.example;x=1;x=2"));
        assert!(!matches("sip:a@b.example;x=1;x=2", "sip:a@b.example;x=2;x=1"));
    }

    #[test]
    fn numbers_match_without_their_separators() {
        assert!(matches("tel:+1-201-555-0123", "tel:+12015550123"));
        assert!(!matches("tel:+12015550123;ext=5", "tel:+12015550123"));
        assert!(!matches("tel:7042;phone-context=a.example", "tel:7042;phone-context=b.example"));
    }

    #[test]
    fn other_uris_match_byte_for_byte() {
        assert!(matches("ISBN:2983792873", "isbn:2983792873"));
        assert!(!matches("name:John", "name:john"));
    }
}
