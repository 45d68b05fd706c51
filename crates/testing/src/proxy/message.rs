//! Messages as a proxy passes them on (RFC 3261 sections 16.6 and 16.7), and those that it makes of them.

use std::net::SocketAddr;

use ringfence_wire::sip::{HeaderName, Message, NameAddr, StatusCode, Uri};

use crate::digest::Digest;
use crate::response::filled;

/// What changes in a request that is passed on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hop<'a> {
    /// The proxy's own address.
    pub(super) address: SocketAddr,
    /// Where the request came from.
    pub(super) source: SocketAddr,
    /// The new Request-URI.
    pub(super) target: &'a str,
    pub(super) branch: &'a str,
    pub(super) records_route: bool,
}

/// What a message without a Max-Forwards gets.
const MOST_HOPS: u8 = 70;

/// Writes a request as it is passed on.
pub(super) fn forwarded(request: &Message<'_>, hop: &Hop<'_>) -> Vec<u8> {
    let method = request.method().map(|method| method.as_str().to_owned()).unwrap_or_default();
    let mut out = format!("{method} {} SIP/2.0\r\n", hop.target).into_bytes();
    line(&mut out, "Via", &format!("SIP/2.0/UDP {};branch={};rport", hop.address, hop.branch));
    if hop.records_route {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-16.6
        //# This URI MUST contain an lr parameter
        line(&mut out, "Record-Route", &format!("<sip:{};lr>", hop.address));
    }
    //= https://www.rfc-editor.org/rfc/rfc3261#section-16.6
    //# If the copy contains a Max-Forwards header field, the proxy
    //# MUST decrement its value by one (1).
    let hops = request.max_forwards().and_then(Result::ok).unwrap_or(MOST_HOPS + 1);
    line(&mut out, "Max-Forwards", &hops.saturating_sub(1).to_string());
    let mut vias = request.values(HeaderName::Via).map(<[u8]>::to_vec).collect::<Vec<_>>();
    if let (Some(first), Ok(via)) = (vias.first_mut(), request.via()) {
        *first = filled(&via, hop.source).into_bytes();
    }
    let routes = routes_behind(request, hop.address);
    copy(
        request,
        &[(HeaderName::Via, &vias), (HeaderName::Route, &routes), (HeaderName::MaxForwards, &[])],
        &mut out,
    );
    out
}

/// Writes a response as it is passed back: without the proxy's own Via.
pub(super) fn backward(response: &Message<'_>) -> Vec<u8> {
    let status = response.status().map_or(0, StatusCode::as_u16);
    let phrase = response.reason_phrase().unwrap_or_default();
    let mut out = format!("SIP/2.0 {status} ").into_bytes();
    out.extend(phrase);
    out.extend(b"\r\n");
    let vias: Vec<_> = response.values(HeaderName::Via).skip(1).map(<[u8]>::to_vec).collect();
    copy(response, &[(HeaderName::Via, &vias)], &mut out);
    out
}

/// Writes the ACK or CANCEL of a request that was passed on: hop by hop (RFC 3261 sections 9.1 and 17.1.1.3).
pub(super) fn of_branch(forwarded: &[u8], method: &str, to: Option<&[u8]>, reason: Option<&str>) -> Vec<u8> {
    let Ok(request) = Message::parse(forwarded) else { return Vec::new() };
    let uri = String::from_utf8_lossy(request.request_uri().unwrap_or_default()).into_owned();
    let mut out = format!("{method} {uri} SIP/2.0\r\n").into_bytes();
    let field = |name: HeaderName| request.first(name).unwrap_or_default();
    let via = request.values(HeaderName::Via).next().unwrap_or_default();
    bytes(&mut out, "Via", via);
    line(&mut out, "Max-Forwards", &MOST_HOPS.to_string());
    for route in request.values(HeaderName::Route) {
        bytes(&mut out, "Route", route);
    }
    bytes(&mut out, "From", field(HeaderName::From));
    bytes(&mut out, "To", to.unwrap_or(field(HeaderName::To)));
    bytes(&mut out, "Call-ID", field(HeaderName::CallId));
    let number = request.cseq().map_or(0, |cseq| cseq.number);
    line(&mut out, "CSeq", &format!("{number} {method}"));
    if let Some(reason) = reason {
        line(&mut out, "Reason", reason);
    }
    out.extend(b"Content-Length: 0\r\n\r\n");
    out
}

/// What is the same when a request comes by again: RFC 5393 section 4.2.1 has it made of all that routing depends on.
pub(super) fn loop_mark(request: &Message<'_>, address: SocketAddr) -> String {
    let mut digest = Digest::new();
    let tag = |address: Result<NameAddr<'_>, _>| address.ok().and_then(|it| it.tag().map(<[u8]>::to_vec));
    let parts = [
        request.request_uri().unwrap_or_default().to_vec(),
        tag(request.from()).unwrap_or_default(),
        tag(request.to()).unwrap_or_default(),
        request.call_id().unwrap_or_default().to_vec(),
        request.cseq().map_or(0, |cseq| cseq.number).to_string().into_bytes(),
        routes_behind(request, address).join(&b','),
    ];
    digest.add(&parts.join(&b'\n'));
    format!("{:016x}", digest.value())
}

/// Returns the Route values without the first, where that is the proxy itself (RFC 3261 section 16.4).
pub(super) fn routes_behind(request: &Message<'_>, address: SocketAddr) -> Vec<Vec<u8>> {
    let mut routes: Vec<_> = request.values(HeaderName::Route).map(<[u8]>::to_vec).collect();
    if routes.first().is_some_and(|route| address_in(route) == Some(address)) {
        routes.remove(0);
    }
    routes
}

/// Reads the address in the URI of a Route, where it is no name.
pub(super) fn address_in(route: &[u8]) -> Option<SocketAddr> {
    let route = NameAddr::parse(route).ok()?;
    address_of(&route.uri().ok()?)
}

/// Returns where a URI leads, where that is no name.
pub(super) fn address_of(uri: &Uri<'_>) -> Option<SocketAddr> {
    uri.host().ip().map(|ip| SocketAddr::new(ip, uri.port().unwrap_or(5060)))
}

/// Copies the header fields and the body of a message; the named ones have other values, in the place of the first.
fn copy(message: &Message<'_>, others: &[(HeaderName, &[Vec<u8>])], out: &mut Vec<u8>) {
    let mut written = Vec::new();
    for field in message.fields() {
        let Some((name, values)) = others.iter().find(|(name, _)| *name == field.name()) else {
            out.extend(field.raw_name());
            out.extend(b": ");
            out.extend(field.unfolded().iter());
            out.extend(b"\r\n");
            continue;
        };
        if !written.contains(name) {
            written.push(*name);
            for value in *values {
                bytes(out, name.as_str(), value);
            }
        }
    }
    out.extend(b"\r\n");
    out.extend(message.body());
}

fn line(out: &mut Vec<u8>, name: &str, value: &str) {
    bytes(out, name, value.as_bytes());
}

fn bytes(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend(name.as_bytes());
    out.extend(b": ");
    out.extend(value);
    out.extend(b"\r\n");
}
