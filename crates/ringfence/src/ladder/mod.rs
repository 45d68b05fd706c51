//! A ladder: two lifelines, and a row for every message between them.
//!
//! ```text
//!             PBX                                                        softphone
//!    0.0 ms │ INVITE sip:858@127.0.0.1:5060  CSeq 1 ──────────────────────────▶ │
//!           │   from "Anna" <sip:+442079460123@127.0.0.1>                        │
//!    0.4 ms │ ◀──────────────────────────────────────── 486 Busy Here  CSeq 1    │
//!           │                          Warning: 399 ringfence "User reject"      │
//! ```
//!
//! Pure: text comes out, for 80 columns and with colours. What there is to say of a message is
//! [`Sketch`]'s business; whatever the network sent is shown without its control characters.

use std::time::Duration;

use anstyle::Style;
use ringfence_testing::{Sketch, Tone};

use crate::style::{BAD, CAUTION, DIM, GOOD, LEAD, STRONG, paint, width};
use crate::visible::{cut, visible};

/// A datagram that went from one side to the other.
#[derive(Debug, Clone)]
pub(crate) struct Message<'a> {
    /// When, counted from any moment that is the same for all messages of a ladder.
    pub(crate) at: Duration,
    pub(crate) direction: Direction,
    pub(crate) datagram: &'a [u8],
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the left to the right.
    Right,
    /// From the right to the left.
    Left,
}

/// A ladder under way: it knows its sides and when it began.
#[derive(Debug, Clone)]
pub(crate) struct Ladder {
    left: String,
    right: String,
    start: Option<Duration>,
}

/// What stands before the left lifeline: a time, right-aligned.
const GUTTER: usize = 10;
/// What fits between the lifelines.
const SPAN: usize = 66;
/// A header field is shown in at most so many rows.
const MOST_ROWS: usize = 3;

impl Ladder {
    /// Starts a ladder between two named sides.
    pub(crate) fn new(left: impl Into<String>, right: impl Into<String>) -> Self {
        Self { left: left.into(), right: right.into(), start: None }
    }

    /// Names other sides; the times go on.
    pub(crate) fn rename(&mut self, left: impl Into<String>, right: impl Into<String>) {
        (self.left, self.right) = (left.into(), right.into());
    }

    /// Returns the row with the names of the sides.
    pub(crate) fn head(&self) -> String {
        let left = cut(&visible(&self.left), SPAN / 2 - 2);
        let right = cut(&visible(&self.right), SPAN / 2 - 2);
        let gap = (SPAN + 2).saturating_sub(width(&left) + width(&right));
        format!("{:GUTTER$} {}{:gap$}{}\n", "", paint(STRONG, left), "", paint(STRONG, right))
    }

    /// Returns the rows of a message; times count from the first one.
    pub(crate) fn rows(&mut self, message: &Message<'_>) -> String {
        let start = *self.start.get_or_insert(message.at);
        let time = elapsed(message.at.saturating_sub(start));
        let sketch = Sketch::of(message.datagram);
        let (label, aside) = (visible(&sketch.label), visible(&sketch.aside));
        let mut rows = row(&time, &arrow(message.direction, style_of(sketch.tone), &label, &aside));
        for detail in &sketch.details {
            for line in wrap(&visible(detail), SPAN - 6).into_iter().take(MOST_ROWS) {
                rows.push_str(&row("", &beside(message.direction, &line)));
            }
        }
        rows
    }

    /// Returns a row that says what did not happen on the wire.
    pub(crate) fn remark(remark: &str) -> String {
        row("", &format!(" {}", paint(DIM, cut(&visible(remark), SPAN - 2))))
    }
}

/// Sets a body between the lifelines.
fn row(time: &str, body: &str) -> String {
    let bar = paint(DIM, '│');
    let gap = SPAN.saturating_sub(width(body));
    format!("{}{bar}{body}{:gap$}{bar}\n", paint(DIM, format_args!("{time:>GUTTER$} ")), "")
}

/// Draws an arrow with its label at the sender's end.
fn arrow(direction: Direction, style: Style, label: &str, aside: &str) -> String {
    let aside = if aside.is_empty() { String::new() } else { format!("  {aside}") };
    let label = cut(label, SPAN.saturating_sub(8 + width(&aside)));
    let shaft = SPAN.saturating_sub(4 + width(&label) + width(&aside));
    let shaft = "─".repeat(shaft);
    let text = format!("{}{}", paint(style, label), paint(DIM, aside));
    match direction {
        Direction::Right => format!(" {text} {}", paint(style, format_args!("{shaft}─▶"))),
        Direction::Left => format!("{} {text} ", paint(style, format_args!("◀─{shaft}"))),
    }
}

/// Sets a detail near its sender.
fn beside(direction: Direction, line: &str) -> String {
    match direction {
        Direction::Right => format!("   {}", paint(DIM, line)),
        Direction::Left => {
            let gap = SPAN.saturating_sub(width(line) + 3);
            format!("{:gap$}{}", "", paint(DIM, line))
        }
    }
}

/// Returns the colour of a message's arrow.
fn style_of(tone: Tone) -> Style {
    match tone {
        Tone::Request => LEAD,
        Tone::Provisional | Tone::KeepAlive => DIM,
        Tone::Success => GOOD,
        Tone::Redirection | Tone::Other => CAUTION,
        Tone::Failure => BAD,
    }
}

/// Returns a time as a person reads it.
pub(crate) fn elapsed(time: Duration) -> String {
    if time < Duration::from_millis(100) {
        format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
    } else if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

/// Breaks a text into lines of at most `most` characters, at a space where there is one.
pub(crate) fn wrap(text: &str, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        if width(&line) + width(word.trim_end()) > most && !line.is_empty() {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
        }
        line.push_str(word);
        while width(line.trim_end()) > most {
            // One that is wider than a whole line has that line.
            let ends = line.char_indices().map(|(start, letter)| start + letter.len_utf8());
            let mut fitting =
                ends.enumerate().take_while(|(index, end)| *index == 0 || width(&line[..*end]) <= most);
            let end = fitting.by_ref().last().map_or(line.len(), |(_, end)| end);
            let rest = line.split_off(end);
            lines.push(std::mem::replace(&mut line, rest));
        }
    }
    if !line.trim().is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

#[cfg(test)]
mod tests;
