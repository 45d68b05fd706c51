//! Times as people write them: how long ago, a day, a time of day, an instant.

use anyhow::Result;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ringfence_policy::parse_duration;

use super::failure::with_hint;

/// Reads a time of what has been, on the clock of the reader.
pub(super) fn time(flag: &str, text: &str, now: Timestamp) -> Result<Timestamp> {
    read(text, now, &TimeZone::system(), Sense::Last).ok_or_else(|| unread(flag, text, "how long ago"))
}

/// Reads a time of what is to come, on the clock of a zone.
pub(super) fn next_in(flag: &str, text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp> {
    read(text, now, zone, Sense::Next).ok_or_else(|| unread(flag, text, "how long from now"))
}

fn unread(flag: &str, text: &str, span: &str) -> anyhow::Error {
    let message = format!("expected a time for {flag}, found \"{}\"", text.escape_debug());
    let hint = format!("{span} (2h, 90d), a day (2026-03-01), a time (23:10), or both (2026-03-01T23:10)");
    with_hint(message, hint)
}

/// Which instant is meant where a text says less than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    /// The last: it is asked what was.
    Last,
    /// The next: it is asked what would be.
    Next,
}

/// Reads how long something is to hold.
pub(super) fn span(flag: &str, text: &str) -> Result<SignedDuration> {
    let span = parse_duration(text);
    if span.is_some_and(|span| span.is_zero()) {
        let message = format!("expected more than no time behind {flag}, found \"{}\"", text.escape_debug());
        return Err(with_hint(message, "for example 2h, 30d, or 1h30m"));
    }
    span.and_then(|span| SignedDuration::try_from(span).ok()).ok_or_else(|| {
        let message = format!("expected how long behind {flag}, found \"{}\"", text.escape_debug());
        with_hint(message, "for example 2h, 30d, or 1h30m")
    })
}

/// Reads `2h` as so long ago or from now, a day as its beginning, and a time of day as the last or the next time it is.
fn read(text: &str, now: Timestamp, zone: &TimeZone, sense: Sense) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(span) = parse_duration(text) {
        let span = SignedDuration::try_from(span).ok()?;
        return match sense {
            Sense::Last => now.checked_sub(span).ok(),
            Sense::Next => now.checked_add(span).ok(),
        };
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let at = |clock: DateTime| Some(zone.to_ambiguous_zoned(clock).compatible().ok()?.timestamp());
    let today = zone.to_datetime(now).date();
    if !text.contains('-')
        && let Ok(time) = text.parse::<Time>()
    {
        let (is_it, other) = match sense {
            Sense::Last => (at(today.to_datetime(time)).filter(|at| *at <= now), today.yesterday()),
            Sense::Next => (at(today.to_datetime(time)).filter(|at| *at >= now), today.tomorrow()),
        };
        return is_it.or_else(|| at(other.ok()?.to_datetime(time)));
    }
    let midnight = |date: Date| at(date.to_datetime(Time::midnight()));
    match text {
        "now" => Some(now),
        "today" => midnight(today),
        "yesterday" => midnight(today.yesterday().ok()?),
        _ if text.len() == "2026-03-01".len() => midnight(text.parse().ok()?),
        _ => at(text.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_at_all_is_told_apart_from_what_is_no_time() {
        let told = |text| span("for", text).unwrap_err().to_string();
        assert_eq!(told("0s"), "expected more than no time behind for, found \"0s\"");
        assert_eq!(told("soon"), "expected how long behind for, found \"soon\"");
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        let now: Timestamp = "2026-03-29T12:00:00Z".parse().unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (text, expected) in [
            ("2h", "2026-03-29T10:00:00Z"),
            ("1w", "2026-03-22T12:00:00Z"),
            ("now", "2026-03-29T12:00:00Z"),
            ("today", "2026-03-28T23:00:00Z"),
            ("yesterday", "2026-03-27T23:00:00Z"),
            ("2026-03-01", "2026-02-28T23:00:00Z"),
            ("2026-03-01T23:10", "2026-03-01T22:10:00Z"),
            ("2026-03-01 23:10", "2026-03-01T22:10:00Z"),
            ("2026-03-01T23:10:00Z", "2026-03-01T23:10:00Z"),
            ("13:59", "2026-03-29T11:59:00Z"),
            ("14:01", "2026-03-28T13:01:00Z"),
            ("02:30", "2026-03-29T01:30:00Z"),
        ] {
            assert_eq!(
                read(text, now, &berlin, Sense::Last).map(|at| at.to_string()).as_deref(),
                Some(expected),
                "{text}"
            );
        }
        for wrong in ["", "2", "h", "-2h", "2026-13-01", "25:00", "soon", "2026-03-01T"] {
            assert_eq!(read(wrong, now, &berlin, Sense::Last), None, "{wrong}");
        }
    }

    #[test]
    fn what_would_be_is_asked_of_the_next_time_of_a_day() {
        let now: Timestamp = "2026-03-28T12:00:00Z".parse().unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (text, expected) in [
            ("2h", "2026-03-28T14:00:00Z"),
            ("now", "2026-03-28T12:00:00Z"),
            ("13:00", "2026-03-28T12:00:00Z"),
            ("13:01", "2026-03-28T12:01:00Z"),
            ("12:59", "2026-03-29T10:59:00Z"),
            ("02:30", "2026-03-29T01:30:00Z"),
            ("2026-03-01", "2026-02-28T23:00:00Z"),
            ("2026-03-01T23:10", "2026-03-01T22:10:00Z"),
        ] {
            assert_eq!(
                next_in("--at", text, now, &berlin).map(|at| at.to_string()).unwrap(),
                expected,
                "{text}"
            );
        }
        let told = next_in("--at", "soon", now, &berlin).unwrap_err().to_string();
        assert_eq!(told, "expected a time for --at, found \"soon\"");
    }

    #[test]
    fn what_is_to_hold_holds_for_a_while() {
        assert_eq!(span("--for", "1h30m").unwrap(), SignedDuration::from_mins(90));
        for wrong in ["", "0s", "-1h", "forever"] {
            assert!(span("--for", wrong).is_err(), "{wrong}");
        }
    }
}
