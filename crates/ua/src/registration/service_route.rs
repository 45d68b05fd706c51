//! Service-Route (RFC 3608): the way that a registrar wants further requests of a line to take.

use ringfence_wire::sip::{HeaderName, Message, NameAddr, Scheme};

/// More than a provider's edge and its services are: what is longer is not taken, as a part of a route leads elsewhere.
const MOST: usize = 8;
/// In octets, of all together.
const LONGEST: usize = 1024;

/// Returns the route that the response to a REGISTER names, in its order: each value as it is to stand in a Route. Without
/// one, and where one of its values is none that is sent to, there is none.
pub(super) fn of(response: &Message<'_>, is_secure: bool) -> Vec<String> {
    let mut route = Vec::new();
    let mut length = 0;
    //= https://www.rfc-editor.org/rfc/rfc3608#section-6.1
    //# The UA MUST preserve the order, in case there is more than one
    //# Service-Route header field or header field value.
    for value in response.values(HeaderName::ServiceRoute) {
        length += value.len();
        let Some(hop) = read(value, is_secure).filter(|_| route.len() < MOST && length <= LONGEST) else {
            return Vec::new();
        };
        route.push(hop);
    }
    route
}

/// Reads one hop. A line whose requests are to be encrypted takes none that is not.
fn read(value: &[u8], is_secure: bool) -> Option<String> {
    let hop = NameAddr::parse(value).ok()?;
    let uri = hop.uri().ok()?;
    let is_sip = match uri.scheme() {
        Scheme::Sip => !is_secure,
        Scheme::Sips => true,
        Scheme::Tel | Scheme::Other(_) => false,
    };
    // RFC 3261 section 19.1.1: `lr` says that whoever it is does as that RFC says.
    let is_loose = uri.params().find("lr").is_some();
    let is_plain = value.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    let is_hop =
        is_sip && is_loose && is_plain && value.trim_ascii().starts_with(b"<") && uri.headers().is_none();
    is_hop.then(|| String::from_utf8_lossy(value.trim_ascii()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(headers: &str, is_secure: bool) -> Vec<String> {
        let text = format!("SIP/2.0 200 OK\r\n{headers}\r\n");
        of(&Message::parse(text.as_bytes()).unwrap(), is_secure)
    }

    #[test]
    fn all_values_are_taken_in_their_order() {
        let headers = "Service-Route: <sip:p2.example.com;lr>, <sip:hsp.example.com;lr>\r\nservice-route: <sips:x;lr>\r\n";
        assert_eq!(
            read_of(headers, false),
            ["<sip:p2.example.com;lr>", "<sip:hsp.example.com;lr>", "<sips:x;lr>"]
        );
        assert!(read_of("", false).is_empty());
    }

    #[test]
    fn a_route_that_cannot_be_gone_whole_is_none() {
        let right = "<sip:p2.example.com;lr>";
        for wrong in [
            "<sip:strict.example.com>",
            "<tel:+41;lr>",
            "sip:x;lr",
            "<sip:x;lr?a=b>",
            "<sip:\u{1}x;lr>",
            "",
            "nonsense",
        ] {
            assert!(read_of(&format!("Service-Route: {right}, {wrong}\r\n"), false).is_empty(), "{wrong}");
        }
        let long = format!("Service-Route: <sip:{}.example.com;lr>\r\n", "a".repeat(LONGEST));
        assert!(read_of(&long, false).is_empty());
        let many = format!("Service-Route: {right}\r\n").repeat(MOST + 1);
        assert!(read_of(&many, false).is_empty());
        assert!(read_of(&format!("Service-Route: {right}\r\n"), true).is_empty(), "a line of TLS alone");
    }
}
