//! What a number costs, and where it rings: mobile, toll-free, shared-cost and premium numbers.

use std::fmt;

use super::plan::Plan;
use super::services::SERVICES;
use super::{E164, decimal_digits, first_digits};

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
            (&row.premium, LineKind::Premium),
            (&row.toll_free, LineKind::TollFree),
            (&row.shared_cost, LineKind::SharedCost),
            (&row.mobile, LineKind::Mobile),
        ];
        kinds
            .into_iter()
            .find_map(|(cell, kind)| cell.has(national).then_some(kind))
            .unwrap_or(LineKind::Other)
    }
}

/// Returns whether a number that begins with these digits may be of a kind, as far as the first digits of one tell.
pub(crate) fn may_be(prefix: u64, kind: LineKind) -> bool {
    let Some(plan) = plan_of(prefix) else { return true };
    let code = plan.calling_code();
    let Ok(row) = SERVICES.binary_search_by_key(&code, |row| row.calling_code) else {
        return kind == LineKind::Other;
    };
    let spelled = prefix.to_string().into_bytes();
    let national: Vec<u8> =
        spelled.iter().skip(plan.calling_code_digits()).map(|digit| digit - b'0').collect();
    let row = &SERVICES[row];
    match kind {
        LineKind::Mobile => row.mobile.may_have(&national),
        LineKind::TollFree => row.toll_free.may_have(&national),
        LineKind::SharedCost => row.shared_cost.may_have(&national),
        LineKind::Premium => row.premium.may_have(&national),
        LineKind::Other => true,
    }
}

/// Returns the calling code that digits begin with, if they are enough to tell.
pub(crate) fn calling_code_of(prefix: u64) -> Option<u16> {
    plan_of(prefix).map(Plan::calling_code)
}

fn plan_of(prefix: u64) -> Option<&'static Plan> {
    let digits = decimal_digits(prefix);
    (1..=digits.min(3)).find_map(|count| Plan::of(u16::try_from(first_digits(prefix, count)?).ok()?))
}

/// The services of one numbering plan: for each, prefixes and lengths of national numbers.
#[derive(Debug)]
pub(super) struct Row {
    calling_code: u16,
    mobile: Cell,
    toll_free: Cell,
    shared_cost: Cell,
    premium: Cell,
}

/// `7 !71 !74:9`: numbers of nine digits that begin with 7, but not those with 71 and 74.
#[derive(Debug)]
struct Cell {
    prefixes: &'static [u8],
    /// Bit `n` is set when one of the prefixes begins with the digit `n`, or all numbers fit.
    firsts: u16,
    /// Bit `n` is set when a number may have `n` digits.
    lengths: u32,
}

pub(super) const fn row(
    calling_code: u16,
    mobile: &'static str,
    toll_free: &'static str,
    shared_cost: &'static str,
    premium: &'static str,
) -> Row {
    Row {
        calling_code,
        mobile: cell(mobile.as_bytes()),
        toll_free: cell(toll_free.as_bytes()),
        shared_cost: cell(shared_cost.as_bytes()),
        premium: cell(premium.as_bytes()),
    }
}

const fn cell(text: &'static [u8]) -> Cell {
    let mut cell = Cell { prefixes: &[], firsts: 0, lengths: 0 };
    let (mut at, mut begins) = (0, true);
    while at < text.len() && text[at] != b':' {
        match text[at] {
            b'*' => cell.firsts = u16::MAX,
            digit @ b'0'..=b'9' if begins => cell.firsts |= 1 << (digit - b'0'),
            _ => {}
        }
        begins = matches!(text[at], b' ' | b'!');
        at += 1;
    }
    cell.prefixes = text.split_at(at).0;
    let mut length = 0;
    while at < text.len() {
        at += 1;
        if at < text.len() && text[at] != b',' {
            length = 10 * length + (text[at] - b'0') as u32;
        } else {
            cell.lengths |= 1 << length;
            length = 0;
        }
    }
    cell
}

impl Cell {
    /// Returns whether a national number is one of these. Prefixes stand before those that begin with
    /// them, so that the last that fits is the longest.
    fn has(&self, national: &[u8]) -> bool {
        let Some(first) = national.first() else { return false };
        if self.firsts >> first & 1 == 0 || self.lengths >> national.len() & 1 == 0 {
            return false;
        }
        let begins = |prefix: &[u8]| {
            national.len() >= prefix.len()
                && prefix.iter().zip(national).all(|(one, other)| one & 0xf == *other)
        };
        let fits = |token: &&[u8]| *token == b"*" || begins(token.strip_prefix(b"!").unwrap_or(token));
        let last = self.prefixes.split(|byte| *byte == b' ').rfind(fits);
        last.is_some_and(|token| token.first() != Some(&b'!'))
    }

    /// Returns whether a national number that begins so may be one of these.
    fn may_have(&self, beginning: &[u8]) -> bool {
        let begins = |short: &[u8], long: &[u8]| {
            long.len() >= short.len() && short.iter().zip(long).all(|(one, other)| one & 0xf == other & 0xf)
        };
        let digits = |token: &'static [u8]| token.strip_prefix(b"!").unwrap_or(token);
        let tokens = || self.prefixes.split(|byte| *byte == b' ').filter(|token| !token.is_empty());
        let is_one = |token: &[u8]| token.first() != Some(&b'!');
        let mut fitting = tokens().filter(|token| *token == b"*" || begins(digits(token), beginning));
        let mut longer = tokens().filter(|token| *token != b"*" && begins(beginning, digits(token)));
        self.lengths >> beginning.len() != 0
            && (fitting.next_back().is_some_and(is_one) || longer.any(is_one))
    }
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
        let cells =
            SERVICES.iter().flat_map(|row| [&row.mobile, &row.toll_free, &row.shared_cost, &row.premium]);
        for cell in cells.filter(|cell| !cell.prefixes.is_empty()) {
            let prefixes = str::from_utf8(cell.prefixes).unwrap();
            let tokens: Vec<&str> = prefixes.split(' ').map(|token| token.trim_start_matches('!')).collect();
            for (index, prefix) in tokens.iter().enumerate() {
                let is_of_digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
                assert!(*prefix == "*" || is_of_digits, "{prefixes}");
                assert!(tokens[index + 1..].iter().all(|later| !prefix.starts_with(later)), "{prefixes}");
            }
            assert!(cell.lengths != 0 && cell.lengths & 1 == 0, "{prefixes}");
        }
    }

    #[test]
    fn a_cell_is_read_as_it_is_written() {
        let cells = ["7 !71 !74:9", "* !71:8,10", ""].map(|text| cell(text.as_bytes()));
        let numbers = ["791234567", "71234567", "711234567", "74123456", "7512345678", ""];
        let found = numbers.map(|number| {
            let digits: Vec<u8> = number.bytes().map(|byte| byte - b'0').collect();
            [cells[0].has(&digits), cells[1].has(&digits), cells[2].has(&digits)]
        });
        let [yes, no] = [true, false];
        assert_eq!(
            found,
            [[yes, no, no], [no, no, no], [no, no, no], [no, yes, no], [no, yes, no], [no, no, no]]
        );
    }
}
