//! What is asked of a list when a policy is read and checked: for a pattern, not for a caller.

use jiff::Timestamp;

use super::key::Key;
use super::{Entry, List};
use crate::number::{MAX_DIGITS, Number, Prefix};
use crate::pattern::Pattern;

impl List {
    /// Returns the entry of exactly this pattern, also when its time is over.
    #[must_use]
    pub fn find_pattern(&self, pattern: &Pattern) -> Option<Entry<'_>> {
        let key = match pattern {
            Pattern::Exact(number) => Key::exact(*number),
            Pattern::Prefix(prefix) => Key::prefix(*prefix),
            Pattern::Range(range) => Key::range(self.ranges.binary_search(range).ok()?),
            Pattern::Expression(expression) => {
                Key::expression(self.expressions.position(expression.as_str())?)
            }
            Pattern::Anonymous => Key::ANONYMOUS,
            Pattern::Unavailable => Key::UNAVAILABLE,
            Pattern::Invalid => Key::INVALID,
            Pattern::Name(name) => self.name_key(name)?,
        };
        let compiled = || match pattern {
            Pattern::Exact(number) => self.find_compiled(*number),
            Pattern::Prefix(_)
            | Pattern::Range(_)
            | Pattern::Expression(_)
            | Pattern::Anonymous
            | Pattern::Unavailable
            | Pattern::Invalid
            | Pattern::Name(_) => None,
        };
        self.index_of(key).map(|index| self.entry(index)).or_else(compiled)
    }

    /// Returns an entry that means every caller of a pattern, at any time.
    pub(crate) fn covering(&self, pattern: &Pattern) -> Option<Entry<'_>> {
        let always = Timestamp::MAX;
        let of_prefix = |prefix: Prefix| {
            (1..=MAX_DIGITS).find_map(|length| self.at(Key::prefix(prefix.first(length)?), always))
        };
        match pattern {
            Pattern::Exact(number) => self.find_number(*number, always),
            Pattern::Prefix(prefix) => of_prefix(*prefix),
            Pattern::Range(range) => {
                let around = self.find_range(range.first(), always).filter(|entry| entry.means_all(*range));
                around.or_else(|| of_prefix(range.shared_prefix()?))
            }
            Pattern::Expression(_)
            | Pattern::Anonymous
            | Pattern::Unavailable
            | Pattern::Invalid
            | Pattern::Name(_) => self.find_pattern(pattern).filter(|entry| entry.is_live(always)),
        }
    }

    /// Returns the expressions that are found in a number, each with its place among all of them.
    pub(crate) fn expressions_in(&self, number: Number) -> impl Iterator<Item = (usize, Entry<'_>)> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let place = self.expressions.first_in(number, |place| place >= from)?;
            from = place + 1;
            Some((place, self.entry(self.index_of(Key::expression(place))?)))
        })
    }

    /// Returns a number of a compiled list behind this one that a pattern means.
    pub(crate) fn compiled_within(&self, pattern: &Pattern) -> Option<Entry<'_>> {
        let between = |first: u64, last: u64| {
            self.sets
                .iter()
                .find_map(|(file, set)| Some(self.compiled(*file, set.first_between(first, last)?)))
        };
        match pattern {
            Pattern::Exact(number) => self.find_compiled(*number),
            Pattern::Prefix(Prefix::E164(first)) => {
                let longer = std::iter::successors(Some((*first, *first)), |(first, last)| {
                    Some((first.checked_mul(10)?, last.checked_mul(10)?.checked_add(9)?))
                });
                longer.take(MAX_DIGITS).find_map(|(first, last)| between(first, last))
            }
            Pattern::Range(range) => match (range.first(), range.last()) {
                (Number::E164(first), Number::E164(last)) => between(first.as_u64(), last.as_u64()),
                (Number::Internal(_), _) | (_, Number::Internal(_)) => None,
            },
            Pattern::Prefix(Prefix::Internal(_))
            | Pattern::Expression(_)
            | Pattern::Anonymous
            | Pattern::Unavailable
            | Pattern::Invalid
            | Pattern::Name(_) => None,
        }
    }
}
