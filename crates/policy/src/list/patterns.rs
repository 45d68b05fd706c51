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

    /// Returns an entry that counts at a time and means every caller of a pattern: the same, or a wider one. At
    /// [`Timestamp::MAX`] only entries without an end count. Of a range it may miss one around it, where narrower ones
    /// are about both of its ends.
    ///
    /// ```
    /// use jiff::Timestamp;
    /// use ringfence_policy::{List, Pattern, Region};
    ///
    /// let switzerland = Region::parse("CH")?;
    /// let (list, _) = List::parse_text("reject", "spam.txt", "+41442551000..+41442551999", switzerland);
    /// let covering = |text| Pattern::parse(text, switzerland).map(|pattern| list.covering(&pattern, Timestamp::MAX));
    /// assert!(covering("044 255 12 00")?.is_some());
    /// assert!(covering("+41442551100..+41442551199")?.is_some());
    /// assert!(covering("+41442551900..+41442552099")?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn covering(&self, pattern: &Pattern, now: Timestamp) -> Option<Entry<'_>> {
        let of_prefix = |prefix: Prefix| {
            (1..=MAX_DIGITS).find_map(|length| self.at(Key::prefix(prefix.first(length)?), now))
        };
        match pattern {
            Pattern::Exact(number) => self.find_number(*number, now),
            Pattern::Prefix(prefix) => of_prefix(*prefix),
            Pattern::Range(range) => {
                let mut about =
                    [range.first(), range.last()].into_iter().filter_map(|end| self.find_range(end, now));
                let around = about.find(|entry| entry.means_all(*range));
                around.or_else(|| of_prefix(range.shared_prefix()?))
            }
            Pattern::Expression(_)
            | Pattern::Anonymous
            | Pattern::Unavailable
            | Pattern::Invalid
            | Pattern::Name(_) => self.find_pattern(pattern).filter(|entry| entry.is_live(now)),
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
