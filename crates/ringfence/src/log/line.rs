//! One line of text without colours while it is written: `2026-11-28T09:30:00.123456Z  INFO call decided id="0.1" …`

use std::cell::Cell;
use std::fmt::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::Level;

use super::journal;
use crate::plain_text::is_plain;
use crate::second;

/// A line that is being written. Who is done with it keeps its room for the next one.
#[derive(Debug)]
pub(crate) struct Line {
    text: String,
    /// What it is worth, where a journal is told.
    worth: Option<Level>,
}

/// What a line begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// Its time and level.
    Time,
    /// What it is worth and its level, for a journal that has its time.
    Priority,
}

thread_local! {
    /// Where a line is put together: piece by piece it would go through a table of functions.
    static ROOM: Cell<String> = const { Cell::new(String::new()) };
}

/// The room that is kept from one line to the next at most, in bytes.
const MOST_KEPT: usize = 4 * 1024;
/// The name under which a line has what it says.
pub(super) const MESSAGE: &str = "message";

impl Line {
    /// Begins a line of this time and level.
    pub(super) fn begin(head: Head, at: SystemTime, level: Level) -> Self {
        // Taken, for what is written may itself write to the log.
        let mut text = ROOM.take();
        text.clear();
        match head {
            Head::Time => {
                write_time(&mut text, at);
                text.push_str(name(level));
                Self { text, worth: None }
            }
            Head::Priority => {
                text.push_str(journal::priority(level));
                text.push_str(name(level).trim_start());
                Self { text, worth: Some(level) }
            }
        }
    }

    /// Writes what the line says.
    pub(crate) fn message(&mut self, message: &str) {
        self.text.push(' ');
        // To write to a string cannot fail.
        let _ = self.escaping().write_str(message);
    }

    /// Writes a field that is a text. It is inlined, as is what follows, where the name is known: a word is stored faster than
    /// copied.
    #[inline]
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        if is_plain(value) {
            self.text.extend([" ", name, "=\"", value, "\""]);
        } else {
            self.name(name);
            let _ = write!(self.text, "{value:?}");
        }
    }

    /// Writes a field that is a text of pieces, each of which reads the same between quotation marks.
    #[inline]
    pub(crate) fn plain_text(&mut self, name: &str, [begin, middle, end]: [&str; 3]) {
        self.text.extend([" ", name, "=\"", begin, middle, end, "\""]);
    }

    /// Writes a field that is a whole number.
    #[inline]
    pub(crate) fn number(&mut self, name: &str, value: u64) {
        self.text.extend([" ", name, "=", itoa::Buffer::new().format(value)]);
    }

    /// Begins a field, or what the line says.
    pub(super) fn name(&mut self, name: &str) {
        self.text.push(' ');
        if name != MESSAGE {
            self.text.extend([name, "="]);
        }
    }

    /// Returns where a value is written that needs no mending.
    pub(super) fn raw(&mut self) -> &mut String {
        &mut self.text
    }

    /// Returns where a value is written that may have anything in it.
    pub(super) fn escaping(&mut self) -> Escaping<'_> {
        Escaping(&mut self.text)
    }

    /// Ends the line, and returns it. For a journal each line of a message that has several is one of the same worth.
    pub(super) fn ended(&mut self) -> &str {
        if let Some(level) = self.worth.filter(|_| self.text.contains('\n')) {
            self.text = journal::leveled(level, &self.text[journal::priority(level).len()..]);
        } else {
            self.text.push('\n');
        }
        &self.text
    }

    /// Keeps the room for the next line.
    pub(super) fn reuse(self) {
        if self.text.capacity() <= MOST_KEPT {
            ROOM.set(self.text);
        }
    }
}

/// Returns a level as wide as every other, between two spaces.
fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => " ERROR",
        Level::WARN => "  WARN",
        Level::INFO => "  INFO",
        Level::DEBUG => " DEBUG",
        Level::TRACE => " TRACE",
    }
}

/// Writes a time to the microsecond.
fn write_time(line: &mut String, at: SystemTime) {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    second::with_text(i64::try_from(since.as_secs()).unwrap_or_default(), |text| line.push_str(text));
    // Six digits behind one that makes them so many.
    let mut digits = itoa::Buffer::new();
    let micros = digits.format(1_000_000 + since.subsec_micros()).get(1..).unwrap_or_default();
    line.extend([".", micros, "Z"]);
}

/// Writes what a terminal would take for a command as what stands for it in Rust.
pub(super) struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if is_plain(text) || text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|letter| match letter {
            '\x1b' | '\x07' | '\x08' | '\x0c' | '\x7f' => write!(self.0, "\\x{:02x}", u32::from(letter)),
            '\u{80}'..='\u{9f}' => write!(self.0, "\\u{{{:x}}}", u32::from(letter)),
            _ => self.0.write_char(letter),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_has_all_its_digits_whatever_second_was_written_before() {
        let at = |micros| {
            let mut text = String::new();
            write_time(&mut text, UNIX_EPOCH + Duration::from_micros(micros));
            text
        };
        assert_eq!(at(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(at(1_795_858_200_000_042), "2026-11-28T09:30:00.000042Z");
        assert_eq!(at(1_795_858_200_999_999), "2026-11-28T09:30:00.999999Z");
        assert_eq!(at(1_795_858_201_000_000), "2026-11-28T09:30:01.000000Z");
    }
}
