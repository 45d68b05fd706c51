//! The kinds of callers that a rule may name.

use std::fmt;

use crate::caller::{CallerId, CallerKind};
use crate::number::{LineKind, Number, Region};

/// A set of kinds, such as "anonymous or unavailable".
///
/// A caller may be of several kinds: `+44 7911 123456` called from Switzerland is a number, a
/// mobile one and an international one.
///
/// ```
/// use ringfence_policy::{Caller, KindSet, Region};
///
/// let switzerland = Region::parse("CH")?;
/// let caller = Caller::from_header("+447911123456", "pbx.example").identify(switzerland);
/// assert!(KindSet::of(&caller, switzerland).meets(KindSet::INTERNATIONAL));
/// assert!(!KindSet::of(&caller, switzerland).meets(KindSet::ANONYMOUS));
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KindSet(u16);

impl KindSet {
    /// Nothing.
    pub const NONE: KindSet = KindSet(0);
    /// A full number of a numbering plan.
    pub const NUMBER: KindSet = KindSet(1);
    /// A number of a mobile network.
    pub const MOBILE: KindSet = KindSet(1 << 1);
    /// A number that costs its callers nothing.
    pub const TOLL_FREE: KindSet = KindSet(1 << 2);
    /// A number that costs its callers more.
    pub const PREMIUM: KindSet = KindSet(1 << 3);
    /// A number of another country.
    pub const INTERNATIONAL: KindSet = KindSet(1 << 4);
    /// An extension or a short code.
    pub const INTERNAL: KindSet = KindSet(1 << 5);
    /// Withheld by the caller.
    pub const ANONYMOUS: KindSet = KindSet(1 << 6);
    /// Not known to the network.
    pub const UNAVAILABLE: KindSet = KindSet(1 << 7);
    /// In no numbering plan.
    pub const INVALID: KindSet = KindSet(1 << 8);
    /// Digits with several readings.
    pub const AMBIGUOUS: KindSet = KindSet(1 << 9);
    /// A user name that is no number.
    pub const NAME: KindSet = KindSet(1 << 10);

    /// The words of the policy, with the sets they mean.
    pub const WORDS: [(&'static str, KindSet); 11] = [
        ("number", Self::NUMBER),
        ("mobile", Self::MOBILE),
        ("tollfree", Self::TOLL_FREE),
        ("premium", Self::PREMIUM),
        ("international", Self::INTERNATIONAL),
        ("internal", Self::INTERNAL),
        ("anonymous", Self::ANONYMOUS),
        ("unavailable", Self::UNAVAILABLE),
        ("invalid", Self::INVALID),
        ("ambiguous", Self::AMBIGUOUS),
        ("name", Self::NAME),
    ];

    /// The kinds that are told by what a number is used for.
    pub(crate) const BY_USE: KindSet = KindSet::MOBILE.with(Self::TOLL_FREE).with(Self::PREMIUM);

    /// Returns the kinds a caller is of, as seen from a region.
    #[must_use]
    pub fn of(caller: &CallerId<'_>, region: Region) -> Self {
        Self::of_form(caller).with(Self::by_use(caller)).with(Self::by_country(caller, region))
    }

    /// Returns what a caller is whatever number it has.
    pub(crate) fn of_form(caller: &CallerId<'_>) -> Self {
        match caller.kind() {
            CallerKind::Number => Self::NUMBER,
            CallerKind::Internal => Self::INTERNAL,
            CallerKind::Ambiguous => Self::AMBIGUOUS,
            CallerKind::Name => Self::NAME,
            CallerKind::Anonymous => Self::ANONYMOUS,
            CallerKind::Unavailable => Self::UNAVAILABLE,
            CallerKind::Invalid => Self::INVALID,
        }
    }

    /// Returns what the number of a caller is used for, if it is one of a plan.
    pub(crate) fn by_use(caller: &CallerId<'_>) -> Self {
        let CallerId::Number(Number::E164(number)) = caller else { return Self::NONE };
        match number.line_kind() {
            LineKind::Mobile => Self::MOBILE,
            LineKind::TollFree => Self::TOLL_FREE,
            LineKind::Premium => Self::PREMIUM,
            LineKind::SharedCost | LineKind::Other => Self::NONE,
        }
    }

    /// Returns whether the number of a caller is one of another country, if it is one of a plan.
    pub(crate) fn by_country(caller: &CallerId<'_>, region: Region) -> Self {
        let CallerId::Number(Number::E164(number)) = caller else { return Self::NONE };
        if number.is_abroad(region) { Self::INTERNATIONAL } else { Self::NONE }
    }

    /// Returns the set that a word of the policy means.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find_map(|(known, set)| (known == word).then_some(set))
    }

    /// Returns the kinds of both sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether a kind is in both sets.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Returns whether every kind of the other set is in this one.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Display for KindSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Self::WORDS.iter().filter(|(_, set)| self.contains(*set)).map(|(word, _)| word);
        if let Some(word) = words.next() {
            f.write_str(word)?;
        }
        words.try_for_each(|word| write!(f, ", {word}"))
    }
}

impl fmt::Debug for KindSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KindSet({self})")
    }
}
