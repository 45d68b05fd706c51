//! As much of a SIP message as a person who reads a trace wants to see: its start line and a few
//! header fields. It judges nothing; what it cannot read it shows as it is.

use std::borrow::Cow;

/// A view of one datagram.
#[derive(Debug)]
pub(super) struct Glimpse<'a> {
    head: Cow<'a, str>,
}

/// What a datagram starts with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start<'a> {
    Request {
        method: &'a str,
        uri: &'a str,
    },
    Response {
        status: u16,
        phrase: &'a str,
    },
    /// CRLFs that hold a NAT's binding open (RFC 5626 section 3.5.1).
    KeepAlive,
    /// Bytes that start no SIP message.
    Other {
        length: usize,
    },
}

/// The header fields that have a compact form (RFC 3261 section 20) and are shown here.
const COMPACT: [(&str, &str); 4] = [("from", "f"), ("to", "t"), ("contact", "m"), ("call-id", "i")];

/// A header section that is longer is cut: nobody reads on.
const MOST_READ: usize = 16 * 1024;

impl<'a> Glimpse<'a> {
    /// Looks at a datagram.
    pub(super) fn new(datagram: &'a [u8]) -> Self {
        let end = datagram.windows(4).take(MOST_READ).position(|bytes| bytes == b"\r\n\r\n");
        let end = end.unwrap_or(datagram.len().min(MOST_READ));
        Self { head: String::from_utf8_lossy(&datagram[..end]) }
    }

    /// Reads the start line.
    pub(super) fn start(&self, datagram: &[u8]) -> Start<'_> {
        if datagram.len() <= 4 && !datagram.is_empty() && datagram.iter().all(|byte| b"\r\n\0".contains(byte))
        {
            return Start::KeepAlive;
        }
        self.response().or_else(|| self.request()).unwrap_or(Start::Other { length: datagram.len() })
    }

    fn response(&self) -> Option<Start<'_>> {
        let rest = self.start_line().strip_prefix("SIP/2.0 ")?;
        let (status, phrase) = rest.split_once(' ').unwrap_or((rest, ""));
        Some(Start::Response { status: status.parse().ok()?, phrase: phrase.trim() })
    }

    fn request(&self) -> Option<Start<'_>> {
        let mut words = self.start_line().split(' ');
        let (method, uri, version) = (words.next()?, words.next()?, words.next()?);
        (words.next().is_none() && version.starts_with("SIP/")).then_some(Start::Request { method, uri })
    }

    fn start_line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// Returns the first value of a header field, by its long name in small letters.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let compact = COMPACT.iter().find(|(long, _)| *long == name).map_or(name, |(_, compact)| compact);
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            let field = field.trim();
            let is_named = field.eq_ignore_ascii_case(name) || field.eq_ignore_ascii_case(compact);
            is_named.then(|| value.trim())
        })
    }
}

/// Returns a parameter of a header field's value, without its quotes.
pub(super) fn parameter<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    value.split([';', ',', ' ']).find_map(|part| {
        let (key, value) = part.trim().split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: &[u8] = b"SIP/2.0 486 Busy Here\r\nf: <sip:1@a>;tag=x\r\nCSeq: 1 INVITE\r\n\r\n";

    #[test]
    fn a_response_shows_its_status_and_header_fields_in_either_form() {
        let glimpse = Glimpse::new(BUSY);
        assert_eq!(glimpse.start(BUSY), Start::Response { status: 486, phrase: "Busy Here" });
        assert_eq!(glimpse.header("from"), Some("<sip:1@a>;tag=x"));
        assert_eq!(glimpse.header("cseq"), Some("1 INVITE"));
        assert_eq!(glimpse.header("warning"), None);
    }

    #[test]
    fn what_is_no_message_is_told_by_its_length() {
        for (datagram, expected) in [
            (b"\r\n\r\n".as_slice(), Start::KeepAlive),
            (b"", Start::Other { length: 0 }),
            (b"GET / HTTP/1.1\r\n\r\n", Start::Other { length: 18 }),
            (b"\xff\xfe\x00", Start::Other { length: 3 }),
            (b"SIP/2.0 banana", Start::Other { length: 14 }),
        ] {
            assert_eq!(Glimpse::new(datagram).start(datagram), expected);
        }
    }

    #[test]
    fn parameters_are_found_in_lists_of_either_kind() {
        assert_eq!(parameter("Digest realm=\"pbx\", algorithm=SHA-256", "algorithm"), Some("SHA-256"));
        assert_eq!(parameter("<sip:858@127.0.0.1>;expires=60", "expires"), Some("60"));
        assert_eq!(parameter("<sip:858@127.0.0.1>", "expires"), None);
    }
}
