//! The lines that have one user part: nearly always one, which takes no memory of its own.

use std::collections::BTreeSet;

use crate::id::LineId;

/// The lines of one name.
#[derive(Debug, Default)]
#[expect(clippy::box_collection, reason = "the box is smaller than the set, and nearly no name has one")]
pub(super) enum Bearers {
    #[default]
    None,
    One(LineId),
    Several(Box<BTreeSet<LineId>>),
}

/// As many of one name are seldom meant at once.
const MOST_FOUND: usize = 16;

impl Bearers {
    pub(super) fn insert(&mut self, id: LineId) {
        match self {
            Self::None => *self = Self::One(id),
            Self::One(one) => *self = Self::Several(Box::new(BTreeSet::from([*one, id]))),
            Self::Several(all) => drop(all.insert(id)),
        }
    }

    /// Removes one, and returns whether none is left.
    pub(super) fn remove(&mut self, id: LineId) -> bool {
        match self {
            Self::None => {}
            Self::One(one) => {
                if *one == id {
                    *self = Self::None;
                }
            }
            Self::Several(all) => {
                all.remove(&id);
                if let (Some(last), 1) = (all.first().copied(), all.len()) {
                    *self = Self::One(last);
                }
            }
        }
        matches!(self, Self::None)
    }

    /// Returns the first line that is one of others too, in the time that the smaller of both takes.
    pub(super) fn first_of(&self, others: &BTreeSet<LineId>) -> Option<LineId> {
        match self {
            Self::None => None,
            Self::One(one) => others.contains(one).then_some(*one),
            Self::Several(all) => {
                let (smaller, larger) = by_size(all, others);
                smaller.iter().find(|id| larger.contains(id)).copied()
            }
        }
    }

    /// Returns the newest lines that are some of others too, so many at most.
    pub(super) fn newest_of(&self, others: &BTreeSet<LineId>) -> Vec<LineId> {
        match self {
            Self::None => Vec::new(),
            Self::One(one) => others.get(one).copied().into_iter().collect(),
            Self::Several(all) => {
                let (smaller, larger) = by_size(all, others);
                smaller.iter().rev().filter(|id| larger.contains(id)).take(MOST_FOUND).copied().collect()
            }
        }
    }
}

/// Returns the smaller of two sets, and the larger.
fn by_size<'a>(
    one: &'a BTreeSet<LineId>,
    other: &'a BTreeSet<LineId>,
) -> (&'a BTreeSet<LineId>, &'a BTreeSet<LineId>) {
    if one.len() <= other.len() { (one, other) } else { (other, one) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_name_come_and_go_and_the_first_that_others_have_is_found() {
        let id = LineId::new;
        let mut bearers = Bearers::default();
        assert!(bearers.remove(id(1)));
        let first = |bearers: &Bearers, others: &[u32]| {
            bearers.first_of(&others.iter().copied().map(id).collect()).map(LineId::as_u32)
        };
        for new in [3, 1, 3, 2] {
            bearers.insert(id(new));
        }
        assert_eq!(first(&bearers, &[2, 3]), Some(2));
        assert_eq!(first(&bearers, &[4, 5, 6, 7, 3]), Some(3));
        let newest = |others: &[u32]| bearers.newest_of(&others.iter().copied().map(id).collect());
        assert_eq!(
            (newest(&[1, 2, 4]), newest(&[4, 5, 6, 7, 3]), newest(&[])),
            (vec![id(2), id(1)], vec![id(3)], vec![])
        );
        assert_eq!([2, 9, 3].map(|gone| bearers.remove(id(gone))), [false; 3]);
        assert_eq!((first(&bearers, &[1, 2]), first(&bearers, &[2])), (Some(1), None));
        assert!(matches!(bearers, Bearers::One(_)));
        assert!(bearers.remove(id(1)));
        assert_eq!(first(&bearers, &[1]), None);
    }
}
