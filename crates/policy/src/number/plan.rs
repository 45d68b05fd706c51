//! The numbering plans of the world: what a number may begin with and how long it may be.
//!
//! One row a calling code: the international prefixes dialled from there, the trunk prefixes
//! before a national number, and the lengths a national number has by its first digit (the
//! national (significant) number of ITU-T E.164, without the trunk prefix). The facts are those
//! of the ITU's lists of dialling procedures and of the published national plans. They are kept
//! generous: a plan says what is plausible, not what is assigned.

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

    /// Returns whether a national number is complete without a trunk prefix.
    pub(super) fn writes_national_bare(&self) -> bool {
        self.trunk_is_optional
    }

    /// Returns whether these digits can be a national (significant) number.
    pub(super) fn is_plausible(&self, national: &[u8]) -> bool {
        national.first().is_some_and(|first| self.is_plausible_length(*first, national.len()))
            && (self.calling_code != NORTH_AMERICA || is_north_american(super::value_of(national)))
    }

    /// Returns whether a national number that begins with this digit may have so many.
    pub(super) fn is_plausible_length(&self, first: u8, digits: usize) -> bool {
        contains(self.lengths_from(first), digits)
    }

    /// Returns whether any national number begins with this digit.
    pub(super) fn begins_with(&self, first: u8) -> bool {
        self.lengths_from(first) != 0
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

/// The calling code of North America.
pub(super) const NORTH_AMERICA: u16 = 1;

/// Returns whether ten digits have an area code and an exchange such as North America has: `NXX NXX XXXX`, where
/// N is 2 to 9 and no code is a short code such as 911. Toll-free and other services, whose area code ends in two
/// equal digits, do have exchanges such as 411.
pub(super) fn is_north_american(national: u64) -> bool {
    let (area, exchange) = (national / 10_000_000 % 1000, national / 10_000 % 1000);
    let is_service = area / 10 % 10 == area % 10;
    area >= 200 && exchange >= 200 && area % 100 != 11 && (is_service || exchange % 100 != 11)
}

fn contains(lengths: u16, length: usize) -> bool {
    length < 16 && lengths & (1 << length) != 0
}

/// Reads a row. A trunk prefix with `?` may be left out, an empty one does not exist; lengths are
/// groups of `first digits:lengths`, both lists with ranges.
const fn plan(
    calling_code: u16,
    international_prefixes: &'static str,
    trunk: &'static str,
    lengths: &'static str,
    local: &'static str,
) -> Plan {
    let (trunk_prefixes, marked) = match trunk.as_bytes() {
        [before @ .., b'?'] => (trunk.split_at(before.len()).0, true),
        _ => (trunk, false),
    };
    Plan {
        calling_code,
        international_prefixes,
        trunk_prefixes,
        trunk_is_optional: marked || trunk.is_empty(),
        lengths: lengths_by_first_digit(lengths.as_bytes()),
        local: set(local.as_bytes(), 0, local.len(), true),
    }
}

const fn lengths_by_first_digit(text: &[u8]) -> [u16; 10] {
    let mut lengths = [0; 10];
    let mut at = 0;
    while at < text.len() {
        let colon = find(text, at, b':');
        let end = find(text, colon, b' ');
        let firsts = set(text, at, colon, false);
        let group = set(text, colon + 1, end, true);
        let mut digit = 0;
        while digit < 10 {
            if firsts & (1 << digit) != 0 {
                lengths[digit] |= group;
            }
            digit += 1;
        }
        at = end + 1;
    }
    lengths
}

/// Reads a set of small numbers: `2-79` as digits, `8,10-12` as numbers.
const fn set(text: &[u8], mut at: usize, end: usize, numbers: bool) -> u16 {
    let mut bits = 0;
    let mut value: u16 = 0;
    let mut from = None;
    while at < end {
        match text[at] {
            b'-' => {
                from = Some(value);
                value = 0;
            }
            b',' => {
                bits |= span(from, value);
                from = None;
                value = 0;
            }
            digit => {
                value = if numbers { value * 10 } else { 0 } + (digit - b'0') as u16;
                if !numbers {
                    bits |= span(from, value);
                    from = None;
                }
            }
        }
        at += 1;
    }
    if numbers && end > 0 { bits | span(from, value) } else { bits }
}

const fn span(from: Option<u16>, to: u16) -> u16 {
    let mut at = match from {
        Some(from) => from,
        None => to,
    };
    let mut bits = 0;
    while at <= to {
        bits |= 1 << at;
        at += 1;
    }
    bits
}

const fn find(text: &[u8], mut at: usize, wanted: u8) -> usize {
    while at < text.len() && text[at] != wanted {
        at += 1;
    }
    at
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

/// In the order of the calling codes.
static PLANS: [Plan; 215] = [
    plan(1, "011", "1?", "2-9:10", "7"),
    plan(7, "810", "8?", "3479:10 8:10,14", "5-7"),
    plan(20, "00", "0", "1:8-10 246:9 3:8 5:8,9 89:9,10", "6,7"),
    plan(27, "00", "0", "1-79:9 8:5-10", ""),
    plan(30, "00", "", "25-79:10 8:10-12", ""),
    plan(31, "00", "0", "1:5,6,9 2-7:9 8:7-10 9:7-11", "6,7"),
    plan(32, "00", "0", "1-35-9:8 4:8,9", ""),
    plan(33, "00", "0", "1-9:9", "8"),
    plan(34, "00", "", "4-9:9", ""),
    plan(36, "00", "06", "1489:8 235-7:8,9", "6,7"),
    plan(39, "00", "", "0:6-11 1:9,10 3:9,10 45:10 8:6,8-10", ""),
    plan(40, "00", "0", "23:6,9 7-9:9", ""),
    plan(41, "00", "0", "2-79:9 8:9,12", ""),
    plan(43, "00", "0", "1:4-13 2:7-13 3467:6-13 5:5-13 8:8-13 9:9-13", "3-8"),
    plan(44, "00", "0", "1:9,10 23579:10 8:7,9,10", "5,6,8"),
    plan(45, "00", "", "2-9:8", ""),
    plan(46, "00", "0", "1348:7-9 2:6-9,12 5:8,9 6:7-9,12 7:9 9:7-10", "5-8"),
    plan(47, "00", "", "0:5 2-9:8", ""),
    plan(48, "00", "", "1-79:9 8:9,10", ""),
    plan(49, "00", "0", "1:4-13 2579:6-13 3468:5-13", "3-8"),
    plan(51, "00", "0?", "14-8:8 9:9", "6,7"),
    plan(52, "00 09", "01?", "2-9:10", "7,8"),
    plan(53, "119", "0", "27:7,8 34:6-8 56:8 8:10", "5"),
    plan(54, "00", "0?", "1-36:10 8:10,11 9:11", "6-8"),
    plan(55, "00 0014 0015 0021 0025 0031 0041 0043", "0?", "1-79:10,11 58:9-11", "8,9"),
    plan(56, "00", "", "1:11 2-57-9:9 6:9-11", ""),
    plan(57, "005 007 009", "0?", "1:11 369:10 4:8", "7"),
    plan(58, "00", "0", "24-689:10", "7"),
    plan(60, "00", "0", "1:9,10 3:9 4-9:8", "6-8"),
    plan(61, "0011 0014 0015 0016 0018 0019", "0", "1:5-10,12 2-478:9", "8"),
    plan(62, "008 009", "0", "0:11-13 1:7,9-11 236:7-11 4579:8-11 8:8-12", "5-8"),
    plan(63, "00", "0", "1:11-13 2:6,9 3-7:9 8:8-10 9:10", "5,7"),
    plan(64, "00 0161", "0", "1:10 29:8-10 346:8 5:7,9,10 7:8,9 8:5-10", "7"),
    plan(65, "001 002 008 012 013 018 019", "", "17:11 369:8 8:8,10", ""),
    plan(66, "001 002 003 004 005 006 007 008 009", "0", "0:13 1:8-10 2-57:8 689:9", ""),
    plan(81, "010", "0", "0:8-13 134:9 25-9:9,10", ""),
    plan(82, "001 002 005 006 008 009", "0", "0:11-13 1:8-10 2:8,9 346:5,6,9,10 5:5,6,9-11 7:10 8:9", "7"),
    plan(84, "00", "0", "1:7-10 2:10 3589:9 6:7-9 7:7,9", ""),
    plan(86, "00", "0?", "1:7,8,10-12 2:7,8,10,12 3-57-9:7-11 6:7-10", "7,8"),
    plan(90, "00", "0", "2359:10 4:7,10 8:10,12,13", ""),
    plan(91, "00", "0?", "0:13 1:8-13 2-9:10", "6,7"),
    plan(92, "00", "0", "1:9 24-7:9-12 3:10 89:8-12", "5-7"),
    plan(93, "00", "0", "2-7:9", "7"),
    plan(94, "00", "0", "1-9:9", "7"),
    plan(95, "00", "0", "1:6-8 2:6-9 4-7:7-9 8:7-10 9:8-10", "5"),
    plan(98, "00", "0", "1-8:6,7,10 9:4,5,10", "8"),
    plan(211, "00", "0", "19:9", ""),
    plan(212, "00", "0", "5-8:9", ""),
    plan(213, "00", "0", "1-4:8 5-9:9", ""),
    plan(216, "00", "", "2-57-9:8", ""),
    plan(218, "00", "0", "2-9:9", "7"),
    plan(220, "00", "", "235-79:7 48:7,9", ""),
    plan(221, "00", "", "37-9:9", ""),
    plan(222, "00", "", "2-48:8", ""),
    plan(223, "00", "", "24-9:8", ""),
    plan(224, "00", "", "3:8 67:9", ""),
    plan(225, "00", "", "02:10", ""),
    plan(226, "00", "", "024-7:8", ""),
    plan(227, "00", "", "027-9:8", ""),
    plan(228, "00", "", "279:8", ""),
    plan(229, "00", "", "0:10", ""),
    plan(230, "00 020", "", "2-46:7 57:8 8:7,10", ""),
    plan(231, "00", "0", "2:8,9 378:9 45:7,9 6:7", ""),
    plan(232, "00", "0", "236-9:8", "6"),
    plan(233, "00", "0", "235:9 8:8,9", "7"),
    plan(234, "009", "0", "29:10 78:10-12", "6,7"),
    plan(235, "00", "", "236-9:8", ""),
    plan(236, "00", "", "26-8:8", ""),
    plan(237, "00", "", "26:9 8:8,9", ""),
    plan(238, "0", "", "2-589:7", ""),
    plan(239, "00", "", "29:7", ""),
    plan(240, "00", "", "23589:9", ""),
    plan(241, "00", "", "01:8 2-5:7 67:7,8", ""),
    plan(242, "00", "", "028:9", ""),
    plan(243, "00", "0", "18:7,9 2:7,8 346:7 5:7,10 9:9", ""),
    plan(244, "00", "", "29:9", ""),
    plan(245, "00", "", "4:7,9 9:9", ""),
    plan(246, "00", "", "3:7", ""),
    plan(247, "00", "", "01589:6 2-467:5", ""),
    plan(248, "00 01 02 010", "", "24689:7", ""),
    plan(249, "00", "0", "19:9", ""),
    plan(250, "00", "0", "0:8 27-9:9", ""),
    plan(251, "00", "0", "1-57-9:9", "7"),
    plan(252, "00", "0", "1:6-8 2:7,8 34:6,7,9 5:7 679:8,9 8:6,9", ""),
    plan(253, "00", "", "27:8", ""),
    plan(254, "000", "0", "179:9 2:8,9 4-6:7-9 8:9,10", ""),
    plan(255, "000 005 006", "0", "246-9:9", ""),
    plan(256, "000 005 007", "0", "2-47-9:9", "5-7"),
    plan(257, "00", "", "2367:8", ""),
    plan(258, "00", "", "2:8 8:9", ""),
    plan(260, "00", "0", "25-9:9", "6"),
    plan(261, "00", "0", "23:9", "7"),
    plan(262, "00", "0", "26-9:9", ""),
    plan(263, "00", "0", "235-7:9 8:7,9,10", "6"),
    plan(264, "00", "0", "68:8,9", ""),
    plan(265, "00", "0", "1:7,9 237-9:9", ""),
    plan(266, "00", "", "2568:8", ""),
    plan(267, "00", "", "08:10 2-69:7 7:8", ""),
    plan(268, "00", "", "0237:8 9:9", ""),
    plan(269, "00", "", "3478:7", ""),
    plan(290, "00", "", "2569:5 8:4", ""),
    plan(291, "00", "0", "178:7", "6"),
    plan(297, "00", "", "25-9:7", ""),
    plan(298, "00", "", "2-9:6", ""),
    plan(299, "00", "", "1-9:6", ""),
    plan(350, "00", "", "256:8", ""),
    plan(351, "00", "", "1-36-9:9", ""),
    plan(352, "00", "", "2457-9:6-11 3:6-8 6:9", ""),
    plan(353, "00", "0", "1:8-10 2569:7-9 4:7-10 7:9 8:9,10", "5,6"),
    plan(354, "00", "", "3:9 4-9:7", ""),
    plan(355, "00", "0", "2-57:8 6:9 8:6-8 9:6", "5"),
    plan(356, "00", "", "2357-9:8", ""),
    plan(357, "00", "", "257-9:8", ""),
    plan(358, "00 990 991 994 996 999", "0", "1-356:5-10 4:6-10 7:6-12 89:5-9", "5-7"),
    plan(359, "00", "0", "0:12 2:6-8 3-7:7,8 89:7-9", "5"),
    plan(370, "00", "0 8?", "3-9:8", ""),
    plan(371, "00", "", "2689:8", ""),
    plan(372, "00", "", "369:7 457:7,8 8:7,8,10", ""),
    plan(373, "00", "0", "235-9:8", ""),
    plan(374, "00", "0", "1-9:8", "5,6"),
    plan(375, "810", "8 80", "1-4:9 8:6-11 9:10", "5"),
    plan(376, "00", "", "1:6,8 357-9:6 6:6,9", ""),
    plan(377, "00", "0?", "3489:8 67:9", ""),
    plan(378, "00", "", "0:10 5-7:8", "6"),
    plan(380, "00", "0", "3-7:9 89:9,10", "5-7"),
    plan(381, "00", "0", "1-3:7-12 6:8-10 78:6-12 9:6-10", "5"),
    plan(382, "00", "0", "2-79:8 8:8,9", "6"),
    plan(383, "00", "0", "2:8,9 3:8-12 489:8", ""),
    plan(385, "00", "0", "17:8 2-59:8,9 68:7-9", "6"),
    plan(386, "00", "0", "1-7:8 8:5-8 9:6-8", ""),
    plan(387, "00", "0", "3-57-9:8 6:8,9", "6"),
    plan(389, "00", "0", "2-578:8", "6,7"),
    plan(420, "00", "", "2-8:9 9:9-12", ""),
    plan(421, "00", "0", "2-5:6,7,9 68:9 9:7,9", ""),
    plan(423, "00", "", "2379:7 6:9 8:7,9", ""),
    plan(500, "00", "", "2-7:5", ""),
    plan(501, "00", "", "0:11 2-8:7", ""),
    plan(502, "00", "", "1:11 2-8:8", ""),
    plan(503, "00", "", "25-7:8 89:7,11", ""),
    plan(504, "00", "", "2379:8 8:8,11", ""),
    plan(505, "00", "", "125-8:8", ""),
    plan(506, "00", "", "2-7:8 8:8,10 9:10", ""),
    plan(507, "00", "", "0:11 1-579:7 6:8 8:7,8,10", ""),
    plan(508, "00", "0", "2-69:6 78:6,9", ""),
    plan(509, "00", "", "2-589:8", ""),
    plan(590, "00", "0", "5-9:9", ""),
    plan(591, "00 0010 0011 0012 0013 0014 0015 0016 0017 0018 0019", "0?", "2-7:8 8:9", "7"),
    plan(592, "001", "", "2-9:7", ""),
    plan(593, "00", "0", "1:10,11 2-7:8 9:9", "7"),
    plan(594, "00", "0", "5-9:9", ""),
    plan(595, "00", "0", "25:8,9 36-8:6-9 4:7-9 9:6-11", "5"),
    plan(596, "00", "0", "5-9:9", ""),
    plan(597, "00", "", "2-5:6 6-9:7", ""),
    plan(598, "00", "0?", "1:8 2:8 49:7,8 8:7", ""),
    plan(599, "00", "", "3467:7 9:8", ""),
    plan(670, "00", "", "2-489:7 7:7,8", ""),
    plan(672, "00", "", "13:6", "5"),
    plan(673, "00", "", "2-578:7", ""),
    plan(674, "00", "", "24-9:7", ""),
    plan(675, "00", "", "1-69:7 7:8 8:7,8", ""),
    plan(676, "00", "", "09:7 2-4:5 5-8:5,7", ""),
    plan(677, "00 01", "", "1-5:5 6:5,7 7-9:7", ""),
    plan(678, "00", "", "2-4:5 579:7 8:5,7", ""),
    plan(679, "00 052", "", "0:11 2-9:7", ""),
    plan(680, "011 012", "", "2-9:7", ""),
    plan(681, "00", "", "479:6 8:6,9", ""),
    plan(682, "00", "", "2-578:5", ""),
    plan(683, "00", "", "4-7:4 8:7", ""),
    plan(685, "0", "", "2-5:5 6:5,6 7:7 8:6,7,10", ""),
    plan(686, "00", "0?", "2458:5 3:5,8 67:8", ""),
    plan(687, "00", "", "02-57-9:6", ""),
    plan(688, "00", "", "2:5 7:7 9:6", ""),
    plan(689, "00", "", "4:6,8 8:8,9", ""),
    plan(690, "00", "", "2-47:4-7", ""),
    plan(691, "00", "", "389:7", ""),
    plan(692, "011", "1", "2-6:7", ""),
    plan(800, "", "", "0-9:8", ""),
    plan(808, "", "", "1-9:8", ""),
    plan(850, "00 99", "0", "1:10 2-8:8", "6,7"),
    plan(852, "00 001 002 006 007 008 009 0030 0050 0059", "", "2-7:8 8:8,9 9:5-8,11", ""),
    plan(853, "00", "", "0:7 268:8", ""),
    plan(855, "001 004 005 006 007 008 009", "0", "1:8-10 2-9:8,9", "6,7"),
    plan(856, "00", "0", "2:8,10 3:8,9 4-8:8", "6"),
    plan(870, "", "", "2356:9 7:9,12", ""),
    plan(878, "", "", "1:12", ""),
    plan(880, "00", "0", "1:10 2:8-10 346:7-10 57:6-9 89:6-10", ""),
    plan(881, "", "", "0-37-9:9 6:9,10", ""),
    plan(882, "", "", "1:7-12 25:10,12 3:7,9-12 4:8,10 9:8", ""),
    plan(883, "", "", "1-5:8-12", ""),
    plan(886, "002 005 006 007 009 019", "0", "2:7-9 3-68:8,9 7:8,10,11 9:9", ""),
    plan(888, "", "", "0-9:11", ""),
    plan(960, "00 019", "", "3467:7 8:10 9:7,10", ""),
    plan(961, "00", "0", "13-6:7 2:8 7-9:7,8", ""),
    plan(962, "00", "0", "235689:8 47:9", ""),
    plan(963, "00", "0", "1-35:8,9 4:8 9:9", "6,7"),
    plan(964, "00", "0", "1:8 2-6:8,9 7:10", "6,7"),
    plan(965, "00", "", "1:7 24-69:8", ""),
    plan(966, "00", "0", "159:9 8:10", "7"),
    plan(967, "00", "0", "1:7,8 2-6:7 7:7,9", "6"),
    plan(968, "00", "", "1279:8 5:7 8:8,9", ""),
    plan(970, "00", "0", "1:10 2489:8 5:9", "7"),
    plan(971, "00", "0", "23:8 4679:8,9 5:9 8:5-12", ""),
    plan(972, "00 012 013 014 015 016 017 018 019 0105", "0", "1:7,8,10-12 2-489:8 57:9", ""),
    plan(973, "00", "", "136-9:8", ""),
    plan(974, "00", "", "0:11 2:7 3-7:8 8:7,9", ""),
    plan(975, "00", "", "1:8 2-6:7 78:7,8", "6"),
    plan(976, "001", "0", "12:8-10 5-9:8", "5,6"),
    plan(977, "00", "0", "1:8,11 2-8:8 9:8,10", "6,7"),
    plan(979, "", "", "1359:9", ""),
    plan(992, "810", "", "0-9:9", "5-7"),
    plan(993, "810", "8", "1-7:8", ""),
    plan(994, "00", "0", "1-9:9", "7"),
    plan(995, "00", "0", "3-578:9", "6,7"),
    plan(996, "00", "0", "235-79:9 8:9,10", "5,6"),
    plan(998, "00", "", "235-9:9", ""),
];

#[cfg(test)]
mod tests {
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
