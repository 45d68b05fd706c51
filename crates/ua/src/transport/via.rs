//! The top Via of a request that came in (RFC 3261 section 18.2, RFC 3581 section 4).

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ringfence_wire::sip::{HeaderName, Host, Printer, Via};

use super::flow::Flow;

/// RFC 3261 section 18.2.2: the port of a sent-by that names none.
const DEFAULT_PORT: u16 = 5060;

/// Writes the top Via of a request as its responses carry it: with `received` and `rport` filled.
pub(crate) fn write_stamped(printer: &mut Printer<'_>, via: &Via<'_>, source: SocketAddr) {
    printer.header_written(HeaderName::Via, |out| write_value(out, via, source));
}

fn write_value(out: &mut Vec<u8>, via: &Via<'_>, source: SocketAddr) {
    let has_rport = via.rport().is_some();
    if let Some((before, behind)) = via.around_rport() {
        out.extend_from_slice(before);
        if has_rport {
            push_rport(out, source);
        }
        out.extend_from_slice(behind);
    } else {
        write_params_anew(out, via, source);
    }
    //= https://www.rfc-editor.org/rfc/rfc3581#section-4
    //# In fact, the server MUST insert a "received" parameter
    //# containing the source IP address that the request came from, even if
    //# it is identical to the value of the "sent-by" component.
    if has_rport || must_say_received(via, source.ip()) {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.1
        //# This parameter MUST contain the source address from which the packet was received.
        out.extend_from_slice(b";received=");
        match source.ip().to_canonical() {
            IpAddr::V4(address) => push_dotted(out, address),
            IpAddr::V6(address) => write!(out, "{address}").expect("a Vec takes every write"),
        }
    }
}

/// Writes a Via that cannot be copied as it is: without white space among its parameters, and without `received`.
fn write_params_anew(out: &mut Vec<u8>, via: &Via<'_>, source: SocketAddr) {
    let raw = via.as_bytes();
    let sent = raw.iter().position(|&byte| byte == b';').map_or(raw, |end| &raw[..end]);
    out.extend_from_slice(sent.trim_ascii_end());
    for (name, value) in via.params() {
        if name.eq_ignore_ascii_case(b"received") {
            continue;
        }
        out.push(b';');
        out.extend_from_slice(name);
        if name.eq_ignore_ascii_case(b"rport") {
            push_rport(out, source);
        } else if let Some(value) = value {
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }
}

fn push_rport(out: &mut Vec<u8>, source: SocketAddr) {
    //= https://www.rfc-editor.org/rfc/rfc3581#section-4
    //# If this Via header field value contains an "rport" parameter
    //# with no value, it MUST set the value of the parameter to the source
    //# port of the request.
    out.push(b'=');
    push_decimal(out, source.port());
}

/// Writes an address as its `Display` does, at a fraction of what that costs: each response says it.
fn push_dotted(out: &mut Vec<u8>, address: Ipv4Addr) {
    let (mut text, mut length) = ([0; 16], 0);
    for octet in address.octets() {
        // What is too much is written over, or left out.
        text[length..length + 4].copy_from_slice(&OCTETS[usize::from(octet)]);
        length += 2 + usize::from(octet > 9) + usize::from(octet > 99);
    }
    out.extend_from_slice(&text[..length - 1]);
}

/// Each octet as it is written, and a dot behind it.
static OCTETS: [[u8; 4]; 256] = {
    let (mut octets, mut octet) = ([[b'.'; 4]; 256], 0);
    while octet < 256 {
        let digits = [octet / 100, octet / 10 % 10, octet % 10];
        let mut skipped = if octet > 99 {
            0
        } else if octet > 9 {
            1
        } else {
            2
        };
        let mut place = 0;
        while skipped < 3 {
            octets[octet][place] = b"0123456789"[digits[skipped]];
            (place, skipped) = (place + 1, skipped + 1);
        }
        octet += 1;
    }
    octets
};

fn push_decimal(out: &mut Vec<u8>, number: u16) {
    // The digits of the largest number.
    let (mut digits, mut first, mut rest) = ([b'0'; 5], 5, number);
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789"[usize::from(rest % 10)];
        (first, rest) = (first - 1, rest / 10);
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

/// Returns where the responses to a request go, given what it came in on.
pub(crate) fn response_flow(via: &Via<'_>, flow: Flow, is_trusted: bool) -> Flow {
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
    //# If the "sent-protocol" is a reliable transport protocol such as
    //# TCP or SCTP, or TLS over those, the response MUST be sent using
    //# the existing connection to the source of the original request
    //# that created the transaction, if that connection is still open.
    if flow.is_reliable() { flow } else { response_target(via, flow.remote(), is_trusted).into() }
}

/// Returns where the responses to a datagram go.
///
/// `maddr` would let anyone have responses sent to a victim: it is obeyed for a trusted source only, and never
/// leads to a group of hosts.
fn response_target(via: &Via<'_>, source: SocketAddr, is_trusted: bool) -> SocketAddr {
    let port = via.port().filter(|&port| port != 0).unwrap_or(DEFAULT_PORT);
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
    //# Otherwise, if the Via header field value contains a "maddr"
    //# parameter, the response MUST be forwarded to the address listed
    //# there, using the port indicated in "sent-by", or port 5060 if
    //# none is present.
    // One of another family than the socket's would reach nobody.
    let is_reached =
        |address: &IpAddr| is_one_host(*address) && address.is_ipv4() == source.ip().to_canonical().is_ipv4();
    if let Some(address) = via.maddr().and_then(literal).filter(|address| is_trusted && is_reached(address)) {
        return SocketAddr::new(address, port);
    }
    //= https://www.rfc-editor.org/rfc/rfc3581#section-4
    //# the response MUST be
    //# sent to the IP address listed in the "received" parameter, and the
    //# port in the "rport" parameter.
    if via.rport().is_some() {
        return source;
    }
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
    //# Otherwise (for unreliable unicast transports), if the top Via
    //# has a "received" parameter, the response MUST be sent to the
    //# address in the "received" parameter, using the port indicated
    //# in the "sent-by" value, or using port 5060 if none is specified
    //# explicitly.
    // Where there is no "received", sent-by is the very address the request came from.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
    //# Otherwise, if it is not receiver-tagged, the response MUST be sent to the address indicated
    //# by the "sent-by" value, using the procedures in Section 5 of [4].
    let mut target = source;
    target.set_port(port);
    target
}

fn is_one_host(address: IpAddr) -> bool {
    let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !address.is_unspecified() && !address.is_multicast() && !is_broadcast
}

fn must_say_received(via: &Via<'_>, source: IpAddr) -> bool {
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.1
    //# If the host portion of the "sent-by" parameter
    //# contains a domain name, or if it contains an IP address that differs
    //# from the packet source address, the server MUST add a "received"
    //# parameter to that Via header field value.
    literal(via.host()) != Some(source.to_canonical())
}

fn literal(host: Host<'_>) -> Option<IpAddr> {
    match host {
        Host::Name(_) => None,
        Host::V4(address) => Some(address.into()),
        Host::V6(address) => Some(IpAddr::V6(address).to_canonical()),
    }
}

#[cfg(test)]
mod tests {
    use ringfence_wire::sip::Message;

    use super::*;

    /// Returns the stamped Via and the target of the responses to a request with this Via.
    fn stamp(via: &str, source: &str) -> (String, String) {
        let text = format!("OPTIONS sip:a@b SIP/2.0\r\nVia: {via}\r\n\r\n");
        let request = Message::parse(text.as_bytes()).unwrap();
        let (via, source) = (request.via().unwrap(), source.parse().unwrap());
        let mut out = Vec::new();
        let mut printer = Printer::request(&mut out, "OPTIONS", b"sip:a@b");
        write_stamped(&mut printer, &via, source);
        printer.finish();
        let line = String::from_utf8(out).unwrap().lines().nth(1).unwrap().to_owned();
        (line, response_target(&via, source, true).to_string())
    }

    //= https://www.rfc-editor.org/rfc/rfc3581#section-4
    //= type=test
    //# If this Via header field value contains an "rport" parameter with no value, it MUST set the
    //# value of the parameter to the source port of the request.
    //= https://www.rfc-editor.org/rfc/rfc3581#section-4
    //= type=test
    //# In fact, the server MUST insert a "received" parameter containing the source IP address that
    //# the request came from, even if it is identical to the value of the "sent-by" component.
    //= https://www.rfc-editor.org/rfc/rfc3581#section-4
    //= type=test
    //# If the "sent-protocol" component indicates an unreliable unicast transport protocol, such as
    //# UDP, and there is no "maddr" parameter, but there is both a "received" parameter and an
    //# "rport" parameter, the response MUST be sent to the IP address listed in the "received"
    //# parameter, and the port in the "rport" parameter.
    #[test]
    fn rport_is_filled_in_place_and_received_added_even_when_it_says_nothing_new() {
        let (via, target) = stamp("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx;rport", "192.0.2.1:5070");
        assert_eq!(via, "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx;rport=5070;received=192.0.2.1");
        assert_eq!(target, "192.0.2.1:5070");
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.1
    //= type=test
    //# If the host portion of the "sent-by" parameter contains a domain name, or if it contains an
    //# IP address that differs from the packet source address, the server MUST add a "received"
    //# parameter to that Via header field value.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.1
    //= type=test
    //# This parameter MUST contain the source address from which the packet was received.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
    //= type=test
    //# Otherwise (for unreliable unicast transports), if the top Via has a "received" parameter,
    //# the response MUST be sent to the address in the "received" parameter, using the port
    //# indicated in the "sent-by" value, or using port 5060 if none is specified explicitly.
    #[test]
    fn without_rport_received_appears_where_sent_by_differs_and_the_port_is_sent_bys() {
        let (via, target) = stamp("SIP/2.0/UDP a.example.com:5062;branch=z9hG4bKx", "192.0.2.1:5070");
        assert_eq!(via, "Via: SIP/2.0/UDP a.example.com:5062;branch=z9hG4bKx;received=192.0.2.1");
        assert_eq!(target, "192.0.2.1:5062");
        let (via, target) = stamp("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx", "192.0.2.1:5070");
        assert_eq!(via, "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx");
        assert_eq!(target, "192.0.2.1:5060");
    }

    #[test]
    fn what_is_copied_as_it_is_reads_as_what_is_written_anew() {
        for source in ["10.200.3.99:1", "0.0.0.0:65535", "255.255.255.255:1024", "[2001:db8::1]:100"] {
            for params in ["rport;branch=z9hG4bKx", "branch=z9hG4bKx;RPORT=7;ttl=1", "x;branch=\"a;b\""] {
                let (compact, _) = stamp(&format!("SIP/2.0/UDP a.example.com;{params}"), source);
                let (anew, _) = stamp(&format!("SIP/2.0/UDP a.example.com ;{params}"), source);
                assert_eq!(compact, anew, "{params}");
                let address = source.parse::<SocketAddr>().unwrap().ip();
                assert!(compact.ends_with(&format!(";received={address}")), "{compact}");
            }
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.1
    //= type=test
    //# This parameter MUST contain the source address from which the packet was received.
    #[test]
    fn a_received_that_the_client_made_up_is_replaced() {
        let (via, _) =
            stamp("SIP/2.0/UDP a.example.com;received=198.51.100.9;branch=z9hG4bKx", "192.0.2.1:5060");
        assert_eq!(via, "Via: SIP/2.0/UDP a.example.com;branch=z9hG4bKx;received=192.0.2.1");
    }

    #[test]
    fn ipv6_is_received_without_brackets() {
        let (via, target) =
            stamp("SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKx;rport", "[2001:db8::9:255]:5061");
        assert_eq!(
            via,
            "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKx;rport=5061;received=2001:db8::9:255"
        );
        assert_eq!(target, "[2001:db8::9:255]:5061");
    }

    #[test]
    fn maddr_of_a_stranger_or_of_a_group_or_of_another_family_is_not_obeyed() {
        let text = b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a.example.com;maddr=192.0.2.9;rport\r\n\r\n";
        let request = Message::parse(text).unwrap();
        let source = "192.0.2.1:5070".parse().unwrap();
        assert_eq!(response_target(&request.via().unwrap(), source, false), source);
        for nobody in ["224.0.1.75", "[2001:db8::1]"] {
            let via = format!("SIP/2.0/UDP a.example.com:5061;maddr={nobody};rport");
            assert_eq!(stamp(&via, "192.0.2.1:5070").1, "192.0.2.1:5070", "{nobody}");
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
    //= type=test
    //# Otherwise, if the Via header field value contains a "maddr" parameter, the response MUST be
    //# forwarded to the address listed there, using the port indicated in "sent-by", or port 5060
    //# if none is present.
    #[test]
    fn maddr_says_where_responses_go() {
        let (_, target) = stamp("SIP/2.0/UDP a.example.com:5061;maddr=192.0.2.9;rport", "192.0.2.1:5070");
        assert_eq!(target, "192.0.2.9:5061");
    }
}
