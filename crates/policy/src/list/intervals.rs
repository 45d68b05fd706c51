//! Intervals that may overlap, and the one that counts at a place.

use std::collections::BinaryHeap;

/// Where each stretch begins, and which interval counts from there on.
///
/// ```text
///  intervals    ├────────── 0 ──────────┤
///                     ├── 1 ──┤   ├── 2 ──┤
///  stretches    0     1       0   2       none
/// ```
#[derive(Debug, Clone, Default)]
pub(super) struct Intervals {
    starts: Vec<u64>,
    /// Beside `starts`; `NONE` where there is no interval.
    counting: Vec<u32>,
}

impl Intervals {
    /// Takes intervals, both ends counted in, in the order of their first ends. Of those that cover
    /// a place, the one with the greatest rank counts.
    pub(super) fn new<R: Ord>(intervals: &[(u64, u64)], rank: impl Fn(usize) -> R) -> Self {
        let mut ends: Vec<u64> = intervals.iter().map(|(_, last)| last.saturating_add(1)).collect();
        ends.sort_unstable();
        let mut made = Self::default();
        let mut open = BinaryHeap::new();
        let mut coming = intervals.iter().enumerate().peekable();
        let mut ends = ends.into_iter().peekable();
        while let Some(end) = ends.peek().copied() {
            let place = coming.peek().map_or(end, |(_, (first, _))| end.min(*first));
            while ends.next_if_eq(&place).is_some() {}
            while let Some((index, _)) = coming.next_if(|(_, (first, _))| *first == place) {
                open.push((rank(index), index));
            }
            while open.peek().is_some_and(|(_, index)| intervals[*index].1 < place) {
                open.pop();
            }
            let counting = open.peek().map_or(NONE, |(_, index)| u32::try_from(*index).unwrap_or(NONE));
            if made.counting.last() != Some(&counting) {
                made.starts.push(place);
                made.counting.push(counting);
            }
        }
        made
    }

    /// Returns the interval that counts at a place.
    pub(super) fn at(&self, place: u64) -> Option<usize> {
        let after = self.starts.partition_point(|start| *start <= place);
        let counting = *self.counting.get(after.checked_sub(1)?)?;
        (counting != NONE).then_some(counting as usize)
    }
}

const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_rank_counts_wherever_intervals_overlap() {
        let intervals = [(10, 40), (15, 20), (15, 15), (30, 60), (60, 60), (90, 99)];
        let ranks = [1, 2, 3, 0, 4, 5];
        let made = Intervals::new(&intervals, |index| ranks[index]);
        for place in 0..120 {
            let covers = |index: &usize| (intervals[*index].0..=intervals[*index].1).contains(&place);
            let expected = (0..intervals.len()).filter(covers).max_by_key(|index| ranks[*index]);
            assert_eq!(made.at(place), expected, "at {place}");
        }
    }

    #[test]
    fn there_are_at_most_two_stretches_an_interval() {
        let nested: Vec<(u64, u64)> = (0..1000).map(|depth| (depth, 10_000 - depth)).collect();
        let made = Intervals::new(&nested, |index| index);
        assert!(made.starts.len() <= 2 * nested.len());
        assert_eq!((made.at(500), made.at(9_999), made.at(10_001)), (Some(500), Some(1), None));
    }
}
