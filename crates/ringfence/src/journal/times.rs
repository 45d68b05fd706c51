//! When somebody called: the newest times one by one, older ones together, in bounded room.
//!
//! ```text
//!  oldest first:  … 8 4 4 4 4 4 4 4 4 2 2 2 2 2 2 2 2 1 1 1 … 1     how many calls a slot stands for
//!                                    └── 8 of each size ─┘ └ 32 ┘
//! ```
//!
//! When there is one slot too many of a size, its two oldest become one of twice the size, at the time of the
//! older. So the newest 32 calls are counted exactly, whatever is asked; of more within a window, those are
//! left out that share a slot with calls before it: fewer than an eighth. It is an exponential histogram
//! (Datar, Gionis, Indyk, Motwani: Maintaining stream statistics over sliding windows, 2002).

use smallvec::SmallVec;

/// The times, packed: milliseconds since 1970 above, how many calls below. Most callers call once or twice, which needs no
/// room elsewhere: a `Vec` is as large.
#[derive(Debug, Default, Clone)]
pub(super) struct Times {
    slots: SmallVec<[u64; 2]>,
}

/// 44 bits of milliseconds last until the year 2527.
const COUNT_BITS: u32 = 20;
const COUNT: u64 = (1 << COUNT_BITS) - 1;
/// Slots of one call.
pub(super) const SINGLE: usize = 32;
/// Slots of each other size.
const OF_A_SIZE: usize = 8;
/// Calls in the largest slot. When there are too many of those, the oldest is forgotten: a table of 184 slots,
/// 1.5 KB, has the newest eight million calls.
const LARGEST: u64 = 1 << (COUNT_BITS - 1);
/// Of whoever has more calls than that, those before are left out: each is put behind them anew, and others wait for the lock
/// meanwhile.
const MOST_FOLLOWING: u64 = 1_024;
/// Shards read their clocks one after the other: what is later by no more is the same moment.
const SAME: u64 = 1_000;

impl Times {
    /// Adds a call. Times that are later than it are of a clock that has been set back since: they
    /// are dropped, and counted in what is returned.
    pub(super) fn add(&mut self, at: u64) -> u64 {
        let mut dropped = 0;
        let newest = loop {
            let Some(last) = self.slots.last().copied() else { break 0 };
            if time(last) <= at.saturating_add(SAME) {
                break time(last);
            }
            dropped += last & COUNT;
            self.slots.pop();
        };
        let at = at.max(newest);
        self.slots.push(at << COUNT_BITS | 1);
        self.settle();
        dropped
    }

    /// Puts the calls before those that are known.
    pub(super) fn follow(&mut self, earlier: Self) {
        let known = std::mem::replace(self, earlier);
        let Some(first) = known.slots.first().map(|slot| time(*slot)) else { return };
        if known.slots.iter().map(|slot| slot & COUNT).sum::<u64>() > MOST_FOLLOWING {
            *self = known;
            return;
        }
        self.slots.retain(|slot| time(*slot) < first);
        for slot in known.slots {
            for _ in 0..slot & COUNT {
                self.add(time(slot));
            }
        }
    }

    /// Returns when the last one came.
    pub(super) fn newest(&self) -> Option<u64> {
        self.slots.last().map(|slot| time(*slot))
    }

    /// Counts the calls from a time to another.
    pub(super) fn within(&self, since: u64, until: u64) -> u32 {
        let latest = until.saturating_add(SAME);
        let known = self.slots.iter().rev().skip_while(|slot| time(**slot) > latest);
        let within = known.take_while(|slot| time(**slot) >= since);
        within.fold(0, |sum: u32, slot| sum.saturating_add((slot & COUNT) as u32))
    }

    /// Tells whether there is one since a time.
    pub(super) fn reach(&self, since: u64) -> bool {
        self.newest().is_some_and(|newest| newest >= since)
    }

    /// Brings the slots back to so many of each size.
    fn settle(&mut self) {
        let (mut size, mut most, mut end) = (1, SINGLE, self.slots.len());
        while let Some(oldest) = end.checked_sub(most + 1) {
            // Behind a slot there are none of greater sizes: where the one beyond the most is of this size, all are.
            let Some(slot) = self.slots.get_mut(oldest).filter(|slot| **slot & COUNT == size) else { return };
            if size == LARGEST {
                self.slots.remove(oldest);
                return;
            }
            *slot += size;
            self.slots.remove(oldest + 1);
            (size, most, end) = (2 * size, OF_A_SIZE, oldest + 1);
        }
    }
}

const fn time(slot: u64) -> u64 {
    slot >> COUNT_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Times {
        fn since(&self, since: u64) -> u32 {
            self.within(since, u64::MAX)
        }
    }

    fn every(step: u64, calls: u64) -> Times {
        let mut times = Times::default();
        for call in 0..calls {
            times.add(call * step);
        }
        times
    }

    #[test]
    fn who_calls_once_or_twice_needs_no_room_of_its_own() {
        assert_eq!(size_of::<Times>(), size_of::<Vec<u64>>());
        assert_eq!([1, 2, 3].map(|calls| every(1_000, calls).slots.spilled()), [false, false, true]);
    }

    #[test]
    fn the_newest_calls_are_counted_exactly_in_any_window() {
        let times = every(1_000, 10_000);
        for calls in 0..=32 {
            assert_eq!(u64::from(times.since((10_000 - calls) * 1_000)), calls);
        }
    }

    #[test]
    fn no_call_is_forgotten_and_a_window_misses_less_than_an_eighth() {
        let times = every(100, 50_000);
        assert_eq!(times.since(0), 50_000);
        for calls in 1..50_000 {
            let counted = u64::from(times.since((50_000 - calls) * 100));
            assert!(counted <= calls && counted * 8 >= calls * 7, "{counted} of {calls}");
        }
        assert!(times.slots.len() < 130, "{}", times.slots.len());
    }

    #[test]
    fn times_of_a_clock_that_was_set_back_are_dropped() {
        let mut times = every(1_000, 20);
        assert_eq!(times.add(10_000), 8);
        assert_eq!((times.since(0), times.since(10_000)), (13, 3));
    }

    #[test]
    fn calls_that_are_read_late_stand_before_those_that_are_known() {
        let (mut times, earlier) = (Times::default(), every(1_000, 100));
        for call in 98..120 {
            times.add(call * 1_000);
        }
        times.follow(earlier);
        assert_eq!((times.since(0), times.since(98_000), times.newest()), (120, 22, Some(119_000)));
        let mut nobody = Times::default();
        nobody.follow(every(1_000, 3));
        assert_eq!(nobody.since(0), 3);
    }

    #[test]
    fn times_that_have_not_come_are_not_counted() {
        let times = every(1_000, 20);
        assert_eq!((times.within(5_000, 9_000), times.within(0, 0)), (6, 2));
    }

    #[test]
    fn two_shards_that_read_the_clock_in_the_other_order_lose_nothing() {
        let mut times = every(1_000, 20);
        assert_eq!(times.add(18_998), 0);
        assert_eq!(times.since(19_000), 2);
    }
}
