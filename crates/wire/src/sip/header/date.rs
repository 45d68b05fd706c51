//! Date (RFC 3261 section 20.17).

use crate::sip::error::Fault;

/// A moment in GMT, as a Date header tells it.
///
/// ```
/// use ringfence_wire::sip::{Date, Fault};
///
/// let date = Date::parse(b"Sat, 13 Nov 2010 23:29:00 GMT")?;
/// assert_eq!((date.year, date.month, date.day), (2010, 11, 13));
/// assert_eq!(date.unix_seconds(), 1_289_690_940);
/// assert_eq!(Date::parse(b"Fri, 01 Jan 2010 16:00:00 EST"), Err(Fault::Date));
/// # Ok::<(), Fault>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// The year, four digits.
    pub year: u16,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The hour, to 23.
    pub hour: u8,
    /// The minute, to 59.
    pub minute: u8,
    /// The second, to 60: a leap second counts.
    pub second: u8,
}

const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const WEEKDAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];

impl Date {
    /// Reads an `rfc1123-date`: its form has no freedom but the case of letters. Whether the weekday fits
    /// the date is not checked.
    pub fn parse(value: &[u8]) -> Result<Self, Fault> {
        let [w0, w1, w2, b',', b' ', d0, d1, b' ', m0, m1, m2, b' ', rest @ ..] = value else {
            return Err(Fault::Date);
        };
        let [y0, y1, y2, y3, b' ', h0, h1, b':', n0, n1, b':', s0, s1, b' ', zone @ ..] = rest else {
            return Err(Fault::Date);
        };
        let is_name = |names: &[&[u8]], name: [u8; 3]| {
            names.iter().position(|candidate| candidate.eq_ignore_ascii_case(&name))
        };
        let month = is_name(&MONTHS, [*m0, *m1, *m2]).and_then(|index| u8::try_from(index + 1).ok());
        let date = Self {
            year: u16::from(two_digits(*y0, *y1)?) * 100 + u16::from(two_digits(*y2, *y3)?),
            month: month.ok_or(Fault::Date)?,
            day: two_digits(*d0, *d1)?,
            hour: two_digits(*h0, *h1)?,
            minute: two_digits(*n0, *n1)?,
            second: two_digits(*s0, *s1)?,
        };
        let is_valid = is_name(&WEEKDAYS, [*w0, *w1, *w2]).is_some()
            && zone.eq_ignore_ascii_case(b"GMT")
            && (1..=date.days_in_month()).contains(&date.day)
            && date.hour < 24
            && date.minute < 60
            && date.second <= 60;
        if is_valid { Ok(date) } else { Err(Fault::Date) }
    }

    /// Returns the seconds since 1970 began in GMT, negative before.
    #[must_use]
    pub fn unix_seconds(&self) -> i64 {
        // Days from civil: years begin in March, so that the leap day is the last of its year.
        let (year, month) = if self.month > 2 {
            (self.year.into(), self.month - 3)
        } else {
            (i64::from(self.year) - 1, self.month + 9)
        };
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let days =
            365 * year + leap_days + (153 * i64::from(month) + 2) / 5 + i64::from(self.day) - 1 - 719_468;
        ((days * 24 + i64::from(self.hour)) * 60 + i64::from(self.minute)) * 60 + i64::from(self.second)
    }

    fn days_in_month(self) -> u8 {
        let is_leap =
            self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        match self.month {
            2 => 28 + u8::from(is_leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

fn two_digits(tens: u8, ones: u8) -> Result<u8, Fault> {
    if tens.is_ascii_digit() && ones.is_ascii_digit() {
        Ok((tens - b'0') * 10 + (ones - b'0'))
    } else {
        Err(Fault::Date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_counted_from_1970() {
        for (date, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
            ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
            ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
            ("sun, 31 dec 9999 23:59:60 gmt", 253_402_300_800),
        ] {
            assert_eq!(Date::parse(date.as_bytes()).map(|date| date.unix_seconds()), Ok(seconds), "{date}");
        }
    }

    #[test]
    fn what_is_no_date_is_told() {
        for date in [
            "",
            "Sat, 13 Nov 2010 23:29:00",
            "Sat, 13 Nov 2010 23:29:00 UTC",
            "Sat, 13 Nov 10 23:29:00 GMT",
            "Sat 13 Nov 2010 23:29:00 GMT",
            "Xxx, 13 Nov 2010 23:29:00 GMT",
            "Sat, 13 Xxx 2010 23:29:00 GMT",
            "Sat, 1x Nov 2010 23:29:00 GMT",
            "Sat, 31 Nov 2010 23:29:00 GMT",
            "Mon, 29 Feb 2100 23:29:00 GMT",
            "Sat, 00 Nov 2010 23:29:00 GMT",
            "Sat, 13 Nov 2010 24:29:00 GMT",
            "Sat, 13 Nov 2010 23:60:00 GMT",
            "Sat, 13 Nov 2010 23:29:61 GMT",
        ] {
            assert_eq!(Date::parse(date.as_bytes()), Err(Fault::Date), "{date}");
        }
    }
}
