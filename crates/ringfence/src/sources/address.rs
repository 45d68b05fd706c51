//! Which addresses a source may be fetched from: those of the public Internet (RFC 6890).
//!
//! A policy names a host; whoever owns that host's name decides where it leads. An address of this
//! machine or of the network it stands in is therefore not contacted, unless the list says that its
//! server is there (`private = true`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Tells whether an address belongs to the public Internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match a {
        // This network, private, loopback, multicast, reserved.
        0 | 10 | 127 | 224.. => true,
        // Shared by a carrier's customers (RFC 6598).
        100 => (64..=127).contains(&b),
        // Link local, among them the addresses cloud machines ask for their secrets.
        169 => b == 254,
        172 => (16..=31).contains(&b),
        // Of the protocols, of documentation, the relays that 6to4 had, private.
        192 => matches!((b, c), (0, 0 | 2) | (88, 99) | (168, _)),
        // Of measurements, of documentation.
        198 => matches!((b, c), (18 | 19, _) | (51, 100)),
        203 => (b, c) == (0, 113),
        _ => false,
    };
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    match segments {
        // An IPv4 address in disguise: mapped, or behind a NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => is_public_v4(embedded(segments)),
        // Of the protocols, among them Teredo; of documentation; 6to4.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // Nothing else has been given out as global unicast (RFC 4291).
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

fn embedded([.., high, low]: [u16; 8]) -> Ipv4Addr {
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_and_its_networks_are_not_public() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.178.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    const LEADING_NOWHERE: [&str; 18] = [
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:192.168.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];

    #[test]
    fn ipv6_addresses_are_public_only_where_they_lead_out() {
        for address in LEADING_NOWHERE {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in
            ["2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2001:200::1"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn other_ipv4_addresses_are_public() {
        for address in
            ["1.1.1.1", "100.63.0.1", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.1"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
