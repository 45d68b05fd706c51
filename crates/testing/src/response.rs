//! Responses, written line by line: independent of how the user agent under test writes them.

use std::fmt::Write as _;
use std::net::SocketAddr;

use ringfence_wire::sip::{HeaderName, Message, StatusCode, Via};

/// A response to a request that came from `source`.
#[derive(Debug)]
pub(crate) struct Response<'m> {
    request: &'m Message<'m>,
    source: SocketAddr,
    status: u16,
    /// Header lines, each with its line end.
    headers: String,
}

impl<'m> Response<'m> {
    pub(crate) fn new(request: &'m Message<'m>, source: SocketAddr, status: u16) -> Self {
        Self { request, source, status, headers: String::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        let _infallible = write!(self.headers, "{name}: {value}\r\n");
        self
    }

    /// Returns the bytes and where they go, or `None` for a request without a readable Via.
    pub(crate) fn finish(self, to_tag: &str) -> Option<(SocketAddr, Vec<u8>)> {
        let via = self.request.via().ok()?;
        let reason = StatusCode::new(self.status).map_or("", StatusCode::reason);
        let mut text = format!("SIP/2.0 {} {reason}\r\n", self.status);
        let lower = self.request.values(HeaderName::Via).skip(1).map(|via| String::from_utf8_lossy(via));
        for via in std::iter::once(filled(&via, self.source).into()).chain(lower) {
            let _infallible = write!(text, "Via: {via}\r\n");
        }
        for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
            let value = String::from_utf8_lossy(self.request.first(name).unwrap_or_default());
            let is_untagged = name == HeaderName::To && self.request.to().is_ok_and(|to| to.tag().is_none());
            let tag = if is_untagged && self.status > 100 { format!(";tag={to_tag}") } else { String::new() };
            let _infallible = write!(text, "{name}: {value}{tag}\r\n");
        }
        let _infallible = write!(text, "{}Content-Length: 0\r\n\r\n", self.headers);
        Some((destination(&via, self.source), text.into_bytes()))
    }
}

/// A Via with `received` and `rport` as RFC 3581 section 4 has them filled in.
pub(crate) fn filled(via: &Via<'_>, source: SocketAddr) -> String {
    let mut text = format!("SIP/2.0/{} {}", via.transport(), String::from_utf8_lossy(via.sent_by()));
    for (name, value) in via.params() {
        let name = String::from_utf8_lossy(name);
        let _infallible = match value {
            _ if name.eq_ignore_ascii_case("received") => Ok(()),
            _ if name.eq_ignore_ascii_case("rport") => write!(text, ";rport={}", source.port()),
            Some(value) => write!(text, ";{name}={}", String::from_utf8_lossy(value)),
            None => write!(text, ";{name}"),
        };
    }
    //= https://www.rfc-editor.org/rfc/rfc3581#section-4
    //# When a server compliant to this specification (which can be a proxy
    //# or UAS) receives a request, it examines the topmost Via header field
    //# value.  If this Via header field value contains an "rport" parameter
    //# with no value, it MUST set the value of the parameter to the source
    //# port of the request.
    let is_other_host =
        via.sent_by() != source.to_string().as_bytes() && via.sent_by() != source.ip().to_string().as_bytes();
    if via.rport().is_some() || is_other_host {
        let _infallible = write!(text, ";received={}", source.ip());
    }
    text
}

/// Where a response goes (RFC 3261 section 18.2.2, RFC 3581 section 4).
pub(crate) fn destination(via: &Via<'_>, source: SocketAddr) -> SocketAddr {
    match via.rport() {
        Some(_) => source,
        None => SocketAddr::new(source.ip(), via.port().unwrap_or(5060)),
    }
}
