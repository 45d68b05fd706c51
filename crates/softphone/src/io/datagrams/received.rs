//! What was received: datagrams side by side in memory, handed over by the batch.
//!
//! ```text
//!  place 0  [INVITE a|INVITE b|INVITE c] ◂ p      joined: of one peer, and of one length but for the last
//!  place 1  [ACK d]                      ◂ q
//! ```

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// Datagrams of a batch, and places that the kernel is told of, at most; groups that one call sends.
pub(super) const AT_ONCE: usize = 64;
/// From one place to the next. Were it a multiple of a page, all datagrams of a batch would lie in the same few lines of the
/// processor's caches, and put each other out: what is short lies beside the one before.
pub(super) const PLACE: usize = 64 * 1024 + 17 * 64;
/// So many places the kernel is told of at least, while nothing is joined.
const FEWEST_TOLD: usize = 8;
/// Where a datagram comes from of which the system does not say it.
const UNKNOWN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

/// What was received last.
pub(in super::super) struct Received {
    /// [`PLACE`] apart. Only what is written to takes memory.
    places: Vec<u8>,
    each: Vec<Datagram>,
    /// The first of the batch: those before it were handed over.
    first: usize,
    /// How many places the kernel is told of next: twice as many as were taken last, for to tell it of one costs as much as to
    /// find it empty, and no more than make a batch where as many are joined as were last.
    told: usize,
    /// Whether all the places were taken that the kernel was told of, and held half a batch.
    is_full: bool,
}

/// Where a datagram is, and where it came from.
#[derive(Clone, Copy)]
struct Datagram {
    start: usize,
    length: usize,
    source: SocketAddr,
}

impl Received {
    pub(in super::super) fn new() -> Self {
        let (places, each) = (vec![0; AT_ONCE * PLACE], Vec::with_capacity(AT_ONCE));
        Self { places, each, first: 0, told: FEWEST_TOLD, is_full: false }
    }

    /// Returns how many datagrams the batch has.
    pub(in super::super) fn len(&self) -> usize {
        self.left().min(AT_ONCE)
    }

    /// Returns one of them, and where it came from.
    pub(in super::super) fn get(&self, index: usize) -> Option<(&[u8], SocketAddr)> {
        let &Datagram { start, length, source } = self.each.get(self.first + index)?;
        Some((self.places.get(start..start + length)?, source))
    }

    /// Tells whether there is another batch of what was received.
    pub(in super::super) fn has_more(&self) -> bool {
        self.left() > AT_ONCE
    }

    /// Tells whether a batch or more was there, so that the socket may have still more.
    pub(in super::super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Goes on to the next batch. Where there is none, nothing is left of what was received.
    pub(super) fn go_on(&mut self) -> bool {
        self.first += self.len();
        let has_one = self.left() > 0;
        if !has_one {
            (self.first, self.is_full) = (0, false);
            self.each.clear();
            self.each.shrink_to(FEWEST_TOLD * AT_ONCE);
        }
        has_one
    }

    /// Returns the places that the kernel is told of.
    pub(super) fn places(&mut self) -> &mut [u8] {
        &mut self.places[..self.told * PLACE]
    }

    /// Takes what lies in a place: one datagram, or several that were joined, each of them so long but for the last.
    pub(super) fn take(
        &mut self,
        place: usize,
        length: usize,
        joined: Option<usize>,
        source: Option<SocketAddr>,
    ) {
        // A datagram without a source can have no answer; a length of zero is none to the endpoint.
        let (length, source) = source.map_or((0, UNKNOWN), |source| (length, source));
        let start = place * PLACE;
        match joined {
            Some(one @ 1..) if one < length => {
                for at in (0..length).step_by(one) {
                    self.each.push(Datagram { start: start + at, length: one.min(length - at), source });
                }
            }
            Some(_) | None => self.each.push(Datagram { start, length, source }),
        }
    }

    /// Notes that so many places were taken.
    pub(super) fn taken(&mut self, count: usize) {
        self.is_full = count == self.told && self.each.len() >= AT_ONCE / 2;
        let most = AT_ONCE * count / self.each.len().max(1);
        self.told = (2 * count).max(FEWEST_TOLD).min(most).max(1);
    }

    fn left(&self) -> usize {
        self.each.len() - self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how long each datagram is of what lies in the last place.
    fn lengths(length: usize, joined: Option<usize>) -> Vec<usize> {
        let mut received = Received::new();
        received.places.fill(7);
        received.take(AT_ONCE - 1, length, joined, Some("192.0.2.1:5060".parse().unwrap()));
        let each: Vec<_> = (0..received.len()).filter_map(|index| received.get(index)).collect();
        assert!(each.iter().all(|(datagram, _)| datagram.iter().all(|byte| *byte == 7)));
        let starts: Vec<_> =
            received.each.iter().map(|datagram| datagram.start - (AT_ONCE - 1) * PLACE).collect();
        assert_eq!(starts.first(), Some(&0));
        assert!(starts.windows(2).zip(&each).all(|(two, (datagram, _))| two[1] - two[0] == datagram.len()));
        each.iter().map(|(datagram, _)| datagram.len()).collect()
    }

    /// Has so many places taken, each with so many datagrams of ten octets. Returns the batches, and how many places are next.
    fn batches(received: &mut Received, places: usize, joined: usize) -> (Vec<usize>, usize) {
        assert!(!received.go_on() && !received.is_full() && !received.has_more());
        for place in 0..places {
            received.take(place, 10 * joined, (joined > 1).then_some(10), Some(UNKNOWN));
        }
        received.taken(places);
        let mut batches = vec![received.len()];
        while received.has_more() {
            assert!(received.go_on());
            batches.push(received.len());
        }
        (batches, received.told)
    }

    #[test]
    fn what_was_joined_is_as_it_was_sent_and_the_last_may_be_shorter() {
        assert_eq!(lengths(300, Some(100)), [100, 100, 100]);
        assert_eq!(lengths(250, Some(100)), [100, 100, 50]);
        assert_eq!(lengths(100, Some(100)), [100]);
        assert_eq!(lengths(99, Some(100)), [99]);
        assert_eq!(lengths(99, None), [99]);
        assert_eq!(lengths(0, None), [0]);
        // No kernel says that.
        assert_eq!(lengths(99, Some(0)), [99]);
    }

    #[test]
    fn however_many_are_joined_a_batch_is_no_longer_and_the_next_no_larger_than_that() {
        let mut received = Received::new();
        assert_eq!(batches(&mut received, 8, 1), (vec![8], 16));
        assert!(!received.is_full(), "few may be all there are");
        assert_eq!(batches(&mut received, 16, 1), (vec![16], 32));
        assert_eq!(batches(&mut received, 32, 1), (vec![32], 64));
        assert!(received.is_full());
        // Nobody has foreseen that.
        let (worst, told) = batches(&mut received, 64, 64);
        assert_eq!((worst, told), (vec![64; 64], 1));
        assert_eq!(batches(&mut received, 1, 60), (vec![60], 1));
        assert!(received.is_full());
        assert_eq!(batches(&mut received, 1, 3), (vec![3], 8));
        assert!(!received.is_full() && received.each.capacity() < 2 * FEWEST_TOLD * AT_ONCE);
    }
}
