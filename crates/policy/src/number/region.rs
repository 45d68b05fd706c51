//! Regions: the countries and territories whose dialling habits give a number its meaning.

mod rows;

use std::fmt;

use self::rows::{REGIONS, Row};
use super::Digits;
use super::plan::Plan;
use crate::printable::printable;

/// A country or territory of ISO 3166-1, with the way numbers are written there.
///
/// ```
/// use ringfence_policy::Region;
///
/// let region = Region::parse("ch")?;
/// assert_eq!(region.as_str(), "CH");
/// assert_eq!(region.name(), "Switzerland");
/// assert_eq!(region.calling_code(), 41);
/// assert_eq!(
///     Region::parse("UK").unwrap_err().to_string(),
///     "expected a region such as `CH` or `US`, found `UK`; did you mean `GB` (United Kingdom)?"
/// );
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(u8);

/// What networks take for an emergency number everywhere.
const EVERYWHERE: [&str; 3] = ["112", "911", "999"];
/// No emergency number has more digits; a test looks at all of them.
pub(super) const LONGEST_EMERGENCY: usize = 5;

impl Region {
    /// Reads a two-letter code, in capitals or not.
    pub fn parse(code: &str) -> Result<Self, UnknownRegion> {
        let wanted = code.trim();
        Region::all()
            .find(|region| region.as_str().eq_ignore_ascii_case(wanted))
            .ok_or_else(|| UnknownRegion { found: printable(wanted).to_string(), near: near(wanted) })
    }

    /// Returns every region, in the order of the codes.
    pub fn all() -> impl Iterator<Item = Region> {
        (0..=u8::MAX).zip(&REGIONS).map(|(index, _)| Region(index))
    }

    /// Returns the two-letter code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().code
    }

    /// Returns the English name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the calling code, the first digits of a number after its `+`.
    #[must_use]
    pub fn calling_code(self) -> u16 {
        self.row().calling_code
    }

    /// Returns the emergency numbers of the region.
    pub fn emergency_numbers(self) -> impl Iterator<Item = &'static str> {
        self.row().emergency.split_ascii_whitespace()
    }

    /// Returns whether digits are an emergency number: of the region, or one of 112, 911 and 999,
    /// which networks take everywhere.
    #[must_use]
    pub fn is_emergency(self, digits: Digits) -> bool {
        let numbers = || self.emergency_numbers().chain(EVERYWHERE).filter_map(Digits::parse);
        // Nearly no number is as short.
        digits.count() <= LONGEST_EMERGENCY && numbers().any(|number| number == digits)
    }

    /// Returns every number that is an emergency number here, each once.
    pub(crate) fn emergencies(self) -> impl Iterator<Item = Digits> {
        let everywhere = EVERYWHERE.into_iter();
        let elsewhere = everywhere.filter(move |number| self.emergency_numbers().all(|own| own != *number));
        self.emergency_numbers().chain(elsewhere).filter_map(Digits::parse)
    }

    pub(super) fn plan(self) -> &'static Plan {
        Plan::of(self.calling_code()).expect("a test finds the plan of every region")
    }

    fn row(self) -> &'static Row {
        &REGIONS[usize::from(self.0)]
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({})", self.as_str())
    }
}

impl std::str::FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(code: &str) -> Result<Self, UnknownRegion> {
        Region::parse(code)
    }
}

/// A region code that is none, with those that look like it.
///
/// ```
/// use ringfence_policy::Region;
///
/// let error = Region::parse("Germany").unwrap_err();
/// assert_eq!(error.near()[0].as_str(), "DE");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRegion {
    found: String,
    near: Vec<Region>,
}

impl UnknownRegion {
    /// Returns what was found instead of a region.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }

    /// Returns the regions that may have been meant, the likeliest first.
    #[must_use]
    pub fn near(&self) -> &[Region] {
        &self.near
    }
}

impl fmt::Display for UnknownRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a region such as `CH` or `US`, found `{}`", self.found)?;
        for (index, region) in self.near.iter().enumerate() {
            let joint = if index == 0 { "; did you mean" } else { " or" };
            write!(f, "{joint} `{region}` ({})", region.name())?;
        }
        if self.near.is_empty() { Ok(()) } else { f.write_str("?") }
    }
}

impl std::error::Error for UnknownRegion {}

/// Finds the regions that a code or a name may stand for.
fn near(wanted: &str) -> Vec<Region> {
    if let Some((_, code)) = ALSO_CALLED.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)) {
        return Region::all().filter(|region| region.as_str() == *code).collect();
    }
    let wanted = wanted.to_lowercase();
    let named = |region: &Region| wanted.len() > 3 && region.name().to_lowercase().contains(&wanted);
    let by_name: Vec<Region> = Region::all().filter(named).take(MOST_HINTS).collect();
    if !by_name.is_empty() || wanted.chars().count() != 2 {
        return by_name;
    }
    let swapped: String = wanted.chars().rev().collect();
    Region::all().filter(|region| region.as_str().eq_ignore_ascii_case(&swapped)).collect()
}

const MOST_HINTS: usize = 3;

/// Names people write that are not the code of ISO 3166-1.
const ALSO_CALLED: [(&str, &str); 11] = [
    ("UK", "GB"),
    ("England", "GB"),
    ("USA", "US"),
    ("America", "US"),
    ("EL", "GR"),
    ("Deutschland", "DE"),
    ("GER", "DE"),
    ("Schweiz", "CH"),
    ("SUI", "CH"),
    ("Oesterreich", "AT"),
    ("Holland", "NL"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_has_a_plan() {
        for region in Region::all() {
            assert!(Plan::of(region.calling_code()).is_some(), "{region}");
        }
        assert_eq!(Region::all().count(), REGIONS.len());
    }

    #[test]
    fn every_code_is_read_back() {
        for region in Region::all() {
            assert_eq!(Region::parse(region.as_str()), Ok(region));
            assert_eq!(region.as_str().to_lowercase().parse(), Ok(region));
        }
    }

    #[test]
    fn a_name_or_a_slip_is_answered_with_the_code() {
        for (written, meant) in [("Switzerland", "CH"), ("usa", "US"), ("ED", "DE"), ("swede", "SE")] {
            let error = Region::parse(written).unwrap_err();
            assert_eq!(error.near().first().map(|region| region.as_str()), Some(meant), "{written}");
        }
        assert_eq!(
            Region::parse("QQ").unwrap_err().to_string(),
            "expected a region such as `CH` or `US`, found `QQ`"
        );
    }
}
