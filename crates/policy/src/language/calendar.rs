//! The events of a calendar file (RFC 5545), on the clock of a zone.
//!
//! Of a calendar only what a schedule needs is read: `DTSTART` and `DTEND` or `DURATION` of each `VEVENT`,
//! and an `RRULE` of `FREQ=YEARLY` alone, as holidays have it, with the times that `EXDATE` takes out of it and those that
//! an event with `RECURRENCE-ID` is in the place of. Cancelled events do not count; an event that repeats in another way counts
//! once, and is reported, as is one of which it cannot be read when it is.

mod duration;
mod zone;

use std::borrow::Cow;

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
    /// How many times count that are to be left out in a way that is not understood.
    pub(super) kept: usize,
    /// Whether there are more events than [`MOST_EVENTS`].
    pub(super) is_cut: bool,
}

/// Each is looked at for each call.
pub(super) const MOST_EVENTS: usize = 1_000;

/// Times of series in whose place others are, also of series that do not count: which those are is known at the end.
const MOST_REPLACED: usize = 100_000;

/// What has been read of an event.
#[derive(Debug, Default)]
struct Read {
    start: Option<DateTime>,
    end: End,
    is_yearly: bool,
    repeats: bool,
    is_cancelled: bool,
    /// What it shares with the events that take the place of one of its times.
    uid: String,
    /// The times that are left out; `None` for one that is not understood.
    left_out: Vec<Option<DateTime>>,
    /// The times of another event that it takes the place of, in the same way.
    in_place_of: Vec<Option<DateTime>>,
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
        let (mut calendar, mut series) = (Self::default(), Series::default());
        let mut event: Option<Read> = None;
        for line in unfolded(text).lines() {
            let Some((property, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            let (name, parameters) = property.split_once(';').unwrap_or((property, ""));
            match (name.to_ascii_uppercase().as_str(), event.as_mut()) {
                ("BEGIN", _) if value.eq_ignore_ascii_case("VEVENT") => event = Some(Read::default()),
                ("END", Some(_)) if value.eq_ignore_ascii_case("VEVENT") => {
                    calendar.add(event.take().unwrap_or_default(), &mut series);
                }
                ("BEGIN", Some(event)) => event.parts += 1,
                ("END", Some(event)) => event.parts = event.parts.saturating_sub(1),
                (_, Some(event)) if event.parts > 0 => {}
                ("DTSTART", Some(event)) => event.start = moment(value, parameters, zone),
                ("DTEND", Some(event)) => event.end = moment(value, parameters, zone).into(),
                ("DURATION", Some(event)) => event.end = duration(value).into(),
                ("STATUS", Some(event)) => event.is_cancelled = value.eq_ignore_ascii_case("CANCELLED"),
                ("UID", Some(event)) => value.clone_into(&mut event.uid),
                ("EXDATE", Some(event)) => {
                    event.left_out.extend(value.split(',').map(|value| moment(value, parameters, zone)));
                }
                ("RECURRENCE-ID", Some(event)) => {
                    // With RANGE it stands for all that follow, too.
                    let is_one = !parameters.to_ascii_uppercase().contains("RANGE=");
                    event.in_place_of.push(moment(value, parameters, zone).filter(|_| is_one));
                }
                ("RRULE", Some(event)) => {
                    event.is_yearly = value.eq_ignore_ascii_case("FREQ=YEARLY");
                    event.repeats = !event.is_yearly;
                }
                _ => {}
            }
        }
        calendar.leave_out(series);
        Some(calendar)
    }

    fn add(&mut self, read: Read, series: &mut Series) {
        for time in &read.in_place_of {
            // An event without a UID is of no series.
            if read.uid.is_empty() {
                continue;
            }
            if series.replaced.len() == MOST_REPLACED {
                self.is_cut = true;
                break;
            }
            series.replaced.push((read.uid.clone(), *time));
        }
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
        if !read.is_yearly {
            let is_left_out = read.left_out.iter().flatten().any(|time| time.date() == start.date());
            if !is_left_out {
                self.events.push(Event::once(start, end));
            }
            return;
        }
        if !read.uid.is_empty() {
            series.yearly.push((read.uid, self.events.len()));
        }
        self.events.push(Event::yearly(start, end));
        for time in read.left_out {
            self.leave_out_of(self.events.len() - 1, time);
        }
    }

    /// Leaves out the times of yearly events that others take the place of. They may stand before these.
    fn leave_out(&mut self, series: Series) {
        for (uid, time) in series.replaced {
            for (_, index) in series.yearly.iter().filter(|(known, _)| *known == uid) {
                self.leave_out_of(*index, time);
            }
        }
    }

    fn leave_out_of(&mut self, index: usize, time: Option<DateTime>) {
        let Some(event) = self.events.get_mut(index) else { return };
        match time.and_then(|time| event.without(time.date())) {
            Some(without) => *event = without,
            None => self.kept += 1,
        }
    }
}

/// Yearly events by what they share with those that take the place of one of their times, and the times of these.
#[derive(Debug, Default)]
struct Series {
    yearly: Vec<(String, usize)>,
    replaced: Vec<(String, Option<DateTime>)>,
}

/// Puts lines together again that go on after a blank (RFC 5545 section 3.1).
fn unfolded(text: &str) -> Cow<'_, str> {
    if !text.contains("\n ") && !text.contains("\n\t") {
        return text.into();
    }
    ["\r\n ", "\r\n\t", "\n ", "\n\t"]
        .iter()
        .fold(text.to_owned(), |text, fold| text.replace(fold, ""))
        .into()
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
    fn a_yearly_day_is_not_where_it_is_taken_out_or_moved() {
        let held = |text: &str| {
            let found = calendar(text);
            let held = (2026..2031).filter(|year| {
                found.events.iter().any(|event| event.contains(date(*year, 8, 1).at(12, 0, 0, 0)))
            });
            (held.collect::<Vec<i16>>(), found.kept)
        };
        let yearly = "UID:a\nDTSTART;VALUE=DATE:20260801\nRRULE:FREQ=YEARLY";
        let other = "END:VEVENT\nBEGIN:VEVENT";
        let moved =
            |more: &str| format!("{yearly}\n{other}\nUID:a\nRECURRENCE-ID;VALUE=DATE:20280801\n{more}");
        for (text, expected) in [
            (format!("{yearly}\nEXDATE;VALUE=DATE:20270801,20290801"), (vec![2026, 2028, 2030], 0)),
            (format!("{yearly}\nEXDATE;VALUE=DATE:20270801,\r\n 20290801"), (vec![2026, 2028, 2030], 0)),
            (format!("{yearly}\nEXDATE:20270801T000000Z"), (vec![2026, 2028, 2029, 2030], 0)),
            (format!("{yearly}\nEXDATE:20270802,soon"), (vec![2026, 2027, 2028, 2029, 2030], 2)),
            (moved("DTSTART;VALUE=DATE:20280807"), (vec![2026, 2027, 2029, 2030], 0)),
            (moved("STATUS:CANCELLED"), (vec![2026, 2027, 2029, 2030], 0)),
            (
                moved("DTSTART;VALUE=DATE:20280807").replace("-ID;", "-ID;RANGE=THISANDFUTURE;"),
                (vec![2026, 2027, 2028, 2029, 2030], 1),
            ),
            (
                moved("DTSTART;VALUE=DATE:20280807").replacen("UID:a", "UID:b", 1),
                (vec![2026, 2027, 2028, 2029, 2030], 0),
            ),
        ] {
            assert_eq!(held(&text), expected, "{text}");
        }
        assert_eq!(events(&moved("DTSTART;VALUE=DATE:20280807"))[1], once(date(2028, 8, 7), 0, 24));
        // What has no UID is no other time of anything.
        let without_uid = moved("DTSTART;VALUE=DATE:20280807").replace("UID:a\n", "");
        assert_eq!(held(&without_uid), (vec![2026, 2027, 2028, 2029, 2030], 0));
        // Exceptions of a weekly series leave the room to others.
        let weekly =
            format!("UID:w\nRECURRENCE-ID:20260101T080000\nSTATUS:CANCELLED\n{other}\n").repeat(1_500);
        let found = calendar(&format!("{weekly}{}", moved("DTSTART;VALUE=DATE:20280807")));
        assert!(!found.is_cut && found.events.len() == 2);
        assert!(!found.events.iter().any(|event| event.contains(date(2028, 8, 1).at(12, 0, 0, 0))));
        assert_eq!(events("DTSTART;VALUE=DATE:20260801\nEXDATE;VALUE=DATE:20260801"), []);
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
