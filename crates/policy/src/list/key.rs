//! A pattern in one word, so that a list is a sorted array of words.

use crate::number::{Digits, E164, Number, Prefix};

/// A pattern: four bits say of which kind, sixty hold its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64);

impl Key {
    pub(super) const ANONYMOUS: Key = Key(WORD);
    pub(super) const UNAVAILABLE: Key = Key(WORD + 1);
    pub(super) const INVALID: Key = Key(WORD + 2);

    pub(super) fn exact(number: Number) -> Key {
        match number {
            Number::E164(number) => Key(EXACT_E164 | number.as_u64()),
            Number::Internal(digits) => Key(EXACT_INTERNAL | digits.packed()),
        }
    }

    pub(super) fn prefix(prefix: Prefix) -> Key {
        match prefix {
            Prefix::E164(digits) => Key(PREFIX_E164 | digits),
            Prefix::Internal(digits) => Key(PREFIX_INTERNAL | digits.packed()),
        }
    }

    /// Returns the prefix of a number that has so many digits.
    pub(super) fn first(number: Number, digits: usize) -> Option<Key> {
        match number {
            Number::E164(number) => number.first(digits).map(Prefix::E164),
            Number::Internal(symbols) => symbols.first(digits).map(Prefix::Internal),
        }
        .map(Key::prefix)
    }

    /// Returns the keys of the first and the last number that equal this one but for the last
    /// digits. `None` when nothing is left to compare.
    pub(super) fn alike(number: Number, last_digits: u8) -> Option<(Key, Key)> {
        let last_digits = usize::from(last_digits);
        match number {
            Number::E164(number) if last_digits < number.digits() => {
                let scale = 10_u64.pow(u32::try_from(last_digits).ok()?);
                let first = number.as_u64() / scale * scale;
                Some((Key(EXACT_E164 | first), Key(EXACT_E164 | (first + (scale - 1)))))
            }
            Number::Internal(digits) if last_digits < digits.count() => {
                let open = (1 << (4 * last_digits)) - 1;
                let first = digits.packed() & !open;
                Some((Key(EXACT_INTERNAL | first), Key(EXACT_INTERNAL | first | open)))
            }
            Number::E164(_) | Number::Internal(_) => None,
        }
    }

    /// Makes the key of a range from its place among the list's ranges.
    pub(super) fn range(index: usize) -> Key {
        Key(RANGE | index as u64)
    }

    /// Makes the key of an expression from its place among the list's expressions.
    pub(super) fn expression(index: usize) -> Key {
        Key(EXPRESSION | index as u64)
    }

    /// Makes the key of a user name from its place among the list's names.
    pub(super) fn name(index: usize) -> Key {
        Key(NAME | index as u64)
    }

    /// Returns the word: between those of two numbers of one length are those of the numbers between.
    pub(super) fn word(self) -> u64 {
        self.0
    }

    /// Returns which of the [`KINDS`] it is; keys are in their order.
    pub(super) fn kind(self) -> usize {
        usize::try_from(self.0 >> 60).unwrap_or(0).min(KINDS - 1)
    }

    /// Tells what it stands for.
    pub(super) fn meaning(self) -> Meaning {
        let payload = self.0 & !KIND;
        let index = usize::try_from(payload).unwrap_or(usize::MAX);
        match (self, self.0 & KIND) {
            (Key::ANONYMOUS, _) => Meaning::Anonymous,
            (Key::UNAVAILABLE, _) => Meaning::Unavailable,
            (_, EXACT_E164) => {
                E164::new(payload).map_or(Meaning::Invalid, |n| Meaning::Exact(Number::E164(n)))
            }
            (_, EXACT_INTERNAL) => Meaning::Exact(Number::Internal(Digits::from_packed(payload))),
            (_, PREFIX_E164) => Meaning::Prefix(Prefix::E164(payload)),
            (_, PREFIX_INTERNAL) => Meaning::Prefix(Prefix::Internal(Digits::from_packed(payload))),
            (_, RANGE) => Meaning::Range(index),
            (_, EXPRESSION) => Meaning::Expression(index),
            (_, NAME) => Meaning::Name(index),
            _ => Meaning::Invalid,
        }
    }
}

/// What a key stands for: a pattern, or the place of one among others of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Exact(Number),
    Prefix(Prefix),
    Range(usize),
    Expression(usize),
    Name(usize),
    Anonymous,
    Unavailable,
    Invalid,
}

const KIND: u64 = 0xf << 60;
const EXACT_E164: u64 = 0;
const PREFIX_E164: u64 = 1 << 60;
const EXACT_INTERNAL: u64 = 2 << 60;
const PREFIX_INTERNAL: u64 = 3 << 60;
const RANGE: u64 = 4 << 60;
const EXPRESSION: u64 = 5 << 60;
const NAME: u64 = 6 << 60;
const WORD: u64 = 7 << 60;

/// How many kinds of keys there are.
pub(super) const KINDS: usize = 8;
