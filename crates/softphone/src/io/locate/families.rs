//! In which order the addresses of one host are tried: those that a packet can get to, as RFC 6724 section 6 orders
//! them, the families taking turns (RFC 8305 section 4).
//!
//! Rules 3, 4 and 7 of RFC 6724 ask what a program is not told of its addresses. Rule 9 (the longest common prefix) is left
//! away: it would undo what a domain does to share its load.

use std::net::{IpAddr, Ipv6Addr};

/// Returns the address that packets to another leave from; `None` where none leave.
pub(super) type Source<'a> = &'a (dyn Fn(IpAddr) -> Option<IpAddr> + Send + Sync);

/// Returns the addresses that can be got to, in the order in which they are tried.
pub(super) fn in_order(addresses: &[IpAddr], source: Source<'_>) -> Vec<IpAddr> {
    let mut reached: Vec<(IpAddr, IpAddr)> = Vec::new();
    for &address in addresses {
        if reached.iter().all(|(known, _)| *known != address)
            && let Some(source) = source(address)
        {
            reached.push((address, source));
        }
    }
    // Stable: what the rules do not tell apart stays as the DNS has it (rule 10).
    reached.sort_by_key(|&(address, source)| rank(address, source));
    taking_turns(reached.into_iter().map(|(address, _)| address).collect())
}

/// Lower is better.
fn rank(address: IpAddr, source: IpAddr) -> (bool, bool, u8, u8) {
    let (to, from) = (mapped(address), mapped(source));
    let (label, precedence) = policy(to);
    // Rule 2: prefer a matching scope. Rule 5: a matching label. Rule 6: the higher precedence. Rule 8: the smaller scope.
    (scope(to) != scope(from), label != policy(from).0, u8::MAX - precedence, scope(to))
}

/// Puts the families in turns, beginning with the family of the first.
fn taking_turns(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut ordered = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return ordered;
        }
        ordered.extend(pair.into_iter().flatten());
    }
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// RFC 6724 section 3.1: link-local, site-local and global unicast.
fn scope(address: Ipv6Addr) -> u8 {
    let is_near = match address.to_ipv4_mapped() {
        // RFC 6724 section 3.2.
        Some(v4) => v4.is_loopback() || v4.is_link_local(),
        None => address.is_loopback() || address.is_unicast_link_local(),
    };
    let is_site_local = address.segments()[0] & 0xffc0 == 0xfec0;
    if is_near {
        2
    } else if is_site_local {
        5
    } else {
        14
    }
}

/// RFC 6724 section 2.1: the label and the precedence of an address in the default policy table.
fn policy(address: Ipv6Addr) -> (u8, u8) {
    let segments = address.segments();
    match segments {
        _ if address.is_loopback() => (0, 50),
        [0, 0, 0, 0, 0, 0xffff, ..] => (4, 35),
        [0, 0, 0, 0, 0, 0, ..] => (3, 1),
        [0x2002, ..] => (2, 30),
        [0x2001, 0, ..] => (5, 5),
        [0x3ffe, ..] => (12, 1),
        [first, ..] if first & 0xfe00 == 0xfc00 => (13, 3),
        [first, ..] if first & 0xffc0 == 0xfec0 => (11, 1),
        _ => (1, 40),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order from a machine that has these addresses: the first of the family is used.
    fn ordered(from: &[&str], addresses: &[&str]) -> Vec<String> {
        let from: Vec<IpAddr> = from.iter().map(|address| address.parse().unwrap()).collect();
        let source = move |to: IpAddr| from.iter().copied().find(|from| from.is_ipv4() == to.is_ipv4());
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        in_order(&addresses, &source).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_no_packet_gets_to_is_left_away() {
        assert_eq!(ordered(&["192.0.2.9"], &["2001:db8::1", "192.0.2.1"]), ["192.0.2.1"]);
        assert!(ordered(&[], &["2001:db8::1", "192.0.2.1"]).is_empty());
    }

    #[test]
    fn ipv6_is_first_where_both_families_have_a_route() {
        let both = ["192.0.2.9", "2001:db8::9"];
        assert_eq!(ordered(&both, &["192.0.2.1", "2001:db8::1"]), ["2001:db8::1", "192.0.2.1"]);
    }

    #[test]
    fn ipv4_is_first_for_one_whose_own_ipv6_address_is_of_another_kind() {
        for own in ["fd00::9", "fe80::9", "2001::9", "2002:c000:209::9"] {
            let from = ["192.0.2.9", own];
            assert_eq!(ordered(&from, &["2001:db8::1", "192.0.2.1"]), ["192.0.2.1", "2001:db8::1"], "{own}");
        }
    }

    #[test]
    fn families_take_turns_and_equals_stay_as_the_domain_has_them() {
        let both = ["192.0.2.9", "2001:db8::9"];
        let found = ordered(
            &both,
            &["192.0.2.3", "192.0.2.2", "2001:db8::2", "2001:db8::1", "192.0.2.1", "192.0.2.3"],
        );
        assert_eq!(found, ["2001:db8::2", "192.0.2.3", "2001:db8::1", "192.0.2.2", "192.0.2.1"]);
    }

    #[test]
    fn a_private_network_is_reached_by_its_own_addresses() {
        let from = ["10.0.0.9", "fd00::9"];
        assert_eq!(ordered(&from, &["10.0.0.1", "fd00::1"]), ["10.0.0.1", "fd00::1"]);
        assert_eq!(ordered(&["::1"], &["::1"]), ["::1"]);
    }
}
