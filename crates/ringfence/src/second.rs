//! Times as text. Thousands of records and lines of log have their second in common: it is put into words once.

use std::cell::RefCell;

use jiff::Timestamp;

thread_local! {
    /// The second that was written last, and its text.
    static LAST: RefCell<(i64, String)> = const { RefCell::new((0, String::new())) };
}

/// Shows a second since 1970 as text, `2026-11-28T09:30:00`; one that no calendar has as that of 1970.
pub(crate) fn with_text<T>(second: i64, see: impl FnOnce(&str) -> T) -> T {
    LAST.with_borrow_mut(|(known, text)| {
        if *known != second || text.is_empty() {
            *text = Timestamp::from_second(second).unwrap_or_default().to_string();
            // Its `Z` comes behind the fraction.
            text.pop();
            *known = second;
        }
        see(text)
    })
}

/// Returns a time as its `Display` has it, at a third of what that takes.
pub(crate) fn written(at: Timestamp) -> String {
    let Ok(mut left) = u32::try_from(at.subsec_nanosecond()) else { return at.to_string() };
    let mut fraction = *b".000000000Z";
    let mut length = 0;
    for (place, digit) in fraction[1..10].iter_mut().enumerate().rev() {
        let value = left % 10;
        left /= 10;
        *digit = b"0123456789"[value as usize];
        if length == 0 && value > 0 {
            length = place + 2;
        }
    }
    fraction[length] = b'Z';
    with_text(at.as_second(), |second| {
        let mut text = String::with_capacity("2026-11-28T09:30:00.000000000Z".len());
        text.push_str(second);
        text.push_str(str::from_utf8(&fraction[..=length]).unwrap_or_default());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_as_it_is_displayed() {
        let seconds = [0, 1, 59, 86_399, 1_764_408_600, 253_402_207_200, -1, -86_400];
        let fractions = [0, 1, 10, 999, 1_000, 120_000, 999_999, 1_000_000, 500_000_000, 999_999_999];
        for second in seconds {
            for nanos in fractions {
                let at = Timestamp::new(second, nanos).unwrap();
                assert_eq!(written(at), at.to_string());
            }
        }
        for at in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(written(at), at.to_string());
        }
    }
}
