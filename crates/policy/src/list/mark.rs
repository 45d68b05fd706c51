//! The quickest question of a look-up, for a call that many short lists are asked about: what a list has in one
//! word, and what a caller would need in it.

use super::key::{Key, Meaning};
use crate::caller::CallerId;
use crate::number::Number;

/// What a list has of numbers, beginnings and all else; or what a caller is found by. A bit in common may be chance,
/// none in common is certain: the list does not have the caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// A bit for each number, and [`NO_NUMBER`].
    whole: u64,
    /// A bit for the first digits of each prefix.
    first: u64,
    /// A bit for the first digits of each number, which tells nothing of whether a caller is found.
    beginning: u64,
}

impl Mark {
    /// Tells nothing: every caller may be on such a list.
    pub(super) const ALL: Mark = Mark { whole: u64::MAX, first: u64::MAX, beginning: u64::MAX };

    /// Takes the keys of a list.
    pub(super) fn of_keys(keys: &[Key]) -> Self {
        // Most of the bits would be set.
        if keys.len() > WORTHWHILE {
            return Self::ALL;
        }
        keys.iter().fold(Self::default(), |all, key| all.with(Self::of_key(*key)))
    }

    /// Returns by what a caller is found.
    pub(crate) fn of_caller(caller: &CallerId<'_>) -> Self {
        let number = caller.number().map_or(Self::default(), |number| {
            // Of a number that is shorter than the first digits only shorter prefixes are, which have all bits.
            let first = Self::of_first(number).unwrap_or(1);
            Self { whole: Self::of_whole(number), first, beginning: first }
        });
        match caller {
            CallerId::Number(_) | CallerId::Ambiguous(_) => number,
            CallerId::Implausible(..)
            | CallerId::Name(_)
            | CallerId::WithheldName(_)
            | CallerId::Anonymous { .. }
            | CallerId::Unavailable
            | CallerId::Invalid(_) => number.with(Self { whole: NO_NUMBER, ..Self::default() }),
        }
    }

    /// Returns whether nothing is in both.
    pub(crate) fn is_apart_from(self, other: Self) -> bool {
        (self.whole & other.whole) | (self.first & other.first) == 0
    }

    /// Returns whether no number here begins as a caller's does, of which so many digits may differ at the end.
    pub(super) fn begins_apart_from(self, caller: Self, number: Number, last_digits: u8) -> bool {
        self.beginning & caller.beginning == 0 && has_first_digits(number, last_digits)
    }

    fn of_key(key: Key) -> Self {
        match key.meaning() {
            Meaning::Exact(number) => Self {
                whole: Self::of_whole(number),
                beginning: Self::of_first(number).unwrap_or(1),
                ..Self::default()
            },
            Meaning::Prefix(prefix) => {
                let first = prefix.first(FIRST_DIGITS).map(|first| bit(Key::prefix(first), u64::BITS));
                Self { first: first.unwrap_or(u64::MAX), ..Self::default() }
            }
            Meaning::Name(_) | Meaning::Anonymous | Meaning::Unavailable | Meaning::Invalid => {
                Self { whole: NO_NUMBER, ..Self::default() }
            }
            Meaning::Range(_) | Meaning::Expression(_) => Self::ALL,
        }
    }

    fn of_whole(number: Number) -> u64 {
        bit(Key::exact(number), NO_NUMBER.trailing_zeros())
    }

    fn of_first(number: Number) -> Option<u64> {
        Key::first(number, FIRST_DIGITS).map(|first| bit(first, u64::BITS))
    }

    fn with(self, other: Self) -> Self {
        Self {
            whole: self.whole | other.whole,
            first: self.first | other.first,
            beginning: self.beginning | other.beginning,
        }
    }
}

/// Returns whether a number has its first digits left without the last ones.
fn has_first_digits(number: Number, last_digits: u8) -> bool {
    let digits = usize::from(last_digits) + FIRST_DIGITS;
    match number {
        Number::E164(number) => number.has_digits(digits),
        Number::Internal(symbols) => symbols.count() >= digits,
    }
}

/// Returns one of the first bits, by chance.
fn bit(key: Key, bits: u32) -> u64 {
    let hash = key.word().wrapping_mul(GOLDEN) >> 32;
    1 << ((hash * u64::from(bits)) >> 32)
}

/// The bit of whatever is found by something else than a number.
const NO_NUMBER: u64 = 1 << 63;

/// A calling code and the beginning of an area, a network or a service: `+4144`, `+1900`.
const FIRST_DIGITS: usize = 4;

const WORTHWHILE: usize = 128;

/// Two to the 64th by the golden ratio, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
