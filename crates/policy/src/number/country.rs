//! Which country a number is of, also where several share a calling code.

use super::normalise::after;
use super::services::SHARED;
use super::{E164, Region};

impl E164 {
    /// Returns the country or territory that has the number. `None` when its calling code is no
    /// country's, or when it is shared and the number is of no country in particular, as a
    /// toll-free one of +1.
    ///
    /// ```
    /// use ringfence_policy::E164;
    ///
    /// let country = |digits| Some(E164::new(digits)?.country()?.name());
    /// assert_eq!(country(12_125_550_123), Some("United States"));
    /// assert_eq!(country(14_165_550_123), Some("Canada"));
    /// assert_eq!(country(18_765_550_123), Some("Jamaica"));
    /// assert_eq!(country(77_012_345_678), Some("Kazakhstan"));
    /// assert_eq!(country(18_005_550_123), None);
    /// ```
    #[must_use]
    pub fn country(self) -> Option<Region> {
        let plan = self.plan()?;
        let code = plan.calling_code();
        let from = SHARED.partition_point(|row| row.calling_code < code);
        let rows = || SHARED.iter().skip(from).take_while(|row| row.calling_code == code);
        let Some(first) = rows().next() else {
            return Region::all().find(|region| region.calling_code() == code);
        };
        let (digits, length) = self.to_digits();
        let national = &digits[plan.calling_code_digits()..length];
        let fitting = rows().flat_map(|row| {
            let prefixes = row.prefixes.split_ascii_whitespace();
            let fitting = prefixes.filter(|prefix| after(national, prefix).is_some());
            fitting.map(|prefix| (prefix.len(), row.region))
        });
        let region = fitting.max().map_or(first.region, |(_, region)| region);
        Region::all().find(|known| known.as_str() == region)
    }

    /// Returns whether a region has the number: as its own, or as one of no country in particular
    /// that is behind its calling code.
    ///
    /// ```
    /// use ringfence_policy::{E164, Region};
    ///
    /// let [us, canada] = [Region::parse("US")?, Region::parse("CA")?];
    /// let toll_free = E164::new(18_005_550_123).expect("eleven digits");
    /// assert!(toll_free.is_of(us) && toll_free.is_of(canada));
    /// let toronto = E164::new(14_165_550_123).expect("eleven digits");
    /// assert!(!toronto.is_of(us) && toronto.is_of(canada));
    /// # Ok::<(), ringfence_policy::UnknownRegion>(())
    /// ```
    #[must_use]
    pub fn is_of(self, region: Region) -> bool {
        self.calling_code() == Some(region.calling_code())
            && self.country().is_none_or(|country| country == region)
    }

    /// Returns whether a call between the number and a region crosses a border. Territories that
    /// dial as a part of another country, such as Jersey and Puerto Rico, are not abroad of it.
    ///
    /// ```
    /// use ringfence_policy::{E164, Region};
    ///
    /// let us = Region::parse("US")?;
    /// let abroad = |digits| E164::new(digits).map(|number| number.is_abroad(us));
    /// assert_eq!(abroad(442_079_460_123), Some(true));
    /// assert_eq!(abroad(18_765_550_123), Some(true)); // Jamaica, though of +1
    /// assert_eq!(abroad(17_875_550_123), Some(false)); // Puerto Rico
    /// assert_eq!(abroad(18_005_550_123), Some(false));
    /// # Ok::<(), ringfence_policy::UnknownRegion>(())
    /// ```
    #[must_use]
    pub fn is_abroad(self, region: Region) -> bool {
        let code = self.calling_code();
        if code.is_some_and(|code| code != region.calling_code() && region.plan().dials_as_one_with(code)) {
            return false;
        }
        code != Some(region.calling_code())
            || self.country().is_some_and(|country| {
                country != region && mainland(country.as_str()) != mainland(region.as_str())
            })
    }
}

/// Returns the country that a territory dials as a part of.
fn mainland(region: &str) -> &str {
    MAINLANDS.iter().find(|(territory, _)| *territory == region).map_or(region, |(_, mainland)| mainland)
}

/// Territories behind the calling code of another country, that dial as a part of it.
const MAINLANDS: [(&str, &str); 18] = [
    ("AS", "US"),
    ("GU", "US"),
    ("MP", "US"),
    ("PR", "US"),
    ("VI", "US"),
    ("GG", "GB"),
    ("IM", "GB"),
    ("JE", "GB"),
    ("VA", "IT"),
    ("SJ", "NO"),
    ("CC", "AU"),
    ("CX", "AU"),
    ("EH", "MA"),
    ("YT", "RE"),
    ("TA", "SH"),
    ("AX", "FI"),
    ("BL", "GP"),
    ("MF", "GP"),
];

/// Which numbers behind a shared calling code are of a region; of none when it is empty.
#[derive(Debug)]
pub(super) struct Shared {
    calling_code: u16,
    region: &'static str,
    prefixes: &'static str,
}

pub(super) const fn shared(calling_code: u16, region: &'static str, prefixes: &'static str) -> Shared {
    Shared { calling_code, region, prefixes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_in_the_order_of_their_calling_codes() {
        assert!(SHARED.is_sorted_by_key(|row| row.calling_code));
    }

    #[test]
    fn every_region_behind_a_shared_code_has_a_row_and_every_row_a_region() {
        for region in Region::all() {
            let sharing = Region::all().filter(|other| other.calling_code() == region.calling_code()).count();
            let has_row = SHARED.iter().any(|row| row.region == region.as_str());
            assert_eq!(has_row, sharing > 1, "{region}");
        }
        for row in SHARED.iter().filter(|row| !row.region.is_empty()) {
            let region = Region::parse(row.region).unwrap();
            assert_eq!(region.calling_code(), row.calling_code, "{region}");
        }
    }

    #[test]
    fn a_territory_and_its_mainland_share_a_calling_code() {
        for (territory, mainland) in MAINLANDS {
            let [territory, mainland] = [territory, mainland].map(|code| Region::parse(code).unwrap());
            assert_eq!(territory.calling_code(), mainland.calling_code(), "{territory}");
        }
    }
}
