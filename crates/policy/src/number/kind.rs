//! What a number costs, and where it rings: mobile, toll-free, shared-cost and premium numbers.

use std::fmt;

use super::E164;
use super::normalise::after;
use super::services::SERVICES;

/// What the national plan uses a number for.
///
/// ```
/// use ringfence_policy::{E164, LineKind};
///
/// let kind = |digits| E164::new(digits).map(E164::line_kind);
/// assert_eq!(kind(41_791_234_567), Some(LineKind::Mobile));
/// assert_eq!(kind(41_800_123_456), Some(LineKind::TollFree));
/// assert_eq!(kind(41_900_123_456), Some(LineKind::Premium));
/// assert_eq!(kind(12_125_550_123), Some(LineKind::Other)); // +1 tells no mobile numbers from others
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// A number of a mobile network.
    Mobile,
    /// A number that costs its callers nothing.
    TollFree,
    /// A number whose cost its callers share.
    SharedCost,
    /// A number that costs its callers more.
    Premium,
    /// Any other number, and one that the plan does not tell from others.
    Other,
}

impl LineKind {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            LineKind::Mobile => "mobile",
            LineKind::TollFree => "tollfree",
            LineKind::SharedCost => "sharedcost",
            LineKind::Premium => "premium",
            LineKind::Other => "other",
        }
    }
}

impl fmt::Display for LineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl E164 {
    /// Returns what the national plan uses the number for.
    ///
    /// It is told by the first digits, as plans publish them: whether the number is assigned, or
    /// was taken along from another network, nobody but that network knows.
    #[must_use]
    pub fn line_kind(self) -> LineKind {
        let Some(plan) = self.plan() else { return LineKind::Other };
        let code = plan.calling_code();
        let Ok(row) = SERVICES.binary_search_by_key(&code, |row| row.calling_code) else {
            return LineKind::Other;
        };
        let (digits, length) = self.to_digits();
        let national = &digits[plan.calling_code_digits()..length];
        let row = &SERVICES[row];
        let kinds = [
            (row.premium, LineKind::Premium),
            (row.toll_free, LineKind::TollFree),
            (row.shared_cost, LineKind::SharedCost),
            (row.mobile, LineKind::Mobile),
        ];
        kinds
            .into_iter()
            .find_map(|(cell, kind)| has(cell, national).then_some(kind))
            .unwrap_or(LineKind::Other)
    }
}

/// The services of one numbering plan: for each, prefixes and lengths of national numbers.
#[derive(Debug)]
pub(super) struct Row {
    calling_code: u16,
    mobile: &'static str,
    toll_free: &'static str,
    shared_cost: &'static str,
    premium: &'static str,
}

pub(super) const fn row(
    calling_code: u16,
    mobile: &'static str,
    toll_free: &'static str,
    shared_cost: &'static str,
    premium: &'static str,
) -> Row {
    Row { calling_code, mobile, toll_free, shared_cost, premium }
}

/// Reads `7 !71 !74:9`: numbers of nine digits that begin with 7, but not those with 71 and 74.
/// Prefixes stand before those that begin with them, so that the last that fits is the longest.
fn has(cell: &str, national: &[u8]) -> bool {
    let Some((prefixes, lengths)) = cell.split_once(':') else { return false };
    let has_length = lengths.split(',').any(|length| length.parse() == Ok(national.len()));
    let fits = |token: &str| {
        let (is_service, prefix) = token.strip_prefix('!').map_or((true, token), |prefix| (false, prefix));
        let fits = prefix == "*" || after(national, prefix).is_some();
        fits.then_some(is_service)
    };
    has_length && prefixes.split_ascii_whitespace().filter_map(fits).next_back().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_in_the_order_of_their_calling_codes() {
        assert!(SERVICES.is_sorted_by_key(|row| row.calling_code));
    }

    #[test]
    fn a_prefix_stands_before_those_that_begin_with_it_and_is_of_digits() {
        let cells = SERVICES.iter().flat_map(|row| [row.mobile, row.toll_free, row.shared_cost, row.premium]);
        for cell in cells.filter(|cell| !cell.is_empty()) {
            let (prefixes, lengths) = cell.split_once(':').unwrap();
            let prefixes: Vec<&str> =
                prefixes.split(' ').map(|token| token.trim_start_matches('!')).collect();
            for (index, prefix) in prefixes.iter().enumerate() {
                assert!(*prefix == "*" || prefix.bytes().all(|byte| byte.is_ascii_digit()), "{cell}");
                assert!(prefixes[index + 1..].iter().all(|later| !prefix.starts_with(later)), "{cell}");
            }
            assert!(lengths.split(',').all(|length| length.parse::<usize>().is_ok()), "{cell}");
        }
    }

    #[test]
    fn a_cell_is_read_as_it_is_written() {
        let numbers = ["791234567", "71234567", "711234567", "74123456", "7512345678"];
        let found = numbers.map(|number| {
            let digits: Vec<u8> = number.bytes().map(|byte| byte - b'0').collect();
            (has("7 !71 !74:9", &digits), has("* !71:8,10", &digits), has("", &digits))
        });
        assert_eq!(
            found,
            [
                (true, false, false),
                (false, false, false),
                (false, false, false),
                (false, true, false),
                (false, true, false)
            ]
        );
    }
}
