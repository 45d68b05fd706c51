//! A GRUU (RFC 5627): the URI that a registrar gives a line, which leads to this very phone from anywhere.

use std::time::Instant;

use ringfence_wire::sip::{NameAddr, Scheme, Uri, unquote};

/// What a registrar gave a line, and until when it is good.
#[derive(Debug, Clone)]
pub(super) struct Gruu {
    uri: Box<str>,
    until: Instant,
}

/// The longest that is taken: it is sent in each response to a call.
const LONGEST: usize = 512;

impl Gruu {
    /// Reads it from the Contact by which a registrar lists our binding: the public one, or else the temporary one. A
    /// line whose calls are to be encrypted takes none that is not.
    pub(super) fn of(listed: &NameAddr<'_>, is_secure: bool, until: Instant) -> Option<Self> {
        //= https://www.rfc-editor.org/rfc/rfc5627#section-4.2
        //# A UA MUST be prepared for a
        //# Contact header field to contain just a "pub-gruu", just a "temp-
        //# gruu", neither, or both.
        let mut given = ["pub-gruu", "temp-gruu"].into_iter().filter_map(|name| listed.param(name));
        let uri = given.find_map(|value| read(&unquote(value), is_secure))?;
        Some(Self { uri, until })
    }

    /// Returns the URI, while the registration lasts that it was learned through.
    pub(super) fn uri(&self, now: Instant) -> Option<&str> {
        //= https://www.rfc-editor.org/rfc/rfc5627#section-4.4
        //# It MUST NOT reuse a GRUU
        //# learned through a previous registration that has lapsed (in other words, one
        //# obtained when registering a contact that has expired).
        (now < self.until).then_some(&self.uri)
    }
}

/// Reads what is to stand in a Contact of ours, between angle brackets, as it is.
fn read(value: &[u8], is_secure: bool) -> Option<Box<str>> {
    let uri = Uri::parse(value).ok().filter(|_| value.len() <= LONGEST)?;
    let is_sip = match uri.scheme() {
        Scheme::Sip => !is_secure,
        Scheme::Sips => true,
        Scheme::Tel | Scheme::Other(_) => false,
    };
    let is_plain = value.iter().all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(byte));
    let is_gruu = is_sip && is_plain && uri.param("gr").is_some() && uri.headers().is_none();
    is_gruu.then(|| std::str::from_utf8(value).ok().map(Box::from)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(contact: &str, is_secure: bool) -> Option<String> {
        let listed = NameAddr::parse(contact.as_bytes()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test needs one instant to start from")]
        let now = Instant::now();
        let gruu = Gruu::of(&listed, is_secure, now + std::time::Duration::from_secs(60))?;
        assert_eq!(gruu.uri(now + std::time::Duration::from_secs(60)), None, "it has lapsed");
        gruu.uri(now).map(str::to_owned)
    }

    #[test]
    fn the_public_one_is_taken_and_without_it_the_temporary_one() {
        let public = "pub-gruu=\"sip:858@example.com;gr=urn:uuid:1\"";
        let temporary = "temp-gruu=\"sip:tgruu.7h@example.com;gr\"";
        let of = |params: &str| taken(&format!("<sip:858@192.0.2.9>;{params}"), false);
        assert_eq!(of(&format!("{temporary};{public}")).unwrap(), "sip:858@example.com;gr=urn:uuid:1");
        assert_eq!(of(temporary).unwrap(), "sip:tgruu.7h@example.com;gr");
        assert_eq!(of("expires=60"), None);
    }

    #[test]
    fn what_is_no_gruu_is_not_taken() {
        let long = format!("sip:{}@example.com;gr", "a".repeat(600));
        let wrong = [
            "sip:858@example.com",
            "tel:+41;gr",
            "858",
            "sip:858@example.com;gr?a=b",
            "sip:a@b;gr=\\\"",
            &long,
        ];
        for uri in wrong {
            assert_eq!(taken(&format!("<sip:858@192.0.2.9>;pub-gruu=\"{uri}\""), false), None, "{uri}");
        }
        let plain = "<sip:858@192.0.2.9>;pub-gruu=\"sip:858@example.com;gr=1\"";
        assert_eq!(taken(plain, true), None, "a line that is called by TLS alone");
    }
}
