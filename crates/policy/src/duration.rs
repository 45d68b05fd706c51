//! Spans of time as a policy writes them: `90s`, `5m`, `1h30m`, `30d`, `2w`.

use std::fmt::Write;
use std::time::Duration;

use jiff::SignedDuration;

/// Reads a span of time: numbers with the units `s`, `m`, `h`, `d` and `w`, the greater first. A
/// day is 24 hours.
///
/// ```
/// use std::time::Duration;
/// use ringfence_policy::parse_duration;
///
/// assert_eq!(parse_duration("1h30m"), Some(Duration::from_secs(5_400)));
/// assert_eq!(parse_duration("30d"), Some(Duration::from_secs(30 * 86_400)));
/// assert_eq!(parse_duration("5"), None);
/// ```
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds = 0_u64;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let value: u64 = rest.get(..digits)?.parse().ok()?;
        let unit = match rest.as_bytes().get(digits)? {
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            b'w' => 7 * 86_400,
            _ => return None,
        };
        if unit >= smallest {
            return None;
        }
        smallest = unit;
        seconds = seconds.checked_add(value.checked_mul(unit)?)?;
        rest = rest.get(digits + 1..)?;
    }
    let is_sane = smallest != u64::MAX && seconds <= LONGEST;
    is_sane.then(|| Duration::from_secs(seconds))
}

/// Returns a span of time as a policy would write it: in days at most, for a week is seldom meant.
pub(crate) fn written(span: SignedDuration) -> String {
    let mut seconds = span.unsigned_abs().as_secs();
    let mut text = String::new();
    for (unit, letter) in [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')] {
        let count = seconds / unit;
        seconds %= unit;
        if count > 0 || (unit == 1 && text.is_empty()) {
            // To write to a string cannot fail.
            let _ = write!(text, "{count}{letter}");
        }
    }
    text
}

/// A hundred years: what is longer is a slip.
const LONGEST: u64 = 100 * 366 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_strictly() {
        for wrong in [
            "",
            " ",
            "m",
            "5",
            "5 m",
            "-5m",
            "1m1h",
            "1h1h",
            "1.5h",
            "99999999999999999999s",
            "9999999w",
            "5ms",
            "5ä",
        ] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
        assert_eq!(parse_duration(" 2w3d "), Some(Duration::from_secs(17 * 86_400)));
        assert_eq!(parse_duration("0s"), Some(Duration::ZERO));
    }

    #[test]
    fn spans_are_written_as_they_are_read() {
        for text in ["0s", "30d", "1h30m", "2d5m", "59s"] {
            let span = SignedDuration::try_from(parse_duration(text).unwrap()).unwrap();
            assert_eq!(written(span), text);
        }
    }
}
