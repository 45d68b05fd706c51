//! A line of text without colours, written straight into the line: `2026-11-28T09:30:00.123456Z  INFO call decided id="0.1" …`
//!
//! It reads as the subscriber's own format does, which takes ten times as many instructions for it. What it does not do is left
//! to that format: colours, and the spans that an event is in.

use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Debug, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::plain_text::is_plain;
use crate::second;

/// Writes an event as a line of text.
#[derive(Debug, Default)]
pub(super) struct Plain {
    otherwise: Format<Full>,
}

impl Plain {
    /// Takes the format for what it does not do itself: it is to show the same.
    pub(super) fn new(otherwise: Format<Full>) -> Self {
        Self { otherwise }
    }
}

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if writer.has_ansi_escapes() || context.lookup_current().is_some() {
            return self.otherwise.format_event(context, writer, event);
        }
        // Taken, for what is written may itself write to the log.
        let mut line = LINE.take();
        line.clear();
        write_time(&mut line, SystemTime::now());
        line.push_str(level(*event.metadata().level()));
        let mut fields = Fields { line: &mut line, written: Ok(()) };
        event.record(&mut fields);
        fields.written?;
        line.push('\n');
        let written = writer.write_str(&line);
        if line.capacity() <= MOST_KEPT {
            LINE.set(line);
        }
        written
    }
}

thread_local! {
    /// Where a line is put together: piece by piece it would go through a table of functions.
    static LINE: Cell<String> = const { Cell::new(String::new()) };
}

/// The room that is kept from one line to the next at most, in bytes.
const MOST_KEPT: usize = 4 * 1024;

/// Returns a level as wide as every other, between two spaces.
fn level(level: Level) -> &'static str {
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
    let (seconds, mut left) = (since.as_secs(), since.subsec_micros());
    let mut micros = *b".000000Z";
    for digit in micros[1..7].iter_mut().rev() {
        *digit = b"0123456789"[left as usize % 10];
        left /= 10;
    }
    second::with_text(i64::try_from(seconds).unwrap_or_default(), |text| line.push_str(text));
    line.push_str(str::from_utf8(&micros).unwrap_or_default());
}

/// Writes the fields of an event.
struct Fields<'a> {
    line: &'a mut String,
    written: fmt::Result,
}

impl Fields<'_> {
    /// Writes a field, unless it is one of those by which the `log` crate tells where an event comes from.
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut String) -> fmt::Result) {
        let name = field.name();
        if self.written.is_err() || name.starts_with("log.") {
            return;
        }
        self.name(name);
        self.written = write(self.line);
    }

    fn name(&mut self, name: &str) {
        self.line.push(' ');
        if name != MESSAGE {
            self.line.push_str(name.strip_prefix("r#").unwrap_or(name));
            self.line.push('=');
        }
    }
}

/// The name under which an event has its text.
const MESSAGE: &str = "message";

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let is_message = field.name() == MESSAGE;
        self.field(field, |line| {
            if is_message {
                return Escaping(line).write_str(value);
            }
            if !is_plain(value) {
                return write!(line, "{value:?}");
            }
            line.push('"');
            line.push_str(value);
            line.push('"');
            Ok(())
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |line| {
            line.push_str(itoa::Buffer::new().format(value));
            Ok(())
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let is_message = field.name() == MESSAGE;
        self.field(field, |line| {
            if is_message { write!(Escaping(line), "{value:?}") } else { write!(line, "{value:?}") }
        });
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let name = field.name();
        self.field(field, |line| {
            write!(Escaping(line), "{value}")?;
            let Some(first) = value.source() else { return Ok(()) };
            write!(line, " {name}.sources=[")?;
            write!(Escaping(line), "{first}")?;
            let mut source = first.source();
            while let Some(deeper) = source {
                line.push_str(", ");
                write!(Escaping(line), "{deeper}")?;
                source = deeper.source();
            }
            line.push(']');
            Ok(())
        });
    }
}

/// Writes what a terminal would take for a command as what stands for it in Rust.
struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
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
mod tests;
