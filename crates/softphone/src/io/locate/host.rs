//! Hosts that are addresses, and addresses that are none of a host.

use std::net::IpAddr;

/// Returns the address that a host is, where it is no name.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => inner.parse().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

/// Returns whether an address is that of one host: the one that stands for none, that for all of a network and those of
/// groups are not sent to, whoever names them.
pub(crate) fn is_one_host(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !address.is_unspecified() && !address.is_multicast() && !is_broadcast
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_in_both_brackets_or_none_is_a_literal() {
        for host in ["192.0.2.1", "[::1]", "::1"] {
            assert!(literal(host).is_some(), "{host}");
        }
        for host in ["[[::1]]", "::1]", "[::1", "[192.0.2.1]", "localhost", ""] {
            assert_eq!(literal(host), None, "{host}");
        }
    }

    #[test]
    fn groups_and_what_stands_for_none_or_all_are_no_hosts() {
        let no_hosts =
            ["0.0.0.0", "::", "224.0.0.251", "239.1.2.3", "255.255.255.255", "ff02::1", "::ffff:224.0.0.1"];
        for address in no_hosts {
            assert!(!is_one_host(address.parse().unwrap()), "{address}");
        }
        for address in ["192.0.2.255", "127.0.0.1", "::1", "2001:db8::1", "fe80::1", "::ffff:192.0.2.1"] {
            assert!(is_one_host(address.parse().unwrap()), "{address}");
        }
    }
}
