//! Why written digits are no number.

use std::fmt;

use super::plan::Plan;
use super::{Digits, E164, MAX_DIGITS};

/// What is left of a text that does not resolve to one number.
///
/// ```
/// use ringfence_policy::{Region, Unresolved, normalise};
///
/// let us = Region::parse("US")?;
/// let local = normalise("555-0177", us).unwrap_err();
/// assert!(matches!(local, Unresolved::Ambiguous(_)));
/// assert_eq!(local.to_string(), "5550177 lacks its area code");
/// assert!(matches!(normalise("alice", us), Err(Unresolved::NotANumber)));
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unresolved {
    /// Digits with several readings, or with a part missing.
    Ambiguous(Ambiguous),
    /// Digits that no numbering plan has.
    Invalid(Invalid),
    /// No digits at all, or other characters among them.
    NotANumber,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unresolved::Ambiguous(ambiguous) => ambiguous.fmt(f),
            Unresolved::Invalid(invalid) => invalid.fmt(f),
            Unresolved::NotANumber => f.write_str("not a number"),
        }
    }
}

impl std::error::Error for Unresolved {}

/// Digits that can be read in more than one way, or that lack an area code.
///
/// ```
/// use ringfence_policy::{Region, Unresolved, normalise};
///
/// let germany = Region::parse("DE")?;
/// let Err(Unresolved::Ambiguous(caller)) = normalise("49301234567", germany) else { return Ok(()) };
/// assert_eq!(caller.to_string(), "49301234567 can be +49301234567 or +4949301234567");
/// assert_eq!(caller.readings().count(), 2);
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ambiguous {
    digits: Digits,
    /// Fewer than two: the area code is missing, or an extension is possible too.
    readings: [Option<E164>; 2],
}

impl Ambiguous {
    pub(super) fn new(digits: Digits, readings: [Option<E164>; 2]) -> Self {
        Self { digits, readings }
    }

    /// Returns the digits as they were written, without separators.
    #[must_use]
    pub fn digits(&self) -> Digits {
        self.digits
    }

    /// Returns the full numbers that may be meant, at most two of them.
    pub fn readings(&self) -> impl Iterator<Item = E164> {
        self.readings.into_iter().flatten()
    }
}

impl fmt::Display for Ambiguous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.digits;
        match self.readings {
            [Some(one), Some(other)] => write!(f, "{digits} can be {one} or {other}"),
            [Some(one), None] | [None, Some(one)] if digits.count() < LOCAL_FROM => {
                write!(f, "{digits} can be {one} or an internal number")
            }
            [Some(one), None] | [None, Some(one)] => write!(f, "{digits} can be {one} or a local number"),
            [None, None] => write!(f, "{digits} lacks its area code"),
        }
    }
}

/// Fewer digits are an internal number where they are not a national one.
pub(super) const LOCAL_FROM: usize = 7;

/// Why digits are a number of no plan.
///
/// ```
/// use ringfence_policy::{Invalid, Region, Unresolved, normalise};
///
/// let switzerland = Region::parse("CH")?;
/// assert_eq!(normalise("+1234567890123456", switzerland), Err(Unresolved::Invalid(Invalid::TooLong)));
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Invalid {
    /// A `+` or an international prefix with too few digits behind it for a full number.
    TooShort,
    /// More than the fifteen digits of E.164.
    TooLong,
    /// Neither a national, nor an international, nor an internal number.
    NoReading,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Invalid::TooShort => f.write_str("too few digits for a full number"),
            Invalid::TooLong => write!(f, "more than the {MAX_DIGITS} digits a number can have"),
            Invalid::NoReading => f.write_str("digits that are no number of any numbering plan"),
        }
    }
}

/// What a numbering plan says against a full number.
///
/// ```
/// use ringfence_policy::E164;
///
/// let short = E164::new(41_791_234).expect("eight digits");
/// assert_eq!(
///     short.fault().map(|fault| fault.to_string()).as_deref(),
///     Some("numbers in +41 that begin with 7 have 9 digits after the calling code, this one has 6")
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// No country has this calling code.
    CallingCode,
    /// The national number has a length, or a first digit, that the plan does not have.
    National {
        /// The country, or countries.
        calling_code: u16,
        /// How many digits follow the calling code.
        digits: u8,
        /// The first of them.
        first: u8,
    },
    /// The area code or the exchange is none that North America can have.
    AreaOrExchange,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Fault::AreaOrExchange => f.write_str(
                "area codes and exchanges in +1 begin with 2 to 9 and are no short codes such as 911",
            ),
            Fault::CallingCode => f.write_str("no country has this calling code"),
            Fault::National { calling_code, digits: 0, .. } => {
                write!(f, "+{calling_code} has no number behind it")
            }
            Fault::National { calling_code, digits, first } => {
                let mut expected =
                    Plan::of(calling_code).into_iter().flat_map(|plan| plan.expected_lengths(first));
                let Some(shortest) = expected.next() else {
                    return write!(f, "no number in +{calling_code} begins with {first}");
                };
                write!(f, "numbers in +{calling_code} that begin with {first} have {shortest}")?;
                expected.try_for_each(|length| write!(f, " or {length}"))?;
                write!(f, " digits after the calling code, this one has {digits}")
            }
        }
    }
}
