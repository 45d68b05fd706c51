//! Hours, days and dates, on the clock of the policy's zone.
//!
//! Hours may wrap midnight: `22:00-07:00` on a Friday ends on Saturday morning, whether or not
//! Saturday is among the days. They are read off the wall clock, so that a day with 23 or 25 hours
//! needs no care: 02:30 counts whenever the clock shows it.

use std::fmt;

use jiff::civil::{Date, DateTime, Time, Weekday};

/// From one time of day to another, the end excluded; when the end is not later than the start, it
/// is on the next day.
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
    start: Time,
    end: Time,
}

impl Hours {
    /// The whole day.
    pub const ALL: Hours = Hours { start: Time::MIN, end: Time::MIN };

    /// Reads `HH:MM-HH:MM`; `24:00` is the end of a day.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (start, end) = text.split_once('-')?;
        Some(Self { start: time(start)?, end: time(end)? })
    }

    /// Returns whether the wall clock shows a time within the hours.
    #[must_use]
    pub fn contains(self, now: DateTime) -> bool {
        let time = now.time();
        if self.wraps() {
            time >= self.start || time < self.end
        } else {
            time >= self.start && time < self.end
        }
    }

    /// Returns the date the hours began on that a time is within.
    fn began(self, now: DateTime) -> Option<Date> {
        if !self.contains(now) {
            return None;
        }
        if self.wraps() && now.time() < self.end && now.time() < self.start {
            return now.date().yesterday().ok();
        }
        Some(now.date())
    }

    fn wraps(self) -> bool {
        self.end <= self.start
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, end } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", start.hour(), start.minute(), end.hour(), end.minute())
    }
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let is_number =
        |digits: &str| (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number(hour) || minute.len() != 2 || !is_number(minute) {
        return None;
    }
    match (hour.parse().ok()?, minute.parse().ok()?) {
        (24, 0) => Some(Time::MIN),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
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
    events: Vec<(DateTime, DateTime)>,
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
    pub fn events(mut self, events: impl IntoIterator<Item = (DateTime, DateTime)>) -> Self {
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
        let by_hours = self.hours.iter().any(|hours| {
            hours.began(now).is_some_and(|date| {
                self.days & bit(date.weekday()) != 0 && self.except.binary_search(&date).is_err()
            })
        });
        by_hours || self.events.iter().any(|(start, end)| *start <= now && now < *end)
    }

    /// Returns when the schedule ends that a time is within: the next minute that it does not
    /// contain, within eight days.
    #[must_use]
    pub fn end(&self, now: DateTime) -> Option<DateTime> {
        if !self.contains(now) {
            return None;
        }
        let ends = self.hours.iter().map(|hours| hours.end);
        let mut candidates: Vec<DateTime> = self.events.iter().map(|(_, end)| *end).collect();
        let mut date = now.date();
        for _ in 0..=DAYS_AHEAD {
            candidates.extend(ends.clone().map(|end| date.to_datetime(end)));
            date = date.tomorrow().ok()?;
        }
        candidates.sort_unstable();
        candidates.into_iter().find(|end| *end > now && !self.contains(*end))
    }
}

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
        assert_eq!(hours(" 8:30 - 17:30").to_string(), "08:30-17:30");
    }
}
