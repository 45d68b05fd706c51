//! Spans of time as a policy writes them: `90s`, `5m`, `1h30m`, `30d`, `2w`.

use std::time::Duration;

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
}
