//! Datagrams by the batch: one system call takes what has come, one sends what waits.
//!
//! Linux has calls for many datagrams, cuts a long one into equal pieces for one peer (`UDP_SEGMENT`), and joins those of one
//! peer that come side by side and are equally long (`UDP_GRO`); elsewhere each goes and comes by itself.

#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(target_os = "linux")]
mod received;

#[cfg(target_os = "linux")]
pub(super) use filter::let_in;
#[cfg(target_os = "linux")]
pub(super) use linux::{CUTS, is_too_long, join, queue, receive, refuses_to_cut, send};
#[cfg(not(target_os = "linux"))]
pub(super) use portable::{CUTS, Received, is_too_long, join, let_in, queue, receive, refuses_to_cut, send};
#[cfg(target_os = "linux")]
pub(super) use received::Received;

use std::net::SocketAddr;

use ringfence_ua::Transmits;

/// The longest UDP payload.
pub(super) const LONGEST_DATAGRAM: usize = 65_535;

/// How far a batch has been sent, and how it is sent: the datagrams of one length to one peer together.
///
/// ```text
///  what waits      100 a ▸ p   486 a ▸ p   100 b ▸ p   486 b ▸ p   100 c ▸ q
///  groups          [100 a, 100 b] ▸ p      [486 a, 486 b] ▸ p      [100 c] ▸ q
/// ```
///
/// Provisional responses go first, the shorter before the longer, so that no 486 overtakes its 100, nor a 487 its 180. No
/// other order is kept, as none is on the way.
#[derive(Debug, Default)]
pub(super) struct Plan {
    groups: Vec<Group>,
    /// Behind each datagram, the next one of its group.
    next: Vec<u32>,
    /// Groups before this one are sent.
    done: usize,
}

/// Datagrams that go together.
#[derive(Debug, Clone, Copy)]
struct Group {
    destination: SocketAddr,
    is_final: bool,
    /// The length of each.
    length: usize,
    first: u32,
    last: u32,
    count: usize,
}

/// How a provisional response begins; all else waits for none.
const PROVISIONAL: &[u8] = b"SIP/2.0 1";
/// So many the kernel cuts out of one at most (`UDP_MAX_SEGMENTS`).
const MOST_SEGMENTS: usize = 64;
/// What is cut must fit a packet of the way, and is not worth cutting when it is long.
const LONGEST_SEGMENT: usize = 1_200;
/// All of a group together are one datagram to the kernel until it is cut.
const LONGEST_GROUP: usize = 65_000;
/// A group is looked for among so many; with more peers in one batch they have nothing to go together with.
const MOST_LOOKED_AT: usize = 16;

impl Plan {
    /// Plans how datagrams are sent; `cuts` tells whether the kernel cuts what is sent together.
    pub(super) fn make(&mut self, transmits: Transmits<'_>, cuts: bool) {
        self.done = 0;
        self.groups.clear();
        self.next.clear();
        for (index, transmit) in transmits.iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            self.next.push(u32::MAX);
            let (destination, length) = (transmit.destination, transmit.payload.len());
            let is_final = !transmit.payload.starts_with(PROVISIONAL);
            let joins = |group: &&mut Group| {
                group.length == length
                    && group.is_final == is_final
                    && group.destination == destination
                    && group.count < MOST_SEGMENTS
                    && (group.count + 1) * length <= LONGEST_GROUP
            };
            let is_cut = cuts && (1..=LONGEST_SEGMENT).contains(&length);
            let looked_at = self.groups.len().saturating_sub(MOST_LOOKED_AT);
            let known = self.groups[looked_at..].iter_mut().rev().filter(|_| is_cut).find(joins);
            if let Some(group) = known {
                self.next[group.last as usize] = index;
                group.last = index;
                group.count += 1;
            } else {
                let (first, last) = (index, index);
                self.groups.push(Group { destination, is_final, length, first, last, count: 1 });
            }
        }
        if self.groups.len() > 1 && self.groups.len() < self.next.len() {
            self.groups.sort_by_key(|group| (group.is_final, group.length));
        }
    }

    /// Returns how many groups are sent or given up.
    pub(super) fn done(&self) -> usize {
        self.done
    }

    /// Returns whether all is sent.
    pub(super) fn is_done(&self) -> bool {
        self.done >= self.groups.len()
    }

    /// Gives up what comes next.
    pub(super) fn give_up(&mut self) {
        self.done += 1;
    }

    /// Has the datagrams of the group that was given up last, and of all that come after it, go one by one. Returns
    /// whether that group had several.
    pub(super) fn split(&mut self) -> bool {
        let given_up = self.done.checked_sub(1).filter(|&last| self.groups[last].count > 1);
        let Some(given_up) = given_up else { return false };
        let mut rest = Vec::new();
        for group in &self.groups[given_up..] {
            for index in self.members(group) {
                let index = u32::try_from(index).unwrap_or(u32::MAX);
                rest.push(Group { first: index, last: index, count: 1, ..*group });
            }
        }
        self.groups.truncate(given_up);
        self.groups.extend(rest);
        self.next.fill(u32::MAX);
        self.done = given_up;
        true
    }

    /// Iterates over the indices of a group's datagrams.
    fn members(&self, group: &Group) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(group.first), |&index| {
            self.next.get(index as usize).copied().filter(|&next| next != u32::MAX)
        })
        .map(|index| index as usize)
    }
}
