//! Telephone numbers, in the one form in which they are compared.
//!
//! [`normalise`] is the only way from written digits to a [`Number`], for callers and for list
//! entries alike. What it cannot resolve without a guess is [`Unresolved`], with the reason.

mod country;
mod digits;
mod kind;
mod normalise;
mod plan;
mod prefix;
mod range;
mod region;
mod samples;
mod services;
mod unresolved;
mod written;

use std::fmt;
use std::num::NonZeroU64;

pub use digits::Digits;
pub use kind::LineKind;
pub(crate) use kind::{calling_code_of, may_be};
pub use normalise::normalise;
pub use prefix::Prefix;
pub(crate) use prefix::{Unfinished, normalise_prefix};
pub use range::NumberRange;
pub(crate) use range::{NoRange, with_end};
pub use region::{Region, UnknownRegion};
pub use unresolved::{Ambiguous, Fault, Invalid, Unresolved};

use plan::Plan;

/// A number as it is compared: a full one, or one that means something only inside a PBX.
///
/// ```
/// use ringfence_policy::{Number, Region, normalise};
///
/// let us = Region::parse("US")?;
/// assert_eq!(normalise("(312) 555-0177", us), normalise("+13125550177", us));
/// assert_eq!(normalise("1002", us)?.to_string(), "1002");
/// assert_ne!(normalise("1002", us), normalise("+1002555017", us));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Number {
    /// A full international number.
    E164(E164),
    /// An extension, a short code or a feature code: never equal to a full number.
    Internal(Digits),
}

impl Number {
    /// The most bytes of its text: a `+` and the fifteen digits behind it.
    pub const LONGEST: usize = MAX_DIGITS + 1;

    /// Writes the number into a text as it is printed, `+41791234567` or `1002`, and returns it: without a formatter,
    /// which takes several times as long.
    ///
    /// ```
    /// use ringfence_policy::{Number, Region, normalise};
    ///
    /// let number = normalise("079 123 45 67", Region::parse("CH")?)?;
    /// assert_eq!(number.spell(&mut [0; Number::LONGEST]), b"+41791234567");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spell(self, text: &mut [u8; Self::LONGEST]) -> &[u8] {
        match self {
            Number::E164(number) => number.spell(text),
            Number::Internal(digits) => {
                let mut count = 0;
                for (place, symbol) in text.iter_mut().zip(digits.spelled()) {
                    *place = symbol;
                    count += 1;
                }
                &text[..count]
            }
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::E164(number) => number.fmt(f),
            Number::Internal(digits) => digits.fmt(f),
        }
    }
}

/// A full international number (ITU-T E.164): a calling code and a national number, in at most
/// fifteen digits.
///
/// It need not be plausible: [`E164::fault`] tells what its numbering plan says against it. An
/// invented number can so be put on a list, and recognised.
///
/// ```
/// use ringfence_policy::E164;
///
/// let number = E164::new(41_791_234_567).expect("eleven digits");
/// assert_eq!(number.to_string(), "+41791234567");
/// assert_eq!(number.calling_code(), Some(41));
/// assert!(number.fault().is_none());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct E164(NonZeroU64);

impl E164 {
    /// Makes a number of its digits, written as one decimal value. `None` when there are fewer
    /// than five or more than fifteen.
    #[must_use]
    pub fn new(digits: u64) -> Option<Self> {
        let number = NonZeroU64::new(digits)?;
        (MIN_DIGITS..=MAX_DIGITS).contains(&decimal_digits(digits)).then_some(Self(number))
    }

    /// Returns the digits as one decimal value: no calling code begins with 0, so none is lost.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0.get()
    }

    /// Returns how many digits the number has.
    #[must_use]
    pub fn digits(self) -> usize {
        decimal_digits(self.as_u64())
    }

    /// Returns the calling code, unless the number begins with none that is in use.
    #[must_use]
    pub fn calling_code(self) -> Option<u16> {
        self.plan().map(Plan::calling_code)
    }

    /// Returns what the numbering plan says against this number.
    #[must_use]
    pub fn fault(self) -> Option<Fault> {
        let Some(plan) = self.plan() else {
            return Some(Fault::CallingCode);
        };
        // No calling code is as long as the shortest number.
        let code = plan.calling_code_digits();
        let digits = self.digits().saturating_sub(code);
        let first = self.first(code + 1).map_or(0, |first| u8::try_from(first % 10).unwrap_or(0));
        if !plan.is_plausible_length(first, digits) {
            let (calling_code, digits) = (plan.calling_code(), u8::try_from(digits).unwrap_or(u8::MAX));
            return Some(Fault::National { calling_code, digits, first });
        }
        let is_ill = plan.calling_code() == plan::NORTH_AMERICA && !plan::is_north_american(self.as_u64());
        is_ill.then_some(Fault::AreaOrExchange)
    }

    /// Returns the first digits as one decimal value, if there are so many.
    pub(crate) fn first(self, count: usize) -> Option<u64> {
        first_digits(self.as_u64(), count)
    }

    /// Returns whether it has so many digits, or more.
    pub(crate) fn has_digits(self, count: usize) -> bool {
        let lowest = count.checked_sub(1).and_then(|zeros| POWERS.get(zeros));
        lowest.is_some_and(|lowest| self.as_u64() >= *lowest)
    }

    /// Returns how many of the first digits are those of another number.
    pub(crate) fn alike(self, other: E164) -> usize {
        let mut digits = self.digits().min(other.digits());
        let [mut one, mut another] = [self, other].map(|number| number.first(digits).unwrap_or(0));
        while one != another {
            (one, another, digits) = (one / 10, another / 10, digits - 1);
        }
        digits
    }

    /// Reads digits, each from 0 to 9.
    pub(crate) fn from_digits(digits: &[u8]) -> Option<Self> {
        if digits.len() > MAX_DIGITS || digits.first() == Some(&0) {
            return None;
        }
        Self::new(value_of(digits))
    }

    fn plan(self) -> Option<&'static Plan> {
        let first = self.first(3)?;
        [first / 100, first / 10, first].into_iter().find_map(|code| Plan::of(u16::try_from(code).ok()?))
    }

    /// Returns the digits, from 0 to 9, and how many they are.
    fn to_digits(self) -> ([u8; MAX_DIGITS], usize) {
        let mut digits = [0; MAX_DIGITS];
        let length = self.digits();
        let mut rest = self.as_u64();
        for digit in digits[..length].iter_mut().rev() {
            *digit = u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        (digits, length)
    }

    /// Writes it to the end of a text, the last digit first, and returns it.
    fn spell(self, text: &mut [u8; Number::LONGEST]) -> &[u8] {
        const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
            2021222324252627282930313233343536373839\
            4041424344454647484950515253545556575859\
            6061626364656667686970717273747576777879\
            8081828384858687888990919293949596979899";

        let (mut rest, mut begin) = (self.as_u64(), text.len());
        // Two digits to a step: every call spells its caller several times.
        for pair in text.as_chunks_mut().0.iter_mut().rev() {
            let at = 2 * (rest % 100) as usize;
            let (one, other) = (PAIRS[at], PAIRS[at + 1]);
            (*pair, begin) = match rest {
                0 => ([b' ', b'+'], begin - 1),
                1..10 => ([b'+', other], begin - 2),
                _ => ([one, other], begin - 2),
            };
            if rest < 10 {
                break;
            }
            rest /= 100;
        }
        &text[begin..]
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every call says it several times: without the formatter of integers, which takes five times as long.
        f.write_str(str::from_utf8(self.spell(&mut [0; Number::LONGEST])).unwrap_or_default())
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E164(+{})", self.0)
    }
}

/// ITU-T E.164 section 6.2: fifteen digits are the most.
pub(crate) const MAX_DIGITS: usize = 15;

/// The shortest numbers in use have a calling code of three digits and four more; one less is
/// left for callers that invent theirs.
const MIN_DIGITS: usize = 5;

pub(crate) fn decimal_digits(value: u64) -> usize {
    value.checked_ilog10().map_or(0, |log| log as usize + 1)
}

fn first_digits(value: u64, count: usize) -> Option<u64> {
    let dropped = decimal_digits(value).checked_sub(count)?;
    Some(value / POWERS.get(dropped)?)
}

/// The powers of ten, up to that of the longest word.
const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut place = 1;
    while place < powers.len() {
        powers[place] = 10 * powers[place - 1];
        place += 1;
    }
    powers
};

/// Reads at most eighteen digits as one decimal value.
fn value_of(digits: &[u8]) -> u64 {
    digits.iter().take(18).fold(0, |value, digit| value * 10 + u64::from(*digit))
}
