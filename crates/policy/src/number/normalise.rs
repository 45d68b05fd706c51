//! From written digits to a number, by the habits of one region.
//!
//! ```text
//!  +41 79 123 45 67        a full number
//!  0041 79…  011 41 79…    an international prefix, then a full number
//!  079 123 45 67           a trunk prefix, then a national number
//!  312 555 0177            a national number, where the region writes it without a trunk prefix
//!  1002  *97  118          up to six digits: an internal number
//! ```
//!
//! An emergency number is itself also where a network writes it like a full one: `+112`, `+41112`
//! and `0041112` are 112.
//!
//! These are the forms a region writes. Exactly one of them must fit. When none does, a prefix may
//! have been lost on the way: `41791234567` without its `+`, `791234567` without its `0`. Such a
//! form is taken when it is the only one that fits, and is ambiguous otherwise. A form the region
//! writes is always preferred to a damaged one.

use super::plan::Plan;
use super::region::LONGEST_EMERGENCY;
use super::unresolved::LOCAL_FROM;
use super::written::Written;
use super::{Ambiguous, Digits, E164, Invalid, MAX_DIGITS, Number, Region, Unresolved};

/// Brings a written number into the form in which numbers are compared.
///
/// Takes the user part of a SIP URI, a whole `tel:` or `sip:` URI, or a number as people write it;
/// parameters and separators fall away. Allocates nothing.
///
/// ```
/// use ringfence_policy::{Region, normalise};
///
/// let italy = Region::parse("IT")?;
/// assert_eq!(normalise("06 1234 5678", italy)?.to_string(), "+390612345678"); // Italy keeps its 0
/// assert_eq!(normalise("tel:+39-06-12345678;verstat=No-TN-Validation", italy)?.to_string(), "+390612345678");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn normalise(raw: &str, region: Region) -> Result<Number, Unresolved> {
    let written = Written::read(raw)?.without_end_sign();
    let symbols = written.symbols();
    let has_signs = written.has_signs();
    if written.is_internal || (has_signs && !written.is_global) {
        return internal(symbols).ok_or(Unresolved::Invalid(Invalid::TooLong));
    }
    if has_signs {
        return Err(Unresolved::NotANumber);
    }
    let plan = written.context.unwrap_or(region.plan());
    if let Some(number) = emergency_in_full(symbols, written.is_global, plan, region) {
        return Ok(number);
    }
    if written.is_global {
        let number = past_a_prefix(symbols, plan).map_or_else(|| international(symbols), Ok);
        return number.map(Number::E164).map_err(Unresolved::Invalid);
    }
    match emergency(symbols, region) {
        Some(number) => Ok(number),
        None => dialled(symbols, plan),
    }
}

/// Reads an emergency number of the region behind a `+`, its calling code or both, unless a full number has that form.
fn emergency_in_full(digits: &[u8], is_global: bool, plan: &'static Plan, region: Region) -> Option<Number> {
    if is_global
        && digits.len() <= LONGEST_EMERGENCY
        && let Some(number) = emergency(digits, region)
    {
        return Some(number);
    }
    // Nearly every number is longer, and done with here.
    let most_before = region.plan().calling_code_digits() + plan.longest_international_prefix();
    if digits.len() > most_before + LONGEST_EMERGENCY {
        return None;
    }
    let behind_code = |full: &[u8]| {
        let (code, rest) = full.split_at_checked(region.plan().calling_code_digits())?;
        let is_own =
            rest.len() <= LONGEST_EMERGENCY && super::value_of(code) == u64::from(region.calling_code());
        if is_own && plausible_international(full).is_none() { emergency(rest, region) } else { None }
    };
    if is_global && let Some(number) = behind_code(digits) {
        return Some(number);
    }
    // Five digits, such as 10111, would be kept as a full number behind an international prefix.
    let alone = |rest: &[u8]| E164::from_digits(rest).and_then(|_| emergency(rest, region));
    let mut rests = plan.international_prefixes().filter_map(|prefix| after(digits, prefix));
    rests.find_map(|rest| behind_code(rest).or_else(|| alone(rest)))
}

fn emergency(digits: &[u8], region: Region) -> Option<Number> {
    match internal(digits) {
        Some(Number::Internal(digits)) if region.is_emergency(digits) => Some(Number::Internal(digits)),
        _ => None,
    }
}

/// Resolves digits without a `+`.
fn dialled(digits: &[u8], plan: &'static Plan) -> Result<Number, Unresolved> {
    let standard = standard_readings(digits, plan);
    let can_be_local = plan.is_local_length(digits.len()) && national(digits, plan) == standard.0[0];
    let short = digits.len() < LOCAL_FROM;
    match standard.0 {
        [None, _] if short && !has_international_prefix(digits, plan) => {
            internal(digits).ok_or(Unresolved::Invalid(Invalid::TooLong))
        }
        [None, _] if short => Err(Unresolved::Invalid(Invalid::TooShort)),
        [None, _] => damaged(digits, plan),
        [Some(one), None] if digits.len() > LONGEST_PLAIN_EXTENSION && !can_be_local => Ok(Number::E164(one)),
        [Some(_), _] => Err(ambiguous(digits, standard)),
    }
}

/// Islands have whole numbers of four digits, PBXs everywhere have extensions of four.
const LONGEST_PLAIN_EXTENSION: usize = 4;

/// Reads digits in the forms that the region writes.
fn standard_readings(digits: &[u8], plan: &'static Plan) -> Readings {
    let mut readings = Readings::default();
    for prefix in plan.international_prefixes() {
        if let Some(number) = after(digits, prefix).and_then(plausible_international) {
            readings.add(number);
        }
    }
    for prefix in plan.trunk_prefixes() {
        if let Some(number) = after(digits, prefix).and_then(|rest| behind_trunk(rest, plan)) {
            readings.add(number);
        }
    }
    if plan.writes_national_bare()
        && !has_international_prefix(digits, plan)
        && let Some(number) = national(digits, plan)
    {
        readings.add(number);
        // The one damaged form that is met daily: the same digits with their calling code.
        if let Some(number) = own_country(digits, plan) {
            readings.add(number);
        }
    }
    readings
}

/// Reads a full number of the plan's own country that has lost its `+`.
fn own_country(digits: &[u8], plan: &Plan) -> Option<E164> {
    plausible_international(digits).filter(|number| number.calling_code() == Some(plan.calling_code()))
}

/// Reads digits that have lost a prefix on the way.
fn damaged(digits: &[u8], plan: &'static Plan) -> Result<Number, Unresolved> {
    if let Some(rest) = only_international(digits, plan) {
        return international(rest).map(Number::E164).map_err(Unresolved::Invalid);
    }
    let mut readings = Readings::default();
    if digits.first() != Some(&0) {
        if let Some(number) = plausible_international(digits)
            && (digits.len() >= LOST_PLUS_FROM || number.calling_code() == Some(plan.calling_code()))
        {
            readings.add(number);
        }
        if !plan.writes_national_bare()
            && digits.len() <= LONGEST_ORDINARY_NATIONAL
            && let Some(number) = national(digits, plan)
        {
            readings.add(number);
        }
    }
    let is_local = plan.is_local_length(digits.len());
    match readings.0 {
        [None, _] if digits.len() > MAX_DIGITS => Err(Unresolved::Invalid(Invalid::TooLong)),
        [Some(one), None] if !is_local => Ok(Number::E164(one)),
        [None, _] if !is_local && digits.len() > LONGEST_LOCAL => {
            Err(Unresolved::Invalid(Invalid::NoReading))
        }
        [None | Some(_), _] => Err(ambiguous(digits, readings)),
    }
}

/// Foreign numbers are at least this long with their calling code, save a few on islands.
const LOST_PLUS_FROM: usize = 9;

/// National numbers of more digits are services and direct dialling into PBXs.
const LONGEST_ORDINARY_NATIONAL: usize = 11;

/// No plan has more digits inside one area.
const LONGEST_LOCAL: usize = 8;

/// Reads a full number. One that its plan does not have is kept, unless a trunk prefix was left
/// in it by mistake.
fn international(digits: &[u8]) -> Result<E164, Invalid> {
    if digits.len() > MAX_DIGITS {
        return Err(Invalid::TooLong);
    }
    mended(digits).or_else(|| E164::from_digits(digits)).ok_or(match digits.first() {
        Some(0) => Invalid::NoReading,
        _ => Invalid::TooShort,
    })
}

/// Reads a full number behind a `+` and an international prefix as well, as some PBXs write it:
/// `+0041…` can be nothing else, since no calling code begins with 0.
fn past_a_prefix(digits: &[u8], plan: &'static Plan) -> Option<E164> {
    if digits.first() != Some(&0) {
        return None;
    }
    let mut readings = Readings::default();
    for prefix in plan.international_prefixes().chain(["00"]).filter(|prefix| prefix.starts_with('0')) {
        if prefix.len() > 1
            && let Some(number) = after(digits, prefix).and_then(plausible_international)
        {
            readings.add(number);
        }
    }
    match readings.0 {
        [Some(one), None] => Some(one),
        [_, _] => None,
    }
}

/// Reads a full number that its plan has, also with a trunk prefix left in: `+44 (0)20 7946 0321`.
fn plausible_international(digits: &[u8]) -> Option<E164> {
    mended(digits).or_else(|| E164::from_digits(digits).filter(|number| number.fault().is_none()))
}

/// Takes a digit out of a full number that does not belong there, if that makes it plausible.
fn mended(digits: &[u8]) -> Option<E164> {
    let plan = Plan::of_international(digits)?;
    let written = digits.get(plan.calling_code_digits()..)?;
    if plan.is_plausible(written) {
        return None;
    }
    let trunks = plan.trunk_prefixes().chain((plan.calling_code() == MEXICO).then_some("1"));
    let mut rests =
        trunks.filter_map(|trunk| after(written, trunk)).filter_map(|rest| behind_code(rest, plan));
    rests.next()
}

/// Mexico put a 1 before mobile numbers called from abroad, until 2019; networks still send it.
const MEXICO: u16 = 52;

/// Reads what stands behind a trunk prefix: a national number, in Argentina with the 15 of mobiles between area and number,
/// which is a 9 before the area from abroad, in Brazil with the two digits of a carrier before it.
fn behind_trunk(digits: &[u8], plan: &'static Plan) -> Option<E164> {
    let as_dialled = match (plan.calling_code(), digits) {
        (ARGENTINA, [1, 1, 1, 5, ..]) => mobile(digits, 2),
        (ARGENTINA, [2 | 3, _, _, 1, 5, ..]) => mobile(digits, 3),
        (ARGENTINA, [2 | 3, _, _, _, 1, 5, ..]) => mobile(digits, 4),
        (BRAZIL, [1..=9, 1..=9, number @ ..]) if digits.len() > 11 => national(number, plan),
        (_, _) => None,
    };
    national(digits, plan).or(as_dialled)
}

const ARGENTINA: u16 = 54;
const BRAZIL: u16 = 55;
const TEN_DIGITS: u64 = 10_000_000_000;

/// Reads an Argentine mobile whose area code has so many digits, as it is dialled within Argentina.
fn mobile(digits: &[u8], area: usize) -> Option<E164> {
    let (area, rest) = digits.split_at_checked(area)?;
    let number = rest.get(2..)?;
    if area.len() + number.len() != 10 {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(number.len()).ok()?);
    E164::new(549 * TEN_DIGITS + super::value_of(area) * scale + super::value_of(number))
}

/// Reads a national number of a plan, which is that of another where the two dial each other as one.
fn national(digits: &[u8], plan: &'static Plan) -> Option<E164> {
    behind_code(digits, plan.dialled_from(digits).next().unwrap_or(plan))
}

/// Reads a national number of just this plan.
fn behind_code(digits: &[u8], plan: &'static Plan) -> Option<E164> {
    if !plan.is_plausible(digits) {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(digits.len()).ok()?);
    E164::new(u64::from(plan.calling_code()) * scale + super::value_of(digits))
}

fn internal(symbols: &[u8]) -> Option<Number> {
    Digits::from_symbols(symbols.iter().map(|symbol| Some(*symbol))).map(Number::Internal)
}

fn ambiguous(digits: &[u8], readings: Readings) -> Unresolved {
    match Digits::from_symbols(digits.iter().map(|digit| Some(*digit))) {
        Some(digits) => Unresolved::Ambiguous(Ambiguous::new(digits, readings.0)),
        None => Unresolved::Invalid(Invalid::TooLong),
    }
}

/// Returns what follows a prefix.
pub(super) fn after<'a>(digits: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    let (start, rest) = digits.split_at_checked(prefix.len())?;
    let is_prefix = start.iter().zip(prefix.bytes()).all(|(digit, byte)| *digit == byte - b'0');
    is_prefix.then_some(rest)
}

pub(super) fn has_international_prefix(digits: &[u8], plan: &'static Plan) -> bool {
    plan.international_prefixes().any(|prefix| prefix.len() > 1 && after(digits, prefix).is_some())
}

/// Returns what follows the international prefix, when the digits have exactly one and it can
/// be nothing else.
fn only_international<'a>(digits: &'a [u8], plan: &'static Plan) -> Option<&'a [u8]> {
    let mut rests = plan.international_prefixes().filter_map(|prefix| after(digits, prefix));
    let rest = rests.next()?;
    let is_calling_code = Plan::of_international(rest).is_some();
    (is_calling_code && rests.next().is_none()).then_some(rest)
}

/// The different readings of some digits; a third changes nothing.
#[derive(Default, Clone, Copy)]
struct Readings([Option<E164>; 2]);

impl Readings {
    fn add(&mut self, number: E164) {
        if self.0.contains(&Some(number)) {
            return;
        }
        if let Some(place) = self.0.iter_mut().find(|place| place.is_none()) {
            *place = Some(number);
        }
    }
}
