//! The events of a calendar file (RFC 5545), on the clock of a zone.
//!
//! Of a calendar only what a schedule needs is read: `DTSTART`, `DTEND` and `DURATION`-less days of
//! each `VEVENT`, and an `RRULE` of `FREQ=YEARLY` alone, as holidays have it. Cancelled events do not
//! count; an event that repeats in another way counts once, and is reported.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// The events of a calendar, and how many of them are not understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) events: Vec<(DateTime, DateTime)>,
    /// How many events repeat in a way that is not understood.
    pub(super) repeating: usize,
    /// Whether there are more events than [`MOST_EVENTS`].
    pub(super) is_cut: bool,
}

/// Each is looked at for each call.
pub(super) const MOST_EVENTS: usize = 1_000;

/// How many years a yearly event is repeated, from its first.
const YEARS: i16 = 40;

#[derive(Debug, Default)]
struct Event {
    start: Option<DateTime>,
    end: Option<DateTime>,
    is_yearly: bool,
    repeats: bool,
    is_cancelled: bool,
}

impl Calendar {
    /// Reads a calendar. `None` when it is none.
    pub(super) fn parse(text: &str, zone: &TimeZone) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if !text.trim_start().get(..15).is_some_and(|start| start.eq_ignore_ascii_case("BEGIN:VCALENDAR")) {
            return None;
        }
        let mut calendar = Self::default();
        let mut event: Option<Event> = None;
        for line in text.lines() {
            // A folded line goes on after a blank; no value that counts here is so long.
            let Some((property, value)) = line.split_once(':').filter(|_| !line.starts_with([' ', '\t']))
            else {
                continue;
            };
            let value = value.trim();
            let (name, parameters) = property.split_once(';').unwrap_or((property, ""));
            match (name.to_ascii_uppercase().as_str(), event.as_mut()) {
                ("BEGIN", _) if value.eq_ignore_ascii_case("VEVENT") => event = Some(Event::default()),
                ("END", Some(_)) if value.eq_ignore_ascii_case("VEVENT") => {
                    calendar.add(&event.take().unwrap_or_default());
                }
                ("DTSTART", Some(event)) => event.start = moment(value, parameters, zone),
                ("DTEND", Some(event)) => event.end = moment(value, parameters, zone),
                ("STATUS", Some(event)) => event.is_cancelled = value.eq_ignore_ascii_case("CANCELLED"),
                ("RRULE", Some(event)) => {
                    event.is_yearly = value.eq_ignore_ascii_case("FREQ=YEARLY");
                    event.repeats = !event.is_yearly;
                }
                _ => {}
            }
        }
        Some(calendar)
    }

    fn add(&mut self, event: &Event) {
        let Some(start) = event.start.filter(|_| !event.is_cancelled) else { return };
        // By RFC 5545 section 3.6.1 a day without an end is that day, a time without one no time.
        let end = event.end.unwrap_or_else(|| {
            if start.time() == Time::midnight() { start.saturating_add(1.day()) } else { start }
        });
        self.repeating += usize::from(event.repeats);
        for year in 0..if event.is_yearly { YEARS } else { 1 } {
            if self.events.len() == MOST_EVENTS {
                self.is_cut = true;
                return;
            }
            let [start, end] = [start, end].map(|at| at.saturating_add(year.years()));
            if start < end {
                self.events.push((start, end));
            }
        }
    }
}

/// Reads `20261224`, `20261224T180000`, with a zone of its own, or with `Z`.
fn moment(value: &str, parameters: &str, zone: &TimeZone) -> Option<DateTime> {
    let (date, time) = value.split_once('T').unwrap_or((value, ""));
    let date = date_of(date)?;
    if time.is_empty() {
        return Some(date.at(0, 0, 0, 0));
    }
    let civil = date.to_datetime(time_of(time.trim_end_matches('Z'))?);
    let own = parameters.split(';').find_map(|parameter| parameter.strip_prefix("TZID="));
    let own = match own {
        _ if time.ends_with('Z') => TimeZone::UTC,
        Some(name) => TimeZone::get(name.trim_matches('"')).ok()?,
        None => return Some(civil),
    };
    Some(zone.to_datetime(own.to_ambiguous_timestamp(civil).compatible().ok()?))
}

fn date_of(text: &str) -> Option<Date> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let is_date = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    is_date.then(|| Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok())?
}

fn time_of(text: &str) -> Option<Time> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i8>().ok();
    let is_time = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (hour, minute) = (number(0, 2)?, number(2, 4)?);
    // A second more or less is no matter; a leap second is none that a clock shows.
    is_time.then(|| Time::new(hour, minute, number(4, 6)?.min(59), 0).ok())?
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn events(text: &str) -> Vec<(DateTime, DateTime)> {
        let zurich = TimeZone::get("Europe/Zurich").unwrap();
        let calendar =
            format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{text}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
        Calendar::parse(&calendar, &zurich).unwrap().events
    }

    #[test]
    fn whole_days_count_and_the_end_does_not() {
        let christmas =
            events("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227\r\nSUMMARY:Christmas");
        assert_eq!(christmas, [(date(2026, 12, 24).at(0, 0, 0, 0), date(2026, 12, 27).at(0, 0, 0, 0))]);
        let one_day = events("DTSTART;VALUE=DATE:20260801");
        assert_eq!(one_day, [(date(2026, 8, 1).at(0, 0, 0, 0), date(2026, 8, 2).at(0, 0, 0, 0))]);
    }

    #[test]
    fn times_are_told_by_the_clock_of_the_policy() {
        let [utc] = events("DTSTART:20260701T080000Z\r\nDTEND:20260701T090000Z")[..] else { panic!() };
        assert_eq!(utc.0, date(2026, 7, 1).at(10, 0, 0, 0));
        let [there] = events(
            "DTSTART;TZID=America/New_York:20260101T080000\nDTEND;TZID=America/New_York:20260101T090000",
        )[..] else {
            panic!()
        };
        assert_eq!(there.1, date(2026, 1, 1).at(15, 0, 0, 0));
    }

    #[test]
    fn a_yearly_day_comes_again_and_a_cancelled_one_never() {
        let yearly = events("DTSTART;VALUE=DATE:20200801\nRRULE:FREQ=YEARLY");
        assert!(yearly.contains(&(date(2031, 8, 1).at(0, 0, 0, 0), date(2031, 8, 2).at(0, 0, 0, 0))));
        assert_eq!(events("DTSTART:20260501\nSTATUS:CANCELLED"), []);
    }

    #[test]
    fn a_calendar_of_nonsense_is_bounded_or_none() {
        let event =
            "BEGIN:VEVENT\nDTSTART:00010101\nDTEND:99991231\nRRULE:FREQ=YEARLY\nEND:VEVENT\n".repeat(50);
        let calendar = Calendar::parse(&format!("BEGIN:VCALENDAR\n{event}"), &TimeZone::UTC).unwrap();
        assert!(calendar.is_cut && calendar.events.len() == MOST_EVENTS);
        assert_eq!(Calendar::parse("<html>", &TimeZone::UTC), None);
        for wrong in ["DTSTART:2026", "DTSTART:2026ä501", "DTSTART:20260501T99", "DTSTART:20261341"] {
            assert_eq!(events(wrong), [], "{wrong}");
        }
    }
}
