//! The numbering plans of the world: what a number may begin with and how long it may be.
//!
//! One row a calling code: the international prefixes dialled from there, the trunk prefixes
//! before a national number, and the lengths a national number has by its first digit (the
//! national (significant) number of ITU-T E.164, without the trunk prefix). The facts are those
//! of the ITU's lists of dialling procedures and of the published national plans. They are kept
//! generous: a plan says what is plausible, not what is assigned.

mod french;
mod rows;

use rows::PLANS;

/// A numbering plan: the country, or countries, behind one calling code.
#[derive(Debug)]
pub(super) struct Plan {
    calling_code: u16,
    /// Separated by spaces.
    international_prefixes: &'static str,
    /// Separated by spaces.
    trunk_prefixes: &'static str,
    /// Whether a national number is also complete as written without a trunk prefix.
    trunk_is_optional: bool,
    /// By first digit: bit `n` is set when a national number of `n` digits may begin with it.
    lengths: [u16; 10],
    /// Bit `n` is set when `n` digits are dialled inside one area, without its code.
    local: u16,
}

impl Plan {
    /// Returns the plan behind a calling code.
    pub(super) fn of(calling_code: u16) -> Option<&'static Plan> {
        PLANS.get(usize::from(*BY_CALLING_CODE.get(usize::from(calling_code))?))
    }

    /// Returns all plans, in the order of their calling codes.
    pub(super) fn all() -> impl Iterator<Item = &'static Plan> {
        PLANS.iter()
    }

    /// Returns the plan whose calling code a full international number begins with.
    pub(super) fn of_international(digits: &[u8]) -> Option<&'static Plan> {
        if digits.first() == Some(&0) {
            return None;
        }
        let mut code = 0;
        digits.iter().take(3).find_map(|digit| {
            code = code * 10 + u16::from(*digit);
            Plan::of(code)
        })
    }

    pub(super) fn calling_code(&self) -> u16 {
        self.calling_code
    }

    pub(super) fn calling_code_digits(&self) -> usize {
        match self.calling_code {
            ..10 => 1,
            10..100 => 2,
            _ => 3,
        }
    }

    pub(super) fn international_prefixes(&self) -> impl Iterator<Item = &'static str> {
        self.international_prefixes.split_ascii_whitespace()
    }

    /// Returns a length that no international prefix exceeds.
    pub(super) fn longest_international_prefix(&self) -> usize {
        self.international_prefixes.len()
    }

    pub(super) fn trunk_prefixes(&self) -> impl Iterator<Item = &'static str> {
        self.trunk_prefixes.split_ascii_whitespace()
    }

    /// Returns the plans that a number may be of which is dialled by these national digits, as far as they go: one, unless more
    /// digits are needed to tell.
    pub(super) fn dialled_from(&'static self, national: &[u8]) -> impl Iterator<Item = &'static Plan> {
        let codes = OVERSEAS.contains(&self.calling_code).then(|| french::codes(national, self.calling_code));
        let others = codes.into_iter().flatten().filter_map(Plan::of);
        let own = (!OVERSEAS.contains(&self.calling_code)).then_some(self);
        own.into_iter().chain(others)
    }

    /// Returns whether this country and one behind another calling code dial each other as one.
    pub(super) fn dials_as_one_with(&self, other: u16) -> bool {
        let is_french = |code: u16| code == FRANCE || OVERSEAS.contains(&code);
        is_french(self.calling_code) && is_french(other)
    }

    /// Returns whether a national number is complete without a trunk prefix.
    pub(super) fn writes_national_bare(&self) -> bool {
        self.trunk_is_optional
    }

    /// Returns whether these digits can be a national (significant) number.
    pub(super) fn is_plausible(&self, national: &[u8]) -> bool {
        national.first().is_some_and(|first| self.is_plausible_length(*first, national.len()))
            && self.begins_without_trunk(national)
            && (self.calling_code != NORTH_AMERICA || is_north_american(super::value_of(national)))
    }

    /// Returns whether a national number that begins with this digit may have so many.
    pub(super) fn is_plausible_length(&self, first: u8, digits: usize) -> bool {
        contains(self.lengths_from(first), digits)
    }

    /// Returns whether any national number begins with this digit.
    fn begins_with(&self, first: u8) -> bool {
        self.lengths_from(first) != 0
    }

    /// Returns whether a national number may begin with these digits, as far as they go.
    pub(super) fn begins_a_number(&self, start: &[u8]) -> bool {
        start.first().is_some_and(|first| self.begins_with(*first)) && self.begins_without_trunk(start)
    }

    /// Returns whether digits that begin like the trunk prefix are a national number's own: services that are called from
    /// abroad begin so, and `+81 (0)90…` is none of them.
    fn begins_without_trunk(&self, national: &[u8]) -> bool {
        match (self.calling_code, national) {
            (BELARUS, [8, 0, area, ..]) => {
                matches!(area, 0 | 1 | 3) && national.len() <= LONGEST_BELARUSIAN_80
            }
            (BELARUS, [8, 1 | 2, area, ..]) => *area == 0,
            (BELARUS, [8, second, ..]) => *second <= 2,
            // Rwanda's own numbers begin with 06.
            (RWANDA, _) => true,
            (_, [0, second, ..]) => *second == 0 || self.trunk_prefixes().all(|trunk| trunk != "0"),
            _ => true,
        }
    }

    /// Returns the lengths a national number that begins with this digit may have.
    pub(super) fn expected_lengths(&self, first: u8) -> impl Iterator<Item = usize> {
        let lengths = self.lengths_from(first);
        (1..16).filter(move |length| contains(lengths, *length))
    }

    /// Returns whether so many digits can be a number dialled inside one area.
    pub(super) fn is_local_length(&self, digits: usize) -> bool {
        contains(self.local, digits)
    }

    fn lengths_from(&self, first: u8) -> u16 {
        self.lengths.get(usize::from(first)).copied().unwrap_or(0)
    }
}

/// Belarus writes 8, or 80, before an area code of two digits; its services begin with 800, 801, 803, 810 and 820.
const BELARUS: u16 = 375;

/// Services that begin with 80 have ten digits at most, 80 and a national number eleven.
const LONGEST_BELARUSIAN_80: usize = 10;

const RWANDA: u16 = 250;

const FRANCE: u16 = 33;

/// Réunion and Mayotte, Guadeloupe, French Guiana, Martinique: calling codes within the numbering plan of France.
const OVERSEAS: [u16; 4] = [262, 590, 594, 596];

/// The calling code of North America.
pub(super) const NORTH_AMERICA: u16 = 1;

/// Returns whether ten digits have an area code and an exchange such as North America has: three digits each, the first of
/// them 2 to 9, and no code is a short code such as 911. Toll-free and other services, whose area code ends in two
/// equal digits, do have exchanges such as 411.
pub(super) fn is_north_american(national: u64) -> bool {
    let (area, exchange) = (national / 10_000_000 % 1000, national / 10_000 % 1000);
    let is_service = area / 10 % 10 == area % 10;
    area >= 200 && exchange >= 200 && area % 100 != 11 && (is_service || exchange % 100 != 11)
}

fn contains(lengths: u16, length: usize) -> bool {
    length < 16 && lengths & (1 << length) != 0
}

/// Where the plan of each calling code stands; beyond all plans for a code that is not in use.
static BY_CALLING_CODE: [u8; 1000] = {
    let mut places = [u8::MAX; 1000];
    let mut place = 0_u8;
    while (place as usize) < PLANS.len() {
        places[PLANS[place as usize].calling_code as usize] = place;
        place += 1;
    }
    places
};

#[cfg(test)]
mod tests {
    use super::rows::plan;
    use super::*;

    #[test]
    fn the_rows_are_in_the_order_of_their_calling_codes() {
        assert!(PLANS.is_sorted_by_key(|plan| plan.calling_code));
    }

    #[test]
    fn no_calling_code_begins_another() {
        for plan in &PLANS {
            let mut code = plan.calling_code / 10;
            while code > 0 {
                assert!(Plan::of(code).is_none(), "{} begins with {code}", plan.calling_code);
                code /= 10;
            }
        }
    }

    #[test]
    fn a_row_is_read_as_it_is_written() {
        let row = plan(41, "00", "0", "2-79:9 8:9,12", "6,7");
        let firsts: Vec<u8> = (0..10).filter(|digit| row.begins_with(*digit)).collect();
        assert_eq!(firsts, [2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(row.expected_lengths(8).collect::<Vec<_>>(), [9, 12]);
        assert_eq!(row.expected_lengths(7).collect::<Vec<_>>(), [9]);
        assert!(row.is_local_length(6) && row.is_local_length(7) && !row.is_local_length(0));
        assert!(!row.writes_national_bare());
    }

    #[test]
    fn every_plan_has_a_number_that_fits_in_fifteen_digits() {
        for plan in &PLANS {
            for first in (0..10).filter(|first| plan.begins_with(*first)) {
                assert!(
                    plan.expected_lengths(first).all(|n| n >= 4 && n + plan.calling_code_digits() <= 15),
                    "{}",
                    plan.calling_code
                );
            }
        }
    }
}
