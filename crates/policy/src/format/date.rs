//! Times, as lists write them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Reads a day, or a day and a time of it; without an offset it is UTC.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > LONGEST || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // Most lists have no offset, and callblocker has a space before it.
    let civil = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp());
    let spaced = || Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", text).ok();
    if text.ends_with(['z', 'Z']) || text.get(10..).is_some_and(|time| time.contains(['+', '-'])) {
        return text.parse().ok().or_else(spaced);
    }
    civil()
}

/// An RFC 3339 time with nanoseconds and the name of a zone.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn times_are_read_as_the_lists_write_them() {
        for (written, expected) in [
            ("2026-05-14 00:00:16", "2026-05-14T00:00:16Z"),
            ("2026-05-14", "2026-05-14T00:00:00Z"),
            ("2015-05-15 12:00:00 +0000", "2015-05-15T12:00:00Z"),
            ("2016-8-21 14:54:2 +0200", "2016-08-21T12:54:02Z"),
            ("2026-05-14T10:00:00+02:00", "2026-05-14T08:00:00Z"),
            ("2026-05-14T10:00:00Z", "2026-05-14T10:00:00Z"),
        ] {
            assert_eq!(parse(written).map(|time| time.to_string()).as_deref(), Some(expected), "{written}");
        }
        for wrong in ["", "soon", "2026-13-01", "14.5.2026", "2026-05-14 25:00:00", "-1"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
