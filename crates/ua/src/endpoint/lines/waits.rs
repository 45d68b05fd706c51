//! When lines are to be woken: mostly once an hour each.
//!
//! The transactions' waits have three lengths that come up in the order in which they began; those of lines have none. At the
//! start each line waits several times, and of fifty thousand the room for that is given back.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::id::LineId;

/// An entry is never removed early: when it comes up, the line is asked whether it is really due.
#[derive(Debug, Default)]
pub(super) struct Waits(BinaryHeap<Reverse<(Instant, LineId)>>);

/// Room for so few is kept.
const FEW: usize = 1024;

impl Waits {
    pub(super) fn add(&mut self, due: Instant, id: LineId) {
        self.0.push(Reverse((due, id)));
    }

    /// Returns the next wait that is over at `now`, the earliest first.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<LineId> {
        let Reverse((due, id)) = *self.0.peek()?;
        if due > now {
            return None;
        }
        self.0.pop();
        let (length, room) = (self.0.len(), self.0.capacity());
        if room > FEW && length + length / 4 < room {
            self.0.shrink_to(length + length / 8);
        }
        Some(id)
    }

    /// Returns when the next wait is over.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((due, _))| *due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::transaction::timers::epoch;

    #[test]
    fn waits_are_over_in_their_order_and_leave_no_room_behind() {
        let (start, mut waits) = (epoch(), Waits::default());
        let at = |second: u32| start + Duration::from_secs(second.into());
        for number in 0..40_000_u32 {
            waits.add(at(1 + number % 4), LineId::new(number));
        }
        assert_eq!((waits.pop_due(start), waits.next()), (None, Some(at(1))));
        let over: Vec<u32> = std::iter::from_fn(|| waits.pop_due(at(3))).map(LineId::as_u32).collect();
        assert_eq!((over.len(), waits.0.len(), waits.next()), (30_000, 10_000, Some(at(4))));
        assert!(over.is_sorted_by_key(|number| (number % 4, *number)));
        assert!(waits.0.capacity() <= 12_500, "{}", waits.0.capacity());
    }
}
