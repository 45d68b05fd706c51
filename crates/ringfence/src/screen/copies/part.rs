//! A part of the calls that were decided a moment ago, in which each is found by its key.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use jiff::Timestamp;

use super::{LIFE, On, OnLine};
use crate::keyed::Hashed;

/// A part has room for so many calls.
pub(super) const MOST_CALLS: usize = 2_048;

/// Calls of a part in the order in which they were decided: who looks for one that is not there, as nearly all are, comes to
/// none of the others, which are long cold. So what is looked at for it is small, and apart.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) places: VecDeque<Place>,
    /// What each of them is found and forgotten by.
    marks: VecDeque<Mark>,
    /// The numbers of the calls, by their keys; as many bits of each as tell those from each other that are there.
    pub(super) numbers: HashTable<u16>,
    /// What is known of calls that have come more than once, by their numbers.
    pub(super) others: HashMap<u64, Others, Hashed>,
    /// The number of the oldest call.
    first: u16,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) key: u64,
    /// In milliseconds since the start.
    pub(super) since: u64,
}

/// A call as it is kept. Nothing of it has to be let go of: it is long cold when it is over, and not looked at again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// When it was decided first: what came before counts as of then, on each of its lines.
    pub(super) at: Timestamp,
    /// What was decided on the first line.
    pub(super) first: OnLine,
}

/// A call that is there.
#[derive(Debug)]
pub(super) struct Found<'p> {
    pub(super) place: Place,
    number: u64,
    others: &'p mut HashMap<u64, Others, Hashed>,
}

/// What was decided on further lines of a call, and how many copies came beyond the first on each line.
#[derive(Debug, Default)]
pub(super) struct Others {
    pub(super) lines: Vec<OnLine>,
    pub(super) copies: u8,
}

impl Part {
    pub(super) fn drop_over(&mut self, now: u64) {
        while self.marks.front().is_some_and(|mark| mark.is_over(now)) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(Mark { key, .. }) = self.marks.pop_front() else { return };
        self.places.pop_front();
        if !self.others.is_empty() {
            self.others.remove(&self.first.into());
        }
        // One that was decided anew since has a newer number.
        if let Ok(number) = self.numbers.find_entry(key, |number| *number == self.first) {
            number.remove();
        }
        self.first = self.first.wrapping_add(1);
    }

    pub(super) fn find(&mut self, key: u64, now: u64) -> Option<Found<'_>> {
        let Self { first, marks, numbers, places, others } = self;
        let behind = |number: u16| usize::from(number.wrapping_sub(*first));
        let number = *numbers.find(key, |number| marks[behind(*number)].key == key)?;
        let place = behind(number);
        // One that was decided late is over before those that were decided before it.
        if marks[place].is_over(now) {
            None
        } else {
            Some(Found { place: *places.get(place)?, number: number.into(), others })
        }
    }

    /// Adds a call that is not there. The oldest goes if there is no room.
    pub(super) fn add(&mut self, mark: Mark, place: Place) {
        if self.places.len() == MOST_CALLS {
            self.drop_oldest();
        }
        let (first, key) = (self.first, mark.key);
        self.marks.push_back(mark);
        self.places.push_back(place);
        let marks = &self.marks;
        let key_of = |number: &u16| marks[usize::from(number.wrapping_sub(first))].key;
        let number = u16::try_from(marks.len() - 1).unwrap_or(u16::MAX).wrapping_add(first);
        match self.numbers.entry(key, |number| key_of(number) == key, key_of) {
            Entry::Occupied(mut older) => *older.get_mut() = number,
            Entry::Vacant(place) => drop(place.insert(number)),
        }
    }

    pub(super) fn shrink(&mut self) {
        let Self { places, marks, numbers, others, first } = self;
        places.shrink_to_fit();
        others.shrink_to_fit();
        marks.shrink_to_fit();
        numbers.shrink_to_fit(|number| marks[usize::from(number.wrapping_sub(*first))].key);
    }
}

impl Mark {
    fn is_over(self, now: u64) -> bool {
        Duration::from_millis(now.saturating_sub(self.since)) >= LIFE
    }
}

impl Found<'_> {
    pub(super) fn copies(&self) -> u8 {
        self.others.get(&self.number).map_or(0, |others| others.copies)
    }

    /// Returns on how many lines it was decided.
    pub(super) fn lines(&self) -> usize {
        1 + self.others.get(&self.number).map_or(0, |others| others.lines.len())
    }

    pub(super) fn treatment(&self, on: On) -> Option<usize> {
        let others = self.others.get(&self.number).into_iter().flat_map(|others| &others.lines);
        std::iter::once(&self.place.first).chain(others).find(|line| line.on == on).map(|line| line.treatment)
    }

    /// Returns what is known of it beside its first decision, where more is to be noted.
    pub(super) fn others(&mut self) -> &mut Others {
        self.others.entry(self.number).or_default()
    }
}
