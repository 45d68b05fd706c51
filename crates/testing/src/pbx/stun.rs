//! The limited STUN server on a SIP port (RFC 5626 section 8): where a Binding request came from.

use std::net::{IpAddr, SocketAddr};

/// Returns the answer to a Binding request; no other message is answered.
pub(super) fn answer(source: SocketAddr, request: &[u8]) -> Option<Vec<u8>> {
    let (&[0x00, 0x01, _, _, ref cookie_and_id @ ..], _) = request.split_first_chunk::<20>()? else {
        return None;
    };
    // XOR-MAPPED-ADDRESS (RFC 8489 section 14.2): what stands there is hidden by the cookie and the id.
    let (family, mut address) = match source.ip() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    let mut port = source.port().to_be_bytes();
    for (byte, mask) in
        port.iter_mut().chain(&mut address).zip([&cookie_and_id[..2], &cookie_and_id[..]].concat())
    {
        *byte ^= mask;
    }
    let value = [&[0, family][..], &port, &address].concat();
    let length = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
    let attribute = [&[0x00, 0x20][..], &length(value.len()), &value].concat();
    Some([&[0x01, 0x01][..], &length(attribute.len()), cookie_and_id, &attribute].concat())
}
