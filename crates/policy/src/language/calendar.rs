//! The events of a calendar file (RFC 5545), on the clock of a zone.
//!
//! Of a calendar only what a schedule needs is read: `DTSTART` and `DTEND` or `DURATION` of each `VEVENT`,
//! and an `RRULE` of `FREQ=YEARLY` alone, as holidays have it. Cancelled events do not count; an event that
//! repeats in another way counts once, and is reported, as is one of which it cannot be read when it is.

mod duration;
mod zone;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};

use crate::schedule::Event;
use duration::duration;

/// The events of a calendar, and how many of them are not understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) events: Vec<Event>,
    /// How many events repeat in a way that is not understood.
    pub(super) repeating: usize,
    /// How many events have no start or no length that is understood.
    pub(super) unreadable: usize,
    /// Whether there are more events than [`MOST_EVENTS`].
    pub(super) is_cut: bool,
}

/// Each is looked at for each call.
pub(super) const MOST_EVENTS: usize = 1_000;

/// What has been read of an event.
#[derive(Debug, Default)]
struct Read {
    start: Option<DateTime>,
    end: End,
    is_yearly: bool,
    repeats: bool,
    is_cancelled: bool,
    /// In how many parts of it what is read stands: an alarm has times of its own.
    parts: usize,
}

/// When an event ends.
#[derive(Debug, Clone, Copy, Default)]
enum End {
    /// It does not say.
    #[default]
    Unsaid,
    /// What it says is not understood.
    Unreadable,
    At(DateTime),
    After(SignedDuration),
}

impl From<Option<DateTime>> for End {
    fn from(end: Option<DateTime>) -> Self {
        end.map_or(Self::Unreadable, Self::At)
    }
}

impl From<Option<SignedDuration>> for End {
    fn from(length: Option<SignedDuration>) -> Self {
        length.map_or(Self::Unreadable, Self::After)
    }
}

impl Calendar {
    /// Reads a calendar. `None` when it is none.
    pub(super) fn parse(text: &str, zone: &TimeZone) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if !text.trim_start().get(..15).is_some_and(|start| start.eq_ignore_ascii_case("BEGIN:VCALENDAR")) {
            return None;
        }
        let mut calendar = Self::default();
        let mut event: Option<Read> = None;
        for line in text.lines() {
            // A folded line goes on after a blank; no value that counts here is so long.
            let Some((property, value)) = line.split_once(':').filter(|_| !line.starts_with([' ', '\t']))
            else {
                continue;
            };
            let value = value.trim();
            let (name, parameters) = property.split_once(';').unwrap_or((property, ""));
            match (name.to_ascii_uppercase().as_str(), event.as_mut()) {
                ("BEGIN", _) if value.eq_ignore_ascii_case("VEVENT") => event = Some(Read::default()),
                ("END", Some(_)) if value.eq_ignore_ascii_case("VEVENT") => {
                    calendar.add(&event.take().unwrap_or_default());
                }
                ("BEGIN", Some(event)) => event.parts += 1,
                ("END", Some(event)) => event.parts = event.parts.saturating_sub(1),
                (_, Some(event)) if event.parts > 0 => {}
                ("DTSTART", Some(event)) => event.start = moment(value, parameters, zone),
                ("DTEND", Some(event)) => event.end = moment(value, parameters, zone).into(),
                ("DURATION", Some(event)) => event.end = duration(value).into(),
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

    fn add(&mut self, read: &Read) {
        if read.is_cancelled {
            return;
        }
        let Some((start, end)) = read.start_and_end() else {
            self.unreadable += 1;
            return;
        };
        if self.events.len() == MOST_EVENTS {
            self.is_cut = true;
            return;
        }
        self.repeating += usize::from(read.repeats);
        self.events.push(if read.is_yearly { Event::yearly(start, end) } else { Event::once(start, end) });
    }
}

impl Read {
    /// Returns from when to when it is, the first time; `None` where that is not understood, or no time at all.
    fn start_and_end(&self) -> Option<(DateTime, DateTime)> {
        let start = self.start?;
        let end = match self.end {
            // By RFC 5545 section 3.6.1 a day without an end is that day, a time without one no time.
            End::Unsaid if start.time() == Time::midnight() => start.saturating_add(1.day()),
            End::Unsaid | End::Unreadable => return None,
            End::At(end) => end,
            End::After(length) => start.saturating_add(length),
        };
        (start < end).then_some((start, end))
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
        Some(name) => zone::named(name.trim_matches('"'))?,
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

    /// Reads the calendar of one event.
    fn calendar(text: &str) -> Calendar {
        let zurich = TimeZone::get("Europe/Zurich").unwrap();
        let calendar =
            format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{text}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
        Calendar::parse(&calendar, &zurich).unwrap()
    }

    fn events(text: &str) -> Vec<Event> {
        calendar(text).events
    }

    /// An event on one day of the clock, from one hour to another, or to the end of the day.
    fn once(day: Date, from: i8, to: i8) -> Event {
        let end = if to == 24 { day.tomorrow().unwrap().at(0, 0, 0, 0) } else { day.at(to, 0, 0, 0) };
        Event::once(day.at(from, 0, 0, 0), end)
    }

    #[test]
    fn whole_days_count_and_the_end_does_not() {
        let christmas =
            events("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227\r\nSUMMARY:Christmas");
        let [start, end] = [24, 27].map(|day| date(2026, 12, day).at(0, 0, 0, 0));
        assert_eq!(christmas, [Event::once(start, end)]);
        assert_eq!(events("DTSTART;VALUE=DATE:20260801"), [once(date(2026, 8, 1), 0, 24)]);
    }

    #[test]
    fn times_are_told_by_the_clock_of_the_policy() {
        let utc = events("DTSTART:20260701T080000Z\r\nDTEND:20260701T090000Z");
        assert_eq!(utc, [once(date(2026, 7, 1), 10, 11)]);
        for (zone, hour) in
            [("America/New_York", 14), ("\"W. Europe Standard Time\"", 8), ("GMT Standard Time", 9)]
        {
            let there =
                events(&format!("DTSTART;TZID={zone}:20260101T080000\nDTEND;TZID={zone}:20260101T090000"));
            assert_eq!(there, [once(date(2026, 1, 1), hour, hour + 1)], "{zone}");
        }
    }

    #[test]
    fn a_yearly_day_comes_again_however_old_it_is_and_a_cancelled_one_never() {
        let yearly = events("DTSTART;VALUE=DATE:19800801\nRRULE:FREQ=YEARLY");
        let [start, end] = [1, 2].map(|day| date(1980, 8, day).at(0, 0, 0, 0));
        assert_eq!(yearly, [Event::yearly(start, end)]);
        assert!(yearly[0].contains(date(2031, 8, 1).at(12, 0, 0, 0)));
        let cancelled = calendar("DTSTART:20260501\nSTATUS:CANCELLED");
        assert_eq!((cancelled.events, cancelled.unreadable), (vec![], 0));
    }

    #[test]
    fn an_event_is_as_long_as_its_duration_and_not_as_that_of_its_alarm() {
        let alarm = "BEGIN:VALARM\nTRIGGER:-PT15M\nDURATION:PT9H\nEND:VALARM";
        let long = events(&format!("DTSTART:20260501T080000\nDURATION:PT2H\n{alarm}"));
        assert_eq!(long, [once(date(2026, 5, 1), 8, 10)]);
        let days = events("DTSTART;VALUE=DATE:20260501\nDURATION:P1W");
        let [start, end] = [1, 8].map(|day| date(2026, 5, day).at(0, 0, 0, 0));
        assert_eq!(days, [Event::once(start, end)]);
        assert_eq!(events(&format!("DTSTART;VALUE=DATE:20260501\n{alarm}")), [once(date(2026, 5, 1), 0, 24)]);
    }

    #[test]
    fn an_event_that_is_not_understood_is_counted() {
        for wrong in [
            "SUMMARY:x",
            "DTSTART:2026",
            "DTSTART:2026ä501",
            "DTSTART:20260501T99",
            "DTSTART:20261341",
            "DTSTART;TZID=Nowhere:20260501T080000\nDTEND;TZID=Nowhere:20260501T090000",
            "DTSTART:20260501\nDTEND:tomorrow",
            "DTSTART:20260501T080000\nDURATION:1h",
            "DTSTART:20260501T080000\nDURATION:-PT1H",
            "DTSTART:20260501T080000",
            "DTSTART:20260501T080000\nDTEND:20260501T070000",
        ] {
            let calendar = calendar(wrong);
            assert_eq!((calendar.events, calendar.unreadable), (vec![], 1), "{wrong}");
        }
    }

    #[test]
    fn a_calendar_of_nonsense_is_bounded_or_none() {
        let event = "BEGIN:VEVENT\nDTSTART:00010101\nDTEND:99991231\nRRULE:FREQ=YEARLY\nEND:VEVENT\n";
        let parse =
            |events| Calendar::parse(&format!("BEGIN:VCALENDAR\n{}", event.repeat(events)), &TimeZone::UTC);
        let [all, more] = [MOST_EVENTS, MOST_EVENTS + 1].map(|events| parse(events).unwrap());
        assert_eq!((all.is_cut, all.events.len()), (false, MOST_EVENTS));
        assert_eq!((more.is_cut, more.events.len()), (true, MOST_EVENTS));
        assert_eq!(Calendar::parse("<html>", &TimeZone::UTC), None);
    }
}
