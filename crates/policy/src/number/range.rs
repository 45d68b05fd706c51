//! Numbers from a first to a last, as the direct dialling of an organisation.

use std::fmt;

use super::{Digits, E164, MAX_DIGITS, Number, Prefix};

/// All numbers of one length, from a first to a last, both counted in.
///
/// ```
/// use ringfence_policy::{Pattern, Region, normalise};
///
/// let switzerland = Region::parse("CH")?;
/// let Pattern::Range(hospital) = Pattern::parse("044 255 11 11..044 255 99 99", switzerland)? else { return Ok(()) };
/// assert_eq!(hospital.to_string(), "+41442551111..+41442559999");
/// assert!(hospital.contains(normalise("044 255 45 67", switzerland)?));
/// assert!(!hospital.contains(normalise("+4144255456", switzerland)?)); // shorter than both
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NumberRange {
    first: Number,
    last: Number,
}

/// Why two numbers are no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRange {
    /// One is a full number, the other an internal one.
    Kinds,
    /// They differ in length.
    Lengths,
    /// The last comes before the first.
    Order,
    /// A `*` or a `#` has no place in an order.
    Signs,
}

impl NumberRange {
    pub(crate) fn new(first: Number, last: Number) -> Result<Self, NoRange> {
        let lengths = match (first, last) {
            (Number::E164(first), Number::E164(last)) => (first.digits(), last.digits()),
            (Number::Internal(first), Number::Internal(last)) => {
                if first.has_signs() || last.has_signs() {
                    return Err(NoRange::Signs);
                }
                (first.count(), last.count())
            }
            (Number::E164(_), Number::Internal(_)) | (Number::Internal(_), Number::E164(_)) => {
                return Err(NoRange::Kinds);
            }
        };
        match lengths {
            (one, other) if one != other => Err(NoRange::Lengths),
            _ if first > last => Err(NoRange::Order),
            _ => Ok(Self { first, last }),
        }
    }

    /// Returns the first number.
    #[must_use]
    pub fn first(self) -> Number {
        self.first
    }

    /// Returns the last number.
    #[must_use]
    pub fn last(self) -> Number {
        self.last
    }

    /// Returns the digits with which all of these begin, if they share any.
    pub(crate) fn shared_prefix(self) -> Option<Prefix> {
        let first = |number, digits| match number {
            Number::E164(number) => E164::first(number, digits).map(Prefix::E164),
            Number::Internal(number) => Digits::first(number, digits).map(Prefix::Internal),
        };
        let shared = |digits: &usize| first(self.first, *digits) == first(self.last, *digits);
        (1..=MAX_DIGITS).take_while(shared).filter_map(|digits| first(self.first, digits)).last()
    }

    /// Returns whether a number is one of these: it has their length, and lies between them.
    #[must_use]
    pub fn contains(self, number: Number) -> bool {
        // Of numbers of one kind the longer is the greater, so that all between are of one length.
        match number {
            Number::E164(_) => (self.first..=self.last).contains(&number),
            Number::Internal(digits) => !digits.has_signs() && (self.first..=self.last).contains(&number),
        }
    }
}

impl fmt::Display for NumberRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (Number::Internal(first), Number::Internal(last)) => {
                write!(f, "internal:{first}..internal:{last}")
            }
            (first, last) => write!(f, "{first}..{last}"),
        }
    }
}

/// Returns the number with its last digits replaced by those of another: what `+41442551111..99`
/// probably means.
pub(crate) fn with_end(number: E164, end: Digits) -> Option<E164> {
    let scale = 10_u64.checked_pow(u32::try_from(end.count()).ok()?)?;
    let end = (!end.has_signs()).then(|| end.to_string().parse::<u64>().ok()).flatten()?;
    E164::new(number.as_u64() / scale * scale + end).filter(|other| other.digits() == number.digits())
}
