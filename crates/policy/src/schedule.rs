//! Hours, days and dates, on the clock of the policy's zone.
//!
//! Hours may wrap midnight: `22:00-07:00` on a Friday ends on Saturday morning, whether or not
//! Saturday is among the days. They are read off the wall clock, so that a day with 23 or 25 hours
//! needs no care: 02:30 counts whenever the clock shows it.

mod event;

use std::fmt;

use jiff::civil::{Date, DateTime, Time, Weekday};

pub use event::Event;

/// From one time of day to another, the end excluded; when the end is not later than the start, it
/// is on the next day, so that `08:00-08:00` is a whole one.
///
/// ```
/// use jiff::civil::date;
/// use ringfence_policy::Hours;
///
/// let night = Hours::parse("22:00-07:00").unwrap();
/// assert!(night.contains(date(2026, 3, 1).at(23, 10, 0, 0)));
/// assert!(!night.contains(date(2026, 3, 1).at(7, 0, 0, 0)));
/// assert!(Hours::parse("22-7").is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// In minutes since midnight, as the end is.
    start: u16,
    end: u16,
}

impl Hours {
    /// The whole day.
    pub const ALL: Hours = Hours { start: 0, end: MINUTES };

    /// Reads `HH:MM-HH:MM`; `24:00` is the end of a day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (start, end) = text.split_once('-')?;
        Some(Self { start: time(start)? % MINUTES, end: time(end)? })
    }

    /// Returns whether they end when they begin, and so are a whole day, which nobody writes so.
    pub(crate) fn is_odd(self) -> bool {
        self.start == self.end
    }

    /// Returns whether each minute within one of some hours is within one of others.
    pub(crate) fn all_within(narrow: &[Hours], wide: &[Hours]) -> bool {
        ends(narrow, wide).all(|minute| !has(narrow, minute) || has(wide, minute))
    }

    /// Returns whether a minute is within one of some hours and within one of others.
    pub(crate) fn meet(some: &[Hours], others: &[Hours]) -> bool {
        ends(some, others).any(|minute| has(some, minute) && has(others, minute))
    }

    /// Returns whether the wall clock shows a time within the hours.
    #[must_use]
    pub fn contains(self, now: DateTime) -> bool {
        self.has(minute(now))
    }

    /// Returns whether what a wall clock shows is within the hours.
    pub(crate) fn is_shown_by(self, clock: &WallClock) -> bool {
        self.has(clock.minute)
    }

    fn has(self, minute: u16) -> bool {
        if self.wraps() {
            minute >= self.start || minute < self.end
        } else {
            minute >= self.start && minute < self.end
        }
    }

    /// Returns the date the hours began on that a clock shows a time within.
    fn began(self, clock: &WallClock) -> Option<Date> {
        if self.wraps() && clock.minute < self.end && clock.minute < self.start {
            return clock.shown.date().yesterday().ok();
        }
        Some(clock.shown.date())
    }

    /// Returns the time of day at which they end.
    fn ends(self) -> Option<Time> {
        let end = self.end % MINUTES;
        let [hour, minute] = [end / 60, end % 60].map(|part| i8::try_from(part).ok());
        Time::new(hour?, minute?, 0, 0).ok()
    }

    fn wraps(self) -> bool {
        self.end <= self.start
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, end } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", start / 60, start % 60, end / 60, end % 60)
    }
}

/// Returns the minutes at which some of these hours begin or end: between two of them nothing changes.
fn ends<'h>(some: &'h [Hours], others: &'h [Hours]) -> impl Iterator<Item = u16> + 'h {
    some.iter().chain(others).flat_map(|hours| [hours.start, hours.end % MINUTES])
}

fn has(hours: &[Hours], minute: u16) -> bool {
    hours.iter().any(|hours| hours.has(minute))
}

/// Returns how many minutes of its day a wall clock shows.
fn minute(now: DateTime) -> u16 {
    60 * u16::from(now.hour().unsigned_abs()) + u16::from(now.minute().unsigned_abs())
}

/// Reads a time of day, in minutes since midnight.
fn time(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let is_number =
        |digits: &str| (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number(hour) || minute.len() != 2 || !is_number(minute) {
        return None;
    }
    match (hour.parse().ok()?, minute.parse().ok()?) {
        (24_u16, 0_u16) => Some(MINUTES),
        (hour @ ..24, minute @ ..60) => Some(60 * hour + minute),
        (_, _) => None,
    }
}

/// A named schedule: on which days, during which hours, with which exceptions.
///
/// ```
/// use jiff::civil::{Weekday, date};
/// use ringfence_policy::{Hours, Schedule};
///
/// let open = Schedule::new("open")
///     .days([Weekday::Monday, Weekday::Friday])
///     .hours([Hours::parse("08:30-17:30").unwrap()])
///     .except([date(2026, 12, 25)]);
/// assert!(open.contains(date(2026, 12, 18).at(9, 0, 0, 0)));
/// assert!(!open.contains(date(2026, 12, 25).at(9, 0, 0, 0)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    name: Box<str>,
    /// Bit `n` is the weekday `n`, Monday being 0.
    days: u8,
    hours: Vec<Hours>,
    except: Vec<Date>,
    /// Times that count whatever the days and hours: those of a calendar file.
    events: Vec<Event>,
}

impl Schedule {
    /// Makes a schedule that always is.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            days: EVERY_DAY,
            hours: vec![Hours::ALL],
            except: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Sets the days on which its hours begin.
    #[must_use]
    pub fn days(mut self, days: impl IntoIterator<Item = Weekday>) -> Self {
        self.days = days.into_iter().fold(0, |bits, day| bits | bit(day));
        self
    }

    /// Sets its hours.
    #[must_use]
    pub fn hours(mut self, hours: impl IntoIterator<Item = Hours>) -> Self {
        self.hours = hours.into_iter().collect();
        self
    }

    /// Sets the dates on which its hours do not begin.
    #[must_use]
    pub fn except(mut self, dates: impl IntoIterator<Item = Date>) -> Self {
        self.except = dates.into_iter().collect();
        self.except.sort_unstable();
        self
    }

    /// Adds times that count whatever the days and hours.
    #[must_use]
    pub fn events(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.events = events.into_iter().collect();
        self
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether the wall clock shows a time within the schedule.
    #[must_use]
    pub fn contains(&self, now: DateTime) -> bool {
        self.is_shown_by(&WallClock::new(now))
    }

    /// Returns whether what a wall clock shows is within the schedule. Most hours are not those of the moment, and
    /// then no date is looked at.
    pub(crate) fn is_shown_by(&self, clock: &WallClock) -> bool {
        let now = clock.shown;
        self.hours.iter().any(|hours| hours.has(clock.minute) && self.has_day_of(*hours, clock))
            || self.events.iter().any(|event| event.contains(now))
    }

    #[inline(never)]
    fn has_day_of(&self, hours: Hours, clock: &WallClock) -> bool {
        hours.began(clock).is_some_and(|date| {
            self.days & bit(date.weekday()) != 0 && self.except.binary_search(&date).is_err()
        })
    }

    /// Returns when the schedule ends that a time is within: the next minute that it does not
    /// contain, within eight days.
    #[must_use]
    pub fn end(&self, now: DateTime) -> Option<DateTime> {
        if !self.contains(now) {
            return None;
        }
        let ends = self.hours.iter().filter_map(|hours| hours.ends());
        let mut candidates: Vec<DateTime> = self.events.iter().flat_map(|event| event.ends(now)).collect();
        let mut date = now.date();
        for _ in 0..=DAYS_AHEAD {
            candidates.extend(ends.clone().map(|end| date.to_datetime(end)));
            date = date.tomorrow().ok()?;
        }
        candidates.sort_unstable();
        candidates.into_iter().find(|end| *end > now && !self.contains(*end))
    }
}

/// What a wall clock shows, read once for all schedules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallClock {
    pub(crate) shown: DateTime,
    minute: u16,
}

impl WallClock {
    pub(crate) fn new(shown: DateTime) -> Self {
        Self { shown, minute: minute(shown) }
    }
}

/// Those of a day.
const MINUTES: u16 = 24 * 60;

const EVERY_DAY: u8 = 0b0111_1111;

/// A schedule that goes on for longer has no end that anyone would wait for.
const DAYS_AHEAD: usize = 8;

fn bit(day: Weekday) -> u8 {
    1 << day.to_monday_zero_offset()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn hours(text: &str) -> Hours {
        Hours::parse(text).unwrap()
    }

    #[test]
    fn hours_that_wrap_midnight_belong_to_the_day_they_began_on() {
        let friday_night = Schedule::new("x").days([Weekday::Friday]).hours([hours("22:00-07:00")]);
        assert!(friday_night.contains(date(2026, 3, 6).at(23, 0, 0, 0)));
        assert!(friday_night.contains(date(2026, 3, 7).at(6, 59, 0, 0)));
        assert!(!friday_night.contains(date(2026, 3, 6).at(6, 59, 0, 0)));
        assert!(!friday_night.contains(date(2026, 3, 7).at(23, 0, 0, 0)));
    }

    #[test]
    fn a_schedule_ends_when_nothing_of_it_goes_on() {
        let quiet = Schedule::new("quiet").hours([hours("21:00-07:00"), hours("06:00-08:00")]);
        let night = date(2026, 5, 4).at(2, 0, 0, 0);
        assert_eq!(quiet.end(night), Some(date(2026, 5, 4).at(8, 0, 0, 0)));
        assert_eq!(quiet.end(date(2026, 5, 4).at(12, 0, 0, 0)), None);
        assert_eq!(Schedule::new("always").end(night), None);
        let [today, tomorrow] = [4, 5].map(|day| date(1980, 5, day).at(0, 0, 0, 0));
        let yearly = Schedule::new("x").hours([]).events([Event::yearly(today, tomorrow)]);
        assert_eq!(yearly.end(night), Some(date(2026, 5, 5).at(0, 0, 0, 0)));
    }

    #[test]
    fn hours_that_end_when_they_begin_are_a_whole_day_and_those_until_midnight_end_with_it() {
        let monday = Schedule::new("x").days([Weekday::Monday]);
        let at = |day: i8, hour: i8| date(2026, 5, day).at(hour, 0, 0, 0);
        let whole = monday.clone().hours([hours("08:00-08:00")]);
        let found = [at(4, 7), at(4, 8), at(5, 7), at(5, 8)].map(|now| whole.contains(now));
        assert_eq!(found, [false, true, true, false]);
        let evening = monday.clone().hours([hours("18:00-24:00")]);
        let found = [at(4, 0), at(4, 18), at(4, 23), at(5, 0)].map(|now| evening.contains(now));
        assert_eq!(found, [false, true, true, false]);
        assert_eq!(evening.end(at(4, 20)), Some(at(5, 0)));
        let early = monday.hours([hours("24:00-06:00")]);
        assert!(early.contains(at(4, 5)) && !early.contains(at(5, 5)));
    }

    #[test]
    fn an_exception_takes_the_night_that_begins_on_it() {
        let nights = Schedule::new("x").hours([hours("22:00-07:00")]).except([date(2026, 12, 24)]);
        assert!(!nights.contains(date(2026, 12, 25).at(3, 0, 0, 0)));
        assert!(nights.contains(date(2026, 12, 25).at(23, 0, 0, 0)));
    }

    #[test]
    fn hours_are_read_strictly() {
        for wrong in [
            "",
            "8-9",
            "08:30",
            "25:00-26:00",
            "08:3-09:00",
            "08:60-09:00",
            "-1:00-02:00",
            "08:00-09:00-10:00",
        ] {
            assert_eq!(Hours::parse(wrong), None, "{wrong}");
        }
        assert_eq!(hours("00:00-24:00"), Hours::ALL);
        assert_eq!(hours("18:00-24:00").to_string(), "18:00-24:00");
        assert_eq!(hours(" 8:30 - 17:30").to_string(), "08:30-17:30");
    }
}
