//! How many connections peers have opened: in all, of each, and of those of whom nothing is known yet.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

/// The connections that peers have opened.
#[derive(Debug)]
pub(super) struct Accepted {
    by_peer: BTreeMap<IpAddr, usize>,
    all: usize,
    strangers: usize,
    most: usize,
}

/// Connections that peers may have open in all. Each costs a file descriptor and up to 64 KiB of a message that has
/// begun.
const MOST: usize = 4_096;
/// Of one peer. A trunk has one or a few; who opens more holds memory.
const MOST_OF_ONE_PEER: usize = 64;
/// What part of them strangers may hold: whoever scans the Internet from many addresses must not keep out those who may
/// call.
const STRANGERS: usize = 4;

impl Accepted {
    /// Takes a share of the files that the process may open: what else it opens, as lines do and the journal, must not
    /// want for them because strangers connect.
    pub(super) fn new(share: usize) -> Self {
        Self { by_peer: BTreeMap::new(), all: 0, strangers: 0, most: share.min(MOST) }
    }

    /// Counts a connection, or returns that there are too many.
    pub(super) fn admit(&mut self, peer: IpAddr, is_stranger: bool) -> bool {
        let key = network(peer);
        let of_peer = self.by_peer.get(&key).copied().unwrap_or(0);
        let strangers = self.strangers + usize::from(is_stranger);
        if of_peer >= MOST_OF_ONE_PEER || self.all >= self.most || strangers > self.most / STRANGERS {
            return false;
        }
        self.by_peer.insert(key, of_peer + 1);
        self.all += 1;
        self.strangers = strangers;
        true
    }

    /// Takes that a stranger has turned out to be one who may call.
    pub(super) fn has_become_known(&mut self) {
        self.strangers = self.strangers.saturating_sub(1);
    }

    pub(super) fn forget(&mut self, peer: IpAddr, is_stranger: bool) {
        let key = network(peer);
        if let Some(count) = self.by_peer.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.by_peer.remove(&key);
            }
            self.all -= 1;
            self.strangers = self.strangers.saturating_sub(usize::from(is_stranger));
        }
    }
}

/// Returns what counts as one peer: with IPv6 a host has a network of addresses to itself (RFC 4291 section 2.5.4).
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More than are ever taken.
    const MANY: u32 = 10_000;

    fn peer(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(n).into()
    }

    #[test]
    fn one_peer_has_so_many_and_a_network_of_ipv6_is_one_peer() {
        let mut accepted = Accepted::new(usize::MAX);
        let of_network = |n: u128| IpAddr::from(Ipv6Addr::from_bits((0x2001_0db8 << 96) | n));
        for n in 0..64 {
            assert!(accepted.admit(of_network(n), false) && accepted.admit(peer(1), false), "{n}");
        }
        assert!(!accepted.admit(of_network(64), false) && !accepted.admit(peer(1), false));
        assert!(accepted.admit(of_network(1 << 64), false), "another network");
        accepted.forget(of_network(7), false);
        assert!(accepted.admit(of_network(64), false));
    }

    #[test]
    fn strangers_do_not_keep_out_those_who_may_call() {
        let mut accepted = Accepted::new(usize::MAX);
        let strangers = (0..MANY).filter(|&n| accepted.admit(peer(n), true)).count();
        assert_eq!(strangers, MOST / STRANGERS);
        accepted.has_become_known();
        assert!(accepted.admit(peer(1 << 20), true) && !accepted.admit(peer(1 << 20), true));
        let known = (0..MANY).filter(|&n| accepted.admit(peer(n | 1 << 21), false)).count();
        assert_eq!(known, MOST - strangers - 1);
        accepted.forget(peer(1 << 20), true);
        assert!(accepted.admit(peer(1 << 20), true));
    }

    #[test]
    fn where_few_files_may_be_open_few_connections_are_taken() {
        let mut accepted = Accepted::new(50);
        assert_eq!((0..MANY).filter(|&n| accepted.admit(peer(n), false)).count(), 50);
    }
}
