//! The beginning of a number, brought into the form in which numbers are compared.

use std::fmt;

use super::normalise::{after, has_international_prefix};
use super::plan::Plan;
use super::unresolved::LOCAL_FROM;
use super::written::Written;
use super::{Digits, MAX_DIGITS, Number, Region, decimal_digits, value_of};

/// The first digits of numbers: `+4179`, or of internal numbers: `10`.
///
/// ```
/// use ringfence_policy::{Pattern, Prefix, Region, normalise};
///
/// let switzerland = Region::parse("CH")?;
/// let Pattern::Prefix(mobiles) = Pattern::parse("079*", switzerland)? else { return Ok(()) };
/// assert_eq!(mobiles.to_string(), "+4179");
/// assert!(mobiles.begins(normalise("+41 79 123 45 67", switzerland)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Prefix {
    /// The first digits of full numbers, as one decimal value: no calling code begins with 0.
    E164(u64),
    /// The first digits of internal numbers.
    Internal(Digits),
}

impl Prefix {
    /// Returns whether a number begins with this.
    #[must_use]
    pub fn begins(self, number: Number) -> bool {
        match (self, number) {
            (Prefix::E164(prefix), Number::E164(number)) => {
                number.first(decimal_digits(prefix)) == Some(prefix)
            }
            (Prefix::Internal(prefix), Number::Internal(digits)) => {
                digits.first(prefix.count()) == Some(prefix)
            }
            (Prefix::E164(_), Number::Internal(_)) | (Prefix::Internal(_), Number::E164(_)) => false,
        }
    }

    /// Returns the first digits of it, if there are so many.
    pub(crate) fn first(self, count: usize) -> Option<Prefix> {
        match self {
            Prefix::E164(digits) => super::first_digits(digits, count).map(Prefix::E164),
            Prefix::Internal(digits) => digits.first(count).map(Prefix::Internal),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Prefix::E164(digits) => write!(f, "+{digits}"),
            Prefix::Internal(digits) => digits.fmt(f),
        }
    }
}

/// Why the beginning of a number is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// Other characters than digits, or none.
    NotDigits,
    /// More than fifteen digits.
    TooLong,
    /// It says nothing: `+*`.
    Everything,
    /// It is a dialling prefix with nothing behind it: `0*`.
    OnlyDialled,
    /// It can be read in two ways.
    Ambiguous([u64; 2]),
    /// It can begin an internal number, or a full one; the national reading is given, if any.
    Bare { digits: Digits, national: Option<u64> },
}

/// Brings the written beginning of a number into the form in which numbers are compared.
pub(crate) fn normalise_prefix(raw: &str, region: Region) -> Result<Prefix, Unfinished> {
    let written = match Written::read(raw) {
        Ok(written) => written,
        Err(super::Unresolved::Invalid(_)) => return Err(Unfinished::TooLong),
        Err(super::Unresolved::Ambiguous(_) | super::Unresolved::NotANumber)
            if matches!(raw.trim(), "" | "+") =>
        {
            return Err(Unfinished::Everything);
        }
        Err(super::Unresolved::Ambiguous(_) | super::Unresolved::NotANumber) => {
            return Err(Unfinished::NotDigits);
        }
    };
    let symbols = written.symbols();
    if written.is_global {
        return if written.has_signs() { Err(Unfinished::NotDigits) } else { international(symbols) };
    }
    if written.is_internal || written.has_signs() {
        let digits = Digits::from_symbols(symbols.iter().map(|symbol| Some(*symbol)));
        return digits.map(Prefix::Internal).ok_or(Unfinished::TooLong);
    }
    dialled(symbols, written.context.unwrap_or(region.plan()))
}

fn international(digits: &[u8]) -> Result<Prefix, Unfinished> {
    if digits.len() > MAX_DIGITS {
        return Err(Unfinished::TooLong);
    }
    if digits.first() == Some(&0) {
        return Err(Unfinished::NotDigits);
    }
    Ok(Prefix::E164(mended(digits).unwrap_or_else(|| value_of(digits))))
}

/// Takes a trunk prefix out that was left in: `+44 (0)20*`.
fn mended(digits: &[u8]) -> Option<u64> {
    let plan = Plan::of_international(digits)?;
    let written = digits.get(plan.calling_code_digits()..)?;
    if written.is_empty() || plan.begins_a_number(written) {
        return None;
    }
    let mut rests = plan.trunk_prefixes().filter_map(|trunk| after(written, trunk));
    rests.find_map(|rest| behind_code(rest, plan))
}

/// Resolves the beginning of a number without a `+`: by exactly one of the forms that the region
/// writes. Digits without any prefix are taken only when no extension can begin so.
fn dialled(digits: &[u8], plan: &'static Plan) -> Result<Prefix, Unfinished> {
    let internationals = plan
        .international_prefixes()
        .filter_map(|prefix| after(digits, prefix))
        .filter(|rest| begins_a_calling_code(rest))
        .map(|rest| mended(rest).unwrap_or_else(|| value_of(rest)));
    let trunks = plan
        .trunk_prefixes()
        .filter(|trunk| trunk.starts_with('0') || digits.len() > LONGEST_EXTENSION_RANGE)
        .filter_map(|trunk| after(digits, trunk))
        .flat_map(|rest| nationals(rest, plan));
    let cannot_be_internal = digits.first() == Some(&0) || digits.len() >= LOCAL_FROM;
    let is_national =
        plan.writes_national_bare() && cannot_be_internal && !has_international_prefix(digits, plan);
    let bare = is_national.then(|| nationals(digits, plan)).into_iter().flatten();

    let mut readings = internationals.chain(trunks).chain(bare);
    let Some(one) = readings.next() else { return Err(without_reading(digits, plan)) };
    match readings.find(|other| *other != one) {
        Some(other) => Err(Unfinished::Ambiguous([one, other])),
        None if decimal_digits(one) > MAX_DIGITS => Err(Unfinished::TooLong),
        None => Ok(Prefix::E164(one)),
    }
}

/// Who blocks a range of extensions writes at most so many digits of it: `12*` is one, `1312*` not.
const LONGEST_EXTENSION_RANGE: usize = 3;

fn without_reading(digits: &[u8], plan: &'static Plan) -> Unfinished {
    let mut dialled = plan.international_prefixes().chain(plan.trunk_prefixes());
    if digits.first() == Some(&0) && dialled.any(|prefix| begins(prefix, digits)) {
        return Unfinished::OnlyDialled;
    }
    match Digits::from_symbols(digits.iter().map(|digit| Some(*digit))) {
        Some(digits_) => Unfinished::Bare { digits: digits_, national: nationals(digits, plan).next() },
        None => Unfinished::TooLong,
    }
}

/// Returns whether the digits are the beginning of a dialling prefix, or all of it.
fn begins(prefix: &str, digits: &[u8]) -> bool {
    digits.len() <= prefix.len()
        && digits.iter().zip(prefix.bytes()).all(|(digit, byte)| *digit == byte - b'0')
}

fn begins_a_calling_code(digits: &[u8]) -> bool {
    match digits {
        [] | [0, ..] => false,
        [_] | [_, _] => true,
        [..] => Plan::of_international(digits).is_some(),
    }
}

/// Reads the beginning of a national number: of each plan that a whole number may be of.
fn nationals(digits: &[u8], plan: &'static Plan) -> impl Iterator<Item = u64> {
    plan.dialled_from(digits).filter_map(|plan| behind_code(digits, plan))
}

/// Reads the beginning of a national number of just this plan.
fn behind_code(digits: &[u8], plan: &Plan) -> Option<u64> {
    plan.begins_a_number(digits).then_some(())?;
    let scale = 10_u64.checked_pow(u32::try_from(digits.len()).ok()?)?;
    u64::from(plan.calling_code()).checked_mul(scale)?.checked_add(value_of(digits))
}
