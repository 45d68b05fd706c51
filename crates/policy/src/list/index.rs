//! What is made of sorted entries, so that callers are found among them.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::entry::Place;
use super::filter::Filter;
use super::intervals::Intervals;
use super::key::{Key, Meaning};
use super::mark::Mark;
use super::{AllTerms, List};
use crate::number::{Prefix, decimal_digits};

impl List {
    /// Takes the sorted entries in, of those that mean the same only one.
    pub(super) fn keep(&mut self, entries: &[(Key, Place)], terms: &AllTerms) {
        let mut kept_terms = Vec::new();
        for same in entries.chunk_by(|(one, _), (other, _)| one == other) {
            let [(key, first), others @ ..] = same else { continue };
            let mut kept = (*first, terms.of(first.text));
            let mut joined = kept.1;
            for (_, other) in others {
                let other_terms = terms.of(other.text);
                joined = joined.joined(other_terms);
                if other_terms.outlast(kept.1) {
                    kept = (*other, other_terms);
                }
            }
            // At most `MOST_ENTRIES`, which is far below what the index can count.
            let index = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
            let again = same.iter().filter(|(_, place)| place.text != kept.0.text && !place.is_record);
            self.repeated.extend(again.map(|(_, place)| (index, *place)));
            kept_terms.push((kept.0.text, joined));
            self.push(*key, kept.0);
        }
        self.terms = kept_terms.into_iter().collect();
    }

    fn push(&mut self, key: Key, place: Place) {
        match key.meaning() {
            Meaning::Prefix(Prefix::E164(digits)) => {
                self.prefix_lengths[0] |= 1 << decimal_digits(digits);
            }
            Meaning::Prefix(Prefix::Internal(digits)) => self.prefix_lengths[1] |= 1 << digits.count(),
            Meaning::Exact(_)
            | Meaning::Range(_)
            | Meaning::Expression(_)
            | Meaning::Name(_)
            | Meaning::Anonymous
            | Meaning::Unavailable
            | Meaning::Invalid => {}
        }
        self.keys.push(key);
        self.places.push(place);
    }

    /// Makes what look-ups need beside the sorted keys.
    pub(super) fn index(&mut self) {
        for (kind, begin) in self.kinds.iter_mut().enumerate() {
            let before = self.keys.partition_point(|key| key.kind() < kind);
            *begin = u32::try_from(before).unwrap_or(u32::MAX);
        }
        self.filter = Filter::new(&self.keys[..self.kinds[1] as usize]);
        self.mark = if self.sets.is_empty() { Mark::of_keys(&self.keys) } else { Mark::ALL };
        let end = |number| Key::exact(number).word();
        let ends: Vec<_> = self.ranges.iter().map(|range| (end(range.first()), end(range.last()))).collect();
        // Each range has one key, in the order of the ranges.
        let first = self.kinds[Key::range(0).kind()] as usize;
        let narrowness = |index: usize| {
            let (first_number, last_number) = ends[index];
            (Reverse(last_number - first_number), Reverse(self.places[first + index].text))
        };
        let until = |index: usize| self.entry(first + index).until();
        let narrowest = Intervals::new(&ends, narrowness);
        let some_end = (0..ends.len()).any(|index| until(index).is_some());
        let lasting = some_end.then(|| {
            Intervals::new(&ends, |index| (until(index).unwrap_or(Timestamp::MAX), narrowness(index)))
        });
        (self.narrowest, self.lasting) = (narrowest, lasting.unwrap_or_default());
    }
}
