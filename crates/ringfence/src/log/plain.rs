//! An event as a line of text without colours, written straight into the line.
//!
//! It reads as the subscriber's own format does, which takes ten times as many instructions for it. What it does not do is left
//! to that format: colours, and the spans that an event is in.

use std::error::Error;
use std::fmt::{self, Debug, Write};
use std::time::SystemTime;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::leveled::Leveled;
use super::line::{Head, Line, MESSAGE};

/// Writes an event as a line of text.
#[derive(Debug)]
pub(super) struct Plain {
    otherwise: Leveled<Format<Full>>,
    head: Head,
}

impl Plain {
    /// Takes the format for what it does not do itself: it is to show the same.
    pub(super) fn new(otherwise: Format<Full>, head: Head) -> Self {
        Self { otherwise: Leveled(otherwise), head }
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
        let level = *event.metadata().level();
        if writer.has_ansi_escapes() || context.lookup_current().is_some() {
            return match self.head {
                Head::Time => self.otherwise.0.format_event(context, writer, event),
                Head::Priority => self.otherwise.format_event(context, writer, event),
            };
        }
        let mut line = Line::begin(self.head, SystemTime::now(), level);
        let mut fields = Fields { line: &mut line, written: Ok(()) };
        event.record(&mut fields);
        fields.written?;
        let written = writer.write_str(line.ended());
        line.reuse();
        written
    }
}

/// Writes the fields of an event.
struct Fields<'a> {
    line: &'a mut Line,
    written: fmt::Result,
}

impl Fields<'_> {
    /// Writes a field, unless it is one of those by which the `log` crate tells where an event comes from.
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut Line, &str) -> fmt::Result) {
        let name = field.name();
        if self.written.is_ok() && !name.starts_with("log.") {
            self.written = write(self.line, name.strip_prefix("r#").unwrap_or(name));
        }
    }
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |line, name| {
            match name {
                MESSAGE => line.message(value),
                _ => line.text(name, value),
            }
            Ok(())
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |line, name| {
            line.number(name, value);
            Ok(())
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field, |line, name| {
            line.name(name);
            match name {
                MESSAGE => write!(line.escaping(), "{value:?}"),
                _ => write!(line.raw(), "{value:?}"),
            }
        });
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.field(field, |line, name| {
            line.name(name);
            write!(line.escaping(), "{value}")?;
            let Some(first) = value.source() else { return Ok(()) };
            write!(line.raw(), " {}.sources=[", field.name())?;
            write!(line.escaping(), "{first}")?;
            let mut source = first.source();
            while let Some(deeper) = source {
                line.raw().push_str(", ");
                write!(line.escaping(), "{deeper}")?;
                source = deeper.source();
            }
            line.raw().push(']');
            Ok(())
        });
    }
}

#[cfg(test)]
pub(super) mod tests;
