//! What verbs print: text with colours where they are wanted, JSON, tables, times.

use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use crate::style::{STRONG, paint, width};

/// Prints a text to the standard output.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Prints a value as one line of JSON.
pub(super) fn print_json(value: &impl Serialize) -> Result<()> {
    print(&format!("{}\n", serde_json::to_string(value)?))
}

/// Sets rows under their headings; the last column is not padded.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| width(heading)).collect();
    for row in rows {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = (*most).max(width(cell));
        }
    }
    let line = |cells: Vec<String>| {
        let mut line = String::new();
        for (cell, most) in cells.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(most + 2 - width(cell)));
        }
        format!("{}\n", line.trim_end())
    };
    let mut table = line(headings.iter().map(|heading| paint(STRONG, heading)).collect());
    rows.iter().for_each(|row| table.push_str(&line(row.clone())));
    table
}

/// Returns a span of time in its two largest units.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        (1, _, _) => format!("1 day {hours} h"),
        (_, _, _) => format!("{days} days {hours} h"),
    }
}

/// Returns how long one time is before another; none if it is not.
pub(super) fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    later.duration_since(earlier).try_into().unwrap_or_default()
}

/// Returns a time of day in the zone of the reader.
pub(super) fn clock(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string()
}

/// Returns a day in the zone of the reader.
pub(super) fn day(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d").to_string()
}

/// Returns a text without what would move a terminal's cursor: it may come from the network.
pub(super) fn visible(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '·' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_its_lines_end_with_text() {
        let rows = [vec!["home".to_owned(), "sip:858@pbx".to_owned()], vec!["a".to_owned(), String::new()]];
        let plain = anstream::adapter::strip_str(&table(&["LINE", "ADDRESS"], &rows)).to_string();
        assert_eq!(plain, "LINE  ADDRESS\nhome  sip:858@pbx\na\n");
    }

    #[test]
    fn spans_are_told_in_their_two_largest_units() {
        for (seconds, expected) in [
            (5, "5 s"),
            (65, "1 min 5 s"),
            (3_700, "1 h 1 min"),
            (90_000, "1 day 1 h"),
            (180_000, "2 days 2 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), expected);
        }
    }
}
