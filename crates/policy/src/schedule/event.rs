//! A time that counts whatever the days and hours of a schedule: once, or every year.

use jiff::civil::{Date, DateTime};

/// From one moment to another on the clock of a policy's zone, the end excluded: once, or every year from the first time on.
///
/// ```
/// use jiff::civil::date;
/// use ringfence_policy::Event;
///
/// let midnight = |year, month, day| date(year, month, day).at(0, 0, 0, 0);
/// let national_day = Event::yearly(midnight(1980, 8, 1), midnight(1980, 8, 2));
/// assert!(national_day.contains(date(2026, 8, 1).at(20, 15, 0, 0)));
/// assert!(!national_day.contains(midnight(2026, 8, 2)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The first time.
    start: DateTime,
    end: DateTime,
    again: Option<Yearly>,
}

/// How far back a time may have begun that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Yearly {
    days: i64,
    years: i16,
    /// Bit `n` is set where the time that begins `n` years after the first is left out.
    left_out: u128,
}

impl Event {
    /// Makes one that is once.
    #[must_use]
    pub fn once(start: DateTime, end: DateTime) -> Self {
        Self { start, end, again: None }
    }

    /// Makes one that comes again every year on the day of its first time, and is as long each time. What begins on
    /// 29 February comes in leap years alone, as calendars have it.
    #[must_use]
    pub fn yearly(start: DateTime, end: DateTime) -> Self {
        let days = start.duration_until(end).as_hours() / 24;
        let years = i16::try_from(days / 365 + 1).map_or(LONGEST_WAIT, |years| years.min(LONGEST_WAIT));
        // A day is for the hours that are left, and one for a 29 February in between.
        Self { start, end, again: Some(Yearly { days: days + 2, years, left_out: 0 }) }
    }

    /// Leaves out the time of a yearly one that begins on a date. `None` where none does, or only after more than 127 years.
    ///
    /// ```
    /// use jiff::civil::date;
    /// use ringfence_policy::Event;
    ///
    /// let [start, end] = [1, 2].map(|day| date(1980, 8, day).at(0, 0, 0, 0));
    /// let but_once = Event::yearly(start, end).without(date(2026, 8, 1)).unwrap();
    /// let is = |year| but_once.contains(date(year, 8, 1).at(12, 0, 0, 0));
    /// assert_eq!([2025, 2026, 2027].map(is), [true, false, true]);
    /// assert!(but_once.without(date(2026, 8, 2)).is_none());
    /// ```
    #[must_use]
    pub fn without(self, date: Date) -> Option<Self> {
        let Self { start, end, again } = self;
        let yearly = again.filter(|_| (start.month(), start.day()) == (date.month(), date.day()))?;
        let left_out = yearly.left_out | bit(date.year().checked_sub(start.year())?)?;
        Some(Self { start, end, again: Some(Yearly { left_out, ..yearly }) })
    }

    /// Returns whether a wall clock shows a time within it.
    #[must_use]
    pub fn contains(&self, now: DateTime) -> bool {
        match self.again {
            None => self.start <= now && now < self.end,
            Some(yearly) => {
                self.start <= now
                    && yearly.may_go_on(self.start.date(), now.date())
                    && self.times(yearly, now).any(|(start, end)| start <= now && now < end)
            }
        }
    }

    /// Returns when it ends: of a yearly one, when those of its times do that may go on, and the next.
    pub(super) fn ends(&self, now: DateTime) -> impl Iterator<Item = DateTime> {
        let once = if self.again.is_none() { Some(self.end) } else { None };
        let yearly = self.again.into_iter().flat_map(move |yearly| self.times(yearly, now));
        once.into_iter().chain(yearly.map(|(_, end)| end))
    }

    /// Returns those of its times that may go on, and the next.
    fn times(&self, yearly: Yearly, now: DateTime) -> impl Iterator<Item = (DateTime, DateTime)> {
        let (first, length) = (self.start, self.start.duration_until(self.end));
        let years = now.year().saturating_sub(yearly.years).max(first.year())..=now.year().saturating_add(1);
        let day_in = move |year| Date::new(year, first.month(), first.day()).ok();
        let is_left_out = move |year: &i16| yearly.leaves_out(year.saturating_sub(first.year()));
        let starts = years
            .filter(move |year| !is_left_out(year))
            .filter_map(day_in)
            .map(move |day| day.to_datetime(first.time()));
        starts.map(move |start| (start, start.saturating_add(length)))
    }
}

impl Yearly {
    fn leaves_out(self, after: i16) -> bool {
        self.left_out != 0 && bit(after).is_some_and(|bit| self.left_out & bit != 0)
    }

    /// Returns whether a time may go on at a date, from how far the day of its beginning is away: of many events hardly
    /// one's is near.
    fn may_go_on(self, start: Date, now: Date) -> bool {
        let since = (day_of_year(now) - day_of_year(start)).rem_euclid(DAYS);
        i64::from(since) <= self.days
    }
}

/// Returns the bit of a time that begins so many years after the first.
fn bit(after: i16) -> Option<u128> {
    1_u128.checked_shl(u32::try_from(after).ok()?)
}

/// Returns the place of a date in a leap year.
fn day_of_year(date: Date) -> i32 {
    const BEFORE: [i32; 12] = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335];
    let month = usize::from(date.month().unsigned_abs());
    BEFORE[(month + 11) % 12] + i32::from(date.day())
}

/// Those of a leap year.
const DAYS: i32 = 366;

/// So many years are between one 29 February and the next at most.
const LONGEST_WAIT: i16 = 8;

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;

    use super::*;

    fn midnight(year: i16, month: i8, day: i8) -> DateTime {
        date(year, month, day).at(0, 0, 0, 0)
    }

    #[test]
    fn a_yearly_event_is_on_its_day_however_long_ago_it_began() {
        let event = Event::yearly(midnight(1291, 8, 1), midnight(1291, 8, 2));
        for year in [1291, 1980, 2026, 9999] {
            let found =
                [(7, 31), (8, 1), (8, 2)].map(|(month, day)| event.contains(midnight(year, month, day)));
            assert_eq!(found, [false, true, false], "{year}");
        }
        assert!(!event.contains(midnight(1290, 8, 1)));
    }

    #[test]
    fn a_yearly_event_goes_on_over_new_year_and_is_as_long_in_leap_years() {
        let holidays = Event::yearly(date(2019, 12, 24).at(12, 0, 0, 0), date(2020, 1, 3).at(8, 0, 0, 0));
        let found = [(12, 24, 11), (12, 24, 12), (12, 31, 23), (1, 3, 7), (1, 3, 8)]
            .map(|(month, day, hour)| holidays.contains(date(2026, month, day).at(hour, 0, 0, 0)));
        assert_eq!(found, [false, true, true, true, false]);
        assert!(!holidays.contains(midnight(2019, 1, 2)));
        let day = Event::yearly(midnight(2019, 2, 28), midnight(2019, 3, 1));
        assert!(day.contains(midnight(2024, 2, 28)) && !day.contains(midnight(2024, 2, 29)));
    }

    #[test]
    fn what_begins_on_29_february_comes_in_leap_years_alone() {
        let event = Event::yearly(midnight(1896, 2, 29), midnight(1896, 3, 1));
        for (year, is_leap) in
            [(1896, true), (1897, false), (1900, false), (1904, true), (2026, false), (2028, true)]
        {
            let days = midnight(year, 1, 1).date().series(1.day()).take_while(|day| day.year() == year);
            let within: Vec<Date> = days.filter(|day| event.contains(day.at(12, 0, 0, 0))).collect();
            assert_eq!(within, if is_leap { vec![date(year, 2, 29)] } else { vec![] }, "{year}");
        }
    }

    #[test]
    fn what_is_longer_than_a_year_never_ends_and_what_ends_before_it_begins_never_is() {
        let always = Event::yearly(midnight(1, 1, 1), midnight(9999, 12, 31));
        assert!(always.contains(midnight(2026, 5, 4)) && always.contains(midnight(1, 1, 1)));
        let leap = Event::yearly(midnight(2000, 2, 29), midnight(2009, 1, 1));
        assert!(
            midnight(2000, 2, 29)
                .date()
                .series(17.days())
                .take(900)
                .all(|day| leap.contains(day.at(1, 0, 0, 0)))
        );
        for event in [Event::yearly, Event::once].map(|make| make(midnight(2026, 5, 2), midnight(2026, 5, 1)))
        {
            assert!(![1, 2, 3].iter().any(|day| event.contains(midnight(2026, 5, *day))));
        }
    }

    #[test]
    fn a_time_that_is_left_out_neither_is_nor_ends_and_one_that_goes_on_over_it_does() {
        let [start, end] =
            [(2020, 12, 30), (2022, 1, 2)].map(|(year, month, day)| midnight(year, month, day));
        let long = Event::yearly(start, end);
        let but_once = long.without(date(2021, 12, 30)).unwrap();
        let is = |event: &Event| {
            [(2021, 6), (2022, 1), (2022, 6), (2023, 6)]
                .map(|(year, month)| event.contains(midnight(year, month, 1)))
        };
        assert_eq!((is(&long), is(&but_once)), ([true; 4], [true, true, false, true]));
        assert!(!but_once.ends(midnight(2022, 6, 1)).any(|end| end == midnight(2023, 1, 2)));
        for day in [date(2019, 12, 30), date(2021, 12, 31), date(2148, 12, 30)] {
            assert_eq!(long.without(day), None, "{day}");
        }
        assert!(long.without(date(2147, 12, 30)).is_some());
        assert_eq!(Event::once(start, end).without(start.date()), None);
    }

    #[test]
    fn whatever_its_length_a_yearly_event_is_what_its_times_say() {
        let mut random = numbers();
        for _ in 0..20_000 {
            let start = midnight(1990, 1, 1).saturating_add(i64::from(random() % 4_000).days());
            let end = start.saturating_add(i64::from(random() % 20_000).hours());
            let now = start.saturating_add(i64::from(random() % 200_000).hours());
            let event = Event::yearly(start, end);
            let times = (start.year()..=now.year()).filter_map(|year| {
                Date::new(year, start.month(), start.day()).ok().map(|day| day.to_datetime(start.time()))
            });
            let mut times = times.map(|time| (time, time.saturating_add(start.duration_until(end))));
            let expected = times.any(|(start, end)| start <= now && now < end);
            assert_eq!(event.contains(now), expected, "{event:?} at {now}");
        }
    }

    /// Numbers that are the same each time.
    fn numbers() -> impl FnMut() -> u32 {
        let mut state = 7_u64;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u32::try_from(state >> 33).unwrap()
        }
    }
}
