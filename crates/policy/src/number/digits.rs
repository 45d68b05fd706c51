//! Dialled digits whose leading zeros count.

use std::fmt;

/// Up to fifteen dialled digits, `*` and `#`, packed into a word.
///
/// ```
/// use ringfence_policy::Digits;
///
/// let code = Digits::parse("*97").expect("three symbols");
/// assert_eq!(code.to_string(), "*97");
/// assert_ne!(Digits::parse("0100"), Digits::parse("100"));
/// assert_eq!(Digits::parse("12a"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digits(u64);

impl Digits {
    /// Reads a run of `0` to `9`, `*` and `#`. `None` when it is empty, longer than fifteen, or
    /// has anything else in it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_symbols(text.bytes().map(|byte| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'*' => Some(STAR),
            b'#' => Some(HASH),
            _ => None,
        }))
    }

    /// Returns how many symbols there are.
    #[must_use]
    pub fn count(self) -> usize {
        (self.0.checked_ilog2().unwrap_or(0) / 4) as usize + 1
    }

    /// Packs symbols from 0 to [`HASH`].
    pub(crate) fn from_symbols(symbols: impl IntoIterator<Item = Option<u8>>) -> Option<Self> {
        let mut packed = 0;
        for (index, symbol) in symbols.into_iter().enumerate() {
            if index == MAX_SYMBOLS {
                return None;
            }
            // One more than the symbol, so that a leading zero is not nothing.
            packed = packed << 4 | (u64::from(symbol?) + 1);
        }
        (packed != 0).then_some(Self(packed))
    }

    /// Returns the packed form. Its length shows in it, so a prefix is a shift away.
    pub(crate) fn packed(self) -> u64 {
        self.0
    }

    /// Takes the packed form back.
    pub(crate) fn from_packed(packed: u64) -> Self {
        Self(packed)
    }

    /// Returns whether the last symbol is `*`.
    pub(crate) fn ends_in_star(self) -> bool {
        self.0 & 0xf == u64::from(STAR) + 1
    }

    /// Returns the first `count` symbols, if there are so many.
    pub(crate) fn first(self, count: usize) -> Option<Self> {
        let dropped = self.count().checked_sub(count)?;
        (count > 0).then(|| Self(self.0 >> (4 * dropped)))
    }

    /// Returns whether there is a `*` or a `#` among them.
    pub(crate) fn has_signs(self) -> bool {
        self.spelled().any(|byte| !byte.is_ascii_digit())
    }

    /// Returns the symbols, as they are written.
    pub(crate) fn spelled(self) -> impl Iterator<Item = u8> {
        (0..self.count()).rev().map(move |place| match (self.0 >> (4 * place) & 0xf) as u8 {
            symbol if symbol == STAR + 1 => b'*',
            symbol if symbol == HASH + 1 => b'#',
            symbol => b'0' + symbol.saturating_sub(1),
        })
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spelled().try_for_each(|symbol| fmt::Write::write_char(f, char::from(symbol)))
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digits({self})")
    }
}

pub(crate) const STAR: u8 = 10;
pub(crate) const HASH: u8 = 11;

/// Sixty bits; the rest of the word is left to tell digits from full numbers in an index.
pub(crate) const MAX_SYMBOLS: usize = 15;
