//! A line of text without colours, written straight into the line: `2026-11-28T09:30:00.123456Z  INFO call decided id="0.1" …`
//!
//! It reads as the subscriber's own format does, which takes ten times as many instructions for it. What it does not do is left
//! to that format: colours, and the spans that an event is in.

use std::error::Error;
use std::fmt::{self, Debug, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

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
        write_time(&mut writer, SystemTime::now())?;
        writer.write_str(level(*event.metadata().level()))?;
        let mut fields = Fields { writer, written: Ok(()) };
        event.record(&mut fields);
        fields.written?;
        fields.writer.write_char('\n')
    }
}

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
fn write_time(writer: &mut impl Write, at: SystemTime) -> fmt::Result {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (seconds, mut left) = (since.as_secs(), since.subsec_micros());
    let mut micros = *b".000000Z";
    for digit in micros[1..7].iter_mut().rev() {
        *digit = b"0123456789"[left as usize % 10];
        left /= 10;
    }
    second::with_text(i64::try_from(seconds).unwrap_or_default(), |text| writer.write_str(text))?;
    writer.write_str(str::from_utf8(&micros).unwrap_or_default())
}

/// Writes the fields of an event.
struct Fields<'a> {
    writer: Writer<'a>,
    written: fmt::Result,
}

impl Fields<'_> {
    /// Writes a field, unless it is one of those by which the `log` crate tells where an event comes from.
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let name = field.name();
        if self.written.is_err() || name.starts_with("log.") {
            return;
        }
        self.written = self.named(name).and_then(|()| write(&mut self.writer));
    }

    fn named(&mut self, name: &str) -> fmt::Result {
        self.writer.write_char(' ')?;
        if name == MESSAGE {
            return Ok(());
        }
        self.writer.write_str(name.strip_prefix("r#").unwrap_or(name))?;
        self.writer.write_char('=')
    }
}

/// The name under which an event has its text.
const MESSAGE: &str = "message";

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let is_message = field.name() == MESSAGE;
        self.field(field, |writer| {
            if is_message {
                return Escaping(writer).write_str(value);
            }
            if !is_plain(value) {
                return write!(writer, "{value:?}");
            }
            writer.write_char('"')?;
            writer.write_str(value)?;
            writer.write_char('"')
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let is_message = field.name() == MESSAGE;
        self.field(field, |writer| {
            if is_message { write!(Escaping(writer), "{value:?}") } else { write!(writer, "{value:?}") }
        });
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let name = field.name();
        self.field(field, |writer| {
            write!(Escaping(writer), "{value}")?;
            let Some(first) = value.source() else { return Ok(()) };
            write!(writer, " {name}.sources=[")?;
            write!(Escaping(writer), "{first}")?;
            let mut source = first.source();
            while let Some(deeper) = source {
                writer.write_str(", ")?;
                write!(Escaping(writer), "{deeper}")?;
                source = deeper.source();
            }
            writer.write_char(']')
        });
    }
}

/// Tells whether a text reads the same between quotation marks.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

/// Writes what a terminal would take for a command as what stands for it in Rust.
struct Escaping<'a, 'b>(&'a mut Writer<'b>);

impl Write for Escaping<'_, '_> {
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
